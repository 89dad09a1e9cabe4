"""A target that is a folder or a file: an unpacked image, a backup of /etc, a snapshot saved as JSON, or the configuration that a network device
saved, also in a folder with one file a device.  Nothing is run, nothing is written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from .. import appliances  # loaded where one is read
from ..documents.lines import decode
from ..model import Answer, Collect, File, Identity, Problem, Snapshot, Unparsable
from ..services.recorded import STATUS, packages, recorded
from .redact import redact
from .snapshot_json import snapshot_from_json

MAX_FILE = 1 << 20  # bytes; the agent's limit too
DEVICE_FILES = (
    "",
    ".cfg",
    ".conf",
    ".config",
    ".txt",
    ".set",
    ".boot",
    ".rsc",
    ".scf",
    ".xml",
    ".json",
)  # how backup systems call the file of a host
_JSON = re.compile(rb'\s*\{\s*["}]')  # and not {master:0}, as a pair of Junos devices begins what it shows
DEEPEST = 40  # links that are followed for one name (path_resolution(7))


def from_path(path: Path, host: str, taken: str, requests: Mapping[str, Collect], extra: tuple[str, ...] = ()) -> Snapshot:
    """The snapshot of `path`: a JSON file written by an audit, the saved configuration of a device, a folder with such a file for this host, or a
    folder that stands for the root of a file system.

    Raises Problem when it is none of them, and Unparsable for a file that is neither of the two.
    """
    file = path if path.is_file() else _of_the_host(path, host)
    if file:
        raw = file.read_bytes()
        return snapshot_from_json(decode(raw, str(file)), str(file)) if _JSON.match(raw) else appliances.snapshot_of(raw, str(file), host, taken)
    if not path.is_dir():
        raise Problem(
            "no such file or folder",
            str(path),
            "give agility_root an unpacked image, a folder with etc/, a saved snapshot, or the saved configuration of a device",
        )
    present = {name: c for name, c in requests.items() if not c.needs or any((path / need.lstrip("/")).exists() for need in c.needs)}
    globs = (*extra, *(glob for collect in present.values() for glob in collect.files))
    files = {name: _file(path, name) for name in _expand(path, globs)}
    answers = {command: Answer(argv, None, problem="not run: offline") for collect in present.values() for command, argv in collect.commands.items()}
    answers |= recorded(packages(_text(path / STATUS.lstrip("/"))))
    there = {name: paths for collect in present.values() for name, paths in collect.there.items()}
    answers |= {name: Answer((), 0, "\n".join(p for p in paths if (path / p.lstrip("/")).exists())) for name, paths in there.items()}
    return Snapshot(host, taken, Identity(machine_id=_text(path / "etc/machine-id").strip()), {"os": _os(path)}, files, answers)


def _of_the_host(folder: Path, host: str) -> Path | None:
    """The file that is called like the host, None without one.  Raises Problem for two: nobody knows which is the newer."""
    found = [folder / f"{host}{ending}" for ending in DEVICE_FILES if "/" not in host and (folder / f"{host}{ending}").is_file()]
    if len(found) > 1:
        names = " and ".join(one.name for one in found)
        raise Problem(f"{names} are both of this host", str(folder), "leave one of them, or name it in agility_root")
    return found[0] if found else None


def _expand(root: Path, globs: tuple[str, ...]) -> list[str]:
    found = {"/" + str(match.relative_to(root)) for glob in globs for match in root.glob(glob.lstrip("/"))}
    return sorted(name for name in found if (root / _real(root, name).lstrip("/")).is_file())


def _real(root: Path, name: str) -> str:
    """Where the links of `name` lead below `root`, as the target itself would follow them; never out of it."""
    done, todo, links = [""], [part for part in name.split("/") if part], 0
    while todo:
        part = todo.pop(0)
        if part in (".", ".."):
            done = done[: max(1, len(done) - (part == ".."))]
            continue
        here = root.joinpath(*done[1:], part)
        if here.is_symlink() and links < DEEPEST:
            links += 1
            target = str(here.readlink())
            done = [""] if target.startswith("/") else done
            todo = [*(piece for piece in target.split("/") if piece), *todo]
        else:
            done.append(part)
    return "/".join(done)


def _file(root: Path, name: str) -> File:
    real = _real(root, name)
    raw = (root / real.lstrip("/")).read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if len(raw) > MAX_FILE:
        return File(name, None, digest, len(raw), real=real, problem=f"larger than {MAX_FILE} bytes")
    try:
        whole = decode(raw, name)
    except Unparsable as error:
        return File(name, None, digest, len(raw), real=real, problem=error.message)
    text = redact(whole)
    return File(name, text, digest, len(raw), real=real, redacted=text != whole)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _os(root: Path) -> str:
    lines = _text(root / "etc/os-release").splitlines()
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")), "")
