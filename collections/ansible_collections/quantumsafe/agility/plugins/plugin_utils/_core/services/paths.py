"""What services share about paths: globs over the files of a snapshot, and the file that an edit must replace."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from ..model import File, Snapshot

_MAGIC = re.compile(r"[*?\[]")


def real_path(file: File) -> str:
    """The path that an edit must replace: a symbolic link stays what it is."""
    return file.real or file.path


def is_glob(path: str) -> bool:
    return bool(_MAGIC.search(path))


def glob(pattern: str, snapshot: Snapshot) -> list[str]:
    """Paths of the snapshot that glob(3) would give, in its order (C locale): "*" and "?" match neither "/" nor a leading dot."""
    if not is_glob(pattern):
        return [pattern] if pattern in snapshot.files else []
    parts = pattern.split("/")
    return sorted((path for path in snapshot.files if _matches(path.split("/"), parts)), key=lambda path: path.encode())


def _matches(path: list[str], pattern: list[str]) -> bool:
    hidden = (name.startswith(".") and not part.startswith(".") for name, part in zip(path, pattern, strict=False))
    return len(path) == len(pattern) and all(map(_fits, path, pattern)) and not any(hidden)


def _fits(name: str, pattern: str) -> bool:
    """One part of a path.  Nearly every glob is a name or "*.conf", and needs no expression to be compiled for it."""
    head, star, tail = pattern.partition("*")
    if is_glob(head + tail):
        return fnmatchcase(name, pattern)
    return name.startswith(head) and name.endswith(tail) and len(name) >= len(head + tail) if star else name == pattern
