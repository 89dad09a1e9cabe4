"""What several files, scopes and dates mean together (docs/policy.md)."""

from __future__ import annotations

import json
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import ALL, all_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.plain import from_plain, to_plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, rank, resolve
from hypothesis import given
from hypothesis import strategies as st

from .texts import HEAD, RULES, known, of, rule

TODAY = date(2026, 11, 23)
TRANSITION = HEAD + "extends: [hybrid-transition@1]\n"
X25519MLKEM768 = known("tls", "key_exchange", "X25519MLKEM768")
WORSE = ("allowed", "fallback", "deprecated", "forbidden", "retired")


def kex(policy: Policy, day: date = TODAY, groups: tuple[str, ...] = ("g",)):
    return resolve(policy, Target("h", groups, "tls"), day)["key_exchange"]


# ---------------------------------------------------------------- several files


def test_a_file_that_is_extended_twice_counts_once() -> None:
    twice = of(TRANSITION + "", others={}).rules
    diamond = of(HEAD + "extends: [hybrid-transition@1, b.yml]\n", others={"b.yml": TRANSITION}).rules
    assert [r.id for r in diamond] == [r.id for r in twice]


@pytest.mark.parametrize("order", ["base.yml, team.yml", "team.yml, base.yml"])
def test_who_extends_a_file_outweighs_it_in_whatever_order_they_are_named(order: str) -> None:
    base = HEAD + RULES + rule() + "stages: [{stage: observe}]\n"
    team = HEAD + "extends: [base.yml]\nstages: [{stage: require}]\n"
    assert kex(of(HEAD + f"extends: [{order}]\n", others={"base.yml": base, "team.yml": team})).stage == "require"


def test_a_part_cannot_undo_a_retirement() -> None:
    base = TRANSITION + "algorithms: {X25519MLKEM768: {state: retired, from: 2026-01-01, reason: broken}}\n"
    policy = of(HEAD + "extends: [b.yml]\nalgorithms: {X25519MLKEM768: {state: deprecated, from: 2026-02-01}}\n", others={"b.yml": base})
    assert judge(kex(policy), X25519MLKEM768, TODAY).kind == "retired"


def test_extending_by_nothing_is_identity() -> None:
    plain, wrapped = of(TRANSITION), of(HEAD + "extends: [b.yml]\n", others={"b.yml": TRANSITION})
    for algorithm in all_of("tls", "key_exchange"):
        assert judge(kex(plain), algorithm, TODAY) == judge(kex(wrapped), algorithm, TODAY)
    assert kex(plain).stage == kex(wrapped).stage


SELECTS = st.fixed_dictionaries(
    {},
    optional={
        "construction": st.lists(st.sampled_from(["classical", "hybrid", "post-quantum"]), min_size=1, unique=True).map(
            lambda v: f"[{', '.join(v)}]"
        ),
        "quantum_category": st.sampled_from(['">=0"', '">=3"', '">=5"', '"<5"']),
        "classical_bits": st.sampled_from(['">=128"', '">=192"']),
        "status": st.sampled_from(["current", "[current, obsolete]"]),
    },
).filter(bool)


@given(
    SELECTS, st.sampled_from(["{}", "{protocol: tls}", "{protocol: tls, role: server}", "{host: h}"]), st.dates(date(2026, 1, 1), date(2033, 1, 1))
)
def test_a_further_rule_never_makes_anything_better(select: dict[str, str], scope: str, day: date) -> None:
    allow = "{" + ", ".join(f"{key}: {value}" for key, value in select.items()) + "}"
    try:
        stricter = kex(of(TRANSITION + RULES + rule(match=scope, allow=allow)), day)
    except PolicyError as error:
        assert "allow no" in str(error) or "allows no" in str(error)
        return
    before = kex(of(TRANSITION), day)
    for algorithm in all_of("tls", "key_exchange"):
        assert WORSE.index(judge(stricter, algorithm, day).kind) >= WORSE.index(judge(before, algorithm, day).kind)


# ---------------------------------------------------------------- the digest


def test_neither_a_comment_nor_another_checkout_makes_another_policy() -> None:
    text = HEAD + RULES + rule()
    assert of(text).digest == of("# a word\n" + text).digest == of(text, path="elsewhere/q.yml").digest


def test_whatever_changes_a_verdict_changes_the_digest() -> None:
    text = HEAD + RULES + rule()
    others = [
        text.replace("hybrid", "classical"),
        text + "stages: [{stage: require}]\n",
        text.replace("key_exchange", "signature").replace("hybrid", "classical"),
    ]
    assert len({of(t).digest for t in [text, *others]}) == 4


def test_the_compiled_form_keeps_life_cycles_and_depth() -> None:
    policy = of(TRANSITION + "algorithms: {X25519MLKEM768: {state: deprecated, from: 2028-01-01, retire: 2030-01-01}}\n")
    again = from_plain(json.loads(json.dumps(to_plain(policy))))
    assert again == policy
    assert {r.depth for r in again.rules} == {1}


# ---------------------------------------------------------------- order


def test_a_rule_without_an_order_takes_nobody_elses_away() -> None:
    narrowed = kex(of(TRANSITION + RULES + rule()))
    hybrids = [a for a in all_of("tls", "key_exchange") if a.construction == "hybrid" and a.status == "current"]
    assert rank(narrowed, hybrids, TODAY) == rank(kex(of(TRANSITION)), hybrids, TODAY)
    assert narrowed.ordering.id == "kex-tls"


