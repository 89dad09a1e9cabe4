"""What the libssh of this controller can speak, by what it says itself: it is let connect to a socket of ours, and its first packet is read.

ansible-pylibssh brings a libssh of its own, and has no words for its lists; so no table of versions is kept here.  Sources: RFC 4253 §4.2, §6, §7.1.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping

from ..model import Problem
from ..reach import Client
from .controller import TIMEOUT, names_of, pinned_keys

KEXINIT = 20
FILES = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")  # as libssh looks for them
FIELDS = ("key_exchange", "host_key", "cipher", "", "mac")  # the first name-lists of the packet; from client to server
# In a process of its own, for it may keep the interpreter while it waits.  Its options are those that the connection gives to it, and what its
# configuration and known_hosts say of that very host counts, too: of the connection only the socket is another one.
_DIALS = """
import json, socket, sys
from pylibsshext import __libssh_version__
from pylibsshext.session import Session
print(__libssh_version__, flush=True)
port, said = int(sys.argv[1]), json.loads(sys.argv[2])
try:
    line = socket.create_connection(("127.0.0.1", port))
    Session().connect(fd=line.fileno(), user="nobody", host_key_checking=False, look_for_keys=False, password="", **said)
except Exception:
    pass
"""


def libssh_client(host: str, port: int, checks: bool, options: Mapping[str, str]) -> Client:
    """options: what narrows its lists, by the names of ansible-pylibssh: hostkeys, key_exchange_algorithms, config_file.

    checks: whether it insists on a pinned host key.  Raises Problem where there is none, or it says nothing.
    """
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(TIMEOUT)
        given = [str(door.getsockname()[1]), json.dumps({**options, "host": host.lower(), "timeout": TIMEOUT})]
        with subprocess.Popen(
            [sys.executable, "-c", _DIALS, *given], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as dialling:
            try:
                version = str(dialling.stdout.readline()).strip() if dialling.stdout else ""
                if not version:
                    raise Problem("the libssh connection has no libssh", "controller", "pip install ansible-pylibssh")
                offers = _heard(door)
            except (OSError, ValueError) as error:
                raise Problem(f"the libssh of this controller did not say what it speaks: {error}", "controller", "use paramiko") from error
            finally:
                dialling.kill()
    return Client(offers, pinned_keys(names_of(host, port), FILES, offers["host_key"]) if checks else (), name=f"this controller's libssh {version}")


def _heard(door: socket.socket) -> dict[str, tuple[str, ...]]:
    peer, dummy = door.accept()
    with peer:
        peer.settimeout(TIMEOUT)
        peer.sendall(b"SSH-2.0-agility\r\n")
        with peer.makefile("rb") as said:
            while not (line := said.readline(256)).startswith(b"SSH-"):
                if not line:
                    raise ValueError("it hung up")
            size = int.from_bytes(said.read(4), "big")
            if not 0 < size < 35000:
                raise ValueError("its first packet is none")
            return kexinit(said.read(size))


def kexinit(packet: bytes) -> dict[str, tuple[str, ...]]:
    """aspect → names, from the packet without its length: padding length, type, cookie, name-lists.  Raises ValueError."""
    if len(packet) < 22 or packet[1] != KEXINIT:
        raise ValueError("its first packet is no SSH_MSG_KEXINIT")
    at, found = 18, dict[str, tuple[str, ...]]()
    for aspect in FIELDS:
        size = int.from_bytes(packet[at : at + 4], "big")
        names = packet[at + 4 : at + 4 + size]
        if len(names) != size:
            raise ValueError("its first packet is cut off")
        if aspect:
            found[aspect] = tuple(names.decode("ascii").split(","))
        at += 4 + size
    return {aspect: tuple(name for name in names if not _marker(name)) for aspect, names in found.items()}


def _marker(name: str) -> bool:
    """What is no algorithm: an extension is announced among the key exchanges (RFC 8308 §2.1; strict kex of OpenSSH)."""
    return name.startswith(("ext-info-", "kex-strict-"))
