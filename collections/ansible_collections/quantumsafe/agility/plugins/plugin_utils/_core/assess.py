"""Endpoints × requirements → findings.  Pure: the date is an argument, the policy is already resolved for this target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Literal

from .algorithms.lookup import find, speaks_13
from .facts import Facts, judged_facts
from .model import Capability, Endpoint, Evidence, Finding, Origin, Stage
from .policy.decide import cited
from .policy.exempt import excuses, lapsed
from .policy.model import Requirement
from .policy.suite import OF_SUITES, with_parts
from .policy.weight import weight
from .urgency import raised
from .verdict import Judged, Requirements, acts, excepted, judged, only_offered, patient, said_late
from .wish import Wish, wish

# What is asked of those alone that show it: a file of an inventory, a server that asks clients for certificates, a client that shows one.
KEPT = ("private_key", "ca_signature", "client_trust", "client_signature", "client_certificate")

# How bad a state is at a stage.  observe never shouts: nobody has decided yet that it must change.
SEVERITY: dict[tuple[str, Stage], Literal["none", "low", "medium", "high"]] = {
    ("forbidden", "observe"): "low",
    ("forbidden", "prefer"): "medium",
    ("forbidden", "require"): "high",
    ("missing", "observe"): "low",
    ("missing", "prefer"): "medium",
    ("missing", "require"): "high",
    ("unsatisfiable", "require"): "high",
    ("pq-regression", "prefer"): "medium",
    ("pq-regression", "require"): "high",
    ("deprecated", "prefer"): "low",
    ("deprecated", "require"): "medium",
    ("unknown", "observe"): "low",
    ("unknown", "prefer"): "medium",
    ("unknown", "require"): "high",
}


def assess(endpoints: tuple[Endpoint, ...], resolve: Callable[[Endpoint], Requirements], as_of: date) -> tuple[Finding, ...]:
    """One finding for each endpoint × aspect that the policy speaks about, in the order of the endpoints and of the policy."""
    out = []
    for seen in endpoints:
        requirements = resolve(seen)
        endpoint = with_parts(seen) if set(OF_SUITES) & set(requirements) else seen
        then = ahead(endpoint, patient(endpoint, requirements, as_of), as_of)
        asked = {aspect: one for aspect, one in requirements.items() if _shown(endpoint, aspect)}
        out += [finding(endpoint, then, aspect, requirement, as_of) for aspect, requirement in asked.items()]
    return tuple(out)


def _shown(endpoint: Endpoint, aspect: str) -> bool:
    """Of a client leg nothing is read in this release but what it proves itself with."""
    if endpoint.role == "client" and aspect == "certificate":
        return bool(endpoint.certificates)
    return (endpoint.role == "server" and aspect not in KEPT) or aspect in endpoint.settings


def finding(endpoint: Endpoint, then: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> Finding:
    """The finding on one aspect; `then` is the endpoint as ahead() sees it."""
    if not requirement.applicable:
        return _not_applicable(endpoint, aspect, requirement)
    if requirement.rule.require:
        return _stated(endpoint, aspect, requirement, as_of)
    return _finding(endpoint, aspect, requirement, wish(then, aspect, requirement, as_of), as_of)


def ahead(endpoint: Endpoint, requirements: Requirements, as_of: date) -> Endpoint:
    """The endpoint once its TLS versions are what the policy wants: TLS 1.3 brings suites of its own, and TLS 1.2 takes its own along."""
    ciphers, requirement = endpoint.settings.get("cipher"), requirements.get("version")
    if endpoint.protocol != "tls" or ciphers is None or requirement is None or requirement.stage == "observe":
        return endpoint
    wanted = wish(endpoint, "version", requirement, as_of)
    if not acts(endpoint, "version", requirement, wanted, as_of):
        return endpoint
    possible = endpoint.capabilities.get("cipher", Capability(None, "")).names or ()
    modern = [name for name in ciphers.values if name.startswith("TLS_")] or [name for name in possible if name.startswith("TLS_")]
    old = [name for name in ciphers.values if not name.startswith("TLS_")]
    kept = (*(modern if speaks_13(wanted.names) else ()), *(old if any(not speaks_13((name,)) for name in wanted.names) else ()))
    return replace(endpoint, settings={**endpoint.settings, "cipher": replace(ciphers, values=kept)})


def _finding(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> Finding:
    setting = endpoint.settings.get(aspect)
    verdict = judged(endpoint, aspect, requirement, wanted, as_of)
    capability = endpoint.capabilities.get(aspect, Capability(None, ""))
    origin = setting.origin if setting else Origin(capability.source or endpoint.version)
    there = [a for name in (setting.values if setting else ()) if (a := find(endpoint.protocol, aspect, name))]
    severity, why = raised(endpoint, aspect, requirement, SEVERITY.get((verdict.state, requirement.stage), "none"), verdict.deadline, as_of)
    rule, source = cited(requirement, there, verdict.state, as_of)
    return Finding(
        endpoint=endpoint.id,
        service=endpoint.service,
        protocol=endpoint.protocol,
        aspect=aspect,
        rule=rule,
        state=verdict.state,
        severity=severity,
        stage=requirement.stage,
        message="; ".join(filter(None, (verdict.message, why))),
        origin=str(origin),
        evidence=_evidence(endpoint, aspect, requirement),
        source=source,
        deadline=verdict.deadline,
        remedy=wanted.remedy if wanted.blocked else "",
        actual=setting.values if setting else (),
        wanted=wanted.names,
        exception=", ".join(one.id for one in verdict.exceptions),
    )


def _evidence(endpoint: Endpoint, aspect: str, requirement: Requirement) -> Evidence:
    """How it is known; what is preferred is offered at most where the order is the peer's."""
    setting = endpoint.settings.get(aspect)
    known = setting.evidence if setting else "configured"
    return "offered" if known == "effective" and requirement.stage == "prefer" and only_offered(endpoint, aspect) else known


