"""What must be true after any fault: as it was to the last attribute, or new and confirmed; nothing of ours left; the daemon runs with it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .machine import Machine


@dataclass(frozen=True, slots=True)
class One:
    """One file: all that must come back with it, but for the inode and the times that a look changes."""

    content: bytes
    mode: int
    owner: tuple[int, int]
    mtime: int
    links: int
    attributes: tuple[tuple[str, bytes], ...]

    def same_but_times(self, other: One) -> bool:
        return (self.content, self.mode, self.owner, self.attributes) == (other.content, other.mode, other.owner, other.attributes)


Facts = dict[str, One | None]


def one(path: Path) -> One | None:
    try:
        s = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(s.st_mode):
        return One(b"", s.st_mode, (s.st_uid, s.st_gid), 0, 0, (("no regular file", b""),))
    attributes = tuple(sorted((name, os.getxattr(path, name)) for name in os.listxattr(path)))
    return One(path.read_bytes(), s.st_mode, (s.st_uid, s.st_gid), s.st_mtime_ns, s.st_nlink, attributes)


def look(machine: Machine) -> Facts:
    return {name: one(machine.root / name) for name in machine.files}


def is_old(now: Facts, old: Facts) -> str:
    """ "" or the first file that is not as it was."""
    for name, was in old.items():
        if (now[name] is None) != (was is None) or (was and _without_links(now[name]) != _without_links(was)):
            return name
    return ""


def is_new(now: Facts, new: Facts) -> str:
    for name, wanted in new.items():
        have = now[name]
        if (have is None) != (wanted is None) or (have and wanted and not have.same_but_times(wanted)):
            return name
    return ""


def _without_links(file: One | None) -> tuple[object, ...] | None:
    return (file.content, file.mode, file.owner, file.mtime, file.attributes) if file else None


def journal(machine: Machine, id_: str) -> list[str]:
    """The states of its whole lines."""
    path = machine.state / "tx" / id_ / "journal"
    if not path.exists():
        return []
    words = [line.split() for line in path.read_bytes().decode("utf-8", "replace").splitlines()]
    return [word[1] for word in words if len(word) >= 3 and word[0].isdigit()]


def settled(machine: Machine, id_: str, old: Facts, new: Facts) -> list[str]:
    """The targets alone: no third state."""
    now, states = look(machine), journal(machine, id_)
    not_old, not_new = is_old(now, old), is_new(now, new)
    if not_old and not_new:
        return [f"a third state (journal {states[-3:]}): {not_old} is not as it was, {not_new} is not as planned"]
    if not_old and "CONFIRMED" not in states:
        return [f"new without a confirmation (journal {states[-3:]})"]
    return []


def leftovers(machine: Machine) -> list[str]:
    """Whatever of ours is outside our own folder."""
    found = [path for path in (machine.root / "etc").rglob("*") if ".ca-" in path.name or path.name.startswith("crypto-agility")]
    return [f"left behind: {path.relative_to(machine.root)}" for path in sorted(found)]


def ended(machine: Machine, id_: str, old: Facts, new: Facts) -> list[str]:
    """The whole invariant, once somebody had the time to recover."""
    bad = settled(machine, id_, old, new) + leftovers(machine)
    states = journal(machine, id_)
    last = states[-1] if states else "ABSENT"
    now_new = not is_new(look(machine), new)
    if last not in ("CLEANED", "REVERTED", "REFUSED", "ABSENT"):
        bad.append(f"unfinished: the journal ends with {last}")
    elif (last == "CLEANED") != now_new:
        bad.append(f"the journal says {last}, the files say otherwise")
    if "CONFIRMED" in states and "REVERTED" in states:
        bad.append(f"confirmed and reverted: {states}")
    for name in ("lock", "lock.break"):
        if os.path.lexists(machine.state / name) and lives(str((machine.state / name).readlink())):
            bad.append(f"a {name} of a living process remains")  # that of a dead one is broken by whoever comes next
    for name, file in look(machine).items():
        if file and file.links != 1 and not now_new:
            bad.append(f"{name} has {file.links} links")
    return bad + served(machine)


def lives(owner: str) -> bool:
    """Whether that very process runs: numbers come again soon when so many processes start."""
    pid, started = owner.split(":")[:2]
    try:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] != "Z" and fields[19] == started


def served(machine: Machine) -> list[str]:
    """The daemon runs with what is on the disk."""
    before = (machine.root / "daemon/loaded").read_bytes()
    machine.load()
    return [] if (machine.root / "daemon/loaded").read_bytes() == before else ["the daemon runs with other files than those on the disk"]
