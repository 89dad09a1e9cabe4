# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a network device that is logged in to, as the tasks of a run see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from ._core.appliances import APPLIANCES, api, live
from ._core.appliances.appliance import Api, Appliance, Live, Order
from ._core.appliances.lists import changed, place_of, unread, within
from ._core.documents.lines import split
from ._core.model import Activation, Change, Collect, Edit, Endpoint, Plan, Problem
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
from ._core.wish import TUNNELS
from ._device_records import OPEN, Entry, Records
from ._entries import begin
from ._run import Run
from ._windows import now

CONTRACT = "contract"  # as agility_link_step says it


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


def plan_of(
    found: Survey, requirements: Mapping[str, Requirements], policy: str, as_of: date, client: Callable[[], Client | None], step: str = ""
) -> Plan:
    """The plan of what is written on this platform; what the policy wants besides is said, and stays as it is.

    step: contract = the other ends of its tunnels have what was added for them, so what was there before goes.
    """
    platform, release = APPLIANCES[found.snapshot.facts["appliance"]], found.snapshot.facts["release"]
    way = platform.changes
    if way is None:
        raise Problem(f"nothing is written on {platform.label}", found.snapshot.host, "leave it out with --limit")
    behind, alone = (way.over(found.snapshot), way.alone(found.snapshot)) if isinstance(way, Live) else ({}, {})
    asked = {e.id: {} if e.id in alone else _asked(way, e, requirements[e.id], behind, step, as_of) for e in found.endpoints}
    stays = {**{id_: _stays(before) for id_, before in behind.items()}, **{id_: f"left as it is: {why}" for id_, why in alone.items()}}
    mine = tuple(e for e in found.endpoints if asked[e.id])
    beside = {e.id for e in mine if e.protocol in TUNNELS and step != CONTRACT}
    plan = make_plan(found.snapshot, {platform.name: _as_service(platform, way, step)}, mine, asked, policy, as_of, client, beside)
    said = [why for e in found.endpoints if (why := _left(platform, e, requirements[e.id], asked[e.id], stays, as_of, step))]
    if plan.changes and (outage := way.outage(found.snapshot)):
        said.append(outage)
    if plan.changes:
        said.append(f"is sent: {'; '.join(sent(way, *changed(*_edited(found, plan))))}")
    if others := unread(release, way.known):
        said.append(f"nothing is written on {platform.label} {release or '(release unknown)'}, for its commands are not known here: {others}")
    return replace(plan, warnings=(*plan.warnings, *said), probes=tuple(one for one in plan.probes if one.kind not in TUNNELS))


def _asked(way: Live | Api, endpoint: Endpoint, requirements: Requirements, behind: Mapping[str, str], step: str, as_of: date) -> Requirements:
    """What is planned of an endpoint: of a tunnel the other end is not ours, so what it has today goes by a second change, when somebody says so."""
    if endpoint.id in way.writes:
        return requirements
    if isinstance(way, Api):
        return _in_place(way, endpoint, requirements, step, as_of)
    aspects = next((aspects for head, aspects in way.takes.items() if endpoint.id.startswith(head)), ())
    taken = {aspect: requirement for aspect, requirement in requirements.items() if aspect in aspects}
    if endpoint.protocol in TUNNELS and step == CONTRACT:
        return {aspect: one for aspect, one in taken.items() if one.stage == "require"} if behind.get(endpoint.id) else {}
    return {} if endpoint.id in behind else taken


def _in_place(way: Api, endpoint: Endpoint, requirements: Requirements, step: str, as_of: date) -> Requirements:
    """As _asked, where the new and the old of a tunnel stand in one list: what is not there is added, and goes only where nothing is missing."""
    taken = {aspect: requirement for aspect, requirement in requirements.items() if aspect in way.takes(endpoint)}
    if endpoint.protocol not in TUNNELS:
        return taken
    wished = wishes_for(endpoint, taken, as_of)
    short = way.short(endpoint, {aspect: to.names for aspect, to in wished.items()})
    if step == CONTRACT:
        return {aspect: taken[aspect] for aspect in wished if aspect not in short and taken[aspect].stage == "require"}
    return {aspect: taken[aspect] for aspect in short}


