# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: from a look at a host to its plan; what plan and enforce share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ._core.model import Plan, Problem, Snapshot
from ._core.plan import diff, make_plan
from ._core.policy.model import Policy
from ._core.reach import Client
from ._core.report.results import plain
from ._core.services import SERVICES
from ._core.targets.controller import openssh_client, paramiko_client
from ._core.targets.survey import Survey, choose
from ._run import Run

SSH = ("ssh", "paramiko", "paramiko_ssh", "libssh")


def plan_host(run: Run) -> None:
    """Look, judge, plan.  The result carries the plan with its diff; status "would-change" or "ok"."""
    policy = run.policy()
    found = run.look()
    run.judge(found, policy)
    run.note(campaign=str(run.args.get("campaign") or run.run))
    uid = found.snapshot.facts.get("uid")
    if uid != "0":
        raise Problem("changing TLS and SSH needs root", run.host, "add become: true, or -b")
    plan = make(run, found, policy)
    if warning := only_way(run, plan):
        plan = replace(plan, warnings=(*plan.warnings, warning))
    run.note(plan={**plain(plan), "diff": diff(found.snapshot, plan.changes), "route": run.channel.route})
    run.note(status="would-change" if plan.changes else "ok")


ONLY_WAY = "ssh is the only way in that is known, and this change"


def only_way(run: Run, plan: Plan) -> str:
    """What a plan says when it touches the very way that this run comes by, and nobody named another (agility_out_of_band)."""
    if run.channel.transport not in SSH or str(run.args.get("out_of_band") or "").strip():
        return ""
    if plan.tightens_ssh:
        return f"{ONLY_WAY} closes part of it: have a console ready"
    return f"{ONLY_WAY} reloads it" if any(a.service == "openssh" for a in plan.activations) else ""


def only_way_in(run: Run, plan: Plan) -> bool:
    """Whether the change closes part of the only way in: then another must be named first."""
    return plan.tightens_ssh and bool(only_way(run, plan))


def make(run: Run, found: Survey, policy: Policy) -> Plan:
    requirements = {e.id: run.requirements(policy, e) for e in found.endpoints}
    services = choose(SERVICES, tuple(run.args["services"]))
    return make_plan(found.snapshot, services, found.endpoints, requirements, policy.digest, run.as_of, _client(run))


def _client(run: Run) -> Callable[[], Client | None]:
    """What this connection logs in with; asked only when SSH is about to change."""

    def ask() -> Client | None:
        connection: Any = run.action._connection
        if run.channel.transport == "ssh":
            options = [shlex.split(str(connection.get_option(name) or "")) for name in ("ssh_args", "ssh_common_args", "ssh_extra_args")]
            host = str(connection.get_option("host") or run.host)
            return openssh_client(host, [word for words in options for word in words], str(connection.get_option("private_key_file") or ""))
        if run.channel.transport in ("paramiko", "paramiko_ssh"):
            return paramiko_client()
        return None

    return ask


def unsettled(run: Run, after: Snapshot, policy: Policy) -> list[str]:
    """What the policy still wants changed after a change: nothing, if what the daemons really use is what was planned."""
    services = choose(SERVICES, tuple(run.args["services"]))
    try:
        endpoints = tuple(e for service in services.values() for e in service.read(after))
        again = make(run, Survey(after, endpoints), policy)
    except Problem as problem:
        return [f"after the reload: {problem}"]
    return [f"after the reload it is still not so: {reason}" for reason in again.reasons]
