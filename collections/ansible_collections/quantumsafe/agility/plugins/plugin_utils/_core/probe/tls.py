"""A TLS client that only wants to know: which version, group, cipher and certificate, and does a forbidden offer fail?

It brings its own hello and keys, so the controller's OpenSSL does not matter; the connection ends before any data flows.
Nothing is authenticated: what is told is what the network answered, not who.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace

from ..algorithms.lookup import find
from ..certificates.read import describe as describe_certificate
from ..certificates.read import sha1
from .failure import FAILURES, Alert, describe
from .link import Link
from .starttls import begin
from .tls_hello import CHANGE_CIPHER, CLASSICAL, GROUPS, HANDSHAKE, TLS12, TLS13, Offer, ServerHello, key_exchange_of, parse_server_hello, record
from .tls_keys import HYBRIDS, SPEAKABLE, ServerKeys, Share, digest_of, share
from .tls_messages import Messages
from .tls_request import authorities, authorities_before
from .tls_suites import SCHEMES

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

OFFER = (*HYBRIDS, "MLKEM1024", "MLKEM768", "x25519", "secp256r1", "secp384r1", "secp521r1")
CERTIFICATE, KEY_EXCHANGE, REQUEST, HELLO_DONE, CERTIFICATE_VERIFY, FINISHED = 11, 12, 13, 14, 15, 20


@dataclass(frozen=True, slots=True)
class TlsResult:
    """group: catalogue id.  certificate: "subject, key, until date" of the leaf.  retried: the server asked for another key share.
    asks: the names (DER) of the authorities whose clients it asks for a certificate; None = it asks none.
    failure: "" or kind and meaning.  seconds: from the look-up of the name to the server's signature; the bytes are those of that time.
    """

    version: str = ""
    group: str = ""
    cipher: str = ""
    signature: str = ""
    certificate: str = ""
    certificate_sha256: str = ""
    certificate_sha1: str = ""
    asks: tuple[bytes, ...] | None = None
    retried: bool = False
    seconds: float = 0.0
    bytes_sent: int = 0
    bytes_received: int = 0
    failure: str = ""


def probe_tls(
    address: str,
    port: int,
    server_name: str = "",
    offer: tuple[str, ...] = OFFER,
    shares: tuple[str, ...] = ("X25519MLKEM768", "x25519"),
    versions: tuple[int, ...] = (TLS13, TLS12),
    timeout: float = 10,
    schemes: tuple[int, ...] = tuple(SCHEMES),
    starttls: str = "",
) -> TlsResult:
    """One handshake.  offer: groups, best first; shares: those sent at once; timeout: seconds for all of it; schemes: of signatures.

    starttls: what is spoken before it, a row of starttls.py.
    """
    link = Link(address, port, timeout)
    try:
        with link:
            begin(link, starttls)
            both = Offer(offer, versions, server_name, os.urandom(32), os.urandom(32), schemes)
            result = _Handshake(link, both).run(tuple(name for name in shares if name in offer))
    except FAILURES as error:
        result = TlsResult(failure=describe(error))
    return replace(result, seconds=link.elapsed, bytes_sent=link.sent, bytes_received=link.received)


def strictly_prefers(address: str, port: int, server_name: str = "", timeout: float = 10, starttls: str = "") -> bool | None:
    """Whether a client that knows the hybrid but sends only an X25519 share is asked for the hybrid; None when there is no handshake."""
    seen = probe_tls(address, port, server_name, shares=("x25519",), versions=(TLS13,), timeout=timeout, starttls=starttls)
    return None if seen.failure else seen.group in HYBRIDS


def accepts(address: str, port: int, server_name: str, names: tuple[str, ...], timeout: float = 10, starttls: str = "") -> str:
    """ "" when a client that offers only these groups is refused in TLS 1.3 and in TLS 1.2; else what was agreed on, or why nobody knows.

    A list of hybrids alone still leaks through TLS 1.2, where it also lets static RSA pass.  timeout: seconds for each handshake.
    """
    found = {name: find("tls", "key_exchange", name) for name in names}
    strange = [name for name, a in found.items() if a is None or a.id not in GROUPS]
    if strange or not names:
        return f"not known: {', '.join(strange) or 'nothing'} cannot be offered, no code point is known"
    groups = tuple(dict.fromkeys(a.id for a in found.values() if a))
    for version in (TLS13, TLS12):
        shares = tuple(name for name in groups if name in SPEAKABLE)[:1]
        seen = probe_tls(address, port, server_name, groups, shares, (version,), timeout, starttls=starttls)
        if not seen.failure:
            if not seen.group and _others_agree(address, port, server_name, groups, timeout, starttls):
                continue
            return f"{seen.version} with {seen.group or seen.cipher}"
        if not seen.failure.startswith("refused"):
            return f"not known: {seen.failure}"
    return ""


def _others_agree(address: str, port: int, server_name: str, groups: tuple[str, ...], timeout: float, starttls: str) -> bool:
    """Whether the server goes on with a classical group that is not of these.  Then a suite without any group, which it took in TLS 1.2
    for lack of a common one, is no way round a list of hybrids but a matter of the cipher suites."""
    others = tuple(name for name in GROUPS if name not in groups and name in CLASSICAL)
    return bool(probe_tls(address, port, server_name, others, (), timeout=timeout, starttls=starttls).group)


class _Handshake:
    def __init__(self, link: Link, offer: Offer) -> None:
        self.link, self.offer, self.messages = link, offer, Messages(link)

    def run(self, names: tuple[str, ...]) -> TlsResult:
        shares = {name: share(name) for name in names} if TLS13 in self.offer.versions else {}
        first = self._hello(shares)
        answer = self.messages.next()
        hello = parse_server_hello(answer)
        try:
            if hello.retry:
                return replace(self._again(hello, shares, first, answer), retried=True)
            return self._after(hello, shares, first + answer)
        except Alert as alert:
            alert.refusal = False  # it had agreed; whatever went wrong then, the offer was not refused
            raise

    def _again(self, retry: ServerHello, shares: dict[str, Share], first: bytes, answer: bytes) -> TlsResult:
        """After a HelloRetryRequest (RFC 9846 §4.1.4): the share that it asks for, once.  To ask is to accept the group."""
        if retry.group:
            if retry.group not in self.offer.groups:
                raise ValueError(f"it asks for {retry.group}, which was not offered")
            if retry.group not in SPEAKABLE:
                return TlsResult(retry.version, retry.group, retry.cipher)
            shares = {retry.group: share(retry.group)}
        digest = hashlib.new(digest_of(retry.suite), first).digest()
        transcript = b"\xfe\0\0" + bytes([len(digest)]) + digest + answer  # RFC 9846 §4.4.1
        second = self._hello(shares, retry.cookie, again=True)
        answer = self.messages.next()
        hello = parse_server_hello(answer)
        if hello.retry:
            raise ValueError("it asks for another key share twice")
        return self._after(hello, shares, transcript + second + answer)

    def _hello(self, shares: dict[str, Share], cookie: bytes = b"", again: bool = False) -> bytes:
        message = self.offer.hello({name: made.public for name, made in shares.items()}, cookie)
        # RFC 9846 §5.1: 0x0301 for a first hello; appendix D.4: middleboxes expect a change_cipher_spec before what follows
        before = record(CHANGE_CIPHER, b"\x01") if again else b""
        self.link.send(before + record(HANDSHAKE, message, TLS12 if again else 0x0301))
        return message

    def _after(self, hello: ServerHello, shares: dict[str, Share], transcript: bytes) -> TlsResult:
        return self._modern(hello, shares, transcript) if hello.version == "TLSv1.3" else self._old(hello)

    def _modern(self, hello: ServerHello, shares: dict[str, Share], transcript: bytes) -> TlsResult:
        result = TlsResult(hello.version, hello.group, hello.cipher)
        if hello.group not in shares:
            raise ValueError(f"it takes {hello.group or 'no group'}, for which no key share was sent")
        secret = shares[hello.group].agree(hello.share)
        if secret is None:
            return result
        with suppress(UnsupportedAlgorithm):
            self.messages.decrypt(ServerKeys(hello.suite, secret, transcript))
            return self._certificate(result)
        return result

    def _certificate(self, result: TlsResult) -> TlsResult:
        while True:
            message = self.messages.next()
            if message[0] == CERTIFICATE:  # an empty context, a list of (certificate, extensions)
                result = _with_certificate(result, message[8 + message[4] :])
            elif message[0] == REQUEST:
                result = replace(result, asks=authorities(message[4:]))
            elif message[0] == CERTIFICATE_VERIFY:
                code = int.from_bytes(message[4:6], "big")
                return replace(result, signature=SCHEMES.get(code, f"0x{code:04x}"))
            elif message[0] == FINISHED:
                return result

    def _old(self, hello: ServerHello) -> TlsResult:
        result = TlsResult(hello.version, "", hello.cipher)
        while True:
            message = self.messages.next()
            if message[0] == CERTIFICATE:
                result = _with_certificate(result, message[7:])
            elif message[0] == KEY_EXCHANGE:
                group, signature = key_exchange_of(message, hello.cipher)
                result = replace(result, group=group, signature=signature)
            elif message[0] == REQUEST:
                result = replace(result, asks=authorities_before(message[4:]))
            elif message[0] == HELLO_DONE:
                return result


def _with_certificate(result: TlsResult, entries: bytes) -> TlsResult:
    """Facts of the first certificate of a list whose entries begin with a 3-byte length."""
    size = int.from_bytes(entries[:3], "big")
    der = entries[3 : 3 + size]
    try:
        leaf = describe_certificate(x509.load_der_x509_certificate(der))
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        return replace(result, certificate="unreadable")
    shown = f"{leaf.subject}, {leaf.key}, until {leaf.not_after}"
    return replace(result, certificate=shown, certificate_sha256=leaf.sha256, certificate_sha1=sha1(der))
