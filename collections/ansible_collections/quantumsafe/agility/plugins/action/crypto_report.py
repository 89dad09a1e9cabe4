# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rebuild summary.json and inventory.csv of a results folder, from its slices where it was run in some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.report.merge import merge
from ..plugin_utils._core.report.rebuild import rebuild

SPEC = {"output": {"type": "path", "required": True}, "slices": {"type": "list", "elements": "path", "default": []}}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, args = self.validate_argument_spec(argument_spec=SPEC)
        folder, slices = Path(args["output"]), [Path(one) for one in args["slices"]]
        if lacking := [str(one) for one in slices if not (one / "hosts").is_dir()]:
            return {"failed": True, "changed": False, "msg": f"no results folder, for it has no hosts/: {', '.join(lacking)}"}
        if (merged := merge(slices, folder, write=not self._task.check_mode)) and self._task.check_mode:
            return {"changed": True, "summary": {}, "agility_output": str(folder)}
        if not (folder / "hosts").is_dir():
            return {"failed": True, "changed": False, "msg": f"{folder} is no results folder: it has no hosts/"}
        summary, dummy, changed = rebuild(folder, write=not self._task.check_mode)
        return {"changed": changed or merged, "summary": summary, "agility_output": str(folder)}
