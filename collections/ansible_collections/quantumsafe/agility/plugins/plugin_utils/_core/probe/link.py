"""A TCP connection that ends: one deadline for all of it and a ceiling on what is read, whatever the other side does."""

from __future__ import annotations

import socket
import time
from typing import Any

CEILING = 1 << 18  # bytes; three certificates signed with the largest SLH-DSA stay below


class Link:
    """Counts what it sent and received, also for a handshake that failed.  Only `seconds` in all, not for each step."""

    def __init__(self, address: str, port: int, seconds: float) -> None:
        self.address, self.port = address.strip("[]"), port
        self.started = time.monotonic()
        self.until = self.started + seconds
        self.sent = self.received = 0

    def __enter__(self) -> Link:
        self.socket = self._connect()
        return self

    def __exit__(self, *dummy: object) -> None:
        self.socket.close()

    @property
    def elapsed(self) -> float:
        return round(time.monotonic() - self.started, 4)

    def send(self, data: bytes) -> None:
        self.socket.settimeout(self._left())
        self.socket.sendall(data)
        self.sent += len(data)

    def read(self, count: int) -> bytes:
        """Exactly so many bytes.  Raises EOFError when the server closes, TimeoutError, ValueError for too much in all."""
        if self.received + count > CEILING:
            raise ValueError("an endless answer")
        out = bytearray()
        while len(out) < count:
            self.socket.settimeout(self._left())
            got = self.socket.recv(count - len(out))
            if not got:
                raise EOFError
            out += got
            self.received += len(got)
        return bytes(out)

    def _left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _connect(self) -> socket.socket:
        """Each address of a name gets its share of the time, so that a dead IPv6 route leaves some for IPv4."""
        found = looked_up(self.address, self.port, socket.SOCK_STREAM)
        for number, (family, *dummy, where) in enumerate(found):
            try:
                return _plug(family, where, self._left() / (len(found) - number))
            except OSError as error:
                failure = error
        raise failure


def looked_up(address: str, port: int, kind: socket.SocketKind) -> list[Any]:
    """What getaddrinfo() finds.  Raises OSError, also for what is no port (it would cut that off and find another one) or no name."""
    if not 0 < port < 1 << 16:
        raise socket.gaierror(f"{port} is no port")
    try:
        return socket.getaddrinfo(address, port, type=kind)
    except UnicodeError as error:
        raise socket.gaierror(str(error)) from error


def _plug(family: int, where: Any, seconds: float) -> socket.socket:
    plug = socket.socket(family, socket.SOCK_STREAM)
    try:
        plug.settimeout(seconds)
        plug.connect(where)
    except OSError:
        plug.close()
        raise
    return plug
