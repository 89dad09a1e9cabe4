"""What an aspect of an endpoint should be: the policy's requirement, cut down to what this very binary can do.

One function, used twice: assess compares the answer with what is there, plan writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from .algorithms.lookup import OVER_TLS, Algorithm, find, spelling
from .expressed import capable, emptied, sayable, unissuable
from .model import Capability, Endpoint
from .policy.issue import issues
from .policy.model import Requirement
from .policy.resolve import judge, rank, said_by_rule

# Aspects in which a better algorithm is added although a good one is there: peers differ in which of them they know.
WIDENED = ("key_exchange", "version")
TUNNELS = ("ikev2", "esp")  # the other end is known: one good exchange is enough, of a group that both have today where there is one

MOST_SEEN = 4096  # of one requirement, so that memory stays flat however large the fleet is


@dataclass(frozen=True, slots=True)
class Wish:
    """names, tiers: what shall be effective, in the daemon's spelling; () when blocked.

    blocked: "" | "unsatisfiable" (this binary has nothing that is allowed) | "unknown" (it could not be asked); reason and remedy say more.
    removed: names that are there now and would go.
    """

    names: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    blocked: Literal["", "unsatisfiable", "unknown"] = ""
    reason: str = ""
    remedy: str = ""
    removed: tuple[str, ...] = ()


def wish(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> Wish:
    """The value that satisfies the requirement on this endpoint.

    require: what is allowed, and what is there of what is deprecated; every fallback has ended.  prefer (and observe, as a forecast): the allowed
    first, then everything that is there today, except what is retired as broken; nothing that a peer may need is taken away.
    """
    setting = endpoint.settings.get(aspect)
    capability = endpoint.capabilities.get(aspect, Capability(None, "not asked"))
    if setting is None:
        return Wish(blocked="unknown", reason="its effective value could not be read", remedy="see the notes of this endpoint")
    if capability.names is None:
        reason, remedy = unissuable(endpoint, aspect, requirement, as_of) if requirement.issuers else ("", "")
        if reason:
            return Wish(blocked="unsatisfiable", reason=reason, remedy=remedy)
        return Wish(blocked="unknown", reason=f"what this binary supports is unknown: {capability.source}")
    key = (aspect, endpoint.protocol, endpoint.names, endpoint.version, setting.values, capability, as_of)  # a fleet has few of them
    known = requirement.seen.get(key)
    if not isinstance(known, Wish):
        if len(requirement.seen) > MOST_SEEN:
            requirement.seen.clear()
        known = requirement.seen[key] = _wish(endpoint, aspect, requirement, as_of)
    mute = [name for name in known.names if name not in capability.names] if setting.evidence == "documented" else []
    if mute:
        reason = f"{endpoint.version} does {', '.join(mute)} without a line, and has no word for it: any line would take that away"
        return Wish(blocked="unsatisfiable", reason=reason, remedy="leave the default, or no longer allow it")
    return known


def _wish(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> Wish:
    setting, capability = endpoint.settings[aspect], endpoint.capabilities[aspect]
    current = {name: find(endpoint.protocol, aspect, name) for name in setting.values}
    there = [a for a in current.values() if a]
    able = [a for a in capable(endpoint, aspect) if judge(requirement, a, as_of).good and (a in there or sayable(endpoint, aspect, a))]
    able = [a for a in able if a in there or issues(requirement.issuers, a.id)]
    able = [a for a in able if _advised(requirement, a, as_of)] or able
    faded = {a for a in able if judge(requirement, a, as_of).kind == "deprecated"}
    chosen, lacking = _chosen(endpoint, aspect, there, able, faded)
    if not able:
        reason, remedy = emptied(endpoint, aspect, requirement, as_of)
        return Wish(blocked="unsatisfiable", reason=reason, remedy=remedy)
    keep = list(dict.fromkeys(a for a in there if a not in chosen and _kept(requirement, a, as_of)))
    if capability.most:
        chosen, keep = _few(requirement, chosen, [a for a in there if a in chosen], keep, capability.most, as_of)
        strange = [name for name, a in current.items() if a is None] if requirement.stage != "require" else []
        if len(chosen) + len(keep) + len(strange) > capability.most:
            return Wish(
                blocked="unsatisfiable",
                reason=f"it takes {capability.most} name for {aspect}, and what is there stays while the stage is {requirement.stage}",
                remedy=f"go to stage require for it, which takes {', '.join(setting.values)} away",
            )
    if not chosen or (lacking and lacking not in {_part(endpoint, aspect, a) for a in keep}):
        return Wish(
            blocked="unsatisfiable",
            reason=f"{capability.library or endpoint.version} has nothing for {lacking} that the policy allows, and {lacking} is on",
            remedy=f"allow a suite of {lacking}, or no longer allow {lacking} (aspect version)",
        )
    ranked, tiers = rank(requirement, chosen, as_of)
    if _parted(endpoint, aspect) and not requirement.ordering.order:
        ranked = tuple(chosen)  # nobody asked for another order: the administrator's, else the library's
    behind = max(tiers) + 1
    names, levels = _spelled(endpoint, aspect, (*ranked, *keep), (*tiers, *(behind for dummy in keep)))
    if requirement.stage != "require":
        strangers = [name for name, a in current.items() if a is None]
        names, levels = (*names, *strangers), (*levels, *(max(levels, default=0) for dummy in strangers))
    return Wish(names, levels, removed=tuple(name for name in setting.values if name not in names))


def _few(
    requirement: Requirement, chosen: list[Algorithm], good: list[Algorithm], keep: list[Algorithm], most: int, as_of: date
) -> tuple[list[Algorithm], list[Algorithm]]:
    """For a configuration that takes so many names only: what is there and good, else the best; what would be kept beside it goes under require."""
    best = good or list(rank(requirement, chosen, as_of)[0])
    return best[:most], [] if good or requirement.stage == "require" else keep


def _advised(requirement: Requirement, algorithm: Algorithm, as_of: date) -> bool:
    """Whether rules that do not bind allow it too: nothing is taken away for them, but nothing is added against them either."""
    return all(said_by_rule(requirement, rule, algorithm, as_of).good for rule in requirement.advice)


def _chosen(endpoint: Endpoint, aspect: str, there: list[Algorithm], able: list[Algorithm], faded: set[Algorithm]) -> tuple[list[Algorithm], str]:
    """What to have of what is allowed and possible: what is there already, where that is enough; and the part that would be left with nothing.

    faded: what of it is deprecated, and so taken only where there is nothing else.

    TLS 1.3 has suites of its own, so what is there of one part says nothing about the other, and neither list may become empty.
    """
    chosen: list[Algorithm] = []
    lacking = ""
    for part in dict.fromkeys(_part(endpoint, aspect, a) for a in there or able):
        mine = [a for a in able if _part(endpoint, aspect, a) == part]
        allowed = [a for a in mine if a not in faded] or mine
        good = [a for a in there if a in allowed]
        chosen += good if good and (aspect not in WIDENED or endpoint.protocol in TUNNELS) else _near(endpoint, allowed, there)
        lacking = lacking if allowed else part
    return chosen, lacking


def _near(endpoint: Endpoint, allowed: list[Algorithm], there: list[Algorithm]) -> list[Algorithm]:
    """Of a tunnel those that add to a group that is there, for the other end has that."""
    shared = [a for a in allowed if any(a.id.startswith(f"{b.id}+") for b in there)] if endpoint.protocol in TUNNELS else []
    return shared or allowed


def _parted(endpoint: Endpoint, aspect: str) -> bool:
    return (endpoint.protocol, aspect) == ("tls", "cipher")


def _part(endpoint: Endpoint, aspect: str, algorithm: Algorithm) -> str:
    if not _parted(endpoint, aspect):
        return aspect
    return "TLS 1.3" if algorithm.id.startswith("TLS_") else "TLS 1.2 and before"


def _kept(requirement: Requirement, algorithm: Algorithm, as_of: date) -> bool:
    verdict = judge(requirement, algorithm, as_of)
    return verdict.kind != "retired" if requirement.stage != "require" else verdict.good


def _spelled(endpoint: Endpoint, aspect: str, ranked: tuple[Algorithm, ...], tiers: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Spell each algorithm as the daemon does today, else in every spelling that it knows (sshd: peers differ in which they know)."""
    names: list[str] = []
    levels: list[int] = []
    today = [(name, find(endpoint.protocol, aspect, name)) for name in endpoint.settings[aspect].values]
    for algorithm, tier in zip(ranked, tiers, strict=True):
        mine = [name for name, found in today if found == algorithm]
        known = spelling(algorithm, endpoint.names, endpoint.capabilities[aspect].names)
        spellings = mine or list(known)
        if endpoint.protocol == "ssh" and algorithm.quantum_category:
            spellings = list(dict.fromkeys((*known, *mine)))
        for name in spellings if endpoint.protocol == "ssh" else spellings[:1]:
            names.append(name)
            levels.append(tier)
    return tuple(names), tuple(levels) if endpoint.protocol in OVER_TLS and aspect == "key_exchange" else (0,) * len(names)
