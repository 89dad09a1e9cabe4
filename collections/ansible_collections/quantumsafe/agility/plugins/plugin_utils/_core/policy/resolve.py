"""What a policy means for one target on one day.  The semantics are those of docs/policy.md; every date includes its day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ..algorithms.lookup import ALL, Algorithm
from ..model import Problem, Stage
from .model import Match, Policy, Requirement, Rule, StageRule

Kind = Literal["allowed", "deprecated", "fallback", "forbidden", "retired"]
_PLACE = {algorithm.id: place for place, algorithm in enumerate(ALL)}
_WORST: tuple[Kind, ...] = ("allowed", "deprecated", "fallback", "forbidden", "retired")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom the question is about: an inventory host with its groups, and one endpoint's protocol, role and service."""

    host: str
    groups: tuple[str, ...] = ()
    protocol: str = ""
    role: str = "server"
    service: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """deadline: the last day on which this kind holds, ISO date, "" = no end is set."""

    kind: Kind
    reason: str
    deadline: str = ""


def resolve(policy: Policy, target: Target, as_of: date) -> Mapping[str, Requirement]:
    """Aspect → requirement for this target, in the order of the policy's rules.

    Raises Problem when two stages, or two preferences, of equal weight collide.
    """
    zones = tuple(name for name, zone in policy.zones.items() if target.host in zone.hosts or set(zone.groups) & set(target.groups))
    applicable = [rule for rule in policy.rules if _applies(rule.match, target, zones)]
    stages = [stage for stage in policy.stages if _applies(stage.match, target, zones)]
    out = {}
    for aspect in dict.fromkeys(rule.aspect for rule in applicable):
        rules = tuple(rule for rule in applicable if rule.aspect == aspect)
        now, ahead = _stage([s for s in stages if s.aspect in ("", aspect)], f"{aspect} of {target.host}", as_of)
        leading = max(rules, key=lambda rule: rule.match.rank)
        ordering = _ordering(rules, leading, f"{aspect} of {target.host}")
        out[aspect] = Requirement(leading, rules, now.stage, now.origin, ahead, policy.algorithms, ordering)
    return out


def owner_of(policy: Policy, host: str, groups: Iterable[str]) -> str:
    """The owner of the first zone that this host is in, "" when none."""
    among = set(groups)
    return next((zone.owner for zone in policy.zones.values() if host in zone.hosts or among & set(zone.groups)), "")


def _applies(match: Match, target: Target, zones: tuple[str, ...]) -> bool:
    return (
        match.protocol in ("", target.protocol)
        and match.role in ("", target.role)
        and match.service in ("", target.service)
        and match.host in ("", target.host)
        and (not match.group or match.group in target.groups)
        and (match.zone in ("", "*") or match.zone in zones)
    )


def _ordering(rules: tuple[Rule, ...], leading: Rule, what: str) -> Rule:
    """Whose order holds: own policy before what it extends, then the more specific scope; a rule that declares none takes nobody's away."""
    declared = [rule for rule in rules if rule.order]
    if not declared:
        return leading
    best = max(declared, key=lambda rule: (-rule.depth, rule.match.rank))
    rivals = [r for r in declared if (r.depth, r.match.rank) == (best.depth, best.match.rank) and r.order != best.order]
    if rivals:
        raise Problem(f"two orders of equal weight for {what}: {best.id} and {rivals[0].id}", best.origin, "make one more specific")
    return best


def _stage(stages: list[StageRule], what: str, as_of: date) -> tuple[StageRule, tuple[Stage, str] | None]:
    """The stage in force, and the next day on which it really changes (a later start that something more specific overrides is no change)."""
    today = as_of.isoformat()
    now = _in_force(stages, what, today)
    for day in sorted({s.start for s in stages if s.start > today}):
        then = _in_force(stages, what, day)
        if then.stage != now.stage:
            return now, (then.stage, day)
    return now, None


