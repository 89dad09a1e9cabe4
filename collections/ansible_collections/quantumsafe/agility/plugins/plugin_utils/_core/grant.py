"""What an installed agent may do for a service (docs/least-privilege.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Grant:
    """All that a change of this service may come to: an agent that is installed for an account of least privilege refuses the rest.

    folders: where its files are.  creates: names of files that it creates.  header: a comment line that it writes.
    says: the directives that it writes, lower or upper case, a blank between two words ("ssl_conf_command Groups").
    value: ERE of what follows one of them.  ends: what ends it: ";", or "" = the line.
    units, sockets, actions, checks: what its activations may hold.
    """

    folders: tuple[str, ...]
    says: tuple[str, ...]
    value: str
    ends: Literal["", ";"]
    units: tuple[str, ...]
    checks: tuple[tuple[str, ...], ...]
    sockets: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("reload",)
    creates: tuple[str, ...] = ()
    header: str = ""
