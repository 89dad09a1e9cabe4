"""Who alone can read an escrowed key: the two public keys of a recipient, as the policy pins them.  Pure.

Sources: FIPS 203; RFC 9935 §3 (object identifiers of ML-KEM keys); RFC 5753 (ECDH in CMS).
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from ..model import Problem
from . import public
from .sealed import armored

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

SINCE = (3, 5)  # OpenSSL CHANGES: ML-KEM
CURVES = ("ECDSA-P384", "ECDSA-P521")
_KEMS = {bytes.fromhex(f"060960864801650304040{number}"): name for number, name in ((2, "ML-KEM-768"), (3, "ML-KEM-1024"))}
_PUBLIC = re.compile(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)-----END PUBLIC KEY-----")


@dataclass(frozen=True, slots=True)
class Recipient:
    """certificate, kem: PEM, nothing else in them.  kind: "ECDSA-P384 and ML-KEM-1024"."""

    certificate: str
    kem: str
    kind: str


def recipient(certificate: str, kem: str, pins: tuple[str, str], where: tuple[str, str]) -> Recipient:
    """pins: sha256 of both public keys, as the policy says; where: their files.  Raises Problem for any other, or another kind, of key."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
        spki = public.spki_of(found.tbs_certificate_bytes)
    except ValueError as error:
        raise Problem(f"no certificate can be read: {error}", where[0], "give it the recipient's certificate (docs/escrow.md)") from error
    match = _PUBLIC.search(kem)
    raw = public.from_base64("".join(match[1].split())) if match else b""
    kinds = public.kind(spki), _kem(raw)
    if kinds[0] not in CURVES or not kinds[1]:
        raise Problem("an escrow needs a key on P-384 or P-521 and one of ML-KEM-768 or ML-KEM-1024", where[0 if kinds[0] not in CURVES else 1])
    for made, pin, file in zip((spki, raw), pins, where, strict=True):
        if public.digest(made) != pin:
            raise Problem("that is not the key of the recipient whom the policy names", file, f"its SHA-256 is {public.digest(made)}, wanted {pin}")
    return Recipient(found.public_bytes(Encoding.PEM).decode(), armored("PUBLIC KEY", raw), " and ".join(kinds))


def _kem(spki: bytes) -> str:
    """The kind of an ML-KEM key, which older libraries on the controller do not know; "" for another."""
    try:
        dummy, inner, dummy = public.element(spki, 0)
        dummy, oid, dummy = public.element(spki, inner)
        return _KEMS.get(spki[oid : public.element(spki, oid)[2]], "")
    except (ValueError, IndexError):
        return ""
