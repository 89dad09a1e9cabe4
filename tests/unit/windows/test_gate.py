"""The time of a change at the gate of a campaign: refused, overridden, and a window that closes under way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _windows
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._campaign import Gate
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import BAD, HostResult, read_host, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.summary import summarise
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import closing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import longest

from ..policy.texts import of

NIGHTS = of('policy: {name: t, version: "1"}\nwindows: [{id: n, rrule: FREQ=DAILY;BYHOUR=2, duration: 2h}]\n')
SAID = "outside its change window (n); the next one: 2026-12-06 02:00–04:00 UTC"


class Fake:
    """What a gate needs of a Run."""

    def __init__(self, folder: Path, host: str, **args: Any) -> None:
        self.host, self.run, self.output, self.groups = host, "r1", folder / "out", ()
        self.args = {"campaign": "c", "confirm_timeout": 120, **args}
        self.vars: dict[str, Any] = {"ansible_play_batch": [host], "ansible_play_hosts_all": [f"h{i}" for i in range(8)]}
        self.channel = SimpleNamespace(transport="ssh")
        self.action = SimpleNamespace(_task=SimpleNamespace(check_mode=False))
        self.taken, self.result = "2026-12-05T12:00:00Z", HostResult(host, "enforce", "ok")
        self.noted: dict[str, Any] = {}

    def policy(self) -> Any:
        return NIGHTS

    def note(self, **fields: Any) -> None:
        self.noted |= fields


def gate(folder: Path, host: str = "h0", **args: Any) -> Gate:
    run: Any = Fake(folder, host, **args)
    return Gate(run)


def shut(gate: Gate, tightens: bool = False) -> str:
    return gate.closed(25, tightens, only_way=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(text: str) -> None:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        monkeypatch.setattr(_windows, "now", lambda: moment)

    return put


def test_outside_its_window_a_host_is_refused_with_a_status_of_its_own(tmp_path: Path, clock: Any) -> None:
    clock("2026-12-05T12:00")
    refused = gate(tmp_path)
    assert shut(refused) == SAID
    assert refused.status == "out-of-window"
    assert "out-of-window" in BAD


def test_time_is_kept_for_the_change_and_its_way_back(tmp_path: Path, clock: Any) -> None:
    assert longest(120) == 375
    clock("2026-12-05T03:53:45")
    assert shut(gate(tmp_path)) == ""
    clock("2026-12-05T03:53:46")
    assert shut(gate(tmp_path)).startswith(
        "too late: the time for changes ends at 2026-12-05 04:00 UTC, and a change with its way back may take 7 min"
    )
    assert shut(gate(tmp_path, confirm_timeout=60)) == ""


def test_when_the_window_closes_hosts_not_begun_are_refused_and_the_next_night_goes_on_with_them(tmp_path: Path, clock: Any) -> None:
    clock("2026-12-05T03:50")
    first = gate(tmp_path, "h0")
    assert shut(first, tightens=True) == ""
    first.ended("changed")
    clock("2026-12-05T03:58")
    second = gate(tmp_path, "h1")
    assert shut(second, tightens=True)
    second.ended("out-of-window")
    clock("2026-12-06T02:00")
    for host in ("h2", "h1"):  # neither stopped by h1, nor is h1 counted as tightened
        assert shut(gate(tmp_path, host)) == ""
    assert shut(gate(tmp_path, "h2"), tightens=True) == ""


def test_a_window_that_closes_while_certificates_are_waited_for_is_seen_before_the_transaction(tmp_path: Path, clock: Any) -> None:
    clock("2026-12-05T03:50")
    waiting = gate(tmp_path)
    assert shut(waiting, tightens=True) == ""
    assert waiting.late() is False
    clock("2026-12-05T03:59")
    assert waiting.late() is True
    run: Any = waiting.run
    assert run.noted["status"] == "out-of-window"
    waiting.ended("out-of-window")
    clock("2026-12-06T02:00")
    assert all(shut(gate(tmp_path, host), tightens=True) == "" for host in ("h1", "h2")), "what was not done is not counted"


def test_an_override_opens_the_gate_and_is_recorded_with_what_it_passed(tmp_path: Path, clock: Any) -> None:
    clock("2026-12-05T12:00")
    opened = gate(tmp_path, window_override={"reason": "INC-1", "approver": " ciso "})
    assert shut(opened) == ""
    run: Any = opened.run
    recorded = run.noted["window_override"]
    assert {**recorded, "by": ""} == {"reason": "INC-1", "approver": "ciso", "by": "", "instead_of": SAID}
    assert "@" in recorded["by"]


def test_an_override_that_was_not_needed_is_not_recorded(tmp_path: Path, clock: Any) -> None:
    clock("2026-12-05T02:00")
    opened = gate(tmp_path, window_override={"reason": "INC-1", "approver": "ciso"})
    assert shut(opened) == ""
    run: Any = opened.run
    assert run.noted == {}


@pytest.mark.parametrize(
    ("override", "lacking"),
    [
        ({"reason": " ", "approver": "ciso"}, "it says no reason"),
        ({"reason": "INC-1", "approver": ""}, "no approver"),
        ({"reason": "", "approver": ""}, "it says no reason and no approver"),
    ],
)
def test_an_override_without_reason_or_approver_opens_nothing(tmp_path: Path, clock: Any, override: dict[str, str], lacking: str) -> None:
    clock("2026-12-05T12:00")
    with pytest.raises(Problem, match=lacking):
        shut(gate(tmp_path, window_override=override))


def test_the_summary_and_the_closing_lines_tell_of_refusals_and_overrides(tmp_path: Path) -> None:
    override = {"reason": "INC-1", "approver": "ciso", "by": "me@c", "instead_of": "frozen by x"}
    (tmp_path / "hosts").mkdir()
    passed = read_host(write_host(tmp_path, HostResult("a", "enforce", "changed", window_override=override)))
    refused = HostResult("b", "enforce", "out-of-window", problem={"message": SAID, "where": "b", "remedy": "run it again then"})
    summary = summarise((passed, refused))
    assert summary["window_overrides"] == [{"host": "a", "status": "changed", **override}]
    lines = closing(summary, "out").splitlines()
    assert f"OUT-OF-WINDOW b: {SAID}  → run it again then" in lines
    assert "OVERRIDE      a: frozen by x; all the same by ciso: INC-1" in lines
