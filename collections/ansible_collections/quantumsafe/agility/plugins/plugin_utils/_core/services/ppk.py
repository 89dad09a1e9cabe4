"""What the PPK (RFC 8784) of one connection is at one end, whichever daemon it is of: which id it names, which secrets are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from ..model import Activation, Change, File

NOTHING = "nothing was changed"
MADE = "# made by quantumsafe.agility, in place of "
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,100}")  # ours, and whatever may be named in a comment without being taken for a secret


@dataclass(frozen=True, slots=True)
class Secret:
    """One of a file.  name: where its daemon names it; ids: whom it is for; replaces: in a file of ours, the id of before ("" = there was none); else
    None."""

    name: str
    ids: tuple[str, ...]
    file: File
    line: int
    count: int
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a new secret goes: as targets/keyed.py writes it."""

    path: str
    sha256: str
    line: int
    delete: int
    lead: str
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Writes:
    """What a daemon's ends are changed by.  added: where a new secret of this id goes, in place of that one.  asking: the connection names this id
    ("" = none), and insists or not; the secrets of the id `without` go.  leaving: which those are.  All of them raise Problem."""

    added: Callable[[Any, str, str], Slot]
    asking: Callable[..., tuple[Change, ...]]
    leaving: Callable[[Any, str], tuple[Secret, ...]]


class End(Protocol):
    """id: that its connection names when it begins, "" = none.  secrets: all that are there; mine: those of them in our file, the newest last.

    shared: its connection takes anybody, so it is that of other ends, too, and stays as it is.
    takes_any: asked by the other end it takes whichever id it has a secret for, whatever it names itself (pluto).
    children: names of what carries its packets, as far as they may lack another end.
    """

    @property
    def host(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def secrets(self) -> tuple[Secret, ...]: ...
    @property
    def mine(self) -> tuple[Secret, ...]: ...
    @property
    def shared(self) -> bool: ...
    @property
    def takes_any(self) -> bool: ...
    @property
    def children(self) -> tuple[str, ...]: ...
    @property
    def path(self) -> str: ...
    @property
    def writes(self) -> Writes: ...
    def activation(self, paths: Collection[str]) -> Activation: ...
