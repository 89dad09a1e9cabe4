"""TLS 1.2 cipher suites, understood from OpenSSL's own name for them.

A name is exchange-authentication-cipher-mode-hash with defaults left out; see openssl-ciphers(1), "CIPHER SUITE NAMES".
"""

from __future__ import annotations

import re
from typing import Any, TypedDict

_EXCHANGES = ("ECDHE-PSK", "DHE-PSK", "RSA-PSK", "ECDHE", "DHE", "AECDH", "ADH", "ECDH", "DH", "EDH", "PSK", "SRP", "KRB5", "EXP", "GOST")
_FORWARD_SECRET = ("ECDHE-PSK", "DHE-PSK", "ECDHE", "DHE", "EDH")
_CIPHER = re.compile(r"(AES|CAMELLIA|ARIA|SEED|IDEA|DES-CBC3|DES|RC4|RC2|NULL|CHACHA20|GOST2?)-?(\d{2,3})?")
_BITS = {"CHACHA20": 256, "DES-CBC3": 112, "SEED": 128, "IDEA": 128, "DES": 56, "RC4": 128, "RC2": 40, "NULL": 0}
_BROKEN = ("RC4", "RC2", "DES", "DES-CBC3", "NULL", "IDEA")


class SuiteFacts(TypedDict):
    status: str
    source: str
    key_bits: int
    aead: bool
    forward_secret: bool


def parse_suite(name: str) -> SuiteFacts | None:
    """Attributes of a TLS 1.2 suite by its OpenSSL name, None when it is no such name.

    status: broken without authentication or with a broken cipher; legacy without forward secrecy (RFC 10015) or with a MAC-then-encrypt
    mode (RFC 9325 §4.2); current otherwise.
    """
    upper = name.upper()
    exchange = next((e for e in _EXCHANGES if upper.startswith(e + "-")), "RSA")
    found: Any = _CIPHER.search(upper if exchange == "RSA" else upper[len(exchange) :])
    if not found or "_" in name or ":" in name or not re.search(r"-(SHA\d*|MD5|CCM8?|POLY1305)$", upper):
        return None
    bits = int(found[2]) if found[2] else _BITS.get(found[1], 0)
    aead = any(mode in upper for mode in ("GCM", "CCM", "POLY1305"))
    secret = exchange in _FORWARD_SECRET
    broken = found[1] in _BROKEN or exchange in ("ADH", "AECDH", "EXP")
    status = "broken" if broken else "current" if secret and aead else "legacy"
    return SuiteFacts(status=status, source="RFC 9325 §4.2, RFC 10015", key_bits=bits, aead=aead, forward_secret=secret)
