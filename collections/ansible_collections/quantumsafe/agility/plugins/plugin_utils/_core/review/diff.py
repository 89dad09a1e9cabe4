"""Two policies, or one on two days, over the endpoints of a saved audit: which verdicts change.

The endpoints are those that were seen then; nothing is asked of any host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from ..assess import assess
from ..model import Endpoint, Finding, Problem, Stage
from ..policy.lives import lives_of
from ..policy.model import Policy
from ..policy.names import akin, with_part
from ..policy.page import Page
from ..policy.plain import build, digest_of
from ..policy.resolve import Resolver, target_of

# Best first: a step to the right is a step to the worse.
ORDER = ("compliant", "excepted", "not-applicable", "deprecated", "unknown", "missing", "forbidden", "unsatisfiable", "pq-regression")
SILENT = "-"  # the policy says nothing of this aspect


@dataclass(frozen=True, slots=True)
class Seen:
    """One host of a saved audit."""

    host: str
    groups: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One aspect of one endpoint whose state, stage or severity is another."""

    host: str
    endpoint: str
    aspect: str
    before: str
    after: str
    stage_before: Stage | str
    stage_after: Stage | str
    rule_before: str
    rule_after: str
    worse: bool
    message: str


@dataclass(frozen=True, slots=True)
class Side:
    """A policy on a day."""

    policy: Policy
    as_of: date


def endpoints_from(plain: Iterable[Mapping[str, Any]]) -> tuple[Endpoint, ...]:
    """The endpoints that a results file holds.  Raises Problem when they are of another release."""
    try:
        return tuple(build(Endpoint, endpoint) for endpoint in plain)
    except (KeyError, TypeError, ValueError) as error:
        raise Problem(f"cannot read a saved endpoint: {error}", "", "audit again with this release") from error


def differences(before: Side, after: Side, hosts: Iterable[Seen]) -> Iterator[Difference]:
    """What changes, host by host, so that memory stays flat.  Raises Problem as resolve() does."""
    sides = [(side, Resolver(side.policy, side.as_of)) for side in (before, after)]
    for seen in hosts:
        old, new = (_findings(side, resolver, seen) for side, resolver in sides)
        for key in dict.fromkeys((*old, *new)):
            was, will = old.get(key), new.get(key)
            if was is None or will is None or (was.state, was.stage, was.severity) != (will.state, will.stage, will.severity):
                yield _difference(seen.host, key, was, will)


def _findings(side: Side, resolver: Resolver, seen: Seen) -> dict[tuple[str, str], Finding]:
    def requirements(e: Endpoint) -> Any:
        return resolver(target_of(seen.host, seen.groups, e))

    return {(f.endpoint, f.aspect): f for f in assess(seen.endpoints, requirements, side.as_of)}


def _difference(host: str, key: tuple[str, str], was: Finding | None, will: Finding | None) -> Difference:
    before, after = was.state if was else SILENT, will.state if will else SILENT
    return Difference(
        host=host,
        endpoint=key[0],
        aspect=key[1],
        before=before,
        after=after,
        stage_before=was.stage if was else "",
        stage_after=will.stage if will else "",
        rule_before=was.rule if was else "",
        rule_after=will.rule if will else "",
        worse=before in ORDER and after in ORDER and ORDER.index(after) > ORDER.index(before),
        message=will.message if will else "the other policy says nothing of it",
    )


def summary(found: Iterable[Difference]) -> dict[str, Any]:
    """Numbers first: steps ("compliant → missing") with how many, hosts touched, how many got worse, then every difference."""
    rows = list(found)
    steps = Counter(f"{row.before} → {row.after}" for row in rows if row.before != row.after)
    return {
        "changed": sum(row.before != row.after for row in rows),
        "worse": sum(row.worse for row in rows),
        "hosts": len({row.host for row in rows}),
        "steps": dict(sorted(steps.items(), key=lambda item: (-item[1], item[0]))),
        "rows": [asdict(row) for row in rows],
    }


def retiring(policy: Policy, asked: Iterable[str], as_of: date) -> Policy:
    """The policy as it would be with one more line for each name: `NAME: {state: retired, from: AS_OF}`.

    "NAME hybrids: any" is that line with `hybrids: any`; a name that is only a part of others can mean nothing else.
    Raises Problem for what the policy would refuse.
    """
    lines = {}
    for text in asked:
        name, together, quantifier = (word.strip() for word in text.partition(" hybrids:"))
        if together and quantifier != "any":
            raise Problem(f"{text}: hybrids can only be any", "retire", "write NAME, or NAME hybrids: any")
        part = {"hybrids": "any"} if together or (with_part(name) and not akin(name)) else {}
        lines[name] = {"state": "retired", "from": as_of.isoformat(), **part}
    page = Page("retire", {}, [])
    lives = lives_of(lines, page)
    if page.errors:
        raise Problem("; ".join(page.errors), "", "write one of its names")
    more = {id_: (*life, *policy.algorithms.get(id_, ())) for id_, life in lives.items()}
    changed = replace(policy, algorithms={**policy.algorithms, **more})
    return replace(changed, digest=digest_of(changed))
