# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Ansible prints, and below it one line that says how the run goes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Ansible's usual output, and one line that says how a crypto-agility run goes
version_added: 0.1.0
description:
  - In a terminal the last line is kept up to date with the batch or wave, the hosts of all batches that are done, changed, failed, reverted and
    unreachable, the rate, and the time until the change window closes, where a host was changed within one.
  - A host that needs no line of its own there, since it is as it should be, gets none, unless C(-v) is given.
  - Without a terminal everything is printed as Ansible's own callback prints it, with that line every 30 seconds.
  - Playbooks without a task of this collection look as they always do.
  - It shows no closing table; that is P(quantumsafe.agility.summary#callback), which works with any output.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - Set C(stdout_callback = quantumsafe.agility.progress) in C(ansible.cfg).
author:
  - quantumsafe.agility contributors (@quantumsafe)
"""

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.progress import Progress

EVERY = 30  # seconds between two lines without a terminal
ERASE = "\r\033[K"


class _Above:
    """Ansible's display; whoever says something through it finds the line erased."""

    def __init__(self, display: Any, erase: Callable[[], None]) -> None:
        self._display, self._erase = display, erase

    def __getattr__(self, name: str) -> Any:
        if name != "verbosity":
            self._erase()
        return getattr(self._display, name)


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "quantumsafe.agility.progress"

    def __init__(self) -> None:
        super().__init__()
        self._live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._display = _Above(self._display, self._erase)
        self._progress: Progress | None = None
        self._told = datetime.now(UTC)
        self._shown = self._of = ""  # the line that stands in the terminal; the play that it is about

    # -- what is heard

    def v2_playbook_on_play_start(self, play: Any) -> None:
        super().v2_playbook_on_play_start(play)
        if self._of != play._uuid or self._progress is None:  # a batch is a play of its own to a callback, with one id
            hosts = play.get_variable_manager()._inventory.get_hosts(play.hosts, ignore_restrictions=True)
            self._of, self._progress = play._uuid, Progress(len(hosts), datetime.now(UTC))
        self._progress.batch += 1

    def v2_runner_on_ok(self, result: Any) -> None:
        quiet = self._live and self._heard(result) and not result.result.get("changed") and not result.result.get("warnings")
        if not quiet or self._display.verbosity:
            super().v2_runner_on_ok(result)
        self._show()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._heard(result, "" if ignore_errors else "failed")
        super().v2_runner_on_failed(result, ignore_errors)
        self._show()

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._heard(result, "unreachable")
        super().v2_runner_on_unreachable(result)
        self._show()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        super().v2_playbook_on_task_start(task, is_conditional)
        self._show()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._progress = None
        super().v2_playbook_on_stats(stats)

    def _show(self) -> None:
        """After whatever was printed for an event."""
        if self._progress is None or not self._progress.statuses:
            return
        now = datetime.now(UTC)
        if self._live:
            self._draw(self._progress.line(now))
        elif (now - self._told).total_seconds() >= EVERY:
            self._told = now
            self._display.display(self._progress.line(now))

    def _heard(self, result: Any, otherwise: str = "") -> bool:
        """Whether it is the word of a task of ours on its host.  otherwise: what any other task means for the host, once ours have begun."""
        said = result.result
        ours = "agility_result" in said
        if self._progress and "agility_wave" in said:
            self._progress.wave = str(said["agility_wave"])
        status = str(said["status"]) if ours else otherwise
        if self._progress and status and (ours or self._progress.statuses or status == "unreachable"):
            closes = said.get("agility_window_until")
            self._progress.heard(result.host.get_name(), status, datetime.fromisoformat(str(closes)) if closes else None)
        return ours

    # -- the line

    def _draw(self, line: str) -> None:
        """The cursor goes back to its beginning, so that what others print takes its place."""
        shown = line[: shutil.get_terminal_size((80, 24)).columns - 1]
        if shown != self._shown:
            sys.stdout.write(f"{ERASE}{shown}\r")
            sys.stdout.flush()
            self._shown = shown

    def _erase(self) -> None:
        if self._shown:
            sys.stdout.write(ERASE)
            sys.stdout.flush()
            self._shown = ""
