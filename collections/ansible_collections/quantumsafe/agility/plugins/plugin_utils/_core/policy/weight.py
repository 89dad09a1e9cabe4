"""Who outweighs whom: own policy before what it extends, then the more specific scope; equal weight is an error, never file order."""

from __future__ import annotations

from datetime import date

from ..model import Problem, Stage
from .model import Match, Rule, StageRule


def weight(rule: Rule) -> tuple[int, int, str]:
    """The smallest is the one to name where several rules say the same: the most specific, the most own, then by id."""
    return -rule.match.rank, rule.depth, rule.id


def ordering_of(rules: tuple[Rule, ...], leading: Rule, what: str) -> Rule:
    """Whose order holds: own policy before what it extends, then the more specific scope; a rule that declares none takes nobody's away."""
    declared = [rule for rule in rules if rule.order]
    if not declared:
        return leading
    best = max(declared, key=lambda rule: (-rule.depth, rule.match.rank))
    rivals = [r for r in declared if (r.depth, r.match.rank) == (best.depth, best.match.rank) and r.order != best.order]
    if rivals:
        raise Problem(f"two orders of equal weight for {what}: {best.id} and {rivals[0].id}", best.origin, "make one more specific")
    return best


def stage_of(stages: list[StageRule], what: str, as_of: date) -> tuple[StageRule, tuple[Stage, str] | None, str]:
    """The stage in force, the next day on which it really changes (a later start that something more specific overrides is no change),
    and the first day ahead of stage require, "" when it is in force or never comes."""
    today = as_of.isoformat()
    now = _in_force(stages, what, today)
    later = [(day, _in_force(stages, what, day).stage) for day in sorted({s.start for s in stages if s.start > today})]
    changed = next(((stage, day) for day, stage in later if stage != now.stage), None)
    required = next((day for day, stage in later if stage == "require"), "") if now.stage != "require" else ""
    return now, changed, required


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
