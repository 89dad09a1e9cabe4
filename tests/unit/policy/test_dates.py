"""Two dates that end the same thing: the earliest bites, and explain shows both.  Every date includes its day."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.explain import explain

from .test_exceptions import endpoint, found, written
from .texts import HEAD, RULES, known, of, rule

TODAY, LAST, FIRST = date(2026, 11, 23), date(2028, 12, 31), date(2029, 1, 1)
TRANSITION = HEAD + "extends: [hybrid-transition@1]\n"
REQUIRED_FROM = TRANSITION + "stages: [{aspect: key_exchange, stage: require, from: 2029-01-01}]\n"
HYBRID_FIRST = endpoint(kex="X25519MLKEM768 X25519", version="TLSv1.3")


@pytest.mark.parametrize(
    ("text", "deadline"),
    [
        (REQUIRED_FROM, "2028-12-31"),
        (REQUIRED_FROM.replace("2029-01-01", "2033-01-01"), "2030-12-31"),
        (TRANSITION, "2030-12-31"),
        (TRANSITION + "stages: [{stage: observe}, {stage: prefer, from: 2027-06-01}, {stage: require, from: 2029-01-01}]\n", "2028-12-31"),
    ],
)
def test_the_earlier_of_until_and_require_is_the_deadline(text: str, deadline: str) -> None:
    assert found(of(text), endpoint(kex="X25519"), TODAY)["key_exchange"].deadline == deadline


def test_require_ends_the_fallback_on_its_first_day_and_enforce_removes_it() -> None:
    policy = of(REQUIRED_FROM)
    assert "key_exchange" not in written(policy, endpoint(kex="X25519MLKEM768", version="TLSv1.3"), FIRST)
    before, after = (found(policy, HYBRID_FIRST, day)["key_exchange"] for day in (LAST, FIRST))
    assert before.state != "forbidden"
    assert (after.state, after.severity, after.wanted) == ("forbidden", "high", ("X25519MLKEM768",))
    assert "tolerates it only until stage require" in after.message
    assert "key_exchange" in written(policy, HYBRID_FIRST, FIRST)


def test_explain_shows_both_dates_before_and_after_the_first_has_come() -> None:
    before, after = (explain(of(REQUIRED_FROM), Target("h", (), "tls"), day)["key_exchange"] for day in (LAST, FIRST))
    until = "kex-tls tolerates its fallback for the last day"
    assert before["dates"] == [("2029-01-01", "stage require"), ("2030-12-31", until)]
    assert (after["stage"], after["stage_origin"]) == ("require", "p.yml:3")
    assert after["dates"] == [("2030-12-31", f"{until} (stage require has ended it before)")]


def test_a_candidate_is_tolerated_until_require() -> None:
    text = "algorithms: {X25519MLKEM768: {state: candidate, from: 2026-01-01}}\n"
    group = known("tls", "key_exchange", "X25519MLKEM768")
    kinds = {day: judge(resolve(of(REQUIRED_FROM + text), Target("h", (), "tls"), day)["key_exchange"], group, day).kind for day in (LAST, FIRST)}
    assert kinds == {LAST: "fallback", FIRST: "forbidden"}


def test_a_fallback_may_be_deprecated_before_it_ends() -> None:
    policy = of(
        HEAD
        + RULES
        + rule(fallback="{construction: classical, until: 2030-12-31}", deprecated_after="{X25519: 2027-12-31}")
        + "stages: [{stage: prefer}]\n"
    )
    x25519 = known("tls", "key_exchange", "X25519")
    asked = {day: judge(resolve(policy, Target("h", (), "tls"), day)["key_exchange"], x25519, day) for day in (TODAY, FIRST, date(2031, 1, 1))}
    assert [(v.kind, v.deadline) for v in asked.values()] == [("fallback", "2027-12-31"), ("deprecated", "2030-12-31"), ("forbidden", "")]
    assert not asked[FIRST].good, "what is merely tolerated is never added, deprecated or not"
    assert found(policy, endpoint(kex="X25519"), FIRST)["key_exchange"].state == "missing"
