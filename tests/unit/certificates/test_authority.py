"""certificates/authority.py: what the local authority signs, and what it refuses; judged by openssl, which is not ours."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates import authority, keys
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.read import leaf
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.request import request_config
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from .ca import create, encoded, make_key

NOW = datetime.now(UTC)
CLASSICAL = ("ECDSA-P256", "ECDSA-P384", "RSA-2048", "ED25519")
MODERN = ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")


def root(kind: str = "ECDSA-P256") -> Authority:
    key = make_key(kind)
    return Authority(create("Test root", key, 3650, NOW, 1), key, ())


def below(top: Authority, kind: str) -> Authority:
    key = make_key(kind)
    made = create("Test issuing", key, 365, NOW, 2, top)
    return Authority(made, key, (made,))


def request(kind: str, names: tuple[str, ...] = ("ours.test",)) -> str:
    key = make_key(kind)
    wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(wanted, critical=False)
    return made.sign(key, None if kind[:2] in ("ED", "ML") else hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize("kind", [*CLASSICAL, *MODERN])
@pytest.mark.parametrize("issuer", ["ECDSA-P384", "ML-DSA-65"])
def test_a_leaf_of_every_kind_is_signed_by_every_kind_of_authority(kind: str, issuer: str) -> None:
    ours = below(root(issuer), issuer)
    text = authority.sign(ours, request(kind), kind, ("a.test", "192.0.2.7"), 47, NOW, 3)
    first, second = x509.load_pem_x509_certificates(text.encode())
    found = leaf(text, "/x")
    assert found is not None and (found.key, found.lifetime) == (kind, 47)
    assert second == ours.certificate
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["a.test", "192.0.2.7"], "what we were asked to sign, not what the request says"
    assert first.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_openssl_agrees_with_the_chain(tmp_path: Path) -> None:
    top = root()
    ours = below(top, "ECDSA-P256")
    (tmp_path / "leaf").write_text(authority.sign(ours, request("RSA-2048"), "RSA-2048", ("a.test",), 47, NOW, 3))
    (tmp_path / "root").write_bytes(top.certificate.public_bytes(Encoding.PEM))
    argv = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "a.test", "-CAfile"]
    said = subprocess.run([*argv, tmp_path / "root", "-untrusted", tmp_path / "leaf", tmp_path / "leaf"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def test_a_key_of_another_kind_a_broken_request_and_a_foreign_key_are_refused() -> None:
    ours = root()
    with pytest.raises(Problem, match="a key of kind RSA-2048, not ECDSA-P256"):
        authority.sign(ours, request("RSA-2048"), "ECDSA-P256", ("a.test",), 47, NOW, 3)
    with pytest.raises(Problem, match="cannot be read"):
        authority.sign(ours, "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n", "RSA-2048", ("a.test",), 47, NOW, 3)
    der = bytearray(x509.load_pem_x509_csr(request("ED25519").encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    with pytest.raises(Problem, match="not signed by its own key"):
        broken = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
        authority.sign(ours, broken, "ED25519", ("a.test",), 47, NOW, 3)
    with pytest.raises(Problem, match="not that of its certificate"):
        authority.load(ours.certificate.public_bytes(Encoding.PEM).decode(), encoded(make_key("ECDSA-P256"), None), None, "/ca")


def test_an_encrypted_key_wants_its_password() -> None:
    ours = root("ML-DSA-65")
    certificate, key = ours.certificate.public_bytes(Encoding.PEM).decode(), encoded(ours.key, b"secret")
    assert "ENCRYPTED" in key
    assert authority.load(certificate, key, b"secret", "/ca").name == "CN=Test root"
    for wrong in (None, b"wrong"):
        with pytest.raises(Problem, match="/ca: the certificate authority cannot be read"):
            authority.load(certificate, key, wrong, "/ca")


def test_what_an_openssl_cannot_make_is_named() -> None:
    assert keys.lacking(("ECDSA-P256", "ML-DSA-65"), (3, 0, 22)) == ("ML-DSA-65",)
    assert keys.lacking(("ECDSA-P256", "ML-DSA-65"), (3, 5, 1)) == ()
    assert keys.lacking(("ECDSA-P256", "ML-DSA-65"), ()) == ("ML-DSA-65",)
    with pytest.raises(Problem, match="no kind of key is called DSA"):
        keys.kind("DSA")


@pytest.mark.parametrize("name", ["a b", "x,DNS:evil", "$ENV::PATH", "a\nb", "", "-a.test", "a" * 64 + ".test", "*.*.test"])
def test_no_name_can_say_more_than_a_name(name: str) -> None:
    with pytest.raises(Problem):
        request_config((name,))


def test_openssl_makes_the_request_that_is_asked_for(tmp_path: Path) -> None:
    long = "a" * 60 + "." + "b" * 60 + ".test"
    for names in (("a.test", "*.b.test", "2001:db8::1"), (long,)):
        (tmp_path / "config").write_text(request_config(names))
        key = ["openssl", "genpkey", *keys.kind("ECDSA-P256").options, "-out", str(tmp_path / "key")]
        subprocess.run(key, check=True, capture_output=True)
        made = subprocess.run(["openssl", "req", "-new", "-key", tmp_path / "key", "-config", tmp_path / "config"], check=True, capture_output=True)
        asked = x509.load_pem_x509_csr(made.stdout).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert [str(name.value) for name in asked] == list(names)


def test_lifetimes_start_a_little_in_the_past() -> None:
    (made,) = x509.load_pem_x509_certificates(authority.sign(root(), request("ED25519"), "ED25519", ("a.test",), 47, NOW, 3).encode())
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc < NOW + timedelta(days=47)


def test_what_is_no_authority_signs_nothing() -> None:
    key = make_key("ECDSA-P256")
    server = create("Server", key, 90, NOW, 4, ca=False).public_bytes(Encoding.PEM).decode()
    with pytest.raises(Problem, match="CN=Server is no certificate authority"):
        authority.load(server, encoded(key, None), None, "/ca")


def test_an_authority_that_does_not_name_its_key_signs_all_the_same() -> None:
    key = make_key("ECDSA-P256")
    ours = Authority(create("Plain", key, 90, NOW, 5, named=False), key, ())
    text = authority.sign(ours, request("ED25519"), "ED25519", ("a.test",), 47, NOW, 6)
    (made,) = x509.load_pem_x509_certificates(text.encode())
    found = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.key_identifier == x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
