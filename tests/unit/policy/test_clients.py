"""The section clients of a policy: when something may be taken from clients that nobody here manages."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.dump import dump
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy, Watched
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Resolver, Target

HEAD = 'policy: {name: a, version: "1"}\nextends: [tunnels@1]\nzones:\n  edge: {groups: [edge]}\nclients:\n'
SAID = "acknowledge: {reason: all tablets are new, approver: ciso, until: 2027-06-30}"


def of(*entries: str) -> Policy:
    return load("a.yml", lambda name: HEAD + "".join(f"  - {{{entry}}}\n" for entry in entries))


def asked(policy: Policy, host: str, protocol: str = "ikev2", groups: tuple[str, ...] = ("edge",)) -> Watched | None:
    return Resolver(policy, date(2026, 11, 28))(Target(host, groups, protocol))["key_exchange"].clients


def test_nothing_is_said_where_no_entry_speaks() -> None:
    assert asked(of("id: e, zone: edge, watch: 30d"), "a", groups=()) is None


def test_the_most_specific_entry_speaks() -> None:
    policy = of("id: e, zone: edge, watch: 30d", "id: i, zone: edge, protocol: esp, watch: 12h", f"id: x, host: x, {SAID}")
    found = [asked(policy, "a"), asked(policy, "a", "esp"), asked(policy, "x")]
    assert [(one.id, one.minutes, one.approver, one.until) for one in found if one] == [
        ("e", 43200, "", ""),
        ("i", 720, "", ""),
        ("x", 0, "ciso", "2027-06-30"),
    ]


def test_written_out_whole_it_means_the_same() -> None:
    policy = of("id: e, zone: edge, watch: 30d", f"id: x, host: x, {SAID}")
    assert load("b.yml", lambda name: dump(policy)).digest == policy.digest


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("id: e", "needs one of watch, acknowledge"),
        ("id: e, watch: soon", "'soon' has not the form that is wanted here"),
        ("id: e, zone: nowhere, watch: 1d", "no zone is called nowhere"),
        ("id: e, acknowledge: {reason: because, approver: ciso}", "'until' is a required property"),
        ("id: e, acknowledge: {reason: because, approver: ciso, until: 2027-02-30}", "2027-02-30"),
    ],
)
def test_a_mistake_is_named(entry: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        of(entry)
