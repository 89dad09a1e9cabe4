"""Which rule decided for this host and aspect, and why: every rule that speaks, what each says of what is there, and every date that bites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from ..algorithms.lookup import all_of, find
from ..assess import assess
from ..expressed import pairs
from ..model import Endpoint, Finding
from ..policy.decide import UNDECIDED, deciders
from ..policy.model import Match, Policy, Requirement, Rule
from ..policy.resolve import Target, judge, resolve, said_by_rule
from ..policy.suite import with_parts
from ..policy.zones import approver_of, owner_of, zones_of

ORDERS = {
    "tuple": "tuples here: a lower one counts whatever the peer sends",
    "list": "a list here, which a key share that the peer sends outweighs",
    "set": "a set here, for the peer's order decides",
}


def explain(policy: Policy, target: Target, as_of: date, endpoint: Endpoint | None = None) -> dict[str, dict[str, Any]]:
    """Aspect → plain data for people and programs.  With an endpoint, also the verdict on each of its values, and the finding.

    Raises Problem when the policy contradicts itself for this target.
    """
    requirements = resolve(policy, target, as_of)
    endpoint = with_parts(endpoint) if endpoint else None
    found = {f.aspect: f for f in assess((endpoint,), lambda dummy: requirements, as_of)} if endpoint else {}
    return {aspect: _aspect(policy, target, as_of, aspect, requirements[aspect], endpoint, found.get(aspect)) for aspect in requirements}


def lines(explained: Mapping[str, Mapping[str, Any]], title: str) -> list[str]:
    """The same as sentences."""
    out = [title]
    for aspect, said in explained.items():
        verdict = (
            f"{said['finding']['state']}: {said['finding']['message'] or 'as the policy wants it'}" if said["finding"] else "no endpoint was given"
        )
        out += [f"  {aspect}: {verdict}", f"    stage {said['stage']} ({said['stage_origin']})"]
        out += [f"    decided by {said['decided_by']}"] if said["decided_by"] else []
        out += [f"    {rule['id']} of {rule['source']} ({rule['force']}), scope {rule['scope']}, {rule['origin']}" for rule in said["rules"]]
        out += [f"    order: {ORDERS[said['order_here']]}"] if said["order_here"] else []
        out += [f"    not here: {text}" for text in said["not_here"]]
        out += [f"    {name}: {one['verdict']} ({one['reason']})" for name, one in said["values"].items()]
        out += [f"    allowed, but not here: {name}: {why}" for name, why in said["inexpressible"].items()]
        out += [f"    exception {one['id']} of {one['owner']} until {one['expires']}: {one['status']}" for one in said["exceptions"]]
        out += [f"    on {day}: {what}" for day, what in said["dates"]]
    return out


def _aspect(
    policy: Policy, target: Target, as_of: date, aspect: str, requirement: Requirement, endpoint: Endpoint | None, finding: Finding | None
) -> dict[str, Any]:
    values = _values(requirement, aspect, endpoint, as_of)
    capability = endpoint.capabilities.get(aspect) if endpoint else None
    return {
        "stage": requirement.stage,
        "stage_origin": requirement.stage_origin,
        "decided_by": _decider(requirement, aspect, endpoint, finding, as_of),
        "rules": [_rule(rule) for rule in requirement.rules],
        "order": requirement.ordering.id if requirement.ordering.order else "",
        "order_here": capability.order if capability else "",
        "not_here": [*_outside(requirement), *_replaced(policy, requirement)],
        "values": values,
        "allowed": [a.id for a in all_of(target.protocol, aspect) if requirement.applicable and judge(requirement, a, as_of).kind == "allowed"],
        "inexpressible": _inexpressible(requirement, aspect, endpoint, as_of),
        "exceptions": [_exception(one, as_of) for one in requirement.exceptions],
        "dates": _dates(requirement, [a.id for a in all_of(target.protocol, aspect)], as_of),
        "zones": list(zones_of(policy, target.host, target.groups)),
        "owner": owner_of(policy, target.host, target.groups, aspect),
        "approver": approver_of(policy, target.host, target.groups, aspect),
        "finding": {key: asdict(finding)[key] for key in ("state", "severity", "message", "deadline", "rule", "origin", "exception")}
        if finding
        else {},
    }


def _values(requirement: Requirement, aspect: str, endpoint: Endpoint | None, as_of: date) -> dict[str, dict[str, Any]]:
    """Each value of the endpoint, its verdict, and what every single rule says of it."""
    setting = endpoint.settings.get(aspect) if endpoint else None
    out: dict[str, dict[str, Any]] = {}
    for name in setting.values if setting and endpoint and requirement.applicable else ():
        algorithm = find(endpoint.protocol, aspect, name) if endpoint else None
        if algorithm is None:
            out[name] = {"verdict": "unknown", "reason": "not in the catalogue", "deadline": "", "by": {}}
            continue
        verdict = judge(requirement, algorithm, as_of)
        by = {rule.id: said_by_rule(requirement, rule, algorithm, as_of).kind for rule in requirement.rules}
        out[name] = {"verdict": verdict.kind, "reason": verdict.reason, "deadline": verdict.deadline, "by": by}
    return out


def _inexpressible(requirement: Requirement, aspect: str, endpoint: Endpoint | None, as_of: date) -> dict[str, str]:
    """What the policy allows and this endpoint cannot be told, each with why."""
    if not endpoint or not requirement.applicable or requirement.rule.require:
        return {}
    return {id_: why for id_, why in pairs(endpoint, aspect, requirement, as_of).items() if why}


def _decider(requirement: Requirement, aspect: str, endpoint: Endpoint | None, finding: Finding | None, as_of: date) -> str:
    """Every rule behind the verdict; the finding cites the first of them."""
    if not requirement.applicable or not endpoint or not finding:
        return requirement.rule.id if requirement.applicable else ""
    if finding.state in UNDECIDED or requirement.rule.require:
        return finding.rule
    values = endpoint.settings[aspect].values if aspect in endpoint.settings else ()
    rules, life = deciders(requirement, [a for name in values if (a := find(endpoint.protocol, aspect, name))], as_of)
    return ", ".join(rule.id for rule in rules) or f"the life cycle ({life})"


def _rule(rule: Rule) -> dict[str, str]:
    source = " ".join(filter(None, (rule.source.doc, rule.source.section, rule.source.date)))
    facts = {"id": rule.id, "origin": rule.origin, "source": source, "force": rule.source.force, "verified": rule.source.verified}
    return {**facts, "scope": _scope(rule.match), "override": rule.override}


def _scope(match: Match) -> str:
    return ", ".join(f"{key} {value}" for key, value in asdict(match).items() if value) or "everything"


def _outside(requirement: Requirement) -> list[str]:
    return [f"{rule.id} speaks only for {', '.join(rule.regimes)}" for rule in requirement.outside]


def _replaced(policy: Policy, requirement: Requirement) -> list[str]:
    by_id = {one.id: one for one in policy.overrides}
    names = dict.fromkeys(rule.override for rule in requirement.rules if rule.override)
    return [
        f"{rule.id} is replaced by override {id_} ({by_id[id_].reason}, approved by {by_id[id_].approver})"
        for rule in requirement.replaced
        for id_ in names
        if rule.id in by_id[id_].replace
    ]


def _exception(one: Any, as_of: date) -> dict[str, str]:
    status = "in force" if one.active(as_of) else "expired" if one.expires < as_of.isoformat() else f"from {one.start}"
    return {"id": one.id, "owner": one.owner, "approver": one.approver, "expires": one.expires, "status": status, "reason": one.reason}


def _dates(requirement: Requirement, ids: Iterable[str], as_of: date) -> list[tuple[str, str]]:
    """Every date ahead that ends something, the earliest, which bites, first."""
    out: list[tuple[str, str]] = []
    for rule in requirement.rules:
        gone = " (stage require has ended it before)" if requirement.stage == "require" else ""
        out += [(rule.fallback_until, f"{rule.id} tolerates its fallback for the last day{gone}")] if rule.fallback_until else []
        out += [(day, f"{rule.id} allows {name} for the last day") for name, day in rule.disallowed_after.items()]
        out += [(day, f"{rule.id} deprecates {name} from the next day") for name, day in rule.deprecated_after.items()]
    for id_ in ids:
        out += [(day, f"{id_} becomes {state}") for life in requirement.lifecycle.get(id_, ()) for state, day in life.states]
    out += [(one.expires, f"exception {one.id} ends") for one in requirement.exceptions]
    out += [(requirement.next_stage[1], f"stage {requirement.next_stage[0]}")] if requirement.next_stage else []
    return sorted({(day, what) for day, what in out if day >= as_of.isoformat()})
