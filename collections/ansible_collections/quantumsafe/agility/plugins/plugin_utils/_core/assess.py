"""Endpoints × requirements → findings.  Pure: the date is an argument, the policy is already resolved for this target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from .algorithms.lookup import find
from .facts import judged_facts
from .model import Capability, Endpoint, Finding, Origin, Setting, Stage, State
from .peers import quantum_safe
from .policy.exempt import breaches, excuses, lapsed, touching
from .policy.model import Exemption, Requirement
from .policy.resolve import judge
from .wish import Wish, wish

Requirements = Mapping[str, Requirement]

# How bad a state is at a stage.  observe never shouts: nobody has decided yet that it must change.
SEVERITY: dict[tuple[str, Stage], Literal["none", "low", "medium", "high"]] = {
    ("forbidden", "observe"): "low",
    ("forbidden", "prefer"): "medium",
    ("forbidden", "require"): "high",
    ("missing", "observe"): "low",
    ("missing", "prefer"): "medium",
    ("missing", "require"): "high",
    ("unsatisfiable", "require"): "high",
    ("deprecated", "prefer"): "low",
    ("deprecated", "require"): "medium",
    ("unknown", "observe"): "low",
    ("unknown", "prefer"): "medium",
    ("unknown", "require"): "high",
}


# The states that a plan does something about.
ACTIONABLE = ("missing", "forbidden", "deprecated")

# The states that an exception can answer for, and the verdicts on algorithms that bring each about.
EXCUSABLE: dict[State, tuple[str, ...]] = {
    "forbidden": ("forbidden", "retired"),
    "missing": ("fallback", "deprecated", "forbidden", "retired"),
    "unsatisfiable": ("fallback", "deprecated", "forbidden", "retired"),
    "deprecated": ("deprecated",),
}


def assess(endpoints: tuple[Endpoint, ...], resolve: Callable[[Endpoint], Requirements], as_of: date) -> tuple[Finding, ...]:
    """One finding for each endpoint × aspect that the policy speaks about, in the order of the endpoints and of the policy."""
    out = []
    for endpoint in endpoints:
        requirements = resolve(endpoint)
        then = ahead(endpoint, requirements, as_of)
        out += [finding(endpoint, then, aspect, requirement, as_of) for aspect, requirement in requirements.items()]
    return tuple(out)


def finding(endpoint: Endpoint, then: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> Finding:
    """The finding on one aspect; `then` is the endpoint as ahead() sees it."""
    if not requirement.applicable:
        return _not_applicable(endpoint, aspect, requirement)
    if requirement.rule.require:
        return _stated(endpoint, aspect, requirement)
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
    kept = (*(modern if "TLSv1.3" in wanted.names else ()), *(old if set(wanted.names) - {"TLSv1.3"} else ()))
    return replace(endpoint, settings={**endpoint.settings, "cipher": replace(ciphers, values=kept)})


def _finding(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> Finding:
    setting = endpoint.settings.get(aspect)
    verdict = judged(endpoint, aspect, requirement, wanted, as_of)
    capability = endpoint.capabilities.get(aspect, Capability(None, ""))
    origin = setting.origin if setting else Origin(capability.source or endpoint.version)
    return Finding(
        endpoint=endpoint.id,
        service=endpoint.service,
        protocol=endpoint.protocol,
        aspect=aspect,
        rule=requirement.rule.id,
        state=verdict.state,
        severity=SEVERITY.get((verdict.state, requirement.stage), "none"),
        stage=requirement.stage,
        message=verdict.message,
        origin=str(origin),
        evidence=setting.evidence if setting else "configured",
        source=requirement.rule.source,
        deadline=verdict.deadline,
        remedy=wanted.remedy if wanted.blocked else "",
        actual=setting.values if setting else (),
        wanted=wanted.names,
        exception=", ".join(one.id for one in verdict.exceptions),
    )


def _not_applicable(endpoint: Endpoint, aspect: str, requirement: Requirement) -> Finding:
    """Nothing speaks of this aspect here but baselines of regimes that this host is not in: that is no pass."""
    rule = requirement.rule
    regimes = ", ".join(dict.fromkeys(name for rule in requirement.outside for name in rule.regimes))
    message = f"{', '.join(rule.id for rule in requirement.outside)} speak only for {regimes}; no zone of this host names that"
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


def _stated(endpoint: Endpoint, aspect: str, requirement: Requirement) -> Finding:
    """A requirement of facts, not of algorithms (certificate, session, ppk, psk): what cannot be read is unknown, by name, never a pass."""
    verdict = judged_facts(endpoint, aspect, requirement)
    return Finding(
        endpoint=endpoint.id,
        service=endpoint.service,
        protocol=endpoint.protocol,
        aspect=aspect,
        rule=requirement.rule.id,
        state=verdict.state,
        severity=SEVERITY.get((verdict.state, requirement.stage), "none"),
        stage=requirement.stage,
        message=verdict.message,
        origin=verdict.origin,
        evidence="effective",
        source=requirement.rule.source,
        actual=verdict.actual,
        wanted=verdict.wanted,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What a setting is worth under a requirement.  exceptions: those that make it `excepted`, or that leave it alone in part."""

    state: State
    message: str
    deadline: str = ""
    exceptions: tuple[Exemption, ...] = ()


