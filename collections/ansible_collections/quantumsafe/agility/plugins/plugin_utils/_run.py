# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what its action plugins share.  Ansible in, core call, Ansible out.

A Run is one task on one host: its arguments, its results folder, the compiled policy, and the result that is written whatever happens.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ._core.assess import Requirements, assess
from ._core.ledger.canonical import MOMENT
from ._core.model import Endpoint, Problem, Snapshot
from ._core.policy.model import Policy
from ._core.policy.plain import from_plain, to_plain
from ._core.policy.resolve import Resolver, target_of
from ._core.policy.zones import owner_of
from ._core.report.output import file_name, output_folder, run_id, write_whole
from ._core.report.results import BAD, HostResult, plain, write_host
from ._core.services import SERVICES
from ._core.services.openssh_hostkeys import host_keys
from ._core.targets.answer import NoAnswer, parse_snapshot
from ._core.targets.host import Channel, Unreachable
from ._core.targets.offline import DEEPEST, from_path
from ._core.targets.script import compose_collect
from ._core.targets.snapshot_json import snapshot_to_json
from ._core.targets.survey import Survey, choose, survey
from ._entries import end, variable_of
from ._policies import reader, zone

COMMON = {
    "policy": {"type": "str", "default": "hybrid-transition@1"},
    "output": {"type": "path"},
    "as_of": {"type": "str"},
    "services": {"type": "list", "elements": "str", "default": []},
    "agent": {"type": "str", "choices": ["sent", "installed"], "default": "sent"},
}

TERMINALS = ("network_cli", "netconf", "httpapi")  # connections that Ansible keeps in a process of their own

Asks = Callable[[Endpoint], Requirements]

# This is imported by the parent, once, before it forks a worker for each host.  What it holds by then need not be looked through for
# cycles by each of them (documentation of gc.freeze), nor what a fleet has left behind when the run is over, which takes 0.15 s.
gc.freeze()
atexit.register(gc.freeze)


