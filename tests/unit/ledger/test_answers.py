"""Who changed what, when, why, under which policy, proved how, undone when: from the entries that tasks write."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _entries
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._campaign import in_campaign
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.answers import Question, changes, decisions, merged, report
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.verify import verify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import Kept, TransactionReport
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._ledger import read
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._lifecycle import shredded, switched
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._run import guarded

from ..conftest import captured

TX = "spring-3f9a1c"
PLAN = {"policy": "d1", "reasons": ["nginx 443 key exchange: X25519MLKEM768 first"], "probes": [{"endpoint": "nginx *:443"}]}
ENFORCED = HostResult(
    "web",
    "enforce",
    "ok",
    run="r",
    campaign="spring",
    policy={"name": "hybrid", "version": "1", "digest": "d1"},
    findings=({"aspect": "key_exchange", "state": "excepted", "exception": "e-7, e-9"}, {"aspect": "cipher", "state": "compliant"}),
    plan=PLAN,
)
PROVED = {"endpoint": "nginx *:443", "proved": True, "version": "TLSv1.3", "group": "X25519MLKEM768", "failure": ""}


class Task:
    """A run of one task on one host, as far as the ledger looks at it."""

    def __init__(self, folder: Path, result: HostResult, check: bool = False, **variables: str) -> None:
        self.output, self.run, self.host, self.result = folder / "out", "r", result.host, result
        self.vars, self.told, self.args = variables, dict[str, Any](), {"campaign": "spring"}
        self.action = SimpleNamespace(_task=SimpleNamespace(check_mode=check, diff=False, connection="ssh"))
        self.file = folder / "result.json"
        self.file.write_text("{}", encoding="utf-8")

    def variable(self, *names: str) -> str:
        return next((self.vars[name] for name in names if name in self.vars), "")

    def note(self, **fields: Any) -> None:
        self.result = replace(self.result, **fields)

    def change(self, transaction: str, status: str, **more: Any) -> None:
        self.note(transaction=transaction)
        _entries.begin(self)  # type: ignore[arg-type]
        self.note(status=status, **more)
        self.finish()

    def finish(self) -> dict[str, Any]:
        return {"changed": True, **_entries.end(self, self.file)}  # type: ignore[arg-type]


def written(folder: Path) -> list[dict[str, Any]]:
    verdict = verify(read([folder / "ledger"]))
    assert verdict.whole
    return merged(verdict.chains)


def confirmed(folder: Path) -> None:
    task = Task(folder, ENFORCED, agility_operator="alice", agility_ticket="CHG-7", agility_reason="harvest now, decrypt later")
    task.change(TX, "changed", proofs=(PROVED,), evidence={"connection": "new ssh login"})


def test_the_seven_answers(tmp_path: Path) -> None:
    confirmed(tmp_path)
    began, ended = written(tmp_path)
    assert (began["event"], ended["event"]) == ("apply", "confirm") and began["exceptions"] == ["e-7", "e-9"]
    (row,) = changes([began, ended])
    assert row["who"].startswith("alice (") and "@" in row["who"]
    assert row["what"] == PLAN["reasons"] and row["endpoints"] == ["nginx *:443"]
    assert row["when"] == ended["time"]
    assert row["why"] == "CHG-7; harvest now, decrypt later"
    assert row["policy"] == "hybrid@1 d1"
    assert row["proved"] == ["nginx *:443: TLSv1.3 X25519MLKEM768", "confirmed: new ssh login"]
    assert (row["undone"], row["result"]) == ("", "changed")
    assert [line.split()[0] for line in report([row])][:3] == ["web", "who", "what"]


def test_a_decision_is_told_with_its_cause_and_by_whom() -> None:
    who = {"user": "night", "controller": "ctl1"}
    told = [
        {"event": "take-back", "campaign": "spring", "wave": 2, "cause": "502", "hosts": ["a", "b"], "why": {"ticket": "CHG-7"}},
        {"event": "pause", "campaign": "spring", "why": {"reason": "the pager goes off"}},
        {"event": "approve", "plan": "288001c5aaaaaaaa", "approval": {"by": "alice", "until": "u"}},
    ]
    assert decisions([*({**one, "time": "t", "who": who} for one in told), {"event": "apply"}]) == [
        "t  TAKE-BACK  spring, wave 2: 502; a, b (night@ctl1)",
        "t  PAUSE  spring: the pager goes off (night@ctl1)",
        "t  APPROVE  plan 288001c5aaaa: alice (night@ctl1)",
    ]


def test_a_change_that_was_rolled_back_says_when_and_by_whom(tmp_path: Path) -> None:
    confirmed(tmp_path)
    undo = Task(tmp_path, HostResult("web", "rollback", "ok", run="r", campaign="spring"), agility_operator="bob")
    undo.told["undoes"] = [TX]
    undo.change(f"{TX}-undo-1", "rolled-back")
    first, second = changes(written(tmp_path))
    assert first["undone"] and first["undone_by"]["by"] == f"{TX}-undo-1" and first["undone_by"]["who"].startswith("bob")
    assert second["what"] == [f"undo of {TX}"] and second["result"] == "rolled-back"


def test_a_rollback_that_itself_went_back_undid_nothing(tmp_path: Path) -> None:
    confirmed(tmp_path)
    undo = Task(tmp_path, HostResult("web", "rollback", "ok", run="r"))
    undo.told["undoes"] = [TX]
    undo.change(f"{TX}-undo-1", "reverted")
    assert changes(written(tmp_path))[0]["undone"] == ""


def test_a_change_whose_controller_died_is_open_until_somebody_resolves_it(tmp_path: Path) -> None:
    task = Task(tmp_path, replace(ENFORCED, transaction=TX))
    _entries.begin(task)  # type: ignore[arg-type]
    assert changes(written(tmp_path))[0]["result"] == "open"
    later = Task(tmp_path, HostResult("web", "recover", "changed", run="r"))
    later.told["resolved"] = {TX: "REVERTED"}
    later.finish()
    (row,) = changes(written(tmp_path))
    assert row["result"] == "reverted" and row["undone"]


@pytest.mark.parametrize(
    ("question", "hosts"),
    [
        (Question(), ["web", "web", "db"]),
        (Question(host="db"), ["db"]),
        (Question(endpoint="nginx *:443"), ["web", "web"]),
        (Question(campaign="spring", event="confirm"), ["web"]),
        (Question(campaign="autumn"), []),
        (Question(since="2099"), []),
        (Question(until="2020-12-31"), []),
        (Question(since="2020", until="2099-01-01"), ["web", "web", "db"]),
        (Question(event="shredded"), ["db"]),
    ],
)
def test_it_can_be_asked_by_host_endpoint_campaign_event_and_time(tmp_path: Path, question: Question, hosts: list[str]) -> None:
    confirmed(tmp_path)
    other = Task(tmp_path, HostResult("db", "recover", "changed", run="r"))
    other.told["keys"] = [{"did": "shredded", "path": "/etc/ssl/db.key", "transaction": "t"}]
    other.finish()
    assert [entry["host"] for entry in written(tmp_path) if question.asks(entry)] == hosts


def test_check_mode_and_mere_questions_write_nothing(tmp_path: Path) -> None:
    for task in (Task(tmp_path, ENFORCED, check=True), Task(tmp_path, HostResult("web", "transactions", "ok", run="r"))):
        _entries.ready(task)  # type: ignore[arg-type]
        task.finish()
    assert not (tmp_path / "ledger").exists()


WAITS = {"loop": None, "until": [], "no_log": False}


@pytest.mark.parametrize(
    ("result", "task", "waits"),
    [
        (HostResult("web", "audit", "ok", run="r"), WAITS, True),
        (ENFORCED, WAITS, True),
        (HostResult("web", "enforce", "refused", run="r", problem={"message": "closed"}), WAITS, False),
        (HostResult("web", "audit", "failed", run="r", problem={"message": "broken"}), WAITS, False),
        (replace(ENFORCED, transaction=TX), WAITS, False),
        (ENFORCED, {**WAITS, "loop": ["a"]}, False),
        (ENFORCED, {**WAITS, "until": ["found is ok"]}, False),
        (ENFORCED, {**WAITS, "no_log": True}, False),
    ],
    ids=["audit", "nothing to do", "refused", "failed", "changed", "the callback sees no item", "nor an earlier try", "nor what is hidden"],
)
def test_what_changed_nothing_waits_for_the_end_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: HostResult, task: dict[str, Any], waits: bool
) -> None:
    monkeypatch.setattr(_entries._deferred, "listening", True)
    one = Task(tmp_path, result)
    vars(one.action._task).update(task)
    out = one.finish()
    assert ("agility_entry" in out, (tmp_path / "ledger").exists()) == (waits, not waits)
    if waits:
        _entries.enter(Path(out["agility_ledger"]), Path(out["agility_entry"]["keys"]), [out["agility_entry"]["told"]])
    assert [(entry["host"], entry["verb"]) for entry in written(tmp_path)] == [("web", result.verb)]
    assert (tmp_path / "ledger/keys/ed25519.pub").exists()


def test_where_nobody_listens_each_task_enters_what_it_did(tmp_path: Path) -> None:
    assert "agility_entry" not in Task(tmp_path, ENFORCED).finish() and len(written(tmp_path)) == 1


def blocked(tmp_path: Path, result: HostResult) -> Task:
    (tmp_path / "ledger").write_text("a file where a folder must be", encoding="utf-8")
    return Task(tmp_path, result)


def test_a_change_that_cannot_be_entered_is_not_begun_and_blames_no_host(tmp_path: Path) -> None:
    task, done = blocked(tmp_path, ENFORCED), []
    out = in_campaign(task, lambda run, gate: done.append(run))  # type: ignore[arg-type]
    assert not done and out["transaction"] == ""
    assert task.result.status == "failed" and task.result.problem["message"].endswith("; nothing was changed")
    assert not (tmp_path / "campaigns").exists()
    with pytest.raises(Problem, match="the ledger cannot be written"):
        _entries.begin(task)  # type: ignore[arg-type]


def test_a_way_back_is_not_refused_for_the_sake_of_the_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = blocked(tmp_path, HostResult("web", "rollback", "ok", run="r"))
    out = guarded(task, lambda run: run.change("t-undo-1", "rolled-back"))  # type: ignore[arg-type]
    assert out["changed"] and task.result.status == "rolled-back"
    told = "".join(capsys.readouterr()).replace("\n", " ")
    assert "NOT IN THE LEDGER" in told and "t-undo-1" in told


def test_no_text_of_a_host_gets_in(tmp_path: Path) -> None:
    """A problem quotes what a daemon said, a plan the lines of a file."""
    secret = "hunter2"
    plan = {**PLAN, "diff": [{"before": secret}], "changes": [{"edits": [{"insert": [secret]}]}]}
    task = Task(tmp_path, replace(ENFORCED, plan=plan, target={"hostname": secret}))
    task.change(TX, "reverted", problem={"message": secret, "where": secret, "remedy": secret, "code": "validate"}, journal=({"text": secret},))
    entries = written(tmp_path)
    assert secret not in json.dumps(entries) and entries[-1]["code"] == "validate"


def test_a_byte_that_is_no_utf_8_is_written_as_an_escape(tmp_path: Path) -> None:
    Task(tmp_path, replace(ENFORCED, verb="audit", plan=None, endpoints=({"id": "nginx \udcff"},))).finish()
    assert written(tmp_path)[0]["endpoints"] == ["nginx \\udcff"]


def test_forgotten_keys_are_told_as_shredded_or_as_what_they_were() -> None:
    def kept(kind: str, before: str, now: str) -> Kept:
        return Kept(kind, before, "", now, "600", "root", "root", f"/{kind}")

    files = (kept("remove", "0" * 64, ""), kept("create", "", "1" * 64), kept("edit", "2" * 64, "2" * 64))
    reports = [TransactionReport(id_, state, files=files) for id_, state in (("a", "CLEANED"), ("b", "CLEANED"), ("c", "REVERTED"), ("d", "CLEANED"))]
    told = shredded(reports, ["a", "b", "c"], ["b/old/1 of b was removed without shredding: shred is missing or failed"])
    assert [(one["did"], one["transaction"], one["path"]) for one in told] == [("shredded", "a", "/remove"), ("removed", "b", "/remove")]


def test_a_certificate_is_installed_when_its_transaction_is_confirmed_and_not_when_it_went_back() -> None:
    before, after = captured("web-new"), captured("web-old")
    told = switched(before, Outcome("CLEANED", after=after))
    assert sorted({one["did"] for one in told}) == ["installed", "retired"]
    assert switched(before, Outcome("REVERTED", after=after)) == [] == switched(before, Outcome("CLEANED", after=before))
