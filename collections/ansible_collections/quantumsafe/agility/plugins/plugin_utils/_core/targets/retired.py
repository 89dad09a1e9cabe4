"""Keys that a confirmed change took out of use: what the host wrote down of them, and their end.  The other side of agent/retired.sh.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .answer import _name, heard
from .script import Message, Words, script_of


@dataclass(frozen=True, slots=True)
class Retired:
    """sha256: of the file; public: of the public half (SubjectPublicKeyInfo), "" = it could not be read."""

    transaction: str
    sha256: str
    public: str
    path: str


@dataclass(frozen=True, slots=True)
class Ended:
    """did: "shredded", "removed" where the host has no shred."""

    transaction: str
    did: str
    public: str
    path: str


def parse_retired(output: str, nonce: str) -> tuple[Retired, ...]:
    """What a confirmation wrote down; or of `recover`, what is due, for its transaction is forgotten."""
    rows = [(id_, *line.split(" ", 2)) for letter, id_, content in heard(output, nonce) if letter == "W" for line in content if line]
    return tuple(Retired(id_, sha256, _word(public), _name(name)) for id_, sha256, public, name in rows)


def compose_end_retired(unnamed: Mapping[str, Words], nonce: str) -> Message:
    """unnamed: by transaction, the keys that nothing names which the controller reads."""
    return script_of(nonce, [("ca_end_retired", id_, *paths) for id_, paths in unnamed.items()])


def parse_ended(output: str, nonce: str) -> tuple[Ended, ...]:
    """Raises NoAnswer; Problem when the host did nothing."""
    rows = [rest.split(" ", 3) for letter, rest, dummy in heard(output, nonce) if letter == "X"]
    return tuple(Ended(id_, did, _word(public), _name(name)) for id_, did, public, name in rows)


def _word(text: str) -> str:
    return "" if text == "-" else text
