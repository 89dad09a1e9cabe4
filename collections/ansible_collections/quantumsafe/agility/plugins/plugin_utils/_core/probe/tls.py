"""A TLS client that only wants to know: which version, group, cipher and certificate, and does a forbidden offer fail?

It brings its own hello and keys, so the controller's OpenSSL does not matter; the connection ends before any data flows.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from ..algorithms.lookup import find
from ..certificates.read import describe as describe_certificate
from .failure import MEANING, REFUSALS, describe
from .tls_hello import (
    ALERT,
    CHANGE_CIPHER,
    DATA,
    GROUPS,
    HANDSHAKE,
    SCHEMES,
    SUITES,
    ServerHello,
    client_hello,
    key_exchange_of,
    parse_server_hello,
    record,
)
from .tls_keys import HYBRIDS, POINT, ServerKeys, Share, share

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidTag

TLS12, TLS13 = 0x0303, 0x0304
OFFER = ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "x25519", "secp256r1", "secp384r1")
MAX_ANSWER = 1 << 18  # bytes; a chain of ML-DSA certificates stays far below


@dataclass(frozen=True, slots=True)
class TlsResult:
    """group: catalogue id.  certificate: "subject, key, until date" of the leaf.  retried: the server asked for another key share.
    failure: "" or kind and meaning."""

    version: str = ""
    group: str = ""
    cipher: str = ""
    signature: str = ""
    certificate: str = ""
    certificate_sha256: str = ""
    retried: bool = False
    seconds: float = 0.0
    bytes_sent: int = 0
    bytes_received: int = 0
    failure: str = ""


class Refused(Exception):
    """The server said no, in TLS."""


def probe_tls(
    address: str,
    port: int,
    server_name: str = "",
    offer: tuple[str, ...] = OFFER,
    shares: tuple[str, ...] = ("X25519MLKEM768", "x25519"),
    versions: tuple[int, ...] = (TLS13, TLS12),
    timeout: float = 10,
) -> TlsResult:
    """One handshake.  offer: groups, best first; shares: those sent at once; timeout: seconds for each step."""
    started = time.monotonic()
    hand = None
    try:
        with socket.create_connection((address, port), timeout=timeout) as link:
            hand = _Handshake(link, server_name, offer, versions)
            result = hand.run(tuple(name for name in shares if name in offer))
    except Refused as refusal:
        result = TlsResult(failure=f"refused: {MEANING['refused']} ({refusal})")
    except (OSError, EOFError, ValueError, struct.error, IndexError) as error:
        result = TlsResult(failure=describe(error if not isinstance(error, (struct.error, IndexError)) else ValueError(str(error))))
    sent, received = (hand.sent, hand.received) if hand else (0, 0)
    return replace(result, seconds=round(time.monotonic() - started, 4), bytes_sent=sent, bytes_received=received)


def strictly_prefers(address: str, port: int, server_name: str = "", timeout: float = 10) -> bool | None:
    """Whether a client that knows the hybrid but sends only an X25519 share is asked for the hybrid; None when there is no handshake."""
    seen = probe_tls(address, port, server_name, shares=("x25519",), versions=(TLS13,), timeout=timeout)
    return None if seen.failure else seen.group in HYBRIDS


def accepts(address: str, port: int, server_name: str, names: tuple[str, ...], timeout: float = 10) -> str:
    """ "" when a client that offers only these groups is refused in TLS 1.3 and in TLS 1.2; else what was agreed on, or why nobody knows.

    A list of hybrids alone still leaks through TLS 1.2, where it also lets static RSA pass.
    """
    groups = tuple(dict.fromkeys(a.id for name in names if (a := find("tls", "key_exchange", name)) and a.id in GROUPS))
    speakable = tuple(name for name in groups if name in POINT or name in HYBRIDS)
    for versions in ((TLS13,), (TLS12,)):
        seen = probe_tls(address, port, server_name, offer=groups, shares=speakable[:1], versions=versions, timeout=timeout)
        if not seen.failure:
            return f"{seen.version} with {seen.group or seen.cipher}"
        if not seen.failure.startswith("refused"):
            return f"not known: {seen.failure}"
    return ""


class _Handshake:
    def __init__(self, link: socket.socket, server_name: str, offer: tuple[str, ...], versions: tuple[int, ...]) -> None:
        self.link, self.server_name, self.offer, self.versions = link, server_name, offer, versions
        self.sent = self.received = 0
        self.session = os.urandom(32)
        self.keys: ServerKeys | None = None
        self.pending = b""

    def run(self, shares: tuple[str, ...]) -> TlsResult:
        made = {name: share(name) for name in shares} if TLS13 in self.versions else {}
        first = self._hello(made)
        answer = self._message()
        hello = parse_server_hello(answer)
        transcript = first + answer
        retried = hello.retry
        if hello.retry:
            name = hello.group
            made = {name: share(name)} if name in POINT or name in HYBRIDS else made
            digest = hashlib.new("sha384" if hello.suite == 0x1302 else "sha256", first).digest()
            synthetic = b"\xfe\0\0" + bytes([len(digest)]) + digest  # RFC 9846 §4.4.1
            second = self._hello(made, hello.cookie)
            answer_two = self._message()
            hello = parse_server_hello(answer_two)
            transcript = synthetic + answer + second + answer_two
        if hello.version != "TLSv1.3":
            return self._old(hello)
        return replace(self._modern(hello, made, transcript), retried=retried)

    def _hello(self, made: dict[str, Share], cookie: bytes = b"") -> bytes:
        message = client_hello(self.offer, {n: s.public for n, s in made.items()}, self.server_name, self.versions, self.session, cookie)
        data = record(HANDSHAKE, message)
        self.link.sendall(data)
        self.sent += len(data)
        return message

    def _modern(self, hello: ServerHello, made: dict[str, Share], transcript: bytes) -> TlsResult:
        known = TlsResult(hello.version, hello.group, hello.cipher)
        mine = made.get(hello.group)
        if mine is None or mine.secret is None or hello.suite not in SUITES:
            return known
        self.keys, self.pending = ServerKeys(hello.suite, mine.secret(hello.share), transcript), b""
        result = known
        for message in self._messages():
            if message[0] == 11:  # Certificate: empty context, list of (certificate, extensions)
                result = _with_certificate(result, message[8 + message[4] :])
            elif message[0] == 15:  # CertificateVerify
                code = struct.unpack_from(">H", message, 4)[0]
                return replace(result, signature=SCHEMES.get(code, f"0x{code:04x}"))
        return result

    def _old(self, hello: ServerHello) -> TlsResult:
        result = TlsResult(hello.version, "", hello.cipher)
        for message in self._messages():
            if message[0] == 11:
                result = _with_certificate(result, message[7:])
            elif message[0] == 12:
                group, signature = key_exchange_of(message)
                result = replace(result, group=group, signature=signature)
            elif message[0] == 14:
                break
        return result

    def _messages(self) -> Iterator[bytes]:
        while True:
            yield self._message()

    def _message(self) -> bytes:
        """The next whole handshake message, however it was cut into records."""
        while len(self.pending) < 4 or len(self.pending) < 4 + int.from_bytes(self.pending[1:4], "big"):
            kind, data = self._record()
            if kind == ALERT:
                raise Refused(REFUSALS.get(data[1], f"alert {data[1]}")) if len(data) >= 2 else ValueError("an alert of no meaning")
            if kind == HANDSHAKE:
                self.pending += data
            elif kind != CHANGE_CIPHER:
                raise ValueError(f"a record of type {kind}")
        size = 4 + int.from_bytes(self.pending[1:4], "big")
        message, self.pending = self.pending[:size], self.pending[size:]
        return message

    def _record(self) -> tuple[int, bytes]:
        head = self._some(5)
        kind, dummy, length = struct.unpack(">BHH", head)
        if kind not in (HANDSHAKE, ALERT, CHANGE_CIPHER, DATA) or length > 16640:
            raise ValueError("not TLS")
        data = self._some(length)
        if kind == DATA and self.keys:
            try:
                return self.keys.open(head, data)
            except InvalidTag as error:
                raise ValueError("a record that does not decrypt") from error
        return kind, data

    def _some(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            got = self.link.recv(count - len(out))
            if not got:
                raise EOFError
            out += got
            self.received += len(got)
            if self.received > MAX_ANSWER:
                raise ValueError("an endless answer")
        return out


def _with_certificate(result: TlsResult, entries: bytes) -> TlsResult:
    """Facts of the first certificate of a list whose entries begin with a 3-byte length."""
    size = int.from_bytes(entries[:3], "big")
    try:
        leaf = describe_certificate(x509.load_der_x509_certificate(entries[3 : 3 + size]))
    except ValueError:
        return replace(result, certificate="unreadable")
    return replace(result, certificate=f"{leaf.subject}, {leaf.key}, until {leaf.not_after}", certificate_sha256=leaf.sha256)
