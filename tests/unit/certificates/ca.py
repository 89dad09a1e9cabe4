"""Authorities for the tests, of any kind of key, made with `cryptography` alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CURVES = {"P256": ec.SECP256R1(), "P384": ec.SECP384R1(), "P521": ec.SECP521R1()}


def make_key(kind: str) -> Any:
    family, dummy, size = kind.rpartition("-")
    if family == "ML-DSA":
        return getattr(mldsa, f"MLDSA{size}PrivateKey").generate()
    if family == "ECDSA":
        return ec.generate_private_key(CURVES[size])
    return rsa.generate_private_key(65537, int(size)) if family == "RSA" else ed25519.Ed25519PrivateKey.generate()


def create(
    name: str, key: Any, days: int, now: datetime, serial: int, parent: Authority | None = None, ca: bool = True, named: bool = True
) -> x509.Certificate:
    """A root, or what `parent` issues.  named: whether it says what its key is called (subjectKeyIdentifier)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (parent.certificate.subject, parent.key) if parent else (subject, key)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(serial)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    if named:
        builder = builder.add_extension(own, critical=False)
    if parent:  # openssl verify -x509_strict wants it
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key()), critical=False)
    if ca:
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        signs = x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
        builder = builder.add_extension(signs, critical=True)
    return builder.sign(
        signer,
        None
        if isinstance(signer, ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey)
        else hashes.SHA256(),
    )


def encoded(key: Any, password: bytes | None) -> str:
    """PKCS #8, encrypted when there is a password."""
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode())
