"""What a policy is, after loading.  Plain values with a JSON form (plain.py), so that workers read a compiled policy without YAML or a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date

from ..model import Source, Stage
from .select import Select

# Stands before the id of an override where a stage means every aspect that it replaces.
OF_OVERRIDE = "override:"

# Where a rule or a stage comes from beats where it is not said: host > group > zone > service > protocol > nothing.
SPECIFICITY = ("protocol", "transport", "role", "service", "zone", "group", "host")


@dataclass(frozen=True, slots=True)
class Match:
    """The scope of a rule or a stage; "" matches everything."""

    protocol: str = ""
    transport: str = ""
    role: str = ""
    service: str = ""
    zone: str = ""
    group: str = ""
    host: str = ""

    @property
    def rank(self) -> int:
        """Grows with specificity: a host outweighs everything else together, and of two zone scopes the one that also names a protocol wins.

        The zone "*" is every zone, so it says nothing.
        """
        return sum(1 << i for i, name in enumerate(SPECIFICITY) if getattr(self, name) not in ("", "*"))

    def meets(self, other: Match) -> bool:
        """Whether the two scopes surely share targets: wherever both say something, they say the same."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in SPECIFICITY)
        return all(mine == theirs or mine in ("", "*") or theirs in ("", "*") for mine, theirs in pairs)

    def within(self, outer: Match) -> Match | None:
        """The scope that both name; None when they say different things."""
        if not self.meets(outer):
            return None
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        return Match(**{name: getattr(outer, name) if value in ("", "*") and getattr(outer, name) else value for name, value in mine.items()})


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence of a standard or of the organisation.

    allow: what is good.  fallback: what is tolerated until (and on) fallback_until, "" = until stage require.  disallowed_after, deprecated_after:
    catalogue id → the last day on which it is allowed, or more than deprecated.  require: key → alternatives, for aspects without algorithms.
    order: (attribute, values or "asc"/"desc") in falling weight.  depth: as StageRule.  regimes: () = it speaks everywhere.
    when: key → values; of what has other ones nothing is required.
    unless: aspect → constructions; where that aspect has nothing else, require asks nothing.  pki: kind of PKI → constructions of keys that
    it can issue, () = any.  override: the id of the override that put it in the place of others, "" = none.  binds: whether a plan enforces it:
    verified, and its document requires it or the organisation decided so (`enforce`); what does not bind is judged all the same.
    """

    id: str
    aspect: str
    match: Match
    allow: Select
    source: Source
    fallback: Select | None = None
    fallback_until: str = ""
    order: tuple[tuple[str, tuple[str, ...]], ...] = ()
    disallowed_after: Mapping[str, str] = field(default_factory=dict)
    deprecated_after: Mapping[str, str] = field(default_factory=dict)
    require: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pki: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    regimes: tuple[str, ...] = ()
    override: str = ""
    depth: int = 0
    binds: bool = False
    origin: str = ""


@dataclass(frozen=True, slots=True)
class StageRule:
    """From this day on (ISO date, "" = always) the aspect ("" = every one) of the scope is at this stage.  depth: 0 = own policy, 1 = extended …"""

    stage: Stage
    match: Match
    aspect: str = ""
    start: str = ""
    regimes: tuple[str, ...] = ()
    depth: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What one file says of one algorithm: (state, first day) in the order of life, each later than the one before.

    broken: its retirement outweighs the no-PQ-regression invariant; approver says who decided that.
    """

    states: tuple[tuple[str, str], ...]
    reason: str = ""
    broken: bool = False
    approver: str = ""
    regimes: tuple[str, ...] = ()
    origin: str = field(default="", compare=False)

    def state(self, today: str) -> tuple[str, str]:
        """(state, since) on this day; ("", "") before the first."""
        return next(((state, start) for state, start in reversed(self.states) if start <= today), ("", ""))


