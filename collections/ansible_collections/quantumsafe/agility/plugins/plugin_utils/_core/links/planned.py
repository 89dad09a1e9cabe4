"""What one end of a tunnel has to change so that both move a stage together: expand = the new in front of the old, contract = the new alone.

What the other end cannot do is no wish of this one: it is told, and nothing is taken away for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Literal

from ..model import Endpoint, Plan, Problem, Snapshot
from ..plan import make_plan
from ..policy.binding import binding
from ..policy.model import Requirement
from ..service import Service
from ..services.ike_proposal import keyword
from ..verdict import Requirements
from ..wish import wish
from .aim import QUANTUM, Aim, aim_of
from .end import spelled
from .suites import Further, Row, as_it_stands, comes, goes, ruled, staying

Step = Literal["expand", "contract"]
STAGES: dict[Step, tuple[str, ...]] = {"expand": ("prefer", "require"), "contract": ("require",)}  # of the policy, at which that step is wanted
LISTS = ("version", "cipher")  # of OpenVPN: what else two ends agree on, each a list of its own


def plan_end(
    snapshot: Snapshot,
    service: Service,
    endpoints: tuple[Endpoint, ...],
    requirements: Mapping[str, Requirements],
    step: Step,
    policy: str,
    as_of: date,
    aim: Callable[[Endpoint], Aim] = lambda one: QUANTUM,
) -> Plan:
    """endpoints: the connection and its children, and no other.  aim: where each of them goes.

    Raises Problem where the policy does not want it, and whatever a writer raises.
    """
    if step == "contract":
        endpoints = tuple(as_it_stands(one, LISTS) if one.protocol == "openvpn" else one for one in endpoints)
    asked: dict[str, dict[str, Requirement]] = {
        one.id: {"key_exchange": _asked(one, requirements[one.id], step), **dict(_lists(one, requirements[one.id], step, as_of))} for one in endpoints
    }
    further, told = dict[str, Further](), list[str]()
    for one in endpoints:
        beside = ruled(one, requirements[one.id], as_of, STAGES[step])
        if step == "contract":
            further[one.id] = goes(one, beside, as_of)
        else:
            further[one.id], said = comes(one, service, beside, asked[one.id]["key_exchange"], as_of)
            told += said
    write = service.narrow if step == "contract" else service.widen
    services = {service.name: replace(service, write=write or service.write)}
    due = {id_: more for id_, more in further.items() if more}
    plan = make_plan(snapshot, services, endpoints, asked, policy, as_of, lambda: None, further=due)
    if classical := [one for one in endpoints if not plan.changes and not any(aim(one).wants(one.protocol, name) for name in _offers(one))]:
        names, wanted = ", ".join(one.id for one in classical), aim(classical[0]).exchanges
        why = f"{names} offers no {wanted}, and the policy changes nothing about it"
        raise Problem(why, snapshot.host, "the rule has to bind, see `enforce` in docs/policy.md; nothing was changed")
    return replace(plan, warnings=(*plan.warnings, *dict.fromkeys(told)))


def _lists(endpoint: Endpoint, requirements: Requirements, step: Step, as_of: date) -> Iterator[tuple[str, Requirement]]:
    """What is asked of the lists of OpenVPN: added (expand), or taken away (contract).  Raises Problem where nothing would be left."""
    for kind in LISTS if endpoint.protocol == "openvpn" else ():
        found = binding(requirements).get(kind)
        if kind not in endpoint.settings or found is None or not found.applicable or found.stage not in STAGES[step]:
            continue
        if step == "expand":
            found = replace(found, stage="prefer", seen={})
            if set(wish(endpoint, kind, found, as_of).names) > set(endpoint.settings[kind].values):
                yield kind, found
            continue
        if wish(endpoint, kind, found, as_of).blocked:
            names = ", ".join(endpoint.settings[kind].values)
            remedy = f"run the step expand, at both ends, or leave the stage of {kind} at prefer; nothing was changed"
            raise Problem(f"{endpoint.id} has no {kind} that the policy allows, but {names}", _stands(found), remedy)
        yield kind, requirements[kind]


def capped(endpoint: Endpoint, both: Collection[str] | None) -> Endpoint:
    """As if it could do no more than both ends can.  both: in strongSwan's spelling, None = it is not capped."""
    can = endpoint.capabilities.get("key_exchange")
    if both is None or can is None or can.names is None:
        return endpoint
    names = tuple(name for name in can.names if keyword("key_exchange", name) in both)
    return replace(
        endpoint, capabilities={**endpoint.capabilities, "key_exchange": replace(can, names=names, source=f"{can.source}, and the other end")}
    )


