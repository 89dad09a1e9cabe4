"""What of all that the policy allows can be had from one back end: allowed ∩ capable ∩ expressible ∩ issuable, each pair by name, and the
step that left nothing.  The last step is asked elsewhere: whether the controller still gets in (reach.py)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from .algorithms.lookup import Algorithm, all_of, find, spelling
from .model import Endpoint
from .policy.issue import issues
from .policy.model import Requirement
from .policy.resolve import judge

NOT_ISSUED = "wait for the issuer, name a PKI that can (pki of the zone), or record an exception"


def capable(endpoint: Endpoint, aspect: str) -> tuple[Algorithm, ...]:
    """What this very binary can do, as far as the catalogue knows it."""
    capability = endpoint.capabilities.get(aspect)
    return _found(endpoint.protocol, aspect, (capability and capability.names) or ())


@lru_cache(maxsize=256)  # a fleet has few binaries, and each of its sockets asks for all that its binary can do
def _found(protocol: str, aspect: str, names: tuple[str, ...]) -> tuple[Algorithm, ...]:
    known = (find(protocol, aspect, name) for name in names)
    return tuple(dict.fromkeys(a for a in known if a))


def sayable(endpoint: Endpoint, aspect: str, algorithm: Algorithm) -> tuple[str, ...]:
    """How it is written for this binary; () = there is no way."""
    return spelling(algorithm, endpoint.names, endpoint.capabilities[aspect].names)


def pairs(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> dict[str, str]:
    """Every algorithm that the policy allows → "" when this back end expresses it, else why it cannot.  None is left out in silence."""
    able = capable(endpoint, aspect)
    allowed = dict.fromkeys((*_allowed(endpoint, aspect, requirement, as_of), *(a for a in able if judge(requirement, a, as_of).good)))
    return {a.id: _why_not(endpoint, aspect, requirement, a, able) for a in allowed}


def _why_not(endpoint: Endpoint, aspect: str, requirement: Requirement, algorithm: Algorithm, able: tuple[Algorithm, ...]) -> str:
    setting, capability = endpoint.settings.get(aspect), endpoint.capabilities.get(aspect)
    if setting and algorithm in [find(endpoint.protocol, aspect, name) for name in setting.values]:
        return ""  # it is there, as it is written there
    if not capability or capability.names is None:
        return "nobody knows what this binary can do"
    if algorithm not in able:
        return f"{capability.label or endpoint.version} does not have it"
    if not sayable(endpoint, aspect, algorithm):
        return f"there is no name for it in the configuration of {endpoint.service}"
    return "" if requirement.issuers is None or issues(requirement.issuers, algorithm.id) else requirement.issuers.said


def emptied(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> tuple[str, str]:
    """The first step that left nothing, and the way out."""
    way = _upgrade(endpoint, aspect, requirement, as_of)
    allowed = _allowed(endpoint, aspect, requirement, as_of)
    able = [a for a in capable(endpoint, aspect) if judge(requirement, a, as_of).good]
    capability = endpoint.capabilities[aspect]
    if not allowed and not able:
        rules = ", ".join(rule.id for rule in requirement.rules)
        return f"{rules} leaves nothing for {aspect} in {endpoint.protocol} that the catalogue knows", way
    if not able:
        names = ", ".join((spelling(a, endpoint.names, None) or (a.id,))[0] for a in allowed)
        return f"{capability.label or endpoint.version} has none of what the policy allows ({names}); known from {capability.source}", way
    said = [a for a in able if sayable(endpoint, aspect, a)]
    if not said:
        return f"{capability.label or endpoint.version} has {', '.join(a.id for a in able)}, but {endpoint.service} has no name for it", way
    return _beyond(requirement, said)


def unissuable(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> tuple[str, str]:
    """Why nobody issues any of what is allowed, whatever the binary can, and the way out; "" when somebody does, or did."""
    setting = endpoint.settings[aspect]
    there = (find(endpoint.protocol, aspect, name) for name in setting.values)
    allowed = _allowed(endpoint, aspect, requirement, as_of)
    if not allowed or any(a and a in allowed for a in there) or any(issues(requirement.issuers, a.id) for a in allowed):
        return "", ""
    return _beyond(requirement, allowed)


def _beyond(requirement: Requirement, allowed: Iterable[Algorithm]) -> tuple[str, str]:
    said = requirement.issuers.said if requirement.issuers else ""
    return f"{said}, none of what the policy allows ({', '.join(a.id for a in allowed)})", NOT_ISSUED


def _upgrade(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> str:
    """The way out: the first version of this library that brings something allowed, from the catalogue (a table, and said so)."""
    capability = endpoint.capabilities[aspect]
    if capability.module:
        return f"needs another module than {capability.module}, or a gateway in front of it"
    library = (capability.library or endpoint.version).replace("_", " ").split(" ")[0]
    versions = [a.since[library] for a in _allowed(endpoint, aspect, requirement, as_of) if library in a.since]
    if not versions:
        return "put a gateway that can in front of it, or record an exception"
    return f"needs {library} ≥ {min(versions, key=_numbers)}, or a gateway in front of it"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.replace("p", ".").split(".") if part.isdigit())


def _allowed(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> tuple[Algorithm, ...]:
    return tuple(a for a in all_of(endpoint.protocol, aspect) if judge(requirement, a, as_of).good)
