"""The sections of a policy file that speak of times: windows and freezes, by rules, by events, or by a calendar that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..model import Problem
from .calendar import begins, ends, minutes, rrule_flaw, unanchored
from .ical import events_of
from .model import Event, Freeze, Match, Window
from .page import Page, timezone_of
from .recur import never, starts

YEARS = range(2000, 2200)  # what lies further off is a slip of the pen, and would be counted through occurrence by occurrence


def window(data: Mapping[str, Any], match: Match, origin: str, page: Page) -> Window:
    name = f"window {data['id']}"
    zone = timezone_of(data.get("timezone", page.timezone), origin, page)
    events = _events(data, zone, name, origin, page)
    rule, reserve = data.get("rrule", ""), minutes(data.get("reserve", ""))
    duration = minutes(data.get("duration", ""))
    longest = timedelta(minutes=duration) if rule else max((ends(e.end) - begins(e.start) for e in events), default=timedelta())
    _one_way(data, ("rrule", "events", "ical"), name, origin, page)
    if rule and (flaw := rrule_flaw(rule) or unanchored(rule) or _never(rule)):
        page.wrong(origin, f"{name}: {flaw}")
    if ("duration" in data) != ("rrule" in data):
        page.wrong(origin, f"{name}: duration belongs to rrule, and rrule needs it; events say themselves when they end")
    elif timedelta(minutes=reserve) >= longest and (rule or events):
        page.wrong(origin, f"{name}: its reserve leaves no time for the change")
    return Window(data["id"], match, rule, duration, zone, reserve, origin, events)


def freeze(data: Mapping[str, Any], match: Match, origin: str, page: Page) -> Freeze:
    name = f"freeze {data['id']}"
    zone = timezone_of(data.get("timezone", page.timezone), origin, page)
    events = _events(data, zone, name, origin, page)
    _one_way(data, ("from", "events", "ical"), name, origin, page)
    start, end = data.get("from", ""), data.get("to", "")
    if bool(start) != bool(end):
        page.wrong(origin, f"{name}: from and to belong together")
    elif start and (flaw := _flaw(Event(start, end, zone))):
        page.wrong(origin, f"{name}: {flaw}")
    return Freeze(data["id"], match, start, end, zone, data.get("reason", ""), origin, events)


def _one_way(data: Mapping[str, Any], ways: Iterable[str], name: str, origin: str, page: Page) -> None:
    said = [way for way in ways if way in data]
    if len(said) > 1:
        page.wrong(origin, f"{name}: {' and '.join(said)} exclude each other; give each an id of its own")


def _events(data: Mapping[str, Any], zone: str, name: str, origin: str, page: Page) -> tuple[Event, ...]:
    """Those that it has itself and those of its calendar; only what is sound."""
    said = [
        (f"event {i}", Event(e["from"], e["to"], timezone_of(e.get("timezone", zone), origin, page), e.get("rrule", ""), tuple(e.get("except", ()))))
        for i, e in enumerate(data.get("events", ()), 1)
    ]
    if file := data.get("ical"):
        try:
            said += [(f"{file}: {title}", event) for title, event in events_of(page.beside(file, origin), file, origin, zone)]
        except Problem as problem:
            page.errors.append(str(problem))
    flaws = [(title, _flaw(event)) for title, event in said]
    for title, flaw in flaws:
        if flaw:
            page.wrong(origin, f"{name}, {title}: {flaw}")
    return tuple(event for (dummy, event), (dummy, flaw) in zip(said, flaws, strict=True) if not flaw)


def _flaw(event: Event) -> str:
    """Why this is no event, "" when it is one."""
    for text in (event.start, event.end, *event.without):
        try:
            if datetime.fromisoformat(text).year not in YEARS:
                return f"{text} lies outside of the years {YEARS.start} to {YEARS.stop - 1}"
        except ValueError:
            return f"{text} is no moment"
    if begins(event.start) >= ends(event.end):
        return "ends before it begins"
    if not event.rrule:
        return ""
    if flaw := rrule_flaw(event.rrule) or _never(event.rrule):
        return flaw
    first = begins(event.start)
    return "" if starts(event.rrule, first, first, first, UTC) else f"its rrule does not give its first time, {event.start}"


def _never(rule: str) -> str:
    return f"{rule} never comes" if never(rule) else ""
