"""Whether something may be taken from those who come to a server and whom nobody here manages, by what its journal tells of them.

Open only where each that came, over as many days as the policy names, agreed on what stays or offered it, or where somebody answers for them.
Whoever never came in that time is unknown, and no count makes him known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..model import Wanted

MINUTE, DAY = 60, 86400


@dataclass(frozen=True, slots=True)
class Came:
    """Clients that are alike.  agreed: the exchange, "" = none of its own, or not told.  offered: all that they offered, () = that is not logged.

    first, last: when one of them was let in, in seconds of the host's clock.
    """

    clients: int
    agreed: str
    offered: tuple[str, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Book:
    """Who came to one connection.  since: how far back it reaches; now: the host's clock; did: what it tells of those who can ("offer")."""

    since: int
    now: int
    came: tuple[Came, ...]
    did: str = "offer"

    def recent(self, minutes: int) -> tuple[Came, ...]:
        return tuple(one for one in self.came if one.last > self.now - minutes * MINUTE)


def shut(to: Wanted, said: str, lacks: Iterable[str]) -> str:
    """Why nothing may be taken from them, "" = it may.  said: the counts; lacks: why not, the worst first."""
    if to.answered:
        return ""
    if not to.watched:
        return f"{said}; the policy names no time over which they are watched"
    why = next(iter(lacks), "")
    return f"{why}; {said}" if why else ""


def lacking(whose: str, book: Book | None, to: Wanted) -> Iterator[str]:
    """Why it is shut, the worst first.  book None = the journal cannot be read."""
    if book is None:
        yield f"the journal of {whose} cannot be read, so nobody knows who came"
        return
    asked, reach, recent = to.watched * MINUTE, book.now - book.since, book.recent(to.watched)
    without, unknown = (sum(one.clients for one in recent if kind(one, to.names) == wanted) for wanted in ("without", "unknown"))
    if reach < asked:
        yield f"the journal of {whose} reaches back {_time(reach)}, and the policy asks for {_time(asked)}"
    if without or unknown:
        count = sum(one.clients for one in recent)
        yield f"in {_time(asked)} {count} came: {without} did not {book.did} what stays, of {unknown} it is not known"
    if not recent:
        yield f"nobody came in {_time(asked)}, so nobody knows who would be cut off"


def kind(one: Came, stay: Sequence[str]) -> str:
    if one.agreed in stay or set(one.offered) & set(stay):
        return "with"
    return "without" if one.agreed or one.offered else "unknown"


def told(whose: str, book: Book | None, nothing: str) -> str:
    """What it says of its clients, for a person.  nothing: what it is not to have agreed on anything that is named."""
    if book is None:
        return f"the journal of {whose} cannot be read"
    parts = [f"{one.clients} {_did(one, nothing)}" for one in book.came]
    came = f"of those who came {', '.join(parts)}" if parts else "nobody is known to have come"
    return f"since {moment(book.since)} {came}; whoever did not come is unknown"


def _did(one: Came, nothing: str) -> str:
    agreed = f"agreed on {one.agreed} (last {moment(one.last)})" if one.agreed else nothing
    return f"{agreed}, offered {', '.join(one.offered)}" if one.offered else agreed


def facts(book: Book | None) -> Iterator[str]:
    """The same for a program: how far it reaches, and a fact a kind of client."""
    if book is None:
        return
    yield f"since={moment(book.since)}"
    for one in book.came:
        offered = ",".join(one.offered) or "?"
        yield f"came={one.clients} agreed={one.agreed or '?'} offered={offered} first={moment(one.first)} last={moment(one.last)}"


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(seconds: int) -> str:
    return f"{seconds // DAY} days" if seconds >= 2 * DAY else f"{seconds // MINUTE} minutes"
