"""The bytes of a TLS handshake's first messages: build a ClientHello, read records and a ServerHello.  Pure.

RFC 9846 §4.1.2–4.2.8 (TLS 1.3), RFC 5246 §7.4 (1.2), RFC 6066 §3 (server name), RFC 10024 (hybrid shares).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

GROUPS = {"x25519": 29, "secp256r1": 23, "secp384r1": 24, "secp521r1": 25, "x448": 30, "ffdhe2048": 256, "ffdhe3072": 257}
GROUPS |= {"SecP256r1MLKEM768": 4587, "X25519MLKEM768": 4588, "SecP384r1MLKEM1024": 4589, "MLKEM512": 512, "MLKEM768": 513, "MLKEM1024": 514}
GROUP_NAMES = {code: name for name, code in GROUPS.items()}

SUITES = {0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256"}
# TLS 1.2: what a server may still have, forward secret or not
OLD_SUITES = {
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xC023: "ECDHE-ECDSA-AES128-SHA256",
    0xC027: "ECDHE-RSA-AES128-SHA256",
    0xC013: "ECDHE-RSA-AES128-SHA",
    0xC014: "ECDHE-RSA-AES256-SHA",
    0x009C: "AES128-GCM-SHA256",
    0x009D: "AES256-GCM-SHA384",
    0x002F: "AES128-SHA",
    0x0035: "AES256-SHA",
}
VERSIONS = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
SCHEMES = {
    0x0403: "ecdsa_secp256r1_sha256",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0904: "mldsa44",
    0x0905: "mldsa65",
    0x0906: "mldsa87",
    0x0401: "rsa_pkcs1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0601: "rsa_pkcs1_sha512",
}
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 9846 §4.1.3
HANDSHAKE, ALERT, CHANGE_CIPHER, DATA = 22, 21, 20, 23


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


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + _vector(data, 2)


def client_hello(
    groups: tuple[str, ...], shares: dict[str, bytes], server_name: str, versions: tuple[int, ...], session: bytes, cookie: bytes = b""
) -> bytes:
    """A whole handshake message.  groups: offered, best first; shares: those for which a key share is sent now; versions: code points."""
    codes = b"".join(struct.pack(">H", GROUPS[name]) for name in groups)
    suites = [*(SUITES if 0x0304 in versions else ()), *(OLD_SUITES if 0x0303 in versions else ())]
    extensions = _extension(10, _vector(codes, 2)) + _extension(11, b"\x01\x00")
    extensions += _extension(13, _vector(b"".join(struct.pack(">H", s) for s in SCHEMES), 2)) + _extension(23, b"")
    if server_name:
        extensions = _extension(0, _vector(b"\0" + _vector(server_name.encode("idna"), 2), 2)) + extensions
    if 0x0304 in versions:
        entries = b"".join(struct.pack(">H", GROUPS[name]) + _vector(share, 2) for name, share in shares.items())
        extensions += _extension(43, _vector(b"".join(struct.pack(">H", v) for v in versions), 1)) + _extension(51, _vector(entries, 2))
    if cookie:
        extensions += _extension(44, _vector(cookie, 2))
    body = b"\x03\x03" + os.urandom(32) + _vector(session, 1) + _vector(b"".join(struct.pack(">H", s) for s in suites), 2)
    return b"\x01" + _vector(body + b"\x01\0" + _vector(extensions, 2), 3)


def record(kind: int, data: bytes, version: int = 0x0301) -> bytes:
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


def key_exchange_of(message: bytes) -> tuple[str, str]:
    """(group, signature scheme) of a TLS 1.2 ServerKeyExchange with a named curve (RFC 8422 §5.4); ("", "") for another kind."""
    if message[:1] != b"\x0c" or message[4:5] != b"\x03":
        return "", ""
    code = struct.unpack_from(">H", message, 5)[0]
    at = 8 + message[7]
    return GROUP_NAMES.get(code, str(code)), SCHEMES.get(struct.unpack_from(">H", message, at)[0], "")
