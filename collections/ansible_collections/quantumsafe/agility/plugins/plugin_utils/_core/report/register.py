"""What the hosts of a run needed of the exceptions and overrides of their policy.  A loosening that nothing needs is taken out, or somebody relies
on it one day without knowing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import date
from pathlib import Path

from ..model import Problem
from ..policy.exempt import standing
from ..policy.model import Exemption, Override, Policy
from ..policy.plain import from_plain
from ..policy.resolve import Resolver, Target, applies
from ..policy.zones import zones_of
from .results import HostResult

Register = dict[str, dict[str, list[str]]]
NOTHING: Register = {"exceptions": {}, "overrides": {}}


def compiled(folder: Path, digests: Collection[str]) -> Policy | None:
    """The policy of this run, as it lies in its results; None when it is gone or another."""
    for path in sorted(folder.glob("policy-*.json")):
        try:
            policy = from_plain(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if policy.digest in digests:
            return policy
    return None


def register(policy: Policy | None, results: Iterable[HostResult]) -> Register:
    """Ids by what became of them; unseen: nothing of this run is in their scope.  Empty without the compiled policy."""
    mine = [r for r in results if r.findings and r.as_of and policy and r.policy.get("digest") == policy.digest]
    return _told(policy, mine) if policy and mine else NOTHING


def _told(policy: Policy, results: list[HostResult]) -> Register:
    today = date.fromisoformat(max(r.as_of for r in results))
    asks = Resolver(policy, today)
    seen = list(dict.fromkeys(asks.kind(target) for r in results for target in _targets(r)))
    scoped: tuple[Exemption | Override, ...] = (*policy.exceptions, *policy.overrides)
    reached = {one.id for one in scoped for t in seen if applies(one.match, t, zones_of(policy, t.host, t.groups))}
    used = {id_ for r in results for f in r.findings for id_ in str(f.get("exception", "")).split(", ") if id_}
    exceptions = {kind: list(ids) for kind, ids in standing(policy, used, today).items()}
    idle = exceptions["unused"]
    exceptions |= {"unused": [id_ for id_ in idle if id_ in reached], "unseen": [id_ for id_ in idle if id_ not in reached]}
    acting = {id_ for target in seen for id_ in _acting(asks, target)}
    overrides: dict[str, list[str]] = {"used": [], "unused": [], "unseen": []}
    for one in policy.overrides:
        overrides["used" if one.id in acting else "unused" if one.id in reached else "unseen"].append(one.id)
    return {"exceptions": exceptions, "overrides": overrides}


def _targets(result: HostResult) -> list[Target]:
    groups = tuple(filter(None, result.target.get("groups", "").split(",")))
    facts = [(e["protocol"], e.get("role", "server"), e.get("service", ""), e.get("transport", "tcp")) for e in result.endpoints]
    return [Target(result.host, groups, *each) for each in facts]


def _acting(asks: Resolver, target: Target) -> set[str]:
    """The overrides that really replace something there."""
    try:
        found = asks(target).values()
    except Problem:
        return set()
    return {rule.override for requirement in found if requirement.replaced for rule in requirement.rules if rule.override}