@dataclass(frozen=True, slots=True)
class Zone:
    """owners, approvers: aspect → who, "default" = of all others.  data_lifetime: years, 0 = not said.  pki: who issues its certificates."""

    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    approvers: Mapping[str, str] = field(default_factory=dict)
    exposure: str = ""
    data_lifetime: int = 0
    pki: str = ""
    regimes: tuple[str, ...] = ()
    jurisdiction: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Regime:
    """Who is in it beside the zones that name it."""

    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A partner or vendor on whom a migration waits."""

    kind: str
    contact: str
    zone: str = ""
    hosts: tuple[str, ...] = ()
    promised: str = ""
    evidence: str = ""
    done: bool = False
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """`replace` no longer holds within `match` where a rule of this override speaks instead (Rule.override)."""

    id: str
    match: Match
    replace: tuple[str, ...]
    reason: str
    approver: str
    depth: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exception of the policy: these rules may be broken within `match`, from start to and including expires.

    permits: catalogue ids, () = whatever breaks the rules except what is retired.  compensating: gateway, control, verify.
    """

    id: str
    match: Match
    rules: tuple[str, ...]
    reason: str
    owner: str
    approver: str
    expires: str
    compensating: Mapping[str, tuple[str, ...]] = field(hash=False)
    permits: tuple[str, ...] = ()
    start: str = ""
    origin: str = ""

    def active(self, day: date) -> bool:
        """Whether it holds on this day; its last day is included."""
        return self.start <= day.isoformat() <= self.expires


@dataclass(frozen=True, slots=True)
class Event:
    """From start to end: local times of the time zone.  rrule: how it comes again, counted from start, "" = once.

    without: starts, or whole days, on which it does not take place.
    """

    start: str
    end: str
    timezone: str
    rrule: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """When changes may be made: by a rule with a duration, or by events.  rrule: RFC 5545, checked.  duration, reserve: minutes."""

    id: str
    match: Match
    rrule: str
    duration: int
    timezone: str
    reserve: int = 0
    origin: str = ""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Freeze:
    """When no change may be made: local times of the time zone, both included, or days, both included; or events."""

    id: str
    match: Match
    start: str
    end: str
    timezone: str
    reason: str = ""
    origin: str = ""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Escrow:
    """Whether private keys of this scope may be kept for their recovery.  mode: never | allowed | required.

    recipient: who alone can read them; classical, kem: sha256 (hex) of his two public keys, "" with never.
    """

    id: str
    match: Match
    mode: str
    recipient: str = ""
    classical: str = ""
    kem: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """When something may be taken from clients that nobody here manages.

    minutes: up to now, in which each that came has to have offered what stays, 0 = that is not looked at.  until: the last day on which approver
    answers for them.
    """

    id: str
    match: Match
    minutes: int = 0
    reason: str = ""
    approver: str = ""
    until: str = ""
    origin: str = ""


Scoped = Rule | StageRule | Override | Exemption | Window | Freeze | Escrow | Watched


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    version: str
    rules: tuple[Rule, ...]
    stages: tuple[StageRule, ...]
    algorithms: Mapping[str, tuple[Lifecycle, ...]] = field(default_factory=dict)
    zones: Mapping[str, Zone] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)
    timezone: str = "UTC"
    peers: Mapping[str, Peer] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    exceptions: tuple[Exemption, ...] = ()
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    escrow: tuple[Escrow, ...] = ()
    clients: tuple[Watched, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Issuers:
    """What those who issue a target's certificates can: constructions of keys.  said: who says so of which PKI."""

    constructions: tuple[str, ...]
    said: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the policy asks of one aspect of one endpoint on one day.

    rule: the most specific one, which names the finding; rules: all that apply, limits of all hold.  ordering: the most specific one that
    declares an order.  next_stage: (stage, date) of the next change that will really happen.  required_from: the day ahead on which stage
    require begins, "" = it has, or never will.  lifecycle: catalogue id → all that is said of it.
    outside: rules of regimes that this target is not in; when nothing else speaks, applicable is False and the answer is not-applicable.
    replaced: rules that an override took out here.  advice: rules that do not bind, once binding() has taken
    them out of rules.  data_lifetime: years, the longest of its zones.  parts: of the aspect cipher of TLS, what is asked of what a suite
    brings along (suite.py).
    exceptions: those for this scope and one of these rules, expired ones too.  issuers: of keys and certificates; None = whatever is asked for.
    clients: what is said of those that nobody here manages.
    """

    rule: Rule
    rules: tuple[Rule, ...]
    stage: Stage
    stage_origin: str
    next_stage: tuple[Stage, str] | None
    lifecycle: Mapping[str, tuple[Lifecycle, ...]]
    ordering: Rule
    outside: tuple[Rule, ...] = ()
    replaced: tuple[Rule, ...] = ()
    advice: tuple[Rule, ...] = ()
    parts: Mapping[str, Requirement] = field(default_factory=dict)
    exceptions: tuple[Exemption, ...] = ()
    applicable: bool = True
    required_from: str = ""
    data_lifetime: int = 0
    issuers: Issuers | None = None
    clients: Watched | None = None
    seen: dict[tuple[object, ...], object] = field(default_factory=dict, compare=False, repr=False)  # verdicts and wishes already given
