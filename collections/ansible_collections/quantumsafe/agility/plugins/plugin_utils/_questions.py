# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the questions of crypto_policy_info.  Each is a function of the run and the policy, answered when it was asked."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from ._core.model import Endpoint, Problem
from ._core.policy.dump import dump
from ._core.policy.exempt import standing
from ._core.policy.load import load
from ._core.policy.model import Policy
from ._core.policy.resolve import Target, target_of
from ._core.policy.sound import contradictions
from ._core.report.output import write_whole
from ._core.review.cases import load_cases
from ._core.review.cases import run as judge
from ._core.review.diff import Seen, Side, differences, retiring, summary
from ._core.review.explain import explain, lines
from ._core.windows.standing import ahead as windows_ahead
from ._policies import groups_of, reader, saved, zone
from ._run import COMMON, Run

SPEC = {
    **COMMON,
    "tests": {"type": "list", "elements": "path", "default": []},
    "explain": {"type": "str"},
    "resolve": {"type": "bool", "default": False},
    "results": {"type": "path"},
    "compare": {"type": "str"},
    "compare_as_of": {"type": "str"},
    "retire": {"type": "list", "elements": "str", "default": []},
}
Audit = list[Seen] | None


def answer(run: Run) -> dict[str, Any]:
    """The answers to everything that was asked, with `report`: the same for people.  Raises Problem or OSError."""
    asked = run.as_of  # a wrong date is told before anything else
    policy = run.policy()
    asked = run.as_of
    out: dict[str, Any] = {
        "agility_output": str(run.output),
        "as_of": asked.isoformat(),
        "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest, "rules": [rule.id for rule in policy.rules]},
        "report": [f"{policy.name} {policy.version}: {len(policy.rules)} rules, {len(policy.stages)} stages, digest {policy.digest[:16]}"],
    }
    seen, used, complaints = _audit(run)
    questions = (_unread(complaints), _register(policy, used, asked), _tests(run), _resolved(run, policy, asked))
    for question in (*questions, _explained(run, policy, seen, asked), _diff(run, policy, seen, asked)):
        out["report"] += question.pop("report", [])
        out |= question
    return out


def _audit(run: Run) -> tuple[Audit, set[str] | None, list[str] | None]:
    """(hosts, exceptions that their findings needed, complaints) of the saved audit, None without one."""
    if not run.args.get("results"):
        return None, None, None
    seen, results, complaints = saved(Path(str(run.args["results"])), _hostvars(run))
    used = {id_ for r in results for f in r.findings for id_ in str(f.get("exception", "")).split(", ") if id_}
    return seen, used, complaints


def _hostvars(run: Run) -> Mapping[str, Any]:
    found: Mapping[str, Any] = run.vars.get("hostvars", {})
    return found


def _unread(complaints: list[str] | None) -> dict[str, Any]:
    return {} if complaints is None else {"complaints": complaints, "report": [f"not read: {text}" for text in complaints]}


# ---------------------------------------------------------------- exceptions, overrides, peers


def _register(policy: Policy, used: set[str] | None, today: date) -> dict[str, Any]:
    """What somebody must look at: exceptions by standing (unused only when an audit says so), overrides, promises that are
    overdue, and rules that allow nothing together from a day on."""
    standings = {kind: list(ids) for kind, ids in standing(policy, used or (), today).items()}
    if used is None:
        standings = {"expired": standings["expired"], "pending": standings["pending"], "in_force": standings["unused"]}
    late = [name for name, peer in policy.peers.items() if peer.promised and not peer.done and peer.promised < today.isoformat()]
    overrides = [{"id": o.id, "replace": list(o.replace), "reason": o.reason, "approver": o.approver, "origin": o.origin} for o in policy.overrides]
    ahead = contradictions(policy)[1]
    times = windows_ahead(policy, datetime.combine(today, time(), zone(policy.timezone)))
    report = [*_duties(policy, standings, late), *times, *(f"ahead: {text}" for text in ahead)]
    return {"exceptions": standings, "overrides": overrides, "peers_overdue": late, "conflicts_ahead": ahead, "report": report}


def _duties(policy: Policy, standings: Mapping[str, list[str]], late: list[str]) -> list[str]:
    by_id = {one.id: one for one in policy.exceptions}
    out = [f"exception {id_} expired on {by_id[id_].expires}; {by_id[id_].owner} must mend it" for id_ in standings["expired"]]
    out += [f"exception {id_} of {by_id[id_].owner}: no finding of this audit needs it; take it out" for id_ in standings.get("unused", ())]
    out += [f"override {o.id} at {o.origin} replaces {', '.join(o.replace)} ({o.reason}; approved by {o.approver})" for o in policy.overrides]
    out += [f"peer {name} promised {policy.peers[name].promised} and has not delivered: {policy.peers[name].contact}" for name in late]
    return out


