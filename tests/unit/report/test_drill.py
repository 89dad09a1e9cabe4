"""The answer to "retire it today": what changes, what breaks, what stays, how long; and when it is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.drill import Rate, done, drilled, rate
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.diff import Difference

from .results_of import HYBRID, tls

END = "nginx *:443"


def row(host: str, after: str, stage: str = "prefer", worse: bool = True) -> Difference:
    return Difference(host, END, "key_exchange", "compliant", after, "prefer", stage, "kex-tls", "kex-tls", worse, f"{HYBRID}: retired")


def planned(host: str, status: str = "would-change", **finding: Any) -> HostResult:
    made = replace(tls((HYBRID,), host=host), verb="plan", status=status, plan={"reasons": [f"{END}: key_exchange → X25519"]})
    return replace(made, findings=tuple({**f, **finding} for f in made.findings))


def test_what_the_policy_changes_anyway_is_not_the_doing_of_the_retirement() -> None:
    out = drilled([planned("a"), planned("b")], [row("a", "forbidden")], Rate())
    assert (out["would_change"], out["would_change_anyway"]) == (["a"], ["b"])
    assert f"WOULD CHANGE a: {END}: key_exchange → X25519" in out["report"]
    assert not any("WOULD CHANGE b" in line for line in out["report"])


def test_what_has_no_way_out_is_told_with_its_reason_and_remedy() -> None:
    hosts = [planned("a", "ok", message="would cost quantum safety"), planned("b", "ok", message="has none", remedy="needs OpenSSL ≥ 3.5")]
    out = drilled(
        [*hosts, planned("c", "ok", message="nothing")], [row("a", "pq-regression"), row("b", "missing"), row("c", "unsatisfiable")], Rate()
    )
    assert out["report"][:3] == [
        f"PQ REGRESSION a {END} key_exchange: would cost quantum safety",
        f"NOTHING LEFT b {END} key_exchange: has none → needs OpenSSL ≥ 3.5",
        f"UNSATISFIABLE c {END} key_exchange: nothing",
    ]
    assert "breaks: 1 pq-regression, 1 missing, 1 unsatisfiable; stays in use: 0" in out["report"]


def test_what_was_missing_before_breaks_nothing_and_what_is_only_observed_stays() -> None:
    out = drilled([planned("a", "ok", remedy="needs OpenSSL ≥ 3.5")], [row("a", "missing", worse=False)], Rate())
    assert (out["breaks"], out["stays"]) == ([], [])
    assert [one["host"] for one in drilled([planned("a", "ok")], [row("a", "forbidden", "observe")], Rate())["stays"]] == ["a"]


def test_a_host_without_a_plan_is_named() -> None:
    out = drilled([HostResult("a", "plan", "unreachable", problem={"message": "timed out", "remedy": "check the network"})], [], Rate())
    assert "NOT PLANNED a (unreachable): timed out → check the network" in out["report"]


def test_the_time_is_that_of_earlier_changes_by_the_clock() -> None:
    def changed(host: str, taken: str, status: str = "changed") -> HostResult:
        return HostResult(host, "enforce", status, taken=taken, seconds=10.0)

    earlier = [changed("a", "2026-11-27T02:00:00Z"), changed("b", "2026-11-27T02:00:10Z"), changed("c", "2026-11-27T09:00:00Z", "ok")]
    assert rate([earlier]) == Rate(2, 20.0)
    assert rate([earlier, earlier]) == Rate(4, 40.0)
    assert drilled([planned("x"), planned("y"), planned("z")], [], rate([earlier]))["seconds"] == 30.0
    assert drilled([planned("x")], [], rate([]))["seconds"] is None


def test_it_is_complete_when_nothing_uses_it_nobody_failed_and_all_is_proved() -> None:
    good = replace(planned("a", "changed"), proofs=({"endpoint": END, "proved": True},))
    assert done([good], [], 95.0)["report"] == [
        "95 s from the policy's change to the proof: 1 of 1 hosts changed, 1 endpoints proved by a live handshake, 0 left"
    ]
    for hosts, rows in (
        ([good], [row("a", "forbidden")]),
        ([replace(good, status="reverted")], []),
        ([replace(good, proofs=({"endpoint": END, "proved": False, "why": "no route"},))], []),
    ):
        assert len(done(hosts, rows, 1.0)["left"]) == 1
