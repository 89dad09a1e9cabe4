"""What tells which connection of another host is the other end of this one: addresses, identities, selectors, and the numbers of its SAs.

An SA has the same two numbers at both ends (RFC 7296, 3.1; RFC 4301, 4.1), so who shares one is linked, whatever the files say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import strongswan_vici as vici
from .ike_clients import Clients, clients, one_peer
from .ike_proposal import split

if TYPE_CHECKING:
    from .strongswan_seen import Seen


def facts(seen: Seen) -> Iterator[str]:
    """ "key=value", a key as often as it has values."""
    for name in ("local_ts", "remote_ts") if seen.child else ("local_addrs", "remote_addrs"):
        for one in split(seen.view.text(name, "dynamic" if seen.child else "%any")):
            yield f"{name}={one}"
    for side in ("local", "remote") if not seen.child else ():
        for name in seen.connection.names():
            if name.startswith(side) and (id_ := seen.connection.child(name).text("id")):
                yield f"{side}_id={id_}"
    for tree in seen.agreed():
        yield f"sa={numbers(tree, bool(seen.child))} {vici.exchange(tree) or '-'} {_whom(tree)}".rstrip()


def takes(seen: Seen) -> Clients | None:
    """Who has an SA of a connection that takes anybody; None = it is meant for one other end."""
    said = [fact.partition("=")[::2] for fact in facts(seen)]
    if seen.child or one_peer(*([value for key, value in said if key == name] for name in ("remote_addrs", "remote_id"))):
        return None
    return clients((tree.values.get("remote-id") or tree.values.get("remote-host", ""), vici.exchange(tree)) for tree in seen.agreed())


def numbers(tree: vici.Tree, child: bool) -> str:
    """Of an SA; those of a child are in and out, the other way round at the other end."""
    names = ("spi-in", "spi-out") if child else ("initiator-spi", "responder-spi")
    found = [tree.values.get(name, "") for name in names]
    return "-".join(sorted(found) if child else found)


def _whom(tree: vici.Tree) -> str:
    values = tree.values
    return f"{values.get('remote-host', '')} {values.get('remote-id', '')}".strip()
