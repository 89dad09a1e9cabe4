"""What the two services of ipsec.conf have in common: they read it in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from ..model import Answer, Change, Collect, Endpoint, Origin, Snapshot, Wishes
from ..service import Service, once
from .ipsec_conf import Config, Conn, Entry, belongs, config


class Seen(Protocol):
    """A connection, or what carries its packets."""

    @property
    def id(self) -> str: ...
    @property
    def conn(self) -> Conn: ...
    @property
    def entry(self) -> Entry | None: ...
    def endpoint(self) -> Endpoint: ...


S = TypeVar("S", bound=Seen)


def seen_by(service: str, work: Callable[[Snapshot], Iterable[S]]) -> Callable[[Snapshot], tuple[S, ...]]:
    """Worked out once for a snapshot: each connection, and behind it what carries its packets."""
    return lambda snapshot: once(snapshot, service, lambda shown: tuple(work(shown)))


def own(snapshot: Snapshot, asked: str, version: Callable[[Answer | None], str]) -> Config | None:
    """None also where `ipsec` is another's: both have the same file and the same command.  asked: the question for its version."""
    answer = snapshot.answers.get(asked)
    return config(snapshot) if belongs(answer, version(answer)) else None


def service(
    name: str,
    collect: Collect,
    of: Callable[[Snapshot], tuple[Seen, ...]],
    mine: Callable[[Snapshot], Config | None],
    write: Callable[[Snapshot, Wishes], tuple[Change, ...]],
    **more: Any,
) -> Service:

    def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
        return tuple(seen.endpoint() for seen in of(snapshot))

    def missing(snapshot: Snapshot) -> tuple[str, ...]:
        found = mine(snapshot)
        return tuple(sorted(set(found.unseen))) if found else ()

    return Service(name=name, protocol="ikev2", collect=collect, read=read, write=write, missing=missing, **more)


def where(seen: Seen) -> Origin:
    """What would have to be edited."""
    return seen.entry.origin if seen.entry else seen.conn.origin
