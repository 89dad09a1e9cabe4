"""Whether something may be taken from clients that nobody here manages: a connection that takes anybody, moved at this end alone.

Open only where each that came, over as many days as the policy names, agreed on what stays or offered it, or where somebody answers for them.
Whoever never came in that time is unknown, and no count makes him known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ..model import Wanted
from . import strongswan_vici as vici
from .ike_clients import Clients, clients, one_peer
from .strongswan_link import called, facts
from .strongswan_log import Came, Log, log
from .strongswan_seen import Seen

MINUTE, DAY = 60, 86400
WAY = (
    "keep the stage at prefer; or let the policy name how long all that come are watched (clients: watch), or who answers for "
    "them (clients: acknowledge); hubs move with all their spokes (migrate_links)"
)


def anybody(seen: Seen) -> bool:
    """Whether its connection takes anybody."""
    said = [fact.partition("=")[::2] for fact in facts(Seen(seen.snapshot, seen.config, seen.daemon, seen.name))]
    return not one_peer(*([value for key, value in said if key == name] for name in ("remote_addrs", "remote_id")))


def shut(seen: Seen, to: Wanted) -> str:
    """Why nothing may be taken from its clients, with the counts; "" = it may."""
    if to.answered:
        return ""
    found, now = log(seen.snapshot), _now(seen)
    said = f"{now.said()}; {told(found, seen)}"
    if not to.watched:
        return f"{said}; the policy names no time over which they are watched"
    why = next(_lacking(seen, to, found, now), "")
    return f"{why}; {said}" if why else ""


def _lacking(seen: Seen, to: Wanted, found: Log | None, now: Clients) -> Iterator[str]:
    """Why it is shut, the worst first."""
    if found is None:
        yield "the journal of charon cannot be read, so nobody knows who came"
        return
    asked, reach = to.watched * MINUTE, found.now - found.since
    recent = [one for one in found.came(seen.name, seen.protocol) if one.last > found.now - asked]
    without, unknown = (sum(one.clients for one in recent if _kind(one, to.names) == kind) for kind in ("without", "unknown"))
    count = sum(one.clients for one in recent)
    if reach < asked:
        yield f"the journal of charon reaches back {_time(reach)}, and the policy asks for {_time(asked)}"
    if without or unknown:
        yield f"in {_time(asked)} {count} came: {without} did not offer what stays, of {unknown} it is not known"
    if not recent:
        yield f"nobody came in {_time(asked)}, so nobody knows who would be cut off"
    if now.classical or now.untold:
        yield "an SA of now was agreed on without it"
    if len(now.safe) > count:
        yield "there are more clients with an SA than the journal names, so it is not whole"


def _kind(one: Came, stay: Sequence[str]) -> str:
    if one.agreed in stay or set(one.offered) & set(stay):
        return "with"
    return "without" if one.agreed or one.offered else "unknown"


def told(found: Log | None, seen: Seen) -> str:
    """What the journal says of its clients, for a person."""
    if found is None:
        return "the journal of charon cannot be read"
    parts = [f"{one.clients} {_did(one)}" for one in found.came(seen.name, seen.protocol)]
    came = f"of those who came {', '.join(parts)}" if parts else "nobody is known to have come"
    return f"since {moment(found.since)} {came}; whoever did not come is unknown"


def _did(one: Came) -> str:
    agreed = f"agreed on {one.agreed} (last {moment(one.last)})" if one.agreed else "had no exchange of its own yet"
    return f"{agreed}, offered {', '.join(one.offered)}" if one.offered else agreed


def facts_of(seen: Seen) -> Iterator[str]:
    """The same for a program: how far the journal reaches, and a fact a kind of client."""
    found = log(seen.snapshot)
    if found is None:
        return
    yield f"since={moment(found.since)}"
    for one in found.came(seen.name, seen.protocol):
        offered = ",".join(one.offered) or "?"
        yield f"came={one.clients} agreed={one.agreed or '?'} offered={offered} first={moment(one.first)} last={moment(one.last)}"


def _now(seen: Seen) -> Clients:
    """Who has an SA; a child that was born with its IKE SA has no exchange of its own, and says nothing."""
    exchanges = [(called(seen, tree), vici.exchange(tree)) for tree in seen.agreed()]
    return clients(row for row in exchanges if row[1] or not seen.child)


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(seconds: int) -> str:
    return f"{seconds // DAY} days" if seconds >= 2 * DAY else f"{seconds // MINUTE} minutes"
