# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Audit one host: look, judge, write its result."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._run import COMMON, Run, guarded

SPEC = {**COMMON, "root": {"type": "path"}, "save_snapshot": {"type": "bool", "default": False}}


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "audit", SPEC)
        out = guarded(run, _audit) | {"changed": False, "rounds": run.channel.trips}
        # They are in the host's file; Ansible copies a result six times over, so only somebody who asked for it gets them here, too.
        return out | {"findings": list(run.result.findings)} if self._task.register else out


def _audit(run: Run) -> None:
    policy = run.policy()
    found = run.look()
    run.judge(found, policy)
    if run.args["save_snapshot"]:
        run.save_snapshot(found.snapshot)
