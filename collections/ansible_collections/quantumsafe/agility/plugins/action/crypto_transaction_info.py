# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List the transactions that one host remembers."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.report.results import plain
from ..plugin_utils._core.targets.answer import parse_transactions
from ..plugin_utils._core.targets.script import compose_status
from ..plugin_utils._run import COMMON, Run, guarded


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "transactions", COMMON)
        found: list[dict[str, Any]] = []

        def look(run: Run) -> None:
            reports = run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions)
            found.extend(plain(report) for report in sorted(reports, key=lambda report: report.final))

        return guarded(run, look) | {"changed": False, "transactions": found}
