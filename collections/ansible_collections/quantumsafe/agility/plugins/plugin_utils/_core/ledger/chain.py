"""One chain: the entries of one run, a line each, each naming the SHA-256 of the line before it; and its head, which is signed.

The head is written before its lines and holds them, so a writer that is killed at any moment leaves either both, or a head from which the
lines are taken.  What stands behind the last line that a head names was written by nobody of ours.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .canonical import canonical, digest

FORMAT = 1
FIRST = "0" * 64  # what the first entry names as the one before it


@dataclass(frozen=True, slots=True)
class Signature:
    """key: SHA-256 of the public key (SubjectPublicKeyInfo, DER)."""

    algorithm: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """digest: of the last line with its line end.  size: of the chain in bytes.  last: what was written last, mostly one line, without its end.

    lacking: why a signature that belongs here could not be made.
    """

    chain: str
    count: int
    digest: str
    size: int
    last: str
    lacking: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()

    @property
    def statement(self) -> bytes:
        """What is signed."""
        facts = {"format": FORMAT, "chain": self.chain, "count": self.count, "digest": self.digest, "size": self.size, "lacking": self.lacking}
        return canonical(facts)

    @property
    def text(self) -> bytes:
        """The file.  The statement is a text in it, so that what is signed can be taken out byte for byte."""
        signatures = spelled_signatures(self.signatures)
        return canonical({"statement": self.statement.decode(), "last": self.last, "signatures": signatures}) + b"\n"


def spelled_signatures(signatures: Iterable[Signature]) -> list[dict[str, str]]:
    return [{"algorithm": s.algorithm, "key": s.key, "value": base64.b64encode(s.value).decode()} for s in signatures]


def read_signatures(data: Iterable[Mapping[str, str]]) -> tuple[Signature, ...]:
    """Raises what read_head() catches."""
    return tuple(Signature(one["algorithm"], one["key"], base64.b64decode(one["value"], validate=True)) for one in data)


def following(head: Head | None, chain: str, *told: Mapping[str, Any]) -> Head:
    """The head, unsigned yet, that holds further entries, one or more.  Raises ValueError."""
    count, previous, size = (head.count, head.digest, head.size) if head else (0, FIRST, 0)
    lines = b""
    for facts in told:
        count += 1
        line = canonical({**facts, "chain": chain, "number": count, "previous": previous}) + b"\n"
        lines, previous = lines + line, digest(line)
    return Head(chain, count, previous, size + len(lines), lines.decode().removesuffix("\n"))


def read_head(data: bytes) -> Head:
    """Raises ValueError for what is no head, or not spelled as one."""
    try:
        outer = json.loads(data)
        said = json.loads(outer["statement"])
        signed = read_signatures(outer["signatures"])
        head = Head(said["chain"], said["count"], said["digest"], said["size"], outer["last"], tuple(said["lacking"]), signed)
        typed = all(isinstance(number, int) and not isinstance(number, bool) for number in (head.count, head.size)) and isinstance(head.chain, str)
        sound = typed and head.text == data and digest(head.last.rpartition("\n")[2].encode() + b"\n") == head.digest
    except (KeyError, TypeError, AttributeError, RecursionError, binascii.Error, UnicodeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not sound:
        raise ValueError("it does not agree with itself")
    return head


def read_entry(line: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    try:
        entry = json.loads(line)
    except (RecursionError, UnicodeError) as error:
        raise ValueError(str(error)) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("previous"), str):
        raise ValueError("it is no entry")
    return entry


def unfinished(head: Head | None, size: int, tail: bytes) -> bytes:
    """What a writer must put where `begins(head)` says before it goes on: nothing, or the lines whose writer was killed.

    size: of the chain; tail: what is there from `begins(head)` on.  Raises ValueError for what no crash of a writer leaves.
    """
    whole = head.last.encode() + b"\n" if head else b""
    if size < begins(head) or not whole.startswith(tail):
        raise ValueError("it is not what its head says")
    return b"" if tail == whole else whole


def begins(head: Head | None) -> int:
    """Where that begins which was written last."""
    return head.size - len(head.last.encode()) - 1 if head else 0
