"""What a policy means for one target on one day.  The semantics are those of docs/policy.md; every date includes its day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from ..algorithms.lookup import ALL, Algorithm
from ..model import Endpoint, Stage
from .derive import derived
from .issue import CERTIFIED, issuers_of
from .model import Lifecycle, Match, Policy, Regime, Requirement, Rule, Scoped, Zone
from .suite import OF_SUITES, brings
from .weight import ordering_of, stage_of, weight
from .zones import regimes_of, zones_of

Kind = Literal["allowed", "deprecated", "fallback", "forbidden", "retired"]
_PLACE = {algorithm.id: place for place, algorithm in enumerate(ALL)}
_WORST: tuple[Kind, ...] = ("allowed", "fallback", "deprecated", "forbidden", "retired")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom the question is about: an inventory host with its groups, and one endpoint's protocol, role, service and transport."""

    host: str
    groups: tuple[str, ...] = ()
    protocol: str = ""
    role: str = "server"
    service: str = ""
    transport: str = "tcp"


def target_of(host: str, groups: tuple[str, ...], endpoint: Endpoint) -> Target:
    """Whom a question about this endpoint is about."""
    return Target(host, groups, endpoint.protocol, endpoint.role, endpoint.service, endpoint.transport)


@dataclass(frozen=True, slots=True)
class Verdict:
    """deadline: the last day on which this kind holds, ISO date, "" = no end is set.  good: within every limit, though perhaps deprecated."""

    kind: Kind
    reason: str
    deadline: str = ""
    good: bool = False


def resolve(policy: Policy, target: Target, as_of: date) -> Mapping[str, Requirement]:
    """Aspect → requirement for this target, in the order of the policy's rules.

    Raises Problem when two stages, or two preferences, of equal weight collide.
    """
    zones = zones_of(policy, target.host, target.groups)
    regimes = regimes_of(policy, target.host, target.groups)
    scoped = [rule for rule in policy.rules if applies(rule.match, target, zones)]
    held = [rule for rule in scoped if _bound(rule.regimes, regimes)]
    gone = _replaced(policy, held)
    stages = [stage for stage in policy.stages if applies(stage.match, target, zones) and _bound(stage.regimes, regimes)]
    lives = policy.algorithms if not _regional(policy) else _lives(policy, regimes)
    exceptions = [one for one in policy.exceptions if applies(one.match, target, zones)]
    lifetime = max((policy.zones[zone].data_lifetime for zone in zones), default=0)
    issuers = issuers_of([policy.zones[zone] for zone in zones], [rule for rule in held if rule.id not in gone])
    clients = max((one for one in policy.clients if applies(one.match, target, zones)), key=lambda one: one.match.rank, default=None)
    out = {}
    for aspect in dict.fromkeys(rule.aspect for rule in scoped):
        what = f"{aspect} of {target.host or 'any host'}"
        outside = tuple(rule for rule in scoped if rule.aspect == aspect and rule not in held)
        rules = tuple(sorted((rule for rule in held if rule.aspect == aspect and rule.id not in gone), key=weight))
        now, ahead, required = stage_of([s for s in stages if s.aspect in ("", aspect)], what, as_of)
        leading = min(rules or outside, key=weight)
        out[aspect] = Requirement(
            rule=leading,
            rules=rules,
            stage=now.stage if rules else "observe",
            stage_origin=now.origin,
            next_stage=ahead if rules else None,
            required_from=required if rules else "",
            lifecycle=lives,
            ordering=ordering_of(rules, leading, what),
            outside=outside,
            replaced=tuple(rule for rule in held if rule.aspect == aspect and rule.id in gone),
            exceptions=tuple(one for one in exceptions if {rule.id for rule in rules} & set(one.rules)),
            applicable=bool(rules),
            data_lifetime=lifetime,
            issuers=issuers if aspect in CERTIFIED else None,
            clients=clients,
        )
    return joined(derived(out, target.protocol, as_of, _classical_left, exceptions), target.protocol)


def joined(found: Mapping[str, Requirement], protocol: str) -> Mapping[str, Requirement]:
    """The requirements, those of a TLS cipher suite with what is asked of the parts that it brings along."""
    parts = {aspect: found[aspect] for aspect in ("key_exchange", "signature", *OF_SUITES) if aspect in found and found[aspect].applicable}
    if protocol != "tls" or "cipher" not in found or not parts:
        return found
    cipher = found["cipher"]
    answers = tuple(dict.fromkeys(one for each in (cipher, *parts.values()) for one in each.exceptions))
    return {**found, "cipher": replace(cipher, parts=parts, exceptions=answers, seen={})}


def _classical_left(requirement: Requirement, as_of: date) -> bool:
    """Whether a key exchange without quantum safety is still allowed or tolerated."""
    rows = (a for a in ALL if (a.protocol, a.aspect) == ("tls", "key_exchange") and not a.quantum_category)
    return any(judge(requirement, a, as_of).kind not in ("forbidden", "retired") for a in rows)


