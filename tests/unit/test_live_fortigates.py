"""FortiGates that are logged in to by their API, by the playbooks as a user runs them; the devices are emulated (tests/emulators/devices/fortios.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.appliance import PASSWORD, playbook
from tests.emulators.fortigate import KEX, TOKEN, WITH_VDOMS, FortiGate

from .conftest import FIXTURES
from .policy.texts import binding
from .targets.test_device_change import EVERY

POLICY = {"agility_policy": str(FIXTURES / "appliances/policy.yml")}
WEB = {"agility_root": str(FIXTURES / "snapshots/web-old.json")}
# No release of FortiOS has a hybrid exchange in SSH, so a policy that asks for one changes nothing there.
CLASSICAL = binding(
    ("ssh", "key_exchange", '{construction: [classical], classical_bits: ">=128", status: [current]}'),
    ("ssh", "mac", "{name: [hmac-sha2-512-etm@openssh.com]}"),
    ("ikev2", "cipher", '{key_bits: ">=128", status: [current]}'),
)
CHANGES = {"agility_policy": "policy.yml", "agility_campaign": "spring", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 60}


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device")
    yield made
    made.kill()


def told_of_secrets(folder: Path, shown: str) -> list[str]:
    """Which of them stand in what was printed, or in anything that was written."""
    written = "".join(path.read_text(encoding="utf-8") for name in ("out", "ledger") for path in (folder / name).rglob("*") if path.is_file())
    return [secret for secret in ("CANARY", PASSWORD, TOKEN) if secret in written + shown]


def test_a_gate_and_a_host_are_audited_in_one_run_by_one_policy(tmp_path: Path, gate: FortiGate) -> None:
    older = FortiGate(tmp_path / "older", release="7.2.11", login="cookie")
    by_token = gate.variables(ansible_user=None, ansible_password=None, ansible_httpapi_session_key={"access_token": TOKEN})
    try:
        shown, results = playbook(tmp_path, "audit", {"fg1": gate.variables(), "fg2": by_token, "fg3": older.variables(), "web": WEB}, **POLICY)
    finally:
        older.kill()
    assert {name: result["status"] for name, result in results.items()} == dict.fromkeys(("fg1", "fg2", "fg3", "web"), "ok"), shown
    mine = results["fg1"]
    found = {(one["endpoint"], one["aspect"]): one for one in mine["findings"]}
    assert found["fortios ssh", "key_exchange"]["actual"] == KEX.split()
    assert found["fortios ssh", "mac"]["state"] != "unknown"  # no line names it: its default was told
    assert found["fortios phase1-interface old", "cipher"]["state"] == "missing"  # as what can be put in front of it is known
    assert (mine["target"]["os_VERSION_ID"], mine["target"]["machine_id"], mine["rounds"]) == ("7.4.8", "FGVMEMULATED01", 3)
    assert results["fg2"]["findings"] == mine["findings"]
    assert results["fg3"]["target"]["os_VERSION_ID"] == "7.2.11"
    assert told_of_secrets(tmp_path, shown) == []
    assert gate.text() == gate.text("startup")


def test_a_gate_is_changed_proved_saved_and_rolled_back(tmp_path: Path, gate: FortiGate) -> None:
    before = gate.text()
    (tmp_path / "policy.yml").write_text(CLASSICAL, encoding="utf-8")
    shown, results = playbook(tmp_path, "enforce", {"fg1": gate.variables()}, "--diff", **CHANGES)
    mine = results["fg1"]
    assert mine["status"] == "changed", shown
    assert "diffie-hellman-group14-sha1" not in gate.ssh("kex").split()
    assert gate.text() == gate.text("startup")
    assert "cfg-save" not in gate.text()
    assert told_of_secrets(tmp_path, shown) == []
    assert "ends with its RESTART" in " ".join(mine["plan"]["warnings"])
    assert [(proof["endpoint"], proof["proved"]) for proof in mine["proofs"]] == [("fortios ssh", True)]

    shown, results = playbook(tmp_path, "rollback", {"fg1": gate.variables()}, agility_campaign="spring")
    assert results["fg1"]["status"] == "rolled-back", shown
    assert gate.text() == gate.text("startup") == before


def test_a_gate_with_vdoms_is_read_vdom_by_vdom_and_its_global_lists_are_changed_and_rolled_back(tmp_path: Path) -> None:
    gate = FortiGate(tmp_path / "device", startup=WITH_VDOMS)
    try:
        before = gate.text()
        (tmp_path / "policy.yml").write_text(CLASSICAL, encoding="utf-8")
        shown, results = playbook(tmp_path, "enforce", {"fg1": gate.variables()}, **CHANGES)
        mine = results["fg1"]
        assert mine["status"] == "changed", shown
        ciphers = {one["endpoint"]: one["state"] for one in mine["findings"] if one["aspect"] == "cipher" and "phase1" in one["endpoint"]}
        assert ciphers == {"fortios root phase1-interface old": "forbidden", "fortios red phase1-interface old": "compliant"}
        assert "diffie-hellman-group14-sha1" not in gate.ssh("kex").split()
        assert gate.text() == gate.text("startup")
        assert gate.text().split("config global")[::2] == before.split("config global")[::2]
        assert gate.tunnel("proposal") == ["aes256gcm-prfsha256 3des-sha256", "aes256gcm-prfsha384"]  # the new in front, in its own VDOM
        assert told_of_secrets(tmp_path, shown) == []

        shown, results = playbook(tmp_path, "rollback", {"fg1": gate.variables()}, agility_campaign="spring")
        assert results["fg1"]["status"] == "rolled-back", shown
        assert gate.text() == gate.text("startup") == before
    finally:
        gate.kill()


def test_a_gate_that_is_not_there_or_refuses_says_so(tmp_path: Path, gate: FortiGate) -> None:
    gone = {**gate.variables(), "ansible_httpapi_port": 1}
    hosts = {"fg1": gate.variables(ansible_password="wrong"), "fg2": gone, "fg3": gate.variables(ansible_network_os="arista.eos.eos")}
    dummy, results = playbook(tmp_path, "audit", hosts, **POLICY)
    assert results["fg1"]["status"] == results["fg2"]["status"] == "unreachable"
    assert "credentials" in results["fg1"]["problem"]["message"]
    assert "known is fortinet.fortios.fortios" in results["fg3"]["problem"]["remedy"]


TUNNELS = binding(
    ("ikev2", "key_exchange", '{construction: [classical, hybrid], classical_bits: ">=192", status: [current]}'),
    ("ikev2", "cipher", '{key_bits: ">=256", aead: true, status: [current]}'),
    ("ikev2", "mac", "{name: [AUTH_HMAC_SHA2_512_256]}"),
    ("esp", "cipher", '{key_bits: ">=256", aead: true, status: [current]}'),
    ("tls", "version", "{name: [TLSv1.3]}"),
)


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it")
@pytest.mark.parametrize(("release", "kem"), [("7.4.8", ""), ("7.6.4", "36"), ("7.6.7", "ml-kem-768")])
def test_tunnels_and_https_are_planned_expanded_contracted_and_rolled_back(tmp_path: Path, release: str, kem: str) -> None:
    gate = FortiGate(tmp_path / "device", startup=WITH_VDOMS, release=release)
    try:
        before, hosts = gate.text(), {"fg1": gate.variables()}
        (tmp_path / "policy.yml").write_text(TUNNELS if not kem else TUNNELS.replace("[classical, hybrid]", "[hybrid]"), encoding="utf-8")
        for verb, more in (("plan", ()), ("enforce", ("--check", "--diff"))):
            shown, results = playbook(tmp_path, verb, hosts, *more, **CHANGES)
            assert results["fg1"]["status"] == "would-change", shown
            told = " ".join(results["fg1"]["plan"]["warnings"])
            assert "is sent: PUT /api/v2/cmdb/vpn.ipsec/phase1-interface/old?vdom=root" in told
            assert "tunnels change (root phase1-interface old" in told
            assert "ends with its RESTART" in told
            assert gate.text() == before
        shown, results = playbook(tmp_path, "enforce", hosts, **CHANGES)
        assert results["fg1"]["status"] == "changed", shown
        assert [line.split()[-1] for line in gate.tunnel("proposal")] == ["3des-sha256", "aes256gcm-prfsha384"]  # the other ends have what they had
        assert [("14" in line.split()) for line in gate.tunnel("dhgrp")] == [True, False]
        assert ("fortios https", True) in [(proof["endpoint"], proof["proved"]) for proof in results["fg1"]["proofs"]]
        if kem:
            kems = gate.tunnel("addke1")
            assert kems and all(line.split()[-1] in ("0", "none") and kem.rpartition("-")[0] in line for line in kems)
        shown, results = playbook(tmp_path, "enforce", hosts, **CHANGES)
        assert results["fg1"]["status"] == "ok", shown
        assert "agility_link_step=contract" in " ".join(results["fg1"]["plan"]["warnings"])
        shown, results = playbook(tmp_path, "enforce", hosts, **CHANGES, agility_link_step="contract")
        assert results["fg1"]["status"] == "changed", shown
        assert "3des" not in gate.text()
        assert gate.text() == gate.text("startup")
        shown, results = playbook(tmp_path, "rollback", hosts, agility_campaign="spring")
        assert results["fg1"]["status"] == "rolled-back", shown
        assert gate.text() == gate.text("startup") == before
        assert told_of_secrets(tmp_path, shown) == []
    finally:
        gate.kill()
