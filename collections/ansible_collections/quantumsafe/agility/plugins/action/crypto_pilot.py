# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure an endpoint under load before and after a change, and say which layer failed when it did not pass."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._piloting import SPEC, Pilot
from ..plugin_utils._run import Run, answered


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "pilot", SPEC)
        return answered(lambda: Pilot(run).take(str(run.args["step"])))
