"""The policy language: mistakes are found before a host is touched, and every paragraph of its semantics that this release has."""

from __future__ import annotations

import json
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL, find, near, spelling
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, baselines, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.plain import from_plain, to_plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, rank, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.zones import owner_of
from hypothesis import given
from hypothesis import strategies as st

from .conftest import TODAY, TOP, policy_of, requirements

HEAD = 'policy: {name: t, version: "1"}\n'
RULE = """rules:
  - id: a
    match: {protocol: tls}
    aspect: key_exchange
    allow: {construction: [hybrid]}
    source: {doc: x, force: draft}
"""


def of(text: str, **files: str):
    everything = {"p.yml": text, **files}

    def read(name: str) -> str:
        if name not in everything:
            raise FileNotFoundError(2, "No such file or directory")
        return everything[name]

    return load("p.yml", read)


@pytest.mark.parametrize("name", [*baselines(), str(TOP / "policies/default.yml"), str(TOP / "policies/required.yml")])
def test_what_we_ship_loads_and_survives_its_compiled_form(name: str) -> None:
    policy = policy_of(name)
    assert from_plain(json.loads(json.dumps(to_plain(policy)))) == policy
    assert len(policy.digest) == 64


@pytest.mark.parametrize("name", baselines())
def test_every_rule_that_we_ship_names_its_source_and_when_it_was_verified(name: str) -> None:
    for rule in policy_of(name).rules:
        assert rule.source.doc
        assert rule.source.verified


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (HEAD + "algoritms: {}\n", "p.yml:1", "algoritms"),
        (HEAD + RULE.replace("construction: [hybrid]", "name: [X25519MLKEM786]"), "p.yml:3", "did you mean X25519MLKEM768"),
        (HEAD + RULE.replace("[hybrid]", "[]"), "p.yml:6", "is empty"),
        (HEAD + RULE.replace("force: draft", "force: requirement"), "p.yml:3", "never verified"),
        (HEAD + RULE + RULE.replace("rules:\n", ""), "p.yml:8", "also defined at p.yml:3"),
        (HEAD + HEAD, "p.yml:2", "stands twice"),
        ("policy: [\n", "p.yml:2", "not YAML"),
        (HEAD + "extends: [nowhere.yml]\n", "nowhere.yml", "cannot read"),
        (HEAD + "stages: [{stage: maybe}]\n", "p.yml:2", "maybe"),
        (HEAD + "stages: [{stage: prefer, from: 2026-13-01}]\n", "p.yml:2", "form"),
        (HEAD + "stages: [{stage: prefer, from: 2026-02-30}]\n", "p.yml:2", "no date"),
    ],
)
def test_a_mistake_names_its_file_line_and_remedy(text: str, where: str, what: str) -> None:
    with pytest.raises(PolicyError) as found:
        of(text)
    assert where in str(found.value)
    assert what in str(found.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(PolicyError) as found:
        of(HEAD + "zonez: {}\nstages: [{stage: maybe}]\n")
    assert "zonez" in str(found.value)
    assert "maybe" in str(found.value)


def test_a_policy_that_extends_itself_is_refused() -> None:
    with pytest.raises(PolicyError, match="extends itself"):
        of(HEAD + "extends: [p.yml]\n")


def test_limits_that_together_allow_nothing_cite_both_sources() -> None:
    other = RULE.replace("id: a", "id: b").replace("[hybrid]", "[post-quantum]").replace("doc: x", "doc: y").replace("rules:\n", "")
    with pytest.raises(PolicyError, match=r"\(x\).*\(y\) together allow no key_exchange"):
        of(HEAD + RULE + other)


def test_limits_of_everything_extended_hold_together() -> None:
    stricter = HEAD + "extends: [hybrid-transition@1]\n" + RULE.replace("construction: [hybrid]", "name: [SecP384r1MLKEM1024]")
    requirement = resolve(of(stricter), Target("h", (), "tls"), TODAY)["key_exchange"]
    kinds = {a.id: judge(requirement, a, TODAY).kind for a in ALL if a.aspect == "key_exchange" and a.protocol == "tls"}
    assert [name for name, kind in kinds.items() if kind == "allowed"] == ["SecP384r1MLKEM1024"]


def test_unquoted_yaml_words_keep_their_text() -> None:
    assert of("policy: {name: no, version: 1.10}\n").version == "1.10"
    assert of("policy: {name: no, version: 1.10}\n").name == "no"


@pytest.mark.parametrize(("day", "kind"), [(date(2030, 12, 31), "fallback"), (date(2031, 1, 1), "forbidden")])
def test_until_includes_its_day(day: date, kind: str) -> None:
    x25519 = find("tls", "key_exchange", "X25519")
    assert x25519
    assert judge(requirements(policy_of("hybrid-transition@1"), "tls")["key_exchange"], x25519, day).kind == kind


@pytest.mark.parametrize(("day", "kind"), [(date(2031, 12, 31), "allowed"), (date(2032, 1, 1), "forbidden")])
def test_disallowed_after_includes_its_day(day: date, kind: str) -> None:
    old = find("tls", "version", "TLSv1.2")
    assert old
    assert judge(requirements(policy_of("hybrid-transition@1"), "tls")["version"], old, day).kind == kind


def test_a_stage_with_a_date_waits_for_it_and_is_announced() -> None:
    policy = of(HEAD + "extends: [hybrid-transition@1]\nstages: [{aspect: key_exchange, stage: require, from: 2029-01-01}]\n")
    before = resolve(policy, Target("h", (), "tls"), date(2028, 12, 31))["key_exchange"]
    assert (before.stage, before.next_stage) == ("prefer", ("require", "2029-01-01"))
    assert resolve(policy, Target("h", (), "tls"), date(2029, 1, 1))["key_exchange"].stage == "require"


def test_a_host_beats_a_zone_beats_a_protocol() -> None:
    policy = of(
        HEAD
        + "extends: [hybrid-transition@1]\nzones: {z: {groups: [g], owner: me}}\nstages:\n"
        + "  - {protocol: tls, stage: require}\n  - {zone: z, stage: observe}\n  - {host: h, stage: prefer}\n"
    )

    def stage(host: str, *groups: str) -> str:
        return resolve(policy, Target(host, groups, "tls"), TODAY)["key_exchange"].stage

    assert (stage("x"), stage("x", "g"), stage("h", "g")) == ("require", "observe", "prefer")
    assert owner_of(policy, "x", ("g",)) == "me"


def test_stages_belong_to_an_aspect() -> None:
    found = requirements(policy_of("hybrid-transition@1"), "ssh")
    assert (found["key_exchange"].stage, found["mac"].stage) == ("prefer", "observe")


def test_a_retired_algorithm_is_retired_from_its_day_on() -> None:
    policy = of(HEAD + "extends: [hybrid-transition@1]\nalgorithms: {sntrup761x25519-sha512: {state: retired, from: 2028-01-01, reason: broken}}\n")
    sntrup = find("ssh", "key_exchange", "sntrup761x25519-sha512@openssh.com")
    assert sntrup
    requirement = resolve(policy, Target("h", (), "ssh"), TODAY)["key_exchange"]
    assert judge(requirement, sntrup, date(2027, 12, 31)).kind == "allowed"
    assert judge(requirement, sntrup, date(2028, 1, 1)).kind == "retired"


@given(st.permutations([a for a in ALL if a.protocol == "tls" and a.aspect == "key_exchange"]))
def test_the_order_is_total_and_does_not_depend_on_the_input(algorithms) -> None:
    requirement = requirements(policy_of("hybrid-transition@1"), "tls")["key_exchange"]
    ordered, tiers = rank(requirement, algorithms, TODAY)
    assert ordered[0].id == "X25519MLKEM768"
    assert ordered == rank(requirement, reversed(algorithms), TODAY)[0]
    assert list(tiers) == sorted(tiers)


def test_spellings_are_aliases_of_one_algorithm() -> None:
    assert find("tls", "key_exchange", "P-256") is find("tls", "key_exchange", "prime256v1") is find("tls", "key_exchange", "secp256r1")
    assert near("curve25519-sha265")[0] == "curve25519-sha256"
    sntrup = find("ssh", "key_exchange", "sntrup761x25519-sha512")
    assert sntrup
    assert spelling(sntrup, "openssh", ("sntrup761x25519-sha512@openssh.com",)) == ("sntrup761x25519-sha512@openssh.com",)


def test_a_hybrid_takes_its_category_from_its_post_quantum_part() -> None:
    categories = {"ML-KEM-512": 1, "ML-KEM-768": 3, "ML-KEM-1024": 5, "sntrup761": 2}
    for algorithm in ALL:
        for part in algorithm.parts:
            if part in categories:
                assert algorithm.quantum_category == categories[part], algorithm.id


def test_every_row_names_its_source() -> None:
    assert [a.id for a in ALL if not a.source] == []
