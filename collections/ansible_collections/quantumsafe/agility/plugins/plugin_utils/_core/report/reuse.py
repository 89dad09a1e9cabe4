"""One private key on several hosts, judged: what no host can know of itself is a finding once all of them were looked at.

A policy asks for it as a fact of private keys, `hosts: "<=1"`.  Who has a key is known by the digest of its public half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ..assess import finding
from ..certificates.subjects import UNUSED
from ..facts import OF_FLEETS
from ..model import Endpoint, Finding, Origin, Problem, Setting
from ..policy.model import Policy, Requirement
from ..policy.resolve import resolve, target_of
from .results import HostResult, plain

ASPECT = "private_key"


def shared(results: Sequence[HostResult]) -> Iterator[tuple[str, list[tuple[HostResult, Mapping[str, Any]]]]]:
    """(digest of the public half, where it lies) of every key that lies on more than one host."""
    places: dict[str, list[tuple[HostResult, Mapping[str, Any]]]] = {}
    for result in results:
        for item in result.credentials.get("items", ()):
            if item["key"] and item["key"]["public"]:
                places.setdefault(item["key"]["public"], []).append((result, item))
    for public, found in sorted(places.items()):
        if len({result.host for result, dummy in found}) > 1:
            yield public, found


def with_reuse(policy: Policy | None, results: tuple[HostResult, ...]) -> tuple[HostResult, ...]:
    """The results, each with what the policy says of its keys that other hosts have, too."""
    if policy is None:
        return results
    said: dict[str, list[Finding]] = {}
    for dummy, found in shared(results):
        hosts = sorted({result.host for result, dummy2 in found})
        for result, item in found:
            if result.policy.get("digest") == policy.digest:
                said.setdefault(result.host, []).extend(_judged(policy, result, item, hosts))
    return tuple(replace(r, findings=(*r.findings, *map(plain, said[r.host]))) if r.host in said else r for r in results)


def _judged(policy: Policy, result: HostResult, item: Mapping[str, Any], hosts: list[str]) -> Iterator[Finding]:
    ssh = "host_key" in item["users"] or item["key"]["form"] == "OPENSSH"
    services = {e["id"]: e.get("service", "") for e in result.endpoints}
    service = next((services[user] for user in item["users"] if user in services), UNUSED)
    setting = Setting((f"hosts={len(hosts)}",), Origin(item["path"]))
    endpoint = Endpoint(item["path"], service, "ssh" if ssh else "tls", "x509", (), "", {ASPECT: setting}, {})
    groups = tuple(filter(None, result.target.get("groups", "").split(",")))
    day = date.fromisoformat(result.as_of)
    try:
        requirement = resolve(policy, target_of(result.host, groups, endpoint), day).get(ASPECT)
    except Problem:
        return  # said where the host was judged
    asked = _of_fleets(requirement) if requirement else None
    if asked:
        found = finding(endpoint, endpoint, ASPECT, asked, day)
        others = ", ".join(host for host in hosts if host != result.host)
        yield replace(found, message="; ".join(filter(None, (found.message, f"also on {others}"))))


def _of_fleets(requirement: Requirement) -> Requirement | None:
    """What of it is about a fleet; None = nothing."""
    rules = tuple(
        replace(rule, require={key: values for key, values in rule.require.items() if key in OF_FLEETS})
        for rule in requirement.rules
        if OF_FLEETS & set(rule.require)
    )
    return replace(requirement, rules=rules, rule=rules[0], seen={}) if rules else None
