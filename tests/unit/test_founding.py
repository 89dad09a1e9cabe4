"""A new authority on the controller: whole or not there, for nobody else's eyes, never written over, and of use without its root."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _founding
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.issued import Asked
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.read import leaf
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._founding import Founding
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._issuers import answered, local

from .certificates.test_authority import request

KINDS = ("ECDSA-P384", "ML-DSA-65")


def founding(tmp: Path, password: bytes = b"a password", days: int = 3650) -> Founding:
    return Founding(tmp / "home", tmp / "roots", "Test", password, days)


@pytest.fixture
def founded(tmp_path: Path) -> Path:
    for kind in KINDS:
        founding(tmp_path).found(kind)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(folder: Path, password: str = "a password", days: int = 47) -> Any:
    args = {"authority": str(folder), "authority_password": password, "days": days}
    return SimpleNamespace(args=args, output=folder, host="h", taken=datetime.now(UTC).isoformat())


def asked(kind: str) -> Asked:
    return Asked(request(kind), kind, ("a.test",), 47)


def test_folders_are_for_their_owner_alone_and_keys_are_under_a_password(founded: Path) -> None:
    for path in (founded / "home").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    names = sorted(str(path.relative_to(founded)) for path in founded.rglob("*") if path.is_file())
    assert names == [
        *("home/ecdsa-p384/ca.crt", "home/ecdsa-p384/ca.key", "home/ml-dsa-65/ca.crt", "home/ml-dsa-65/ca.key"),
        *("roots/ecdsa-p384-root/root.crt", "roots/ecdsa-p384-root/root.key", "roots/ml-dsa-65-root/root.crt", "roots/ml-dsa-65-root/root.key"),
    ]
    assert all(b"ENCRYPTED" in text for path, text in contents(founded).items() if path.endswith(".key"))


def test_a_second_run_makes_nothing_and_changes_nothing(founded: Path) -> None:
    before = contents(founded)
    assert [founding(founded).missing(kind) for kind in KINDS] == [[], []]
    assert contents(founded) == before


def test_each_hierarchy_signs_for_its_own_family_without_its_root(founded: Path) -> None:
    shutil.rmtree(founded / "roots")
    issuer = local(run(founded / "home"))
    chains, waits = answered(issuer, [asked("ECDSA-P256"), asked("ML-DSA-65"), asked("RSA-2048")])
    assert not waits
    found = [leaf(chain, "/x") for chain in chains]
    assert [one.issuer for one in found if one] == [f"CN=Test issuing {kind}" for kind in ("ECDSA-P384", "ML-DSA-65", "ECDSA-P384")]
    assert founding(founded).missing("ML-DSA-65") == []


def test_what_issues_is_made_anew_below_the_root_that_is_there(founded: Path) -> None:
    shutil.rmtree(founded / "home/ml-dsa-65")
    root = contents(founded / "roots")
    assert founding(founded).missing("ML-DSA-65") == [founded / "home/ml-dsa-65"]
    founding(founded).found("ML-DSA-65")
    assert contents(founded / "roots") == root
    assert len(answered(local(run(founded / "home")), [asked("ML-DSA-65")])[0]) == 1


def test_a_wrong_password_and_half_a_folder_are_named_and_left(founded: Path) -> None:
    with pytest.raises(Problem, match="ml-dsa-65: the certificate authority cannot be read"):
        founding(founded, b"wrong").missing("ML-DSA-65")
    (founded / "home/ml-dsa-65/ca.key").unlink()
    before = contents(founded)
    with pytest.raises(Problem, match=r"ca\.key: it is there and not whole"):
        founding(founded).missing("ML-DSA-65")
    assert contents(founded) == before


def test_a_run_that_was_interrupted_leaves_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = _founding._put

    def full(path: Path, text: str) -> None:
        if path.suffix == ".crt":
            raise OSError(28, "No space left on device", str(path))
        put(path, text)

    monkeypatch.setattr(_founding, "_put", full)
    with pytest.raises(OSError, match="No space left"):
        founding(tmp_path).found("ECDSA-P256")
    assert list((tmp_path / "roots").iterdir()) == []


def test_what_issues_does_not_outlive_its_root_and_other_kinds_are_refused(tmp_path: Path) -> None:
    founding(tmp_path, days=10).found("ECDSA-P256")
    shutil.rmtree(tmp_path / "home")
    with pytest.raises(Problem, match="would outlive its root, CN=Test root ECDSA-P256"):
        founding(tmp_path, days=3650).found("ECDSA-P256")
    for kind in ("ED25519", "DSA"):
        with pytest.raises(Problem, match=kind):
            founding(tmp_path).missing(kind)


def test_certificates_that_would_outlive_their_authority_are_refused_before_anything(founded: Path) -> None:
    with pytest.raises(Problem, match="a certificate of 2000 days would outlive CN=Test issuing"):
        local(run(founded / "home", days=2000))
    with pytest.raises(Problem, match="the certificate authority cannot be read"):
        local(run(founded / "nowhere"))
