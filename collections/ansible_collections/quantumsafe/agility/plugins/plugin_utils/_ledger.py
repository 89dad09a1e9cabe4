# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the ledger on disk.  One chain a run, LEDGER/<chain>.jsonl and <chain>.head, so that runs, controllers and slices never
wait for each other; the workers of one run take turns by a lock on their chain.  The first entry of a chain names the heads that it saw.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ._core.ledger import verify  # loaded where one is read
from ._core.ledger.chain import Head, begins, following, read_head, unfinished
from ._core.ledger.signing import public_of, signatures, wrong
from ._core.model import Problem
from ._ledgerkeys import signers

SAW = 16  # chains that were written to last; what those saw is vouched for by them


def chain_of(run: str) -> str:
    """The name of a run's chain.  Two controllers may have a process of the same number that began in the same second."""
    return f"{run}-{hashlib.sha256(f'{socket.gethostname()} {_boot()}'.encode()).hexdigest()[:6]}"


def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="utf-8") if path.is_file() else ""


class Ledger:
    """Where a run writes."""

    def __init__(self, folder: Path, keys: Path, chain: str) -> None:
        self.folder, self.keys, self.chain = folder, keys, chain
        self.path = folder / f"{chain}.jsonl"
        self._head_path = folder / f"{chain}.head"

    def ready(self) -> None:
        """Raises Problem when it cannot be written, before anything else is done."""
        with self._turn():
            pass

    def append(self, *told: Mapping[str, Any], durable: bool) -> None:
        """All of them, signed once.  durable: on the disk when this returns, as befits a change of a host.  Raises Problem."""
        with self._turn() as (file, before, keys, lacking):
            first, *rest = told
            new = following(before, self.chain, first if before else {**first, "saw": self._saw()}, *rest)
            new = replace(new, lacking=lacking)
            self._write_head(replace(new, signatures=signatures(new, keys)), durable)
            _put(file, begins(new), new.last.encode() + b"\n", durable)

    @contextmanager
    def _turn(self) -> Iterator[tuple[int, Head | None, list[Any], tuple[str, ...]]]:
        """This worker's turn: (the chain, its head, the keys, the signatures that cannot be made), what a killed worker left made whole."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            keys, lacking = signers(self.keys)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file, self._resumed(file, keys), keys, lacking
            finally:
                os.close(file)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Problem(
                f"the ledger cannot be written: {said}", str(self.path), "verify it with the playbook ledger, or name another agility_ledger"
            ) from error

    def _resumed(self, file: int, keys: list[Any]) -> Head | None:
        """The head that we signed last.  Raises ValueError for a chain that somebody else wrote to: nothing is signed on top of that."""
        head = read_head(self._head_path.read_bytes()) if self._head_path.is_file() else None
        if head and (why := wrong(head, [public_of(key.public_key()) for key in keys])):
            raise ValueError(why)
        at = begins(head)
        if lost := unfinished(head, os.fstat(file).st_size, os.pread(file, (head.size - at if head else 0) + 1, at)):
            os.ftruncate(file, at)
            _put(file, at, lost, durable=False)
        return head

    def _saw(self) -> list[dict[str, Any]]:
        others = [entry for entry in os.scandir(self.folder) if entry.name.endswith(".head") and entry.name != self._head_path.name]
        newest = sorted(others, key=lambda entry: (-entry.stat().st_mtime_ns, entry.name))[:SAW]
        heads = []
        for entry in newest:
            try:
                heads.append(read_head(Path(entry.path).read_bytes()))
            except ValueError:
                continue  # whoever verifies the ledger is told
        return [{"chain": head.chain, "count": head.count, "digest": head.digest} for head in heads]

    def _write_head(self, head: Head, durable: bool) -> None:
        new = self._head_path.with_name(f".{self._head_path.name}.new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _put(handle, 0, head.text, durable)
        finally:
            os.close(handle)
        new.rename(self._head_path)
        if durable:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _put(file: int, at: int, data: bytes, durable: bool) -> None:
    if os.pwrite(file, data, at) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if durable:
        os.fsync(file)


def read(paths: Iterable[Path]) -> list[verify.Held]:
    """The chains of these folders and files.  Writes nothing; waits for a writer's turn to end.  Raises OSError."""
    helds = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        files = [found for end in ("jsonl", "head") for found in path.glob(f"[!.]*.{end}")] if path.is_dir() else [path]
        helds += [_held(name) for name in sorted({file.with_suffix("") for file in files})]
    return helds


def _held(name: Path) -> verify.Held:
    chain, head = name.with_name(f"{name.name}.jsonl"), name.with_name(f"{name.name}.head")
    if not chain.is_file():
        return verify.Held(name.name, b"", head.read_bytes(), str(name))
    with chain.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return verify.Held(name.name, file.read(), head.read_bytes() if head.is_file() else None, str(chain))
