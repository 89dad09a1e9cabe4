"""Devices that are logged in to, by the playbooks as a user runs them, beside a host; the devices are emulated (tests/emulators)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import Survey
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._devices import device as device_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._devices import plan_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._run import Run

from tests.emulators.appliance import ENABLE, PASSWORD, Emulated, playbook

from .conftest import FIXTURES, TODAY

POLICY = {"agility_policy": str(FIXTURES / "appliances/policy.yml")}
WEB = {"agility_root": str(FIXTURES / "snapshots/web-old.json")}


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Emulated]:
    made = Emulated(tmp_path / "device")
    yield made
    made.kill()


def test_a_device_and_a_host_are_audited_in_one_run_by_one_policy(tmp_path: Path, device: Emulated) -> None:
    shown, results = playbook(tmp_path, "audit", {"edge1": device.variables(), "web": WEB}, **POLICY)
    assert {name: result["status"] for name, result in results.items()} == {"edge1": "ok", "web": "ok"}, shown
    edge = results["edge1"]
    found = {(one["endpoint"], one["aspect"]): one for one in edge["findings"]}
    kex = found["ios ssh", "key_exchange"]
    assert (kex["state"], kex["actual"][0]) == ("missing", "curve25519-sha256")
    assert kex["origin"].startswith("running-config:")
    assert found["ios ssh", "mac"]["state"] != "unknown"  # no line names it: its default was shown
    assert ("ios ikev2 proposal OLD", "key_exchange") in found
    assert edge["target"]["os_VERSION_ID"] == "26.01.01"
    assert edge["target"]["machine_id"] == "9EMULATED01"
    assert edge["rounds"] == 2
    written = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert [secret for secret in ("CANARY", PASSWORD, ENABLE) if secret in written + shown] == []
    assert device.text() == device.text("startup")


def test_who_may_not_look_is_told_what_is_missing(tmp_path: Path, device: Emulated) -> None:
    dummy, results = playbook(tmp_path, "audit", {"edge1": device.variables(ansible_become=False)}, **POLICY)
    assert results["edge1"]["status"] == "failed"
    assert results["edge1"]["problem"]["remedy"] == "log in at level 15, or become: true with become_method: enable"


def test_a_platform_that_is_not_logged_in_to_is_refused_by_name() -> None:
    connection = SimpleNamespace(get_options=dict, _network_os="cisco.nxos.nxos")
    channel = SimpleNamespace(transport="network_cli")
    run = cast(Run, SimpleNamespace(action=SimpleNamespace(_connection=connection), host="edge1", channel=channel))
    with pytest.raises(Problem, match="are not logged in to") as refused, device_of(run):
        pass
    assert "known is arista.eos.eos, cisco.ios.ios, junipernetworks.junos.junos, vyos.vyos.vyos" in refused.value.remedy


def test_a_plan_says_that_a_release_is_not_written() -> None:
    seen = snapshot_of((FIXTURES / "appliances/eos-430.cfg").read_bytes().replace(b"EOS-4.30.1F", b"EOS-4.36.0F"), "running-config", "edge1", "")
    endpoints = read(seen)
    plan = plan_of(Survey(seen, endpoints), {one.id: {} for one in endpoints}, "", TODAY, lambda: None)
    assert plan.changes == ()
    assert plan.warnings == ("nothing is written on Arista EOS 4.36.0F, for its commands are not known here: known are 4.22 to 4.33",)


CLASSICAL = """\
policy: {name: lists, version: "1"}
rules:
  - id: kex-ssh
    match: {protocol: ssh}
    aspect: key_exchange
    allow: {construction: [classical, hybrid], classical_bits: ">=128", status: [current]}
    source: {doc: a test, section: "1", force: requirement}
    verified: 2026-11-27
stages: [{aspect: key_exchange, stage: require}]
"""


@pytest.mark.parametrize("platform", ["eos", "junos", "vyos"])
def test_a_device_whose_lines_are_a_candidate_is_audited_changed_and_rolled_back(tmp_path: Path, platform: str) -> None:
    device = Emulated(tmp_path / "device", platform=platform)
    try:
        before = device.text()
        (tmp_path / "policy.yml").write_text(CLASSICAL, encoding="utf-8")
        changes = {**CHANGES, "agility_policy": "policy.yml"}
        shown, results = playbook(tmp_path, "enforce", {"edge1": device.variables()}, "--diff", **changes)
        edge = results["edge1"]
        assert edge["status"] == "changed", shown
        assert edge["target"]["machine_id"].startswith("9EMULATED01")
        assert [(proof["endpoint"], proof["proved"]) for proof in edge["proofs"]] == [(f"{platform} ssh", True)]
        assert "group14-sha1" in before
        assert "group14-sha1" not in device.text()
        assert device.text() == device.text("startup")
        assert edge["evidence"]["connection"] == "fresh connection"
        assert "CANARY" not in shown

        shown, results = playbook(tmp_path, "rollback", {"edge1": device.variables()}, agility_campaign="spring")
        assert results["edge1"]["status"] == "rolled-back", shown
        assert sorted(device.text().splitlines()) == sorted(device.text("startup").splitlines()) == sorted(before.splitlines())
    finally:
        device.kill()


def test_a_device_that_is_away_is_unreachable_and_stops_nobody_else(tmp_path: Path, device: Emulated) -> None:
    device.kill()
    dummy, results = playbook(tmp_path, "audit", {"edge1": device.variables(), "web": WEB}, **POLICY)
    assert {name: result["status"] for name, result in results.items()} == {"edge1": "unreachable", "web": "ok"}


def test_what_is_for_hosts_never_takes_the_controller_for_a_device(tmp_path: Path, device: Emulated) -> None:
    shown, results = playbook(tmp_path, "rotate_host_keys", {"edge1": device.variables()}, **POLICY)
    assert "a network device" in shown
    assert results["edge1"]["status"] == "failed"


STRICT = """\
policy: {name: routers, version: "1", enforce: [recommendation]}
extends: [devices.yml]
stages: [{aspect: cipher, stage: require}]
"""
# A minute: then the device warns at once, in the middle of everything, that it will go back.
CHANGES = {**POLICY, "agility_campaign": "spring", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 60}
UNSPEAKABLE = """\
policy: {name: too-new, version: "1"}
extends: [devices.yml]
rules:
  - id: kex-top
    match: {protocol: ssh}
    aspect: key_exchange
    allow: {construction: [hybrid], quantum_category: ">=5", status: [current]}
    source: {doc: a test, section: "1", force: requirement}
    verified: 2026-11-27
