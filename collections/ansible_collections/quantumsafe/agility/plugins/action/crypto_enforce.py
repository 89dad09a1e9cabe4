# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply the plan of one host as a transaction, prove it, confirm it; or say truthfully that it went back."""

from __future__ import annotations

import secrets
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _devices as devices
from ..plugin_utils import _tunnel
from ..plugin_utils._approving import demanded
from ..plugin_utils._campaign import GATED, Gate, id_prefix, in_campaign
from ..plugin_utils._core.model import Plan, Problem
from ..plugin_utils._core.report.results import plan_from
from ..plugin_utils._core.targets.host import close_shared
from ..plugin_utils._core.targets.transact import Outcome
from ..plugin_utils._outcome import carry_out, settle
from ..plugin_utils._planning import drift, only_way_in, plan_host, planned_before, seen_after, seen_besides, unsettled
from ..plugin_utils._plans import SAVED
from ..plugin_utils._proving import prove, reachable
from ..plugin_utils._run import COMMON, Run
from ..plugin_utils._undoing import CAMPAIGN

SPEC = {
    **COMMON,
    "campaign": {"type": "str"},
    **SAVED,
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
    "out_of_band": {"type": "str"},
    "ssh_batch_limit": {"type": "int", "default": 25},
}


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        return in_campaign(Run(self, task_vars or {}, "enforce", SPEC), self._enforce)

    def _enforce(self, run: Run, gate: Gate) -> None:
        plan = _plan(run)
        run.note(verb="enforce", campaign=str(run.args.get("campaign") or run.run))
        if not plan.changes:
            run.note(status="ok")
            return
        if drift(run, plan):
            return
        if self._task.check_mode:
            run.note(status="would-change")
            return
        if stop := gate.closed(int(run.args["ssh_batch_limit"]), plan.tightens_ssh, only_way_in(run, plan)):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            return
        outcome = _apply(run, plan)
        settle(run, outcome)
        if run.channel.is_device:
            devices.saved(run, outcome)
        if run.result.status == "changed" and outcome.after:
            run.judge(seen_after(run, outcome.after), run.policy())
        if plan.activations and any(a.service == "openssh" for a in plan.activations):
            close_shared(self)


def _plan(run: Run) -> Plan:
    """The plan of this run's plan task, or of a saved run, or a new one."""
    if demanded(run.args) and not run.args["plan"] and not run.action._task.check_mode:
        raise Problem("only an approved plan may be applied here (agility_approvers); nothing was changed", run.host, "give agility_plan")
    if not planned_before(run):
        plan_host(run)
    return plan_from(run.result.plan or {})


def _apply(run: Run, plan: Plan) -> Outcome:
    policy = run.policy()
    answered = reachable(run, plan.probes)
    carried = _tunnel.replaced(run, plan.activations) if any(one.service == "libreswan" for one in plan.activations) else None

    def proof(after: Any) -> Any:
        proofs, wrong = prove(run, plan.probes, answered)
        wrong = [*unsettled(run, after, policy), *wrong]
        return proofs, wrong or (_tunnel.gone(carried, after) if carried else [])

    id_, why = f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}", f"{CAMPAIGN}{run.result.campaign}"
    if run.channel.is_device:
        return devices.change(run, id_, plan, proof)
    return carry_out(run, id_, why, plan.identity, plan.changes, plan.activations, seen_besides(run), proof)
