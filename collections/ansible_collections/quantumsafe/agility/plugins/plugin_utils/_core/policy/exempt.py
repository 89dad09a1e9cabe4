"""Exceptions of a policy: which breach of which rule is answered for by somebody, until when.

Source: docs/policy.md.  An exception changes a verdict, never a requirement; what it does not name it does not cover (fail closed).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..algorithms.lookup import Algorithm
from .model import Exemption, Policy, Requirement
from .resolve import judge, said_by_parts, said_by_rule

LIFE = ""  # stands for the life-cycle where a breach is of no rule: only an exception that names the algorithm covers that


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that is not kept, by what goes by this name (a catalogue id, or a fact such as RSA-2048), or ("") by what is missing."""

    name: str
    rule: str


def breaches(requirement: Requirement, algorithms: Iterable[Algorithm], as_of: date, kinds: tuple[str, ...]) -> tuple[Breach, ...]:
    """What in these algorithms breaks which rule; kinds: the verdicts that count.  Without any, the leading rule misses something."""
    today = as_of.isoformat()
    out: list[Breach] = []
    for algorithm in algorithms:
        if judge(requirement, algorithm, as_of).kind not in kinds:
            continue
        mine = [Breach(algorithm.id, rule.id) for rule in requirement.rules if said_by_rule(requirement, rule, algorithm, as_of).kind in kinds]
        mine += [Breach(algorithm.id, asked.rule.id) for verdict, asked in said_by_parts(requirement, algorithm, as_of) if verdict.kind in kinds]
        states = {life.state(today)[0] for life in requirement.lifecycle.get(algorithm.id, ())}
        out += [*mine, *([Breach(algorithm.id, LIFE)] if states & {"candidate", "deprecated", "retired"} else [])]
    return tuple(out) or (Breach("", requirement.rule.id),)


def covers(exemption: Exemption, breach: Breach) -> bool:
    """Whether this exception answers for it."""
    named = breach.name.lower() in {name.lower() for name in exemption.permits}
    if breach.rule == LIFE:
        return named
    return breach.rule in exemption.rules and (named or not exemption.permits)


def excuses(requirement: Requirement, found: tuple[Breach, ...], as_of: date) -> tuple[Exemption, ...]:
    """The exceptions in force that together answer for every breach; () when one is left."""
    active = [one for one in requirement.exceptions if one.active(as_of)]
    answers = [next((one for one in active if covers(one, breach)), None) for breach in found]
    return tuple(dict.fromkeys(one for one in answers if one)) if all(answers) else ()


def touching(requirement: Requirement, found: tuple[Breach, ...], as_of: date) -> tuple[Exemption, ...]:
    """The exceptions in force that answer for a part at least: enforce leaves that aspect alone."""
    return tuple(one for one in requirement.exceptions if one.active(as_of) and any(covers(one, breach) for breach in found))


def lapsed(requirement: Requirement, found: tuple[Breach, ...], as_of: date) -> tuple[Exemption, ...]:
    """Exceptions that once answered for it."""
    today = as_of.isoformat()
    return tuple(one for one in requirement.exceptions if one.expires < today and any(covers(one, breach) for breach in found))


def standing(policy: Policy, used: Iterable[str], as_of: date) -> dict[str, tuple[str, ...]]:
    """Ids by what should be done about them: expired, unused (in force, and no finding of the audit needs it), pending, used."""
    today, needed = as_of.isoformat(), set(used)
    out: dict[str, list[str]] = {"expired": [], "unused": [], "pending": [], "used": []}
    for one in policy.exceptions:
        kind = "expired" if one.expires < today else "pending" if one.start > today else "used" if one.id in needed else "unused"
        out[kind].append(one.id)
    return {kind: tuple(ids) for kind, ids in out.items()}
