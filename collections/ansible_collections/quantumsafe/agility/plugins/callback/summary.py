# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The closing table and summary of a run, rebuilt from the host files however the run ended."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: Rebuilds the summary of a crypto-agility run and shows it
version_added: 0.1.0
description:
  - After the last task it rebuilds C(summary.json) and C(inventory.csv) from the host files of the results folder and prints what matters.
  - A final play would not run when a batch failed as a whole, or under C(--limit); this callback does.
requirements:
  - Enable it with C(callbacks_enabled = quantumsafe.agility.summary) in C(ansible.cfg).
author:
  - quantumsafe.agility contributors (@quantumsafe)
"""

import os  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible.plugins.callback import CallbackBase  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import run_id  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, write_host  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table, closing  # noqa: E402


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "quantumsafe.agility.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folders: dict[str, None] = {}

    def _seen(self, result: Any) -> None:
        folder = result._result.get("agility_output")
        if folder:
            self.folders[str(folder)] = None

    def v2_runner_on_ok(self, result: Any) -> None:
        self._seen(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._seen(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host that another task found unreachable has no file yet."""
        self._seen(result)
        for folder in self.folders:
            if not result._result.get("agility_result"):
                text = str(result._result.get("msg", "unreachable")).strip()
                problem = {"message": text, "where": result._host.get_name(), "remedy": ""}
                write_host(Path(folder), HostResult(result._host.get_name(), "audit", "unreachable", run=run_id(os.getpid()), problem=problem))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        for folder in self.folders:
            try:
                self._close(Path(folder))
            except Exception as error:  # a report must never turn a good run into a bad one
                self._display.warning(f"quantumsafe.agility: no summary for {folder}: {error}")

    def _close(self, folder: Path) -> None:
        summary, results, dummy = rebuild(folder)
        if not results:
            return
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size((140, 40)).columns
        self._display.banner("CRYPTO-AGILITY")
        if any(result.findings for result in results):
            self._display.display(audit_table(results, width, colour) + "\n")
        self._display.display(closing(summary, str(folder), colour))
