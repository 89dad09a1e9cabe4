"""PEM text → Certificate, with the `cryptography` package.  Only certificates are read; keys never reach the controller."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress

from ..credentials import Certificate
from .traits import words

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_CURVES = {"secp256r1": "P256", "secp384r1": "P384", "secp521r1": "P521"}
# RFC 9881: the object identifier names the parameter set
ML_DSA = {"2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65", "2.16.840.1.101.3.4.3.19": "ML-DSA-87"}


def every(text: str, path: str) -> tuple[Certificate, ...]:
    """All certificates of a PEM file, in their order; what cannot be read counts as unreadable."""
    return tuple(one for found in _PEM.findall(text) if (one := leaf(found, path)))


def leaf(text: str, path: str) -> Certificate | None:
    """The first certificate of a PEM file, None when there is none that can be read."""
    found = _PEM.search(text)
    if not found:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(found[0].encode())
    except ValueError:
        return Certificate(path, subject="unreadable")
    return describe(certificate, path)


def is_it(found: Certificate, text: str) -> bool:
    """Whether that is the first certificate of a PEM text, by the best fingerprint that is known of it."""
    pem = _PEM.search(text)
    if not pem or not found.fingerprint:
        return False
    der = x509.load_pem_x509_certificate(pem[0].encode()).public_bytes(Encoding.DER)
    return found.fingerprint in (hashlib.sha256(der).hexdigest(), sha1(der))


def sha1(der: bytes) -> str:
    """What devices show of a certificate that show no better."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest()


def describe(certificate: x509.Certificate, path: str = "") -> Certificate:
    """The facts that a policy asks about."""
    return Certificate(
        path=path,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        key=_key(certificate),
        signature=ML_DSA.get(certificate.signature_algorithm_oid.dotted_string, certificate.signature_algorithm_oid._name),
        not_after=certificate.not_valid_after_utc.date().isoformat(),
        sha256=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        lifetime=_days(certificate),
        names=_names(certificate),
        more=words(certificate),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """DNS names and addresses of subjectAltName (RFC 9525 §3: nothing else names a host)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value) for name in found if isinstance(name, x509.DNSName | x509.IPAddress))


def _days(certificate: x509.Certificate) -> int:
    """Both ends count, and a part of a day is a day (CA/Browser Forum Baseline Requirements, 6.3.2; RFC 5280 §4.1.2.5)."""
    seconds = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() + 1
    return -int(-seconds // 86400)


def _key(certificate: x509.Certificate) -> str:
    oid = certificate.public_key_algorithm_oid.dotted_string
    if oid in ML_DSA:
        return ML_DSA[oid]
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):  # one odd certificate must not stop the audit of a host
        return oid
    return kind_of(key)


def kind_of(key: object) -> str:
    """What a policy calls a public key."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA-{_CURVES.get(key.curve.name, key.curve.name)}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ED25519"
    return "ED448" if isinstance(key, ed448.Ed448PublicKey) else type(key).__name__
