"""Stretches of time in UTC, from the local times of a policy.

A clock that is put forward or back makes some local times void and others double.  RFC 5545, section 3.3.5, reads a void one by the offset
before the change and takes the first of a double one; section 3.8.5.3 and habit differ on whether two hours are two hours then, or end where the
clock says so.  Of two readings the careful one counts here: a window is the shorter, a freeze the longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from ..policy.calendar import begins, ends, place
from ..policy.model import Event, Freeze, Window
from ..policy.recur import starts

DAY = timedelta(days=1)
FOREVER = datetime.max.replace(tzinfo=UTC)  # as far as anybody looks


@dataclass(frozen=True, slots=True)
class Span:
    """From start up to end.  reserve: seconds at its end in which nothing begins.  timezone: in which to tell it."""

    start: datetime
    end: datetime
    timezone: str
    reserve: int = 0


def of_window(window: Window, since: datetime, until: datetime) -> Iterator[Span]:
    """When it is open between the two."""
    if window.rrule:
        length, zone = timedelta(minutes=window.duration), place(window.timezone)
        for start in starts(window.rrule, _new_year(since - length), *_around(since - length, until, zone), zone):
            yield from _short(start, start + length, window.timezone, window.reserve)
    for event in window.events:
        for start, end in _times(event, since, until):
            yield from _short(start, end, event.timezone, window.reserve)


def of_freeze(freeze: Freeze, since: datetime, until: datetime) -> Iterator[Span]:
    """When it holds between the two; its last moment is included."""
    events = (Event(freeze.start, freeze.end, freeze.timezone), *freeze.events) if freeze.start else freeze.events
    for event in events:
        for start, end in _times(event, since, until):
            yield _long(start, end, event.timezone)


def _times(event: Event, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """(start, end) in local time."""
    first, last, zone = begins(event.start), ends(event.end), place(event.timezone)
    length = last - first
    after, before = _around(since - length, until, zone)
    found = starts(event.rrule, first, after, before, zone) if event.rrule else [first] if after <= first <= before else []
    left_out = {text for text in event.without if "T" not in text}, {begins(text) for text in event.without if "T" in text}
    for start in found:
        if start.date().isoformat() not in left_out[0] and start not in left_out[1]:
            yield start, start + length


def _around(since: datetime, until: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The two in local time, and a day more on either side: no offset is larger."""
    return since.astimezone(zone).replace(tzinfo=None) - DAY, until.astimezone(zone).replace(tzinfo=None) + DAY


def _new_year(moment: datetime) -> datetime:
    """What to count from where nothing is counted: so far back that the first, broken week or month is long over."""
    return datetime(moment.year - 1, 1, 1)


def _utc(moment: datetime, zone: tzinfo, fold: int = 0) -> datetime:
    return moment.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _short(start: datetime, end: datetime, timezone: str, reserve: int) -> Iterator[Span]:
    """The careful reading of a window; nothing where the change of the clock swallows it."""
    zone = place(timezone)
    begin = _utc(start, zone)
    over = min(begin + (end - start), _utc(end, zone))
    if begin < over:
        yield Span(begin, over, timezone, reserve * 60)


def _long(start: datetime, end: datetime, timezone: str) -> Span:
    """The careful reading of a freeze."""
    zone = place(timezone)
    begin = min(_utc(start, zone, fold) for fold in (0, 1))
    return Span(begin, max(begin + (end - start), *(_utc(end, zone, fold) for fold in (0, 1))), timezone)


# ---------------------------------------------------------------- together


def joined(spans: Iterable[Span]) -> list[Span]:
    """What overlaps or adjoins is one; its reserve is that of what ends last."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        if out and span.start <= out[-1].end:
            last = max(out[-1], span, key=lambda one: (one.end, one.reserve))
            out[-1] = replace(out[-1], end=last.end, reserve=last.reserve)
        else:
            out.append(span)
    return out


def common(some: list[Span], others: list[Span]) -> list[Span]:
    """When both are open.  Each of the two is joined."""
    out, mine, theirs = [], iter(some), iter(others)
    one, other = next(mine, None), next(theirs, None)
    while one and other:
        later, end = max(one, other, key=lambda span: span.start), min(one.end, other.end)
        if later.start < end:
            out.append(Span(later.start, end, later.timezone, max(one.reserve, other.reserve)))
        if one.end <= other.end:
            one = next(mine, None)
        else:
            other = next(theirs, None)
    return out


def without(spans: Iterable[Span], frozen: Iterable[Span]) -> list[Span]:
    """What the freezes leave."""
    left = list(spans)
    for freeze in frozen:
        cut = ((replace(span, end=min(span.end, freeze.start)), replace(span, start=max(span.start, freeze.end))) for span in left)
        left = [part for parts in cut for part in parts if part.start < part.end]
    return left
