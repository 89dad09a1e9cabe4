"""Whether a ledger is whole: no byte changed, no entry gone, added, moved or repeated, no end cut off, no run taken out.

Trust runs backwards: a signed head vouches for the last line of its chain, that line for the one before it, and the first for what other chains
said when the run began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .canonical import digest
from .chain import FIRST, Head, begins, read_entry, read_head
from .signing import Public, wrong


@dataclass(frozen=True, slots=True)
class Held:
    """A chain as it lies there.  head: None = none is there."""

    name: str
    data: bytes
    head: bytes | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """entry: which is the first that cannot be relied on; 0 = the head."""

    chain: str
    entry: int
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where or self.chain}: {f'entry {self.entry}' if self.entry else 'its head'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A chain that was read.  digests: of each of its lines.  notes: what a crash left, and what could not be checked."""

    name: str
    entries: tuple[dict[str, Any], ...] = ()
    digests: tuple[str, ...] = ()
    head: Head | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    chains: tuple[Seen, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.faults


def verify(helds: Iterable[Held], pinned: Sequence[Public] = (), expected: Iterable[str] = ()) -> Verdict:
    """pinned: whose signatures count; without one nobody's are checked.  expected: heads that somebody kept elsewhere (SHA-256 of an entry)."""
    seen = [inspect(held, pinned) for held in helds if held.data or held.head is not None]
    chains, copies = _united(seen)
    faults = [fault for one in seen for fault in one.faults] + copies
    whole = [one for one in chains if not one.faults]
    faults += [fault for one in whole for fault in _links(one, {other.name: other for other in chains})]
    there = {text for one in chains for text in one.digests}
    faults += [Fault("ledger", 0, f"no entry has the expected digest {text}: it was put back") for text in expected if text not in there]
    notes = [note for one in seen for note in one.notes]
    notes += [] if pinned else ["no signature was checked, for no public key was given: whoever can write here could have written all of it anew"]
    return Verdict(tuple(chains), tuple(faults), tuple(notes))


def inspect(held: Held, pinned: Sequence[Public] = ()) -> Seen:
    """One chain by itself."""
    head, why = _head(held, pinned)
    data, notes = held.data, []
    if head and begins(head) <= len(data) < head.size and (last := head.last.encode() + b"\n").startswith(data[begins(head) :]):
        notes.append(f"{held.where or held.name}: a writer was killed at entry {head.count}; its head holds what it wrote whole, nothing is lost")
        data = data[: begins(head)] + last
    *whole, rest = data.split(b"\n")
    lines = [line + b"\n" for line in whole]
    entries: list[dict[str, Any]] = []

    def seen(*fault: Fault) -> Seen:
        return Seen(held.name, tuple(entries), tuple(map(digest, lines)), head, fault, tuple(notes))

    def broken(entry: int, what: str) -> Seen:
        return seen(Fault(held.name, entry, what, held.where))

    for number, line in enumerate(lines, 1):
        try:
            entry = read_entry(line)
        except ValueError as error:
            return broken(number, f"it cannot be read: {error}")
        if (entry.get("chain"), entry.get("number")) != (held.name, number):
            return broken(number, f"in its place stands entry {entry.get('number')} of {entry.get('chain')}")
        entries.append(entry)
    if head is None or why:
        return broken(0, why)
    wrong_at, what = _parts(head, lines, rest, [entry["previous"] for entry in entries])
    return broken(wrong_at, what) if what else seen()


def _parts(head: Head, lines: Sequence[bytes], rest: bytes, previous: Sequence[str]) -> tuple[int, str]:
    """Where the lines part from what the head vouches for, and how; "" = nowhere."""
    if len(lines) < head.count:
        return len(lines) + 1, f"the entries from here to {head.count} are missing"
    if len(lines) > head.count or rest:
        return head.count + 1, "it was added behind what was signed"
    named, by = head.digest, "its head"
    for number in range(len(lines), 0, -1):
        if digest(lines[number - 1]) != named:
            return number, f"it is not what {by} says it was"
        named, by = previous[number - 1], f"entry {number}"
    return 1, "" if named == FIRST else "it names one before it"


def _head(held: Held, pinned: Sequence[Public]) -> tuple[Head | None, str]:
    """The head, and what is wrong with it."""
    if held.head is None:
        return None, "it is missing, so nobody knows whether this is all"
    try:
        head = read_head(held.head)
    except ValueError as error:
        return None, f"it cannot be read: {error}"
    if head.chain != held.name:
        return None, f"it is that of {head.chain}"
    return head, wrong(head, pinned) if pinned else ""


def _united(seen: Sequence[Seen]) -> tuple[list[Seen], list[Fault]]:
    """Of the copies of a chain the longest that is sound, and whether the others are what it was before."""
    kept: dict[str, Seen] = {}
    faults = []
    for one in sorted(seen, key=lambda one: (not one.faults, len(one.digests)), reverse=True):
        best = kept.setdefault(one.name, one)
        if best is not one and not one.faults and one.digests != best.digests[: len(one.digests)]:
            parted = next(n for n, (mine, other) in enumerate(zip(one.digests, best.digests, strict=False), 1) if mine != other)
            faults.append(Fault(one.name, parted, "two copies of it differ from here on"))
    return [kept[name] for name in sorted(kept)], faults


def _links(one: Seen, chains: dict[str, Seen]) -> list[Fault]:
    """What the first entry saw of other chains is still there."""
    faults = []
    for link in one.entries[0].get("saw", ()):
        name, count, wanted = link["chain"], link["count"], link["digest"]
        other = chains.get(name)
        if other is None:
            faults.append(Fault(name, 1, f"the whole chain is missing; {one.name} saw {count} entries of it"))
        elif not other.faults and other.digests[count - 1 : count] != (wanted,):
            what = "are missing" if len(other.digests) < count else "are not what was there"
            faults.append(Fault(name, min(len(other.digests) + 1, count), f"the entries up to {count} {what} when {one.name} began"))
    return faults
