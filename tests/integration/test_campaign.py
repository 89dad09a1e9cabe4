"""Campaigns on real daemons: the gate, saved plans, rollback and recover.  Each test leaves its hosts as it found them."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .conftest import TOP, Lab, configuration, kill_at, on
from .test_trouble import BREAK, MEND, problem

TX = "/var/lib/crypto-agility/tx"
SITE = "/etc/nginx/sites-available/site"


def test_a_mended_canary_opens_the_gate_for_a_run_in_another_folder(lab: Lab) -> None:
    """web-new fails as the canary; a run in another folder still knows; mended by hand it needs nothing more, and the rest follows."""
    on("web-new", f"{BREAK} && systemctl daemon-reload")
    try:
        assert lab.play("enforce", "web-new", agility_campaign="gate").rc != 0
    finally:
        on("web-new", MEND)
    shut = lab.play("enforce", "web-bare", agility_campaign="gate")
    assert shut.rc != 0
    assert "web-new failed before" in problem(shut, "web-bare")
    assert "-l web-new" in shut.text
    assert lab.play("enforce", "web-new", agility_campaign="by-hand").rc == 0
    ran = lab.play("enforce", "web-new,web-bare", agility_campaign="gate")
    assert ran.rc == 0, ran.text
    assert (ran.changed("web-new"), ran.changed("web-bare")) == (0, 1)
    for host, campaign in (("web-new", "by-hand"), ("web-bare", "gate")):
        assert lab.play("rollback", host, agility_campaign=campaign).rc == 0


def test_a_refused_canary_stops_the_batches_behind_it(lab: Lab, tmp_path: Path) -> None:
    before = configuration("web-bare")
    on("web-new", "mount --bind /etc/nginx /etc/nginx && mount -o remount,ro,bind /etc/nginx")
    try:
        first = lab.play("enforce", "web-new", agility_campaign="refused")
    finally:
        on("web-new", "umount /etc/nginx")
    assert first.host("web-new")["status"] == "refused"
    then = lab.play("enforce", "web-bare", agility_campaign="refused")
    assert "web-new failed before" in problem(then, "web-bare")
    assert configuration("web-bare") == before


def test_a_saved_plan_in_the_results_folder_itself_is_applied_and_not_overwritten(lab: Lab) -> None:
    before = configuration("web-new")
    planned = lab.play("plan", "web-new", agility_campaign="saved")
    plan, whole = planned.host("web-new")["plan"]["changes"], (planned.output / "plan.json").read_bytes()
    on("web-new", "echo '# edited' >> /etc/ssh/sshd_config.d/50-hardening.conf")
    folder = str(planned.output)
    ran = lab.play("enforce", "web-new", agility_plan=folder, agility_output=folder, agility_campaign="saved")
    assert ran.rc != 0
    assert planned.host("web-new")["status"] == "refused"
    assert planned.host("web-new")["plan"]["changes"] == plan
    on("web-new", "sed -i '$d' /etc/ssh/sshd_config.d/50-hardening.conf && touch -d @1767225600 /etc/ssh/sshd_config.d/50-hardening.conf")
    done = lab.play("enforce", "web-new", agility_plan=folder, agility_output=folder, agility_campaign="saved")
    assert done.rc == 0, done.text
    assert planned.host("web-new")["plan"]["changes"] == plan
    assert planned.host("web-new")["status"] == "changed"
    assert (planned.output / "plan.json").read_bytes() == whole
    assert lab.play("rollback", "web-new", agility_campaign="saved").rc == 0
    assert configuration("web-new") == before


def test_a_canary_that_cannot_be_planned_fails_alone_in_its_batch_and_closes_the_gate_behind_it(lab: Lab) -> None:
    on("web-bare", "cp -p /etc/nginx/nginx.conf /root/n && echo 'http {' >> /etc/nginx/nginx.conf")
    try:
        ran = lab.play("enforce", "web-new,web-bare", agility_campaign="blind", agility_serial="100%")
        assert (ran.host("web-new")["status"], ran.host("web-bare")["status"]) == ("changed", "failed")
        then = lab.play("enforce", "web-include", agility_campaign="blind")
        assert "web-bare failed before" in problem(then, "web-include")
    finally:
        on("web-bare", "cp -p /root/n /etc/nginx/nginx.conf")
        lab.play("rollback", "web-new", agility_campaign="blind")


def test_of_hosts_that_come_at_once_without_a_plan_only_the_share_is_tightened(lab: Lab, tmp_path: Path) -> None:
    play, four = tmp_path / "free.yml", ("web-new", "web-old", "web-bare", "web-include")
    play.write_text("- hosts: all\n  gather_facts: false\n  strategy: free\n  tasks: [{quantumsafe.agility.crypto_enforce: {}}]\n")
    settings = {
        "agility_policy": "hybrid-required@1",
        "agility_campaign": "free",
        "agility_output": str(tmp_path / "free"),
        "agility_out_of_band": "podman",
    }
    argv = ["ansible-playbook", "-i", "inventories/lab", str(play), "-l", ",".join(four), "-e", json.dumps(settings)]
    subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=180)
    results = [json.loads((tmp_path / "free/hosts" / f"{host}.json").read_text(encoding="utf-8")) for host in four]
    try:
        assert sorted(result["status"] for result in results) == ["changed", "refused", "refused", "refused"]
        assert sum("would tighten SSH on" in result["problem"].get("message", "") for result in results) == 3
    finally:
        assert lab.play("rollback", ",".join(four), agility_campaign="free").rc == 0


# ---------------------------------------------------------------- from another terminal


def test_a_campaign_is_paused_resumed_and_aborted_from_another_terminal(lab: Lab) -> None:
    """Stop now, where are we, go on, never again, undo: as docs/operations.md has it."""
    before, both = configuration("web-bare"), "web-new,web-bare"
    first = lab.play("enforce", "web-new", agility_campaign="night")
    assert first.rc == 0, first.text
    unknown = lab.play("campaign", both, agility_campaign="nigth", agility_verb="pause")
    assert unknown.rc != 0
    assert "no campaign nigth was begun here" in unknown.text and "known here: night" in unknown.text

    paused = lab.play("campaign", both, agility_campaign="night", agility_verb="pause", agility_reason="the pager goes off")
    assert paused.rc == 0 and paused.changed("web-new") == 1, paused.text
    held = lab.play("enforce", both, agility_campaign="night")
    assert held.rc != 0
    assert (held.host("web-new")["status"], held.host("web-bare")["status"]) == ("ok", "paused")
    assert problem(held, "web-bare").endswith(": the pager goes off")
    where = lab.play("campaign", both, agility_campaign="night")
    assert where.rc != 0 and "Not as promised: web-bare." in where.text
    assert "2 hosts: 1 done, 1 not yet" in where.text and "paused since" in where.text
    assert configuration("web-bare") == before

    assert lab.play("campaign", both, agility_campaign="night", agility_verb="resume").rc == 0
    assert lab.play("enforce", both, agility_campaign="night").rc == 0
    assert lab.play("campaign", both, agility_campaign="night").rc == 0, "every host is as promised"
    assert lab.play("campaign", both, agility_campaign="night", agility_verb="abort").rc == 0
    assert lab.play("rollback", both, agility_campaign="night").rc == 0
    assert configuration("web-bare") == before
    closed = lab.play("enforce", "web-bare", agility_campaign="night")
    assert closed.host("web-bare")["status"] == "refused" and "is aborted since" in problem(closed, "web-bare")
    told = lab.play("ledger", "", agility_ledger=str(lab.tmp / "ledger"), agility_campaign="night")
    assert told.rc == 0, told.text
    entries = [json.loads(line) for path in (lab.tmp / "ledger").glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    decisions = [entry for entry in entries if entry["verb"] == "campaign"]
    assert {entry["event"] for entry in decisions} == {"pause", "resume", "abort"}
    assert {entry["why"]["reason"] for entry in decisions if entry["event"] == "pause"} == {"the pager goes off"}


# ---------------------------------------------------------------- the way back


def test_a_rollback_works_although_another_daemons_file_cannot_be_parsed(lab: Lab) -> None:
    """On web-old only sshd is changed; that nginx is broken since is no reason to keep the campaign."""
    before = configuration("web-old")
    assert lab.play("enforce", "web-old", agility_campaign="broken-since").rc == 0
    on("web-old", "cp -p /etc/nginx/nginx.conf /root/n && echo 'http {' >> /etc/nginx/nginx.conf")
    try:
        ran = lab.play("rollback", "web-old", agility_campaign="broken-since")
        assert ran.rc == 0, ran.text
        assert ran.host("web-old")["status"] == "rolled-back"
    finally:
        on("web-old", "mv /root/n /etc/nginx/nginx.conf")
    assert configuration("web-old") == before


def test_force_restores_the_very_file_that_was_broken(lab: Lab) -> None:
    before = configuration("web-new")
    assert lab.play("enforce", "web-new", agility_campaign="ruined").rc == 0
    on("web-new", f"echo 'server {{' >> {SITE}; systemctl restart nginx", check=False)
    assert on("web-new", "systemctl is-active nginx", check=False) == "failed\n"
    refused = lab.play("rollback", "web-new", agility_campaign="ruined")
    assert refused.rc != 0
    assert f"{SITE} changed since ruined-" in problem(refused, "web-new")
    forced = lab.play("rollback", "web-new", agility_campaign="ruined", agility_force=True)
    assert forced.rc == 0, forced.text
    assert configuration("web-new") == before
    on("web-new", "systemctl restart nginx")


def test_a_mistyped_campaign_is_a_failure_and_a_host_that_took_no_part_is_not(lab: Lab) -> None:
    assert lab.play("enforce", "web-new", agility_campaign="q1_2027.a").rc == 0, "any name will do"
    wrong = lab.play("rollback", "web-new,web-bare", agility_campaign="q1_2072.a")
    assert wrong.rc != 0
    assert "No host of this play knows the campaign q1_2072.a" in " ".join(wrong.text.split())
    assert "q1_2027.a" in wrong.text.split("They know:")[1].splitlines()[0]
    right = lab.play("rollback", "web-bare,web-new", agility_campaign="q1_2027.a")
    assert right.rc == 0, right.text
    assert {host: right.host(host)["status"] for host in ("web-new", "web-bare")} == {"web-new": "rolled-back", "web-bare": "skipped"}
    assert lab.play("rollback", "web-new", agility_campaign="q1_2027.a").rc == 0, "undone before is known"


def test_a_batch_in_which_nobody_took_part_does_not_end_a_rollback_in_batches(lab: Lab, tmp_path: Path) -> None:
    play, before = tmp_path / "back.yml", configuration("web-new")
    play.write_text("- hosts: web-bare,web-new\n  order: sorted\n  gather_facts: false\n  serial: 1\n  roles: [quantumsafe.agility.rollback]\n")
    assert lab.play("enforce", "web-new", agility_campaign="waves").rc == 0
    settings = json.dumps({"agility_campaign": "waves", "agility_output": str(tmp_path / "back")})
    argv = ["ansible-playbook", "-i", "inventories/lab", str(play), "-e", settings]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    assert configuration("web-new") == before


def test_one_transaction_of_two_is_rolled_back_by_its_id(lab: Lab) -> None:
    before = configuration("web-new")
    first = lab.play("enforce", "web-new", agility_campaign="two", agility_services=["openssh"]).host("web-new")["transaction"]
    middle = configuration("web-new")
    second = lab.play("enforce", "web-new", agility_campaign="two", agility_services=["nginx"]).host("web-new")["transaction"]
    assert first != second
    ran = lab.play("rollback", "web-new", agility_transaction=second)
    assert ran.rc == 0, ran.text
    assert configuration("web-new") == middle
    unknown = lab.play("rollback", "web-new", agility_transaction=f"{first}x")
    assert f"knows no transaction {first}x" in problem(unknown, "web-new")
    assert lab.play("rollback", "web-new", agility_transaction=first).rc == 0
    assert configuration("web-new") == before


def test_all_since_a_moment_is_rolled_back_and_an_older_change_and_a_rebuilt_host_are_left(lab: Lab) -> None:
    assert lab.play("enforce", "web-new", agility_campaign="older", agility_services=["openssh"]).rc == 0
    middle, bare = configuration("web-new"), configuration("web-bare")
    on("web-new", "sleep 1.1")
    since = datetime.now(UTC).isoformat()
    on("web-new", "sleep 1.1")
    assert lab.play("enforce", "web-new,web-bare", agility_campaign="night", agility_services=["nginx"]).rc == 0
    on("web-bare", f"mv {TX} {TX}.old")  # as on a host that was built anew
    try:
        ran = lab.play("rollback", "web-new,web-bare", agility_before=since)
    finally:
        on("web-bare", f"rm -rf {TX} && mv {TX}.old {TX}")
    assert ran.rc != 0
    assert (ran.host("web-new")["status"], ran.host("web-bare")["status"]) == ("rolled-back", "refused"), ran.text
    assert problem(ran, "web-bare").startswith("replaced: web-bare was changed by the campaign night")
    assert configuration("web-new") == middle
    again = lab.play("rollback", "web-new,web-bare", agility_before=since)
    assert (again.rc, again.changed("web-new"), again.changed("web-bare")) == (0, 0, 1), again.text
    assert configuration("web-bare") == bare
    assert lab.play("rollback", "web-new", agility_campaign="older").rc == 0


@pytest.mark.parametrize(("hand", "said"), [("chmod 0640", "is 0640 root:root, not 0644 root:root any more"), ("chgrp ops", "is 0644 root:ops")])
def test_an_owner_or_mode_that_somebody_changed_since_is_named(lab: Lab, hand: str, said: str) -> None:
    before = configuration("web-new")
    assert lab.play("enforce", "web-new", agility_campaign="meta").rc == 0
    on("web-new", f"{hand} {SITE}")
    ran = lab.play("rollback", "web-new", agility_campaign="meta")
    assert ran.rc != 0
    assert f"{SITE} {said}" in problem(ran, "web-new")
    assert lab.play("rollback", "web-new", agility_campaign="meta", agility_force=True).rc == 0
    assert configuration("web-new") == before


def test_recover_says_changed_when_it_took_something_back_and_when_it_forgot(lab: Lab) -> None:
    """A controller that is killed and a host whose own poller was stopped: nobody but recover is left to take the change back."""
    before = configuration("web-new")
    on("web-new", f"rm -rf {TX}")
    settings = {"agility_policy": str(TOP / "policies/default.yml"), "agility_output": str(lab.tmp / "killed"), "agility_confirm_timeout": 10}
    argv = ["ansible-playbook", "-i", "inventories/lab", "playbooks/enforce.yml", "-l", "web-new", "-e", json.dumps(settings)]
    with subprocess.Popen(argv, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as controller:
        kill_at(controller, "web-new", "RELOADED")
    on("web-new", "systemctl stop 'crypto-agility*'")
    on("web-new", f'sleep 1; until [ "$(cut -d. -f1 /proc/uptime)" -gt "$(cat {TX}/*/deadline)" ]; do sleep 0.2; done')
    assert "REVERT" not in on("web-new", f"cat {TX}/*/journal")
    dry = lab.play("recover", "web-new", "--check")
    assert (dry.rc, dry.changed("web-new"), dry.host("web-new")["status"]) == (0, 1, "would-change")
    assert configuration("web-new") != before
    ran = lab.play("recover", "web-new")
    assert (ran.rc, ran.changed("web-new"), ran.host("web-new")["status"]) == (0, 1, "changed"), ran.text
    assert [entry["state"] for entry in ran.host("web-new")["journal"]] == ["REVERTED"]
    assert configuration("web-new") == before
    assert lab.play("recover", "web-new").changed("web-new") == 0
    assert lab.play("recover", "web-new", "--check", agility_keep_days=0, agility_keep=0).changed("web-new") == 1
    on("web-new", "sleep 1")
    assert lab.play("recover", "web-new", agility_keep_days=0, agility_keep=0).changed("web-new") == 1
    assert on("web-new", f"ls {TX}") == ""
