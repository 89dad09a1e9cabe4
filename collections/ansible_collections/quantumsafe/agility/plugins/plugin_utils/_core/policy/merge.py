"""Many parts, one policy: what a policy file and everything it extends mean together, and whether they can hold together.

Pure: parts come with their depth (0 = own policy, 1 = what it extends, …), the most own first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .derive import DERIVED
from .model import OF_OVERRIDE, Lifecycle, Match, Override, Policy, Rule, Scoped, StageRule
from .sound import contradictions

Withs = Mapping[str, list[Policy]]
LISTED = ("rules", "stages", "overrides", "exceptions", "windows", "freezes", "escrow", "clients")


def merge(parts: list[Policy], errors: list[str], withs: Withs | None = None) -> Policy:
    """One policy: the first part's name; everything else of all.  Mistakes that only the whole shows go to errors.

    Limits of all parts hold together, and so does all that they say of an algorithm's life: a part may not undo a retirement.
    withs: override id → the parts from which that override takes its rules.
    """
    listed: dict[str, Any] = {name: tuple(one for part in parts for one in getattr(part, name)) for name in LISTED}
    whole = replace(
        parts[0],
        **listed,
        algorithms=_lives(parts),
        zones=_once(parts, "zones", errors),
        regimes=_once(parts, "regimes", errors),
        peers=_once(parts, "peers", errors),
    )
    whole = _overridden(whole, withs or {}, errors)
    for kind in ("rules", "overrides", "exceptions", "windows", "freezes", "escrow", "clients"):
        _unique(kind, getattr(whole, kind), errors)
    _zones_exist(whole, errors)
    _rules_exist(whole, errors)
    _regimes_speak(whole, errors)
    errors.extend(contradictions(whole)[0])
    return whole


def _lives(parts: list[Policy]) -> dict[str, tuple[Lifecycle, ...]]:
    names = dict.fromkeys(name for part in parts for name in part.algorithms)
    return {name: tuple(dict.fromkeys(cycle for part in parts for cycle in part.algorithms.get(name, ()))) for name in names}


def _once(parts: list[Policy], kind: str, errors: list[str]) -> dict[str, Any]:
    """A zone that a later file could define anew would lose its regimes in silence."""
    out: dict[str, Any] = {}
    for part in parts:
        for name, value in getattr(part, kind).items():
            if name in out:
                errors.append(f"{out[name].origin}: {kind[:-1]} {name} is also defined at {value.origin}; define it once, or give it another name")
            out.setdefault(name, value)
    return out


def _unique(kind: str, things: Iterable[Any], errors: list[str]) -> None:
    seen: dict[str, str] = {}
    for thing in things:
        if thing.id in seen:
            errors.append(f"{thing.origin}: {kind[:-1]} {thing.id} is also defined at {seen[thing.id]}; give it an id of its own")
        seen[thing.id] = thing.origin


# ---------------------------------------------------------------- overrides


def _overridden(whole: Policy, withs: Withs, errors: list[str]) -> Policy:
    """The policy with the rules of its overrides in their scopes: normal rules first, then those of each override."""
    normal = tuple(rule for rule in whole.rules if not rule.override)
    own = [rule for rule in whole.rules if rule.override]
    by_id = {rule.id: rule for rule in normal}
    taken: list[Rule] = []
    staged: dict[str, list[str]] = {}
    for override in whole.overrides:
        replaced = [by_id[id_] for id_ in override.replace if id_ in by_id]
        offered = _borrowed(override, withs[override.id]) if override.id in withs else [r for r in own if r.override == override.id]
        rules = _narrowed(override, offered, {rule.aspect for rule in replaced}, errors)
        taken += rules
        staged[f"{OF_OVERRIDE}{override.id}"] = list(dict.fromkeys(rule.aspect for rule in replaced))
        errors.extend(_loosened(override, replaced, rules))
    stages = tuple(replace(stage, aspect=aspect) for stage in whole.stages for aspect in staged.get(stage.aspect, [stage.aspect]))
    return replace(whole, rules=(*normal, *taken), stages=stages)


def _borrowed(override: Override, parts: list[Policy]) -> list[Rule]:
    rules = (rule for part in parts for rule in part.rules if not rule.override)
    return [replace(rule, id=f"{override.id}/{rule.id}", override=override.id, depth=override.depth) for rule in rules]


def _narrowed(override: Override, rules: Sequence[Rule], aspects: set[str], errors: list[str]) -> list[Rule]:
    """Only the aspects that are replaced (overriding `cipher` never touches `key_exchange`), only inside the override's scope."""
    out = []
    for rule in rules:
        match = rule.match.within(override.match)
        if match and (rule.aspect in aspects or not aspects):
            out.append(replace(rule, match=match))
        elif not rule.id.startswith(f"{override.id}/"):
            why = f"speaks of {rule.aspect}, which it does not replace" if match else "lies outside its scope"
            errors.append(f"{rule.origin}: rule {rule.id} of override {override.id} {why}")
    return out


