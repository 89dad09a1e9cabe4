"""A calendar file (iCalendar, RFC 5545) as events of a policy.  By the library icalendar, which only who names such a file needs.

What is not understood is an error by name: an event that was left out would leave a window closed, or a freeze open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from ..model import Problem
from .calendar import known_zone, place
from .model import Event

LARGEST = 1024 * 1024  # characters
MOST = 1000  # events
UNTAKEN = ("EXRULE",)
# Time zones go by name here.  What a file says of them itself is a program of its own that would have to run first.
_ZONES = re.compile(r"^BEGIN:VTIMEZONE[ \t]*$.*?^END:VTIMEZONE[ \t]*$\n?", re.DOTALL | re.MULTILINE | re.IGNORECASE)

Titled = tuple[str, Event]


def events_of(text: str, name: str, origin: str, timezone: str) -> list[Titled]:
    """(title, event) of each; timezone: of what names none.  Raises Problem with all that is wrong in the file, which `origin` names."""
    try:
        from icalendar import Calendar  # nobody else needs it
    except ImportError as error:
        raise Problem(f"{name} cannot be read without the Python package icalendar", origin, "pip install icalendar, or write events") from error
    if len(text) > LARGEST:
        raise Problem(f"{name}: larger than {LARGEST // 1024} KiB", origin, "no calendar of changes needs that")
    try:
        found = Calendar.from_ical(_ZONES.sub("", text.replace("\r\n", "\n")))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Problem(f"{name}: no calendar: {' '.join(str(error).split())[:120]}", origin, "export it again, as iCalendar") from error
    entries = [one for one in found.subcomponents if one.name == "VEVENT"] if isinstance(found, Calendar) else []
    if not 0 < len(entries) <= MOST:
        raise Problem(f"{name}: it has {len(entries)} events", origin, f"between one and {MOST} are taken")
    moved: dict[str, list[Any]] = {}  # UID → beginnings that have an entry of their own
    said: list[Titled] = []
    wrong: list[str] = []
    for number, entry in enumerate(sorted(entries, key=lambda one: "RECURRENCE-ID" not in one), 1):
        title = _title(entry, number)
        try:
            said += [(title, event) for event in _times(entry, timezone, moved)]
        except (ValueError, OverflowError) as error:
            wrong.append(f"{name}: {title}: {error}")
    if len(said) > MOST:
        wrong.append(f"{name}: it has {len(said)} dates; up to {MOST} are taken")
    if wrong:
        raise Problem("; ".join(wrong[:5]), origin, "mend the calendar, or write events")
    return said


def _title(entry: Any, number: int) -> str:
    text = str(entry.get("SUMMARY") or entry.get("UID") or f"entry {number}")
    return "".join(c if c.isprintable() else " " for c in text)[:60]


def _times(entry: Any, timezone: str, moved: dict[str, list[Any]]) -> Iterator[Event]:
    """The event of an entry, and one more for each RDATE.  Raises ValueError for what is not understood."""
    if entry.errors:
        raise ValueError("; ".join(f"{key or 'a line'}: {text}" for key, text in entry.errors[:3]))
    for key in UNTAKEN:
        if key in entry:
            raise ValueError(f"{key} is not taken")
    start, zone = _place(_one(entry, "DTSTART"), timezone)
    uid, cancelled = str(entry.get("UID", "")), str(entry.get("STATUS", "")).upper() == "CANCELLED"
    if "RECURRENCE-ID" in entry:
        instead = _one(entry, "RECURRENCE-ID")
        if "RANGE" in instead.params:
            raise ValueError("a change of this and all that follow is not taken; end the first series and begin another")
        moved.setdefault(uid, []).append(instead)
    if cancelled:
        return
    whole = not isinstance(start, datetime)
    length = _length(entry, start, zone, timezone)
    rule = _one(entry, "RRULE").to_ical().decode() if "RRULE" in entry else ""
    without = [text for one in _many(entry, "EXDATE") for text in _dates(one, zone, timezone)]
    if "RECURRENCE-ID" not in entry:
        without += [_in_zone(one.dt, one.params, zone, timezone) for one in moved.get(uid, [])]
    event = Event(_text(start), _text(start + length - timedelta(days=whole)), zone, rule, tuple(dict.fromkeys(without)) if rule else ())
    yield event
    for text in (text for one in _many(entry, "RDATE") for text in _dates(one, zone, timezone)):
        again = date.fromisoformat(text) if whole else datetime.fromisoformat(text)
        yield replace(event, start=_text(again), end=_text(again + length - timedelta(days=whole)), rrule="", without=())


def _length(entry: Any, start: date, zone: str, timezone: str) -> timedelta:
    """By the clock on the wall; what that means when clocks change is said where it is worked out."""
    if "DURATION" in entry:
        length = _one(entry, "DURATION").dt
        if not isinstance(start, datetime) and length % timedelta(days=1):
            raise ValueError("it begins with a day and does not end with one")
    elif "DTEND" in entry:
        end = _one(entry, "DTEND")
        text = _in_zone(end.dt, end.params, zone, timezone)
        if isinstance(start, datetime) != isinstance(end.dt, datetime):
            raise ValueError("one of DTSTART and DTEND is a day, the other is none")
        length = (datetime if isinstance(start, datetime) else date).fromisoformat(text) - start
    else:
        length = timedelta(days=not isinstance(start, datetime))
    if length <= timedelta():
        raise ValueError("it has no length")
    return timedelta(seconds=length.total_seconds())


def _one(entry: Any, key: str) -> Any:
    if key not in entry:
        raise ValueError(f"it has no {key}")
    if isinstance(entry[key], list):
        raise ValueError(f"it has more than one {key}")
    return entry[key]


def _many(entry: Any, key: str) -> list[Any]:
    found = entry.get(key, [])
    return found if isinstance(found, list) else [found]


def _dates(listed: Any, zone: str, timezone: str) -> list[str]:
    return [_in_zone(one.dt, listed.params, zone, timezone) for one in listed.dts]


def _place(value: Any, timezone: str) -> tuple[date, str]:
    """(local time or day, its time zone); what floats is in that of the policy."""
    return _naive(value.dt), _zone(value.dt, value.params, timezone)


def _zone(moment: Any, params: Any, timezone: str) -> str:
    if not isinstance(moment, datetime):
        return timezone
    if moment.tzinfo is None and "TZID" not in params:
        return timezone
    name = str(getattr(moment.tzinfo, "key", "UTC" if moment.tzname() == "UTC" else ""))
    if not known_zone(name):
        raise ValueError(f"no time zone is called {params.get('TZID', name)}; an IANA name such as Europe/Berlin is")
    return name


def _in_zone(moment: Any, params: Any, zone: str, timezone: str) -> str:
    """A moment as the clock of `zone` shows it, or a day."""
    if not isinstance(moment, (date, datetime)):
        raise ValueError("a period is not taken; write it as an event")
    if not isinstance(moment, datetime):
        return _text(moment)
    there = place(_zone(moment, params, timezone))
    return _text(moment.replace(tzinfo=there).astimezone(place(zone)).replace(tzinfo=None))


def _naive(moment: Any) -> date:
    if not isinstance(moment, date):
        raise ValueError("DTSTART is neither a moment nor a day")
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) else moment


def _text(moment: date) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")
