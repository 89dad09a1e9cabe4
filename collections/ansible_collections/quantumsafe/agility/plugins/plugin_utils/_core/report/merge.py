"""Results of one audit that was run in slices, each with a folder of its own, as one folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .output import output_folder, write_whole
from .results import host_files, read_host

Found = tuple[str, str, Path]  # when it was looked at, digest, where; not the text: those of a large fleet do not fit into memory together


def merge(slices: Iterable[Path], folder: Path, write: bool = True) -> bool:
    """Whether a file came in, or would.  Of a host that is in several the one that was looked at last counts.  Raises OSError."""
    newest: dict[Path, Found] = {}
    for one in slices:
        newest |= {Path(path.name): _found(path) for path in one.glob("policy-*.json")}  # says which exceptions nothing needed
        for path in host_files(one):
            name, found = Path("hosts", path.name), _found(path)
            newest[name] = max(newest.get(name, found), found)
    stale = {name: found for name, found in newest.items() if not (folder / name).is_file() or _newer(folder / name, found)}
    if write:
        output_folder(str(folder), "")
        for name, (*dummy, path) in stale.items():
            write_whole(folder / name, path.read_bytes().decode("utf-8", "surrogateescape"))
    return bool(stale)


def _newer(path: Path, found: Found) -> bool:
    taken, digest, dummy = _found(path)
    return digest != found[1] and found[0] >= taken


def _found(path: Path) -> Found:
    """Looked at "" = it cannot be read: any other goes before it, and where there is none it comes along, to be named."""
    try:
        taken = read_host(path).taken if path.parent.name == "hosts" else ""
    except (OSError, ValueError):
        taken = ""
    return taken, hashlib.sha256(path.read_bytes()).hexdigest(), path
