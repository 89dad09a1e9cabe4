"""What a policy is, after loading.  Plain values with a JSON form, so that workers read a compiled policy without YAML or a schema."""

from __future__ import annotations

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
        return max((i + 1 for i, name in enumerate(SPECIFICITY) if getattr(self, name)), default=0)


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
    the last day on which it is allowed.  order: (attribute, values or "asc"/"desc") in falling weight.  baseline: which file it came from."""

    id: str
    aspect: str
    match: Match
    allow: Select
    source: Source
    fallback: Select | None = None
    fallback_until: str = ""
    order: tuple[tuple[str, tuple[str, ...]], ...] = ()
    disallowed_after: Mapping[str, str] = field(default_factory=dict)
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
    algorithms: Mapping[str, Lifecycle] = field(default_factory=dict)
    zones: Mapping[str, Zone] = field(default_factory=dict)
    timezone: str = "UTC"
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the policy asks of one aspect of one endpoint on one day.

    rule: the most specific one, which names the finding; rules: all that apply, limits of all hold.  next_stage: (stage, date) still ahead.
    """

    rule: Rule
    rules: tuple[Rule, ...]
    stage: Stage
    stage_origin: str
    next_stage: tuple[Stage, str] | None
    lifecycle: Mapping[str, Lifecycle]


def to_plain(policy: Policy) -> dict[str, Any]:
    """The compiled form, as JSON takes it."""
    return asdict(policy)


def from_plain(data: dict[str, Any]) -> Policy:
    """The inverse of to_plain(), without schema or YAML."""
    return Policy(
        name=data["name"],
        version=data["version"],
        rules=tuple(_rule(r) for r in data["rules"]),
        stages=tuple(StageRule(**{**s, "match": Match(**s["match"])}) for s in data["stages"]),
        algorithms={k: Lifecycle(**v) for k, v in data["algorithms"].items()},
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
