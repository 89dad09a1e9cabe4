"""The TLS of the management of a live EOS device by the playbooks as a user runs them: planned, changed, proved by a handshake, rolled back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.appliance import Emulated, playbook
from tests.emulators.platforms import api_of_eos

from .targets.test_device_change import EVERY
from .targets.test_profile_change import block

SOURCE = 'source: {doc: a test, section: "1", force: requirement}\n    verified: 2026-11-27'
POLICY = f"""\
policy: {{name: management, version: "1"}}
rules:
  - id: version
    match: {{protocol: tls}}
    aspect: version
    allow: {{name: [TLSv1.3]}}
    fallback: {{name: [TLSv1.2], until: 2030-12-31}}
    {SOURCE}
  - id: cipher
    match: {{protocol: tls}}
    aspect: cipher
    allow: {{aead: true, key_bits: ">=256", status: [current]}}
    {SOURCE}
  - id: kex-ike
    match: {{protocol: ikev2}}
    aspect: key_exchange
    allow: {{construction: [classical], classical_bits: ">=192", status: [current]}}
    {SOURCE}
stages: [{{stage: require}}]
"""
CHANGES = {"agility_policy": "policy.yml", "agility_campaign": "tls", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 120}


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Emulated]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Emulated(tmp_path / "device", platform="eos", release="4.33.1F", ssh=api_of_eos("4.33.1F", port))
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    yield made
    made.kill()


def run(tmp_path: Path, device: Emulated, verb: str, *more: str, **variables: object) -> tuple[str, dict[str, Any]]:
    shown, results = playbook(tmp_path, verb, {"edge1": device.variables()}, *more, **(variables or CHANGES))
    assert "CANARY" not in shown
    assert "edge1" in results, shown
    return shown, results["edge1"]


def test_a_profile_is_changed_proved_by_a_handshake_and_rolled_back(tmp_path: Path, device: Emulated) -> None:
    before, other = device.text(), block(device, "RADSEC")
    shown, edge = run(tmp_path, device, "enforce", "--diff")
    assert edge["status"] == "changed", shown
    assert "tls versions 1.3" in block(device, "API")
    assert any(line.startswith("cipher v1.3 TLS_AES_256_GCM_SHA384") for line in block(device, "API"))
    assert block(device, "RADSEC") == other
    assert [(one["endpoint"], one["proved"], one["version"]) for one in edge["proofs"]] == [("eos https", True, "TLSv1.3")]
    warned = " ".join(edge["plan"]["warnings"])
    assert "radius-server names ssl profile RADSEC, too" in warned
    assert "eos ike policy OLD: left as it is: a profile names one ike-policy" in warned
    assert device.text() == device.text("startup")

    shown, edge = run(tmp_path, device, "rollback", agility_campaign="tls")
    assert edge["status"] == "rolled-back", shown
    assert device.text() == device.text("startup") == before


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it")
def test_a_profile_is_planned_and_checked_and_a_second_run_finds_nothing(tmp_path: Path, device: Emulated) -> None:
    before = device.text()
    for verb, more in (("plan", ()), ("enforce", ("--check", "--diff"))):
        shown, edge = run(tmp_path, device, verb, *more)
        assert edge["status"] == "would-change", shown
        (sent,) = [one for one in edge["plan"]["warnings"] if one.startswith("is sent: ")]
        assert "management security; ssl profile API; tls versions 1.3; cipher v1.3 TLS_" in sent
        assert device.text() == before
    assert run(tmp_path, device, "enforce")[1]["status"] == "changed"
    shown, edge = run(tmp_path, device, "enforce")
    assert edge["status"] == "ok", shown
