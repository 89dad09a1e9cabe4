"""Results of one audit that was run in slices, each with a folder of its own, as one folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .output import output_folder, write_whole
from .results import read_host


def merge(slices: Iterable[Path], folder: Path, write: bool = True) -> bool:
    """Whether a file came in, or would.  Of a host that is in several the one that was looked at last counts.  Raises OSError."""
    newest: dict[Path, tuple[str, str]] = {}
    for one in slices:
        newest |= {Path(path.name): ("", _text(path)) for path in one.glob("policy-*.json")}  # says which exceptions nothing needed
        for path in (one / "hosts").glob("*.json"):
            name, found = Path("hosts", path.name), (_taken(path), _text(path))
            newest[name] = max(newest.get(name, found), found)
    known = {name for name in newest if (folder / name).is_file()}
    stale = {name: text for name, (taken, text) in newest.items() if name not in known or _newer(folder / name, taken, text)}
    if write:
        output_folder(str(folder), "")
        for name, text in stale.items():
            write_whole(folder / name, text)
    return bool(stale)


def _newer(path: Path, taken: str, text: str) -> bool:
    return text != _text(path) and taken >= _taken(path)


def _taken(path: Path) -> str:
    """ "" for a file that cannot be read: any other goes before it, and where there is none it comes along, to be named."""
    try:
        return read_host(path).taken if path.parent.name == "hosts" else ""
    except (OSError, ValueError):
        return ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")
