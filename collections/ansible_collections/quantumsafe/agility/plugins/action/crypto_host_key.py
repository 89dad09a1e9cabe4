# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the host keys of one sshd, in two transactions: new ones beside the old, and, when everybody had time to learn them, the old ones go."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._campaign import GATED, Gate, id_prefix, in_campaign
from ..plugin_utils._core.model import Plan, Problem, Snapshot
from ..plugin_utils._core.plan import diff
from ..plugin_utils._core.report.results import plain
from ..plugin_utils._core.services.openssh_hostkeys import HostKey, offered
from ..plugin_utils._core.services.openssh_kinds import signed as certificate_of
from ..plugin_utils._core.targets.answer import parse_keys
from ..plugin_utils._core.targets.host import close_shared
from ..plugin_utils._core.targets.known_hosts import KnownHosts, add, spoken
from ..plugin_utils._core.targets.script import compose_drop_keys
from ..plugin_utils._core.targets.survey import Survey
from ..plugin_utils._hosting import Work, activation, certificates, changes, keys_after, known_hosts, lines, make_host_keys, pins, unpinned, wanted
from ..plugin_utils._hostproof import prove_keys
from ..plugin_utils._outcome import carry_out, settle
from ..plugin_utils._planning import only_way
from ..plugin_utils._run import COMMON, Run, target
from ..plugin_utils._undoing import CAMPAIGN

