# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: of which tunnels of strongSwan, libreswan and OpenVPN a host is an end, as this run saw both ends, and what changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._core.links.aim import QUANTUM, Aim
from ._core.links.order import MIXED, hosts_of, movable, pairs
from ._core.links.planned import Step, aim_at, capped, left_with, nearest, nothing_for, plan_end
from ._core.model import Endpoint, Plan, Problem
from ._core.peers import quantum_safe
from ._core.policy.model import Policy
from ._core.services import SERVICES
from ._core.targets.survey import Survey
from ._run import Run

SERVICE = {name: SERVICES[name] for name in ("strongswan", "libreswan", "strongswan-legacy", "openvpn")}
TOGETHER = (
    "two swanctl that are managed here move, together or not at all, with libreswan or ipsec.conf of strongSwan those of one peer, "
    "and an OpenVPN server with its clients"
)


@dataclass(frozen=True, slots=True)
class Here:
    """This end of one tunnel.  children: name here → name there.  state, why: of the link, as both ends were audited.

    pair: neither end has another tunnel.  offered: the other end offered ML-KEM everywhere then.  daemon, theirs: services.  able: protocol → the
    exchanges that both can do; where a daemon is not strongSwan no other is asked of either.  offers: protocol → those of the other end then.
    """

    link: str
    first: bool
    connection: str
    children: Mapping[str, str]
    other: str
    there: str
    state: str
    pair: bool = True
    offered: bool = False
    daemon: str = "strongswan"
    theirs: str = "strongswan"
    able: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    why: str = ""
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def mixed(self) -> bool:
        return bool({"libreswan", "strongswan-legacy"} & {self.daemon, self.theirs})

    def endpoints(self, found: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        main = f"{self.daemon} {self.connection}"
        return tuple(one for one in found if one.id == main or one.id.startswith(f"{main}/"))


@dataclass(frozen=True, slots=True)
class Tied:
    """All tunnels of this host that can be moved.  rest: who else holds one of its connections and cannot be moved, with the reason."""

    ends: tuple[Here, ...]
    rest: tuple[tuple[str, str], ...]

    def holding(self) -> tuple[str, ...]:
        """What keeps this host from taking anything away."""
        mine = {here.connection for here in self.ends}
        return tuple(f"{connection}: {why}" for connection, why in self.rest if connection in mine)


def tied(run: Run) -> Tied | None:
    """From links.json of this run; None = no tunnel of these daemons.  Raises Problem where none can be moved."""
    path = run.output / "links.json"
    if not path.is_file():
        raise Problem(
            "nobody has put both ends of the tunnels side by side in this run", str(path), "run crypto_link_info first, as migrate_links does"
        )
    links = json.loads(path.read_text(encoding="utf-8"))["links"]
    mine = [one for one in links if set(one["service"].split(" and ")) & set(SERVICE) and run.host in hosts_of(one)]
    if not mine:
        return None
    able = movable(links)
    alone = pairs(able)
    ends = tuple(_here(run.host, one, one in alone) for one in mine if one in able)
    if not ends:
        whys = "; ".join(f"{_title(one)} ({one['service']}) is {_why(one)}" for one in mine)
        raise Problem(whys, run.host, f"{TOGETHER}; nothing was changed")
    if len(daemons := sorted({here.daemon for here in ends})) > 1:
        remedy = f'one after the other: -e \'{{"agility_services": ["{daemons[0]}"]}}\'; nothing was changed'
        raise Problem(f"it is an end of tunnels of {' and of '.join(daemons)}", run.host, remedy)
    return Tied(ends, tuple(_rest(run.host, one) for one in mine if one not in able))


def _title(link: Mapping[str, Any]) -> str:
    return " ↔ ".join(f"{side['host']} {side['endpoint']}".strip() for side in link["channels"][0]["sides"])


def _why(link: Mapping[str, Any]) -> str:
    return f"{link['verdict']['state']}: {link['verdict']['why']}"


def _sides(host: str, link: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Of each channel what is here and what is there."""
    step = 1 if hosts_of(link)[0] == host else -1
    return [tuple(channel["sides"][::step]) for channel in link["channels"]]


def _rest(host: str, link: Mapping[str, Any]) -> tuple[str, str]:
    own, other = _sides(host, link)[0]
    return str(own["endpoint"]), f"{other['host']} ({link['service']}) is {_why(link)}"


def _here(host: str, link: Mapping[str, Any], pair: bool) -> Here:
    sides = _sides(host, link)
    (own, other), *inner = [(one["endpoint"], two["endpoint"]) for one, two in sides]
    children = {one.removeprefix(f"{own}/"): two.removeprefix(f"{other}/") for one, two in inner}
    offers = [[(channel["protocol"], name) for name in there["offers"]] for channel, (dummy, there) in zip(link["channels"], sides, strict=True)]
    offered = all(any(quantum_safe(*one) for one in some) for some in offers)
    mixed = link["service"] in MIXED
    able = {channel["protocol"]: tuple(channel.get("able", ())) for channel in link["channels"]}
    first = hosts_of(link)[0] == host
    return Here(
        _title(link),
        first,
        own,
        children,
        sides[0][1]["host"],
        other,
        link["verdict"]["state"],
        pair,
        offered,
        *(side["service"] if mixed else link["service"] for side in sides[0]),
        able,
        link["verdict"]["why"],
        {channel["protocol"]: tuple(there["offers"]) for channel, (dummy, there) in zip(link["channels"], sides, strict=True)},
    )


def plan(run: Run, ends: Sequence[Here], found: Survey, policy: Policy, step: Step) -> Plan:
    """Of all these tunnels at once.  Raises Problem."""
    mine = _endpoints(run, ends, found, policy)
    asked = {one.id: run.requirements(policy, one) for one in mine}
    met = {f"{here.daemon} {here.connection}/{name}" for here in ends for name in here.children}
    if lone := sorted(one.id for one in mine if one.protocol == "esp" and one.id not in met):
        others = ", ".join(sorted({here.other for here in ends}))
        raise Problem(f"{', '.join(lone)} has no other end at {others}", run.host, "see the playbook links; nothing was changed")
    aims = {here.connection: aim(run, here, found, policy, step) for here in ends}
    if untold := [here.link for here in ends if aims[here.connection].untold(here.daemon, here.theirs)]:
        why = f"{untold[0]}: neither end's ipsec statusall names an additional exchange of a child, so nobody could prove its ML-KEM"
        raise Problem(why, run.host, "move one of them to swanctl.conf, or leave the key exchange of esp classical; nothing was changed")
    toward = {one.id: aims[here.connection] for here in ends for one in here.endpoints(mine)}
    made = plan_end(found.snapshot, SERVICE[ends[0].daemon], mine, asked, step, policy.digest, run.as_of, lambda one: toward[one.id])
    return replace(made, warnings=(*made.warnings, *_lacking(ends)))


def aim(run: Run, here: Here, found: Survey, policy: Policy, step: Step) -> Aim:
    """Where this tunnel goes."""
    if not here.mixed and step != "contract":
        return QUANTUM
    mine = _endpoints(run, (here,), found, policy)
    asked = {one.id: run.requirements(policy, one) for one in mine}
    exchanges = aim_at(mine, asked, run.as_of) if here.mixed else QUANTUM
    return replace(exchanges, left=left_with(mine, asked, run.as_of)) if step == "contract" else exchanges


def barred(run: Run, here: Here, found: Survey, policy: Policy) -> str:
    """Why the policy leaves such a tunnel as it is, "" = it has something for it."""
    mine = _endpoints(run, (here,), found, policy) if here.mixed else ()
    ids = nothing_for(mine, {one.id: run.requirements(policy, one) for one in mine}, run.as_of)
    return f"{', '.join(ids)}: the policy allows nothing that both ends can do: {here.why}" if ids else ""


def _endpoints(run: Run, ends: Sequence[Here], found: Survey, policy: Policy) -> tuple[Endpoint, ...]:
    """Of these tunnels, and as if they could do no more than both ends can where a daemon is not strongSwan, and no more than is of use."""
    out = []
    for one in found.endpoints:
        heres = [here for here in ends if here.endpoints((one,))]
        for here in heres:
            both = here.able.get(one.protocol, ())
            if here.mixed:
                out.append(capped(one, both))
            else:  # a connection of several other ends goes as far as it can
                alone, there = len(heres) == 1 and one.protocol != "openvpn", here.offers.get(one.protocol, ())
                out.append(nearest(one, both, there, run.requirements(policy, one), run.as_of) if alone else one)
    return tuple(out)


def _lacking(ends: Sequence[Here]) -> Iterator[str]:
    for here in ends:
        if here.mixed and here.state == "unable":
            yield f"{here.link}: it gets no ML-KEM, and nothing is taken away for that: {here.why}"
