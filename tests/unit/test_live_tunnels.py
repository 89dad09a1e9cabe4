"""Proposals, transform sets and HTTPS of a live device, by the playbooks as a user runs them: a successor first, then what was there before goes, and
back; the device is emulated (tests/emulators)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.appliance import Emulated, playbook
from tests.emulators.platforms import TUNNELS

from .targets.test_object_change import contracted, expanded

SOURCE = 'source: {doc: a test, section: "1", force: requirement}\n    verified: 2026-11-27'
POLICY = f"""\
policy: {{name: tunnels, version: "1"}}
rules:
  - id: kex-ike
    match: {{protocol: ikev2}}
    aspect: key_exchange
    allow: {{construction: [hybrid], quantum_category: ">=3", status: [current]}}
    {SOURCE}
  - id: cipher-ike
    match: {{protocol: ikev2}}
    aspect: cipher
    allow: {{aead: true, key_bits: ">=256", status: [current]}}
    {SOURCE}
  - id: cipher-esp
    match: {{protocol: esp}}
    aspect: cipher
    allow: {{aead: true, key_bits: ">=256", status: [current]}}
    {SOURCE}
  - id: version-https
    match: {{protocol: tls}}
    aspect: version
    allow: {{name: [TLSv1.3]}}
    {SOURCE}
stages: [{{aspect: key_exchange, stage: require}}, {{aspect: cipher, stage: require}}, {{aspect: version, stage: require}}]
"""
CHANGES = {"agility_policy": "policy.yml", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 120}


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Emulated]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    https = f"ip http secure-server\nip http secure-port {port}\nip http tls-version TLSv1.2\n"
    made = Emulated(tmp_path / "device", ssh=TUNNELS["ios"] + https)
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    yield made
    made.kill()


def test_a_successor_comes_first_and_the_old_goes_when_somebody_says_so(tmp_path: Path, device: Emulated) -> None:
    before = device.text()

    def run(verb: str, **more: object) -> tuple[str, dict[str, Any]]:
        shown, results = playbook(tmp_path, verb, {"edge1": device.variables()}, **{**CHANGES, **more})
        assert "CANARY" not in shown
        assert "edge1" in results, shown
        return shown, results["edge1"]

    shown, edge = run("plan")
    assert edge["status"] == "would-change", shown
    (sent,) = [one for one in edge["plan"]["warnings"] if one.startswith("is sent: ")]
    assert [line for line in ("proposal OLD-ag", "no proposal OLD; proposal OLD; ", "ip http tls-version TLSv1.3") if line not in sent] == []
    assert not [one for one in edge["plan"]["reasons"] if "ipsec" in one and "removes" in one]
    assert device.text() == before

    shown, edge = run("enforce", agility_campaign="expand")
    assert edge["status"] == "changed", shown
    assert expanded(device)
    assert [(one["endpoint"], one["proved"], one["version"]) for one in edge["proofs"]] == [("ios https", True, "TLSv1.3")]
    assert device.text() == device.text("startup")
    between = device.text()

    shown, edge = run("enforce", agility_campaign="expand")
    assert edge["status"] == "ok", shown
    assert "agility_link_step=contract" in " ".join(edge["plan"]["warnings"])

    shown, edge = run("enforce", agility_campaign="contract", agility_link_step="contract")
    assert edge["status"] == "changed", shown
    assert contracted(device)

    for campaign, then in (("contract", between), ("expand", before)):
        shown, edge = run("rollback", agility_campaign=campaign)
        assert edge["status"] == "rolled-back", shown
        assert sorted(device.text().splitlines()) == sorted(device.text("startup").splitlines()) == sorted(then.splitlines())
    assert expanded(device) is False
