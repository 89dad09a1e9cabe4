"""What the hosts of a run needed of the exceptions and overrides of their policy.  A loosening that nothing needs is taken out, or somebody relies
on it one day without knowing."""

from __future__ import annotations

import json
from collections.abc import Collection
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


class Needed:
    """It is told one host after the other, and keeps what no scope tells apart only once."""

    def __init__(self, policy: Policy | None) -> None:
        self.policy = policy
        self._kind = Resolver(policy, date.min).kind if policy else None
        self._seen: dict[Target, None] = {}
        self._used: set[str] = set()
        self._as_of = ""

    def add(self, result: HostResult) -> None:
        if not (self.policy and self._kind and result.findings and result.as_of and result.policy.get("digest") == self.policy.digest):
            return
        self._as_of = max(self._as_of, result.as_of)
        self._seen |= dict.fromkeys(self._kind(target) for target in _targets(result))
        self._used |= {id_ for f in result.findings for id_ in str(f.get("exception", "")).split(", ") if id_}

    def told(self) -> Register:
        """Ids by what became of them; unseen: nothing of this run is in their scope.  Empty without the compiled policy."""
        if not (self.policy and self._as_of):
            return NOTHING
        policy, today = self.policy, date.fromisoformat(self._as_of)
        scoped: tuple[Exemption | Override, ...] = (*policy.exceptions, *policy.overrides)
        reached = {one.id for one in scoped for t in self._seen if applies(one.match, t, zones_of(policy, t.host, t.groups))}
        exceptions = {kind: list(ids) for kind, ids in standing(policy, self._used, today).items()}
        idle = exceptions["unused"]
        exceptions |= {"unused": [id_ for id_ in idle if id_ in reached], "unseen": [id_ for id_ in idle if id_ not in reached]}
        asks = Resolver(policy, today)
        acting = {id_ for target in self._seen for id_ in _acting(asks, target)}
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