SPEC = {
    **COMMON,
    "campaign": {"type": "str"},
    "host_keys": {"type": "list", "elements": "str", "default": []},
    "phase": {"type": "str", "choices": ["due", "expand", "contract", "keep"], "default": "due"},
    "overlap": {"type": "int", "default": 14},
    "max_age": {"type": "int", "default": 365},
    "known_hosts": {"type": "path"},
    "ssh_authority": {"type": "path"},
    "ssh_authority_provider": {"type": "path"},
    "names": {"type": "list", "elements": "str", "default": []},
    "days": {"type": "int", "default": 47},
    "renew_before": {"type": "int", "default": 16},
    "revoked_keys": {"type": "path"},
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
    "out_of_band": {"type": "str"},
    "ssh_batch_limit": {"type": "int", "default": 25},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "rotate", SPEC)
        told: dict[str, Any] = {"known_hosts": []}
        return in_campaign(run, lambda run, gate: self._rotate(run, gate, told)) | told

    def _rotate(self, run: Run, gate: Gate, told: dict[str, Any]) -> None:
        if min(int(run.args[name]) for name in ("overlap", "max_age", "days", "renew_before")) < 0:
            raise Problem("overlap, max_age, days and renew_before cannot be negative", "agility_overlap")
        run.args["services"] = ["openssh"]
        run.note(campaign=str(run.args.get("campaign") or run.run))
        found = run.look()
        known = known_hosts(run)
        work = wanted(run, found)
        plan = _plan(run, found, work)
        run.note(target=target(found.snapshot), plan={**plain(plan), "diff": diff(found.snapshot, lines(work))})
        if not work.reasons:
            self._learn(run, work, work.keys, known, told)
            return
        if found.snapshot.facts.get("uid") != "0":
            raise Problem("replacing host keys needs root", run.host, "add become: true, or -b")
        closes = bool(work.plan.removed)
        if closes and run.channel.transport != "ssh":
            raise Problem(
                f"the {run.channel.transport} connection compares a host with the first key of a type that it knows, so it would not know this one",
                run.host,
                "remove old keys over ssh; then take them out of the known_hosts of whoever uses paramiko (ssh-keygen -R); nothing was changed",
            )
        if closes and not {key.type for key in work.after} & spoken():
            raise Problem("this controller's ssh client knows no key of the kinds that would be left", run.host, "upgrade it; nothing was changed")
        if closes and (lacking := unpinned(work.after, known)):
            told["known_hosts"] = list(lacking)
            raise Problem(
                f"this controller would not know the host any more: {known.file} lacks {'; '.join(lacking)}",
                run.host,
                "run it with -e agility_phase=expand from here, which adds them; nothing was changed",
            )
        if self._task.check_mode:
            run.note(status="would-change")
            return
        if stop := gate.closed(int(run.args["ssh_batch_limit"]), closes, closes and bool(only_way(run, plan))):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            return
        self._change(run, gate, found, work, known, told)

    def _change(self, run: Run, gate: Gate, found: Survey, work: Work, known: KnownHosts, told: dict[str, Any]) -> None:
        id_ = f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}"
        try:
            publics = make_host_keys(run, id_, work)
            keys = keys_after(work, publics)
            signed = certificates(run, work, keys)
            if gate.late():
                return
            keys = tuple(replace(key, signed=certificate_of(signed[key.path])) if key.path in signed else key for key in keys)
            self._transact(run, found, work, keys, signed, id_)
        finally:
            if run.result.status not in ("changed", "unknown"):  # of those the host itself puts the keys away
                with contextlib.suppress(Problem):
                    run.channel.ask(lambda nonce: compose_drop_keys(id_, nonce), lambda output, nonce: parse_keys(output, nonce, run.host))
        close_shared(self)
        if run.result.status == "changed":
            self._learn(run, work, keys, known, told)

    def _transact(self, run: Run, found: Survey, work: Work, keys: tuple[HostKey, ...], signed: dict[str, str], id_: str) -> None:
        made = {path for dummy, path in work.plan.orders}
        new = tuple(key for key in keys if key.path in made or (work.plan.removed and key.made))
        authority = work.authority.public if work.authority and signed else ""

        def proof(after: Snapshot) -> Any:
            now = [key.path for key in offered(after)]
            lacking = [f"after the reload sshd is not told of {key.path}" for key in keys if key.path not in now]
            lacking += [f"after the reload sshd is still told of {key.path}" for key in work.plan.removed if key.path in now]
            proofs, wrong = prove_keys(run, work.keys, keys, new, authority, work.principals[0])
            return proofs, [*lacking, *wrong]

        why = f"{CAMPAIGN}{run.result.campaign}"
        identity = found.snapshot.identity
        run.told["keys"] = [{"did": "issued", "path": path, "names": list(work.principals)} for path in signed]
        settle(run, carry_out(run, id_, why, identity, changes(work, keys, signed), (activation(found, work),), found.extra, proof))
        if run.result.status == "changed":
            run.told["keys"] = [{"did": "installed", "path": path, "kind": kind} for kind, path in work.plan.orders]
            run.told["keys"] += [{"did": "retired", "path": key.path, "kind": key.type} for key in work.plan.removed]

    def _learn(self, run: Run, work: Work, keys: tuple[HostKey, ...], known: KnownHosts, told: dict[str, Any]) -> None:
        """What this controller pins: the keys came over the connection that it trusts already."""
        wish = pins(work, keys, known)
        if not wish:
            return
        if self._task.check_mode:
            told["known_hosts"] = list(wish)
            run.note(status="would-change")
            return
        added = add(known, wish)
        told["known_hosts"] = list(added)
        run.note(status="changed", evidence={**run.result.evidence, "known_hosts": f"{known.file}: {'; '.join(added)}"})
        for line in added:
            Display().display(f"quantumsafe.agility: {known.file} + {line}")


def _plan(run: Run, found: Survey, work: Work) -> Plan:
    """As a plan of the house, so that reports read it like any other."""
    plan = Plan(
        found.snapshot.host,
        found.snapshot.identity,
        "",
        lines(work),
        (activation(found, work),) if work.reasons else (),
        reasons=work.reasons,
        tightens_ssh=bool(work.plan.removed),
        warnings=work.plan.waits,
    )
    warning = only_way(run, plan)
    return replace(plan, warnings=(*plan.warnings, warning)) if warning else plan
