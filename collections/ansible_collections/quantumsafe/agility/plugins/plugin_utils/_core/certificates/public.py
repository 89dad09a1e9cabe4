"""Public keys as DER: what kind they are, and the digest by which one key is known wherever it lies.  Sources: RFC 5280 §4.1; RFC 4253 §6.6."""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextlib import suppress

from .read import ML_DSA, kind_of

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key, load_ssh_public_key

SPKI = 6  # its place in a TBSCertificate, behind [0] version, serial, algorithm, issuer, validity and subject
_ML_DSA_DER = {bytes.fromhex(f"060960864801650304031{number:x}"): name for number, name in zip((1, 2, 3), ML_DSA.values(), strict=True)}


def element(der: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where its content begins, where it ends).  Raises ValueError."""
    try:
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(der[start : start + count], "big"), start + count
    except IndexError:
        raise ValueError("it ends in the middle") from None
    if start + length > len(der):
        raise ValueError("it ends in the middle")
    return tag, start, start + length


def spki_of(tbs: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a TBSCertificate, byte for byte, also of a key that no library knows."""
    dummy, at, end = element(tbs, 0)
    place = 0 if tbs[at] == 0xA0 else 1  # a certificate of version 1 has no [0]
    while at < end:
        ends = element(tbs, at)[2]
        if place == SPKI:
            return tbs[at:ends]
        at, place = ends, place + 1
    raise ValueError("no public key in it")


def digest(spki: bytes) -> str:
    return hashlib.sha256(spki).hexdigest() if spki else ""


def from_base64(text: str) -> bytes:
    """b"" for what is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def kind(spki: bytes) -> str:
    """ "RSA-3072", as certificates are told; "" when nobody knows."""
    with suppress(ValueError, IndexError):
        dummy, inner, dummy = element(spki, 0)
        dummy, oid, dummy = element(spki, inner)
        if name := _ML_DSA_DER.get(spki[oid : element(spki, oid)[2]]):
            return name
    try:
        return kind_of(load_der_public_key(spki))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ""


def from_ssh(blob: bytes) -> bytes:
    """The SubjectPublicKeyInfo of an SSH public key; b"" for a kind that has none (keys of a token, certificates, ML-DSA)."""
    try:
        length = int.from_bytes(blob[:4], "big")
        name = blob[4 : 4 + length].decode("ascii")
        found = load_ssh_public_key(f"{name} {base64.b64encode(blob).decode()}".encode())
        return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        return b""


def fingerprint(blob: bytes) -> str:
    """As ssh-keygen -l prints it."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
