"""Which rule is behind a verdict: the finding cites it, and explain tells all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from ..algorithms.lookup import Algorithm
from ..model import Source, State
from .model import Requirement, Rule
from .resolve import judge, said_by_life, said_by_parts, said_by_rule
from .weight import weight

WORST = ("retired", "forbidden", "deprecated", "fallback")
UNDECIDED: tuple[State, ...] = ("compliant", "not-applicable", "unknown")  # nobody took anything away: the leading rule is named
LIFE = "life-cycle"


def deciders(requirement: Requirement, algorithms: Iterable[Algorithm], as_of: date) -> tuple[tuple[Rule, ...], str]:
    """(rules that give the worst of these what it got, the weightiest first; or, where none does, what its life-cycle says)."""
    verdicts = [(a, judge(requirement, a, as_of).kind) for a in algorithms]
    hit = next((found for kind in WORST for found in verdicts if found[1] == kind), None)
    if hit is None:
        return (requirement.rule,), ""
    algorithm, kind = hit
    rules = [rule for rule in requirement.rules if said_by_rule(requirement, rule, algorithm, as_of).kind == kind]
    if not rules:
        rules = [asked.rule for verdict, asked in said_by_parts(requirement, algorithm, as_of) if verdict.kind == kind]
    lives = [v for v in said_by_life(requirement, algorithm, as_of) if v.kind == kind]
    return tuple(sorted(rules, key=weight)), lives[0].reason if lives and not rules else ""


def cited(requirement: Requirement, algorithms: Iterable[Algorithm], state: State, as_of: date) -> tuple[str, Source]:
    """The rule, with its source, that a finding of this state names."""
    rules, life = ((requirement.rule,), "") if state in UNDECIDED else deciders(requirement, algorithms, as_of)
    if rules:
        return rules[0].id, rules[0].source
    return LIFE, Source("life cycle of the policy", life, force="requirement")
