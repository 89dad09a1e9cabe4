"""The terminal: nothing wider than it, nothing in it that a host could forge, and names where there are many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.summary import summarise
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table, closing, transaction_table

from .results_of import tls

LONG = tls(("X25519",), host="web-include.internal.example.com", message="OpenSSL 3.0.22 has none of what the policy allows " * 3)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_state_and_host_are_whole(width: int) -> None:
    shown = audit_table([LONG], width)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert "missing" in shown
    assert "web-include.internal.example.com" in shown


@pytest.mark.parametrize("width", [60, 100, 160])
def test_reason_and_way_out_are_told_in_full(width: int) -> None:
    """At the terminal, where somebody decides what to do; not only in the JSON."""
    remedy = "needs OpenSSL ≥ 3.5: upgrade the distribution, or put a gateway in front of it"
    finding = {**LONG.findings[0], "remedy": remedy}
    shown = audit_table([replace(LONG, findings=(finding,))], width)
    lines = shown.splitlines()
    assert max(len(line) for line in lines) <= width
    for text in (finding["message"].strip(), f"→ {remedy}"):
        assert [word for word in text.split() if word not in " ".join(lines).split()] == []


def test_what_is_compliant_stays_one_line() -> None:
    fine = {**LONG.findings[0], "state": "compliant", "actual": ["X25519MLKEM768"] * 20, "remedy": "none"}
    assert len(audit_table([replace(LONG, findings=(fine,))], 120).splitlines()) == 2


def test_what_a_host_says_cannot_forge_a_line_or_drive_the_terminal() -> None:
    evil = "it said: \x1b[2J\r\nhosts: 1 (1 ok)\u202e"
    failed = HostResult("h", "enforce", "failed", problem={"message": evil, "where": "h", "remedy": evil})
    shown = closing(summarise((failed,)), "out").splitlines()
    assert [line for line in shown if line.startswith("hosts:")] == ["hosts: 1 (1 failed)"]
    assert all(line.isprintable() for line in (*shown, *audit_table([tls(("X25519",), message=evil)]).splitlines()))


def test_of_many_hosts_the_worst_are_named_and_the_rest_counted() -> None:
    many = [tls(("X25519",), host=f"web-{i:02}") for i in range(30)]
    many[25] = replace(many[25], status="revert-failed")
    (line,) = audit_table(many).splitlines()[1:]
    assert line.split()[3:] == ["missing", "30", "web-25", "web-00", "web-01", "and", "27", "more"]


def test_colour_only_when_asked() -> None:
    assert "\033" not in audit_table([LONG], 80)
    assert "\033[33mmissing" in audit_table([LONG], 80, colour=True)


def entry(state: str, id_: str = "spring-1", left: int = 0) -> dict[str, object]:
    return {"id": id_, "state": state, "left": left, "age": 7200, "size": 24, "by": "ann@ctl\x1b[2J, campaign spring"}


def test_recover_shows_what_is_open_or_failed_first_and_of_many_hosts_nothing_else() -> None:
    first = HostResult("a", "recover", "ok", journal=tuple(entry("CLEANED", f"old-{n}") for n in range(9)))
    second = HostResult("b", "recover", "skipped", journal=(entry("REVERTED", "gone"), entry("RELOADED", "open", 40)))
    shown = transaction_table([first, second], 120).splitlines()
    assert shown[1].split()[:7] == ["b", "open", "RELOADED", "40", "s", "2", "h"]
    assert [line.split()[1] for line in shown[2:]] == ["old-0", "old-1", "old-2", "gone"]
    assert all(line.isprintable() for line in shown)
    many = transaction_table([first, second] * 20, 120).splitlines()
    assert {line.split()[1] for line in many[1:]} == {"open"}
    assert transaction_table([replace(first, verb="enforce")]) == ""


def test_what_nobody_could_prove_is_counted_and_named() -> None:
    proofs = ({"endpoint": "sshd", "proved": True}, {"endpoint": "nginx *:443", "proved": False, "why": "no address reaches it from here"})
    shown = closing(summarise((HostResult("web", "enforce", "changed", proofs=proofs),)), "out").splitlines()
    assert "UNPROVED      web: nginx *:443: no address reaches it from here" in shown
    assert "proved by a live handshake: 1 of 2 changed endpoints" in shown
