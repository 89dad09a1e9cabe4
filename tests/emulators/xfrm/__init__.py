"""accept.c, built here and taken to a host of the lab: pluto's Child SAs come up where the kernel has no ESP.  An emulator: no packet goes through."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("accept.c")


def built(folder: Path) -> Path:
    """The library.  Raises CalledProcessError; FileNotFoundError where there is no compiler."""
    library = folder / "accept.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True, capture_output=True)
    return library
