"""Tests of a policy: given this endpoint on this day, expect that verdict.  They live beside the policy and are reviewed with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

from ..algorithms.lookup import all_of
from ..assess import assess
from ..credentials import Certificate
from ..model import Capability, Endpoint, Finding, Origin, Problem, Protocol, Setting
from ..policy import yaml_lines
from ..policy.checked import mistakes
from ..policy.load import refusal
from ..policy.model import Policy
from ..policy.resolve import Target, resolve, target_of

SCHEMA = json.loads((Path(__file__).parent / "cases.schema.json").read_text(encoding="utf-8"))
# Whose spellings a case may use; others are found too.
IMPLEMENTATIONS = {"tls": "openssl", "openvpn": "openssl", "ssh": "openssh", "wireguard": "wireguard"}


@dataclass(frozen=True, slots=True)
class Case:
    """expect: aspect → field of the finding → what it must be."""

    name: str
    as_of: date
    target: Target
    endpoint: Endpoint
    expect: Mapping[str, Mapping[str, str]]
    origin: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """failures: one sentence for each expectation that is not met."""

    case: Case
    failures: tuple[str, ...] = field(default=())


def load_cases(text: str, where: str) -> tuple[str, tuple[Case, ...]]:
    """(the policy under test as it is written there, the cases).  Raises PolicyError with every mistake, file and line."""
    try:
        data, lines = yaml_lines.load(text, where)
        errors = mistakes(SCHEMA, data, lines, where)
    except Problem as problem:
        errors = [str(problem)]
    if errors:
        raise refusal(errors)
    cases = []
    for i, said in enumerate(data["cases"]):
        origin = f"{where}:{lines[('cases', i)]}"
        try:
            day = date.fromisoformat(said.get("as_of", data["as_of"]))
            cases.append(_case(said, day, origin))
        except ValueError as error:
            errors.append(f"{origin}: {error}")
    if errors:
        raise refusal(errors)
    return data["policy"], tuple(cases)


def run(policy: Policy, cases: tuple[Case, ...]) -> tuple[Outcome, ...]:
    """Every case judged by the policy, in their order."""
    return tuple(Outcome(case, _failures(policy, case)) for case in cases)


def _failures(policy: Policy, case: Case) -> tuple[str, ...]:
    try:
        requirements = resolve(policy, case.target, case.as_of)
    except Problem as problem:
        return (f"{case.origin}: {case.name}: {problem}",)
    found = {f.aspect: f for f in assess((case.endpoint,), lambda dummy: requirements, case.as_of)}
    return tuple(text for aspect, wanted in case.expect.items() for text in _unmet(case, aspect, wanted, found.get(aspect)))


def _unmet(case: Case, aspect: str, wanted: Mapping[str, str], found: Finding | None) -> list[str]:
    head = f"{case.origin}: {case.name}: {aspect}"
    if found is None:
        return [f"{head}: expected {', '.join(wanted.values())}, but the policy says nothing of it"]
    return [
        f"{head}: expected {key} {value}, got {getattr(found, key) or 'none'} ({found.rule}: {found.message or found.state})"
        for key, value in wanted.items()
        if getattr(found, key) != value
    ]


def _case(said: Mapping[str, Any], day: date, origin: str) -> Case:
    given = said["given"]
    protocol, service, role = given["protocol"], given.get("service", "any"), given.get("role", "server")
    endpoint = Endpoint(
        id=said["name"],
        service=service,
        protocol=cast(Protocol, protocol),
        names=IMPLEMENTATIONS.get(protocol, ""),
        addresses=(),
        version=service,
        settings={aspect: _setting(aspect, values, given.get("tiers", {}), origin) for aspect, values in given["settings"].items()},
        capabilities={aspect: _capability(protocol, aspect, given) for aspect in (*given["settings"], *given.get("can", {}))},
        certificates=tuple(_certificate(one, origin) for one in given.get("certificates", [])),
        role=role,
        transport=given.get("transport", "tcp"),
    )
    target = target_of(given.get("host", "any"), tuple(given.get("groups", ())), endpoint)
    expect = {aspect: {"state": wanted} if isinstance(wanted, str) else wanted for aspect, wanted in said["expect"].items()}
    return Case(said["name"], day, target, endpoint, expect, origin)


def _certificate(said: Mapping[str, str], origin: str) -> Certificate:
    days = int(said["lifetime"]) if "lifetime" in said else None
    return Certificate(said.get("path", origin), key=said["key"], signature=said.get("signature", ""), issuer=said.get("issuer", ""), lifetime=days)


def _setting(aspect: str, values: Any, tiers: Mapping[str, list[str]], origin: str) -> Setting:
    names = _words(values)
    levels = tuple(int(tier) for tier in tiers.get(aspect, ()))
    if levels and len(levels) != len(names):
        raise ValueError(f"tiers.{aspect} needs one number for each of its {len(names)} values")
    return Setting(names, Origin(origin), tiers=levels)


def _words(values: Any) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _capability(protocol: str, aspect: str, given: Mapping[str, Any]) -> Capability:
    said = given.get("can", {}).get(aspect)
    if said == "unknown":
        return Capability(None, "the case says that nobody knows")
    if said is not None:
        return Capability(_words(said), "the case says so")
    spelled = (name for a in all_of(protocol, aspect) for name in a.names.get(IMPLEMENTATIONS.get(protocol, ""), ()))
    return Capability(tuple(dict.fromkeys((*spelled, *_words(given["settings"].get(aspect, ()))))), "all that the catalogue knows")