class Run:
    """One task of ours on one host."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any], verb: str, spec: Mapping[str, Any]) -> None:
        self.action, self.vars, self.verb = action, task_vars, verb
        self.args = arguments(action, task_vars, spec)
        self.host = str(task_vars["inventory_hostname"])
        self.groups = tuple(str(group) for group in task_vars.get("group_names", ()))
        self.run = run_id(os.getppid())
        self.output = output_folder(str(self.args.get("output") or ""), self.run)
        self.taken = datetime.now(UTC).strftime(MOMENT)
        self.started = time.monotonic()
        self.channel = Channel(action, installed=self.args.get("agent") == "installed")
        self.result = HostResult(self.host, verb, "ok", run=self.run, taken=self.taken)
        self.told: dict[str, Any] = {}  # what only the task itself can tell the ledger
        self.window_until: datetime | None = None  # when the window closes in which it is changed
        self.timezone = "UTC"
        self._policy: Policy | None = None
        self._asks: tuple[Policy, Asks] | None = None

    @property
    def as_of(self) -> date:
        """The day that was asked for, else today in the policy's time zone (once the policy is read)."""
        text = str(self.args.get("as_of") or "")
        try:
            return date.fromisoformat(text) if text else datetime.now(zone(self.timezone)).date()
        except ValueError as error:
            raise Problem(f"{text} is no date", "agility_as_of", "write YYYY-MM-DD") from error

    # -- policy

    def policy(self) -> Policy:
        """The compiled policy: once a run, in a file that workers only read.  Raises PolicyError before any host is touched."""
        if self._policy is None:
            self._policy = self._compiled()
            self.timezone = self._policy.timezone
        return self._policy

    def _compiled(self) -> Policy:
        wanted = str(self.args["policy"])
        # Of this run only: in a folder that is used again the policy, one that it extends, or this collection may have changed since.
        mine, name = (hashlib.sha256(text.encode()).hexdigest()[:12] for text in (self.run, wanted))
        cache = self.output / f"policy-{mine}-{name}.json"
        with (self.output / ".policy.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not cache.is_file():
                from ._core.policy.load import load  # jsonschema takes 100 ms, and only one worker needs it

                policy = load(wanted, reader(wanted))
                write_whole(cache, json.dumps(to_plain(policy), sort_keys=True))
                for old in self.output.glob("policy-*.json"):
                    if not old.name.startswith(f"policy-{mine}-"):
                        old.unlink(missing_ok=True)
            return from_plain(json.loads(cache.read_text(encoding="utf-8")))

    def requirements(self, policy: Policy, endpoint: Endpoint) -> Requirements:
        if self._asks is None or self._asks[0] is not policy:
            self._asks = policy, asks(Resolver(policy, self.as_of), self.host, self.groups)
        return self._asks[1](endpoint)

    # -- looking

    def look(self) -> Survey:
        """One round trip to the host (or a folder), two when an include surprised."""
        services = choose(SERVICES, tuple(self.args["services"]))
        root = str(self.args.get("root") or "")
        if self.channel.is_device and not root:
            from ._devices import look  # what logs in to devices is loaded where there is one

            found = look(self)
        elif root:
            found = survey(lambda requests, extra: from_path(Path(root), self.host, self.taken, requests, extra), services, DEEPEST)
        else:
            found = survey(
                lambda requests, extra: self.channel.ask(
                    lambda nonce: compose_collect(requests, nonce, extra), lambda out, nonce: parse_snapshot(out, nonce, self.host, self.taken)
                ),
                services,
            )
        if not found.endpoints and "appliance" in found.snapshot.facts:
            raise Problem("SSH, HTTPS, IKE and ESP are all absent from it", ", ".join(found.snapshot.files), "leave this host out with --limit")
        if not found.endpoints:
            names = ", ".join(services)
            raise Problem(f"none of {names} was found", self.host, "install one, or leave this host out with --limit or agility_services")
        return found

    def judge(self, found: Survey, policy: Policy) -> None:
        """Assess what was seen and put it into the result."""
        by_id = {e.id: self.requirements(policy, e) for e in found.endpoints}
        findings = assess(found.endpoints, lambda e: by_id[e.id], self.as_of)
        self.note(
            as_of=self.as_of.isoformat(),
            owner=owner_of(policy, self.host, self.groups),
            policy={"name": policy.name, "version": policy.version, "digest": policy.digest},
            target={**target(found.snapshot), "groups": ",".join(self.groups)},
            endpoints=tuple(plain(e) for e in found.endpoints),
            findings=tuple(plain(f) for f in findings),
            rounds=self.channel.trips,
        )

    def save_snapshot(self, snapshot: Snapshot) -> None:
        folder = self.output / "snapshots"
        folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(folder / file_name(self.host), snapshot_to_json(snapshot))

    # -- result

    def note(self, **fields: Any) -> None:
        self.result = replace(self.result, **fields)

    def finish(self) -> dict[str, Any]:
        """Write the host's file and give Ansible its answer."""
        self.note(seconds=round(time.monotonic() - self.started, 3), rounds=self.channel.trips)
        path = write_host(self.output, self.result)
        r = self.result
        out: dict[str, Any] = {
            "changed": r.status in ("changed", "would-change", "rolled-back"),
            "agility_output": str(self.output),
            "agility_result": str(path),
            "status": r.status,
            **end(self, path),
        }
        if self.window_until:
            out["agility_window_until"] = self.window_until.isoformat()
        if r.status in BAD:
            out |= {"unreachable" if r.status == "unreachable" else "failed": True, "msg": say(r.problem), "code": r.problem.get("code", "")}
        return out

    def variable(self, *names: str) -> str:
        return variable_of(self.action, self.vars, *names)


def asks(resolver: Resolver, host: str, groups: tuple[str, ...]) -> Asks:
    """How a policy sees the endpoints of one host.  Its eight servers are of two kinds, and each kind is worked out once."""
    return lambda endpoint: resolver(target_of(host, groups, endpoint))


def arguments(action: ActionBase, task_vars: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a task, those too that are set by variable (agility_<option>): a template for each in every role would cost a host more
    than its audit."""
    known = {name: action._templar.template(task_vars[f"agility_{name}"]) for name in spec if f"agility_{name}" in task_vars}
    action._task.args = {**known, **action._task.args}
    dummy, args = action.validate_argument_spec(argument_spec=dict(spec))
    return dict(args)


def target(snapshot: Snapshot) -> dict[str, str]:
    facts = {key: value for key, value in snapshot.facts.items() if key in ("hostname", "os_PRETTY_NAME", "os_ID", "os_VERSION_ID", "systemd")}
    return {**facts, "machine_id": snapshot.identity.machine_id, "host_keys": " ".join(host_keys(snapshot))}


def say(problem: Mapping[str, str]) -> str:
    return str(Problem(problem.get("message", "failed"), problem.get("where", ""), problem.get("remedy", "")))


def guarded(run: Run, work: Callable[[Run], None]) -> dict[str, Any]:
    """Do the work; whatever goes wrong becomes this host's result and stops this host only."""
    try:
        _no_stranger(run)
        work(run)
    except Unreachable as problem:
        run.note(status="unreachable", problem=described(problem))
    except (NoAnswer, Problem) as problem:
        run.note(status="failed", problem=described(problem))
    except OSError as error:
        run.note(status="failed", problem={"message": str(error), "where": "controller", "remedy": "check the results folder"})
    return run.finish()


def _no_stranger(run: Run) -> None:
    """Where a task has no use for a terminal, Ansible puts a local connection in its place: then the controller would be taken for the device."""
    named = str(run.vars.get("ansible_connection") or run.action._task.connection or "")
    named = run.variable("ansible_connection") if "{" in named else named
    if named.rpartition(".")[2] in TERMINALS and not run.channel.is_device:
        raise Problem(f"{named} leads to a network device, and there is no {run.verb} of one", run.host, "leave it out with --limit")


def answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer of a task that asks no host and changes nothing, as Ansible takes it."""
    try:
        return {"changed": False, **work()}
    except Problem as problem:
        return {"failed": True, "changed": False, "msg": say(described(problem))}
    except OSError as error:
        return {"failed": True, "changed": False, "msg": str(error)}


def described(problem: Problem) -> dict[str, str]:
    return {"message": problem.message, "where": problem.where, "remedy": problem.remedy}
