"""A file system that keeps after a crash only what was synced, and any part of the rest.  Pure but for look() and write().

Rules (POSIX, no more): fsync of a file keeps its content and metadata, not its name; fsync of a folder keeps its names, not what they
name; one call on names (a rename, a link) happens whole or not at all; everything else may be lost or kept by itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Meta = tuple[int, int, int, int, tuple[tuple[str, bytes], ...]]  # mode with type, uid, gid, mtime, attributes
Name = tuple[int, str]  # folder, name in it


@dataclass
class Disk:
    """names: what each folder holds; content: of files and links; roots: where trees hang, which are there for good."""

    roots: dict[str, int] = field(default_factory=dict)
    names: dict[Name, int] = field(default_factory=dict)
    content: dict[int, bytes] = field(default_factory=dict)
    meta: dict[int, Meta] = field(default_factory=dict)

    def copy(self) -> Disk:
        return Disk(self.roots, dict(self.names), dict(self.content), dict(self.meta))


@dataclass(frozen=True, slots=True)
class Change:
    """What one call did, as one thing that a crash keeps or loses.  names: None = no longer there."""

    names: tuple[tuple[Name, int | None], ...] = ()
    content: tuple[int, bytes] | None = None
    meta: tuple[int, Meta] | None = None

    def on(self, disk: Disk) -> None:
        for name, inode in self.names:
            if inode is None:
                disk.names.pop(name, None)
            else:
                disk.names[name] = inode
        if self.content:
            disk.content[self.content[0]] = self.content[1]
        if self.meta:
            disk.meta[self.meta[0]] = self.meta[1]

    def kept_by(self, inode: int) -> bool:
        """Whether fsync of that inode makes it last."""
        return any(name[0] == inode for name, dummy in self.names) or any(part and part[0] == inode for part in (self.content, self.meta))


def look(root: Path, trees: Sequence[str]) -> Disk:
    """The disk as a process sees it now."""
    disk, started = Disk(), time.time_ns() - 10**9 * 86400

    def visit(path: str) -> int:
        s = os.lstat(path)
        inode = s.st_ino
        if stat.S_ISDIR(s.st_mode):
            for entry in Path(path).iterdir():
                try:
                    disk.names[inode, entry.name] = visit(str(entry))
                except FileNotFoundError:
                    continue
        elif stat.S_ISLNK(s.st_mode):
            disk.content[inode] = bytes(Path(path).readlink())
        else:
            disk.content[inode] = Path(path).read_bytes()
        attributes = () if stat.S_ISLNK(s.st_mode) else tuple((name, os.getxattr(path, name)) for name in sorted(os.listxattr(path)))
        # A time of this run is any time; of a file that was there before it is a part of what must come back.
        mtime = 0 if stat.S_ISDIR(s.st_mode) or s.st_mtime_ns > started else s.st_mtime_ns
        disk.meta[inode] = (s.st_mode, s.st_uid, s.st_gid, mtime, attributes)
        return inode

    for tree in trees:
        disk.roots[tree] = visit(str(root / tree))
    return disk


def difference(before: Disk, after: Disk) -> list[Change]:
    """What happened between two looks: names as one, then contents, then metadata."""
    out = []
    names: list[tuple[Name, int | None]] = [(name, inode) for name, inode in after.names.items() if before.names.get(name) != inode]
    names += [(name, None) for name in before.names if name not in after.names]
    if names:
        out.append(Change(names=tuple(names)))
    for inode, content in after.content.items():
        if before.content.get(inode, b"") != content:
            out.append(Change(content=(inode, content)))
    out += [Change(meta=(inode, meta)) for inode, meta in after.meta.items() if inode in before.meta and before.meta[inode] != meta]
    return out


@dataclass
class Trace:
    """A run, call by call: `lasting` is what any crash keeps, `open` what it may lose."""

    lasting: Disk
    seen: Disk
    open: list[Change] = field(default_factory=list)
    tried: set[frozenset[int]] = field(default_factory=set)

    @classmethod
    def start(cls, disk: Disk) -> Trace:
        return cls(disk.copy(), disk)

    def see(self, now: Disk) -> None:
        for inode, meta in now.meta.items():
            if inode not in self.seen.meta:  # a new inode is whole with its first name, but empty
                self.lasting.meta[inode] = meta
                self.lasting.content.setdefault(inode, now.content[inode] if stat.S_ISLNK(meta[0]) else b"") if inode in now.content else None
        self.open += [change for change in difference(self.seen, now) if not self._link_text(change, now)]
        self.seen = now

    @staticmethod
    def _link_text(change: Change, now: Disk) -> bool:
        return bool(change.content and change.content[0] in now.meta and stat.S_ISLNK(now.meta[change.content[0]][0]))

    def sync(self, inode: int | None) -> None:
        """fsync of that inode, or of everything."""
        left: list[Change] = []
        self.tried = set()
        for change in self.open:
            if inode is None or change.kept_by(inode):
                change.on(self.lasting)
            else:
                left.append(change)
        self.open = left

    def crashes(self) -> Iterator[Disk]:
        """What a crash here may leave: nothing of what is open, all, each one alone lost or kept, each first part, a torn last write."""
        count = len(self.open)
        chosen = {frozenset(range(cut)) for cut in range(count + 1)}
        chosen |= {frozenset(range(count)) - {one} for one in range(count)} | {frozenset({one}) for one in range(count)}
        for keep in sorted(chosen - self.tried, key=sorted):  # a loss of what this call did is what the call before could leave
            disk = self.lasting.copy()
            for number in sorted(keep):
                self.open[number].on(disk)
            yield disk
        self.tried |= chosen
        if count and (last := self.open[-1].content) and len(last[1]) > 1:
            disk = self.lasting.copy()
            for change in self.open[:-1]:
                change.on(disk)
            had = disk.content.get(last[0], b"")
            disk.content[last[0]] = last[1][: (len(had) + len(last[1])) // 2] if last[1].startswith(had) else last[1][: len(last[1]) // 2]
            yield disk


def digest(disk: Disk) -> str:
    """Of all that can be reached; inodes by the order in which they are found, times only of what is no folder."""
    found: dict[int, int] = {}
    text: list[object] = []

    def visit(inode: int) -> None:
        first = inode not in found
        number = found.setdefault(inode, len(found))
        if not first:
            text.append(("again", number))
            return
        text.append((number, disk.meta[inode], disk.content.get(inode)))
        for name in sorted(name for folder, name in children.get(inode, ())):
            text.append(name)
            visit(disk.names[inode, name])

    children: dict[int, list[Name]] = {}
    for name in disk.names:
        children.setdefault(name[0], []).append(name)
    for tree, inode in sorted(disk.roots.items()):
        text.append(tree)
        visit(inode)
    return hashlib.sha256(repr(text).encode()).hexdigest()


def write(disk: Disk, root: Path) -> None:
    """Make that disk real below root."""
    made: dict[int, str] = {}
    children: dict[int, list[str]] = {}
    for folder, name in disk.names:
        children.setdefault(folder, []).append(name)

    def visit(inode: int, path: str) -> None:
        mode, uid, gid, mtime, attributes = disk.meta[inode]
        if inode in made:
            os.link(made[inode], path, follow_symlinks=False)
            return
        made[inode] = path
        if stat.S_ISLNK(mode):
            Path(path).symlink_to(os.fsdecode(disk.content[inode]))
            return
        if stat.S_ISDIR(mode):
            Path(path).mkdir()
            for name in children.get(inode, ()):
                visit(disk.names[inode, name], f"{path}/{name}")
        else:
            Path(path).write_bytes(disk.content.get(inode, b""))
        os.chown(path, uid, gid)
        Path(path).chmod(stat.S_IMODE(mode))
        for name, value in attributes:
            os.setxattr(path, name, value)
        if not stat.S_ISDIR(mode):
            os.utime(path, ns=(mtime, mtime))

    for tree, inode in disk.roots.items():
        shutil.rmtree(root / tree, ignore_errors=True)
        visit(inode, str(root / tree))