class Resolver:
    """resolve() for many targets of one policy on one day: targets that no scope tells apart share their requirements.

    Keeps the newest `keep` answers, so that memory stays flat however large the fleet is.
    """

    def __init__(self, policy: Policy, as_of: date, keep: int = 512) -> None:
        scoped: tuple[Scoped, ...] = (*policy.rules, *policy.stages, *policy.exceptions, *policy.clients)
        scopes = [one.match for one in scoped]
        among: tuple[Zone | Regime, ...] = (*policy.zones.values(), *policy.regimes.values())
        self.policy, self.as_of, self.keep = policy, as_of, keep
        self._hosts = {scope.host for scope in scopes} | {host for one in among for host in one.hosts}
        self._groups = {scope.group for scope in scopes} | {group for one in among for group in one.groups}
        self._known: dict[Target, Mapping[str, Requirement]] = {}

    def kind(self, target: Target) -> Target:
        """The target without what no scope tells apart."""
        groups = tuple(sorted(self._groups.intersection(target.groups)))
        return replace(target, host=target.host if target.host in self._hosts else "", groups=groups)

    def __call__(self, target: Target) -> Mapping[str, Requirement]:
        """Raises Problem as resolve() does."""
        seen = self.kind(target)
        found = self._known.pop(seen, None) or resolve(self.policy, replace(target, groups=seen.groups), self.as_of)
        self._known[seen] = found
        if len(self._known) > self.keep:
            del self._known[next(iter(self._known))]
        return found


def _bound(regimes: tuple[str, ...], here: set[str]) -> bool:
    return not regimes or bool(here.intersection(regimes))


def _replaced(policy: Policy, held: list[Rule]) -> set[str]:
    """Ids of rules that give way here: only where a rule of the override really speaks, on the same aspect (fail closed)."""
    by_id = {override.id: override for override in policy.overrides}
    speaks = {(rule.override, rule.aspect) for rule in held if rule.override}
    return {rule.id for rule in held for id_, aspect in speaks if rule.aspect == aspect and rule.id in by_id[id_].replace}


def _regional(policy: Policy) -> bool:
    return any(life.regimes for lives in policy.algorithms.values() for life in lives)


def _lives(policy: Policy, regimes: set[str]) -> dict[str, tuple[Lifecycle, ...]]:
    return {name: tuple(life for life in lives if _bound(life.regimes, regimes)) for name, lives in policy.algorithms.items()}


def applies(match: Match, target: Target, zones: tuple[str, ...]) -> bool:
    return (
        match.protocol in ("", target.protocol)
        and match.transport in ("", target.transport)
        and match.role in ("", target.role)
        and match.service in ("", target.service)
        and match.host in ("", target.host)
        and (not match.group or match.group in target.groups)
        and (match.zone in ("", "*") or match.zone in zones)
    )


def judge(requirement: Requirement, algorithm: Algorithm, as_of: date) -> Verdict:
    """How the policy sees this algorithm on this day.  Limits of all rules and all that is said of its life hold, so the worst verdict counts."""
    key = (algorithm.id, algorithm.protocol, as_of)
    known = requirement.seen.get(key)
    if not isinstance(known, Verdict):
        known = requirement.seen[key] = _judge(requirement, algorithm, as_of)
    return known


def _judge(requirement: Requirement, algorithm: Algorithm, as_of: date) -> Verdict:
    verdicts = [
        *said_by_life(requirement, algorithm, as_of),
        *(said_by_rule(requirement, rule, algorithm, as_of) for rule in requirement.rules),
        *(verdict for verdict, dummy in said_by_parts(requirement, algorithm, as_of)),
    ]
    worst = max(verdicts, key=lambda v: _WORST.index(v.kind), default=Verdict("forbidden", "no rule speaks of it"))
    if worst.kind in ("retired", "forbidden"):
        return worst
    deadlines = [v.deadline for v in verdicts if v.deadline]
    if requirement.required_from and not all(v.good for v in verdicts):
        deadlines.append(_day_before(requirement.required_from))
    return Verdict(worst.kind, worst.reason, min(deadlines, default=""), bool(requirement.rules) and all(v.good for v in verdicts))


def said_by_parts(requirement: Requirement, algorithm: Algorithm, as_of: date) -> list[tuple[Verdict, Requirement]]:
    """What is said of the exchange, the authentication and the PRF that a TLS 1.2 suite brings along, and of the hash of one of TLS 1.3,
    each with the requirement that says it.

    It lasts as long as the best of what it can be; that this is merely tolerated is the other aspect's finding.
    """
    out = []
    for aspect, choices in brings(algorithm.id).items() if requirement.parts else ():
        asked = requirement.parts.get(aspect)
        judged = [judge(asked, a, as_of) for a in choices] if asked and asked.rules else []
        left = [v for v in judged if v.kind not in ("forbidden", "retired")]
        if asked and left:
            ends = "" if any(not v.deadline for v in left) else max(v.deadline for v in left)
            out.append((Verdict("allowed", f"its {aspect} passes", ends, good=True), asked))
        elif asked and judged:
            out.append((Verdict("forbidden", f"its {aspect} cannot pass: {judged[0].reason}"), asked))
    return out


