# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the retirement of an algorithm means for hosts that were planned, or enforced, under a policy that has it; on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.model import Problem
from ..plugin_utils._core.report.drill import done, drilled, rate
from ..plugin_utils._core.report.results import read_hosts
from ..plugin_utils._core.review.diff import Side, differences, retiring
from ..plugin_utils._policies import saved
from ..plugin_utils._run import COMMON, Run, answered
from ..plugin_utils._windows import moment, now

SPEC = {
    **COMMON,
    "retire": {"type": "list", "elements": "str", "required": True},
    "earlier": {"type": "list", "elements": "path", "default": []},
    "since": {"type": "str"},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        return answered(lambda: _answer(Run(self, task_vars or {}, "drill", SPEC)))


def _answer(run: Run) -> dict[str, Any]:
    policy, asked = run.policy(), run.as_of
    seen, results, complaints = saved(run.output, run.vars.get("hostvars", {}))
    if not results:
        raise Problem("no host was planned", str(run.output), "see what stopped each host above")
    rows = list(differences(Side(policy, asked), Side(retiring(policy, run.args["retire"], asked), asked), seen))
    told = {"agility_output": str(run.output), "complaints": complaints}
    if not run.args.get("since"):
        return {**told, **drilled(results, rows, rate(read_hosts(Path(folder))[0] for folder in run.args["earlier"]))}
    ended = now()
    out = done(results, rows, (ended - moment(str(run.args["since"]), ended, "agility_since")).total_seconds())
    if out["left"]:
        out |= {"failed": True, "msg": f"the retirement is not complete; {out['report'][-1]}, first: {out['left'][0]}"}
    return {**told, **out}
