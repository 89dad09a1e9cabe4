"""The controller's own list of host keys: what is pinned for a host, and further keys for it before the old ones go.

Sources: sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT", ssh-keygen(1) -F, sshconnect.c check_host_key.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..model import Problem
from .controller import PARAMIKO_FILES, TRUSTING, names_of, run_tool

AUTHORITY = "@cert-authority"


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """file: where new lines go.  files: all that the connection reads.  names: under which the host is looked for, the best first.

    trusting: it takes a key that it does not know.
    """

    file: Path
    files: tuple[str, ...]
    names: tuple[str, ...]
    trusting: bool = False


def of_openssh(host: str, arguments: Sequence[str], chosen: str = "") -> KnownHosts:
    """What the ssh client would look at with these arguments; chosen: the file for new lines instead."""
    said: dict[str, str] = {}
    for line in run_tool(["ssh", *arguments, "-G", host]).splitlines():
        key, dummy, value = line.partition(" ")
        said.setdefault(key, value.strip())
    own = [path for path in shlex.split(said.get("userknownhostsfile", "")) if path not in ("none", "/dev/null")]
    files = (*own, *shlex.split(said.get("globalknownhostsfile", "")))
    alias = said.get("hostkeyalias", "")
    names = (alias,) if alias else tuple(names_of(said.get("hostname", host), int(said.get("port", "22"))))
    return _known(files, own[:1], names, said.get("stricthostkeychecking") in TRUSTING, chosen)


def of_paramiko(host: str, port: int, checks: bool, chosen: str = "") -> KnownHosts:
    return _known(PARAMIKO_FILES, PARAMIKO_FILES[:1], tuple(names_of(host, port)), not checks, chosen)


def _known(files: Sequence[str], first: Sequence[str], names: tuple[str, ...], trusting: bool, chosen: str) -> KnownHosts:
    target = chosen or next(iter(first), "")
    every = tuple(dict.fromkeys(str(Path(path).expanduser()) for path in (*([target] if target else ()), *files)))
    return KnownHosts(Path(target).expanduser() if target else Path(os.devnull), every, names, trusting)


def pinned(known: KnownHosts) -> tuple[str, frozenset[str], frozenset[str]]:
    """(the first name under which anything is pinned, its keys as "type base64", the authorities that it trusts for it)."""
    for name in known.names:
        keys, authorities = set(), set()
        for path in known.files:
            if not Path(path).is_file():
                continue
            for line in run_tool(["ssh-keygen", "-F", name, "-f", path], check=False).splitlines():
                parts = line.split()
                if parts[:1] == [AUTHORITY] and len(parts) >= 4:
                    authorities.add(" ".join(parts[2:4]))
                elif len(parts) >= 3 and not line.startswith(("#", "@")):
                    keys.add(" ".join(parts[1:3]))
        if keys or authorities:
            return name, frozenset(keys), frozenset(authorities)
    return known.names[0], frozenset(), frozenset()


def spoken() -> frozenset[str]:
    """The types of keys that this controller's ssh client knows."""
    return frozenset(run_tool(["ssh", "-Q", "key"]).split())


def add(known: KnownHosts, lines: Sequence[str]) -> tuple[str, ...]:
    """Append the lines that are not there yet; those that were.  Others on this controller wait for their turn meanwhile.

    Raises Problem where the file cannot be written: it is as it was then.
    """
    if str(known.file) == os.devnull:
        raise Problem("the connection has no file of known hosts that could be written", "controller", "name one in agility_known_hosts")
    path = Path(os.path.realpath(known.file))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _turn(path):
            text = path.read_bytes() if path.exists() else b""
            there = text.decode("utf-8", "surrogateescape").splitlines()
            new = tuple(line for line in dict.fromkeys(lines) if line not in there)
            if new:
                text += b"\n" if text and not text.endswith(b"\n") else b""
                _replace(path, text + "".join(f"{line}\n" for line in new).encode())
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}", "controller", "add the lines by hand: " + "; ".join(lines)) from error
    return new


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    with path.with_name(f".{path.name}.agility-lock").open("a") as lock:
        os.fchmod(lock.fileno(), 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all; a new file is for its owner alone, one that others read (ssh_known_hosts) stays so."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if path.exists():
                like = path.stat()
                os.fchmod(file.fileno(), like.st_mode & 0o777)
                os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
