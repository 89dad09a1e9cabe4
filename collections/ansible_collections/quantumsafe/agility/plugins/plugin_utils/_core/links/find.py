"""The links of a fleet: pairs, hubs with their spokes, and ends whose other end nobody here manages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ..services.ike_clients import clients
from .agree import agreements
from .end import End, Sa, ends
from .link import Channel, Hub, Link, Side, Verdict
from .match import children, fits, named, one_peer, sas
from .verdict import judge, partner

Hosts = Mapping[str, tuple[Mapping[str, Any], ...]]
ANYBODY = "anybody who is let in"


def find(hosts: Hosts, names: Mapping[str, tuple[str, ...]]) -> tuple[Link, ...]:
    """hosts: endpoints by host, as results hold them.  names: what else a host is called, its addresses among it."""
    found = [one for host, endpoints in sorted(hosts.items()) for one in ends(host, names.get(host, ()), endpoints)]
    mains = [one for one in found if one.protocol != "esp"]
    inner = {id(main): _children(main, found) for main in mains}
    unseen = {name: host for host, said in names.items() if host not in hosts for name in (host, *said)}
    pairs = _pairs(mains)
    counted = Counter(id(one) for pair in pairs for one in pair)
    out = [_pair(a, b, inner, next((one.host for one in (a, b) if counted[id(one)] > 1 or not one_peer(one)), "")) for a, b in pairs]
    for one in mains:
        met = [b if a is one else a for a, b in pairs if one in (a, b)]
        out += [_partner(one, whom, inner[id(one)], unseen) for whom in _partners(one, met)]
    return tuple(sorted(out, key=lambda link: (link.service, [(side.host, side.endpoint) for side in link.channels[0].sides])))


def hubs(looks: Sequence[tuple[str, str, tuple[Mapping[str, Any], ...]]]) -> tuple[Hub, ...]:
    """Connections that take anybody, with what their clients agreed on, whoever manages those.

    looks: (when, host, its endpoints), several of a host.
    """
    seen: dict[tuple[str, str], list[tuple[str, End]]] = {}
    for when, host, endpoints in sorted(looks, key=lambda look: look[:2]):
        for one in ends(host, (), endpoints):
            if one.protocol == "ikev2" and not one_peer(one):
                seen.setdefault((host, one.name), []).append((when, one))
    return tuple(
        Hub(
            host,
            name,
            found[0][0],
            len(found),
            clients((sa.identity or sa.address, sa.exchange) for dummy, one in found for sa in one.sas),
            found[-1][1].settings.get("clients", ()),
        )
        for (host, name), found in sorted(seen.items())
    )


def _children(main: End, found: Sequence[End]) -> tuple[End, ...]:
    return tuple(one for one in found if (one.host, one.protocol) == (main.host, "esp") and one.id.startswith(f"{main.id}/"))


def _pairs(mains: Sequence[End]) -> list[tuple[End, End]]:
    """The surest first; who is meant for one other end is in one pair."""
    scored = [(score, a, b) for a, b in combinations(mains, 2) if (score := fits(a, b)) is not None]
    taken: set[int] = set()
    out = []
    for dummy, a, b in sorted(scored, key=lambda row: -row[0]):
        if not {id(a), id(b)} & taken:
            out.append((a, b))
            taken |= {id(one) for one in (a, b) if one_peer(one)}
    return out


def _pair(a: End, b: End, inner: Mapping[int, tuple[End, ...]], hub: str) -> Link:
    both = [(one, two, agreements(one, two)) for one, two in ((a, b), *children(inner[id(a)], inner[id(b)]))]
    channels = tuple(
        Channel(one.protocol, (_side(one, sas(one, two, a)), _side(two, sas(two, one, b))), would, _able(one, two)) for one, two, would in both
    )
    return Link(" and ".join(sorted({a.service, b.service})), channels, hub, judge(both))


def _able(one: End, two: End) -> tuple[str, ...]:
    """Of IPsec, in one spelling."""
    return tuple(name for name in one.able or () if name in (two.able or ())) if one.protocol in ("ikev2", "esp") else ()


def _partner(one: End, whom: str, inner: tuple[End, ...], unseen: Mapping[str, str]) -> Link:
    """unseen: names of hosts of the inventory that are in no result."""
    called = {part for name in _calls(one) for part in (name, name.rpartition(":")[0])}
    host = next((host for name, host in unseen.items() if name in called), "")
    other = Side(host or whom, version="not looked at" if host else "", managed=False)
    mine = {end.id: tuple(sa for sa in end.sas if one_peer(one) or whom in (sa.identity, sa.address)) for end in (one, *inner)}
    channels = tuple(Channel(end.protocol, (_side(end, mine[end.id]), other)) for end in (one, *inner))
    said = Verdict("unknown", f"{host} was not looked at: audit both ends") if host else partner(one, whom)
    return Link(one.service, channels, "" if one_peer(one) else one.host, said)


def _side(end: End, mine: tuple[Sa, ...]) -> Side:
    """mine: of its SAs those of this link."""
    did = end.settings.get("sa", ())
    if len(mine) < len(end.sas):
        did = tuple(suite for one, suite in zip(end.sas, did, strict=False) if one in mine)
    if end.protocol == "openvpn":
        did = end.all("met")
    if end.protocol == "wireguard":
        did = tuple(f"handshake {seconds} s ago" for seconds in end.all("met"))
    return Side(end.host, end.name, end.version, True, end.offers, did, end.service)


def _partners(one: End, met: Sequence[End]) -> Iterator[str]:
    """Who else is at the other end: whom an SA names and nobody here manages, whom it is meant for, or anybody."""
    if one_peer(one):
        if not met:
            yield _called(one)
        return
    mine = {number for other in met for number in other.numbers}
    strange = [sa.identity or sa.address for sa in one.sas if sa.number not in mine]
    known = {name for other in met for name in (*other.names, *other.all("local_id"))}
    others = [whom for whom in dict.fromkeys(strange) if whom not in known]
    yield from others or ([] if met else [ANYBODY])


def _called(one: End) -> str:
    return next(iter(_calls(one)), f"the owner of {one.one('peer')[:8]}…")


def _calls(one: End) -> tuple[str, ...]:
    """Whatever it says of its other end; ports go with addresses in WireGuard and OpenVPN."""
    return (*named(one.all("remote_id")), *named(one.all("remote_addrs")), *one.all("remote"))
