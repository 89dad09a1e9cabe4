"""One private key on several hosts, judged: what no host can know of itself is a finding once all of them were looked at.

A policy asks for it as a fact of private keys, `hosts: "<=1"`.  Who has a key is known by the digest of its public half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from ..assess import finding
from ..credentials import UNUSED
from ..facts import OF_FLEETS
from ..model import Endpoint, Finding, Origin, Problem, Setting
from ..policy.model import Policy, Requirement
from ..policy.resolve import resolve, target_of
from .results import HostResult, plain

ASPECT = "private_key"


class Shared:
    """The keys that lie on more than one host: it is told of every host first, and then asked."""

    def __init__(self) -> None:
        self._hosts: dict[str, list[str]] = {}  # digest of the public half → its hosts

    def add(self, result: HostResult) -> None:
        for public in {item["key"]["public"] for item in _items(result)}:
            self._hosts.setdefault(public, []).append(result.host)

    def of(self, result: HostResult) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
        """(where it lies, all its hosts) for each of such keys of this host."""
        for item in _items(result):
            if len(hosts := self._hosts.get(item["key"]["public"], ())) > 1:
                yield item, sorted(hosts)


def _items(result: HostResult) -> list[Mapping[str, Any]]:
    return [item for item in result.credentials.get("items", ()) if item["key"] and item["key"]["public"]]


def with_reuse(policy: Policy | None, result: HostResult, shared: Shared) -> HostResult:
    """The result with what the policy says of its keys that other hosts have, too."""
    if policy is None or result.policy.get("digest") != policy.digest:
        return result
    said = [plain(found) for item, hosts in shared.of(result) for found in _judged(policy, result, item, hosts)]
    return replace(result, findings=(*result.findings, *said)) if said else result


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
