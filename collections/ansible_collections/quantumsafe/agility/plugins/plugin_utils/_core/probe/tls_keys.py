"""Key shares and the handshake keys of TLS 1.3, just far enough to read the server's certificate.

RFC 9846 §7.1 (key schedule), RFC 10024 (hybrid shares: ML-KEM first for X25519MLKEM768, the curve first for the SecP ones).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.hazmat.primitives.asymmetric import ec, x25519
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

try:  # cryptography 48 and later
    from cryptography.hazmat.primitives.asymmetric import mlkem
except ImportError:
    mlkem = None  # type: ignore[assignment]

# hybrid → (classical part, ML-KEM set, bytes of its ciphertext, bytes of its public key, whether ML-KEM stands first)
HYBRIDS = {
    "X25519MLKEM768": ("x25519", "MLKEM768", 1088, 1184, True),
    "SecP256r1MLKEM768": ("secp256r1", "MLKEM768", 1088, 1184, False),
    "SecP384r1MLKEM1024": ("secp384r1", "MLKEM1024", 1568, 1568, False),
}
POINT = {"x25519": 32, "secp256r1": 65, "secp384r1": 97}


@dataclass(frozen=True, slots=True)
class Share:
    """public: what is sent.  secret(server's share) → shared secret, None when this controller cannot compute it."""

    public: bytes
    secret: Callable[[bytes], bytes] | None


def share(group: str) -> Share:
    """A fresh key share.  Raises KeyError for a group that this client cannot speak.

    Without ML-KEM in the cryptography package a hybrid share carries an all-zero ML-KEM key, which passes the server's input check
    (FIPS 203 §7.2): the server still names the group it takes, only its certificate stays unread.
    """
    if group not in HYBRIDS:
        return _classical(group)
    curve, kem, dummy, size, first = HYBRIDS[group]
    point = _classical(curve)
    if mlkem is None:
        key = bytes(size)
        return Share(key + point.public if first else point.public + key, None)
    private = getattr(mlkem, f"{kem}PrivateKey").generate()
    key = private.public_key().public_bytes_raw()

    def secret(theirs: bytes) -> bytes:
        split = HYBRIDS[group][2] if first else POINT[curve]
        left, right = theirs[:split], theirs[split:]
        if first:
            return bytes(private.decapsulate(left)) + _secret(point, right)
        return _secret(point, left) + bytes(private.decapsulate(right))

    return Share(key + point.public if first else point.public + key, secret)


def _secret(point: Share, theirs: bytes) -> bytes:
    if point.secret is None:
        raise ValueError("no secret")
    return point.secret(theirs)


def _classical(group: str) -> Share:
    if group == "x25519":
        private = x25519.X25519PrivateKey.generate()
        return Share(private.public_key().public_bytes_raw(), lambda theirs: private.exchange(x25519.X25519PublicKey.from_public_bytes(theirs)))
    curve: ec.EllipticCurve = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1()}[group]
    key = ec.generate_private_key(curve)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Share(public, lambda theirs: key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, theirs)))


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
    """Decrypts the server's handshake records."""

    def __init__(self, suite: int, secret: bytes, transcript: bytes) -> None:
        digest = "sha384" if suite == 0x1302 else "sha256"
        size = hashlib.new(digest).digest_size
        early = hmac.new(bytes(size), bytes(size), digest).digest()
        derived = _expand(digest, early, "derived", hashlib.new(digest).digest(), size)
        handshake = hmac.new(derived, secret, digest).digest()
        traffic = _expand(digest, handshake, "s hs traffic", hashlib.new(digest, transcript).digest(), size)
        key = _expand(digest, traffic, "key", b"", 16 if suite == 0x1301 else 32)
        self.iv = _expand(digest, traffic, "iv", b"", 12)
        self.cipher: AESGCM | ChaCha20Poly1305 = ChaCha20Poly1305(key) if suite == 0x1303 else AESGCM(key)
        self.sequence = 0

    def open(self, head: bytes, data: bytes) -> tuple[int, bytes]:
        """(content type, content) of one encrypted record.  Raises cryptography's InvalidTag."""
        nonce = bytes(a ^ b for a, b in zip(self.iv, self.sequence.to_bytes(12, "big"), strict=True))
        self.sequence += 1
        plain = self.cipher.decrypt(nonce, data, head).rstrip(b"\0")
        return plain[-1], plain[:-1]
