"""Whether a policy can hold together: no target that its scopes tell apart may meet rules that allow nothing together, or two stages or
orders of equal weight, on any day that it names.  What only an inventory shows (a host of two zones that share no group) resolve() tells.

Rules whose dates leave nothing from some day on are no error: that is how standards end, and until then they hold.  It is told, though.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, product

from ..algorithms.lookup import ALL, Algorithm, find
from ..model import Problem
from .model import Match, Policy, Rule, Scoped
from .resolve import Target, applies, resolve
from .zones import regimes_of, zones_of

MOST = 4000  # questions asked of one policy: targets × days
PLACES = 500  # of targets; each may be any protocol, role and service that is named
BEFORE = date(1970, 1, 1)
Allowed = frozenset[tuple[str, str]]


def contradictions(policy: Policy) -> tuple[list[str], list[str]]:
    """(what cannot be from the start, what cannot be from a day on): one sentence each, with the origins and sources of all sides."""
    allowed = _allowances(policy.rules)
    rules = [rule for rule in policy.rules if not rule.require]
    now = [f"{rule.origin}: rule {rule.id} allows no {rule.aspect} that the catalogue knows" for rule in rules if not allowed[rule.id]]
    later: list[str] = []
    seen: set[tuple[str, ...]] = set()
    for target, day in islice(product(_targets(policy), _days(policy)), MOST):
        try:
            requirements = resolve(policy, target, day)
        except Problem as problem:
            now.append(f"{problem.where}: {problem.message}; {problem.remedy}")
            continue
        for requirement in requirements.values():
            held = {rule.id for rule in requirement.rules}
            live = [rule for rule in rules if rule.id in held and _common([rule], allowed, day)]
            key = (*(rule.id for rule in live), *sorted(_ended(live, day)))
            if key not in seen and not _common(live, allowed, day):
                few = _fewest(live, allowed, day)
                ever = _common(few, allowed, BEFORE)
                (later if ever else now).append(f"{_cited(few)} together allow no {few[0].aspect}" + (f" from {day} on" if ever else ""))
            seen.add(key)
    return list(dict.fromkeys(now)), list(dict.fromkeys(later))


def _cited(rules: list[Rule]) -> str:
    cited = [f"{rule.origin} ({rule.source.doc})" for rule in rules]
    return " and ".join(filter(None, (", ".join(cited[:-1]), cited[-1])))


def _fewest(rules: list[Rule], allowed: dict[str, Allowed], day: date) -> list[Rule]:
    """As few of these as still allow nothing."""
    left = list(rules)
    for rule in rules:
        others = [one for one in left if one is not rule]
        if others and not _common(others, allowed, day):
            left = others
    return left


def _common(rules: Sequence[Rule], allowed: dict[str, Allowed], day: date) -> Allowed:
    """What all of these allow on this day; everything when there are none."""
    if not rules:
        return frozenset({("", "")})
    ended = _ended(rules, day)
    return frozenset(one for one in frozenset.intersection(*(allowed[rule.id] for rule in rules)) if one[1] not in ended)


def _ended(rules: Sequence[Rule], day: date) -> set[str]:
    return {id_ for rule in rules for id_, last in rule.disallowed_after.items() if last < day.isoformat()}


def _days(policy: Policy) -> list[date]:
    """Every day on which something begins, or has ended, and one before all of them."""
    starts = {date.fromisoformat(stage.start) for stage in policy.stages if stage.start}
    ends = {date.fromisoformat(last) + timedelta(days=1) for rule in policy.rules for last in rule.disallowed_after.values() if last < "9999"}
    return sorted({BEFORE, *starts, *ends})


def _targets(policy: Policy) -> Iterator[Target]:
    """One target for each combination of what the scopes of the policy tell apart."""
    scoped: tuple[Scoped, ...] = (*policy.rules, *policy.stages)
    scopes = dict.fromkeys(one.match for one in scoped)
    protocols = sorted({"tls", "ssh", *(scope.protocol for scope in scopes if scope.protocol)})
    for (host, groups), protocol in product(_places(policy, list(scopes)), protocols):
        here, zones = Target(host, groups, protocol), zones_of(policy, host, groups)
        told = [
            scope for scope in scopes if applies(replace(scope, role="", service="", transport=""), here, zones)
        ]  # others tell nothing apart here
        roles = sorted({"server", *(scope.role for scope in told if scope.role)})
        services = sorted({"", *(scope.service for scope in told)})
        transports = sorted({"tcp", *(scope.transport for scope in told if scope.transport)})
        for rest in product(roles, services, transports):
            yield Target(host, groups, protocol, *rest)


def _places(policy: Policy, scopes: list[Match]) -> list[tuple[str, tuple[str, ...]]]:
    """(host, groups) of a host in each scope, and in each that two or more of them share."""
    bare = [Match(zone="" if scope.zone == "*" else scope.zone, group=scope.group, host=scope.host) for scope in scopes]
    named = [Match(**{kind: name}) for one in policy.regimes.values() for kind in ("group", "host") for name in getattr(one, f"{kind}s")]
    reached = dict.fromkeys([Match(), *(Match(zone=zone) for zone in policy.zones), *named])
    for scope in dict.fromkeys(bare):
        reached |= dict.fromkeys(both for one in islice(reached, PLACES) if (both := one.within(scope)))
    out: dict[tuple[str, tuple[str, ...]], None] = {}
    for scope in islice(reached, PLACES):
        groups = (scope.group,) if scope.group else ()
        zone = policy.zones.get(scope.zone)
        out |= dict.fromkeys((scope.host, (*groups, group)) for group in (zone.groups if zone else ()))
        out |= dict.fromkeys((host, groups) for host in (zone.hosts if zone else ()) if scope.host in ("", host))
        out |= {} if zone else {(scope.host, groups): None}
    hosts, named_groups = {scope.host for scope in bare}, {scope.group for scope in bare}
    alike: dict[object, tuple[str, tuple[str, ...]]] = {}  # two groups of one zone that nothing else names are one place
    for name, among in out:
        told = (name if name in hosts else "", frozenset(named_groups & {*among}))
        alike.setdefault((told, zones_of(policy, name, among), frozenset(regimes_of(policy, name, among))), (name, among))
    return list(alike.values())


def _allowances(rules: Sequence[Rule]) -> dict[str, Allowed]:
    """Rule id → (protocol, algorithm) that it allows, of the catalogue's rows and of TLS 1.2 suites that some rule names (which have none)."""
    out: dict[str, Allowed] = {}
    for aspect in Counter(rule.aspect for rule in rules):
        mine = [rule for rule in rules if rule.aspect == aspect]
        named = (find("tls", aspect, name) for rule in mine for name in rule.allow.words.get("name", ()))
        rows: list[Algorithm] = list(dict.fromkeys([*(a for a in ALL if a.aspect == aspect), *(a for a in named if a)]))
        for rule in mine:
            out[rule.id] = frozenset((a.protocol, a.id) for a in rows if rule.match.protocol in ("", a.protocol) and rule.allow.matches(a))
    return out