# ---------------------------------------------------------------- tests


def _tests(run: Run) -> dict[str, Any]:
    """Every case of every file; a file names the policy that it tests."""
    if not run.args["tests"]:
        return {}
    failures: list[str] = []
    passed = failed = 0
    for file in run.args["tests"]:
        named, cases = load_cases(_text(str(file)), str(file))
        beside = os.path.normpath(Path(file).parent / named)
        tested = beside if Path(beside).is_file() else named
        policy = load(tested, reader(tested))
        for outcome in judge(policy, cases):
            failures += outcome.failures
            passed += not outcome.failures
            failed += bool(outcome.failures)
    head = f"tests: {passed} passed, {failed} failed"
    told = {"tests": {"passed": passed, "failed": failed, "failures": failures}, "report": [head, *(f"  {text}" for text in failures)]}
    return {**told, "failed": True, "msg": "\n".join([head, *failures])} if failures else told


def _text(file: str) -> str:
    try:
        return reader(file)(file)
    except UnicodeDecodeError as error:
        raise Problem("not UTF-8", file, "save it as UTF-8") from error


# ---------------------------------------------------------------- resolve, explain


def _resolved(run: Run, policy: Policy, asked: date) -> dict[str, Any]:
    """With `retire` as it would be then: a policy that can be planned and enforced."""
    if not run.args["resolve"]:
        return {}
    path = run.output / "policy.resolved.yml"
    retire = run.args["retire"]
    write_whole(path, dump(retiring(policy, retire, asked) if retire else policy))
    return {"resolved": str(path), "report": [f"resolved: {path}"]}


def _explained(run: Run, policy: Policy, seen: Audit, asked: date) -> dict[str, Any]:
    """With an audit, on the endpoints that were seen there; without, on what the policy asks of any server of each protocol."""
    host = str(run.args.get("explain") or "")
    if not host:
        return {}
    known = next((one for one in seen or () if one.host == host), None)
    if seen is not None and known is None:
        raise Problem(f"the audit has no host {host}", "explain", f"hosts there: {', '.join(one.host for one in seen[:20]) or 'none'}")
    inventory = _hostvars(run)
    if known is None and host not in inventory:
        alike = ", ".join(difflib.get_close_matches(host, list(inventory), n=3))
        raise Problem(f"the inventory has no host {host}", "explain", f"did you mean {alike}?" if alike else "give its inventory with -i")
    groups = known.groups if known else groups_of(host, inventory)
    out, report = [], []
    for name, target, endpoint in _subjects(host, groups, known):
        said = explain(policy, target, asked, endpoint)
        out.append({"endpoint": name, "aspects": said})
        report += lines(said, f"{host}: {name} on {asked}, groups {', '.join(groups) or 'none'}")
    return {"explanation": out, "report": report}


def _subjects(host: str, groups: tuple[str, ...], known: Seen | None) -> list[tuple[str, Target, Endpoint | None]]:
    if known:
        return [(e.id, target_of(host, groups, e), e) for e in known.endpoints]
    return [(f"any {protocol} server", Target(host, groups, protocol), None) for protocol in ("tls", "ssh")]


# ---------------------------------------------------------------- diff


def _diff(run: Run, policy: Policy, seen: Audit, asked: date) -> dict[str, Any]:
    """This policy on that day beside another one, another day, or itself with algorithms retired."""
    other, day, retire = (run.args.get(name) for name in ("compare", "compare_as_of", "retire"))
    if not (other or day or retire) or (seen is None and run.args["resolve"] and not (other or day)):
        return {}
    if seen is None:
        raise Problem("a comparison needs the results folder of an audit", "results", "audit first, then give its folder (agility_results)")
    then = _day(str(day)) if day else asked
    after = load(str(other), reader(str(other))) if other else policy
    after = retiring(after, retire, then) if retire else after
    found = summary(differences(Side(policy, asked), Side(after, then), seen))
    what = ", ".join(filter(None, (str(other or ""), f"as of {day}" if day else "", f"without {', '.join(retire)}" if retire else "")))
    report = [f"against {what}: {found['changed']} verdicts change on {found['hosts']} hosts, {found['worse']} to the worse"]
    report += [f"  {count} × {step}" for step, count in found["steps"].items()]
    moved = [row for row in found["rows"] if row["before"] != row["after"]]
    rows = [f"  {r['host']} {r['endpoint']} {r['aspect']}: {r['before']} → {r['after']} ({r['message']})" for r in moved[:50]]
    return {"diff": found, "report": [*report, *rows, *([f"  and {len(moved) - 50} more in diff.rows"] if len(moved) > 50 else [])]}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Problem(f"{text} is no date", "compare_as_of", "write YYYY-MM-DD") from error