def _stays(before: str) -> str:
    """Why what stands behind `before` is left; "" = it stands behind nothing."""
    if not before:
        return "left as it is: nothing that is written here names it"
    return (
        f"stays for other ends that have nothing better; {before} is in front of it.  Once they have, agility_link_step=contract at stage require "
        "takes it away"
    )


def _left(
    platform: Appliance, endpoint: Endpoint, requirements: Requirements, asked: Requirements, stays: Mapping[str, str], as_of: date, step: str
) -> str:
    """What is not planned of what the policy wants, and why; "" = nothing."""
    left = [aspect for aspect in wishes_for(endpoint, requirements, as_of) if aspect not in asked]
    if not left:
        return ""
    if why := stays.get(endpoint.id):
        return f"{endpoint.id}: {why}"
    way = platform.changes
    if isinstance(way, Api) and endpoint.protocol in TUNNELS and set(left) <= set(way.takes(endpoint)):
        return _beside(endpoint, left, step)
    takes = (*way.writes, *(head.strip() for head in way.takes)) if isinstance(way, Live) else way.named if way else ()
    what = f"{', '.join(left)} of it is" if asked else "it is"
    return f"{endpoint.id}: left as it is: {what} not written; of {platform.label} only {', '.join(takes)} is"


def _beside(endpoint: Endpoint, left: list[str], step: str) -> str:
    what = f"{endpoint.id}: {', '.join(left)}"
    if step == CONTRACT:
        return f"{what}: left as it is: stage require takes it away, and only once what is wanted is there: first without agility_link_step"
    return (
        f"{what}: what is not wanted stays beside what is, for other ends that have nothing better.  Once they have, agility_link_step=contract at "
        "stage require takes it away"
    )


def sent(way: Live | Api, old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(way, Live):
        return way.lines(Order("", 1, old, new))
    return tuple(f"{one.method} {one.path} {one.body}" for one in way.put(new, old))


def _edited(found: Survey, plan: Plan) -> tuple[tuple[str, ...], tuple[Edit, ...]]:
    (change,) = plan.changes
    return split(found.snapshot.files[change.path].text or ""), change.edits


def _as_service(platform: Appliance, way: Live | Api, step: str) -> Service:
    """The platform in the shape of a daemon, so that a plan is made of it as of any."""
    reload = Activation(platform.name, (), (), (), "reload")
    write, warns = (way.write, None) if isinstance(way, Live) else (way.contract if step == CONTRACT else way.write, way.warns)
    return Service(platform.name, "ssh", Collect(needs=()), platform.read, write, lambda dummy, mine: reload, lambda dummy: (), warns=warns)


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
        began = {**entry, "at": now().isoformat()}
        changes.noted = lambda proved: records.write({**began, **_noted(changes, proved)})
        outcome = changes.run()
        if outcome.state == "CONFIRMED":
            records.confirmed({**entry, "lists": changes.undo() if isinstance(changes, ApiChanging) else undo_of(changes)})
        elif outcome.state in ("REVERTED", "REFUSED"):
            records.drop(entry)
    return outcome


def _noted(changes: Changing | ApiChanging, proved: bool) -> dict[str, Any]:
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
    order, live = changing.order, changing.live
    return {
        path: {
            "new": [one for one in order.new if within(one, path)],
            "old": [one for one in order.old if within(one, path) and one in changing.before],
        }
        for path in dict.fromkeys(place_of(live, one) for one in (*order.old, *order.new))
    }


def saved(run: Run, outcome: Outcome) -> None:
    """Whoever confirmed what the next start forgets has to be told."""
    if outcome.state == "CONFIRMED" and outcome.evidence.get(STARTUP) == "not written":
        message = "the change runs and is confirmed, but startup-config is not what runs: the next start goes back to the old configuration"
        run.note(status="failed", problem={"message": message, "where": run.host, "remedy": "free space there, and save it"})
