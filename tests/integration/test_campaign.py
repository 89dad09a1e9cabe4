"""Campaigns on real daemons: the gate, saved plans, rollback and recover.  Each test leaves its hosts as it found them."""

from __future__ import annotations

from pathlib import Path

from .conftest import Lab, configuration, on
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
    plan = planned.host("web-new")["plan"]
    on("web-new", "echo '# edited' >> /etc/ssh/sshd_config.d/50-hardening.conf")
    folder = str(planned.output)
    ran = lab.play("enforce", "web-new", agility_plan=folder, agility_output=folder, agility_campaign="saved")
    assert ran.rc != 0
    assert planned.host("web-new")["status"] == "refused"
    assert planned.host("web-new")["plan"] == plan
    on("web-new", "sed -i '$d' /etc/ssh/sshd_config.d/50-hardening.conf && touch -d @1767225600 /etc/ssh/sshd_config.d/50-hardening.conf")
    done = lab.play("enforce", "web-new", agility_plan=folder, agility_output=folder, agility_campaign="saved")
    assert done.rc == 0, done.text
    assert planned.host("web-new")["plan"] == plan
    assert planned.host("web-new")["status"] == "changed"
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
