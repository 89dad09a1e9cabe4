"""What else a certificate says of itself, as facts that a policy asks about.

Sources: RFC 5280 §4.2.1 (key usage, extended key usage, basic constraints, revocation pointers); RFC 8446 §4.4.2.2 (digitalSignature);
RFC 9881 §5 (ML-DSA never enciphers); CA/Browser Forum Baseline Requirements 1.6.1 (short-lived: seven days since 2026-03-15).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

SHORT = 7 * 86400
# extended key usage → role; the first that is there
ROLES = (
    ("1.3.6.1.5.5.7.3.3", "code-signing"),
    ("1.3.6.1.5.5.7.3.8", "timestamping"),
    ("1.3.6.1.5.5.7.3.9", "ocsp-signing"),
    ("1.3.6.1.5.5.7.3.1", "server"),
    ("1.3.6.1.5.5.7.3.14", "802.1x"),
    ("1.3.6.1.5.5.7.3.17", "ipsec"),
    ("1.3.6.1.5.5.7.3.2", "client"),
    ("1.3.6.1.5.5.7.3.4", "mail"),
)
ANY = "2.5.29.37.0"


def words(certificate: x509.Certificate) -> tuple[str, ...]:
    """issued, digest, self_signed, role, san, usage, revocation.  One that cannot be read is left out: that is unknown, never a pass."""
    try:
        found = {one.oid.dotted_string: one.value for one in certificate.extensions}
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        found = None
    out = {
        "issued": certificate.not_valid_before_utc.date().isoformat(),
        "digest": _digest(certificate),
        "self_signed": "yes" if certificate.issuer == certificate.subject else "no",
    }
    if found is not None:
        role = _role(found)
        out |= {"role": role, "san": "present" if "2.5.29.17" in found else "absent"}
        out |= {"usage": _usage(found, role, certificate), "revocation": _revocation(found, certificate)}
    return tuple(f"{key}={value}" for key, value in out.items() if value)


def _digest(certificate: x509.Certificate) -> str:
    """Of its signature; "internal" where the scheme brings its own (EdDSA, ML-DSA), "" unknown."""
    try:
        used = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        name = certificate.signature_algorithm_oid.dotted_string
        return "internal" if name.startswith("2.16.840.1.101.3.4.3.") else ""
    return used.name if used else "internal"


def _role(found: dict[str, Any]) -> str:
    """ca, or what it is for by its extended key usage; "any" when that is not said."""
    basic, extended = found.get("2.5.29.19"), found.get("2.5.29.37")
    if basic is not None and basic.ca:
        return "ca"
    uses = [one.dotted_string for one in extended] if extended is not None else [ANY]
    return next((role for oid, role in ROLES if oid in uses), "any" if ANY in uses else "other")


def _usage(found: dict[str, Any], role: str, certificate: x509.Certificate) -> str:
    """right, or what is wrong about its key usage."""
    usage = found.get("2.5.29.15")
    if usage is None:
        return "right" if role != "ca" else "says-not-what-for"
    if role == "ca":
        return "right" if usage.key_cert_sign else "may-not-sign-certificates"
    if usage.key_cert_sign:
        return "signs-certificates-and-is-no-ca"
    if certificate.public_key_algorithm_oid.dotted_string.startswith("2.16.840.1.101.3.4.3.") and usage.key_encipherment:
        return "enciphers-with-a-signature-key"
    return "right" if usage.digital_signature or role in ("other", "mail") else "no-digital-signature"


def _revocation(found: dict[str, Any], certificate: x509.Certificate) -> str:
    """crl, ocsp, crl-and-ocsp, none; short-lived ones need none."""
    crl = "2.5.29.31" in found
    ocsp = any(one.access_method.dotted_string == "1.3.6.1.5.5.7.48.1" for one in found.get("1.3.6.1.5.5.7.1.1", ()))
    if crl or ocsp:
        return "-and-".join(name for name, there in (("crl", crl), ("ocsp", ocsp)) if there)
    seconds = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() + 1
    return "short-lived" if seconds <= SHORT else "none"
