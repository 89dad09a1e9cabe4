"""The form of recurrence rules, spans and time zones.  What a rule amounts to is in recur.py, and when a host may be changed in windows/.

Source: RFC 5545, section 3.3.10.  A table of what each part may say is all that the form needs, so no library is asked.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo

from ..model import Problem

_DAYS = r"(MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": r"(DAILY|WEEKLY|MONTHLY|YEARLY)",  # what is meant by HOURLY, DAILY says with BYHOUR
    "INTERVAL": r"[1-9]\d{0,3}",
    "COUNT": r"[1-9]\d{0,4}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "WKST": _DAYS,
    "BYDAY": rf"([+-]?[1-5])?{_DAYS}",
    "BYMONTHDAY": r"-?([1-9]|[12]\d|3[01])",
    "BYMONTH": r"([1-9]|1[0-2])",
    "BYHOUR": r"(1?\d|2[0-3])",
    "BYMINUTE": r"[1-5]?\d",
    "BYSETPOS": r"-?[1-9]\d{0,2}",
}
_LISTED = {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYHOUR", "BYMINUTE", "BYSETPOS"}
_DAY_OF = {"WEEKLY": ("BYDAY",), "MONTHLY": ("BYDAY", "BYMONTHDAY"), "YEARLY": ("BYDAY", "BYMONTHDAY")}
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def rrule_flaw(text: str) -> str:
    """Why this is no recurrence rule for a window, "" when it is one."""
    seen: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if not equals or name not in _PARTS:
            return f"{part or 'an empty part'} is no part of a recurrence rule; known: {', '.join(_PARTS)}"
        if name in seen:
            return f"{name} stands twice"
        values = value.split(",") if name in _LISTED else [value]
        if not all(re.fullmatch(_PARTS[name], each, re.ASCII) for each in values):
            return f"{name} cannot be {value or 'empty'}"
        seen[name] = value
    return _together(seen)


def _together(parts: dict[str, str]) -> str:
    if "FREQ" not in parts:
        return "FREQ is missing"
    if "COUNT" in parts and "UNTIL" in parts:
        return "COUNT and UNTIL exclude each other"
    if re.search(r"\d", parts.get("BYDAY", "")) and parts["FREQ"] not in ("MONTHLY", "YEARLY"):
        return f"BYDAY={parts['BYDAY']} counts weekdays of a month, so FREQ must be MONTHLY or YEARLY"
    return _no_moment(parts["UNTIL"]) if "UNTIL" in parts else ""


def unanchored(text: str) -> str:
    """Why this rule (of the right form) needs a first day, "" when it stands alone: RFC 5545 takes what a rule does not say from DTSTART."""
    parts = dict(part.split("=", 1) for part in text.split(";"))
    needs = _DAY_OF.get(parts["FREQ"], ())
    if needs and not set(needs) & set(parts):
        return f"it says no day; add {' or '.join(needs)}"
    counts = [name for name in ("COUNT", "INTERVAL") if name in parts and (name, parts[name]) != ("INTERVAL", "1")]
    return f"{counts[0]} counts from a first day, which is not said; say it in events" if counts else ""


def _no_moment(text: str) -> str:
    try:
        datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")
    except ValueError:
        return f"UNTIL cannot be {text}"
    return ""


def minutes(span: str) -> int:
    """ "90m", "2h" or "1d" (checked by the schema) in minutes."""
    return int(span[:-1]) * _MINUTES[span[-1]] if span else 0


def spelled(length: int) -> str:
    """The same the other way, in the largest unit that it is a number of: the schema allows five digits.  0 is ""."""
    unit = next((unit for unit in "dh" if length % _MINUTES[unit] == 0), "m")
    return f"{length // _MINUTES[unit]}{unit}" if length else ""


def begins(text: str) -> datetime:
    """The first moment that "2026-12-18T06:00" or "2026-12-18" names, without a zone.  Raises ValueError."""
    return datetime.fromisoformat(text)


def ends(text: str) -> datetime:
    """Where what is named so is over: a day at its end.  Raises ValueError."""
    return datetime.fromisoformat(text) + timedelta(days=len(text) == len("YYYY-MM-DD"))


def known_zone(name: str) -> bool:
    """Whether this machine knows the time zone; UTC always."""
    try:
        return name == "UTC" or bool(zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False


def place(name: str) -> tzinfo:
    """The time zone.  Raises Problem where this machine does not know one that was known where the policy was compiled."""
    if not known_zone(name):
        raise Problem(f"no time zone is called {name} here", "controller", "install the package tzdata; nothing was changed")
    return UTC if name == "UTC" else zoneinfo.ZoneInfo(name)