stages: [{aspect: key_exchange, stage: require}]
"""


def test_a_device_is_changed_proved_confirmed_and_rolled_back(tmp_path: Path, device: Emulated) -> None:
    before = device.text()
    shutil.copy(FIXTURES / "appliances/policy.yml", tmp_path / "devices.yml")
    (tmp_path / "policy.yml").write_text(STRICT, encoding="utf-8")
    changes = {**CHANGES, "agility_policy": "policy.yml"}
    shown, results = playbook(tmp_path, "enforce", {"edge1": device.variables()}, "--diff", **changes)
    edge = results["edge1"]
    assert edge["status"] == "changed", shown
    assert device.ssh("kex").split()[0] == "mlkem1024nistp384-sha384"
    assert device.text() == device.text("startup")
    assert "+ip ssh server algorithm kex mlkem1024nistp384-sha384" in shown
    assert edge["evidence"]["connection"] == "fresh connection"
    assert [(proof["endpoint"], proof["proved"]) for proof in edge["proofs"]] == [("ios ssh", True)]
    assert "ios ikev2 proposal OLD: left as it is" in " ".join(edge["plan"]["warnings"])
    (kex,) = [one for one in edge["findings"] if (one["endpoint"], one["aspect"]) == ("ios ssh", "key_exchange")]
    assert kex["actual"][0] == "mlkem1024nistp384-sha384"  # as it was read after the change

    shown, results = playbook(tmp_path, "enforce", {"edge1": device.variables()}, **changes)
    assert results["edge1"]["status"] == "ok", shown

    shown, results = playbook(tmp_path, "rollback", {"edge1": device.variables()}, agility_campaign="spring")
    assert results["edge1"]["status"] == "rolled-back", shown
    assert device.text() == device.text("startup") == before


def test_a_plan_says_what_it_would_write_and_writes_nothing(tmp_path: Path, device: Emulated) -> None:
    before = device.text()
    shown, results = playbook(tmp_path, "plan", {"edge1": device.variables()}, **CHANGES)
    assert results["edge1"]["status"] == "would-change", shown
    assert "\nip ssh server algorithm kex mlkem1024nistp384-sha384" in results["edge1"]["plan"]["diff"][0]["after"]
    assert device.text() == before


def test_a_release_whose_commands_are_not_known_is_not_written(tmp_path: Path) -> None:
    device = Emulated(tmp_path / "device", train="27.3", release="27.03.01")
    try:
        dummy, results = playbook(tmp_path, "plan", {"edge1": device.variables()}, **CHANGES)
        assert results["edge1"]["problem"]["message"] == "IOS-XE 27.3 is no release whose commands are known here"
    finally:
        device.kill()


def test_what_the_library_of_the_controller_cannot_speak_is_refused_before_anything_is_sent(tmp_path: Path, device: Emulated) -> None:
    before = device.text()
    shutil.copy(FIXTURES / "appliances/policy.yml", tmp_path / "devices.yml")
    (tmp_path / "policy.yml").write_text(UNSPEAKABLE, encoding="utf-8")
    changes = {**CHANGES, "agility_policy": "policy.yml"}
    shown, results = playbook(tmp_path, "enforce", {"edge1": device.variables()}, **changes)
    assert results["edge1"]["status"] == "failed", shown
    assert "the controller could no longer log in: key_exchange: this controller's paramiko offers" in results["edge1"]["problem"]["message"]
    assert device.text() == before
    assert not list(device.folder.glob("archive-*"))


def test_a_lock_out_is_ended_by_the_timer_of_the_device_and_named(tmp_path: Path) -> None:
    device = Emulated(tmp_path / "device", minute=20)
    try:
        before = device.text()
        device.fault(deaf=True)
        shown, results = playbook(tmp_path, "enforce", {"edge1": device.variables()}, **CHANGES)
        assert results["edge1"]["status"] == "reverted", shown
        assert results["edge1"]["problem"]["message"].startswith("no new login after the change: ")
        assert device.text() == device.text("startup") == before
        assert "no new login after the change" in shown
    finally:
        device.kill()


def test_a_change_that_could_not_be_saved_fails_and_says_what_the_next_start_does(tmp_path: Path, device: Emulated) -> None:
    device.fault(ignore_write=True)
    dummy, results = playbook(tmp_path, "enforce", {"edge1": device.variables()}, **CHANGES)
    assert results["edge1"]["status"] == "failed"
    assert "the next start goes back to the old configuration" in results["edge1"]["problem"]["message"]
