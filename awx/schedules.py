"""awx/schedules.yml from the windows of a policy: python awx/schedules.py policies/enterprise.yml > awx/schedules.yml

A window becomes a schedule that starts the job template `agility waves` when it opens, for the hosts that it speaks for and under a campaign that
is called like it.  They are switched off: somebody switches one on when there is an approved plan.  Whether a host may be changed is
judged by the policy itself, right before the change; so days that are left out, freezes, and zones that meet need not be said here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import yaml

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP / "collections"))

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.calendar import begins, place  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load  # noqa: E402
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Match, Policy, Window  # noqa: E402

TEMPLATE = "agility waves"
FIRST = "20260101T000000"  # a window counts from nothing, so any midnight on the first of a year will do
HEAD = "# Written by awx/schedules.py from {}; change that, then run it again.\n---\n"
COUNTED = re.compile(r"([+-]?\d)([A-Z]{2})")


def rules(rrule: str, timezone: str, window: str) -> list[str]:
    """The rule as AWX takes it: INTERVAL is a must, UNTIL is UTC, and 1SU (the first Sunday) is a rule of its own with BYSETPOS.  Raises Problem."""
    parts = {"INTERVAL": "1", **dict(part.split("=", 1) for part in rrule.split(";"))}
    if "UNTIL" in parts:
        parts["UNTIL"] = _until(parts["UNTIL"], timezone)
    counted = [COUNTED.fullmatch(day) for day in parts.get("BYDAY", "").split(",")]
    if not any(counted):
        return [_said(parts)]
    if not all(counted) or {"BYSETPOS", "COUNT"} & set(parts) or any("," in parts.get(name, "") for name in ("BYHOUR", "BYMINUTE")):
        raise Problem(f"AWX has no word for {rrule}", f"window {window}", "make its schedule by hand")
    within = {"FREQ": "MONTHLY"} if "BYMONTH" in parts else {}  # BYSETPOS counts within what FREQ names
    return [_said({**parts, **within, "BYDAY": day[2], "BYSETPOS": day[1]}) for day in counted if day]


def _said(parts: dict[str, str]) -> str:
    return "RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items())


def _until(text: str, timezone: str) -> str:
    whole = text if "T" in text else f"{text}T235959"  # a day is included
    moment = datetime.strptime(whole.rstrip("Z"), "%Y%m%dT%H%M%S")
    return f"{moment.replace(tzinfo=UTC if text.endswith('Z') else place(timezone)).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def starts(window: Window) -> Iterator[tuple[str, str]]:
    """(name, rrule of AWX) of each way in which it opens."""
    if window.rrule:
        yield window.id, f"DTSTART;TZID={window.timezone}:{FIRST} " + " ".join(rules(window.rrule, window.timezone, window.id))
    for n, event in enumerate(window.events, 1):
        rule = event.rrule or "FREQ=DAILY;COUNT=1"
        first = f"DTSTART;TZID={event.timezone}:{begins(event.start):%Y%m%dT%H%M%S}"
        yield f"{window.id} {n}", f"{first} {' '.join(rules(rule, event.timezone, window.id))}"


def limit(policy: Policy, match: Match) -> str:
    """The hosts that it speaks for, as a pattern of Ansible, by the most specific that it names."""
    zone = policy.zones.get(match.zone)
    return match.host or match.group or ":".join((*zone.groups, *zone.hosts) if zone else ()) or "all"


def schedules(policy: Policy) -> list[dict[str, object]]:
    return [
        {
            "name": f"{TEMPLATE}: {name}",
            "organization": "Default",
            "unified_job_template": TEMPLATE,
            "rrule": rrule,
            "limit": limit(policy, window.match),
            "extra_data": {"agility_campaign": window.id},
            "enabled": False,
        }
        for window in policy.windows
        for name, rrule in starts(window)
    ]


def page(path: str) -> str:
    policy = load(path, lambda name: Path(name).read_text(encoding="utf-8"))
    return HEAD.format(path) + yaml.safe_dump({"controller_schedules": schedules(policy)}, sort_keys=False, width=160)


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1]))
