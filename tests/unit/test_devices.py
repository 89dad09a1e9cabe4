"""Saved configurations of network devices beside a host, in one run of the playbook as a user installs it.  The configurations are synthetic."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import FIXTURES, TOP

DEVICES = FIXTURES / "appliances"


def audit(folder: Path, hosts: dict[str, dict[str, str]], verb: str = "audit", **variables: object) -> tuple[str, dict[str, dict[str, Any]]]:
    """What the terminal shows, and the result of each host."""
    setting = "callbacks_enabled = quantumsafe.agility.summary"
    (folder / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {TOP / 'collections'}\n{setting}\n", encoding="utf-8")
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    said = {"agility_output": "out", "agility_policy": str(DEVICES / "policy.yml"), **variables}
    argv = ["ansible-playbook", "-i", "hosts.yml", f"quantumsafe.agility.{verb}", "-e", json.dumps(said)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "NO_COLOR": "1"}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
    results = {name: json.loads((folder / f"out/hosts/{name}.json").read_text(encoding="utf-8")) for name in hosts}
    return done.stdout + done.stderr, results


def states(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(one["endpoint"], one["aspect"]): one["state"] for one in result["findings"]}


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """A folder as a backup system leaves it: one file a device."""
    made = tmp_path / "backups"
    made.mkdir()
    shutil.copy(DEVICES / "ios-26.cfg", made / "edge1.cfg")
    shutil.copy(DEVICES / "ios-17.cfg", made / "edge2")
    shutil.copy(DEVICES / "fortios-76.conf", made / "fg1.conf")
    shutil.copy(DEVICES / "junos-24.conf", made / "srx1.txt")
    return made


def test_hosts_and_devices_are_audited_in_one_run_by_one_policy(tmp_path: Path, backups: Path) -> None:
    root = {"agility_root": str(backups)}
    shown, results = audit(
        tmp_path,
        {"edge1": root, "edge2": root, "fg1": root, "srx1": root, "web": {"agility_root": str(FIXTURES / "snapshots/web-old.json")}},
        agility_save_snapshot=True,
    )
    assert {name: result["status"] for name, result in results.items()} == dict.fromkeys(results, "ok"), shown
    assert states(results["edge1"])["ios ssh", "key_exchange"] == "compliant"
    assert states(results["edge2"])["ios ssh", "key_exchange"] == "missing"
    assert states(results["fg1"])["fortios phase1-interface quantum", "key_exchange"] == "compliant"
    assert states(results["srx1"])["junos ike proposal OLD", "cipher"] == "missing"
    assert ("sshd", "key_exchange") in states(results["web"])
    assert results["edge1"]["target"]["os_PRETTY_NAME"] == "Cisco IOS-XE 26.1"
    (mine,) = [one for one in results["edge2"]["findings"] if (one["endpoint"], one["aspect"]) == ("ios ikev2 proposal OLD", "cipher")]
    assert mine["origin"] == f"{backups / 'edge2'}:6"
    assert "ios ikev2 proposal OLD" in shown
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) > 6
    assert [path for path in written if "CANARY" in path.read_text(encoding="utf-8")] == []


def test_a_device_that_was_saved_as_a_snapshot_is_judged_again_alike(tmp_path: Path, backups: Path) -> None:
    dummy, first = audit(tmp_path, {"edge1": {"agility_root": str(backups / "edge1.cfg")}}, agility_save_snapshot=True)
    kept = tmp_path / "again"
    kept.mkdir()
    dummy, second = audit(kept, {"edge1": {"agility_root": str(tmp_path / "out/snapshots/edge1.json")}})
    assert second["edge1"]["findings"] == first["edge1"]["findings"]


def test_what_cannot_be_read_fails_that_device_alone_and_says_why(tmp_path: Path, backups: Path) -> None:
    (backups / "edge3.txt").write_text((DEVICES / "ios-17.cfg").read_text(encoding="utf-8")[:-4], encoding="utf-8")
    shutil.copy(DEVICES / "ios-17.cfg", backups / "edge2.cfg")
    root = {"agility_root": str(backups)}
    shown, results = audit(tmp_path, dict.fromkeys(("edge1", "edge2", "edge3"), root))
    assert {name: result["status"] for name, result in results.items()} == {"edge1": "ok", "edge2": "failed", "edge3": "failed"}
    assert results["edge2"]["problem"]["message"] == "edge2 and edge2.cfg are both of this host"
    assert results["edge3"]["problem"]["message"].startswith("it is cut off")
    assert results["edge3"]["problem"]["where"] == f"{backups / 'edge3.txt'}:21"
    assert "it is cut off" in shown


@pytest.mark.parametrize("verb", ["plan", "enforce"])
def test_a_device_is_never_changed_and_the_attempt_says_so(tmp_path: Path, backups: Path, verb: str) -> None:
    dummy, results = audit(tmp_path, {"edge1": {"agility_root": str(backups)}}, verb)
    assert results["edge1"]["status"] == "failed"
    assert results["edge1"]["problem"]["message"] == "what agility_root names is only audited, never changed"


def test_a_device_with_nothing_to_judge_says_so(tmp_path: Path, backups: Path) -> None:
    (backups / "edge4.cfg").write_text("version 15.2\nline vty 0 4\n transport input telnet\nend\n", encoding="utf-8")
    dummy, results = audit(tmp_path, {"edge4": {"agility_root": str(backups)}})
    assert results["edge4"]["problem"]["message"] == "SSH, HTTPS, IKE and ESP are all absent from it"