def test_the_own_order_outweighs_that_of_a_baseline() -> None:
    mine = kex(of(TRANSITION + RULES + rule(order="[{quantum_category: desc}]")))
    assert rank(mine, [X25519MLKEM768, known("tls", "key_exchange", "SecP384r1MLKEM1024")], TODAY)[0][0].id == "SecP384r1MLKEM1024"


def test_an_order_takes_any_spelling_and_the_words_of_yaml() -> None:
    policy = of(HEAD + RULES + rule(allow="{construction: classical}", order="[{name: [P-384, X25519]}]"))
    ordered, _ = rank(kex(policy), [known("tls", "key_exchange", n) for n in ("x25519", "secp521r1", "secp384r1")], TODAY)
    assert [a.id for a in ordered] == ["secp384r1", "x25519", "secp521r1"]
    ciphers = of(HEAD + RULES + rule(match="{protocol: ssh}", aspect="cipher", allow="{status: current}", order="[{aead: [true, false]}]"))
    requirement = resolve(ciphers, Target("h", (), "ssh"), TODAY)["cipher"]
    ordered, _ = rank(requirement, [a for a in all_of("ssh", "cipher") if a.status == "current"], TODAY)
    flags = [a.aead for a in ordered]
    assert flags == sorted(flags, reverse=True)
    assert set(flags) == {True, False}


# ---------------------------------------------------------------- stages and scopes

ZONES = "zones: {z: {groups: [g]}, y: {groups: [g]}}\n"


def staged(*stages: str) -> Policy:
    return of(HEAD + ZONES + RULES + rule() + "stages:\n" + "".join(f"  - {stage}\n" for stage in stages))


@pytest.mark.parametrize("flip", [False, True])
def test_of_two_scopes_the_one_that_says_more_wins(flip: bool) -> None:
    stages = ["{zone: z, stage: observe}", "{zone: z, protocol: tls, stage: require}"]
    assert kex(staged(*(reversed(stages) if flip else stages))).stage == "require"


def test_every_zone_is_less_than_one_zone() -> None:
    assert kex(staged('{zone: "*", stage: observe}', "{zone: z, stage: require}")).stage == "require"


def test_two_zones_that_disagree_are_an_error_whichever_began_later() -> None:
    """Which zones a host is in, only the inventory shows where they share no group; where they do, loading refuses it (test_sound.py)."""
    zones = ZONES.replace("y: {groups: [g]}", "y: {groups: [k]}")
    stages = "stages: [{zone: z, stage: require, from: 2026-01-01}, {zone: y, stage: observe, from: 2026-02-01}]\n"
    with pytest.raises(Problem, match="equal weight"):
        kex(of(HEAD + zones + RULES + rule() + stages), groups=("g", "k"))


def test_within_one_scope_the_later_start_has_replaced_the_earlier() -> None:
    policy = staged(
        "{zone: z, stage: observe, from: 2025-01-01}", "{zone: z, stage: require, from: 2026-01-01}", "{zone: y, stage: require, from: 2026-01-01}"
    )
    assert kex(policy).stage == "require"


def test_one_entry_may_name_several_zones() -> None:
    policy = of(
        HEAD + "zones: {z: {groups: [g]}, y: {groups: [k]}, x: {groups: [m]}}\n" + RULES + rule() + "stages: [{zone: [z, y], stage: prefer}]\n"
    )
    assert [kex(policy, groups=(group,)).stage for group in "gkm"] == ["prefer", "prefer", "observe"]


def test_a_stage_is_announced_only_when_it_will_really_come() -> None:
    overridden = kex(staged("{stage: require, from: 2029-01-01}", "{host: h, stage: prefer}"))
    assert (overridden.stage, overridden.next_stage) == ("prefer", None)
    assert kex(staged("{stage: prefer}", "{protocol: tls, stage: require, from: 2029-01-01}")).next_stage == ("require", "2029-01-01")


# ---------------------------------------------------------------- the life of an algorithm


@pytest.mark.parametrize(
    ("day", "kind", "deadline"),
    [
        (date(2027, 12, 31), "allowed", "2027-12-31"),
        (date(2028, 1, 1), "deprecated", "2029-12-31"),
        (date(2029, 12, 31), "deprecated", "2029-12-31"),
        (date(2030, 1, 1), "retired", ""),
    ],
)
def test_a_life_has_two_dates_and_each_begins_on_its_day(day: date, kind: str, deadline: str) -> None:
    policy = of(TRANSITION + "algorithms: {X25519MLKEM768: {state: deprecated, from: 2028-01-01, retire: 2030-01-01}}\n")
    verdict = judge(kex(policy), X25519MLKEM768, day)
    assert (verdict.kind, verdict.deadline) == (kind, deadline)


def test_one_word_may_stand_for_a_list() -> None:
    word, words = (
        of(HEAD + RULES + rule(allow=f"{{construction: {value}, status: {status}}}"))
        for value, status in (("hybrid", "current"), ("[hybrid]", "[current]"))
    )
    assert [a.id for a in ALL if word.rules[0].allow.matches(a)] == [a.id for a in ALL if words.rules[0].allow.matches(a)]
    assert word.digest == words.digest