def said_by_life(requirement: Requirement, algorithm: Algorithm, as_of: date) -> list[Verdict]:
    """What each entry on its life makes of it."""
    return [_by_life(life, as_of.isoformat(), requirement.stage) for life in requirement.lifecycle.get(algorithm.id, ())]


def said_by_rule(requirement: Requirement, rule: Rule, algorithm: Algorithm, as_of: date) -> Verdict:
    """What this one rule says of it here, whatever other rules say."""
    return _by_rule(rule, algorithm, as_of.isoformat(), requirement.stage)


def _by_life(life: Lifecycle, today: str, stage: Stage) -> Verdict:
    """What this state makes of an algorithm that the rules allow; a deadline is the day before the next state that takes something away."""
    state, since = life.state(today)
    harder = [start for next_, start in life.states if start > today and next_ in ("deprecated", "retired")]
    ends = _day_before(min(harder)) if harder else ""
    said = f": {life.reason}" if life.reason else ""
    if state == "candidate" and stage == "require":
        return Verdict("forbidden", f"only a candidate since {since}{said}, and stage require tolerates nothing")
    kinds: dict[str, Kind] = {"candidate": "fallback", "deprecated": "deprecated", "retired": "retired"}
    reason = f"{state} since {since}{said}" if state else "no state has begun"
    return Verdict(kinds.get(state, "allowed"), reason, ends, state not in ("candidate", "retired"))


def preferred(requirement: Requirement, algorithm: Algorithm, as_of: date) -> bool:
    """Whether its life-cycle puts it before everything else that is allowed."""
    return any(life.state(as_of.isoformat())[0] == "preferred" for life in requirement.lifecycle.get(algorithm.id, ()))


def broken(requirement: Requirement, algorithm: Algorithm, as_of: date) -> bool:
    """Whether it is retired because it no longer protects, which outweighs the no-PQ-regression invariant."""
    return any(life.broken and life.state(as_of.isoformat())[0] == "retired" for life in requirement.lifecycle.get(algorithm.id, ()))


def _day_before(day: str) -> str:
    """A life-cycle state begins on its day, so what was before ends on the day before."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _by_rule(rule: Rule, algorithm: Algorithm, today: str, stage: Stage) -> Verdict:
    """What this one rule says of an algorithm on this day (ISO) at this stage, whatever other rules say.

    Two dates may end a fallback, its own and the begin of stage require; the earlier bites.
    """
    last, fades = rule.disallowed_after.get(algorithm.id, ""), rule.deprecated_after.get(algorithm.id, "")
    if last and today > last:
        return Verdict("forbidden", f"{rule.id} disallows it after {last}")
    good, until = rule.allow.matches(algorithm), rule.fallback_until
    if not good and not (rule.fallback and rule.fallback.matches(algorithm)):
        return Verdict("forbidden", f"not among what {rule.id} allows")
    if not good and until and today > until:
        return Verdict("forbidden", f"{rule.id} tolerated it until {until}")
    if not good and stage == "require":
        return Verdict("forbidden", f"{rule.id} tolerates it only until stage require, which has begun")
    ends = [last] if good else [last, until]
    if fades and today > fades:
        return Verdict("deprecated", f"{rule.id} deprecates it after {fades}", min(filter(None, ends), default=""), good)
    kind: Kind = "allowed" if good else "fallback"
    return Verdict(kind, f"{rule.id} {'allows' if good else 'tolerates'} it", min(filter(None, (*ends, fades)), default=""), good)


def rank(requirement: Requirement, algorithms: Iterable[Algorithm], as_of: date) -> tuple[tuple[Algorithm, ...], tuple[int, ...]]:
    """A total, deterministic order, and the tier of each: everything allowed is preferred to everything that is merely kept.

    Life-cycle state, then the declared order, strength, share size, catalogue place.
    """
    kinds = {a: judge(requirement, a, as_of).kind for a in algorithms}

    def key(a: Algorithm) -> tuple[object, ...]:
        declared = tuple(_order_key(a, name, values) for name, values in requirement.ordering.order)
        life = (_WORST.index(kinds[a]), not preferred(requirement, a, as_of))
        return (life, declared, -a.quantum_category, -max(a.classical_bits, a.key_bits), a.share, _PLACE.get(a.id, len(ALL)), a.id)

    ordered = tuple(sorted(kinds, key=key))
    return ordered, tuple(0 if kinds[a] == kinds[ordered[0]] else 1 for a in ordered)


def _order_key(algorithm: Algorithm, name: str, values: tuple[str, ...]) -> int:
    value = algorithm.id if name == "name" else getattr(algorithm, name)
    if values in (("asc",), ("desc",)):
        return int(value) if values == ("asc",) else -int(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)  # YAML says true, Python says True
    return values.index(text) if text in values else len(values)