def _loosened(override: Override, replaced: Sequence[Rule], rules: Sequence[Rule]) -> list[str]:
    """Where an override would leave nothing in the place of what it replaces, or replaces what is more own than itself."""
    out = [
        f"{override.origin}: override {override.id} may not replace {rule.id} ({rule.origin}): it belongs to a policy that extends this one"
        for rule in replaced
        if rule.depth < override.depth
    ]
    for rule in replaced:
        if not any(other.aspect == rule.aspect and other.match.meets(rule.match) for other in rules):
            out.append(f"{override.origin}: override {override.id} replaces {rule.id} and puts no rule on {rule.aspect} in its place")
    return out


# ---------------------------------------------------------------- names that lead nowhere


def _zones_exist(policy: Policy, errors: list[str]) -> None:
    """A scope that names no zone would match no host, and its rule would be dropped in silence."""
    scoped: tuple[Scoped, ...] = (*policy.rules, *policy.stages, *policy.overrides, *policy.exceptions)
    scoped += (*policy.windows, *policy.freezes, *policy.escrow, *policy.clients)
    scopes: list[tuple[Match, str]] = [(one.match, one.origin) for one in scoped]
    scopes += [(Match(zone=peer.zone), peer.origin) for peer in policy.peers.values()]
    for match, origin in dict.fromkeys(scopes):
        if match.zone not in ("", "*", *policy.zones):
            errors.append(f"{origin}: no zone is called {match.zone}; {_hint(match.zone, policy.zones, 'zones')}")


def _rules_exist(policy: Policy, errors: list[str]) -> None:
    ids = {rule.id for rule in policy.rules} | DERIVED
    named = [(one.origin, name) for one in policy.exceptions for name in one.rules]
    named += [(one.origin, name) for one in policy.overrides for name in one.replace]
    errors.extend(f"{origin}: no rule is called {name}; {_hint(name, ids, 'rules')}" for origin, name in named if name not in ids)
    of_overrides = {rule.id for rule in policy.rules if rule.override}
    for one in policy.overrides:
        twice = of_overrides.intersection(one.replace)
        errors.extend(f"{one.origin}: override {one.id} replaces {name}, which is itself of an override" for name in sorted(twice))


def _regimes_speak(policy: Policy, errors: list[str]) -> None:
    """A regime that nothing speaks for would bind its hosts to nothing, in silence."""
    lives = tuple(life for lives in policy.algorithms.values() for life in lives)
    speaking: tuple[Rule | StageRule | Lifecycle, ...] = (*policy.rules, *policy.stages, *lives)
    spoken = dict.fromkeys(name for one in speaking for name in one.regimes)
    for name, regime in policy.regimes.items():
        if name not in spoken:
            errors.append(f"{regime.origin}: nothing here speaks for the regime {name}; {_hint(name, spoken, 'regimes')}")


def _hint(name: str, known: Iterable[str], what: str) -> str:
    alike = difflib.get_close_matches(name, list(known), n=3)
    return f"did you mean {' or '.join(alike)}?" if alike else f"{what} here: {', '.join(known) or 'none'}"
