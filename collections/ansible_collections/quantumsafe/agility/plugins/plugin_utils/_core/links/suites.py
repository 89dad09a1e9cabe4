"""Ciphers, MACs and PRFs of a tunnel's end, by its whole proposals: which go, which words better ones are made of, and what an SA may be left with.

What is agreed on is one whole proposal, so an end has what the policy allows only where one of its proposals holds nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from ..algorithms.lookup import all_of, find
from ..model import Capability, Endpoint, Problem, Setting
from ..policy.binding import binding
from ..policy.model import Requirement
from ..policy.resolve import judge
from ..service import Service
from ..services.ike_proposal import KINDS, Kind, Proposal, keyword, untold
from ..verdict import Requirements, acts, judged
from ..wish import Wish, wish

Further = dict[str, tuple[Wish, Requirement]]  # aspect → what it shall be, and who asks for it
Row = tuple[str, Kind, tuple[str, ...]]  # protocol, kind, the words of it that may be agreed on, in strongSwan's spelling


def ruled(endpoint: Endpoint, requirements: Requirements, as_of: date, stages: Iterable[str]) -> dict[Kind, Requirement]:
    """What is asked of its ciphers, MACs and PRFs at these stages, without what an exception answers for.  Those of OpenVPN make no proposals."""
    bound, out = binding(requirements), dict[Kind, Requirement]()
    for kind in KINDS[1:] if endpoint.protocol != "openvpn" else ():
        found = bound.get(kind)
        if found is None or not found.applicable or found.stage not in stages or (kind != "mac" and kind not in endpoint.settings):
            continue  # of MACs an end with AEAD alone has none
        if kind not in endpoint.settings or not judged(endpoint, kind, found, wish(endpoint, kind, found, as_of), as_of).exceptions:
            out[kind] = found
    return out


def staying(endpoint: Endpoint, asked: Mapping[Kind, Requirement], as_of: date) -> tuple[Row, ...]:
    """What an SA of it may be agreed on with once what is no longer allowed has gone."""
    protocol = endpoint.protocol
    return tuple(
        (protocol, kind, tuple(dict.fromkeys(keyword(kind, a.id) for a in all_of(protocol, kind) if judge(found, a, as_of).good)))
        for kind, found in asked.items()
    )


def offered(endpoint: Endpoint) -> tuple[Proposal, ...]:
    """Its proposals, as both ends are compared by."""
    found = endpoint.settings.get("offer")
    return tuple(untold(one) for one in found.values) if found else ()


def fits(one: Proposal, protocol: str, asked: Mapping[Kind, Requirement], as_of: date) -> bool:
    """Whether all of it is allowed.  A kind that it does not have (the MAC of an AEAD) is no fault."""
    words = ((found, find(protocol, kind, name)) for kind, found in asked.items() for name in one.of(kind))
    return all(algorithm is not None and judge(found, algorithm, as_of).good for found, algorithm in words)


# ---------------------------------------------------------------- contract


def goes(endpoint: Endpoint, asked: Mapping[Kind, Requirement], as_of: date) -> Further:
    """Of each kind the words that stay; of MACs none may be left, where a proposal does without.  Raises Problem where nothing would be left."""
    stands, out = as_it_stands(endpoint, KINDS[1:]), Further()
    for kind, found in asked.items():
        if kind not in endpoint.settings:
            continue
        now, wanted = endpoint.settings[kind].values, wish(stands, kind, found, as_of)
        if wanted.blocked and not (kind == "mac" and any(not one.mac for one in offered(endpoint))):
            remedy = f"write a proposal that it allows in front, at both ends, or leave the stage of {kind} at prefer; nothing was changed"
            raise Problem(f"{endpoint.id} has no {kind} that the policy allows, but {', '.join(now)}", found.stage_origin, remedy)
        if wanted.blocked or (wanted.removed and acts(stands, kind, found, wanted, as_of)):
            out[kind] = (replace(wanted, blocked="", reason="", remedy="", removed=wanted.removed or now), found)
    return out


def as_it_stands(endpoint: Endpoint, kinds: Iterable[str]) -> Endpoint:
    """As if it could do no more of these than it has loaded: they are taken away, and never added."""
    settings: dict[str, Setting] = {kind: endpoint.settings[kind] for kind in kinds if kind in endpoint.settings}
    stands = {kind: Capability(setting.values, "what is written there", endpoint.version) for kind, setting in settings.items()}
    return replace(endpoint, capabilities={**endpoint.capabilities, **stands})


# ---------------------------------------------------------------- expand


def comes(
    endpoint: Endpoint, service: Service, asked: Mapping[Kind, Requirement], exchange: Requirement, as_of: date
) -> tuple[Further, tuple[str, ...]]:
    """(of each kind that is asked for the words of a better proposal, what a person should know); none where it has what the policy allows."""
    if service.suites is None:
        return {}, ()
    good = [one for one in offered(endpoint) if fits(one, endpoint.protocol, asked, as_of)]
    stay = {keyword("key_exchange", name) for name in wish(endpoint, "key_exchange", replace(exchange, stage="require", seen={}), as_of).names}
    there = {name for one in offered(endpoint) for name in one.exchanges}
    if not offered(endpoint) or (good and stay & there <= {name for one in good for name in one.exchanges}):
        return {}, ()
    out = Further()
    new = service.suites[endpoint.protocol]
    for kind, found in ((kind, found) for kind, found in asked.items() if kind in new):  # libreswan has no word for the MAC of IKE
        able = _as_it_could(endpoint, new[kind], kind)
        out[kind] = (replace(wish(able, kind, replace(found, stage="require", seen={}), as_of), removed=()), replace(found, stage="prefer", seen={}))
    if "cipher" in out and not out["cipher"][0].names:
        return {}, (f"{endpoint.id}: no cipher that the policy allows is put in front: {out['cipher'][0].reason or 'it can do none of them'}",)
    return {kind: (replace(to, blocked="", reason="", remedy=""), found) for kind, (to, found) in out.items()}, ()


def _as_it_could(endpoint: Endpoint, new: tuple[str, ...], kind: Kind) -> Endpoint:
    """As if it could do what it has, and of what it can do what this release puts in front (new)."""
    setting = endpoint.settings.get(kind) or Setting((), endpoint.settings["key_exchange"].origin)
    can = endpoint.capabilities.get(kind, Capability(None, "not asked", endpoint.version))
    names = tuple(dict.fromkeys((*setting.values, *(name for name in new if can.names is None or name in can.names))))
    return replace(
        endpoint,
        settings={**endpoint.settings, kind: setting},
        capabilities={**endpoint.capabilities, kind: replace(can, names=names, source=f"{can.source}; what this release puts in front")},
    )
