"""Which two ends are one tunnel.  A number says how sure that is; None: they are not.

IKE: an SA that both have decides; else each end's idea of the other (addresses, identities) has to fit, and at least one of them has to name the
other.  An address that does not fit may be that of a NAT, if the identity fits.  WireGuard: each has the other's public key; of several tunnels
between the same keys the ports decide.  OpenVPN: a client calls the host of a server, and its port.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from ..services.ike_clients import ANYBODY
from ..services.ike_clients import one_peer as meant
from .end import End, Sa

SURE = 100


def fits(a: End, b: End) -> int | None:
    if a.host == b.host or a.protocol != b.protocol:
        return None
    return {"ikev2": _ike, "wireguard": _wireguard, "openvpn": _openvpn}[a.protocol](a, b)


def one_peer(end: End) -> bool:
    """Whether it is meant for one other end; else it is a hub."""
    if end.protocol == "ikev2":
        return meant(end.all("remote_addrs"), end.all("remote_id"))
    return end.protocol == "wireguard" or end.role == "client"


def _ike(a: End, b: End) -> int | None:
    if a.numbers & b.numbers:
        return SURE
    views = (_sees(a, b), _sees(b, a))
    if any(view is None for view in views):
        return None
    return sum(view or 0 for view in views) or None


def _sees(one: End, other: End) -> int | None:
    """How well what `one` says of its peer fits the `other`: 0 = it takes anybody."""
    wanted, is_ = named(one.all("remote_id")), named(other.all("local_id"))
    if wanted and is_ and not any(fnmatchcase(_plain(name), _plain(pattern)) for name in is_ for pattern in wanted):
        return None
    known = 3 if wanted and is_ and not any("*" in pattern for pattern in wanted) else 0
    wanted = named(one.all("remote_addrs"))
    here = {*named(other.all("local_addrs")), *other.names}
    if wanted and not here.intersection(wanted):
        return known or None
    return known + (2 if wanted else 0)


def named(said: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in said if one not in ANYBODY)


def _plain(identity: str) -> str:
    return identity.strip('"').removeprefix("fqdn:").removeprefix("@").replace(", ", ",").lower()


def _wireguard(a: End, b: End) -> int | None:
    if not a.one("own") or (a.one("own"), a.one("peer")) != (b.one("peer"), b.one("own")):
        return None
    return 3 + sum(_port(x.one("remote")) in y.ports for x, y in ((a, b), (b, a)))


def _openvpn(a: End, b: End) -> int | None:
    client, server = (a, b) if a.role == "client" else (b, a)
    if (client.role, server.role) != ("client", "server"):
        return None
    called = [one.rpartition(":") for one in client.all("remote")]
    return 2 if any(host in server.names and _port(f":{port}") in server.ports for host, dummy, port in called) else None


def _port(remote: str) -> int:
    """Of "address:port"; 0 where it is none."""
    port = remote.rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def sas(end: End, other: End, main: End) -> tuple[Sa, ...]:
    """Those of this link: what both list, and of a connection (main) that is for one peer whatever it has."""
    both = end.numbers & other.numbers
    return tuple(one for one in end.sas if one.number in both or one_peer(main))


def children(mine: tuple[End, ...], theirs: tuple[End, ...]) -> tuple[tuple[End, End], ...]:
    """The children of a pair of connections, side by side: by an SA of both, by selectors the other way round, by name, or because there is one."""
    left = list(theirs)
    out = []
    for one in mine:
        found = max(left, key=lambda two: _alike(one, two, len(mine) == len(theirs) == 1), default=None)
        if found and _alike(one, found, len(mine) == len(theirs) == 1):
            left.remove(found)
            out.append((one, found))
    return tuple(out)


def _alike(a: End, b: End, alone: bool) -> int:
    if a.numbers & b.numbers:
        return 4
    if set(a.all("local_ts")) == set(b.all("remote_ts")) and set(a.all("remote_ts")) == set(b.all("local_ts")):
        return 3
    return 2 if a.name.rpartition("/")[2] == b.name.rpartition("/")[2] else int(alone)
