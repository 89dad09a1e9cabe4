"""The tracer as Python sees it: built once a session, run on a command, its log read back.  Decisions are in tracer.c."""

from __future__ import annotations

import functools
import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent / "tracer.c"
KILLED, BROKEN = 250, 251


class Unable(Exception):
    """This machine cannot run the proof; the message says what it lacks."""


@functools.cache
def tracer() -> Path:
    """The static binary; a compiler is installed when there is none."""
    if platform.machine() != "x86_64":
        raise Unable(f"the tracer knows x86-64 only, this is {platform.machine()}")
    if not shutil.which("gcc"):
        install = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends gcc libc6-dev"
        if subprocess.run(["/bin/sh", "-c", install], capture_output=True, check=False).returncode:
            raise Unable("a C compiler is needed: apt-get install gcc libc6-dev")
    folder = Path(tempfile.gettempdir()) / f"agility-tracer-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid:
        raise Unable(f"{folder} is not root's")
    binary = folder / "tracer"
    if not binary.exists():
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as made:
            pass
        done = subprocess.run(["gcc", "-O2", "-static", "-o", made.name, str(SOURCE)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unable(f"the tracer does not compile: {done.stderr[-500:]}")
        Path(made.name).replace(binary)
    return binary


@dataclass(frozen=True, slots=True)
class Call:
    """One counted call.  kind: a allocating, m other writes, r reads, s stat.  text: what a write wrote first, or the second path."""

    number: int
    kind: str
    program: str
    name: str
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.program} {self.name} {self.path} {self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Fault:
    """name: none enospc eio full torn kill ask; at: the number of the call, counted among `kinds`."""

    name: str = ""
    at: int = 0
    kinds: str = "am"


def read_log(path: Path) -> list[Call]:
    return read_lines(path.read_bytes().decode("utf-8", "replace"))


def read_lines(log: str) -> list[Call]:
    calls = []
    for line in log.split("\n")[:-1]:
        number, kind, program, name, first, text = line.split("\t")
        calls.append(Call(int(number), kind, program, name, first, text))
    return calls


def words(fault: Fault, under: Sequence[Path], exempt: Path, log: Path | None, control: tuple[int, int] | None = None) -> list[str]:
    """The tracer's command line, up to the command."""
    out = [str(tracer()), "-c", fault.kinds, "-e", f"{exempt}/"]
    for folder in under:
        out += ["-u", str(folder)]
    if fault.name:
        out += ["-n", str(fault.at), "-f", fault.name]
    if log:
        out += ["-l", str(log)]
    if control:
        out += ["-a", f"{control[0]},{control[1]}"]
    return [*out, "--"]


def serve(questions: int, answers: int, answer: Callable[[str], None]) -> None:
    """Call `answer` with every line that the tracer writes, and let it go on; until it ends."""
    with open(questions, "rb", buffering=0) as asked, open(answers, "wb", buffering=0) as back:  # descriptors
        while line := asked.readline():
            try:
                answer(line.decode().strip())
                back.write(b"+")
            except BrokenPipeError:
                break
