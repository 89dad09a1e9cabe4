"""What a recurrence rule amounts to: local times without a zone.  By python-dateutil, as RFC 5545 has it (sections 3.3.10 and 3.8.5.3)."""

from __future__ import annotations

from datetime import UTC, datetime, time, tzinfo
from typing import Any

from ..model import Problem

try:
    from dateutil.rrule import rrulestr
except ImportError:  # a requirement of the collection; without it a plugin must still import, says ansible-test
    rrulestr = None

# The last 28 years that datetime knows, in which every date has had every weekday: what does not come then never comes, and that is known at
# once, while a search from today would go through eight thousand years.
_END_OF_TIME = datetime(9972, 1, 1)


def starts(rule: str, first: datetime, after: datetime, before: datetime, zone: tzinfo) -> list[datetime]:
    """Its beginnings from `after` to `before`, counted from `first`; all local times of the zone."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    last = min(before, _until(parts.pop("UNTIL"), zone)) if "UNTIL" in parts else before
    return list(_rule(parts, first).between(after, last, inc=True))


def never(rule: str) -> bool:
    """Whether no day is such a day: the 30th of February, the second of the one hour of a day."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    alone = {name: value for name, value in parts.items() if name not in ("UNTIL", "COUNT", "INTERVAL")}
    return next(iter(_rule(alone, _END_OF_TIME)), None) is None


def _rule(parts: dict[str, str], first: datetime) -> Any:
    if rrulestr is None:
        raise Problem("windows cannot be worked out without the Python package python-dateutil", "controller", "pip install python-dateutil")
    return rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=first)


def _until(text: str, zone: tzinfo) -> datetime:
    """The last moment, in local time; a day is included, as everywhere in a policy."""
    if "T" not in text:
        return datetime.combine(datetime.strptime(text, "%Y%m%d"), time.max)
    moment = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
    if not text.endswith("Z") or moment.year in (1, 9999):  # there no other zone has a time
        return moment
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
