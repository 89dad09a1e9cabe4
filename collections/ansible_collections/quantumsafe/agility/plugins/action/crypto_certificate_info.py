# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List the certificates, keys and trust anchors of one host, judge them, write its result."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._holding import hold, judge
from ..plugin_utils._run import COMMON, Run, guarded

SPEC = {**COMMON, "policy": {"type": "str", "default": "certificates@1"}}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "certificates", SPEC)
        out = guarded(run, _certificates) | {"changed": False, "rounds": run.channel.trips}
        # They are in the host's file; Ansible copies a result six times over, so only somebody who asked for it gets them here, too.
        mine = {"findings": list(run.result.findings), "credentials": dict(run.result.credentials)}
        return out | mine if self._task.register else out


def _certificates(run: Run) -> None:
    policy = run.policy()
    found = run.look()
    judge(run, found, hold(run, found), policy)
