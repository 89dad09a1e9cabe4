# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: undo what was changed on a network device, by what the controller remembers of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ._core.appliances.lists import edits_of, placed, within
from ._core.documents.lines import split
from ._core.model import Change, Edit, Endpoint, Probe, Problem
from ._core.targets.device import PATH, Device
from ._core.targets.device_api import ApiDevice
from ._device_bindings import looked, patient, rebound
from ._device_records import UNDONE, Entry, Records
from ._devices import carried, device, saved
from ._outcome import settle
from ._proving import prove, reachable
from ._run import Run, target
from ._windows import moment, now


def rollback(run: Run) -> dict[str, Any]:
    """As a rollback of a host: what a campaign, a transaction, or all since a moment changed here, newest first, in one transaction of its own."""
    campaign, wanted, before = (str(run.args.get(name) or "") for name in ("campaign", "transaction", "before"))
    if [bool(campaign), bool(wanted), bool(before)].count(True) != 1:
        raise Problem("name a campaign, a transaction or a moment", run.host, "-e agility_campaign=…, agility_transaction=… or agility_before=…")
    run.note(campaign=campaign)
    records = Records(run)
    told = [entry for entry in records.all() if "undoes" not in entry]
    known = {"known": not campaign or any(entry["campaign"] == campaign for entry in told), "campaigns": sorted({one["campaign"] for one in told})}
    mine = _chosen(run, told, campaign, wanted, before)
    records.free()
    undo = [entry for entry in reversed(mine) if UNDONE not in entry]
    if not undo:
        if not known["known"]:
            run.note(status="skipped", problem={"message": f"took no part in campaign {campaign}", "where": run.host, "remedy": ""})
        return known
    with device(run) as one:
        take_back(run, one, undo, bool(run.args["force"]))
    return known


def _chosen(run: Run, told: list[Entry], campaign: str, wanted: str, before: str) -> list[Entry]:
    if campaign:
        return [entry for entry in told if entry["campaign"] == campaign]
    if before:
        since = moment(before, now(), "agility_before")
        return [entry for entry in told if datetime.fromisoformat(entry["at"]) >= since]
    chosen = [entry for entry in told if entry["transaction"] == wanted]
    if not chosen:
        known = ", ".join(entry["transaction"] for entry in told[-3:]) or "none"
        where = "a device keeps no journal: run it where the results of that change are"
        raise Problem(f"nothing is known here of a transaction {wanted} of this device; known are: {known}", run.host, where)
    return chosen


def take_back(run: Run, one: Device | ApiDevice, undo: list[Entry], force: bool) -> None:
    """undo: newest first."""
    seen = looked(one)
    run.note(target=target(seen.snapshot))
    machine = seen.snapshot.identity.machine_id
    if not force and {entry["machine"] for entry in undo} != {machine}:
        raise Problem(
            "another device answers there than was changed: its serial number is another one", run.host, "agility_force=true undoes it here"
        )
    file = seen.snapshot.files[PATH]
    change = Change(PATH, file.sha256, _edits(split(file.text or ""), undo, force))
    if run.action._task.check_mode:
        run.note(status="would-change")
        return
    bound = rebound(one, seen, change)
    probes = (*(_probe(endpoint) for endpoint in seen.endpoints if endpoint.id in one.writes), *bound)
    answered = reachable(run, probes)
    id_, undoes = f"{undo[0]['transaction'][:48]}-undo-{secrets.token_hex(2)}", [entry["transaction"] for entry in undo]
    run.note(transaction=id_)
    run.told["undoes"] = undoes
    entry = {"transaction": id_, "campaign": undo[0]["campaign"], "machine": machine, "undoes": undoes}
    outcome = carried(run, one, change, lambda after: (patient if bound else prove)(run, probes, answered), entry)
    settle(run, outcome, "rolled-back")
    saved(run, outcome)


def _edits(text: tuple[str, ...], undo: Sequence[Entry], force: bool) -> tuple[Edit, ...]:
    """To what the oldest of them found, where the newest still stands.  Raises Problem where somebody changed it since."""
    first: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {}
    for entry in undo:
        for path, pair in entry["lists"].items():
            first.setdefault(path, pair["new"])
            back[path] = pair["old"]
    edits: list[Edit] = []
    for path, old in back.items():
        found = [(number, one) for number, one in placed(text) if within(one, path)]
        if [one for dummy, one in found] != first[path] and not force:
            where = f"{PATH}:{found[0][0]}" if found else PATH
            raise Problem(f"`{path}` was changed since", where, "look at it; -e agility_force=true undoes it all the same")
        edits += edits_of(text, path, tuple(old))
    return tuple(sorted(edits, key=lambda edit: edit.line))


def _probe(endpoint: Endpoint) -> Probe:
    """It must still answer; what it negotiates is the past's business."""
    return Probe(endpoint.protocol, endpoint.id, endpoint.addresses[0][1])
