"""Endpoints × requirements → findings.  Pure: the date is an argument, the policy is already resolved for this target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Literal

from .algorithms.lookup import find
from .model import Capability, Endpoint, Finding, Origin, Setting, Stage, State
from .peers import quantum_safe
from .policy.model import Requirement
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


def assess(endpoints: tuple[Endpoint, ...], resolve: Callable[[Endpoint], Requirements], as_of: date) -> tuple[Finding, ...]:
    """One finding for each endpoint × aspect that the policy speaks about, in the order of the endpoints and of the policy."""
    out = []
    for endpoint in endpoints:
        requirements = resolve(endpoint)
        then = ahead(endpoint, requirements, as_of)
        out += [
            _finding(endpoint, aspect, requirement, wish(then, aspect, requirement, as_of), as_of) for aspect, requirement in requirements.items()
        ]
    return tuple(out)


def ahead(endpoint: Endpoint, requirements: Requirements, as_of: date) -> Endpoint:
    """The endpoint once its TLS versions are what the policy wants: TLS 1.3 brings suites of its own, and TLS 1.2 takes its own along."""
    ciphers, requirement = endpoint.settings.get("cipher"), requirements.get("version")
    if endpoint.protocol != "tls" or ciphers is None or requirement is None or requirement.stage == "observe":
        return endpoint
    wanted = wish(endpoint, "version", requirement, as_of)
    if wanted.blocked or judge_setting(endpoint, "version", requirement, wanted, as_of)[0] not in ACTIONABLE:
        return endpoint
    possible = endpoint.capabilities.get("cipher", Capability(None, "")).names or ()
    modern = [name for name in ciphers.values if name.startswith("TLS_")] or [name for name in possible if name.startswith("TLS_")]
    old = [name for name in ciphers.values if not name.startswith("TLS_")]
    kept = (*(modern if "TLSv1.3" in wanted.names else ()), *(old if set(wanted.names) - {"TLSv1.3"} else ()))
    return replace(endpoint, settings={**endpoint.settings, "cipher": replace(ciphers, values=kept)})


def _finding(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> Finding:
    setting = endpoint.settings.get(aspect)
    state, message, deadline = judge_setting(endpoint, aspect, requirement, wanted, as_of)
    capability = endpoint.capabilities.get(aspect, Capability(None, ""))
    origin = setting.origin if setting else Origin(capability.source or endpoint.version)
    return Finding(
        endpoint=endpoint.id,
        service=endpoint.service,
        protocol=endpoint.protocol,
        aspect=aspect,
        rule=requirement.rule.id,
        state=state,
        severity=SEVERITY.get((state, requirement.stage), "none"),
        stage=requirement.stage,
        message=message,
        origin=str(origin),
        evidence=setting.evidence if setting else "configured",
        source=requirement.rule.source,
        deadline=deadline,
        remedy=wanted.remedy if wanted.blocked else "",
        actual=setting.values if setting else (),
        wanted=wanted.names,
    )


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
    if setting.values and (not good or (bad and wanted.blocked == "unsatisfiable")):
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
