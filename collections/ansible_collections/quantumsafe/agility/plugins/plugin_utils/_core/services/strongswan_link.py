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
        yield f"sa={numbers(tree, bool(seen.child))} {vici.exchange(tree) or '-'} {_whom(seen, tree)}".rstrip()


def takes(seen: Seen) -> Clients | None:
    """Who has an SA of a connection that takes anybody; None = it is meant for one other end."""
    said = [fact.partition("=")[::2] for fact in facts(seen)]
    if seen.child or one_peer(*([value for key, value in said if key == name] for name in ("remote_addrs", "remote_id"))):
        return None
    return clients((called(seen, tree), vici.exchange(tree)) for tree in seen.agreed())


def of_users(seen: Seen) -> bool:
    """Whether persons log in there (EAP, XAuth): their names and addresses are kept out of everything."""
    names = (name for name in seen.connection.names() if name.startswith("remote"))
    return any(seen.connection.child(name).text("auth").startswith(("eap", "xauth")) for name in names)


def called(seen: Seen, tree: vici.Tree) -> str:
    """Who is at the other end of an SA; a person by a number of that SA."""
    if of_users(seen):
        return f"user-{tree.values.get('uniqueid', '')}"
    return tree.values.get("remote-id") or tree.values.get("remote-host", "")


def numbers(tree: vici.Tree, child: bool) -> str:
    """Of an SA; those of a child are in and out, the other way round at the other end."""
    names = ("spi-in", "spi-out") if child else ("initiator-spi", "responder-spi")
    found = [tree.values.get(name, "") for name in names]
    return "-".join(sorted(found) if child else found)


def _whom(seen: Seen, tree: vici.Tree) -> str:
    if of_users(seen):
        return f"- {called(seen, tree)}" if not seen.child else ""
    values = tree.values
    return f"{values.get('remote-host', '')} {values.get('remote-id', '')}".strip()
