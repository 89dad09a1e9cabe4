"""Which tunnels of strongSwan, libreswan and OpenVPN can be moved, and in which order their hosts are changed: a hub before its spokes, and behind
them where something is taken away.  Links as links.json holds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..waves.cut import size
from .planned import Step

Plain = Mapping[str, Any]
MOVABLE = ("able", "agreed", "moved")
ALIKE = ("strongswan", "openvpn")
MIXED = ("libreswan", "libreswan and strongswan", "strongswan-legacy", "strongswan and strongswan-legacy")
SIZES = ("1", "100%")  # of the waves of one layer: a canary, then the rest


def movable(links: Sequence[Plain]) -> list[Plain]:
    """Both ends are swanctl or OpenVPN, managed here, and can do it.  With libreswan or ipsec.conf of
    strongSwan to whatever both can, if that is no ML-KEM, and none that takes anybody."""
    found = [one for one in links if one["service"] in ALIKE and one["verdict"]["state"] in MOVABLE]
    return [*found, *(one for one in links if one["service"] in MIXED and not one["hub"] and _common(one))]


def _common(link: Plain) -> bool:
    """Whether both ends can do the same, and come together now."""
    main = link["channels"][0]
    able = link["verdict"]["state"] in (*MOVABLE, "unable") and main.get("able") and main["sides"][1]["managed"]
    return bool(able) and not any(one["fails"] for channel in link["channels"] for one in channel["would"])


def hosts_of(link: Plain) -> tuple[str, str]:
    one, other = link["channels"][0]["sides"]
    return str(one["host"]), str(other["host"])


def pairs(found: Sequence[Plain]) -> list[Plain]:
    """Of movable links those of which neither end has another: their two hosts move at once."""
    count = Counter(host for one in found for host in hosts_of(one))
    return [one for one in found if not one["hub"] and all(count[host] == 1 for host in hosts_of(one))]


def batches(links: Sequence[Plain], hosts: Sequence[str], step: Step, sizes: Sequence[str] = SIZES) -> tuple[tuple[str, ...], ...]:
    """Every host in one.  No two ends of one tunnel are in the same, but those of pairs: all of these, and who has no tunnel, are the last batch.

    Raises Problem for a size that is none.
    """
    found = movable(links)
    alone = pairs(found)
    linked = [one for one in found if one not in alone and set(hosts_of(one)) <= set(hosts)]
    layers = _layers([hosts_of(one) for one in linked], {one["hub"] for one in linked})
    out = [batch for layer in (layers if step == "expand" else layers[::-1]) for batch in _cut(layer, sizes or SIZES)]
    rest = tuple(host for host in hosts if not any(host in batch for batch in out))
    return (*out, rest) if rest else tuple(out)


def early(links: Sequence[Plain], found: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Hosts of which a tunnel is changed at its other end in a later one of these batches: what they list is another then."""
    number = {host: place for place, batch in enumerate(found) for host in batch}
    places = [{host: number.get(host, 0) for host in hosts_of(one)} for one in movable(links)]
    return tuple(host for host in number if any(host in both and both[host] < max(both.values()) for both in places))


def _layers(linked: Sequence[tuple[str, str]], hubs: Collection[str]) -> list[list[str]]:
    """Who is a hub, or has more tunnels, comes in an earlier one than the other ends of these."""
    near: dict[str, set[str]] = {}
    for one, other in linked:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    count = Counter(host for both in linked for host in both)
    level: dict[str, int] = {}
    for host in sorted(near, key=lambda name: (name not in hubs, -len(near[name]), -count[name], name)):
        level[host] = 1 + max((level[other] for other in near[host] if other in level), default=-1)
    return [[host for host in sorted(level) if level[host] == number] for number in range(max(level.values(), default=-1) + 1)]


def _cut(layer: Sequence[str], sizes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """As Ansible's serial does it: the last size is taken again until no host is left."""
    known = [size(one, len(layer), "agility_serial") for one in sizes]
    begin = 0
    while begin < len(layer):
        room = known.pop(0) if len(known) > 1 else known[0]
        yield tuple(layer[begin : begin + room])
        begin += room
