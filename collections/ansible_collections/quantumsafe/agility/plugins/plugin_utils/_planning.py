# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: from a look at a host to its plan; what plan and enforce share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ._approving import demanded
from ._core.abilities import Abilities, abilities, different
from ._core.model import Plan, Problem, Snapshot
from ._core.plan import diff, drifted, make_plan
from ._core.policy.model import Policy
from ._core.reach import Client
from ._core.report.output import file_name
from ._core.report.results import plain, read_host
from ._core.service import once
from ._core.services import SERVICES
from ._core.targets.controller import openssh_client, paramiko_client
from ._core.targets.libssh import libssh_client
from ._core.targets.survey import Survey, choose, read
from ._plans import artefact, planned_entry
from ._run import Run

SSH = ("ssh", "paramiko", "paramiko_ssh", "libssh", "network_cli")


def plan_host(run: Run) -> None:
    """Look, judge, plan.  The result carries the plan with its diff; status "would-change" or "ok"."""
    policy = run.policy()
    if root := run.variable("agility_root"):
        raise Problem("what agility_root names is only audited, never changed", root, "leave this host out with --limit, or unset agility_root")
    found = run.look()
    run.judge(found, policy)
    run.note(campaign=str(run.args.get("campaign") or run.run))
    uid = found.snapshot.facts.get("uid")
    if uid != "0" and not run.channel.is_device:
        raise Problem("changing TLS and SSH needs root", run.host, "add become: true, or -b")
    plan = make(run, found, policy)
    if warning := only_way(run, plan):
        plan = replace(plan, warnings=(*plan.warnings, warning))
    run.note(
        plan={
            **plain(plan),
            "diff": diff(found.snapshot, plan.changes),
            "route": run.channel.route,
            "extra": list(found.extra),
            "abilities": _abilities(found, plan),
        }
    )
    run.note(status="would-change" if plan.changes else "ok")


def planned_before(run: Run) -> bool:
    """Take the plan of a saved run (agility_plan), or of this run's plan task, into the result, so that it outlives a failure there, too.

    False when neither is there to be taken.  Raises Problem when a saved plan does not fit.
    """
    saved = str(run.args.get("plan") or "")
    if saved and (whole := artefact(Path(saved))):
        run.note(**planned_entry(run, whole))
        return _taken(run)
    if saved and (run.args["plan_signed"] or demanded(run.args)):
        raise Problem(
            "there is no plan.json in it, so nobody signed it, nor approved it; nothing was changed",
            saved,
            "plan again, with the callback summary enabled",
        )
    path = Path(saved or run.output) / "hosts" / file_name(run.host)
    try:
        earlier = read_host(path) if path.is_file() else None
    except ValueError as error:
        raise Problem(str(error), run.host, "make a new plan") from error
    if earlier is None or earlier.plan is None or not (saved or (earlier.run == run.run and earlier.verb == "plan")):
        if saved:
            raise Problem("there is no plan for this host in it", saved, "plan it first")
        return False
    run.note(**{f: getattr(earlier, f) for f in ("as_of", "owner", "policy", "target", "endpoints", "findings", "plan")})
    if earlier.plan["policy"] != run.policy().digest:
        raise Problem("the saved plan was made under another policy", str(path), "make a new plan, or give the policy it was made with")
    if earlier.run == run.run:
        run.channel.trips = earlier.rounds  # of one run all that went to the host counts
    return _taken(run)


def _taken(run: Run) -> bool:
    plan = run.result.plan or {}
    run.note(campaign=str(run.args.get("campaign") or run.run), status="would-change" if plan["changes"] else "ok")
    run.channel.route = str(plan.get("route", "stdin"))
    return True


def drift(run: Run, plan: Plan) -> bool:
    """Whether this host is no longer what a saved plan was made for; then it is refused.  Of files and its identity the host says so itself, too,
    under its lock; what its binaries can do is told by a look only."""
    if run.args.get("plan"):
        found = run.look()
        then = (run.result.plan or {}).get("abilities", {})
        if why := drifted(found.snapshot, plan) or different(then, _abilities(found, plan)):
            run.note(status="refused", problem={"message": f"{why}; nothing was changed", "where": run.host, "remedy": "make a new plan"})
            return True
    return False


def _abilities(found: Survey, plan: Plan) -> Abilities:
    return abilities(found.endpoints, {activation.service for activation in plan.activations})


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
    if run.channel.is_device:
        from ._devices import plan_of

        return plan_of(found, requirements, policy.digest, run.as_of, _client(run), run.variable("agility_link_step"))
    services = choose(SERVICES, tuple(run.args["services"]))
    return make_plan(found.snapshot, services, found.endpoints, requirements, policy.digest, run.as_of, _client(run))


def _client(run: Run) -> Callable[[], Client | None]:
    """What this connection logs in with; asked only when SSH is about to change."""

    def ask() -> Client | None:
        connection: Any = run.action._connection
        if run.channel.transport == "ssh":
            return openssh_client(host_of(run), ssh_words(connection), str(connection.get_option("private_key_file") or ""))
        if run.channel.transport not in SSH:
            return None
        checks = connection.get_option("host_key_checking") and not connection.get_option("host_key_auto_add")
        port = connection.get_options().get("port") or connection._play_context.port  # libssh has no option for it
        address = host_of(run), int(port or 22), bool(checks)
        library = connection.ssh_type if run.channel.transport == "network_cli" else run.channel.transport
        return libssh_client(*address, _narrowed(connection)) if library == "libssh" else paramiko_client(*address)

    return ask


def _narrowed(connection: Any) -> dict[str, str]:
    """What the inventory tells libssh of its lists."""
    inner = getattr(connection, "ssh_type_conn", connection)
    said = {name: inner.get_options().get(name) for name in ("hostkeys", "key_exchange_algorithms", "config_file")}
    return {name: str(value) for name, value in said.items() if value}


def host_of(run: Run) -> str:
    connection: Any = run.action._connection
    name = "host" if run.channel.transport == "ssh" or run.channel.is_device else "remote_addr"
    return str(connection.get_option(name) or run.host)


def ssh_words(connection: Any) -> list[str]:
    """What Ansible gives to ssh that decides about keys, in its order: of an option that comes twice the first counts."""
    given = {name: connection.get_option(name) for name in ("ssh_args", "ssh_common_args", "ssh_extra_args", "port", "remote_user")}
    words = shlex.split(str(given["ssh_args"] or ""))
    words += ["-o", "StrictHostKeyChecking=no"] if connection.get_option("host_key_checking") is False else []
    words += ["-p", str(given["port"])] if given["port"] else []
    words += ["-l", str(given["remote_user"])] if given["remote_user"] else []
    return [*words, *shlex.split(f"{given['ssh_common_args'] or ''} {given['ssh_extra_args'] or ''}")]


def seen_besides(run: Run) -> tuple[str, ...]:
    """What the look before this plan had to ask for besides; the plan carries it, for it may be applied by another run."""
    return tuple((run.result.plan or {}).get("extra", ()))


def seen_after(run: Run, after: Snapshot) -> Survey:
    """What a change left, read once.  Raises Problem when that cannot be read."""
    return once(after, "survey", lambda now: Survey(now, read(now, choose(SERVICES, tuple(run.args["services"])), seen_besides(run))))


def unsettled(run: Run, after: Snapshot, policy: Policy) -> list[str]:
    """What the policy still wants changed after a change: nothing, if what the daemons really use is what was planned."""
    try:
        again = make(run, seen_after(run, after), policy)
    except Problem as problem:
        return [f"after the reload: {problem}"]
    return [f"after the reload it is still not so: {reason}" for reason in again.reasons]
