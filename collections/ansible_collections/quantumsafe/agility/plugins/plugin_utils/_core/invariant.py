"""No PQ regression: what a change of an endpoint does to each class of peers.  TLS version and key exchange are judged together,
for every hybrid and post-quantum group is one of TLS 1.3: without that version the whole list protects nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from .algorithms.lookup import OVER_TLS, find, speaks_13
from .model import Endpoint, Setting
from .peers import Effect, effect, quantum_safe
from .policy.model import Requirement
from .policy.resolve import broken
from .wish import Wish

NOTHING = Effect((), (), ())


def consequence(endpoint: Endpoint, wishes: Mapping[str, Wish], requirement: Requirement, as_of: date) -> Effect:
    """The effect of these wishes (aspect → wish) together.  requirement: any of this endpoint, for the life of the algorithms.

    What is retired as broken protected nobody: who loses only that is given up, not regressed.
    """
    exchange, versions = endpoint.settings.get("key_exchange"), endpoint.settings.get("version")
    if exchange is None or not {"key_exchange", "version"} & set(wishes):
        return NOTHING
    now = versions.values if versions else None
    after = exchange
    if to := wishes.get("key_exchange"):
        after = replace(exchange, values=to.names, tiers=to.tiers)
    after = _within(endpoint.protocol, after, wishes["version"].names if "version" in wishes else now)
    before = _within(endpoint.protocol, exchange, now)
    change = effect(endpoint.protocol, before, after.values, after.tiers)
    if not change.regressed:
        return change
    sound = _only(before, [i for i, name in enumerate(before.values) if not _broken(endpoint, name, requirement, as_of)])
    regressed = effect(endpoint.protocol, sound, after.values, after.tiers).regressed
    return replace(change, regressed=regressed, given_up=tuple(name for name in change.regressed if name not in regressed))


def _broken(endpoint: Endpoint, name: str, requirement: Requirement, as_of: date) -> bool:
    algorithm = find(endpoint.protocol, "key_exchange", name)
    return bool(algorithm and broken(requirement, algorithm, as_of))


def _within(protocol: str, exchange: Setting, versions: Sequence[str] | None) -> Setting:
    """What of it can be negotiated while these versions are on (None = nobody knows)."""
    if protocol not in OVER_TLS or versions is None or speaks_13(versions):
        return exchange
    return _only(exchange, [i for i, name in enumerate(exchange.values) if not quantum_safe(protocol, name)])


def _only(exchange: Setting, places: Sequence[int]) -> Setting:
    tiers = tuple(exchange.tiers[i] for i in places) if exchange.tiers else ()
    return replace(exchange, values=tuple(exchange.values[i] for i in places), tiers=tiers)
