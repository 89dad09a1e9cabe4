# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: end what a controller that died has begun on a network device, by what the device says and what was written down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ._core.appliances.lists import placed, within
from ._core.documents.lines import split
from ._core.model import Snapshot
from ._core.targets.device import PATH, Device
from ._core.targets.device_api import ApiDevice
from ._core.targets.resuming import Left, Stand, resume, stand
from ._device_records import OPEN, Entry, Records
from ._device_undo import take_back
from ._devices import device, saved
from ._run import Run

WAITS = {
    "work": "a run of this controller is at work on it; it ends, or can be recovered when it was killed",
    "waits": "a change waits there that is not known to be ours: its timer takes it back, or who has begun it ends it; run this again then",
    "changed": "its lists are neither what they were nor what they were to be: somebody has changed them since; look at it, then put the old ones "
    "back with the playbook rollback, -e agility_transaction={} -e agility_force=true",
}


def recover(run: Run) -> dict[str, Any]:
    """As recover of a host.  A device with nothing open is not asked."""
    run.note(verb="recover")
    records = Records(run)
    resolved: dict[str, str] = {}
    for entry in records.left():
        with records.held(entry["campaign"]) as mine:
            if not mine:
                _tell(run, entry, "work", "skipped")
                continue
            with device(run) as one:
                state = _end(run, records, one, entry)
        if state:
            resolved[entry["transaction"]] = state
    run.told["resolved"] = resolved
    if resolved and run.result.status in ("ok", "rolled-back"):
        run.note(status="would-change" if run.action._task.check_mode else "changed")
    return {"changed": bool(resolved), "resolved": list(resolved), "forgotten": [], "shredded": []}


def _end(run: Run, records: Records, one: Device | ApiDevice, entry: Entry) -> str:
    """What became of it, "" = it is still open.  Raises Problem, Unreachable: then it is."""
    left = Left(machine=entry["machine"], since=datetime.fromisoformat(entry["at"]).timestamp(), **{"name": "", "user": "", **_tuples(entry[OPEN])})
    if run.action._task.check_mode:
        found = stand(one, left)
        if found.step in ("waits", "changed"):
            _tell(run, entry, found.step, "skipped" if found.step == "waits" else "failed")
            return ""
        return _will(found, left)
    found, outcome = resume(one, left)
    entry = {**entry, "lists": _lists(entry, found.seen)}
    if outcome.state == "CONFIRMED" or (found.step == "undo" and "undoes" in entry):
        records.confirmed(entry)
        saved(run, outcome)
        return "CONFIRMED"
    if outcome.state == "REVERTED":
        records.drop(entry)
        return "REVERTED"
    if found.step == "undo":
        return _undone(run, records, one, entry)
    _tell(run, entry, "waits" if found.step == "waits" else "changed", "skipped" if found.step == "waits" else "failed")
    return ""


def _undone(run: Run, records: Records, one: Device | ApiDevice, entry: Entry) -> str:
    """It stands, and was never proved: somebody else has confirmed it.  It goes back as anything that is taken back."""
    records.write(entry)
    take_back(run, one, [entry], force=False)
    return "ROLLED_BACK" if run.result.status == "rolled-back" else ""


def _will(found: Stand, left: Left) -> str:
    if found.step == "confirm" or (found.step == "CONFIRMED" and left.proved):
        return "CONFIRMED"
    return "ROLLED_BACK" if found.step == "undo" else "REVERTED"


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, "old": tuple(facts["old"]), "new": tuple(facts["new"])}


def _lists(entry: Entry, seen: Snapshot) -> dict[str, Any]:
    """For a rollback: what is new is told as the device shows it."""
    now = [one for dummy, one in placed(split(seen.files[PATH].text or ""))]
    return {path: {**pair, "new": [one for one in now if within(one, path)] or pair["new"]} for path, pair in entry["lists"].items()}


def _tell(run: Run, entry: Entry, what: str, status: str) -> None:
    message = f"{entry['transaction']}, begun by {entry['by']} at {entry['at']}, is open"
    run.note(status=status, problem={"message": message, "where": run.host, "remedy": WAITS[what].format(entry["transaction"])})
