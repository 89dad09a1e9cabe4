"""A local certificate authority: read one, sign requests with it.  For labs and small sites.  Pure.

Profile of a leaf: RFC 5280 §4.2, RFC 9881 §5 (ML-DSA: digitalSignature, never keyEncipherment), CA/Browser Forum BR 7.1.2.7 in spirit.
The names come from whoever asks us to sign, never from the request: a host may ask for what it likes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..model import Problem
from .issued import PURPOSES
from .read import describe
from .request import alternative

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    import ipaddress

    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
    from cryptography.x509.oid import NameOID

SKEW = timedelta(minutes=5)  # clocks of hosts that are a little behind


@dataclass(frozen=True, slots=True)
class Authority:
    """chain: certificates that go behind a leaf, the issuing one first; a self-signed root is not sent (RFC 8446 §4.4.2).

    top: the last of those above it that is known, what peers must trust; None = itself.
    """

    certificate: x509.Certificate
    key: Any
    chain: tuple[x509.Certificate, ...]
    top: x509.Certificate | None = None

    @property
    def name(self) -> str:
        return str(self.certificate.subject.rfc4514_string())

    @property
    def modern(self) -> bool:
        """Whether it signs with ML-DSA."""
        return describe(self.certificate).key.startswith("ML-DSA")


def load(certificates: str, key: str, password: bytes | None, where: str) -> Authority:
    """certificates: PEM, the issuing one first, then those above it.  Raises Problem when they do not belong together."""
    try:
        found = x509.load_pem_x509_certificates(certificates.encode())
        private = load_pem_private_key(key.encode(), password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Problem(f"the certificate authority cannot be read: {error}", where, "its folder, or the password of its key, is wrong") from error
    if private.public_key() != found[0].public_key():
        raise Problem("the key of the certificate authority is not that of its certificate", where)
    if not _may_sign(found[0]):
        raise Problem(f"{found[0].subject.rfc4514_string()} is no certificate authority", where, "its basicConstraints must say CA:TRUE")
    chain = tuple(one for one in found if one.subject != one.issuer)
    return Authority(found[0], private, chain, found[-1])


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def sign(
    authority: Authority, request: str, kind: str, names: tuple[str, ...], days: int, now: datetime, serial: int, purpose: str = "server"
) -> str:
    """The leaf and its chain, PEM.  purpose: server | client.

    kind: what the request's key must be.  Raises Problem for a request that is not what was asked for.
    """
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        sound = asked.is_signature_valid
        public = asked.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Problem(f"the certificate request cannot be read: {error}") from error
    if not sound:
        raise Problem("the certificate request is not signed by its own key")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])] if len(names[0]) <= 64 else [])
    builder = begun(subject, authority.certificate.subject, public, days, now - SKEW, serial)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(usage("digital_signature"), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(PURPOSES[purpose][0])]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=not subject.rdns)
    builder = builder.add_extension(issuer_id(authority.certificate), critical=False)
    leaf = builder.sign(authority.key, digest_for(authority.key))
    if (made := describe(leaf).key) != kind:
        raise Problem(f"the host made a key of kind {made}, not {kind}")
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in (leaf, *authority.chain))


def begun(subject: x509.Name, issuer: x509.Name, public: Any, days: int, start: datetime, serial: int) -> x509.CertificateBuilder:
    """Both ends of a lifetime count, so it ends a second early (BR 6.3.2)."""
    start = start.replace(microsecond=0)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public).serial_number(serial)
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=days, seconds=-1))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def issuer_id(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """RFC 5280 §4.2.1.1: what the issuer calls its own key, where it does."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]  # any that can sign
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def usage(*what: str) -> x509.KeyUsage:
    """Good for this and nothing else."""
    all_ = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
    return x509.KeyUsage(**{name: name in what for name in (*all_, "encipher_only", "decipher_only")})


def _general(name: str) -> x509.GeneralName:
    kind, dummy, value = alternative(name).partition(":")
    return x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)


def digest_for(key: Any) -> hashes.SHA256 | hashes.SHA384 | None:
    """ML-DSA and EdDSA bring their own."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) else None
