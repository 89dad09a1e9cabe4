"""certificates/escrow.py, agent/escrow.sh: keys are kept for the recipient whom the policy pins, as a hybrid or not at all."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.escrow import recipient
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.sealed import armored
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.escrow import Sealed, parse_escrow
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from .ca import make_key

FILES = ("/r/office.crt", "/r/office.pub")
# SubjectPublicKeyInfo { { id-alg-ml-kem-768 }, BIT STRING } (RFC 9935 §4), with a key of another length: nothing here looks into it.
KEM = bytes.fromhex("3017300b0609608648016503040402030800") + b"kem-key"
NO_KEM = KEM.replace(bytes.fromhex("0404"), bytes.fromhex("0403"))


def certified(kind: str) -> tuple[str, str]:
    """(PEM of a certificate, digest of its key)."""
    key, name = make_key(kind), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "office")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7).public_key(key.public_key())
    builder = builder.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode(), hashlib.sha256(spki).hexdigest()


def test_the_two_keys_that_the_policy_pins_are_taken_and_nothing_else_of_their_files() -> None:
    certificate, pin = certified("ECDSA-P384")
    found = recipient(f"# mine\n{certificate}", f"$(id)\n{armored('PUBLIC KEY', KEM)}tail", (pin, hashlib.sha256(KEM).hexdigest()), FILES)
    assert (found.certificate, found.kem, found.kind) == (certificate, armored("PUBLIC KEY", KEM), "ECDSA-P384 and ML-KEM-768")


@pytest.mark.parametrize(
    ("kind", "kem", "said"),
    [
        ("ECDSA-P256", KEM, "needs a key on P-384 or P-521"),
        ("RSA-2048", KEM, "needs a key on P-384 or P-521"),
        ("ECDSA-P384", NO_KEM, "one of ML-KEM-768 or ML-KEM-1024"),
        ("ECDSA-P384", b"\x30", "one of ML-KEM-768 or ML-KEM-1024"),
    ],
)
def test_less_than_a_hybrid_is_no_recipient(kind: str, kem: bytes, said: str) -> None:
    certificate, pin = certified(kind)
    with pytest.raises(Problem, match=said):
        recipient(certificate, armored("PUBLIC KEY", kem), (pin, hashlib.sha256(kem).hexdigest()), FILES)


def test_another_key_than_the_pinned_one_is_refused_by_its_file() -> None:
    certificate, pin = certified("ECDSA-P384")
    kem = hashlib.sha256(KEM).hexdigest()
    for pins, file in (((kem, kem), FILES[0]), ((pin, pin), FILES[1])):
        with pytest.raises(Problem, match="not the key of the recipient whom the policy names") as caught:
            recipient(certificate, armored("PUBLIC KEY", KEM), pins, FILES)
        assert caught.value.where == file
    with pytest.raises(Problem, match="no certificate can be read"):
        recipient("nothing", armored("PUBLIC KEY", KEM), (pin, kem), FILES)


def framed(text: str) -> str:
    coded = base64.b64encode(f"{text}\n\001Z n1\n".encode()).decode()
    return f"==CA:n1:b64==\n{coded}\n==CA:n1:end==\n"


def test_half_an_answer_is_none() -> None:
    said = parse_escrow(framed("\001Q 1\nkem AA==\nsealed AB==\n\001Q 2\nkem AA==\nsealed \n\001Q 3\nerror cms says no\n\001Q 4\n"), "n1")
    assert said == {1: Sealed("AA==", "AB=="), 2: Sealed(error="the host said nothing of it"), 3: Sealed(error="cms says no"), 4: said[2]}
