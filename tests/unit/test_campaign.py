"""The gate between the batches of a campaign: what one host learnt keeps the others safe, and a mended host opens it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._campaign import Gate, budget, ended, id_prefix
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.campaigns import campaign_lines, outstanding
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.entered import event_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import BAD, STATUSES, HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._standing import FILE, stand, standing

ALWAYS = Policy("p", "1", (), ())  # it has no windows
FLEET = tuple(f"h{number}" for number in range(8))


def gate(
    tmp_path: Path, host: str, batch: tuple[str, ...] = FLEET, out: str = "out", campaign: str = "spring", play: tuple[str, ...] = FLEET, **args: str
) -> Gate:
    run: Any = SimpleNamespace(
        host=host,
        run="r1",
        taken="2026-11-27T02:00:00Z",
        result=HostResult(host, "enforce", "ok", transaction=f"spring-{host}"),
        output=tmp_path / out,
        groups=(),
        policy=lambda: ALWAYS,
        args={"campaign": campaign, "confirm_timeout": 120, **args},
        vars={"ansible_play_batch": list(batch), "ansible_play_hosts_all": list(play)},
        channel=SimpleNamespace(transport="ssh"),
        action=SimpleNamespace(_task=SimpleNamespace(check_mode=False)),
    )
    return Gate(run)


def shut(gate: Gate, limit: int = 25, tightens: bool = False) -> str:
    return gate.closed(limit, tightens, only_way=False)


@pytest.mark.parametrize("status", ["reverted", "refused", "failed", "unknown", "revert-failed", "unreachable"])
def test_whatever_went_wrong_on_one_host_stops_the_others(tmp_path: Path, status: str) -> None:
    gate(tmp_path, "h0").ended(status)
    assert "h0 failed before" in shut(gate(tmp_path, "h1"))


def test_another_results_folder_of_the_same_campaign_remembers_it_and_another_campaign_does_not(tmp_path: Path) -> None:
    gate(tmp_path, "h0", out="monday").ended("reverted")
    assert shut(gate(tmp_path, "h1", out="tuesday"))
    assert shut(gate(tmp_path, "h1", out="monday", campaign="autumn")) == ""


def test_what_the_gate_itself_refused_is_no_failure_of_that_host(tmp_path: Path) -> None:
    gate(tmp_path, "h0").ended("reverted")
    stopped = gate(tmp_path, "h1")
    assert shut(stopped)
    stopped.ended("refused")
    gate(tmp_path, "h0").ended("changed")
    assert shut(gate(tmp_path, "h2")) == ""


def test_hosts_that_failed_may_try_again_although_others_failed_too(tmp_path: Path) -> None:
    gate(tmp_path, "h0").ended("reverted")
    gate(tmp_path, "h1").ended("reverted")
    assert shut(gate(tmp_path, "h0")) == ""
    assert shut(gate(tmp_path, "h2"))


def test_a_host_that_was_mended_and_needs_nothing_any_more_opens_the_gate(tmp_path: Path) -> None:
    gate(tmp_path, "h0").ended("reverted")
    gate(tmp_path, "h0").planned("would-change", tightens=False)
    assert shut(gate(tmp_path, "h1"))
    gate(tmp_path, "h0").planned("ok", tightens=False)
    assert shut(gate(tmp_path, "h1")) == ""


def test_a_canary_that_could_not_be_planned_stops_later_batches_but_not_its_own(tmp_path: Path) -> None:
    gate(tmp_path, "h0", batch=("h0", "h1")).planned("failed", tightens=False)
    assert shut(gate(tmp_path, "h1", batch=("h1",))) == "", "Ansible no longer counts h0 to the batch"
    assert "h0 failed before" in shut(gate(tmp_path, "h2", batch=("h2", "h3")))
    gate(tmp_path, "h0").planned("would-change", tightens=False)
    assert shut(gate(tmp_path, "h2", batch=("h2", "h3"))) == ""


def test_check_mode_leaves_no_trace_in_the_campaign(tmp_path: Path) -> None:
    gate(tmp_path, "h0").ended("reverted")
    dry = gate(tmp_path, "h0")
    dry.run.action._task.check_mode = True
    dry.planned("ok", tightens=True)
    dry.ended("would-change")
    assert "h0 failed before" in shut(gate(tmp_path, "h1"))


def test_batch_after_batch_cannot_tighten_the_whole_fleet_unacknowledged(tmp_path: Path) -> None:
    passed = []
    for batch in (FLEET[0:2], FLEET[2:4], FLEET[4:6], FLEET[6:8]):
        for host in batch:
            gate(tmp_path, host, batch).planned("would-change", tightens=True)
        for host in batch:
            if not shut(this := gate(tmp_path, host, batch), tightens=True):
                passed.append(host)
                this.ended("changed")
    assert passed == ["h0", "h1"]
    assert "50 % of the hosts" in shut(gate(tmp_path, "h2", FLEET[2:4]), tightens=True)
    assert shut(gate(tmp_path, "h2", FLEET[2:4]), limit=50, tightens=True) == ""


def test_leaving_hosts_out_of_the_play_does_not_make_the_share_smaller(tmp_path: Path) -> None:
    gate(tmp_path, "h0", play=FLEET[:4]).planned("would-change", tightens=True)
    assert shut(gate(tmp_path, "h0", batch=("h0",), play=FLEET[:4]), tightens=True) == ""
    assert "40 %" in shut(gate(tmp_path, "h4", batch=("h4",), play=FLEET[4:]), tightens=True)


def test_without_a_plan_task_hosts_that_come_at_once_are_counted_one_by_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda host: shut(gate(tmp_path, host), tightens=True), FLEET))
    assert said.count("") == 2


def test_a_host_that_went_back_is_not_counted_as_tightened(tmp_path: Path) -> None:
    for host, end in (("h0", "reverted"), ("h1", "refused"), ("h2", "changed"), ("h3", "changed")):
        this = gate(tmp_path, host, (host,))
        assert shut(this, tightens=True) == ""
        this.ended(end)
        gate(tmp_path, host).planned("ok", tightens=False)
    gate(tmp_path, "h2").rolled_back({"spring-h2"})
    assert shut(gate(tmp_path, "h4", ("h4",)), tightens=True) == ""


@pytest.mark.parametrize("name", ["spring-2027", "q1_2027", "v1.2", "Frühjahr 2027/€", "-x", "a" * 70])
def test_any_campaign_name_becomes_the_beginning_of_a_transaction_id(name: str) -> None:
    from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.script import _id

    assert _id(f"{id_prefix(name)}-123456")
    assert id_prefix(name) == id_prefix(name)


def test_plain_names_stay_readable_and_long_or_strange_ones_do_not_collide() -> None:
    assert id_prefix("spring-2027") == "spring-2027"
    names = ["a" * 60 + "1", "a" * 60 + "2", "q1_2027", "q1.2027", "q1-2027"]
    assert len({id_prefix(name) for name in names}) == len(names)


def test_who_changed_again_since_what_was_undone_is_still_changed(tmp_path: Path) -> None:
    gate(tmp_path, "h0").ended("changed")
    gate(tmp_path, "h0").rolled_back({"spring-before"})
    assert ended(tmp_path / "campaigns/spring", "h0.json")["status"] == "changed"
    gate(tmp_path, "h0").ended("ok")
    assert ended(tmp_path / "campaigns/spring", "h0.json")["transaction"] == "spring-h0", "who needs nothing any more stays changed"
    gate(tmp_path, "h0").rolled_back({"spring-h0"})
    assert ended(tmp_path / "campaigns/spring", "h0.json")["status"] == "rolled-back"


@pytest.mark.parametrize(("text", "hosts", "may"), [("0", 8, 0), ("2", 8, 2), ("5%", 8, 0), ("25 %", 8, 2), ("5%", 40, 2), ("100%", 3, 3)])
def test_an_error_budget_is_hosts_or_per_cent_rounded_down(text: str, hosts: int, may: int) -> None:
    assert budget(text, hosts) == may


@pytest.mark.parametrize("text", ["", "-1", "5.5%", "five", "%", "1 2"])
def test_an_error_budget_that_says_nothing_stops_the_host(text: str) -> None:
    with pytest.raises(Problem, match="is no error budget"):
        budget(text, 8)


def test_a_mistyped_budget_is_no_failure_of_the_host(tmp_path: Path) -> None:
    mistyped = gate(tmp_path, "h0", error_budget="five")
    with pytest.raises(Problem):
        shut(mistyped)
    mistyped.ended("failed")
    assert shut(gate(tmp_path, "h1")) == ""


def test_within_the_error_budget_the_campaign_goes_on_and_one_more_stops_it(tmp_path: Path) -> None:
    gate(tmp_path, "h0").ended("reverted")
    gate(tmp_path, "h1", ("h1",)).planned("failed", tightens=False)
    assert "h0, h1 failed before" in shut(gate(tmp_path, "h2", ("h2",)))
    assert shut(gate(tmp_path, "h2", ("h2",), error_budget="25%")) == ""
    gate(tmp_path, "h3").ended("failed")
    assert shut(gate(tmp_path, "h4", ("h4",), error_budget="2")).endswith("h0, h1, h3 failed before, over its error budget of 2")
    gate(tmp_path, "h3").ended("changed")
    assert shut(gate(tmp_path, "h4", ("h4",), error_budget="2")) == ""


# ---------------------------------------------------------------- from another terminal


def begun(tmp_path: Path) -> Path:
    assert shut(gate(tmp_path, "h0")) == ""
    return tmp_path / "campaigns/spring"


def decide(folder: Path, verb: str, reason: str = "pager", dry: bool = False) -> bool:
    return stand(folder, verb, "night@ctl", "2026-11-27T02:00:00Z", reason, dry)


def test_a_paused_campaign_leaves_hosts_alone_and_a_resumed_one_goes_on(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert decide(folder, "pause")
    held = gate(tmp_path, "h1")
    assert shut(held) == "the campaign is paused since 2026-11-27T02:00:00Z by night@ctl: pager"
    assert (held.status, "paused" in BAD) == ("paused", True)
    assert "agility_campaign=spring -e agility_verb=resume" in held.remedy
    held.ended("paused")
    assert decide(folder, "resume")
    assert shut(gate(tmp_path, "h2")) == "", "who was held up did not fail"


def test_an_aborted_campaign_stays_so_and_says_the_way_back(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert decide(folder, "pause")
    assert decide(folder, "abort", "enough")
    for verb in ("pause", "resume"):
        with pytest.raises(Problem, match=r"is aborted since .* by night@ctl: enough"):
            decide(folder, verb)
    held = gate(tmp_path, "h1")
    assert "aborted" in shut(held)
    assert held.status == "refused"
    assert "rollback, -e agility_campaign=spring" in held.remedy


def test_what_is_decided_already_changes_nothing_and_neither_does_check_mode(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert not decide(folder, "resume")
    assert decide(folder, "pause", dry=True)
    assert standing(folder) == {}
    assert decide(folder, "pause", "first")
    assert not decide(folder, "pause", "second")
    assert standing(folder)["reason"] == "first"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "open"}', '{"state": "paused"}', '{"state": []}'])
def test_a_standing_that_cannot_be_read_holds_the_campaign(tmp_path: Path, text: str) -> None:
    folder = begun(tmp_path)
    (folder / FILE).write_text(text, encoding="utf-8")
    assert "standing.json cannot be read" in shut(gate(tmp_path, "h1"))
    assert decide(folder, "resume")
    assert shut(gate(tmp_path, "h1")) == ""


def test_the_table_has_on_top_what_is_not_as_promised(tmp_path: Path) -> None:
    hosts = {host: {"status": status} for host, status in (("a", "changed"), ("b", "not yet"), ("c", "reverted"), ("d", "ok"), ("e", "unknown"))}
    lines = campaign_lines("spring", "", hosts)
    assert lines[:2] == ["campaign spring: it goes on", "5 hosts: 2 done, 1 not yet, 1 reverted, 1 unknown"]
    assert [line.split()[0] for line in lines[3:]] == ["c", "e", "b", "a", "d"]
    assert outstanding(hosts, aborted=False) == ("b", "c", "e")
    assert outstanding(hosts, aborted=True) == ("a", "e"), "promised is then that nothing of it stands"


def test_a_campaign_in_waves_names_them_in_its_table() -> None:
    hosts = {"a": {"status": "changed", "wave": 1}, "b": {"status": "not yet", "wave": 2}, "c": {"status": "not yet"}}
    lines = campaign_lines("spring", "", hosts)
    assert lines[2].split() == ["HOST", "STATE", "SINCE", "TRANSACTION", "WAVE"]
    assert [line.split()[-1] for line in lines[3:]] == ["-", "2", "1"]
    assert "WAVE" not in campaign_lines("spring", "", {"c": {"status": "not yet"}})[2]


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "would-change"])
def test_whatever_became_of_a_host_has_an_event_in_the_ledger(status: str) -> None:
    assert event_of(HostResult("a", "enforce", status))
