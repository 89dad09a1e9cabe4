"""Tunnels and HTTPS of a live device by the playbooks as a user runs them: planned, expanded, contracted, rolled back; make verify-appliances runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulators.appliance import Emulated, playbook

from .policy.texts import binding
from .targets.test_device_change import EVERY

POLICY = binding(
    ("ikev2", "key_exchange", '{construction: [classical, hybrid], classical_bits: ">=192", status: [current]}'),
    ("ikev2", "cipher", '{key_bits: ">=256", aead: true, status: [current]}'),
    ("esp", "cipher", '{key_bits: ">=256", aead: true, status: [current]}'),
)
CHANGES = {"agility_policy": "policy.yml", "agility_campaign": "tunnels", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 60}


def statements(device: Emulated) -> list[str]:
    return sorted(device.text().splitlines())


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it")
@pytest.mark.parametrize("platform", ["junos", "vyos"])
def test_tunnels_are_planned_expanded_contracted_and_rolled_back(tmp_path: Path, platform: str) -> None:
    device = Emulated(tmp_path / "device", platform=platform)
    try:
        before = statements(device)
        (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
        hosts = {"edge1": device.variables()}
        for verb, more in (("plan", ()), ("enforce", ("--check", "--diff"))):
            shown, results = playbook(tmp_path, verb, hosts, *more, **CHANGES)
            assert results["edge1"]["status"] == "would-change", shown
            (sent,) = [one for one in results["edge1"]["plan"]["warnings"] if one.startswith("is sent: ")]
            assert "-ag" in sent
            assert [one for one in sent.split("; ") if one.startswith("delete") and not one.endswith(" proposals")] == []  # a list is put anew
            assert statements(device) == before
        shown, results = playbook(tmp_path, "enforce", hosts, **CHANGES)
        assert results["edge1"]["status"] == "changed", shown
        names = {line for line in before if "site-to-site" in line and "-group" in line}  # one group a peer; a policy of Junos names both
        assert set(before) - set(statements(device)) == names
        shown, results = playbook(tmp_path, "enforce", hosts, **CHANGES)
        assert results["edge1"]["status"] == "ok", shown
        assert "agility_link_step=contract" in " ".join(results["edge1"]["plan"]["warnings"])
        shown, results = playbook(tmp_path, "enforce", hosts, **CHANGES, agility_link_step="contract")
        assert results["edge1"]["status"] == "changed", shown
        assert "3des" not in device.text()
        assert statements(device) == sorted(device.text("startup").splitlines())
        shown, results = playbook(tmp_path, "rollback", hosts, agility_campaign="tunnels")
        assert results["edge1"]["status"] == "rolled-back", shown
        assert statements(device) == before
        assert "CANARY" not in shown
    finally:
        device.kill()
