"""A private key under a password: PKCS #8, PBES2 with scrypt and AES-256-CBC, as `openssl pkcs8 -topk8 -scrypt` writes it.  Pure.

`cryptography` would write PBKDF2 with 2048 rounds, which a graphics card tries a million times a second; an authority's key lies in a backup
for ten years.  Sources: RFC 5958 §3, RFC 8018 §6.2 and A.4, RFC 7914 §7.  N and r keep within the 32 MiB that openssl allows itself, p makes
up for it.
"""

from __future__ import annotations

import base64
import textwrap
from contextlib import suppress

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    from cryptography.hazmat.primitives.padding import PKCS7

N, R, P = 1 << 14, 8, 5
_PBES2, _SCRYPT, _AES_256_CBC = (
    bytes.fromhex(oid) for oid in ("06092a864886f70d01050d", "06092b06010401da47040b", "060960864801650304012a")
)  # 1.2.840.113549.1.5.13, 1.3.6.1.4.1.11591.4.11, 2.16.840.1.101.3.4.1.42


def seal(key: bytes, password: bytes, salt: bytes, vector: bytes) -> str:
    """key: PKCS #8, DER.  salt, vector: 16 random bytes each."""
    secret = Scrypt(salt=salt, length=32, n=N, r=R, p=P).derive(password)
    padder, cipher = PKCS7(128).padder(), Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
    text = cipher.update(padder.update(key) + padder.finalize()) + cipher.finalize()
    derived = _sequence(_SCRYPT, _sequence(_tagged(4, salt), *(_integer(number) for number in (N, R, P))))
    how = _sequence(_PBES2, _sequence(derived, _sequence(_AES_256_CBC, _tagged(4, vector))))
    return armored("ENCRYPTED PRIVATE KEY", _sequence(how, _tagged(4, text)))


def armored(label: str, der: bytes) -> str:
    """PEM (RFC 7468)."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _tagged(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
