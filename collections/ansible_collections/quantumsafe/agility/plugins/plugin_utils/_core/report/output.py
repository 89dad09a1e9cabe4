"""The results folder: where it is, and how a file gets into it whole.  0600 in 0700; every write is a rename."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path
from urllib.parse import quote


def run_id(pid: int) -> str:
    """The name of the run that this process is: its start (UTC) and its pid, equal in all workers that name the same parent.

    Linux: proc(5), /proc/PID/stat field 22 in clock ticks after btime.  Elsewhere only the pid.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(stat.rpartition(")")[2].split()[19])
        boot = int(re.search(r"^btime (\d+)", Path("/proc/stat").read_text(encoding="utf-8"), re.MULTILINE)[1])  # type: ignore[index]
        return time.strftime("%Y%m%dT%H%M%S", time.gmtime(boot + ticks // os.sysconf("SC_CLK_TCK"))) + f"-{pid}"
    except (OSError, TypeError, ValueError, IndexError):
        return f"run-{pid}"


def output_folder(explicit: str, run: str) -> Path:
    """The folder, made if need be, readable for its owner only.  Raises OSError."""
    path = (Path(explicit) if explicit else Path("agility-results") / run).absolute()
    for folder in (path, path / "hosts"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def file_name(host: str) -> str:
    """A file name for an inventory host, never two for one name: what is not safe is percent-encoded."""
    name = quote(host, safe="-_.").replace("..", "%2E.")
    if len(name) > 200:  # file systems end at 255 bytes, and the temporary name needs some
        name = f"{name[:180]}-{hashlib.sha256(host.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
    return f"{name}.json"


def utf8(text: str) -> str:
    r"""Text that UTF-8 can hold.  A byte of the host that was none came as a lone surrogate; it is written as \udcXX, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_whole(path: Path, text: str) -> bool:
    """Write atomically; False when it already says exactly this."""
    data = text.encode("utf-8", "surrogateescape")
    if path.is_file() and path.read_bytes() == data:
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True
