"""Recurrence rules, spans and time zones: only checked here; whoever waits for a window works them out.

Source: RFC 5545, section 3.3.10.  A table of what each part may say is all that checking needs, so no library is asked.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime

_DAYS = r"(MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": r"(HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY)",
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


def _no_moment(text: str) -> str:
    try:
        datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")
    except ValueError:
        return f"UNTIL cannot be {text}"
    return ""


def minutes(span: str) -> int:
    """ "90m", "2h" or "1d" (checked by the schema) in minutes."""
    return int(span[:-1]) * _MINUTES[span[-1]] if span else 0


def known_zone(name: str) -> bool:
    """Whether this machine knows the time zone; UTC always."""
    try:
        return name == "UTC" or bool(zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
