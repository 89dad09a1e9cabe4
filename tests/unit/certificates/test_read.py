"""certificates/read.py: the facts of a PEM file."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.read import leaf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, mldsa, rsa
from cryptography.x509.oid import NameOID

FIXTURES = Path(__file__).parents[2] / "fixtures/nginx"
KEYS = {
    "ECDSA-P256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECDSA-P384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "ED25519": ed25519.Ed25519PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
}


def pem(key: object) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7).public_key(key.public_key())  # type: ignore[attr-defined]
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2027, 3, 4, 23, 59, tzinfo=UTC))
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_named_by_kind_and_size(kind: str) -> None:
    found = leaf(pem(KEYS[kind]()), "/x.crt")
    assert found is not None
    assert (found.key, found.subject, found.issuer, found.not_after, found.path) == (kind, "CN=a.test", "CN=a.test", "2027-03-04", "/x.crt")
    signatures = {"EC": "ecdsa-with-SHA256", "RS": "sha256WithRSAEncryption", "ED": "ed25519", "ML": "ML-DSA-65"}
    assert found.signature == signatures[kind[:2]]


def test_a_captured_certificate_has_the_fingerprint_that_openssl_prints() -> None:
    found = leaf((FIXTURES / "web-new/etc/nginx/tls/server.crt").read_text(), "server.crt")
    assert found is not None and len(found.sha256) == 64
    expected = x509.load_pem_x509_certificate((FIXTURES / "web-new/etc/nginx/tls/server.crt").read_bytes()).fingerprint(hashes.SHA256()).hex()
    assert (found.sha256, found.issuer) == (expected, "CN=Lab root,O=Quantumsafe lab")


def test_the_first_of_a_chain_is_the_servers() -> None:
    first, second = pem(KEYS["ECDSA-P256"]()), pem(KEYS["ED25519"]())
    found = leaf(f"some text\n{first}{second}", "x")
    assert found is not None and found.key == "ECDSA-P256"


def test_a_text_without_a_certificate_is_none() -> None:
    assert leaf("-----BEGIN PRIVATE KEY-----\n[redacted]\n", "x") is None


def test_a_damaged_certificate_is_reported_as_unreadable() -> None:
    found = leaf("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "x")
    assert found is not None and found.subject == "unreadable"


def test_a_key_of_a_kind_without_a_name_here_does_not_stop_the_audit() -> None:
    found = leaf(pem(dsa.generate_private_key(2048)), "x")
    assert found is not None and "DSA" in found.key.upper()


def test_a_key_that_the_package_cannot_load_is_named_by_its_identifier() -> None:
    """An unknown algorithm: the object identifier of ecPublicKey (1.2.840.10045.2.1) turned into one that nobody has."""
    der = bytearray(x509.load_pem_x509_certificate(pem(KEYS["ECDSA-P256"]()).encode()).public_bytes(serialization.Encoding.DER))
    at = der.index(bytes.fromhex("06072a8648ce3d0201"))
    der[at + 8] = 0x63
    text = base64.b64encode(bytes(der)).decode()
    found = leaf(f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n", "x")
    assert found is not None and found.key == "1.2.840.10045.2.99"


@pytest.mark.parametrize(
    ("until", "days"),
    [
        (datetime(2026, 4, 10, 23, 59, 59, tzinfo=UTC), 100),
        (datetime(2026, 4, 11, 0, 0, 0, tzinfo=UTC), 101),
        (datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC), 1),
    ],
)
def test_both_ends_of_a_lifetime_count_and_a_part_of_a_day_is_a_day(until: datetime, days: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7).public_key(key.public_key())
    signed = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(until).sign(key, hashes.SHA256())
    found = leaf(signed.public_bytes(serialization.Encoding.PEM).decode(), "/x.crt")
    assert found is not None and found.lifetime == days
