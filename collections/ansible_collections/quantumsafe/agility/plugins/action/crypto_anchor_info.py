# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether one host trusts an anchor, and which of the certificates that it serves end there."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._anchoring import needs, standing, wanted
from ..plugin_utils._run import Run, guarded

SPEC = {"output": {"type": "path"}, "anchor": {"type": "path"}}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "anchor", SPEC)
        found: dict[str, Any] = {}

        def look(run: Run) -> None:
            one = wanted(run)
            found.update(trusted=standing(run, one).trusted, needed_by=needs(run, one))

        return guarded(run, look) | {"changed": False, **found}
