"""Windows and freezes at apply time, on one real host; outcome read from the host."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .conftest import TOP, Lab, configuration, on
from .test_trouble import problem

HOST = "web-new"
WHY = {"reason": "INC-4711: key leaked", "approver": "ciso on call"}


def policy(folder: Path, **times: str) -> str:
    """The lab's policy with these windows or freezes beside it, around the present moment."""
    text = (TOP / "policies/default.yml").read_text(encoding="utf-8")
    path = folder / f"{'-'.join(times)}.yml"
    path.write_text(text + "".join(f"{section}: [{entry}]\n" for section, entry in times.items()), encoding="utf-8")
    return str(path)


def event(begin: timedelta, end: timedelta) -> str:
    now = datetime.now(UTC)
    start, over = ((now + shift).strftime("%Y-%m-%dT%H:%M") for shift in (begin, end))
    return f"{{from: {start}, to: {over}, timezone: UTC}}"


HOUR = timedelta(hours=1)
HELD = "ls -R /var/lib/crypto-agility /usr/local/share/ca-certificates 2>/dev/null; true"  # keys and transactions of ours, and anchors


def test_a_freeze_refuses_changes_and_an_override_is_recorded_and_a_rollback_is_never_refused(lab: Lab, tmp_path: Path) -> None:
    before = configuration(HOST)
    frozen = policy(tmp_path, freezes=f"{{id: close, reason: books are closed, events: [{event(-HOUR, HOUR)}]}}")
    planned = lab.play("enforce", HOST, "--check", agility_policy=frozen, agility_campaign="frozen")
    assert planned.rc == 0, planned.text
    assert planned.host(HOST)["status"] == "would-change"

    refused = lab.play("enforce", HOST, agility_policy=frozen, agility_campaign="frozen")
    assert refused.rc != 0
    assert refused.host(HOST)["status"] == "out-of-window"
    assert problem(refused, HOST).startswith("frozen by close (books are closed) until ")
    assert f"OUT-OF-WINDOW {HOST}: frozen by close" in refused.text
    assert configuration(HOST) == before

    unsaid = lab.play("enforce", HOST, agility_policy=frozen, agility_campaign="frozen", agility_window_override={"reason": "x"})
    assert unsaid.rc != 0
    assert "missing required arguments: approver" in unsaid.text
    assert configuration(HOST) == before

    passed = lab.play("enforce", HOST, agility_policy=frozen, agility_campaign="frozen", agility_window_override=WHY)
    assert passed.rc == 0, passed.text
    recorded = passed.host(HOST)["window_override"]
    assert recorded["instead_of"].startswith("frozen by close")
    assert {key: recorded[key] for key in WHY} == WHY
    assert [one["host"] for one in passed.summary["window_overrides"]] == [HOST]
    assert "all the same by ciso on call: INC-4711" in passed.text
    assert configuration(HOST) != before

    undone = lab.play("rollback", HOST, agility_policy=frozen, agility_campaign="frozen")
    assert undone.rc == 0, undone.text
    assert configuration(HOST) == before
    assert lab.play("recover", HOST, agility_policy=frozen).rc == 0


def test_outside_its_window_nothing_touches_a_host_and_the_next_one_is_told(lab: Lab, tmp_path: Path) -> None:
    authority = {"agility_authority": str(tmp_path / "ca"), "agility_authority_password": "a secret"}
    made = lab.play("create_authority", "", agility_authority_root=str(tmp_path / "roots"), **authority)
    assert made.rc == 0, made.text
    on(HOST, "update-ca-certificates")
    tomorrow = policy(tmp_path, windows=f"{{id: tomorrow, events: [{event(24 * HOUR, 26 * HOUR)}]}}")
    before, held = configuration(HOST), on(HOST, HELD)
    for play, more in (
        ("enforce", {}),
        ("distribute_anchors", {"agility_anchor": str(tmp_path / "roots/ml-dsa-65-root/root.crt")}),
        ("rotate_host_keys", {"agility_phase": "expand", "agility_known_hosts": str(tmp_path / "known_hosts")}),
        ("rotate_certificates", {**authority, "agility_keys": ["ML-DSA-65"]}),
    ):
        ran = lab.play(play, HOST, agility_policy=tomorrow, **more)
        assert ran.rc != 0, ran.text
        assert ran.host(HOST)["status"] == "out-of-window", ran.host(HOST)["problem"]
        assert problem(ran, HOST).startswith("outside its change window (tomorrow); the next one: ")
    assert (configuration(HOST), on(HOST, HELD)) == (before, held)


RESERVED = 255 + 20  # seconds that a change and its way back may take: the second number is its agility_confirm_timeout


def test_a_window_that_closes_in_the_middle_of_a_campaign_stops_it_with_nothing_open_and_the_next_one_ends_it(lab: Lab, tmp_path: Path) -> None:
    """The health check behind the first host lasts until too little of the window is left for another change."""
    hosts = (HOST, "web-bare")
    before, both, now = [configuration(host) for host in hosts], ",".join(hosts), datetime.now(UTC)
    until = (now + timedelta(seconds=RESERVED + 25)).replace(microsecond=0)
    span = f"{{from: {now - HOUR:%Y-%m-%dT%H:%M}, to: {until:%Y-%m-%dT%H:%M:%S}, timezone: UTC}}"
    closing = policy(tmp_path, windows=f"{{id: night, events: [{span}]}}")
    late = int(until.timestamp()) - RESERVED + 1
    waves = {"agility_waves": [1], "agility_rehearse": False, "agility_soak": 0, "agility_confirm_timeout": 20, "agility_campaign": "closing"}
    lasting = [["sh", "-c", f"while [ $(date +%s) -lt {late} ]; do sleep 0.2; done"]]
    ran = lab.play("waves", both, agility_policy=closing, agility_health=lasting, **waves)
    assert ran.rc != 0 and time.time() >= late, ran.text
    assert (ran.host(HOST)["status"], ran.host("web-bare")["status"]) == ("changed", "out-of-window")
    assert configuration("web-bare") == before[1], "the host that was not begun is untouched"
    open_ = lab.play("recover", both, "--check")
    assert open_.rc == 0 and [open_.host(host)["status"] for host in hosts] == ["ok"] * 2, open_.text

    again = lab.play("waves", both, **waves)
    assert again.rc == 0, again.text
    assert (again.host(HOST)["status"], again.host("web-bare")["status"]) == ("ok", "changed")
    assert lab.play("rollback", both, agility_campaign="closing").rc == 0
    assert [configuration(host) for host in hosts] == before
