"""certificates/hierarchy.py and sealed.py: a root and what issues below it, with a key under a password; judged by openssl."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates import authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.hierarchy import certify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.issued import Asked, checked
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.sealed import seal
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .ca import make_key
from .test_authority import request

NOW = datetime.now(UTC)


def openssl(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, argv)], capture_output=True, text=True, check=False)


def pem(*chain: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


@pytest.mark.parametrize("kind", ["ECDSA-P256", "ECDSA-P384", "RSA-3072", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_a_leaf_of_a_new_hierarchy_is_verified_up_to_its_root(kind: str) -> None:
    top, key = make_key(kind), make_key(kind)
    root = certify("Ours root", top, 3650, NOW, 1)
    issuing = certify("Ours issuing", key, 1825, NOW, 2, Authority(root, top, ()))
    assert issuing.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    ours = authority.load(pem(issuing, root), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), None, "/ca")
    assert ours.top == root
    asked = Asked(request(kind), kind, ("a.test",), 47)
    answer = authority.sign(ours, asked.request, kind, asked.names, 47, NOW, 3)
    assert checked(answer, asked, (root,), NOW, "local") == answer


def test_openssl_finds_no_fault_with_the_profile(tmp_path: Path) -> None:
    top, key = make_key("ECDSA-P384"), make_key("ECDSA-P384")
    root = certify("Ours root", top, 3650, NOW, 1)
    issuing = certify("Ours issuing", key, 1825, NOW, 2, Authority(root, top, ()))
    leaf = authority.sign(Authority(issuing, key, (issuing,)), request("ECDSA-P256"), "ECDSA-P256", ("a.test",), 47, NOW, 3)
    (tmp_path / "leaf").write_text(leaf)
    (tmp_path / "root").write_text(pem(root))
    said = openssl(
        "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "leaf", tmp_path / "leaf"
    )
    assert said.returncode == 0, said.stderr


def test_an_authority_below_the_issuing_one_signs_nothing_that_we_take() -> None:
    keys = [make_key("ECDSA-P256") for dummy in range(3)]
    root = certify("Ours root", keys[0], 3650, NOW, 1)
    issuing = Authority(certify("Ours issuing", keys[1], 1825, NOW, 2, Authority(root, keys[0], ())), keys[1], ())
    below = certify("Below", keys[2], 900, NOW, 3, issuing)
    asked = Asked(request("ECDSA-P256"), "ECDSA-P256", ("a.test",), 47)
    answer = authority.sign(Authority(below, keys[2], (below, issuing.certificate)), asked.request, asked.kind, asked.names, 47, NOW, 4)
    with pytest.raises(Problem, match="CN=Ours issuing allows 0 authorities below it, and there are 1"):
        checked(answer, asked, (root,), NOW, "local")


@pytest.mark.parametrize("kind", ["ECDSA-P384", "RSA-3072", "ML-DSA-65"])
def test_a_sealed_key_opens_with_its_password_alone(kind: str, tmp_path: Path) -> None:
    key = make_key(kind)
    sealed = seal(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), b"a password", b"s" * 16, b"v" * 16)
    root = pem(certify("Ours root", key, 3650, NOW, 1))
    assert authority.load(root, sealed, b"a password", "/ca").key.public_key() == key.public_key()
    for wrong in (b"another", None):
        with pytest.raises(Problem, match="cannot be read"):
            authority.load(root, sealed, wrong, "/ca")
    if kind != "ML-DSA-65":  # the openssl of the controller may be too old for that
        (tmp_path / "key").write_text(sealed)
        assert "scrypt" in openssl("asn1parse", "-in", tmp_path / "key").stdout
        assert openssl("pkey", "-in", tmp_path / "key", "-passin", "pass:a password", "-noout").returncode == 0
