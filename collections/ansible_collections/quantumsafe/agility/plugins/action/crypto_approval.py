# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Approve one saved plan, by its digest, until a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._approving import give
from ..plugin_utils._core.ledger.approval import Approval, ends
from ..plugin_utils._core.ledger.canonical import MOMENT, digest
from ..plugin_utils._core.model import Problem
from ..plugin_utils._core.report.planned import read_plan
from ..plugin_utils._entries import decided
from ..plugin_utils._windows import now

SPEC: dict[str, dict[str, Any]] = {
    "plan": {"type": "path", "required": True},
    "digest": {"type": "str", "required": True},
    "approver": {"type": "str", "required": True},
    "until": {"type": "str", "required": True},
    "keys": {"type": "path", "required": True},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, args = self.validate_argument_spec(argument_spec=SPEC)
        try:
            approval = _checked(args)
            if self._task.check_mode:
                return {"changed": True}
            # Before it is given: an approval that the ledger does not know is none.
            told = {
                "event": "approve",
                "verb": "approve",
                "host": "",
                "plan": approval.plan,
                "approval": {"by": approval.approver, "until": approval.until},
            }
            decided(self, task_vars or {}, told)
            return {"changed": True, "approval": str(give(Path(args["plan"]), approval, Path(args["keys"]))), "until": approval.until}
        except Problem as problem:
            return {"failed": True, "changed": False, "msg": str(problem)}
        except OSError as error:
            return {"failed": True, "changed": False, "msg": f"{error.filename}: {error.strerror}"}


def _checked(args: dict[str, Any]) -> Approval:
    """Raises Problem, OSError."""
    data, moment = Path(args["plan"]).read_bytes(), now()
    try:
        read_plan(data)
    except ValueError as error:
        raise Problem(f"this is no saved plan: {error}", args["plan"], "give the plan.json that the plan playbook wrote") from error
    if digest(data) != args["digest"]:
        raise Problem(f"its digest is {digest(data)}, not the one that you approve", args["plan"], "read this plan before you approve it")
    try:
        late = ends(args["until"]) <= moment
    except ValueError as error:
        raise Problem(f"{args['until']} is no moment", "agility_approval_until", "write it as 2027-03-02T06:00:00Z (UTC)") from error
    if late or not args["approver"].strip():
        raise Problem(
            "it is past" if late else "it says nobody", "agility_approval_until" if late else "agility_approver", "say who approves, and until when"
        )
    return Approval(args["approver"].strip(), args["digest"], moment.strftime(MOMENT), args["until"])
