"""The section escrow of a policy: where a private key may be kept, and for whom; nowhere without it."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.dump import dump
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.escrowed import escrow_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy

HEAD = 'policy: {name: a, version: "1"}\nextends: [hybrid-transition@1]\nzones:\n  web: {groups: [web]}\nescrow:\n'
TO = f'recipient: {{name: office, classical: "{"a" * 64}", kem: "{"b" * 64}"}}'


def of(*entries: str) -> Policy:
    return load("a.yml", lambda name: HEAD + "".join(f"  - {{{entry}}}\n" for entry in entries))


def mode(policy: Policy, host: str, *services: str, groups: tuple[str, ...] = ("web",)) -> str:
    return escrow_of(policy, host, groups, services or ("nginx",)).mode


def test_no_policy_that_is_shipped_lets_a_key_be_kept() -> None:
    assert mode(load("hybrid-transition@1", lambda name: ""), "a") == "never"


def test_the_most_specific_entry_speaks_and_elsewhere_it_is_never() -> None:
    policy = of(
        f"id: web, zone: web, mode: allowed, {TO}", f"id: hap, zone: web, service: haproxy, mode: required, {TO}", "id: x, host: x, mode: never"
    )
    assert [mode(policy, "a"), mode(policy, "a", "haproxy"), mode(policy, "x"), mode(policy, "a", groups=())] == [
        "allowed",
        "required",
        "never",
        "never",
    ]
    assert escrow_of(policy, "a", ("web",), ("nginx",)).origin == "a.yml:6"


def test_a_key_that_two_services_share_is_kept_where_both_may_be() -> None:
    policy = of(f"id: web, service: nginx, mode: allowed, {TO}")
    assert (mode(policy, "a", "nginx"), mode(policy, "a", "nginx", "haproxy")) == ("allowed", "never")
    assert escrow_of(policy, "a", (), ()).mode == "never", "nobody says whose it is"


def test_written_out_whole_it_means_the_same() -> None:
    policy = of(f"id: web, zone: web, mode: allowed, {TO}", "id: x, host: x, mode: never")
    assert load("b.yml", lambda name: dump(policy)).digest == policy.digest


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("id: e, mode: allowed", "escrow e is allowed, so it needs a recipient"),
        (f"id: e, mode: never, {TO}", "escrow e is never, so it has no recipient"),
        ("id: e, mode: sometimes", "'sometimes' is not one of"),
        ("id: e, zone: nope, mode: never", "no zone is called nope"),
        (f"id: e, mode: allowed, {TO.replace('office', '../office')}", "'../office'"),
        (f"id: e, mode: allowed, {TO.replace('a' * 64, 'A' * 64)}", "has not the form"),
    ],
)
def test_a_mistake_is_told_with_its_line(entry: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        of(entry)
    assert "a.yml:6: " in str(caught.value) and said in str(caught.value)
