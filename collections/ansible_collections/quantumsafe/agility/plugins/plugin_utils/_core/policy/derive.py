"""Rules that follow from others.  They have ids of their own, so that an exception must name them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from ..model import Source
from .model import Match, Requirement, Rule, Select

# Every hybrid and post-quantum group is one of TLS 1.3, so a list of nothing else with TLS 1.2 on leaks through TLS 1.2.
TLS13 = Rule(
    id="pq-implies-tls13",
    aspect="version",
    match=Match(protocol="tls"),
    allow=Select({"name": ("TLSv1.3",)}),
    source=Source("RFC 10024", "1", "2026-08-10", "requirement", "2026-11-23"),
    origin="derived from key_exchange at stage require",
)
DERIVED = frozenset({TLS13.id})


def derived(
    found: Mapping[str, Requirement], protocol: str, as_of: date, classical_left: Callable[[Requirement, date], bool]
) -> Mapping[str, Requirement]:
    """The requirements and what they imply: quantum-safe key exchange at stage require leaves TLS 1.3 only."""
    exchange = found.get("key_exchange")
    if protocol != "tls" or exchange is None or not exchange.applicable or exchange.stage != "require" or classical_left(exchange, as_of):
        return found
    version = found.get("version")
    if version is None:
        return {
            **found,
            "version": replace(exchange, rule=TLS13, rules=(TLS13,), ordering=TLS13, stage_origin=TLS13.origin, required_from="", seen={}),
        }
    if any(rule.allow.words.get("name") == ("TLSv1.3",) for rule in version.rules) and version.stage == "require":
        return found
    stricter = replace(
        version,
        rules=(*version.rules, TLS13),
        stage="require",
        stage_origin=TLS13.origin,
        next_stage=None,
        required_from="",
        applicable=True,
        seen={},
    )
    return {**found, "version": stricter}
