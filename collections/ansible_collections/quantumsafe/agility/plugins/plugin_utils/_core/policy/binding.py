"""What of a policy a plan enforces.  Everything is judged, but a draft, a recommendation or what nobody verified takes nothing away,
unless the organisation decided otherwise (`enforce`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .model import Requirement


def binding(requirements: Mapping[str, Requirement]) -> dict[str, Requirement]:
    """The requirements with only the rules that bind; aspects of which none does are left out."""
    found = {aspect: _binding(requirement) for aspect, requirement in requirements.items()}
    for aspect, requirement in found.items():
        if requirement.parts:
            parts = {part: found[part] for part in requirement.parts if found[part].rules}
            found[aspect] = replace(requirement, parts=parts, seen={})
    return {aspect: requirement for aspect, requirement in found.items() if requirement.rules}


def _binding(requirement: Requirement) -> Requirement:
    rules = tuple(rule for rule in requirement.rules if rule.binds)
    if rules == requirement.rules or not rules:
        return replace(requirement, rules=rules)
    advice = tuple(rule for rule in requirement.rules if not rule.binds)
    return replace(requirement, rule=rules[0], rules=rules, advice=advice, seen={})


def unbound(requirement: Requirement) -> str:
    """Which rules do not bind, and what would make them."""
    rules = [rule for rule in requirement.rules if not rule.binds]
    names = ", ".join(f"{rule.id} ({rule.source.force}{'' if rule.source.verified else ', never verified'})" for rule in rules)
    words = ", ".join(dict.fromkeys(rule.source.force for rule in rules))
    return f"{names} does not bind; enforce: [{words}] in the policy would make it, once verified"
