"""Where a host belongs, and who answers for it there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .model import Policy


def zones_of(policy: Policy, host: str, groups: Iterable[str]) -> tuple[str, ...]:
    """The zones that this host is in, by name or by group, in the policy's order."""
    among = set(groups)
    return tuple(name for name, zone in policy.zones.items() if host in zone.hosts or among & set(zone.groups))


def regimes_of(policy: Policy, host: str, groups: Iterable[str]) -> set[str]:
    """The regimes and jurisdictions that this host is in: by one of its zones, by name or by group."""
    mine = [policy.zones[name] for name in zones_of(policy, host, groups)]
    among = set(groups)
    named = {name for name, one in policy.regimes.items() if host in one.hosts or among & set(one.groups)}
    return named | {name for zone in mine for name in (*zone.regimes, *zone.jurisdiction)}


def owner_of(policy: Policy, host: str, groups: Iterable[str], aspect: str = "default") -> str:
    """The owner of this aspect in the first zone of this host that names one, "" when none does."""
    return _person([policy.zones[name].owners for name in zones_of(policy, host, groups)], aspect)


def approver_of(policy: Policy, host: str, groups: Iterable[str], aspect: str = "default") -> str:
    """Who may release a change of this aspect on this host, "" when nobody is named."""
    return _person([policy.zones[name].approvers for name in zones_of(policy, host, groups)], aspect)


def _person(named: Iterable[Mapping[str, str]], aspect: str) -> str:
    return next((who for persons in named if (who := persons.get(aspect) or persons.get("default", ""))), "")
