"""The contract of a daemon: what one file in services/ declares, and all that the other rooms know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from .credentials import Asking, Pair, Serving, Showing
from .grant import Grant
from .model import Activation, Change, Collect, Endpoint, Origin, Protocol, Snapshot, Wishes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """A daemon, declared.  One file in services/ makes one of these; nothing else knows the daemon's name.

    read(snapshot): the endpoints of this service on that host; () when it is not there.  Raises Unparsable.
    write(snapshot, wishes): the fewest line edits that make these wishes effective, all endpoints of the service at once
    (one Change a file); raises Inexpressible, never writes less than asked.
    activation(snapshot, endpoints): how the new configuration is checked and taken up.
    missing(snapshot): globs of files that the configuration refers to and the snapshot lacks; () when complete (asked again, once).
    later(snapshot): commands that only such a host needs to be asked, in a look of their own, once.
    servings(snapshot): what it serves where.  rebind(snapshot, {origin of a binding: new pairs}): the edits that name the first pair in
    its place and the others behind it; raises Inexpressible.  Without them the service has no certificates that we can rotate.
    askings(snapshot): where it asks clients for a certificate; showings(snapshot): where it shows one itself, and rebind takes those origins, too.
    holds(snapshot): further paths of keys by role (host_key, host_certificate, trusted_user_ca, revoked, authorized_keys: patterns).
    warns(snapshot, wishes): what a person should know before these are written; nothing here stops it.
    narrow: like write, for one end of a tunnel whose other end takes the same away together with it.
    widen: like write, for one end of a tunnel whose other end moves together with it; None = write does that.
    one_by_one: activation takes up the endpoints that it is given and no other, so it is given those that change.
    suites: protocol → kind → the words of which widen makes new sets of ciphers, MACs and PRFs; None = it adds exchanges alone.
    grant: what an installed agent may do for it; None = it only looks.
    """

    name: str
    protocol: Protocol
    collect: Collect
    read: Callable[[Snapshot], tuple[Endpoint, ...]]
    write: Callable[[Snapshot, Wishes], tuple[Change, ...]]
    activation: Callable[[Snapshot, tuple[Endpoint, ...]], Activation]
    missing: Callable[[Snapshot], tuple[str, ...]]
    later: Callable[[Snapshot], Mapping[str, tuple[str, ...]]] | None = None
    servings: Callable[[Snapshot], tuple[Serving, ...]] | None = None
    rebind: Callable[[Snapshot, Mapping[Origin, tuple[Pair, ...]]], tuple[Change, ...]] | None = None
    askings: Callable[[Snapshot], tuple[Asking, ...]] | None = None
    showings: Callable[[Snapshot], tuple[Showing, ...]] | None = None
    grant: Grant | None = None
    holds: Callable[[Snapshot], Mapping[str, tuple[str, ...]]] | None = None
    warns: Callable[[Snapshot, Wishes], tuple[str, ...]] | None = None
    narrow: Callable[[Snapshot, Wishes], tuple[Change, ...]] | None = None
    widen: Callable[[Snapshot, Wishes], tuple[Change, ...]] | None = None
    suites: Mapping[Protocol, Mapping[str, tuple[str, ...]]] | None = None
    one_by_one: bool = False


def once(snapshot: Snapshot, service: str, work: Callable[[Snapshot], T]) -> T:
    """What a service works out of a snapshot, once for each: one look asks what is missing, reads and writes."""
    if service not in snapshot.seen:
        snapshot.seen[service] = work(snapshot)
    return cast("T", snapshot.seen[service])
