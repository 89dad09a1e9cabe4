# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check and compile the policy, on the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.model import Problem
from ..plugin_utils._run import COMMON, Run, described, say


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        try:
            run = Run(self, task_vars or {}, "policy", COMMON)
            as_of = run.as_of.isoformat()
            policy = run.policy()
        except Problem as problem:
            return {"failed": True, "changed": False, "msg": say(described(problem))}
        return {
            "changed": False,
            "agility_output": str(run.output),
            "as_of": as_of,
            "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest, "rules": [rule.id for rule in policy.rules]},
        }
