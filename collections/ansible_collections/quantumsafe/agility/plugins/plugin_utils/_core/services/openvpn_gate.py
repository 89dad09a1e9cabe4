"""Whether a name may be taken away at one end of an OpenVPN alone: at a server once all that came have shown that they can do without, at a client
once its server has, or where somebody answers for them (docs/tunnels.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model import Wanted
from . import client_gate
from .client_gate import Book, Came, kind, lacking
from .openvpn_link import one_name_for_all
from .openvpn_log import book, same
from .openvpn_seen import Seen

WHOSE = "OpenVPN"
GATED = ("key_exchange", "version", "cipher")
UNNAMED = "agreed on what its log does not name"


def shut(seen: Seen, aspect: str, to: Wanted, together: bool = False) -> str:
    """Why nothing of this aspect may be taken away, with the counts; "" = it may.

    together: those of its other ends that are managed here are known to have what stays.  Of a client that is its one server; whom nobody manages
    may come to a server all the same.
    """
    found, to = _book(seen, aspect), replace(to, names=tuple(same(aspect, name) for name in to.names))
    if seen.config.role == "client":
        return "" if to.answered else next(_several(seen) if together else _by_its_server(seen, found, to), "")
    doubts = _elsewhere(seen)
    return client_gate.shut(to, client_gate.told(WHOSE, found, UNNAMED), (*doubts, *lacking(WHOSE, found, to)))


def _elsewhere(seen: Seen) -> tuple[str, ...]:
    """That who comes now is in no journal."""
    said = seen.config.last("log", "log-append")
    return (f"it writes its log to a file ({said.origin}), and the journal knows nobody",) if said else ()


def _by_its_server(seen: Seen, found: Book | None, to: Wanted) -> Iterator[str]:
    """Why what a client agreed on last says too little, the worst first."""
    yield from _elsewhere(seen)
    yield from _several(seen)
    newest = max(found.came, key=lambda one: one.last, default=None) if found else None
    if newest is None:
        yield f"the journal of {WHOSE} names no session of it (verb 3 makes it do so), so nobody knows what its server can do"
    elif not newest.agreed:
        yield f"{seen.label} does not name in its log what it agreed on with its server"
    elif kind(Came(1, newest.agreed, (), 0, 0), to.names) != "with":
        yield f"with its server it agreed on {newest.agreed} last ({client_gate.moment(newest.last)})"


def _several(seen: Seen) -> Iterator[str]:
    if sum(one.option.name == "remote" for one in seen.config.said) != 1:
        yield "it calls several servers, and what it agreed on with one says nothing of the others"


def told(seen: Seen) -> str:
    """What the journal says of those who came to a server, for a person; "" = it is no server, or has no journal."""
    found = _book(seen, "key_exchange") if seen.config.role == "server" else None
    return client_gate.told(WHOSE, found, UNNAMED) if found else ""


def facts_of(seen: Seen) -> tuple[str, ...]:
    """The same for a program."""
    return tuple(client_gate.facts(_book(seen, "key_exchange"))) if seen.config.role == "server" else ()


def _book(seen: Seen, aspect: str) -> Book | None:
    return book(seen.snapshot, seen.config.unit, aspect, one_name_for_all(seen.config))
