"""A policy that cannot hold together is refused when it is loaded, not when some host meets it."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.sound import contradictions

from .texts import HEAD, RULES, of, rule


def refused(text: str) -> str:
    with pytest.raises(PolicyError) as error:
        of(text)
    return str(error.value)


def test_three_rules_that_only_together_allow_nothing_are_all_cited() -> None:
    names = ("[X25519, secp256r1]", "[secp256r1, secp384r1]", "[X25519, secp384r1]")
    text = "".join(rule(id=id_, allow=f"{{name: {n}}}", source=f"{{doc: {id_.upper()}, force: draft}}") for id_, n in zip("abc", names, strict=True))
    assert "p.yml:3 (A), p.yml:8 (B) and p.yml:13 (C) together allow no key_exchange" in refused(HEAD + RULES + text)
    assert len(of(HEAD + RULES + "".join(text.partition("  - id: c")[0])).rules) == 2


def test_rules_that_allow_nothing_together_from_a_day_on_hold_until_then_and_the_day_is_told() -> None:
    text = rule(id="a", allow="{name: [X25519, secp256r1]}", disallowed_after="{X25519: 2028-12-31}") + rule(id="b", allow="{name: [X25519]}")
    assert contradictions(of(HEAD + RULES + text)) == ([], ["p.yml:3 (x) and p.yml:9 (x) together allow no key_exchange from 2029-01-01 on"])


def test_one_rule_may_end_all_that_it_allows_for_standards_do() -> None:
    assert of(HEAD + RULES + rule(id="a", allow="{name: [X25519]}", disallowed_after="{X25519: 2028-12-31}")).rules


@pytest.mark.parametrize(
    "stages",
    [
        "[{stage: observe}, {stage: require}]",
        "[{aspect: key_exchange, stage: prefer, from: 2029-01-01}, {aspect: key_exchange, stage: require, from: 2029-01-01}]",
        "[{protocol: tls, zone: z, stage: observe}, {zone: z, protocol: tls, stage: require}]",
        "[{zone: z, stage: observe}, {zone: y, stage: require}]",
        "[{host: h, stage: observe}, {host: h, stage: require, from: 2020-01-01}, {host: h, stage: prefer, from: 2020-01-01}]",
    ],
)
def test_two_stages_of_equal_weight_are_refused_at_once(stages: str) -> None:
    zones = "zones: {z: {groups: [g]}, y: {groups: [g, k]}}\n"
    assert "two stages of equal weight" in refused(HEAD + zones + RULES + rule() + f"stages: {stages}\n")


def test_two_zones_that_share_no_member_may_disagree() -> None:
    zones = "zones: {z: {groups: [g]}, y: {groups: [k]}}\n"
    policy = of(HEAD + zones + RULES + rule() + "stages: [{zone: z, stage: observe}, {zone: y, stage: require}]\n")
    assert len(policy.stages) == 2


@pytest.mark.parametrize("scope", ["{protocol: tls}", "{protocol: tls, zone: z}", "{protocol: tls, host: h}", "{protocol: tls, service: nginx}"])
def test_two_orders_of_equal_weight_are_refused_at_once(scope: str) -> None:
    zones = "zones: {z: {groups: [g]}}\n"
    two = rule(match=scope, order="[{share: asc}]") + rule(id="b", match=scope, order="[{share: desc}]")
    assert "two orders of equal weight for key_exchange" in refused(HEAD + zones + RULES + two)


def test_a_policy_with_many_scopes_is_still_loaded() -> None:
    zones = "zones: {" + ", ".join(f"z{i}: {{groups: [g{i}], hosts: [h{i}]}}" for i in range(60)) + "}\n"
    stages = "stages:\n" + "".join(
        f"  - {{zone: z{i}, stage: prefer}}\n  - {{host: k{i}, stage: require, from: 20{i + 30}-01-01}}\n" for i in range(60)
    )
    assert len(of(HEAD + zones + RULES + rule() + stages).stages) == 120
