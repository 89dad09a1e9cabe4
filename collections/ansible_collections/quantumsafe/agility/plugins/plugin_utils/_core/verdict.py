"""What one setting is worth under a requirement: its state, why, until when, and whether a plan would change it.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from .algorithms.lookup import OVER_TLS, find, speaks_13
from .invariant import consequence
from .model import Endpoint, Setting, State
from .peers import quantum_safe
from .policy.derive import TLS13
from .policy.exempt import breaches, excuses, lapsed, touching
from .policy.model import Exemption, Requirement
from .policy.resolve import judge
from .wish import TUNNELS, Wish, wish

Requirements = Mapping[str, Requirement]

# The states that a plan does something about.
ACTIONABLE = ("missing", "forbidden", "deprecated")

# The states that an exception can answer for, and the verdicts on algorithms that bring each about.
EXCUSABLE: dict[State, tuple[str, ...]] = {
    "forbidden": ("forbidden", "retired"),
    "missing": ("fallback", "deprecated", "forbidden", "retired"),
    "unsatisfiable": ("fallback", "deprecated", "forbidden", "retired"),
    "deprecated": ("deprecated",),
}


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


def patient(endpoint: Endpoint, requirements: Requirements, as_of: date) -> Requirements:
    """What is to be planned: TLS 1.3 alone, which follows from a quantum-safe key exchange, waits until there can be one.

    Without one it would cut off peers of TLS 1.2 for nothing.
    """
    version, exchange = requirements.get("version"), requirements.get("key_exchange")
    if version is None or exchange is None or not wish(endpoint, "key_exchange", exchange, as_of).blocked:
        return requirements
    others = tuple(rule for rule in version.rules if rule.id != TLS13.id)
    if others == version.rules:
        return requirements
    if not others:
        return {aspect: requirement for aspect, requirement in requirements.items() if aspect != "version"}
    return {**requirements, "version": replace(version, rule=others[0], rules=others, seen={})}


def left_alone(endpoint: Endpoint, requirements: Requirements, as_of: date) -> tuple[str, ...]:
    """One sentence for each aspect that would be changed if no exception answered for it in part, and no peer lost quantum safety by it."""
    out = []
    for aspect, requirement in patient(endpoint, requirements, as_of).items():
        if requirement.stage != "observe" and not requirement.rule.require:
            verdict = judged(endpoint, aspect, requirement, wish(endpoint, aspect, requirement, as_of), as_of)
            if verdict.state == "pq-regression" or (verdict.exceptions and verdict.state != "excepted"):
                out.append(f"{endpoint.id}: {aspect} is left alone: {verdict.message}")
    return tuple(out)


def judged(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> Judged:
    """The verdict, unless what is wanted would take quantum safety from peers that have it: then that is the finding, and nothing is changed."""
    verdict = _answered(endpoint, aspect, requirement, wanted, as_of)
    if verdict.state not in ACTIONABLE or wanted.blocked or verdict.exceptions or requirement.stage == "observe":
        return verdict
    losers = consequence(endpoint, {aspect: wanted}, requirement, as_of).regressed
    if not losers:
        return verdict
    message = f"left as it is, for what {requirement.rule.id} asks would take quantum safety from {', '.join(losers)} ({verdict.message})"
    return replace(verdict, state="pq-regression", message=message)


def _answered(endpoint: Endpoint, aspect: str, requirement: Requirement, wanted: Wish, as_of: date) -> Judged:
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
        late = lapsed(requirement, found, as_of)
        part = touching(requirement, found, as_of)
        alone = f"; {', '.join(one.id for one in part)} covers a part of it only, so it is left alone" if part else ""
        return Judged(state, message + said_late(late) + alone, deadline, part)
    guilty = {breach.name for breach in found}
    keep = [i for i, name in enumerate(setting.values) if (a := known[name]) and a.id not in guilty]
    if keep and len(keep) < len(setting.values):
        values, tiers = (tuple(setting.values[i] for i in keep), tuple(setting.tiers[i] for i in keep) if setting.tiers else ())
        rest = _answered(_having(endpoint, aspect, values, tiers), aspect, requirement, wanted, as_of)
        if rest.state not in ("compliant", "excepted"):
            return replace(rest, exceptions=tuple(dict.fromkeys((*answers, *rest.exceptions))))
        answers = tuple(dict.fromkeys((*answers, *rest.exceptions)))
    return excepted(state, message, deadline, answers)


def excepted(state: State, message: str, deadline: str, answers: tuple[Exemption, ...]) -> Judged:
    """What these exceptions together make of a finding."""
    said = "; ".join(f"{one.id}: {one.reason} (owner {one.owner}, approved by {one.approver}, until {one.expires})" for one in answers)
    ends = min(filter(None, (deadline, *(one.expires for one in answers))))
    return Judged("excepted", f"{said}. Without it {state}: {message}", ends, answers)


def said_late(late: tuple[Exemption, ...]) -> str:
    """That they answered for it once, for the message of a finding."""
    return "".join(f"; {one.id} of {one.owner} expired on {one.expires}" for one in late)


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
    good = [name for name, v in verdicts.items() if v and v.good]
    deadlines = sorted(v.deadline for v in verdicts.values() if v and v.deadline)
    deadline = deadlines[0] if deadlines else ""
    known_bad = bad and wanted.blocked == "unknown"  # what is forbidden is so whatever else the binary may know
    if not known_bad and (not good or (bad and wanted.blocked == "unsatisfiable")):
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
    """Why quantum-safe names that are listed may still not be negotiated; "" when they will be, or where classical ones are as good."""
    if endpoint.protocol in TUNNELS and all(quantum_safe(endpoint.protocol, name) for name in good) and setting.values[0] not in good:
        return f"{setting.values[0]} stands first, and is what is agreed on where the other end has it"
    if endpoint.protocol not in OVER_TLS or not all(quantum_safe("tls", name) for name in good):
        return ""
    versions = endpoint.settings.get("version")
    if versions and not speaks_13(versions.values):
        return "hybrid groups exist in TLS 1.3 only, and TLS 1.3 is off"
    tiers = setting.tiers or (0,) * len(setting.values)
    best = min(tier for name, tier in zip(setting.values, tiers, strict=True) if name in good)
    rival = [name for name, tier in zip(setting.values, tiers, strict=True) if tier <= best and name not in good and not quantum_safe("tls", name)]
    if rival:
        return f"a flat list is no preference: a client that sends only a key share for {rival[0]} gets {rival[0]}"
    return ""


def only_offered(endpoint: Endpoint, aspect: str) -> bool:
    """Whether what is preferred is no more than offered: the peer, or the library, decides."""
    capability = endpoint.capabilities.get(aspect)
    return aspect == "key_exchange" and capability is not None and capability.order == "set"


def _compliment(endpoint: Endpoint, aspect: str, kept: list[str]) -> str:
    if only_offered(endpoint, aspect):
        tail = f"; classical fallback: {', '.join(kept)}" if kept else ""
        return f"offered; the peer's order decides{tail}"
    return f"fallback kept: {', '.join(kept)}" if kept else ""
