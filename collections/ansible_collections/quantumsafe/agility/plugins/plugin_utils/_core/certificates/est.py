"""Enrolment over Secure Transport (RFC 7030, RFC 8951): what is sent and what its answers mean.  Pure.

Bodies are base64 whatever their Content-Transfer-Encoding says (RFC 8951 §2.1).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress

from ..model import Problem
from .issued import AGAIN, MAX_CHAIN

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

ENROLL, AUTHORITIES = "simpleenroll", "cacerts"
HEADERS: Mapping[str, str] = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
MEANS = {
    401: "it does not know us: agility_issuer_user and agility_issuer_password, or the client certificate, are wrong",
    403: "we may not ask for this",
    404: "nothing is there: agility_issuer_url ends with /.well-known/est, or with /.well-known/est/LABEL",
}


def body(request: str) -> bytes:
    """A PEM request as the server wants it."""
    return base64.encodebytes(x509.load_pem_x509_csr(request.encode()).public_bytes(Encoding.DER))


def chain(answer: bytes, where: str) -> str:
    """A certs-only PKCS #7 as PEM, in its own order, which means nothing.  Raises Problem."""
    try:
        found = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer, validate=False))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise Problem(f"the answer cannot be read as certificates: {error}", where, AGAIN) from error
    if len(found) > MAX_CHAIN:
        raise Problem(f"the answer has {len(found)} certificates, more than {MAX_CHAIN}", where, AGAIN)
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)


def wait(retry_after: str) -> int:
    """Seconds of a Retry-After header; what is no number (a date, nothing) is an hour."""
    return int(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 8 else 3600
