"""Keys that sign and stay in a token: what is refused before it is asked, and what of its answers is not believed.  With a token: test_pkcs11.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.token import signing_uri
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._ledgerkeys import signers
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

URI = "pkcs11:token=ops;object=ledger;type=private"


def pem() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def folder(tmp_path: Path, uri: str, name: str = "ed25519") -> Path:
    (tmp_path / f"{name}.uri").write_text(f"{uri}\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An openssl that says whatever is put into its folder, and nothing without."""
    program = tmp_path / "bin/openssl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ncat "${0%/*}/$1"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program.parent


def test_the_file_with_the_pin_is_found_in_a_uri() -> None:
    assert signing_uri(f"{URI}?pin-source=file:/etc/a%20pin\n", "x") == (f"{URI}?pin-source=file:/etc/a%20pin", "/etc/a pin")
    assert signing_uri(URI, "x") == (URI, "")


@pytest.mark.parametrize("text", ["", "/etc/key.pem", f"{URI} -engine x", f"{URI}\n{URI}", "pkcs11:ü"])
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="no URI of a key in a token"):
        signing_uri(text, "x")


def test_a_pin_in_the_uri_is_refused_and_not_repeated() -> None:
    with pytest.raises(Problem) as refused:
        signing_uri(f"{URI}?pin-value=271828", "x")
    assert "271828" not in str(refused.value) and "the PIN itself" in str(refused.value)


def test_a_pin_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("1", encoding="utf-8")
    pin.chmod(0o644)
    with pytest.raises(Problem, match="everybody can read"):
        signers(folder(tmp_path, f"{URI}?pin-source=file:{pin}"))
    pin.unlink()
    with pytest.raises(Problem, match="which is to hold the PIN"):
        signers(tmp_path)


def test_a_key_in_a_file_beside_one_in_a_token_is_refused(tmp_path: Path) -> None:
    signers(tmp_path)
    with pytest.raises(Problem, match=r"there is ed25519\.key, too"):
        signers(folder(tmp_path, URI))


def test_without_a_provider_the_remedy_is_named(tmp_path: Path, fake: Path) -> None:
    with pytest.raises(Problem, match=r"key ledger in token ops: the openssl of this controller has no provider pkcs11"):
        signers(folder(tmp_path, URI))
    (fake / "list").write_text("  pkcs11\n", encoding="utf-8")
    with pytest.raises(Problem, match="the token does not do that: cat: "):
        signers(tmp_path)


def test_a_key_of_another_kind_than_its_name_says_is_refused(tmp_path: Path, fake: Path) -> None:
    (fake / "pkey").write_bytes(pem())
    with pytest.raises(Problem, match="it names a key of kind Ed25519, not ML-DSA-65"):
        signers(folder(tmp_path, URI, "ml-dsa-65"))
    assert not (tmp_path / "ml-dsa-65.pub").exists()


def test_a_signature_that_is_not_good_for_the_public_half_is_not_taken(tmp_path: Path, fake: Path) -> None:
    (fake / "pkey").write_bytes(pem())
    (fake / "pkeyutl").write_bytes(bytes(64))
    key = signers(folder(tmp_path, URI))[0][0]
    assert (tmp_path / "ed25519.pub").read_bytes() == (fake / "pkey").read_bytes()
    with pytest.raises(Problem, match="signs with another key"):
        key.sign(b"a head")
