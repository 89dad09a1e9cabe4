"""Key shares and the handshake keys of TLS 1.3, just far enough to read the server's certificate.

RFC 9846 §7.1 (key schedule), RFC 10024 (hybrid shares), draft-ietf-tls-mlkem (ML-KEM alone), FIPS 203 §8 (sizes).

Where this controller cannot make a key (no ML-KEM in its cryptography package, X25519 forbidden in FIPS mode), the share carries a key
that nobody holds but that passes the server's input check (FIPS 203 §7.2): the server still names the group it takes, only its
certificate stays unread.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, x25519
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

try:  # cryptography 48 and later
    from cryptography.hazmat.primitives.asymmetric import mlkem
except ImportError:
    mlkem = None  # type: ignore[assignment]

# hybrid → its parts as they stand on the wire: ML-KEM first for X25519MLKEM768, the curve first for the SecP ones
HYBRIDS = {
    "X25519MLKEM768": ("MLKEM768", "x25519"),
    "SecP256r1MLKEM768": ("secp256r1", "MLKEM768"),
    "SecP384r1MLKEM1024": ("secp384r1", "MLKEM1024"),
}
KEMS = {"MLKEM512": (800, 768), "MLKEM768": (1184, 1088), "MLKEM1024": (1568, 1568)}  # bytes of the public key and of the ciphertext
CURVES = {"x25519": 32, "secp256r1": 65, "secp384r1": 97, "secp521r1": 133}  # bytes of either share
SPEAKABLE = {*HYBRIDS, *KEMS, *CURVES}


@dataclass(frozen=True, slots=True)
class Share:
    """public: what is sent.  answer: bytes of the server's share.  secret(server's share): None when this controller cannot compute it."""

    public: bytes
    answer: int
    secret: Callable[[bytes], bytes] | None

    def agree(self, theirs: bytes) -> bytes | None:
        """The shared secret, None when it cannot be computed here.  Raises ValueError for a share of the wrong length (RFC 10024 §4)."""
        if len(theirs) != self.answer:
            raise ValueError(f"a key share of {len(theirs)} bytes, not {self.answer}")
        return self.secret(theirs) if self.secret else None


def share(group: str) -> Share:
    """A fresh key share of a SPEAKABLE group."""
    parts = [_kem(name) if name in KEMS else _classical(name) for name in HYBRIDS.get(group, (group,))]
    secrets = [part.secret for part in parts if part.secret]

    def secret(theirs: bytes) -> bytes:
        out = b""
        for part, agree in zip(parts, secrets, strict=True):
            out, theirs = out + agree(theirs[: part.answer]), theirs[part.answer :]
        return out

    public, answer = b"".join(part.public for part in parts), sum(part.answer for part in parts)
    return Share(public, answer, secret if len(secrets) == len(parts) else None)


def _kem(name: str) -> Share:
    size, answer = KEMS[name]
    try:
        private = getattr(mlkem, f"{name}PrivateKey").generate()
    except (AttributeError, UnsupportedAlgorithm):  # no such class, or an OpenSSL without it
        return Share(bytes(size), answer, None)
    return Share(private.public_key().public_bytes_raw(), answer, lambda theirs: bytes(private.decapsulate(theirs)))


def _classical(name: str) -> Share:
    size = CURVES[name]
    if name == "x25519":
        try:
            private = x25519.X25519PrivateKey.generate()
        except UnsupportedAlgorithm:
            return Share(os.urandom(size), size, None)
        return Share(private.public_key().public_bytes_raw(), size, lambda theirs: private.exchange(x25519.X25519PublicKey.from_public_bytes(theirs)))
    curve: ec.EllipticCurve = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(), "secp521r1": ec.SECP521R1()}[name]
    key = ec.generate_private_key(curve)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Share(public, size, lambda theirs: key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, theirs)))


def digest_of(suite: int) -> str:
    return "sha384" if suite == 0x1302 else "sha256"


def _expand(digest: str, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (RFC 9846 §7.1)."""
    full = b"tls13 " + label.encode()
    info = struct.pack(">HB", length, len(full)) + full + bytes([len(context)]) + context
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes([counter]), digest).digest()
        out, counter = out + block, counter + 1
    return out[:length]


class ServerKeys:
    """Decrypts the server's handshake records.  Raises cryptography's UnsupportedAlgorithm for a suite that this controller lacks."""

    def __init__(self, suite: int, secret: bytes, transcript: bytes) -> None:
        digest = digest_of(suite)
        size = hashlib.new(digest).digest_size
        early = hmac.new(bytes(size), bytes(size), digest).digest()
        derived = _expand(digest, early, "derived", hashlib.new(digest).digest(), size)
        handshake = hmac.new(derived, secret, digest).digest()
        traffic = _expand(digest, handshake, "s hs traffic", hashlib.new(digest, transcript).digest(), size)
        key = _expand(digest, traffic, "key", b"", 32 if suite in (0x1302, 0x1303) else 16)
        self.iv = _expand(digest, traffic, "iv", b"", 12)
        self.cipher = _aead(suite, key)
        self.sequence = 0

    def open(self, head: bytes, data: bytes) -> tuple[int, bytes]:
        """(content type, content) of one encrypted record.  Raises cryptography's InvalidTag, ValueError."""
        nonce = bytes(a ^ b for a, b in zip(self.iv, self.sequence.to_bytes(12, "big"), strict=True))
        self.sequence += 1
        plain = self.cipher.decrypt(nonce, data, head).rstrip(b"\0")
        if not plain:
            raise ValueError("a record without content")
        return plain[-1], plain[:-1]


def _aead(suite: int, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305:
    if suite == 0x1303:
        return ChaCha20Poly1305(key)
    return AESGCM(key) if suite in (0x1301, 0x1302) else AESCCM(key, 8 if suite == 0x1305 else 16)
