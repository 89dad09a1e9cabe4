# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the change of one host and leave the plan in its result file."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import Gate
from ..plugin_utils._entries import ledger_of
from ..plugin_utils._planning import plan_host, planned_before
from ..plugin_utils._plans import SAVED
from ..plugin_utils._run import COMMON, Run, guarded

SPEC = {**COMMON, "campaign": {"type": "str"}, **SAVED, "out_of_band": {"type": "str"}}


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "plan", SPEC)
        out = guarded(run, planned_before if run.args["plan"] else plan_host) | {"changed": False}
        plan = run.result.plan or {}
        Gate(run).planned(run.result.status, bool(plan.get("tightens_ssh")))
        if not run.args["plan"] and not self._task.check_mode:
            out["agility_plan_signers"] = str(ledger_of(run).keys)  # for the callback, which writes plan.json
        out |= {name: list(plan.get(name, ())) for name in ("reasons", "warnings")}
        if self._task.diff and plan.get("diff"):
            out["diff"] = plan["diff"]
        return out
