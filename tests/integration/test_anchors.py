"""Trust anchors on the lab: placed before anything needs them, proved by each host's own openssl, and not withdrawn while something does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import ADDRESS, Lab, on

LAB_ROOT = "/usr/local/share/ca-certificates/quantumsafe-lab.crt"
TRUST = "sha256sum /etc/ssl/certs/ca-certificates.crt; ls /usr/local/share/ca-certificates; find /etc/ssl/certs -type l | sort | xargs -n1 readlink | sort | sha256sum"
HOSTS = "web-new,web-include"


@pytest.fixture(scope="module", autouse=True)
def finished(pristine: None) -> None:
    """The lab's hosts have a root that their stores were not made of yet."""
    for host in ("web-new", "web-include", "web-old", "client"):
        assert host in ("web-include", "client") or not trusts(host, LAB_ROOT)
        on(host, "update-ca-certificates")


@pytest.fixture
def authority(lab: Lab, tmp_path: Path) -> Path:
    """A classical and an ML-DSA hierarchy, whose roots are put away."""
    made = lab.play(
        "create_authority",
        "",
        agility_authority=str(tmp_path / "ca"),
        agility_authority_root=str(tmp_path / "roots"),
        agility_authority_password="a secret",
    )
    assert made.rc == 0, made.text
    return tmp_path


def root(authority: Path, kind: str = "ml-dsa-65") -> str:
    return str(authority / f"roots/{kind}-root/root.crt")


def trusts(host: str, path: str) -> bool:
    return "OK" in on(host, f"openssl verify {path} 2>&1", check=False)


def test_an_anchor_comes_once_and_goes_again_with_its_campaign(lab: Lab, authority: Path) -> None:
    before = {host: on(host, TRUST) for host in HOSTS.split(",")}
    look = lab.play("distribute_anchors", HOSTS, "--check", "--diff", agility_anchor=root(authority))
    assert look.rc == 0 and "+-----BEGIN CERTIFICATE-----" in look.text, look.text
    assert {host: on(host, TRUST) for host in before} == before
    ran = lab.play("distribute_anchors", HOSTS, agility_anchor=root(authority), agility_campaign="anchors")
    assert ran.rc == 0, ran.text
    for host in before:
        name, dummy = sorted(on(host, "ls /usr/local/share/ca-certificates").split())
        assert name.startswith("local-root-ml-dsa-65-")
        assert trusts(host, f"/usr/local/share/ca-certificates/{name}")
        (proof,) = ran.host(host)["proofs"]
        assert proof["proved"] and proof["anchor"] == "CN=Local root ML-DSA-65"
    again = lab.play("distribute_anchors", HOSTS, agility_anchor=root(authority))
    assert again.rc == 0 and [again.changed(host) for host in before] == [0, 0]
    back = lab.play("rollback", HOSTS, agility_campaign="anchors")
    assert back.rc == 0, back.text
    assert {host: on(host, TRUST) for host in before} == before


def test_a_host_whose_openssl_cannot_verify_it_goes_back(lab: Lab, authority: Path) -> None:
    before = on("web-old", TRUST)
    ran = lab.play("distribute_anchors", "web-old", agility_anchor=root(authority))
    assert ran.rc != 0 and "does not trust it all the same" in ran.text and "REVERTED" in ran.text, ran.text
    assert on("web-old", TRUST) == before
    classical = lab.play("distribute_anchors", "web-old", agility_anchor=root(authority, "ecdsa-p384"), agility_campaign="old")
    assert classical.rc == 0, classical.text
    assert lab.play("rollback", "web-old", agility_campaign="old").rc == 0
    assert on("web-old", TRUST) == before


