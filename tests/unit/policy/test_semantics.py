"""Sentences of the semantics that are about several parts at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import all_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Certificate, Origin, Setting
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, rank, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._run import Run

from ..conftest import captured, with_files
from .test_exceptions import TODAY, endpoint, found, written
from .texts import HEAD, RULES, exception, known, of, rule

# ---------------------------------------------------------------- host > group > zone > service > role > transport > protocol > nothing

SCOPES = ("protocol: tls", "transport: quic", "role: server", "service: nginx", "zone: z", "group: g", "host: h")
HERE = Target("h", ("g",), "tls", "server", "nginx", "quic")
ZONE = "zones: {z: {groups: [g]}}\n"
CURVES = ("X25519", "secp256r1", "secp384r1", "secp521r1", "x448", "ffdhe2048", "ffdhe3072", "ffdhe4096")


@pytest.mark.parametrize("weight", range(len(SCOPES)))
@pytest.mark.parametrize("flip", [False, True])
def test_the_stage_and_the_order_of_the_more_specific_scope_hold(weight: int, flip: bool) -> None:
    """Of this scope and all lighter ones, in whatever order they stand."""
    places = list(range(weight + 1))
    places = places[::-1] if flip else places
    stages = "stages:\n" + "".join(f"  - {{{SCOPES[i]}, stage: {'require' if i == weight else 'observe'}}}\n" for i in places)
    rules = [rule(id=f"r{i}", match=f"{{{SCOPES[i]}}}", allow="{construction: classical}", order=f"[{{name: [{CURVES[i]}]}}]") for i in places]
    asked = resolve(of(HEAD + ZONE + RULES + rule(id="all", match="{}", allow="{construction: classical}") + "".join(rules) + stages), HERE, TODAY)
    first = known("tls", "key_exchange", CURVES[weight])
    assert asked["key_exchange"].stage == "require"
    assert asked["key_exchange"].ordering.id == f"r{weight}"
    assert rank(asked["key_exchange"], [known("tls", "key_exchange", name) for name in CURVES], TODAY)[0][0] == first


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ("{protocol: tls}", {"tcp server", "tcp client", "quic server", "dtls client"}),
        ("{protocol: tls, transport: quic}", {"quic server"}),
        ("{protocol: tls, role: client}", {"tcp client", "dtls client"}),
        ("{protocol: tls, transport: tcp, role: client}", {"tcp client"}),
        ("{protocol: ssh}", set()),
    ],
)
def test_quic_dtls_and_upstream_legs_can_be_named_and_a_rule_for_tls_forgets_none_of_them(match: str, hit: set[str]) -> None:
    policy = of(HEAD + RULES + rule(match=match, allow="{status: current}"))
    legs = [("tcp", "server"), ("tcp", "client"), ("quic", "server"), ("dtls", "client")]
    assert {f"{over} {role}" for over, role in legs if resolve(policy, Target("h", (), "tls", role, "x", over), TODAY)} == hit


def test_a_contradiction_on_one_transport_is_found_when_the_policy_is_loaded() -> None:
    with pytest.raises(PolicyError, match="together allow no key_exchange"):
        of(HEAD + RULES + rule() + rule(id="q", match="{protocol: tls, transport: quic}", allow="{construction: classical}"))


# ---------------------------------------------------------------- retired as broken > no PQ regression > limits > exceptions > order

RETIRED = "algorithms: {X25519MLKEM768: {state: retired, from: 2026-01-01%s}}\n"
LIMIT = rule(id="limit", allow="{construction: classical}", source="{doc: x, force: requirement}", verified="2026-01-01")
ANSWER = "exceptions:\n" + exception(match="{host: plc-7, rule: limit}", permits="[%s]")
REQUIRE = "stages: [{stage: require}]\n"


@pytest.mark.parametrize(
    ("lives", "answer", "state", "writes"),
    [
        ("", "", "pq-regression", False),
        (RETIRED % ", broken: true, approver: ciso", "", "forbidden", True),
        (RETIRED % "", "", "pq-regression", False),
        ("", ANSWER % "X25519MLKEM768", "excepted", False),
        (RETIRED % "", ANSWER % "X25519", "pq-regression", False),
        (RETIRED % "", ANSWER % "X25519MLKEM768", "excepted", False),
    ],
    ids=["regression over limit", "broken over regression", "retired is not broken", "exception", "not named", "named"],
)
def test_what_outweighs_what(lives: str, answer: str, state: str, writes: bool) -> None:
    policy = of(HEAD + lives + RULES + LIMIT + REQUIRE + answer)
    what = endpoint(kex="X25519MLKEM768 X25519", version="TLSv1.3")
    assert found(policy, what)["key_exchange"].state == state
    assert ("key_exchange" in written(policy, what)) is writes


# ---------------------------------------------------------------- what never counts as what


def test_two_certificates_are_a_migration_aid_and_no_hybrid_signature() -> None:
    """A peer verifies one of them."""
    policy = of(HEAD + RULES + rule(id="s", aspect="signature", allow="{construction: [hybrid, post-quantum]}") + REQUIRE)
    pair = ("ECDSA-P256", "ML-DSA-65")
    what = replace(
        endpoint(),
        settings={"signature": Setting(pair, Origin("/etc/c.pem"))},
        capabilities={"signature": Capability(pair, "told")},
        certificates=tuple(Certificate("/etc/c.pem", key=key) for key in pair),
    )
    finding = found(policy, what)["signature"]
    assert (finding.state, finding.message.split(":")[0]) == ("forbidden", "ECDSA-P256")


@pytest.mark.parametrize("said", ["{construction: [hybrid, post-quantum]}", '{quantum_category: ">=1"}'])
def test_tls_crypt_never_counts_as_post_quantum(said: str) -> None:
    requirement = resolve(of(HEAD + RULES + rule(match="{protocol: openvpn}", allow=said)), Target("h", (), "openvpn"), TODAY)["key_exchange"]
    shared = all_of("openvpn", "psk")
    assert {"tls-crypt", "tls-crypt-v2"} <= {a.id for a in shared}
    assert not [a.id for a in shared if judge(requirement, a, TODAY).good or a.quantum_category]


# ---------------------------------------------------------------- one day for everything


def test_one_day_governs_dates_stages_lives_and_exceptions() -> None:
    ends = "algorithms: {secp384r1: {state: approved, from: 2020-01-01, retire: 2030-01-01}}\n"
    one = rule(allow="{construction: hybrid}", fallback="{construction: classical, until: 2029-12-31}")
    stages = "stages: [{stage: prefer}, {stage: require, from: 2030-01-01}]\n"
    policy = of(HEAD + ends + RULES + one + stages + "exceptions:\n" + exception(match="{host: plc-7, rule: a}", expires="2029-12-31"))
    what = endpoint(kex="X25519MLKEM768 secp384r1", version="TLSv1.3")
    flat = replace(what, settings={**what.settings, "key_exchange": replace(what.settings["key_exchange"], tiers=(0, 1))})
    last, first = (found(policy, flat, day)["key_exchange"] for day in (date(2029, 12, 31), date(2030, 1, 1)))
    assert (last.state, last.stage) == ("compliant", "prefer")
    assert (first.state, first.stage) == ("forbidden", "require")
    assert "expired on 2029-12-31" in first.message


def test_today_is_that_of_the_time_zone_of_the_policy() -> None:
    """Between these two it is never the same day."""
    run = Run.__new__(Run)
    run.args = {}
    days = []
    for name, hours in (("Etc/GMT+12", -12), ("Pacific/Kiritimati", 14)):
        run.timezone = name
        before = datetime.now(timezone(timedelta(hours=hours))).date()
        days.append(run.as_of)
        assert before <= run.as_of <= datetime.now(timezone(timedelta(hours=hours))).date()
    assert days[0] < days[1]


# ---------------------------------------------------------------- sessions of classical times


@pytest.mark.parametrize(
    ("cache", "stage", "warned"), [("shared:S:1m", "require", True), ("shared:S:1m", "prefer", False), ("none", "require", False)]
)
def test_a_plan_that_ends_the_classical_exchange_warns_of_sessions_that_outlive_it(cache: str, stage: str, warned: bool) -> None:
    seen = captured("web-new")
    site = "/etc/nginx/sites-enabled/site"
    text = re.sub(r"ssl_session_cache [^;]+", f"ssl_session_cache {cache}", seen.files[site].text or "")
    snapshot = with_files(seen, **{site: text})
    mine = {"nginx": SERVICES["nginx"]}
    policy = of(HEAD + f"extends: [hybrid-required@1]\nstages: [{{stage: {stage}}}]\n")
    ends = mine["nginx"].read(snapshot)
    plan = make_plan(snapshot, mine, ends, {e.id: resolve(policy, Target("h", (), "tls"), TODAY) for e in ends}, "d", TODAY, lambda: None)
    assert plan.changes
    assert bool([text for text in plan.warnings if "can be resumed after the reload" in text]) is warned
