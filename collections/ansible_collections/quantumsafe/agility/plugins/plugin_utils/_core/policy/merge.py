"""Many parts, one policy: what a policy file and everything it extends mean together, and whether they can hold together.

Pure: parts come with their depth (0 = own policy, 1 = what it extends, …), the most own first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from ..algorithms.lookup import ALL, Algorithm, find
from .model import Lifecycle, Match, Policy, Rule


def merge(parts: list[Policy], errors: list[str]) -> Policy:
    """One policy: the first part's name; rules, stages, zones and life-cycles of all.  Mistakes that only the whole shows go to errors.

    Limits of all parts hold together, and so does all that they say of an algorithm's life: a part may not undo a retirement.
    """
    whole = replace(
        parts[0],
        rules=tuple(rule for part in parts for rule in part.rules),
        stages=tuple(stage for part in parts for stage in part.stages),
        algorithms=_lives(parts),
        zones={k: v for part in reversed(parts) for k, v in part.zones.items()},
    )
    _unique(whole.rules, errors)
    _zones_exist(whole, errors)
    _satisfiable(whole.rules, errors)
    return whole


def _lives(parts: list[Policy]) -> dict[str, tuple[Lifecycle, ...]]:
    names = dict.fromkeys(name for part in parts for name in part.algorithms)
    return {name: tuple(dict.fromkeys(cycle for part in parts for cycle in part.algorithms.get(name, ()))) for name in names}


def _unique(rules: Iterable[Rule], errors: list[str]) -> None:
    seen: dict[str, str] = {}
    for rule in rules:
        if rule.id in seen:
            errors.append(f"{rule.origin}: rule {rule.id} is also defined at {seen[rule.id]}; give it an id of its own")
        seen[rule.id] = rule.origin


def _zones_exist(policy: Policy, errors: list[str]) -> None:
    """A scope that names no zone would match no host, and its rule would be dropped in silence."""
    scopes: list[tuple[Match, str]] = [*((r.match, r.origin) for r in policy.rules), *((s.match, s.origin) for s in policy.stages)]
    for match, origin in scopes:
        if match.zone not in ("", "*", *policy.zones):
            alike = difflib.get_close_matches(match.zone, policy.zones, n=3)
            hint = f"did you mean {' or '.join(alike)}?" if alike else f"zones here: {', '.join(policy.zones) or 'none'}"
            errors.append(f"{origin}: no zone is called {match.zone}; {hint}")


def _satisfiable(rules: tuple[Rule, ...], errors: list[str]) -> None:
    """A rule, or two rules whose scopes meet, that allow nothing: both sources are named, nobody has to guess which one won."""
    hollow = {rule.id for rule in rules if not any(rule.allow.matches(a) for a in _universe(rule))}
    errors.extend(f"{r.origin}: rule {r.id} allows no {r.aspect} that the catalogue knows" for r in rules if r.id in hollow)
    sound = [rule for rule in rules if rule.id not in hollow]
    for i, one in enumerate(sound):
        for other in sound[i + 1 :]:
            if one.aspect != other.aspect or not one.match.meets(other.match):
                continue
            if not any(one.allow.matches(a) and other.allow.matches(a) for a in _universe(one, other)):
                errors.append(f"{one.origin} ({one.source.doc}) and {other.origin} ({other.source.doc}) together allow no {one.aspect}")


def _universe(*rules: Rule) -> tuple[Algorithm, ...]:
    """All that these rules could speak of: the catalogue's rows, and TLS 1.2 suites that they name (which have no rows)."""
    protocols = {rule.match.protocol for rule in rules} - {""}
    rows = [a for a in ALL if a.aspect == rules[0].aspect and protocols <= {a.protocol}]
    named = (find("tls", rules[0].aspect, name) for rule in rules for name in rule.allow.words.get("name", ()))
    return tuple(dict.fromkeys([*rows, *(a for a in named if a and protocols <= {a.protocol})]))
