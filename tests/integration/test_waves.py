"""Campaigns in waves on real hosts: the canary rehearses, clusters never share a wave, a breach takes its wave back, a killed run goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from .conftest import TOP, Lab, configuration, kill_at, on
from .test_trouble import BREAK, MEND

THREE = ("web-new", "web-bare", "web-old")
TX = "/var/lib/crypto-agility/tx"
PAIR = {"web-new": {"agility_cluster": "edge"}, "web-bare": {"agility_cluster": "edge"}}
QUICK = {"agility_waves": ["100%"], "agility_soak": 0}


def inventory(tmp_path: Path, hosts: dict[str, dict[str, Any]]) -> tuple[str, str]:
    path = tmp_path / "waves.yml"
    path.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return "-i", str(path)


def divided(lab: Lab, campaign: str) -> list[list[str]]:
    return [wave["hosts"] for wave in json.loads((lab.tmp / f"campaigns/{campaign}/waves.json").read_text(encoding="utf-8"))["waves"]]


def entered(lab: Lab, campaign: str) -> list[tuple[str, str]]:
    """(host, event) of what the ledger has of that campaign, in order."""
    lines = [line for path in (lab.tmp / "ledger").glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    entries = sorted(map(json.loads, lines), key=lambda entry: (entry["time"], entry["chain"], entry["number"]))
    return [(entry["host"], entry["event"]) for entry in entries if entry.get("campaign") == campaign and entry.get("transaction")]


def test_a_canary_that_fails_stops_the_campaign_before_wave_2_and_is_as_it_was(lab: Lab, tmp_path: Path) -> None:
    before, canary = [configuration(host) for host in THREE], {"web-new": {"agility_canary": True}}
    on("web-new", f"{BREAK} && systemctl daemon-reload")
    try:
        ran = lab.play("waves", ",".join(THREE), *inventory(tmp_path, canary), agility_campaign="canary", **QUICK)
    finally:
        on("web-new", MEND)
    assert ran.rc != 0
    assert "stopped in wave 1: the rehearsal failed on web-new" in ran.text
    assert ran.host("web-new")["status"] == "reverted"
    assert not (ran.output / "hosts/web-bare.json").exists(), "nobody went to wave 2"
    assert [configuration(host) for host in THREE] == before
    where = lab.play("campaign", ",".join(THREE), agility_campaign="canary")
    assert "stopped in wave 1" in where.text and "WAVE" in where.text


def test_a_cluster_is_changed_one_by_one_a_breach_takes_its_wave_back_and_the_way_back_is_reversed(lab: Lab, tmp_path: Path) -> None:
    before, more = [configuration(host) for host in THREE], inventory(tmp_path, PAIR)
    campaign: dict[str, Any] = {"agility_campaign": "pair", **QUICK}
    unwell = ["sh", "-c", f"! test -e {tmp_path}/campaigns/pair/ended/web-bare.json"]
    first = lab.play("waves", ",".join(THREE), *more, agility_health=[unwell], **campaign)
    assert first.rc != 0
    assert divided(lab, "pair") == [["web-new", "web-old"], ["web-bare"]]
    assert "stopped in wave 2: sh -c" in first.text
    assert configuration("web-bare") == before[1], "the wave of the breach is as it was"
    assert configuration("web-new") != before[0], "the wave before it stays"
    canary = [event for host, event in entered(lab, "pair") if host == "web-new"]
    assert canary == ["apply", "confirm", "apply", "rollback", "apply", "confirm"], "there, back, and there"

    again = lab.play("waves", ",".join(THREE), *more, **campaign)
    assert again.rc == 0, again.text
    told = lab.play("ledger", "", agility_ledger=str(tmp_path / "ledger"), agility_campaign="pair")
    assert re.findall(r"Z  (\S+)  pair, wave 2: sh -c ", told.text) == ["BREACH", "TAKE-BACK", "RESUME"]
    assert "; web-bare (" in told.text, "the ledger names who was taken back"
    assert "wave 2 of 2" in again.text
    assert [event for host, event in entered(lab, "pair") if host == "web-new"] == canary, "once is enough"
    assert lab.play("campaign", ",".join(THREE), agility_campaign="pair").rc == 0

    undone = len(entered(lab, "pair"))
    back = lab.play("rollback", ",".join(THREE), agility_campaign="pair")
    assert back.rc == 0, back.text
    assert [configuration(host) for host in THREE] == before
    assert next(host for host, event in entered(lab, "pair")[undone:] if event == "rollback") == "web-bare", "the last wave comes first"


def test_a_way_back_goes_on_although_two_hosts_are_down_and_ends_when_they_are_back(lab: Lab, tmp_path: Path) -> None:
    hosts, away = ("web-new", "web-bare", "web-include"), ("web-bare", "web-include")
    three, cluster = ",".join(hosts), inventory(tmp_path, {"web-new": {}, **{host: {"agility_cluster": "edge"} for host in away}})
    before = [configuration(host) for host in hosts]
    assert lab.play("waves", three, *cluster, agility_campaign="down", agility_rehearse=False, **QUICK).rc == 0
    down = {host: {"ansible_host": f"10.91.0.{250 + number}", "ansible_ssh_timeout": 2} for number, host in enumerate(away)}
    ran = lab.play("rollback", three, *inventory(tmp_path, down), agility_campaign="down")
    assert ran.rc != 0
    assert [ran.host(host)["status"] for host in away] == ["unreachable"] * 2
    assert "Not taken back: web-bare, web-include." in ran.text
    assert configuration("web-new") == before[0]
    later = lab.play("rollback", three, agility_campaign="down")
    assert later.rc == 0, later.text
    assert [configuration(host) for host in hosts] == before
    left = lab.play("recover", three, "--check")
    assert left.rc == 0 and [left.host(host)["status"] for host in hosts] == ["ok"] * 3, left.text


def test_a_run_that_was_killed_in_a_wave_goes_on_where_it_was(lab: Lab, tmp_path: Path) -> None:
    both = "web-new,web-bare"
    before, more = [configuration(host) for host in THREE[:2]], inventory(tmp_path, PAIR)
    settings = {
        "agility_policy": str(TOP / "policies/default.yml"),
        "agility_output": str(lab.tmp / "killed"),
        "agility_campaign": "killed",
        "agility_confirm_timeout": 8,
        "agility_rehearse": False,
        **QUICK,
    }
    assert lab.play("waves", "web-new", *more, agility_campaign="killed", agility_rehearse=False, **QUICK).rc == 0
    on("web-bare", f"rm -rf {TX}")
    argv = ["ansible-playbook", "-i", "inventories/lab", "playbooks/waves.yml", "-l", both, *more, "-e", json.dumps(settings)]
    with subprocess.Popen(argv, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ) as controller:
        kill_at(controller, "web-bare", "RELOADED")
    on("web-bare", f"until grep -q ' REVERTED' {TX}/*/journal; do sleep 0.2; done")
    assert configuration("web-bare") == before[1], "it went back by itself"
    middle = configuration("web-new")
    assert middle != before[0]

    ran = lab.play("waves", both, *more, agility_campaign="killed", agility_rehearse=False, **QUICK)
    assert ran.rc == 0, ran.text
    assert divided(lab, "killed") == [["web-new"], ["web-bare"]]
    assert (ran.host("web-new")["status"], ran.host("web-bare")["status"]) == ("ok", "changed")
    assert configuration("web-new") == middle
    assert lab.play("rollback", both, agility_campaign="killed").rc == 0
    assert [configuration(host) for host in THREE[:2]] == before
