"""The callback at the end of a run: no host is lost, and nothing worse than the news is overwritten by it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.callback.summary import CallbackModule
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.chain import read_head
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import run_id
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, read_hosts, write_host

from .results_of import folder

RUN = run_id(os.getpid())
ENFORCE = "quantumsafe.agility.crypto_enforce"
COUNTED = SimpleNamespace(failures={"a": 1}, dark={})  # Ansible ends with a code of its own


def event(host: str, action: str, **result: Any) -> SimpleNamespace:
    return SimpleNamespace(_host=SimpleNamespace(get_name=lambda: host), _task=SimpleNamespace(action=action, resolved_action=action), _result=result)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return folder(tmp_path)


@pytest.fixture
def callback(out: Path) -> CallbackModule:
    made = CallbackModule()
    made.v2_runner_on_ok(event("any", "quantumsafe.agility.crypto_policy_info", agility_output=str(out)))
    return made


def found(out: Path) -> dict[str, tuple[str, str]]:
    return {r.host: (r.verb, r.status) for r in read_hosts(out)[0]}


def test_a_later_unreachable_task_does_not_erase_a_failed_revert(out: Path, callback: CallbackModule) -> None:
    write_host(out, HostResult("a", "enforce", "revert-failed", run=RUN, transaction="T1", problem={"message": "nginx died"}))
    callback.v2_runner_on_unreachable(event("a", "ansible.builtin.ping", msg="timed out"))
    callback.v2_playbook_on_stats(COUNTED)
    (kept,), _ = read_hosts(out)
    assert (kept.status, kept.transaction, kept.problem["message"]) == ("revert-failed", "T1", "nginx died")


def test_a_host_that_only_other_tasks_failed_to_reach_gets_a_file(out: Path, callback: CallbackModule) -> None:
    callback.v2_runner_on_unreachable(event("b", "ansible.builtin.ping", msg="timed out"))
    callback.v2_playbook_on_stats(COUNTED)
    assert found(out) == {"b": ("audit", "unreachable")}
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["failed"][0]["message"] == "timed out"


def test_it_is_remembered_although_the_folder_was_not_known_yet(out: Path) -> None:
    callback = CallbackModule()
    callback.v2_runner_on_unreachable(event("b", "ansible.builtin.ping", msg="timed out"))
    callback.v2_runner_on_ok(event("a", ENFORCE, agility_output=str(out), agility_result="x"))
    callback.v2_playbook_on_stats(COUNTED)
    assert found(out) == {"b": ("audit", "unreachable")}


def test_a_task_of_ours_that_died_before_it_could_write_fails_its_host(out: Path, callback: CallbackModule) -> None:
    write_host(out, HostResult("a", "plan", "would-change", run=RUN, owner="web team"))
    for host in ("a", "c"):
        callback.v2_runner_on_failed(event(host, ENFORCE, msg="unsupported parameter"))
    callback.v2_playbook_on_stats(COUNTED)
    assert found(out) == {"a": ("enforce", "failed"), "c": ("enforce", "failed")}
    assert read_hosts(out)[0][0].owner == "web team"


def test_failures_of_other_collections_are_none_of_ours(out: Path, callback: CallbackModule) -> None:
    callback.v2_runner_on_failed(event("a", "ansible.builtin.command", msg="rc 1"))
    callback.v2_playbook_on_stats(COUNTED)
    assert found(out) == {}


def test_a_rescue_that_wrote_the_result_has_the_last_word(out: Path, callback: CallbackModule) -> None:
    callback.v2_runner_on_failed(event("a", ENFORCE, msg="crashed"))
    path = write_host(out, HostResult("a", "rollback", "rolled-back", run=RUN))
    callback.v2_runner_on_ok(event("a", "quantumsafe.agility.crypto_rollback", agility_output=str(out), agility_result=str(path)))
    callback.v2_playbook_on_stats(COUNTED)
    assert found(out) == {"a": ("rollback", "rolled-back")}


def test_yesterdays_good_news_in_a_folder_used_again_does_not_hide_todays_silence(out: Path, callback: CallbackModule) -> None:
    write_host(out, HostResult("a", "audit", "ok", run="yesterday"))
    callback.v2_runner_on_unreachable(event("a", "ansible.builtin.ping", msg="timed out"))
    callback.v2_playbook_on_stats(COUNTED)
    assert found(out) == {"a": ("audit", "unreachable")}


def test_a_folder_that_is_gone_does_not_break_the_run(out: Path, callback: CallbackModule) -> None:
    warnings: list[str] = []
    callback._display = SimpleNamespace(warning=warnings.append)
    callback.folders[str(out / "gone")] = None
    callback.folders.pop(str(out))
    callback.v2_runner_on_unreachable(event("a", "ansible.builtin.ping", msg="timed out"))
    callback.v2_playbook_on_stats(COUNTED)
    assert "gone" in warnings[0]


RESCUED = SimpleNamespace(failures={}, dark={})


@pytest.mark.parametrize(
    ("verb", "status", "run"),
    [("plan", "failed", RUN), ("enforce", "changed", RUN), ("enforce", "reverted", "yesterday")],
    ids=("a look", "as promised", "of another run"),
)
def test_what_was_promised_and_is_so_and_what_was_not_promised_now_end_a_run_well(
    out: Path, callback: CallbackModule, verb: str, status: str, run: str
) -> None:
    write_host(out, HostResult("a", verb, status, run=run, problem={"message": "x"}))
    callback.v2_playbook_on_stats(RESCUED)
    assert (out / "summary.json").is_file()


def test_a_rescue_does_not_hide_a_host_that_is_not_as_it_was_promised(out: Path, callback: CallbackModule) -> None:
    write_host(out, HostResult("a", "enforce", "reverted", run=RUN, problem={"message": "x"}))
    with pytest.raises(SystemExit, match="2"):
        callback.v2_playbook_on_stats(RESCUED)
    assert (out / "summary.json").is_file()


def looked(host: str, ledger: Path) -> SimpleNamespace:
    told = {"event": "audit", "host": host, "time": "2026-11-27T07:00:00Z"}
    entry = {"agility_ledger": str(ledger / "run-1.jsonl"), "agility_entry": {"keys": str(ledger / "keys"), "told": told}}
    return event(host, "quantumsafe.agility.crypto_audit_info", **entry)


def test_what_hosts_leave_to_it_is_in_the_ledger_once_when_the_run_ends(tmp_path: Path, callback: CallbackModule) -> None:
    callback.v2_runner_on_ok(looked("a", tmp_path / "ledger"))
    callback.v2_runner_on_ok(looked("b", tmp_path / "ledger"))
    assert not (tmp_path / "ledger").exists()
    callback.v2_playbook_on_stats(COUNTED)
    callback._enter()  # as at the end of the process
    lines = (tmp_path / "ledger/run-1.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["host"] for line in lines] == ["a", "b"]
    assert read_head((tmp_path / "ledger/run-1.head").read_bytes()).count == 2


def test_a_worker_that_ends_does_not_enter_what_the_controller_heard(tmp_path: Path, callback: CallbackModule) -> None:
    callback.v2_runner_on_ok(looked("a", tmp_path / "ledger"))
    callback.process = os.getpid() + 1
    callback._enter()
    assert not (tmp_path / "ledger").exists()


def test_a_ledger_that_takes_nothing_at_the_end_is_told_with_the_hosts(
    tmp_path: Path, callback: CallbackModule, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "ledger").write_text("a file where a folder must be", encoding="utf-8")
    callback.v2_runner_on_ok(looked("web-17", tmp_path / "ledger"))
    callback.v2_playbook_on_stats(COUNTED)
    told = "".join(capsys.readouterr()).replace("\n", " ")
    assert f"NOT IN THE LEDGER: web-17: {tmp_path}" in told and "the ledger cannot be written" in told
