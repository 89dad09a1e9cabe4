"""Whether the next wave may begin, and what is taken back when it may not."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.waves.cut import Wave
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.waves.judge import stop, to_take_back, unrehearsed

THREE = (Wave(("a",)), Wave(("b", "c")), Wave(("d", "e", "f", "g")))


def none(hosts: int) -> int:
    return 0


@pytest.mark.parametrize(
    ("done", "failed", "wave", "breach"),
    [
        ("", "a", 1, True),
        ("a", "c", 2, True),
        ("abc", "defg", 3, True),
        ("", "", 1, False),
        ("ab", "", 2, False),
        ("abc", "d", 3, True),
    ],
)
def test_the_first_wave_that_is_not_as_promised_stops_the_next(done: str, failed: str, wave: int, breach: bool) -> None:
    found = stop(THREE, set(done), set(failed), none)
    assert found is not None
    assert (found.wave, found.breach) == (wave, breach)


def test_when_all_are_as_promised_nothing_stops() -> None:
    assert stop(THREE, set("abcdefg"), set(), none) is None
    assert stop((), set(), set(), none) is None


def test_a_budget_counts_within_each_wave() -> None:
    assert stop(THREE, set("acefg"), {"b", "d"}, lambda hosts: hosts // 2) is None
    found = stop(THREE, set("acg"), {"b", "d", "e", "f"}, lambda hosts: hosts // 2)
    assert found and found.why == "d, e, f failed, over its error budget of 2"


def test_a_host_of_the_budget_does_not_hide_one_that_was_not_begun() -> None:
    found = stop(THREE, {"a"}, {"b"}, lambda hosts: 1)
    assert found and (found.wave, found.breach, found.why) == (2, False, "it is not complete: c is not as promised yet")


def test_a_rehearsal_that_failed_or_did_not_come_back_is_a_breach_and_one_that_needed_nothing_is_none() -> None:
    assert unrehearsed("ab", came_back="a", changed="a", failed="") is None
    assert (back := unrehearsed("ab", came_back="a", changed="ab", failed="")) and "failed on b" in back.why
    assert (gone := unrehearsed("ab", came_back="", changed="", failed="a")) and "failed on a" in gone.why


@pytest.mark.parametrize(
    ("scope", "hosts"),
    [("wave", [("b", "c")]), ("campaign", [("d",), ("b", "c"), ("a",)]), ("nothing", [])],
)
def test_what_is_taken_back_is_what_was_changed_the_last_wave_first(scope: str, hosts: list[tuple[str, ...]]) -> None:
    assert [wave.hosts for wave in to_take_back(THREE, 2, scope, set("abcd"))] == hosts


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(Problem, match="all is none of wave, campaign, nothing"):
        to_take_back(THREE, 1, "all", set())