def _in_force(stages: list[StageRule], what: str, day: str) -> StageRule:
    """Own policy before what it extends, then the more specific scope, then, within one and the same scope, the later start."""
    begun = [s for s in stages if s.start <= day]
    if not begun:
        return StageRule("observe", Match(), origin="no stage is set")
    top = max(_weight(s) for s in begun)
    latest: dict[Match, list[StageRule]] = {}
    for stage in sorted((s for s in begun if _weight(s) == top), key=lambda s: s.start):
        peers = latest.get(stage.match, [])
        latest[stage.match] = [*peers, stage] if peers and peers[0].start == stage.start else [stage]
    best, *others = [stage for peers in latest.values() for stage in peers]
    rivals = [s for s in others if s.stage != best.stage]
    if rivals:
        raise Problem(f"two stages of equal weight for {what}: {best.stage} and {rivals[0].stage}", best.origin, "make one more specific")
    return best


def _weight(stage: StageRule) -> tuple[int, int, bool]:
    return -stage.depth, stage.match.rank, bool(stage.aspect)


def judge(requirement: Requirement, algorithm: Algorithm, as_of: date) -> Verdict:
    """How the policy sees this algorithm on this day.  Limits of all rules and all that is said of its life hold, so the worst verdict counts."""
    today = as_of.isoformat()
    cycles = sorted(requirement.lifecycle.get(algorithm.id, ()), key=lambda cycle: cycle.start)
    over = [cycle for cycle in cycles if cycle.start <= today]
    for cycle in over:
        if cycle.state == "retired":
            return Verdict("retired", f"retired since {cycle.start}: {cycle.reason}")
    verdicts = [_by_rule(rule, algorithm, today) for rule in requirement.rules]
    worst = max(verdicts, key=lambda v: _WORST.index(v.kind))
    ahead = [_day_before(cycle.start) for cycle in cycles if cycle.start > today]
    deadline = min([*(v.deadline for v in verdicts if v.deadline), *ahead], default="")
    if over and worst.kind == "allowed":
        return Verdict("deprecated", f"deprecated since {over[0].start}: {over[0].reason}", deadline)
    return Verdict(worst.kind, worst.reason, deadline)


def _day_before(day: str) -> str:
    """A life-cycle state begins on its day, so what was before ends on the day before."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _by_rule(rule: Rule, algorithm: Algorithm, today: str) -> Verdict:
    last = rule.disallowed_after.get(algorithm.id, "")
    if last and today > last:
        return Verdict("forbidden", f"{rule.id} disallows it after {last}")
    if rule.allow.matches(algorithm):
        return Verdict("allowed", f"{rule.id} allows it", last)
    if rule.fallback and rule.fallback.matches(algorithm):
        if not rule.fallback_until or today <= rule.fallback_until:
            return Verdict("fallback", f"{rule.id} tolerates it", min(filter(None, (last, rule.fallback_until)), default=""))
        return Verdict("forbidden", f"{rule.id} tolerated it until {rule.fallback_until}")
    return Verdict("forbidden", f"not among what {rule.id} allows")


def rank(requirement: Requirement, algorithms: Iterable[Algorithm], as_of: date) -> tuple[tuple[Algorithm, ...], tuple[int, ...]]:
    """A total, deterministic order, and the tier of each: everything allowed is preferred to everything that is merely kept.

    Life-cycle state, then the declared order, strength, share size, catalogue place.
    """
    kinds = {a: judge(requirement, a, as_of).kind for a in algorithms}

    def key(a: Algorithm) -> tuple[object, ...]:
        declared = tuple(_order_key(a, name, values) for name, values in requirement.ordering.order)
        return (_WORST.index(kinds[a]), declared, -a.quantum_category, -max(a.classical_bits, a.key_bits), a.share, _PLACE.get(a.id, len(ALL)), a.id)

    ordered = tuple(sorted(kinds, key=key))
    return ordered, tuple(0 if kinds[a] == "allowed" else 1 for a in ordered)


def _order_key(algorithm: Algorithm, name: str, values: tuple[str, ...]) -> int:
    value = algorithm.id if name == "name" else getattr(algorithm, name)
    if values in (("asc",), ("desc",)):
        return int(value) if values == ("asc",) else -int(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)  # YAML says true, Python says True
    return values.index(text) if text in values else len(values)
