# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rebuild summary.json and inventory.csv of a results folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.report.rebuild import rebuild


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, args = self.validate_argument_spec(argument_spec={"output": {"type": "path", "required": True}})
        folder = Path(args["output"])
        if not (folder / "hosts").is_dir():
            return {"failed": True, "changed": False, "msg": f"{folder} is no results folder: it has no hosts/"}
        summary, dummy, changed = rebuild(folder, write=not self._task.check_mode)
        return {"changed": changed, "summary": summary, "agility_output": str(folder)}
