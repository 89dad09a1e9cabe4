"""A saved plan on real hosts: written, signed, applied exactly, and refused where anything is not as it was planned."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from .conftest import Lab, Ran, configuration, on
from .test_trouble import problem

HARDENING = "/etc/ssh/sshd_config.d/50-hardening.conf"
SITE = "/etc/nginx/sites-available/site"
DAY = "2026-01-05"  # what must be left to do after a change is judged by the day of the plan


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def planned(fleet: Lab, pristine: None) -> Ran:
    """Two hosts; a comment of one says a password, right beside the line that changes."""
    on("web-bare", f"sed -i '/ssl_ecdh_curve/i # password = canary' {SITE}")
    return fleet.play("plan", "web-new,web-bare", agility_as_of=DAY)


def refused(fleet: Lab, host: str, plan: Path, *more: str, **variables: object) -> str:
    """Why this host is refused, by a run that must leave it as it was."""
    before = configuration(host)
    ran = fleet.play("enforce", host, *more, agility_plan=str(plan), **variables)
    assert ran.rc != 0, ran.text
    assert configuration(host) == before
    return problem(ran, host)


def test_a_run_of_plan_leaves_one_signed_text_of_all_hosts_and_a_ticket(fleet: Lab, planned: Ran) -> None:
    assert planned.rc == 0, planned.text
    data = (planned.output / "plan.json").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert f"SHA-256 {digest}, signed with Ed25519 and ML-DSA-65" in planned.text
    plan = json.loads(data)
    assert set(plan["hosts"]) == {"web-new", "web-bare"} and plan["left_out"] == {}
    assert b"canary" not in data and any("password" in line for line in plan["hosts"]["web-bare"]["diff"])
    for host, entry in plan["hosts"].items():
        held = {change["path"]: change["sha256"] for change in entry["plan"]["changes"]}
        assert held == {path: on(host, f"sha256sum {path}").split()[0] for path in (HARDENING, SITE)}
    again = fleet.play("plan", "web-new,web-bare", agility_as_of=DAY)
    assert (again.output / "plan.json").read_bytes() == data
    ticket = (planned.output / "ticket.md").read_text(encoding="utf-8")
    assert digest in ticket and "web-bare, web-new" in ticket and f"agility_campaign=plan-{digest[:12]}" in ticket


def test_a_file_edited_since_is_refused_alike_by_check_mode_and_by_the_host_and_nobody_else_is(fleet: Lab, planned: Ran) -> None:
    plan = planned.output / "plan.json"
    on("web-new", f"cp -p {HARDENING} /root/kept && echo '# edited' >> {HARDENING}")
    try:
        said = f"{HARDENING} changed since the plan was made"
        assert said in refused(fleet, "web-new", plan, "--check", "--diff")
        assert said in refused(fleet, "web-new", plan)
        tried = fleet.play("enforce", "web-bare", "--check", "--diff", agility_plan=str(plan))
        assert tried.rc == 0 and "+    ssl_ecdh_curve X25519MLKEM768" in tried.text and tried.changed("web-bare") == 1
    finally:
        on("web-new", f"cp -p /root/kept {HARDENING}")


def test_a_host_whose_binary_lost_an_algorithm_since_is_refused(fleet: Lab, planned: Ran) -> None:
    on("web-new", "cp -p /usr/bin/ssh /root/ssh && printf '#!/bin/sh\\n/root/ssh \"$@\" | grep -v mlkem\\n' >/root/older && chmod 755 /root/older")
    on("web-new", "mount --bind /root/older /usr/bin/ssh")
    try:
        for more in ((), ("--check",)):
            assert "what sshd can do changed since the plan was made (OpenSSH 10" in refused(fleet, "web-new", planned.output, *more)
    finally:
        on("web-new", "umount /usr/bin/ssh")


def test_another_machine_under_the_name_is_refused_as_replaced(fleet: Lab, planned: Ran) -> None:
    on("web-new", "echo 0123456789abcdef0123456789abcdef > /run/other && mount --bind /run/other /etc/machine-id")
    try:
        for more in ((), ("--check",)):
            assert "this host was replaced" in refused(fleet, "web-new", planned.output, *more)
    finally:
        on("web-new", "umount /etc/machine-id")


def test_a_host_that_is_not_in_the_plan_and_another_policy_are_refused_by_name(fleet: Lab, planned: Ran) -> None:
    plan = planned.output / "plan.json"
    assert "web-include is not in the plan" in refused(fleet, "web-include", plan)
    assert "under another policy (example-org" in refused(fleet, "web-new", plan, agility_policy="hybrid-required@1")


def test_a_plan_that_somebody_changed_or_nobody_known_signed_is_refused(fleet: Lab, planned: Ran, tmp_path: Path) -> None:
    shutil.copytree(planned.output, tmp_path / "copy")
    plan = tmp_path / "copy/plan.json"
    plan.write_bytes(plan.read_bytes().replace(b"X25519MLKEM768:", b"X25519:"))
    assert "it was changed after it was signed" in refused(fleet, "web-new", plan)
    (tmp_path / "copy/plan.sig").unlink()
    assert "the plan is not signed" in refused(fleet, "web-new", plan, agility_plan_signed=True)
    plan.unlink()
    assert "nobody signed it" in refused(fleet, "web-new", plan.parent, agility_plan_signed=True)
    stranger = fleet.play("plan", "web-new", agility_ledger_keys=str(tmp_path / "keys"))
    assert "no pinned Ed25519 nor ML-DSA-65 key" in refused(fleet, "web-new", stranger.output / "plan.json")


def test_the_plan_is_applied_on_another_controller_exactly_and_undone_as_the_ticket_says(fleet: Lab, planned: Ran, tmp_path: Path) -> None:
    """Only what is in the text travels: no results, and no keys but the public ones."""
    before = {host: configuration(host) for host in ("web-new", "web-bare")}
    for name in ("plan.json", "plan.sig"):
        shutil.copy(planned.output / name, tmp_path)
    keys = [str(fleet.tmp / "ledger/keys" / name) for name in ("ed25519.pub", "ml-dsa-65.pub")]
    campaign = "plan-" + hashlib.sha256((tmp_path / "plan.json").read_bytes()).hexdigest()[:12]
    saved = {"agility_plan": str(tmp_path / "plan.json"), "agility_plan_signed": True, "agility_plan_public_keys": keys}
    elsewhere = {"agility_output": str(tmp_path / "there/run"), "agility_campaign": campaign}
    done = fleet.play("enforce", "web-new,web-bare", **saved, **elsewhere)
    assert done.rc == 0, done.text
    results = (Path(elsewhere["agility_output"]) / "hosts").glob("*.json")
    assert [json.loads(path.read_text(encoding="utf-8"))["as_of"] for path in results] == [DAY, DAY]
    there = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["hosts"]
    for host, entry in there.items():
        after = {change["path"]: change["after"] for change in entry["plan"]["changes"] if change["after"]}
        assert after and all(on(host, f"sha256sum {path}").split()[0] == sha256 for path, sha256 in after.items())
    entered = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "there/ledger").glob("*.jsonl"))
    assert f'"plan":"{hashlib.sha256((tmp_path / "plan.json").read_bytes()).hexdigest()}"' in entered
    undone = fleet.play("rollback", "web-new,web-bare", agility_campaign=campaign)
    assert undone.rc == 0, undone.text
    assert {host: configuration(host) for host in before} == before


def test_a_plan_is_applied_only_while_somebody_who_did_not_plan_it_approves(fleet: Lab, planned: Ran, tmp_path: Path) -> None:
    for name in ("plan.json", "plan.sig"):
        shutil.copy(planned.output / name, tmp_path)
    plan, keys = tmp_path / "plan.json", tmp_path / "approver"
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    ours = [str(fleet.tmp / "ledger/keys" / name) for name in ("ed25519.pub", "ml-dsa-65.pub")]
    given = {"agility_plan": str(plan), "agility_plan_digest": digest, "agility_approver": "alice", "agility_approval_until": "2999-01-01T00:00:00Z"}

    wrong = fleet.play("approve", "", **{**given, "agility_plan_digest": "0" * 64}, agility_approver_keys=str(keys))
    assert wrong.rc != 0 and "not the one that you approve" in wrong.text and not list(tmp_path.glob("approval-*"))
    demanded = {"agility_approval_public_keys": ours}
    assert "nobody has approved the plan" in refused(fleet, "web-new", plan, **demanded)
    assert fleet.play("approve", "", **given, agility_approver_keys=str(fleet.tmp / "ledger/keys")).rc == 0
    assert "the planner's own key" in refused(fleet, "web-new", plan, **demanded)

    said = fleet.play("approve", "", **given, agility_approver_keys=str(keys))
    assert said.rc == 0, said.text
    demanded = {"agility_approval_public_keys": [str(keys / "ed25519.pub"), str(keys / "ml-dsa-65.pub")]}
    unplanned = fleet.play("enforce", "web-new", **demanded)
    assert unplanned.rc != 0 and "only an approved plan may be applied here" in unplanned.text
    owned = {"agility_approvers": {"key_exchange": ours}, **demanded}
    assert "for key_exchange is good: approval-" in refused(fleet, "web-new", plan, **owned), "alice does not own key exchange"
    assert "nobody is named who may approve a change of key_exchange" in refused(fleet, "web-new", plan, agility_approvers={"cipher": ours})
    owned = {"agility_approvers": {"key_exchange": demanded["agility_approval_public_keys"], "cipher": ours}}
    done = fleet.play("enforce", "web-new", agility_plan=str(plan), agility_campaign="approved", **owned)
    assert done.rc == 0, done.text
    entered = "".join(path.read_text(encoding="utf-8") for path in (fleet.tmp / "ledger").glob("*.jsonl"))
    assert '"event":"approve"' in entered and '"event":"apply"' in entered and entered.count('"by":"alice"') >= 3
    assert fleet.play("rollback", "web-new", agility_campaign="approved").rc == 0
