# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Found certificate authorities on the controller, one for each kind of key, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.model import Problem
from ..plugin_utils._entries import on_controller
from ..plugin_utils._founding import Founding
from ..plugin_utils._run import arguments

SPEC = {
    "authority": {"type": "path", "required": True},
    "authority_root": {"type": "path"},
    "authority_kinds": {"type": "list", "elements": "str", "default": ["ECDSA-P384", "ML-DSA-65"]},
    "authority_name": {"type": "str", "default": "Local"},
    "authority_password": {"type": "str", "no_log": True},
    "authority_days": {"type": "int", "default": 3650},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        args = arguments(self, task_vars or {}, SPEC)
        home = Path(args["authority"]).absolute()
        roots = Path(args["authority_root"] or args["authority"]).absolute()
        ours = Founding(home, roots, str(args["authority_name"]), str(args["authority_password"] or "").encode(), int(args["authority_days"]))
        try:
            due = {str(kind): ours.missing(str(kind)) for kind in args["authority_kinds"]}
            missing = [kind for kind, folders in due.items() if folders]
            if missing and not self._task.check_mode:
                with on_controller(self, task_vars or {}, "authority") as keys:
                    for kind in missing:
                        ours.found(kind)
                        keys += [{"did": "founded", "kind": kind, "path": str(folder)} for folder in due[kind]]
        except Problem as problem:
            return {"failed": True, "msg": str(problem)}
        except OSError as error:
            return {"failed": True, "msg": f"{error.filename}: {error.strerror}. Nothing was written over"}
        made = [str(folder) for folders in due.values() for folder in folders]
        out: dict[str, Any] = {"changed": bool(made), "made": made, "authority": str(home)}
        if self._task.diff:
            after = "a folder of 0700 with a certificate and its key\n"
            out["diff"] = [{"before_header": path, "after_header": path, "before": "", "after": after} for path in made]
        return out
