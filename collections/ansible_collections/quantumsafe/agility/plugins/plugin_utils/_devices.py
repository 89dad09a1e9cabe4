# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a network device that is logged in to, as the tasks of a run see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from ._core.appliances import APPLIANCES, api, live
from ._core.appliances.appliance import Api, Appliance, Live
from ._core.appliances.lists import touched, unread, within
from ._core.model import Activation, Change, Collect, Plan, Problem
from ._core.plan import make_plan, wishes_for
from ._core.reach import Client
from ._core.service import Service
from ._core.targets.api import NAME as HTTPAPI
from ._core.targets.api import Session
from ._core.targets.changing import STARTUP, Changing
from ._core.targets.cli import Terminal
from ._core.targets.device import Device
from ._core.targets.device_api import ApiChanging, ApiDevice
from ._core.targets.survey import Survey
from ._core.targets.transact import Outcome, Prove
from ._core.verdict import Requirements
from ._device_records import OPEN, Entry, Records
from ._entries import begin
from ._run import Run
from ._windows import now


@contextmanager
def device(run: Run) -> Iterator[Device | ApiDevice]:
    """Raises Problem for a platform that is not logged in to."""
    connection: Any = run.action._connection
    link: Terminal | Session = Session(connection) if run.channel.transport == HTTPAPI else Terminal(connection)
    one = _of(run, link)
    try:
        yield one
    finally:
        run.channel.trips += link.asked
        link.close()


def _of(run: Run, link: Terminal | Session) -> Device | ApiDevice:
    by_api = isinstance(link, Session)
    platform = api(link.system) if by_api else live(link.system)
    if platform and platform.api and isinstance(link, Session):
        return ApiDevice(platform, platform.api, link, run.host, run.taken)
    if platform and platform.live and isinstance(link, Terminal):
        return Device(platform, platform.live, link, run.host, run.taken)
    known = ", ".join(way.systems[0] for one in APPLIANCES.values() if (way := one.api if by_api else one.live))
    why = f"devices of {link.system} are not logged in to by {run.channel.transport}"
    raise Problem(why, run.host, f"known is {known}; audit what it saved with agility_root")


def look(run: Run) -> Survey:
    with device(run) as one:
        return one.look()


# ---------------------------------------------------------------- plan


def plan_of(found: Survey, requirements: Mapping[str, Requirements], policy: str, as_of: date, client: Callable[[], Client | None]) -> Plan:
    """The plan of what is written on this platform; what the policy wants besides is said, and stays as it is."""
    platform = APPLIANCES[found.snapshot.facts["appliance"]]
    way = platform.changes
    if way is None:
        raise Problem(f"nothing is written on {platform.label}", found.snapshot.host, "leave it out with --limit")
    mine = tuple(e for e in found.endpoints if e.id in way.writes)
    plan = make_plan(found.snapshot, {platform.name: _as_service(platform, way)}, mine, requirements, policy, as_of, client)
    left = [e for e in found.endpoints if e not in mine and wishes_for(e, requirements[e.id], as_of)]
    said = [f"{e.id}: left as it is: of {platform.label} only {', '.join(way.writes)} is written" for e in left]
    if plan.changes and (outage := way.outage(found.snapshot)):
        said.append(outage)
    release = found.snapshot.facts["release"]
    if others := unread(release, way.known):
        said.append(f"nothing is written on {platform.label} {release or '(release unknown)'}, for its commands are not known here: {others}")
    return replace(plan, warnings=(*plan.warnings, *said))


def _as_service(platform: Appliance, way: Live | Api) -> Service:
    """The platform in the shape of a daemon, so that a plan is made of it as of any."""
    reload = Activation(platform.name, (), (), (), "reload")
    return Service(platform.name, "ssh", Collect(needs=()), platform.read, way.write, lambda dummy, mine: reload, lambda dummy: ())


# ---------------------------------------------------------------- change


def change(run: Run, id_: str, plan: Plan, prove: Prove) -> Outcome:
    """One plan on one device, with the device's own timer as the way back."""
    run.note(transaction=id_)
    (one,) = plan.changes
    machine = plan.identity.machine_id
    entry = {"transaction": id_, "campaign": run.result.campaign or run.run, "machine": machine}
    with device(run) as target:
        return carried(run, target, one, prove, entry)


def carried(run: Run, one: Device | ApiDevice, change: Change, prove: Prove, entry: Entry) -> Outcome:
    """It is written down before it begins, before it is confirmed, and what became of it.  Raises Problem while another one is open."""
    records = Records(run)
    records.free(entry.get("undoes", ()))
    with records.held(entry["campaign"]):
        begin(run)
        changes = changing(run, one, change, entry["machine"], prove)
        began = {**entry, "at": now().isoformat(), "since": time.time()}
        changes.noted = lambda proved: records.write({**began, **_left(changes, proved)})
        outcome = changes.run()
        if outcome.state == "CONFIRMED":
            records.confirmed({**entry, "lists": changes.undo() if isinstance(changes, ApiChanging) else undo_of(changes)})
        elif outcome.state in ("REVERTED", "REFUSED"):
            records.drop(entry)
    return outcome


def _left(changes: Changing | ApiChanging, proved: bool) -> dict[str, Any]:
    """What recover needs to find this very change, and to end it."""
    facts: dict[str, Any] = {"old": changes.old, "new": changes.new, "seconds": changes.seconds, "proved": proved}
    if isinstance(changes, ApiChanging):
        return {OPEN: {**facts, "idle": changes.idle}, "lists": changes.undo()}
    return {OPEN: {**facts, "name": changes.order.name, "user": changes.device.terminal.user}, "lists": undo_of(changes)}


def changing(run: Run, one: Device | ApiDevice, change: Change, machine: str, prove: Prove) -> Changing | ApiChanging:
    seconds = int(run.args["confirm_timeout"])
    if isinstance(one, ApiDevice):
        return ApiChanging(one, change, machine, seconds, prove)
    return Changing(one, change, machine, seconds, prove)


def undo_of(changing: Changing) -> dict[str, dict[str, list[str]]]:
    """For each list what it is now, and what it was; nothing where no line said it, which is the default."""
    order, lists = changing.order, changing.live.lists
    return {
        path: {
            "new": [one for one in order.new if within(one, path)],
            "old": [one for one in order.old if within(one, path) and one in changing.before],
        }
        for path in touched(lists, (*order.old, *order.new))
    }


def saved(run: Run, outcome: Outcome) -> None:
    """Whoever confirmed what the next start forgets has to be told."""
    if outcome.state == "CONFIRMED" and outcome.evidence.get(STARTUP) == "not written":
        message = "the change runs and is confirmed, but startup-config is not what runs: the next start goes back to the old configuration"
        run.note(status="failed", problem={"message": message, "where": run.host, "remedy": "free space there, and save it"})