def _not_applicable(endpoint: Endpoint, aspect: str, requirement: Requirement) -> Finding:
    """Nothing speaks of this aspect here but baselines of regimes that this host is not in: that is no pass."""
    rule = requirement.rule
    regimes = ", ".join(dict.fromkeys(name for rule in requirement.outside for name in rule.regimes))
    message = f"{', '.join(rule.id for rule in requirement.outside)} speak only for {regimes}; neither a zone of this host nor regimes names that"
    setting = endpoint.settings.get(aspect)
    return Finding(
        endpoint=endpoint.id,
        service=endpoint.service,
        protocol=endpoint.protocol,
        aspect=aspect,
        rule=rule.id,
        state="not-applicable",
        severity="none",
        stage="observe",
        message=message,
        origin=str(setting.origin) if setting else rule.origin,
        evidence=setting.evidence if setting else "configured",
        source=rule.source,
        actual=setting.values if setting else (),
    )


def _stated(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> Finding:
    """A requirement of facts, not of algorithms (certificate, session, ppk, psk): what cannot be read is unknown, by name, never a pass."""
    facts = judged_facts(endpoint, aspect, requirement, as_of)
    verdict = _answered(facts, requirement, as_of)
    named = {b.rule for b in facts.breaches} or (set(facts.meant) if requirement.rule.id not in facts.meant else set())
    rule = min((r for r in requirement.rules if r.id in named), key=weight, default=requirement.rule)
    return Finding(
        endpoint=endpoint.id,
        service=endpoint.service,
        protocol=endpoint.protocol,
        aspect=aspect,
        rule=rule.id,
        state=verdict.state,
        severity=SEVERITY.get((verdict.state, requirement.stage), "none"),
        stage=requirement.stage,
        message=verdict.message,
        origin=facts.origin,
        evidence="effective",
        source=rule.source,
        deadline=verdict.deadline,
        actual=facts.actual,
        wanted=facts.wanted,
        exception=", ".join(one.id for one in verdict.exceptions),
    )


def _answered(facts: Facts, requirement: Requirement, as_of: date) -> Judged:
    """Excepted when every breach is answered for and nothing is unclear beside them."""
    if not facts.breaches:
        return Judged(facts.state, facts.message)
    answers = excuses(requirement, facts.breaches, as_of)
    if answers and facts.unclear:
        return Judged("unknown", "; ".join(facts.unclear), exceptions=answers)
    if answers:
        return excepted(facts.state, facts.message, "", answers)
    return Judged(facts.state, facts.message + said_late(lapsed(requirement, facts.breaches, as_of)))
