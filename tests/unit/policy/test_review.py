"""Questions before a policy is applied: its tests, why a verdict, what another policy, another day or a retirement would change."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Resolver, Target, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.cases import load_cases, run
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.diff import Seen, Side, differences, endpoints_from, retiring, summary
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.explain import explain, lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from ..conftest import HOSTS, TOP, captured, policy_of
from .test_exceptions import endpoint
from .texts import HEAD, RULES, exception, of, rule

TODAY = date(2026, 11, 23)
TRANSITION = HEAD + "extends: [hybrid-transition@1]\n"
CASES = """policy: p.yml
as_of: 2026-11-23
cases:
  - name: old
    given: {protocol: tls, settings: {key_exchange: X25519}}
    expect: {key_exchange: missing}
  - name: later
    as_of: 2031-01-01
    given: {protocol: tls, settings: {key_exchange: [X25519MLKEM768, X25519]}, tiers: {key_exchange: [0, 1]}}
    expect: {key_exchange: {state: forbidden, rule: kex-tls}}
"""


def fleet() -> list[Seen]:
    """The captured hosts, through the form in which an audit saves them."""
    return [Seen(name, ("web",), endpoints_from([plain(e) for s in SERVICES.values() for e in s.read(captured(name))])) for name in HOSTS]


# ---------------------------------------------------------------- cases


def test_cases_hold_a_policy_to_what_it_must_say() -> None:
    named, cases = load_cases(CASES, "t.yml")
    assert named == "p.yml"
    assert [outcome.failures for outcome in run(of(TRANSITION), cases)] == [(), ()]


def test_a_case_may_be_about_quic() -> None:
    quic = of(HEAD + RULES + rule(id="quic", match="{protocol: tls, transport: quic}", aspect="cipher", allow="{aead: true}"))
    ends = "policy: p.yml\nas_of: 2026-11-23\ncases:\n  - {name: a, given: {protocol: tls, transport: %s, settings: {cipher: [AES128-SHA]}}, expect: {cipher: missing}}\n"
    (over_quic,), (over_tcp,) = (run(quic, load_cases(ends % over, "t.yml")[1]) for over in ("quic", "tcp"))
    assert over_quic.failures == ()
    assert len(over_tcp.failures) == 1


def test_an_expectation_that_is_not_met_says_where_what_and_why() -> None:
    dummy, cases = load_cases(CASES.replace("key_exchange: missing", "key_exchange: compliant, mac: compliant"), "t.yml")
    first, second = run(of(TRANSITION), cases)
    assert first.failures == (
        "t.yml:4: old: key_exchange: expected state compliant, got missing (kex-tls: nothing that kex-tls allows is in use)",
        "t.yml:4: old: mac: expected compliant, but the policy says nothing of it",
    )
    assert second.failures == ()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("name: old", "nmae: old", "t.yml:4: cases.0: unknown key nmae; did you mean name?"),
        ("missing", "mising", "'mising' is not one of"),
        ("2031-01-01", "2031-02-30", "t.yml:7"),
        ("[0, 1]", "[0]", "t.yml:7: tiers.key_exchange needs one number for each of its 2 values"),
        ("policy: p.yml\n", "", "'policy' is a required property"),
        ("cases:", "cases: &a", "t.yml"),
        ("protocol: tls,", "", "'protocol' is a required property"),
    ],
)
def test_a_mistake_in_a_case_names_its_line(old: str, new: str, what: str) -> None:
    if "&a" in new:
        assert load_cases(CASES.replace(old, new), "t.yml")[1], "an anchor that nobody uses does no harm"
        return
    with pytest.raises(PolicyError) as error:
        load_cases(CASES.replace(old, new, 1), "t.yml")
    assert what in str(error.value)


def test_the_enterprise_policy_says_what_its_cases_expect() -> None:
    file = TOP / "policies/tests/enterprise.yml"
    dummy, cases = load_cases(file.read_text(encoding="utf-8"), str(file))
    assert [text for outcome in run(policy_of(str(TOP / "policies/enterprise.yml")), cases) for text in outcome.failures] == []
    assert len(cases) >= 15


# ---------------------------------------------------------------- explain


def test_explain_names_the_rule_that_decides_and_what_every_rule_says() -> None:
    policy = of(TRANSITION + "algorithms: {X25519MLKEM768: {state: deprecated, from: 2028-01-01, retire: 2030-01-01}}\nexceptions:\n" + exception())
    said = explain(policy, Target("plc-7", ("g",), "tls"), TODAY, endpoint(kex="X25519Kyber768Draft00 X25519"))["key_exchange"]
    assert (said["decided_by"], said["stage"]) == ("kex-tls", "prefer")
    assert said["values"]["X25519"]["by"] == {"kex-tls": "fallback"}
    assert [day for day, dummy in said["dates"]] == ["2027-12-31", "2028-01-01", "2030-01-01", "2030-12-31"]
    assert said["exceptions"][0]["status"] == "in force"
    assert said["finding"]["state"] == "excepted"
    assert any("kex-tls of EO 14412" in line for line in lines({"key_exchange": said}, "plc-7"))


def test_explain_says_that_a_life_cycle_decided() -> None:
    policy = of(TRANSITION + "algorithms: {X25519MLKEM768: {state: retired, from: 2026-01-01, reason: example}}\n")
    said = explain(policy, Target("h", (), "tls"), TODAY, endpoint(kex="X25519MLKEM768"))["key_exchange"]
    assert said["decided_by"] == "the life cycle (retired since 2026-01-01: example)"


@pytest.mark.parametrize("name", HOSTS)
def test_every_captured_host_can_be_explained_in_sentences(name: str) -> None:
    policy = policy_of(str(TOP / "policies/enterprise.yml"))
    for seen in fleet():
        for e in seen.endpoints:
            said = explain(policy, Target(name, ("web", "plant", "b2b"), e.protocol, e.role, e.service), date(2030, 1, 1), e)
            assert len(lines(said, name)) > len(said)


# ---------------------------------------------------------------- diff


def test_a_policy_differs_from_itself_in_nothing() -> None:
    side = Side(of(TRANSITION), TODAY)
    assert summary(differences(side, side, fleet()))["changed"] == 0


def test_another_day_says_what_will_fail() -> None:
    policy = of(TRANSITION)
    found = summary(
        differences(Side(policy, TODAY), Side(policy, date(2031, 1, 1)), [Seen("a", (), (endpoint(kex="X25519MLKEM768 X25519", version="TLSv1.3"),))])
    )
    assert found["steps"] == {"missing → forbidden": 1}
    assert (found["worse"], found["rows"][0]["aspect"]) == (1, "key_exchange")


def test_another_policy_says_who_changes() -> None:
    found = summary(differences(Side(of(TRANSITION), TODAY), Side(policy_of("hybrid-required@1"), TODAY), fleet()))
    assert found["hosts"] == len(HOSTS)
    assert found["worse"] > 0
    assert any(row["after"] == "-" for row in found["rows"]), "what the other policy does not speak of is said"


def test_the_effect_of_a_retirement_can_be_asked_for_before_it_is_made() -> None:
    policy = of(TRANSITION)
    sshd = [Seen("h", (), (endpoint(kex="X25519MLKEM768", version="TLSv1.3"),)), Seen("i", (), (endpoint(kex="secp256r1", version="TLSv1.3"),))]
    found = summary(differences(Side(policy, TODAY), Side(retiring(policy, ["ML-KEM-768 hybrids: any"], TODAY), TODAY), sshd))
    assert [(row["host"], row["before"], row["after"]) for row in found["rows"]] == [("h", "compliant", "missing")]
    for unknown in ("nothing", "X25519 hybrids: all"):
        with pytest.raises(Problem, match="retire"):
            retiring(policy, [unknown], TODAY)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("X25519 hybrids: any", "X25519: {state: retired, from: 2026-11-23, hybrids: any}"),
        ("ML-KEM-768 hybrids: any", "ML-KEM-768: {state: retired, from: 2026-11-23, hybrids: any}"),
        ("sntrup761", "sntrup761: {state: retired, from: 2026-11-23, hybrids: any}"),
        ("P-256", "P-256: {state: retired, from: 2026-11-23}"),
        ("X25519", "X25519: {state: retired, from: 2026-11-23}"),
    ],
)
def test_the_question_is_the_one_line_of_the_policy(asked: str, line: str) -> None:
    assert retiring(of(TRANSITION), [asked], TODAY).digest == of(TRANSITION + f"algorithms: {{{line}}}\n").digest


def test_a_saved_endpoint_of_another_release_is_a_clear_problem() -> None:
    for broken in ({"id": "x"}, {**plain(endpoint()), "settings": 3}, {**plain(endpoint()), "new": 1}):
        with pytest.raises(Problem, match="cannot read a saved endpoint"):
            endpoints_from([broken])


def test_a_resolver_answers_as_resolve_does_and_forgets() -> None:
    policy = policy_of(str(TOP / "policies/enterprise.yml"))
    resolver = Resolver(policy, TODAY, keep=3)
    for host, groups in [("plc-7", ("plant",)), ("x", ("plant",)), ("x", ("b2b", "other")), ("y", ()), ("plc-7", ("plant",)), ("z", ("web",))]:
        target = Target(host, groups, "tls")
        assert {a: r.rule.id for a, r in resolver(target).items()} == {a: r.rule.id for a, r in resolve(policy, target, TODAY).items()}
        assert resolver(target) == resolve(policy, target, TODAY)
        assert len(resolver._known) <= 3


def test_a_mistyped_name_is_told_as_one_and_not_as_an_unknown_part() -> None:
    with pytest.raises(Problem, match="no algorithm is called X25519MLKEM769; did you mean X25519MLKEM768"):
        retiring(of(TRANSITION), ["X25519MLKEM769"], TODAY)
