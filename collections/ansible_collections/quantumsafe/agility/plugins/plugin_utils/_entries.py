# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what a task writes to the ledger, and when.

Before a change: an entry that it begins, or it does not begin.  After a task: one entry of what it came to, at the end of the run where nothing
was changed; a ledger that cannot take it is said loudly and changes nothing about what was done.  Check mode writes nothing.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from . import _deferred
from ._core.ledger.canonical import MOMENT, digest
from ._core.model import Problem
from ._core.report.entered import QUIET, clean, event_of, facts
from ._core.report.output import run_id
from ._ledger import Ledger, chain_of

if TYPE_CHECKING:
    from ._run import Run

UNTOUCHED = ("ok", "would-change")  # what an audit, a plan, and a host where nothing is to be done come to
OPERATOR = ("agility_operator", "awx_user_name", "tower_user_name")


def ledger_of(run: Run) -> Ledger:
    return _ledger(run.variable, run.output, run.run)


def _ledger(variable: Callable[..., str], output: Path, run: str) -> Ledger:
    """agility_ledger, else beside the results folders, as campaigns are.  Its keys: agility_ledger_keys, else in it."""
    folder = Path(variable("agility_ledger") or output.parent / "ledger").absolute()
    return Ledger(folder, Path(variable("agility_ledger_keys") or folder / "keys").absolute(), chain_of(run))


def variable_of(action: ActionBase, task_vars: Mapping[str, Any], *names: str) -> str:
    """The first of these variables that is set, with its templates resolved: task_vars hold them as they were written."""
    return next((text for name in names if (text := str(action._templar.template(task_vars.get(name)) or ""))), "")


def enters(run: Run) -> bool:
    return not run.action._task.check_mode and run.result.verb not in QUIET


def ready(run: Run) -> None:
    """A change that could not be entered is not begun.  Raises Problem."""
    if enters(run):
        try:
            ledger_of(run).ready()
        except Problem as problem:
            raise Problem(f"{problem.message}; nothing was changed", problem.where, problem.remedy) from problem


def begin(run: Run) -> None:
    """This transaction begins now.  Raises Problem, except for a way back: that is never refused for the sake of the ledger."""
    try:
        ledger_of(run).append(_entry(run, "apply", ""), durable=True)
    except Problem as problem:
        if run.result.verb not in ("rollback", "recover"):
            raise
        _lament(run, problem)


def end(run: Run, path: Path) -> dict[str, Any]:
    """What the task came to; path: its result file.  What changed nothing is handed to the callback summary where that listens: see _deferred."""
    if not enters(run):
        return {}
    ledger, entry = ledger_of(run), _entry(run, event_of(run.result), digest(path.read_bytes()))
    told: dict[str, Any] = {"agility_ledger": str(ledger.path)}
    if _can_wait(run):
        return {**told, "agility_entry": {"keys": str(ledger.keys), "told": entry}}
    try:
        ledger.append(entry, durable=bool(run.result.transaction or run.told))
    except Problem as problem:
        _lament(run, problem)
    return told


def _can_wait(run: Run) -> bool:
    """Nothing was changed, nothing went wrong, and the callback will see this very result: not that of a loop, of an earlier try, or a hidden one."""
    task, result = run.action._task, run.result
    untouched = result.status in UNTOUCHED and not (result.transaction or run.told or result.problem)
    return _deferred.listening and untouched and not (task.loop or task.until or task.no_log)


def _entry(run: Run, event: str, evidence: str) -> dict[str, Any]:
    return facts(run.result, event, {**_said(run.variable), "evidence": evidence, **run.told})


def enter(path: Path, keys: Path, told: Sequence[Mapping[str, Any]]) -> None:
    """What tasks handed to the callback, in one turn.  path: of the chain.  Raises Problem."""
    Ledger(path.parent, keys, path.stem).append(*told, durable=False)


@contextmanager
def on_controller(action: ActionBase, task_vars: Mapping[str, Any], verb: str) -> Iterator[list[dict[str, Any]]]:
    """A task without a host's result, whose life of keys is entered: it does not begin where that cannot be written.  Raises Problem."""
    ledger, variable = _controllers(action, task_vars)
    ledger.ready()
    keys: list[dict[str, Any]] = []
    try:
        yield keys
    finally:
        if keys:
            host = str(task_vars.get("inventory_hostname", ""))
            told = {"event": "confirm", "verb": verb, "host": host, "run": run_id(os.getppid()), "result": "changed", "keys": keys}
            ledger.append({**told, **_said(variable)}, durable=True)


def decided(action: ActionBase, task_vars: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """What somebody decided about a campaign or a plan.  Raises Problem."""
    ledger, variable = _controllers(action, task_vars)
    ledger.append({**clean(told), "run": run_id(os.getppid()), **_said(variable)}, durable=True)


def noted(action: ActionBase, task_vars: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """A decision about a campaign that is not refused for the sake of the ledger: to stop, to take back, to go on."""
    try:
        decided(action, task_vars, told)
    except Problem as problem:
        Display().warning(f"quantumsafe.agility: NOT IN THE LEDGER: {told['event']} of campaign {told['campaign']}: {problem}")


def _controllers(action: ActionBase, task_vars: Mapping[str, Any]) -> tuple[Ledger, Callable[..., str]]:
    """The ledger of a task that has no Run, and what tells its variables."""
    variable, run = partial(variable_of, action, task_vars), run_id(os.getppid())
    return _ledger(variable, Path(variable("agility_output") or f"agility-results/{run}").absolute(), run), variable


def account() -> dict[str, str]:
    """Who runs this, by the system's word: the environment says what one likes."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container under a number of its own
        name = str(os.getuid())
    return {"user": name, "controller": socket.gethostname()}


def _said(variable: Callable[..., str]) -> dict[str, Any]:
    """When, who and why."""
    return {
        "time": datetime.now(UTC).strftime(MOMENT),
        "who": _given({**account(), "operator": variable(*OPERATOR)}),
        "why": _given({name: variable(f"agility_{name}") for name in ("ticket", "reason")}),
    }


def _given(words: Mapping[str, str]) -> dict[str, str]:
    return {name: word for name, word in words.items() if word}


def _lament(run: Run, problem: Problem) -> None:
    r = run.result
    Display().warning(f"quantumsafe.agility: NOT IN THE LEDGER: {run.host}, {r.verb}, {r.status} {r.transaction}: {problem}")