def nearest(endpoint: Endpoint, both: Collection[str], there: Collection[str], requirements: Requirements, as_of: date) -> Endpoint:
    """As if it could do one group's hybrids alone, where none adds to a group that it has: each is a proposal of its own, and all of them together
    make an IKE_SA_INIT that no longer fits into a packet.

    both: what both ends can do; there: what the other end offers, which comes first.  In strongSwan's spelling.
    """
    can, found = endpoint.capabilities.get("key_exchange"), requirements.get("key_exchange")
    if found is None or not found.applicable or can is None or can.names is None:
        return endpoint
    words = {name: keyword("key_exchange", name) for name in can.names}
    wanted = wish(endpoint, "key_exchange", replace(found, stage="require", seen={}), as_of).names
    common = [words[name] for name in wanted if words.get(name) in both]
    now = _offers(endpoint)
    if not common or any(name in now or _group(name) in now for name in common):
        return endpoint
    offered = [name for name in common if name in there]
    kept = {*now, *(offered or (name for name in common if _group(name) == _group(common[0])))}
    names = tuple(name for name in can.names if words[name] in kept)
    return replace(endpoint, capabilities={**endpoint.capabilities, "key_exchange": replace(can, names=names)})


def _group(exchange: str) -> str:
    return exchange.partition("-ke")[0]


def nothing_for(endpoints: tuple[Endpoint, ...], requirements: Mapping[str, Requirements], as_of: date) -> tuple[str, ...]:
    """Of which of these the policy allows nothing that they can do."""
    asked = [(one, requirements[one.id].get("key_exchange")) for one in endpoints]
    return tuple(one.id for one, found in asked if found and found.applicable and wish(one, "key_exchange", found, as_of).blocked)


def left_with(endpoints: tuple[Endpoint, ...], requirements: Mapping[str, Requirements], as_of: date) -> tuple[Row, ...]:
    """What an SA of the connection and of its children may hold beside its exchange, once `contract` took the rest away."""
    rows = (row for one in endpoints for row in staying(one, ruled(one, requirements[one.id], as_of, STAGES["contract"]), as_of))
    return tuple(dict.fromkeys(rows))


def aim_at(endpoints: tuple[Endpoint, ...], requirements: Mapping[str, Requirements], as_of: date) -> Aim:
    """What is left of the exchanges of the connection and of its children once the policy is met: of what is asked for, at whichever stage."""
    wanted = []
    for one in endpoints:
        found = requirements[one.id].get("key_exchange")
        names = wish(one, "key_exchange", replace(found, stage="require", seen={}), as_of).names if found and found.applicable else ()
        wanted.append((one.protocol, names or _offers(one)))
    return aim_of(wanted)


def _offers(endpoint: Endpoint) -> tuple[str, ...]:
    """In one spelling."""
    found = endpoint.settings.get("key_exchange")
    return tuple(spelled(endpoint.protocol, found.values)) if found else ()


def _asked(endpoint: Endpoint, requirements: Requirements, step: Step) -> Requirement:
    """The policy's own, at the stage of this step: while the other end may still be without the new, nothing old goes."""
    found = requirements.get("key_exchange")
    if found is None or not found.applicable or found.stage not in STAGES[step]:
        stage = f"is at stage {found.stage}" if found and found.applicable else "is asked by no rule"
        remedy = f"{step} needs stage {' or '.join(STAGES[step])} for it (docs/links.md); nothing was changed"
        raise Problem(f"the key exchange of {endpoint.id} {stage}", _stands(found), remedy)
    return found if step == "contract" else replace(found, stage="prefer", seen={})


def _stands(found: Requirement | None) -> str:
    """Where the stage comes from."""
    return found.stage_origin if found else "the policy"
