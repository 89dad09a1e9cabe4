"""What a policy is, after loading.  Plain values with a JSON form, so that workers read a compiled policy without YAML or a schema."""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..algorithms.lookup import Algorithm
from ..model import Source, Stage

_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}

# Where a rule or a stage comes from beats where it is not said: host > group > zone > service > protocol > nothing.
SPECIFICITY = ("protocol", "role", "service", "zone", "group", "host")


@dataclass(frozen=True, slots=True)
class Match:
    """The scope of a rule or a stage; "" matches everything."""

    protocol: str = ""
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


@dataclass(frozen=True, slots=True)
class Select:
    """A predicate over attributes of algorithms: lists are alternatives, numbers are compared (">=128"), booleans must agree."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)

    def matches(self, algorithm: Algorithm) -> bool:
        """Whether every stated attribute holds."""
        return (
            all(_word(algorithm, key) in values for key, values in self.words.items())
            and all(_holds(getattr(algorithm, key), text) for key, text in self.numbers.items())
            and all(getattr(algorithm, key) is value for key, value in self.flags.items())
        )


def _word(algorithm: Algorithm, key: str) -> str:
    return algorithm.id if key == "name" else str(getattr(algorithm, key))


def _holds(value: int, text: str) -> bool:
    match = re.fullmatch(r"(>=|<=|>|<|=)?(\d+)", text)
    if not match:
        raise ValueError(f"not a comparison: {text}")
    return bool(_COMPARE[match[1] or "="](value, int(match[2])))


@dataclass(frozen=True, slots=True)
class Rule:
    """allow: what is good.  fallback: what is tolerated until (and on) fallback_until, "" = for ever.  disallowed_after: catalogue id →
    the last day on which it is allowed.  order: (attribute, values or "asc"/"desc") in falling weight.  depth: as StageRule."""

    id: str
    aspect: str
    match: Match
    allow: Select
    source: Source
    fallback: Select | None = None
    fallback_until: str = ""
    order: tuple[tuple[str, tuple[str, ...]], ...] = ()
    disallowed_after: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class StageRule:
    """From this day on (ISO date, "" = always) the aspect ("" = every one) of the scope is at this stage.  depth: 0 = own policy, 1 = extended …"""

    stage: Stage
    match: Match
    aspect: str = ""
    start: str = ""
    depth: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the organisation says of one algorithm: retired (broken: goes even at stage prefer) or deprecated, from this day on."""

    state: str
    start: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    version: str
    rules: tuple[Rule, ...]
    stages: tuple[StageRule, ...]
    algorithms: Mapping[str, tuple[Lifecycle, ...]] = field(default_factory=dict)
    zones: Mapping[str, Zone] = field(default_factory=dict)
    timezone: str = "UTC"
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the policy asks of one aspect of one endpoint on one day.

    rule: the most specific one, which names the finding; rules: all that apply, limits of all hold.  ordering: the most specific one that
    declares an order.  next_stage: (stage, date) of the next change that will really happen.  lifecycle: catalogue id → all that is said of it.
    """

    rule: Rule
    rules: tuple[Rule, ...]
    stage: Stage
    stage_origin: str
    next_stage: tuple[Stage, str] | None
    lifecycle: Mapping[str, tuple[Lifecycle, ...]]
    ordering: Rule


def to_plain(policy: Policy) -> dict[str, Any]:
    """The compiled form, as JSON takes it."""
    return asdict(policy)


def digest_of(policy: Policy) -> str:
    """sha256 (hex) of what the policy means.  Where its lines stand is left out: neither a comment nor another checkout makes another policy."""
    return hashlib.sha256(json.dumps(_meaning(to_plain(policy)), sort_keys=True).encode()).hexdigest()


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _meaning(v) for k, v in value.items() if k not in ("origin", "digest")}
    return [_meaning(v) for v in value] if isinstance(value, (list, tuple)) else value


def from_plain(data: dict[str, Any]) -> Policy:
    """The inverse of to_plain(), without schema or YAML."""
    return Policy(
        name=data["name"],
        version=data["version"],
        rules=tuple(_rule(r) for r in data["rules"]),
        stages=tuple(StageRule(**{**s, "match": Match(**s["match"])}) for s in data["stages"]),
        algorithms={k: tuple(Lifecycle(**cycle) for cycle in v) for k, v in data["algorithms"].items()},
        zones={k: Zone(tuple(v["groups"]), tuple(v["hosts"]), v["owner"]) for k, v in data["zones"].items()},
        timezone=data["timezone"],
        digest=data["digest"],
    )


def _rule(data: dict[str, Any]) -> Rule:
    return Rule(
        **{
            **data,
            "match": Match(**data["match"]),
            "allow": _select(data["allow"]),
            "fallback": _select(data["fallback"]) if data["fallback"] else None,
            "source": Source(**data["source"]),
            "order": tuple((key, tuple(values)) for key, values in data["order"]),
        }
    )


def _select(data: dict[str, Any]) -> Select:
    return Select({k: tuple(v) for k, v in data["words"].items()}, data["numbers"], data["flags"])
