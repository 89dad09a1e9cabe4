"""Whether something may be taken from clients that nobody here manages: a connection that takes anybody, moved at this end alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ..model import Wanted
from . import client_gate
from . import strongswan_vici as vici
from .client_gate import Book, lacking
from .ike_clients import Clients, clients, one_peer
from .strongswan_link import called, facts
from .strongswan_log import book
from .strongswan_seen import Seen

WHOSE = "charon"
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
    now, found = _now(seen), _book(seen)
    return client_gate.shut(to, f"{now.said()}; {told(seen)}", chain(lacking(WHOSE, found, to), _doubts(now, found, to)))


def _doubts(now: Clients, found: Book | None, to: Wanted) -> Iterator[str]:
    """What the SAs of now say against it."""
    if now.classical or now.untold:
        yield "an SA of now was agreed on without it"
    if found and len(now.safe) > sum(one.clients for one in found.recent(to.watched)):
        yield "there are more clients with an SA than the journal names, so it is not whole"


def told(seen: Seen) -> str:
    """What the journal says of its clients, for a person."""
    return client_gate.told(WHOSE, _book(seen), "had no exchange of its own yet")


def facts_of(seen: Seen) -> Iterator[str]:
    """The same for a program."""
    return client_gate.facts(_book(seen))


def _book(seen: Seen) -> Book | None:
    return book(seen.snapshot, seen.name, seen.protocol)


def _now(seen: Seen) -> Clients:
    """Who has an SA; a child that was born with its IKE SA has no exchange of its own, and says nothing."""
    exchanges = [(called(seen, tree), vici.exchange(tree)) for tree in seen.agreed()]
    return clients(row for row in exchanges if row[1] or not seen.child)