def test_what_is_no_anchor_is_refused_before_any_host_is_asked(lab: Lab, authority: Path, tmp_path: Path) -> None:
    issuing = str(authority / "ca/ml-dsa-65/ca.crt")
    (tmp_path / "issuing.crt").write_text(Path(issuing).read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    for path, words in (
        (issuing, "it holds 2 certificates"),
        (str(tmp_path / "issuing.crt"), "is not signed by itself"),
        (str(authority / "ca/ml-dsa-65/ca.key"), "holds a private key"),
    ):
        ran = lab.play("distribute_anchors", "web-new", agility_anchor=path)
        assert ran.rc != 0 and words in ran.text, ran.text


def test_a_leaf_of_a_new_hierarchy_waits_for_its_anchor_and_the_anchor_for_the_last_leaf(lab: Lab, authority: Path) -> None:
    """The order of a migration: anchor, leaf, and back: leaf, anchor."""
    ours = {"agility_authority": str(authority / "ca"), "agility_authority_password": "a secret", "agility_keys": ["ECDSA-P256", "ML-DSA-65"]}
    early = lab.play("rotate_certificates", "web-new", agility_anchor_check="refuse", **ours)
    assert early.rc != 0 and "the host does not trust what the new certificates end at" in early.text, early.text
    assert on("web-new", "find /var/lib/crypto-agility/keys -type f") == "", "the key that nobody will use is gone"
    for kind in ("ml-dsa-65", "ecdsa-p384"):
        assert lab.play("distribute_anchors", "web-new,client", agility_anchor=root(authority, kind), agility_campaign=f"anchor-{kind}").rc == 0
    ran = lab.play("rotate_certificates", "web-new", agility_anchor_check="refuse", agility_campaign="leaf", **ours)
    assert ran.rc == 0, ran.text
    assert "a secret" not in ran.text + "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
    ask = f"echo | openssl s_client -connect {ADDRESS['web-new']}:443 -servername web-new -verify_hostname web-new -verify_return_error -sigalgs"
    modern = on("client", f"{ask} mldsa65 2>&1")
    assert "Verification: OK" in modern and "Peer signature type: mldsa65" in modern and "CN=Local issuing ML-DSA-65" in modern, modern
    away = lab.play("distribute_anchors", "web-new", agility_anchor=root(authority), agility_anchor_state="absent")
    assert away.rc != 0 and "CN=Local root ML-DSA-65 stays: web-new serves /etc/nginx/tls/server.ml-dsa-65-" in away.text, away.text
    assert "was not looked at and may serve one" in away.text
    assert lab.play("rollback", "web-new", agility_campaign="leaf").rc == 0
    limited = lab.play("distribute_anchors", "web-new", agility_anchor=root(authority), agility_anchor_state="absent")
    assert limited.rc != 0 and "serves" not in json.dumps(limited.host("web-new")["problem"]), limited.text
    for kind in ("ml-dsa-65", "ecdsa-p384"):
        gone = lab.play("distribute_anchors", "", agility_anchor=root(authority, kind), agility_anchor_state="absent")
        assert gone.rc == 0, gone.text
        assert (gone.changed("web-new"), gone.changed("client"), gone.changed("web-old")) == (1, 1, 0)
    assert on("web-new", "ls /usr/local/share/ca-certificates").split() == ["quantumsafe-lab.crt"]


def test_what_somebody_left_half_done_is_not_taken_up_along(lab: Lab, authority: Path) -> None:
    on("web-new", f"cp {LAB_ROOT} /tmp/lab.crt && rm {LAB_ROOT} && update-ca-certificates --fresh && cp /tmp/lab.crt {LAB_ROOT}")
    before = on("web-new", TRUST)
    ran = lab.play("distribute_anchors", "web-new", agility_anchor=root(authority))
    assert ran.rc != 0 and f"{LAB_ROOT} would be taken up along" in ran.text, ran.text
    assert on("web-new", TRUST) == before
    on("web-new", "update-ca-certificates")


def test_of_two_roots_of_one_name_each_is_trusted(lab: Lab, authority: Path, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    assert lab.play("create_authority", "", agility_authority=other, agility_authority_kinds=["ML-DSA-65"]).rc == 0
    for path in (root(authority), f"{other}/ml-dsa-65-root/root.crt"):
        ran = lab.play("distribute_anchors", "web-new", agility_anchor=path, agility_campaign="twins")
        assert ran.rc == 0, ran.text
    assert lab.play("rollback", "web-new", agility_campaign="twins").rc == 0
