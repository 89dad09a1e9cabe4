"""The bytes of a TLS handshake's first messages: build a ClientHello, read a ServerHello and a ServerKeyExchange.  Pure.

RFC 9846 §4.1.2–4.2.8 (TLS 1.3), RFC 5246 §7.4 (1.2), RFC 5746 §3.4 (renegotiation), RFC 6066 §3 (server name), RFC 10024 (hybrid shares).
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..algorithms.lookup import all_of
from .tls_suites import OLD_SUITES, SCHEMES, SUITES

GROUPS = {a.id: a.code for a in all_of("tls", "key_exchange") if a.code >= 0}
CLASSICAL = {a.id for a in all_of("tls", "key_exchange") if a.construction == "classical"}
GROUP_NAMES = {code: name for name, code in GROUPS.items()}
TLS12, TLS13 = 0x0303, 0x0304
VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3"}
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 9846 §4.1.3
HANDSHAKE, ALERT, CHANGE_CIPHER, DATA = 22, 21, 20, 23
_LABEL = r"_?[a-z0-9]([a-z0-9_-]*[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What both hellos of one handshake have in common; a server that retries may refuse a second hello that differs (RFC 9846 §4.1.2).

    groups: offered, best first; versions, schemes (of signatures, best first): code points; random, session: 32 bytes each.
    """

    groups: tuple[str, ...]
    versions: tuple[int, ...]
    server_name: str
    random: bytes
    session: bytes
    schemes: tuple[int, ...] = tuple(SCHEMES)

    def hello(self, shares: Mapping[str, bytes], cookie: bytes = b"") -> bytes:
        """A whole ClientHello message.  shares: group → key share sent now."""
        extensions = _server_name(self.server_name) + _extension(10, _vector(_shorts(GROUPS[name] for name in self.groups), 2))
        extensions += _extension(11, b"\x01\x00") + _extension(13, _vector(_shorts(self.schemes), 2)) + _extension(23, b"")
        suites: list[int] = []
        if TLS13 in self.versions:
            suites += SUITES
            entries = b"".join(struct.pack(">H", GROUPS[name]) + _vector(share, 2) for name, share in shares.items())
            extensions += _extension(43, _vector(_shorts(self.versions), 1)) + _extension(51, _vector(entries, 2))
        if TLS12 in self.versions:
            suites += OLD_SUITES
            extensions += _extension(0xFF01, b"\0")  # some servers refuse clients that may not renegotiate safely
        if cookie:
            extensions += _extension(44, _vector(cookie, 2))
        body = b"\x03\x03" + self.random + _vector(self.session, 1) + _vector(_shorts(suites), 2)
        return b"\x01" + _vector(body + b"\x01\0" + _vector(extensions, 2), 3)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """group: name or decimal code point, "" in TLS 1.2.  retry: a HelloRetryRequest.  share: the server's key share."""

    version: str
    suite: int
    group: str
    retry: bool
    share: bytes = b""
    cookie: bytes = b""

    @property
    def cipher(self) -> str:
        return SUITES.get(self.suite) or OLD_SUITES.get(self.suite) or f"0x{self.suite:04x}"


def _vector(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _shorts(numbers: Iterable[int]) -> bytes:
    return b"".join(struct.pack(">H", number) for number in numbers)


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + _vector(data, 2)


def _server_name(name: str) -> bytes:
    host = host_name(name)
    return _extension(0, _vector(b"\0" + _vector(host.encode(), 2), 2)) if host else b""


def host_name(name: str) -> str:
    """What of a configured name can be sent (RFC 6066 §3): no address and no pattern; of a wildcard a name that it covers; "" = nothing."""
    name = "www." + name[2:] if name.startswith("*.") else name
    name = name.strip(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        try:
            known = name.encode("idna").decode()
        except UnicodeError:
            return ""
        return known if _HOST_NAME.fullmatch(known) else ""
    return ""


def record(kind: int, data: bytes, version: int = TLS12) -> bytes:
    return struct.pack(">BH", kind, version) + _vector(data, 2)


def parse_server_hello(message: bytes) -> ServerHello:
    """A ServerHello or HelloRetryRequest message with its 4-byte head.  Raises ValueError, struct.error or IndexError for anything else."""
    if message[:1] != b"\x02":
        raise ValueError(f"handshake message {message[0]} instead of ServerHello")
    legacy = struct.unpack_from(">H", message, 4)[0]
    retry = message[6:38] == RETRY
    at = 38 + 1 + message[38]
    suite = struct.unpack_from(">H", message, at)[0]
    found = _extensions(message, at + 3)
    version = struct.unpack(">H", found[43])[0] if 43 in found else legacy
    group, share = "", b""
    if 51 in found:
        code = struct.unpack_from(">H", found[51])[0]
        group, share = GROUP_NAMES.get(code, str(code)), found[51][4:]
    cookie = found[44][2:] if 44 in found else b""
    return ServerHello(VERSIONS.get(version, f"0x{version:04x}"), suite, group, retry, share, cookie)


def _extensions(message: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if at + 2 > len(message):
        return found
    end = at + 2 + struct.unpack_from(">H", message, at)[0]
    at += 2
    while at + 4 <= end:
        kind, length = struct.unpack_from(">HH", message, at)
        found[kind] = message[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def key_exchange_of(message: bytes, cipher: str) -> tuple[str, str]:
    """(group, signature scheme) of a ServerKeyExchange with a named curve (RFC 8422 §5.4); ("", "") for another kind.

    Before TLS 1.2 no scheme is named, so none is found.
    """
    if not cipher.startswith("ECDHE-") or message[4] != 3:
        return "", ""
    code = struct.unpack_from(">H", message, 5)[0]
    at = 8 + message[7]
    return GROUP_NAMES.get(code, str(code)), SCHEMES.get(struct.unpack_from(">H", message, at)[0], "")
