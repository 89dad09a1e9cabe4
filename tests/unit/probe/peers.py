"""Servers for the probes: scripted ones that send any bytes, and real ones of this Python's OpenSSL."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Handler = Callable[[socket.socket], None]
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@contextlib.contextmanager
def serving(*handlers: Handler) -> Iterator[int]:
    """The port of a server whose n-th connection the n-th handler has, all further ones the last."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, handlers), daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def s_server(*words: str) -> Iterator[int]:
    """The port of an openssl s_server with these options."""
    argv = ["openssl", "s_server", "-accept", "127.0.0.1:0", *words]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(int(line.rpartition(":")[2]) for line in server.stdout if line.startswith("ACCEPT"))
        finally:
            server.kill()


def _accept(listener: socket.socket, handlers: tuple[Handler, ...]) -> None:
    number = 0
    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=_handle, args=(listener.accept()[0], handlers[min(number, len(handlers) - 1)]), daemon=True).start()
            number += 1


def _handle(link: socket.socket, handler: Handler) -> None:
    with link, contextlib.suppress(OSError):
        handler(link)


def drain(link: socket.socket, seconds: float = 0.2) -> bytes:
    """Whatever the client sends until it is silent: only who has read everything closes without a reset."""
    link.settimeout(seconds)
    out = b""
    with contextlib.suppress(TimeoutError):
        while got := link.recv(65536):
            out += got
    return out


def says(*pieces: bytes) -> Handler:
    """After each record or packet of the client one piece; then the connection is closed."""

    def handler(link: socket.socket) -> None:
        for piece in pieces:
            drain(link)
            link.sendall(piece)
        drain(link)

    return handler


def trickles(start: bytes) -> Handler:
    """A slow loris: a byte now and then, without end."""

    def handler(link: socket.socket) -> None:
        link.sendall(start)
        while True:
            time.sleep(0.05)
            link.sendall(b"\0")

    return handler


def silent(link: socket.socket) -> None:
    time.sleep(5)


def resets(link: socket.socket) -> None:
    drain(link)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def tls_record(kind: int, data: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(data)) + data


def alert(code: int, level: int = 2) -> bytes:
    return tls_record(21, bytes([level, code]))


def server_hello(group: int, share: bytes = b"", retry: bool = False) -> bytes:
    """A ServerHello of TLS 1.3, or a HelloRetryRequest for a group."""
    entry = struct.pack(">H", group) + (b"" if retry else struct.pack(">H", len(share)) + share)
    extensions = b"\x00\x2b\x00\x02\x03\x04" + struct.pack(">HH", 51, len(entry)) + entry
    body = b"\x03\x03" + (RETRY if retry else bytes(32)) + b"\0" + b"\x13\x01\0" + struct.pack(">H", len(extensions)) + extensions
    return tls_record(22, b"\x02" + len(body).to_bytes(3, "big") + body)


def certificate(folder: Path) -> tuple[Path, x509.Certificate]:
    """A file with a key and its certificate."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=9999))
    made = builder.sign(key, hashes.SHA256())
    path = folder / "peer.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM))
    return path, made


def openssl(pem: Path, curve: str = "", ciphers: str = "", newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, before: bytes = b"") -> Handler:
    """A server of this Python's OpenSSL.  before: sent before its first record."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.maximum_version = newest
    if curve:
        context.set_ecdh_curve(curve)
    if ciphers:
        context.set_ciphers(ciphers)

    def handler(link: socket.socket) -> None:
        link.sendall(before)
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(link, server_side=True) as tls:
            tls.recv(1)

    return handler
