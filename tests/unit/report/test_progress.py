"""The line that says how a run goes: who is counted as what, and when it has nothing to say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.callback.progress import CallbackModule
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.progress import Progress, lasting

BEGAN = datetime(2026, 12, 5, 2, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_each_host_is_counted_once_by_what_became_of_it_last() -> None:
    one = Progress(30, BEGAN, batch=2)
    for host, status in (("a", "would-change"), ("b", "ok"), ("a", "changed"), ("c", "reverted"), ("d", "refused"), ("e", "unreachable")):
        one.heard(host, status)
    assert one.line(after(60)) == "batch 2: 2/30 done, 1 changed, 1 failed, 1 reverted, 1 unreachable | 5 hosts/min, 5 min to go"


def test_what_is_only_planned_is_not_done() -> None:
    one = Progress(2, BEGAN, batch=1)
    one.heard("a", "would-change")
    assert one.line(after(60)) == "batch 1: 0/2 done, 0 changed, 0 failed, 0 reverted, 0 unreachable, 1 to change"


def test_a_host_outside_of_its_window_failed_in_nothing() -> None:
    one = Progress(2, BEGAN, batch=1)
    one.heard("a", "out-of-window")
    assert one.line(after(0)) == "batch 1: 0/2 done, 0 changed, 0 failed, 0 reverted, 0 unreachable, 1 not now"


def test_the_window_that_closes_first_counts_and_a_closed_one_is_told() -> None:
    one = Progress(2, BEGAN, batch=1)
    one.heard("a", "changed", after(7200))
    one.heard("b", "changed", after(3600))
    assert "| window closes in 50 min |" in one.line(after(600))
    assert "| window closed |" in one.line(after(3601))


def test_a_time_is_said_in_the_unit_of_a_person() -> None:
    assert [lasting(s) for s in (0, 119, 120, 7199, 7200, 200000)] == ["0 s", "119 s", "2 min", "120 min", "2 h", "2 d"]


class Screen:
    """Where Ansible prints."""

    verbosity = 0

    def __init__(self) -> None:
        self.said: list[str] = []

    def display(self, text: str, **kwargs: Any) -> None:
        self.said.append(text)

    banner = display


def play(id_: str, hosts: int) -> Any:
    inventory = SimpleNamespace(get_hosts=lambda pattern, ignore_restrictions: ["h"] * hosts)
    manager = SimpleNamespace(_inventory=inventory)
    return SimpleNamespace(_uuid=id_, hosts="all", check_mode=False, get_name=lambda: id_, get_variable_manager=lambda: manager)


def result(host: str, **said: Any) -> Any:
    return SimpleNamespace(result=said, host=SimpleNamespace(get_name=lambda: host))


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def callback(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> CallbackModule:
    made = CallbackModule()
    made._display, made._live = screen, False
    monkeypatch.setattr(made, "get_option", lambda name: False)
    return made


def test_without_a_terminal_a_line_comes_now_and_then_and_not_for_each_host(callback: CallbackModule, screen: Screen) -> None:
    callback.v2_playbook_on_play_start(play("one", 3))
    callback._heard(result("a", agility_result="x", status="ok"))
    callback._show()
    assert screen.said == ["PLAY [one]"]
    callback._told -= timedelta(seconds=31)
    callback._show()
    callback._show()
    assert screen.said[1:] == ["batch 1: 1/3 done, 0 changed, 0 failed, 0 reverted, 0 unreachable"]


def test_a_batch_goes_on_counting_and_another_play_begins_anew(callback: CallbackModule) -> None:
    callback.v2_playbook_on_play_start(play("one", 3))
    callback._heard(result("a", agility_result="x", status="ok"))
    callback.v2_playbook_on_play_start(play("one", 3))
    assert callback._progress.line(datetime.now(UTC)).startswith("batch 2: 1/3 done")
    callback.v2_playbook_on_play_start(play("two", 5))
    assert callback._progress.line(datetime.now(UTC)).startswith("batch 1: 0/5 done")


def test_a_batch_that_is_a_wave_is_called_so(callback: CallbackModule) -> None:
    callback.v2_playbook_on_play_start(play("one", 3))
    callback._heard(result("a", agility_wave="wave 2 of 4", stopped=False))
    callback._heard(result("a", agility_result="x", status="ok"))
    assert callback._progress.line(datetime.now(UTC)).startswith("wave 2 of 4: 1/3 done")


def test_a_playbook_without_a_task_of_ours_has_no_line(callback: CallbackModule, screen: Screen) -> None:
    callback.v2_playbook_on_play_start(play("other", 3))
    callback._heard(result("a", msg="hello"))
    callback._heard(result("b", msg="rc 1"), "failed")
    callback._told -= timedelta(seconds=31)
    callback._show()
    assert screen.said == ["PLAY [other]"]
