"""May this host be changed at this moment, and if not, when?

Of the windows that speak for a host those of the most specific scope count (host, then group, then zone, then everybody); those of one
scope add up, and of two scopes of equal weight (a host of two zones) both must be open.  No window at all: always open.  Freezes only take
away, so every one that speaks for the host counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Literal

from ..policy.calendar import place
from ..policy.model import Freeze, Match, Policy, Window
from ..policy.resolve import Target, applies
from ..policy.zones import zones_of
from .spans import FOREVER, Span, common, joined, of_freeze, of_window, without

HORIZONS = tuple(timedelta(days=days) for days in (40, 400, 3300))  # nine years: the 29th of February may be eight away


@dataclass(frozen=True, slots=True)
class Standing:
    """closed: outside of the windows, or with too little left of one.  by: the windows that speak for the host, or the freezes that hold.

    until: when what is now ends, None = nobody knows of an end.  next: when a change may begin then, None = not within nine years.
    needs: seconds for a change with its way back.  reason: of the freeze.
    """

    state: Literal["open", "closed", "frozen"]
    by: tuple[str, ...] = ()
    until: datetime | None = None
    next: Span | None = None
    timezone: str = "UTC"
    needs: int = 0
    reason: str = ""


def standing(policy: Policy, host: str, groups: Sequence[str], now: datetime, seconds: int) -> Standing:
    """seconds: how long a change and its way back may take; nothing begins that could end outside."""
    here, zones = Target(host, tuple(groups), ""), zones_of(policy, host, groups)
    windows = [one for one in policy.windows if applies(one.match, here, zones)]
    freezes = [one for one in policy.freezes if applies(one.match, here, zones)]
    weight = max((one.match.rank for one in windows), default=0)
    windows = [one for one in windows if one.match.rank == weight]
    found = Standing("open")
    for horizon in HORIZONS:
        found = _within(policy, windows, freezes, now, seconds, now + horizon)
        if found.state == "open" or found.next:
            break
    return found


def _within(policy: Policy, windows: list[Window], freezes: list[Freeze], now: datetime, seconds: int, until: datetime) -> Standing:
    since = now - timedelta(days=1)
    frozen = {one.id: joined(of_freeze(one, since, until)) for one in freezes}
    spans = without(_open(policy, windows, since, until), (span for some in frozen.values() for span in some))
    holding = {id_: span for id_, some in frozen.items() for span in some if span.start <= now <= span.end}
    ahead = [s for s in spans if s.start >= now and s.end - s.start >= _needs(s, seconds)]
    following = replace(ahead[0], end=FOREVER if ahead[0].end >= until else ahead[0].end) if ahead else None
    if holding:
        last = max(holding.values(), key=lambda one: one.end)
        reason = "; ".join(one.reason for one in freezes if one.id in holding and one.reason)
        return Standing("frozen", tuple(holding), last.end, following, last.timezone, seconds, reason)
    current = next((s for s in spans if s.start <= now < s.end), None)
    names = tuple(one.id for one in windows)
    if current is None:
        return Standing("closed", names, None, following, policy.timezone, seconds)
    ends = None if current.end >= until else current.end
    needs = _needs(current, seconds)
    if ends is None or now + needs <= ends:
        return Standing("open", names, ends, None, current.timezone)
    return Standing("closed", names, ends, following, current.timezone, int(needs.total_seconds()))


def _needs(span: Span, seconds: int) -> timedelta:
    return timedelta(seconds=max(seconds, span.reserve))


def _open(policy: Policy, windows: list[Window], since: datetime, until: datetime) -> list[Span]:
    """When the windows are open; without any, all the time."""
    scopes: dict[Match, list[Span]] = {}
    for one in windows:
        scopes.setdefault(one.match, []).extend(of_window(one, since, until))
    return reduce(common, map(joined, scopes.values())) if scopes else [Span(since, until, policy.timezone)]


# ---------------------------------------------------------------- in words


def said(standing: Standing) -> str:
    """Why not now, and when; "" when it is open."""
    if standing.state == "open":
        return ""
    then = f"the next one: {span_said(standing.next)}" if standing.next else "none that is long enough follows"
    return f"{_why(standing)}; {then}"


def _why(standing: Standing) -> str:
    names, end = ", ".join(standing.by), f"{_at(standing.until, standing.timezone)} {standing.timezone}" if standing.until else ""
    if standing.state == "frozen":
        return f"frozen by {names}{f' ({standing.reason})' if standing.reason else ''} until {end}"
    if end:
        return f"too late: the time for changes ends at {end}, and a change with its way back may take {-(-standing.needs // 60)} min"
    return f"outside its change window ({names})"


def span_said(span: Span) -> str:
    """ "2026-12-05 02:00–04:00 Europe/Berlin" """
    start = _at(span.start, span.timezone)
    if span.end == FOREVER:
        return f"from {start} {span.timezone} on"
    end = _at(span.end, span.timezone)
    return f"{start}–{end[11:] if end[:10] == start[:10] else end} {span.timezone}"


def _at(moment: datetime, timezone: str) -> str:
    return moment.astimezone(place(timezone)).strftime("%Y-%m-%d %H:%M")


def ahead(policy: Policy, now: datetime) -> list[str]:
    """What each window and freeze amounts to next, for whoever reads the policy."""
    return [_next(f"window {one.id}", one, now) for one in policy.windows] + [_next(f"freeze {one.id}", one, now) for one in policy.freezes]


def _next(name: str, one: Window | Freeze, now: datetime) -> str:
    for horizon in HORIZONS:
        found = joined(of_window(one, now, now + horizon) if isinstance(one, Window) else of_freeze(one, now, now + horizon))
        if coming := [span for span in found if span.end > now]:
            return f"{name}: {'now' if coming[0].start <= now else 'next'}, {span_said(coming[0])}"
    return f"{name} is over, or does not come within nine years: take it out"
