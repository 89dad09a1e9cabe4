"""What clients met becomes figures, and figures become checks, a verdict and lines for a person."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.pilot.judge import NAMES, Limits, Piloted, check, judged
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.pilot.load import Handshake, Load, counted, cpu_used, load_from
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.pilot import pilot_lines, told
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._piloting import roles

SEEN = tuple(check(name, True, "good") for name in ("logging", "certificate", "issuance", "rollback"))


def load(group: str = "X25519MLKEM768", cpu: float = 40.0, seconds: float = 0.010, failure: str = "", classical: str = "") -> Load:
    met = [Handshake("classical", seconds, 1800, "" if classical else "x25519", classical) for dummy in range(10)]
    met += [Handshake("hybrid", seconds, 3900, "" if failure else group, failure) for dummy in range(10)]
    return counted(met, cpu)


PASSED = Piloted("edge-1", "internet", "nginx *:443", "changed", can=True, offers=True, before=load("x25519"), after=load(), checks=SEEN)


def outcomes(one: Piloted, limits: Limits = Limits()) -> dict[str, str]:  # noqa: B008
    return {found.name: found.outcome for found in judged(one, limits).checks}


def test_many_handshakes_become_a_few_figures() -> None:
    made = [Handshake("hybrid", number / 1000, 3900, "X25519MLKEM768", certificate="c") for number in range(1, 101)]
    found = counted([*made, Handshake("hybrid", failure="reset"), Handshake("classical", failure="timed-out")], cpu_ms=50)
    hybrid, classical = found.met["hybrid"], found.met["classical"]
    assert (hybrid.asked, hybrid.made, hybrid.p50, hybrid.p95, hybrid.size) == (101, 100, 50.0, 95.0, 3900)
    assert (hybrid.hybrids, hybrid.failure) == (100, "reset")
    assert (classical.made, classical.p95, classical.share, classical.failure) == (0, 0.0, 0.0, "timed-out")
    assert (found.cpu, found.certificates) == (0.5, ("c",))
    assert load_from(json.loads(json.dumps(plain(found)))) == found


def test_processor_time_is_that_of_the_cgroup_and_else_that_of_the_machine() -> None:
    stat = ["cpu  100 1 50 9000 7 2 3 4 0 0"]
    assert cpu_used(["usage_usec 1234567", "user_usec 1"], stat) == 1234.567
    assert cpu_used([], stat) == 1600.0, "idle and waiting are none"
    assert cpu_used([], []) is None


def test_an_endpoint_that_is_good_enough_passes_and_says_nothing_of_a_layer() -> None:
    verdict = judged(PASSED, Limits())
    assert verdict.passed and (verdict.layer, verdict.why) == ("", "")
    assert [found.name for found in verdict.checks] == list(NAMES)
    assert {found.outcome for found in verdict.checks} == {"pass"}


@pytest.mark.parametrize(
    ("change", "failed", "layer"),
    [
        ({"after": load(failure="timed-out"), "at_home": True}, {"handshakes"}, "middlebox"),
        ({"after": load("x25519"), "can": False}, {"hybrid"}, "library"),
        ({"after": load("x25519"), "offers": False}, {"hybrid"}, "terminator"),
        ({"after": load(classical="refused")}, {"handshakes"}, "client"),
        ({"after": load(seconds=0.2)}, {"latency"}, "terminator"),
        ({"after": load(cpu=400.0)}, {"cpu"}, "library"),
        ({"checks": (*SEEN[:2], check("issuance", False, "403"), SEEN[3])}, {"issuance"}, "PKI"),
        ({"checks": (*SEEN[:3], check("rollback", False, "strayed"))}, {"rollback"}, "terminator"),
    ],
)
def test_what_is_not_good_enough_fails_by_its_layer(change: dict[str, Any], failed: set[str], layer: str) -> None:
    one = replace(PASSED, **change)
    assert {name for name, outcome in outcomes(one).items() if outcome == "fail"} == failed
    assert judged(one, Limits()).layer == layer


def test_limits_are_the_users() -> None:
    slow = replace(PASSED, after=load(seconds=0.2, cpu=400.0))
    assert judged(slow, Limits(latency=500, cpu=500)).passed
    some = counted([*(Handshake(client, 0.01, 1, "X25519MLKEM768") for client in ("classical", "hybrid") for dummy in range(9))], 1.0)
    lossy = replace(some, met={client: replace(met, asked=10, failures={"reset": 1}) for client, met in some.met.items()})
    assert outcomes(replace(PASSED, after=lossy))["handshakes"] == "fail"
    assert outcomes(replace(PASSED, after=lossy), Limits(success=90))["handshakes"] == "pass"


def test_what_nobody_checked_is_told_and_is_no_pass_of_its_own() -> None:
    blind = replace(PASSED, before=replace(load("x25519"), cpu=None), checks=(check("issuance", None, "no authority is configured"),))
    verdict = judged(blind, Limits())
    assert verdict.passed
    lines = pilot_lines([verdict], {"partner": "agility_pilot names no host for it"})
    assert "edge-1 (internet): PASS" in lines
    assert "  NOT CHECKED issuance: no authority is configured" in lines
    assert "  NOT CHECKED cpu: the host did not say what its processors did" in lines
    assert lines[-1] == "NOT PILOTED partner: agility_pilot names no host for it"


def test_who_was_not_measured_did_not_pass_and_says_why() -> None:
    verdict = judged(Piloted("edge-1", "internet", status="unreachable", problem="no route"), Limits())
    assert (verdict.passed, verdict.layer, verdict.why) == (False, "unknown", "the change was not tried: no route")
    assert {found.outcome for found in verdict.checks} == {"not checked"}


def test_a_change_that_went_back_names_its_reason() -> None:
    one = replace(PASSED, status="reverted", problem="nothing listens on port 443", after=load("x25519"))
    assert judged(one, Limits()).why == "the change did not stay: nothing listens on port 443"


@pytest.mark.parametrize(("status", "layer"), [("reverted", "terminator"), ("out-of-window", "unknown")])
def test_an_endpoint_that_was_good_before_does_not_pass_without_its_change(status: str, layer: str) -> None:
    verdict = judged(replace(PASSED, status=status, problem="why"), Limits())
    assert (verdict.passed, verdict.layer) == (False, layer)


def test_the_table_and_the_file_tell_the_same() -> None:
    verdict = judged(replace(PASSED, after=load(failure="timed-out"), at_home=True), Limits())
    head, row, *rest = pilot_lines([verdict], {})
    assert head.split()[:4] == ["ROLE", "HOST", "VERDICT", "LAYER"]
    assert row.split()[:6] == ["internet", "edge-1", "FAIL", "middlebox", "10/10", "0/10"]
    assert rest[0].startswith("edge-1 (internet): FAIL, middlebox: ")
    (written,) = told([verdict])
    assert (written["layer"], written["passed"], written["after"]["met"]["hybrid"]["failures"]) == ("middlebox", False, {"timed-out": 10})


def test_roles_name_a_host_each_and_an_endpoint_where_there_are_several() -> None:
    given = {"internal": {"host": "app-1", "endpoint": "nginx *:8443"}, "internet": "edge-1"}
    assert roles(given) == {"internet": ("edge-1", ""), "internal": ("app-1", "nginx *:8443")}


@pytest.mark.parametrize(
    "given",
    [{}, {"dmz": "a"}, {"internet": "a", "partner": "a"}, {"internet": {"endpoint": "x"}}, {"internet": ["a"]}, {"internet": {"host": "a", "x": 1}}],
)
def test_what_names_nobody_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="nothing was changed"):
        roles(given)
