"""What an sshd offers, with one unauthenticated connection: sshd counts them (PerSourcePenalties), so there is never a second.

RFC 4253 §4.2 (version exchange), §7.1 (KEXINIT: the first message of both sides; a side without a common method disconnects).
"""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from dataclasses import dataclass

from .failure import MEANING, describe

MAX_PACKET = 35000  # RFC 4253 §6.1
BANNER = b"SSH-2.0-quantumsafe.agility\r\n"
KEXINIT, DISCONNECT = 20, 1


@dataclass(frozen=True, slots=True)
class SshResult:
    """kex, host_keys, ciphers, macs: as the server lists them.  refused: whether an offer of only the forbidden was refused, None = not asked."""

    banner: str = ""
    kex: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    refused: bool | None = None
    seconds: float = 0.0
    bytes_received: int = 0
    failure: str = ""


def probe_ssh(address: str, port: int, forbid_kex: tuple[str, ...] = (), timeout: float = 10) -> SshResult:
    """Read the server's offer; with forbid_kex also offer only those and see the server refuse.  timeout in seconds for each step."""
    started = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=timeout) as link:
            reader = _Reader(link)
            banner = _banner(reader)
            link.sendall(BANNER)
            lists = parse_kexinit(reader.packet())
            refused = None
            if forbid_kex:
                link.sendall(packet(kexinit(forbid_kex, lists)))
                refused = _refuses(reader)
            elapsed = round(time.monotonic() - started, 4)
            return SshResult(banner, lists[0], lists[1], lists[2], lists[4], refused, elapsed, reader.received)
    except (OSError, EOFError, ValueError, struct.error) as error:
        text = describe(error)
        if "Not allowed at this time" in str(error):
            text = f"penalty: {MEANING['penalty']}"
        return SshResult(seconds=round(time.monotonic() - started, 4), failure=text)


class _Reader:
    def __init__(self, link: socket.socket) -> None:
        self.link, self.buffer, self.received = link, b"", 0

    def some(self, count: int) -> bytes:
        while len(self.buffer) < count:
            got = self.link.recv(4096)
            if not got:
                raise EOFError
            self.buffer += got
            self.received += len(got)
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def line(self) -> bytes:
        out = b""
        while not out.endswith(b"\n") and len(out) < 512:
            out += self.some(1)
        return out

    def packet(self) -> bytes:
        """The payload of one unencrypted packet (RFC 4253 §6)."""
        length, padding = struct.unpack(">IB", self.some(5))
        if not 2 <= length <= MAX_PACKET:
            raise ValueError(f"a packet of {length} bytes")
        return self.some(length - 1)[: length - 1 - padding]


def _banner(reader: _Reader) -> str:
    for dummy in range(20):
        line = reader.line().decode("utf-8", "replace").strip()
        if line.startswith("SSH-"):
            return line
        if "Not allowed" in line:
            raise ValueError(line)
    raise ValueError("no SSH banner")


def parse_kexinit(payload: bytes) -> tuple[tuple[str, ...], ...]:
    """The ten name lists of a KEXINIT: kex, host keys, ciphers ↑↓, MACs ↑↓, compression ↑↓, languages ↑↓.  Raises ValueError."""
    if payload[:1] != bytes([KEXINIT]):
        raise ValueError(f"message {payload[0] if payload else 'none'} instead of KEXINIT")
    lists, at = [], 17
    for dummy in range(10):
        (length,) = struct.unpack_from(">I", payload, at)
        lists.append(tuple(payload[at + 4 : at + 4 + length].decode("ascii", "replace").split(",")))
        at += 4 + length
    return tuple(lists)


def kexinit(kex: tuple[str, ...], server: tuple[tuple[str, ...], ...]) -> bytes:
    """A KEXINIT that agrees with the server in everything but offers only these key exchanges."""
    lists = (kex, *server[1:])
    body = b"".join(struct.pack(">I", len(text)) + text for text in (",".join(names).encode() for names in lists))
    return bytes([KEXINIT]) + os.urandom(16) + body + b"\0" + struct.pack(">I", 0)


def packet(payload: bytes) -> bytes:
    """RFC 4253 §6: padded to a multiple of 8, at least 4 bytes of padding."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + os.urandom(padding)


def _refuses(reader: _Reader) -> bool:
    """Whether the server ends it instead of going on with the key exchange."""
    try:
        return reader.packet()[:1] == bytes([DISCONNECT])
    except (EOFError, ConnectionResetError):
        return True
    except TimeoutError:
        return False  # it waits for our half of the key exchange, so it agreed


# `ssh -v` says what was negotiated: "debug1: kex: algorithm: …", "debug1: kex: host key algorithm: …", "debug1: kex: server->client cipher: …"
_NEGOTIATED = {
    "kex": re.compile(r"debug1: kex: algorithm: (\S+)"),
    "host_key": re.compile(r"debug1: kex: host key algorithm: (\S+)"),
    "cipher": re.compile(r"debug1: kex: server->client cipher: (\S+)"),
    "mac": re.compile(r"debug1: kex: server->client cipher: \S+ MAC: (\S+)"),
}


def parse_ssh_debug(stderr: str) -> dict[str, str]:
    """What the OpenSSH client negotiated, from its -v output; {} when it says nothing."""
    return {name: found[1] for name, pattern in _NEGOTIATED.items() if (found := pattern.search(stderr))}
