"""TLS 1.2 cipher suites, understood from OpenSSL's own name for them.

A name is exchange-authentication-cipher-mode-hash with defaults left out; see openssl-ciphers(1), "CIPHER SUITE NAMES".
"""

from __future__ import annotations

import re
from typing import TypedDict

# The whole name must fit: a misspelt part (ECHDE-…) is an unknown suite, never another suite that is known.
_NAME = re.compile(
    r"(?P<export>EXP-)?"
    r"((?P<exchange>ECDHE-PSK|DHE-PSK|RSA-PSK|PSK|SRP|ECDHE|EDH|DHE|ECDH|DH|ADH|AECDH|KRB5)-)?"
    r"((?P<authentication>RSA|DSS|ECDSA)-)?"
    r"(?P<cipher>AES|CAMELLIA|ARIA|CHACHA20|DES-CBC3|DES|SEED|IDEA|RC4|RC2|NULL)(-?(?P<bits>128|256))?"
    r"(-CBC)?-(?P<tail>GCM-SHA256|GCM-SHA384|CCM8|CCM|POLY1305|SHA|SHA256|SHA384|MD5)"
)
_AUTHENTICATED_APART = ("SRP", "ECDHE", "EDH", "DHE", "ECDH", "DH", "KRB5")
_FORWARD_SECRET = ("ECDHE-PSK", "DHE-PSK", "ECDHE", "DHE", "EDH")
_FINITE_FIELD = ("DHE-PSK", "DHE", "EDH", "DH", "ADH")
_BITS = {"CHACHA20": 256, "DES-CBC3": 112, "SEED": 128, "IDEA": 128, "DES": 56, "RC4": 128, "RC2": 40, "NULL": 0}
_BROKEN = ("RC4", "RC2", "DES", "DES-CBC3", "NULL", "IDEA")
_EXCHANGE = {"EDH": "DHE", "ADH": "DHE", "AECDH": "ECDHE"}  # one key exchange, whether anybody signs it or not
_AUTHENTICATION = {"ADH": "none", "AECDH": "none", "PSK": "PSK", "DHE-PSK": "PSK", "ECDHE-PSK": "PSK", "SRP": "SRP", "KRB5": "KRB5"}
_HASH = {"GCM-SHA256": "SHA256", "GCM-SHA384": "SHA384", "CCM": "SHA256", "CCM8": "SHA256", "POLY1305": "SHA256", "SHA": "SHA1"}
_MODE = {"GCM-SHA256": "-GCM", "GCM-SHA384": "-GCM", "CCM": "-CCM", "CCM8": "-CCM8", "POLY1305": "-POLY1305"}
_AEAD = ("GCM-SHA256", "GCM-SHA384", "CCM8", "CCM", "POLY1305")


class SuiteFacts(TypedDict):
    status: str
    source: str
    section: str
    exchange: str
    authentication: str
    cipher: str
    hash: str
    key_bits: int
    aead: bool
    forward_secret: bool


def parse_suite(name: str) -> SuiteFacts | None:
    """Attributes of a TLS 1.2 suite by its OpenSSL name, None when it is no such name.

    status: broken without authentication or with a broken cipher; legacy without forward secrecy or over finite fields (both RFC 10015),
    with a MAC-then-encrypt mode (RFC 9325 §4.2) or a tag of 8 bytes (CCM8, as its TLS 1.3 sibling); current otherwise.
    hash: of the PRF where the cipher authenticates, else of the MAC.
    """
    found = _NAME.fullmatch(name.upper())
    if not found:
        return None
    exchange, cipher, tail = found["exchange"] or "RSA", found["cipher"], found["tail"]
    if found["authentication"] and exchange not in _AUTHENTICATED_APART:
        return None
    if not found["bits"] and cipher not in _BITS:
        return None
    aead, secret = tail in _AEAD, exchange in _FORWARD_SECRET
    broken = cipher in _BROKEN or exchange in ("ADH", "AECDH") or bool(found["export"])
    sound = secret and aead and exchange not in _FINITE_FIELD and tail != "CCM8"
    return SuiteFacts(
        status="broken" if broken else "current" if sound else "legacy",
        source="RFC 9325; RFC 10015",
        section="4.2",
        exchange=_EXCHANGE.get(exchange, exchange),
        authentication=found["authentication"] or _AUTHENTICATION.get(exchange, "RSA"),
        cipher=_cipher(cipher, found["bits"], tail),
        hash=_HASH.get(tail, tail),
        key_bits=int(found["bits"]) if found["bits"] else _BITS[cipher],
        aead=aead,
        forward_secret=secret,
    )


def _cipher(name: str, bits: str | None, tail: str) -> str:
    """ "AES-128-GCM"; a name without a mode is CBC, but for stream ciphers."""
    mode = _MODE.get(tail, "" if name in ("RC4", "NULL", "DES-CBC3") else "-CBC")
    return {"DES-CBC3": "3DES-CBC"}.get(name, name) + (f"-{bits}" if bits else "") + mode