def acts(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> bool:
    """Whether a plan would write this aspect.  What an exception answers for in part is left alone as a whole."""
    verdict = judged(endpoint, aspect, requirement, wanted, as_of)
    return verdict.state in ACTIONABLE and not wanted.blocked and not verdict.exceptions


def left_alone(endpoint: Endpoint, requirements: Requirements, as_of: date) -> tuple[str, ...]:
    """One sentence for each aspect that would be changed if no exception answered for it in part."""
    out = []
    for aspect, requirement in requirements.items():
        if requirement.exceptions and requirement.stage != "observe" and not requirement.rule.require:
            verdict = judged(endpoint, aspect, requirement, wish(endpoint, aspect, requirement, as_of), as_of)
            if verdict.exceptions and verdict.state != "excepted":
                out.append(f"{endpoint.id}: {aspect} is left alone: {verdict.message}")
    return tuple(out)


def judged(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> Judged:
    """judge_setting(), and what the exceptions of the policy make of it.

    Excepted only when every breach is answered for, and what is left is compliant by itself; names that the catalogue does not know
    never are.  An exception that has expired is said in the message.
    """
    state, message, deadline = judge_setting(endpoint, aspect, requirement, wanted, as_of)
    setting = endpoint.settings.get(aspect)
    if not requirement.exceptions or setting is None or state not in EXCUSABLE:
        return Judged(state, message, deadline)
    known = {name: find(endpoint.protocol, aspect, name) for name in setting.values}
    found = breaches(requirement, (a for a in known.values() if a), as_of, EXCUSABLE[state])
    answers = excuses(requirement, found, as_of) if all(known.values()) else ()
    if not answers:
        late = "".join(f"; {one.id} of {one.owner} expired on {one.expires}" for one in lapsed(requirement, found, as_of))
        part = touching(requirement, found, as_of)
        alone = f"; {', '.join(one.id for one in part)} covers a part of it only, so it is left alone" if part else ""
        return Judged(state, message + late + alone, deadline, part)
    guilty = {breach.algorithm for breach in found}
    keep = [i for i, name in enumerate(setting.values) if known[name] not in guilty]
    if keep and len(keep) < len(setting.values):
        values, tiers = (tuple(setting.values[i] for i in keep), tuple(setting.tiers[i] for i in keep) if setting.tiers else ())
        rest = judged(_having(endpoint, aspect, values, tiers), aspect, requirement, wanted, as_of)
        if rest.state not in ("compliant", "excepted"):
            return replace(rest, exceptions=tuple(dict.fromkeys((*answers, *rest.exceptions))))
        answers = tuple(dict.fromkeys((*answers, *rest.exceptions)))
    said = "; ".join(f"{one.id}: {one.reason} (owner {one.owner}, approved by {one.approver}, until {one.expires})" for one in answers)
    ends = min(filter(None, (deadline, *(one.expires for one in answers))))
    return Judged("excepted", f"{said}. Without it {state}: {message}", ends, answers)


def _having(endpoint: Endpoint, aspect: str, values: tuple[str, ...], tiers: tuple[int, ...]) -> Endpoint:
    return replace(endpoint, settings={**endpoint.settings, aspect: replace(endpoint.settings[aspect], values=values, tiers=tiers)})


def judge_setting(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> tuple[State, str, str]:
    """(state, one sentence, deadline) of one aspect, worst first: forbidden, missing, unknown, deprecated, compliant."""
    setting = endpoint.settings.get(aspect)
    if setting is None:
        return "unknown", wanted.reason, ""
    verdicts = {name: judge(requirement, a, as_of) if (a := find(endpoint.protocol, aspect, name)) else None for name in setting.values}
    bad = [name for name, v in verdicts.items() if v and v.kind in ("forbidden", "retired")]
    strangers = [name for name, v in verdicts.items() if v is None]
    good = [name for name, v in verdicts.items() if v and v.kind == "allowed"]
    deadlines = sorted(v.deadline for v in verdicts.values() if v and v.deadline)
    deadline = deadlines[0] if deadlines else ""
    if setting.values and not (bad and wanted.blocked == "unknown") and (not good or (bad and wanted.blocked == "unsatisfiable")):
        return _nothing_allowed(requirement, wanted, deadline)
    if bad:
        why = next(v.reason for v in verdicts.values() if v and v.kind in ("forbidden", "retired"))
        return "forbidden", f"{_few(bad)}: {why}", deadline
    if strangers:
        return "unknown", f"not in the catalogue: {_few(strangers)}", deadline
    if aspect == "key_exchange" and (flaw := _not_preferred(endpoint, setting, good)):
        return "missing", flaw, deadline
    old = [name for name, v in verdicts.items() if v and v.kind == "deprecated"]
    kept = [name for name, v in verdicts.items() if v and v.kind == "fallback"]
    return ("deprecated", f"{_few(old)}: deprecated", deadline) if old else ("compliant", _compliment(endpoint, aspect, kept), deadline)


def _few(names: list[str]) -> str:
    """All of a few names, else the first ones and how many more: a cipher expression may stand for fifty, and `actual` holds them all."""
    return ", ".join(names) if len(names) <= 10 else f"{', '.join(names[:6])} and {len(names) - 6} more"


def _nothing_allowed(requirement: Requirement, wanted: Wish, deadline: str) -> tuple[State, str, str]:
    if wanted.blocked == "unknown":
        return "unknown", wanted.reason, deadline
    if wanted.blocked:
        return ("unsatisfiable" if requirement.stage == "require" else "missing"), wanted.reason, deadline
    return "missing", f"nothing that {requirement.rule.id} allows is in use", deadline


def _not_preferred(endpoint: Endpoint, setting: Setting, good: list[str]) -> str:
    """Why quantum-safe names that are listed may still not be negotiated; "" when they will be."""
    if endpoint.protocol != "tls" or not any(quantum_safe("tls", name) for name in good):
        return ""
    versions = endpoint.settings.get("version")
    if versions and "TLSv1.3" not in versions.values:
        return "hybrid groups exist in TLS 1.3 only, and TLS 1.3 is off"
    tiers = setting.tiers or (0,) * len(setting.values)
    best = min(tier for name, tier in zip(setting.values, tiers, strict=True) if name in good)
    rival = [name for name, tier in zip(setting.values, tiers, strict=True) if tier <= best and not quantum_safe("tls", name)]
    if rival:
        return f"a flat list is no preference: a client that sends only a key share for {rival[0]} gets {rival[0]}"
    return ""


def _compliment(endpoint: Endpoint, aspect: str, kept: list[str]) -> str:
    if endpoint.protocol == "ssh" and aspect == "key_exchange":
        tail = f"; classical fallback: {', '.join(kept)}" if kept else ""
        return f"offered; the client's order decides{tail}"
    return f"fallback kept: {', '.join(kept)}" if kept else ""
