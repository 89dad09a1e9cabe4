# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: undo what a campaign changed on a network device.  The device keeps no journal of ours, so the campaign does."""

from __future__ import annotations

import json
import secrets
from typing import Any

from ._campaign import Gate
from ._core.appliances.lists import edits_of, placed, within
from ._core.documents.lines import split
from ._core.model import Change, Edit, Endpoint, Probe, Problem
from ._core.report.output import write_whole
from ._core.targets.device import PATH, Device
from ._core.targets.device_api import ApiDevice
from ._devices import UNDO, changing, device, saved
from ._entries import begin
from ._outcome import settle
from ._proving import prove, reachable
from ._run import Run, target


def rollback(run: Run) -> dict[str, Any]:
    """As a rollback of a host: the campaign's changes on this device, newest first, in one transaction of its own."""
    campaign = str(run.args.get("campaign") or "")
    if not campaign or run.args.get("transaction") or run.args.get("before"):
        raise Problem("what was done to a network device is undone by its campaign", run.host, "give agility_campaign, and nothing else")
    run.note(campaign=campaign)
    gate = Gate(run, campaign)
    path = gate.folder / UNDO / gate.name
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    undo = [entry for entry in reversed(told) if "undone" not in entry]
    if not undo:
        message = f"{'took part, and was rolled back,' if told else 'took no part'} in campaign {campaign}, by what {gate.folder} holds"
        run.note(status="ok" if told else "skipped", problem={} if told else {"message": message, "where": run.host, "remedy": ""})
        return {"known": bool(told)}
    with device(run) as one:
        _undo(run, one, undo)
    if run.result.status == "rolled-back":
        write_whole(path, json.dumps([{**entry, "undone": run.result.transaction} for entry in told], sort_keys=True))
        gate.rolled_back({entry["transaction"] for entry in undo})
    return {"known": True}


def _undo(run: Run, one: Device | ApiDevice, undo: list[dict[str, Any]]) -> None:
    seen = one.look()
    run.note(target=target(seen.snapshot))
    machine = seen.snapshot.identity.machine_id
    if not run.args["force"] and {entry["machine"] for entry in undo} != {machine}:
        raise Problem(
            "another device answers there than was changed: its serial number is another one", run.host, "agility_force=true undoes it here"
        )
    file = seen.snapshot.files[PATH]
    change = Change(PATH, file.sha256, _edits(split(file.text or ""), undo, bool(run.args["force"])))
    if run.action._task.check_mode:
        run.note(status="would-change")
        return
    probes = tuple(_probe(endpoint) for endpoint in seen.endpoints if endpoint.id in one.writes)
    answered = reachable(run, probes)
    run.note(transaction=f"{undo[0]['transaction'][:48]}-undo-{secrets.token_hex(2)}")
    run.told["undoes"] = [entry["transaction"] for entry in undo]
    begin(run)
    outcome = changing(run, one, change, machine, lambda after: prove(run, probes, answered)).run()
    settle(run, outcome, "rolled-back")
    saved(run, outcome)


def _edits(text: tuple[str, ...], undo: list[dict[str, Any]], force: bool) -> tuple[Edit, ...]:
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
