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
  - After the playbook C(plan) it also writes C(plan.json), its signature C(plan.sig) and C(ticket.md) there, see docs/plans.md.
  - What hosts were audited, planned, or found as they should be, it enters into the ledger then; without it each task does so itself.
  - A final play would not run when a batch failed as a whole, or under C(--limit); this callback does.
  - It ends the run with exit code 2 when a host is not as it was promised and Ansible would not say so, since the failure was rescued or
    ignored. Callbacks that are named after it in C(callbacks_enabled) then do not hear of the end.
requirements:
  - Enable it with C(callbacks_enabled = quantumsafe.agility.summary) in C(ansible.cfg).
author:
  - quantumsafe.agility contributors (@quantumsafe)
"""

import atexit
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _deferred
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.chain import read_head
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.credentials import closing_lines, look_at
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import file_name, run_id
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import (
    BAD,
    HostResult,
    each_host,
    host_files,
    read_host,
    write_host,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table, closing, transaction_table

# What a task of ours was doing to its host; the other modules have no host file to write.
VERBS = {
    "crypto_audit_info": "audit",
    "crypto_plan_info": "plan",
    "crypto_enforce": "enforce",
    "crypto_rollback": "rollback",
    "crypto_host_key": "rotate",
    "crypto_link": "links",
    "crypto_certificate_info": "certificates",
}
LOOKS = ("audit", "plan", "certificates")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "quantumsafe.agility.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folders: dict[str, None] = {}
        self.lost: dict[str, HostResult] = {}
        self.chains: dict[str, list[dict[str, Any]]] = {}  # of the ledger → what is to be entered there at the end
        self.plans: dict[str, str] = {}  # folder → the keys that sign the plan of this run
        self.applies = False
        self.process = os.getpid()

    def _seen(self, result: Any) -> None:
        if folder := result._result.get("agility_output"):
            self.folders[str(folder)] = None
        if chain := result._result.get("agility_ledger"):
            waiting = self.chains.setdefault(str(chain), [])
            waiting += [entry] if (entry := result._result.get("agility_entry")) else []
        if signers := result._result.get("agility_plan_signers"):
            self.plans[str(folder)] = str(signers)
        if result._result.get("agility_result"):
            self.lost.pop(result._host.get_name(), None)

    def _lose(self, result: Any, status: str) -> None:
        """Remember a host whose task wrote no file: any task that did not reach it, and one of ours that died before it could write."""
        action = str(getattr(result._task, "resolved_action", None) or result._task.action)
        verb = VERBS.get(action.removeprefix("quantumsafe.agility."), "")
        if result._result.get("agility_result") or not (verb or status == "unreachable"):
            return
        host = result._host.get_name()
        problem = {"message": str(result._result.get("msg", status)).strip(), "where": host, "remedy": ""}
        self.lost[host] = HostResult(host, verb, status, run=run_id(os.getpid()), problem=problem)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        _deferred.listening = True
        atexit.register(self._enter)  # after Ctrl-C nobody is told of the end

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A run that would have applied its plan leaves none to be applied later, even where no host came that far."""
        self.applies = self.applies or _applies(play.tasks)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self.applies = self.applies or _applies([task])

    def v2_runner_on_ok(self, result: Any) -> None:
        self._seen(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._seen(result)
        self._lose(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._seen(result)
        self._lose(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        unkept = False
        for folder in self.folders:
            try:
                for lost in self.lost.values():
                    _record(Path(folder), lost)
                unkept |= self._close(Path(folder))
            except Exception as error:  # a report must never turn a good run into a bad one
                self._display.warning(f"quantumsafe.agility: no summary for {folder}: {error}")
        self._enter()
        for chain in self.chains:
            try:
                head = read_head(Path(chain).with_suffix(".head").read_bytes())
                self._display.display(f"ledger: {chain}, {head.count} entries; its head, to be kept elsewhere: {head.digest}")
            except (OSError, ValueError) as error:
                self._display.warning(f"quantumsafe.agility: the ledger {chain} has no head that can be read: {error}")
        if unkept and not any({**stats.failures, **stats.dark}.values()):
            raise SystemExit(2)  # as Ansible does for a host that failed; a rescue or ignore_errors took that away

    def _enter(self) -> None:
        """Into the ledger with what waits for it, by the process that heard of it and not by one that it forked."""
        for chain, waiting in self.chains.items():
            if waiting and self.process == os.getpid():
                # not earlier, as with _plans below
                from ansible_collections.quantumsafe.agility.plugins.plugin_utils._entries import Problem, enter

                told, waiting[:] = list(waiting), []
                try:
                    enter(Path(chain), Path(told[0]["keys"]), [entry["told"] for entry in told])
                except Problem as problem:
                    hosts = ", ".join(entry["told"]["host"] for entry in told)
                    self._display.warning(f"quantumsafe.agility: NOT IN THE LEDGER: {hosts}: {problem}")

    def _close(self, folder: Path) -> bool:
        """Whether a host of this run is not as a change promised it.  A look (audit, plan) promises nothing."""
        summary, results, dummy = rebuild(folder)
        if not results:
            return False
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        width = shutil.get_terminal_size((140, 40)).columns
        self._display.banner("CRYPTO-AGILITY")
        if any(result.findings for result in results):
            self._display.display(audit_table(results, width, colour) + "\n")
        if table := transaction_table(results, width):
            self._display.display(table + "\n")
        if table := look_at(results, width):
            self._display.display(table + "\n")
        for line in closing_lines(summary):
            self._display.display(line)
        self._display.display(closing(summary, str(folder), colour))
        if (keys := self.plans.get(str(folder))) and not self.applies:
            # not earlier: importing _run freezes what is loaded by then
            from ansible_collections.quantumsafe.agility.plugins.plugin_utils._plans import save

            read = (result for dummy, result in each_host(host_files(folder), []) if result.run == run_id(os.getpid()))
            planned = [replace(result, endpoints=(), findings=()) for result in read]  # the bulk of them, of which a plan says nothing
            for line in save(folder, planned, Path(keys)):
                self._display.display(line)
        return any(r.status in BAD and r.run == run_id(os.getpid()) and r.verb not in LOOKS for r in results)


def _applies(tasks: list[Any]) -> bool:
    """Whether one of them, also in blocks and in roles that are imported, applies a plan."""
    nested = [one for block in tasks for part in ("block", "rescue", "always") for one in getattr(block, part, ())]
    named = (str(getattr(task, "resolved_action", None) or getattr(task, "action", "")) for task in tasks)
    return any(name.endswith("crypto_enforce") for name in named) or bool(nested and _applies(nested))


def _record(folder: Path, lost: HostResult) -> None:
    """Write it beside what this run found out about the host before, and never over something bad or over the word of a task of ours."""
    path = folder / "hosts" / file_name(lost.host)
    try:
        known = read_host(path)
    except (OSError, ValueError):
        known = None
    if known is None or known.run != lost.run:
        write_host(folder, replace(lost, verb=lost.verb or "audit"))
    elif lost.verb and known.status not in BAD:
        write_host(folder, replace(known, verb=lost.verb, status=lost.status, problem=lost.problem))
