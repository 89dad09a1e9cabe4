"""A finding cites the rule that decided, with its source; what follows from a rule has an id of its own; exceptions reach all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Certificate, Endpoint, Origin, Setting

from .test_exceptions import TODAY, endpoint, found
from .texts import HEAD, RULES, exception, of, rule

TRANSITION = HEAD + "extends: [hybrid-transition@1]\n"
ALLOWS = "{construction: [hybrid, classical], status: [current, legacy]}"


def docs(name: str) -> str:
    return f"{{doc: {name}, force: recommendation}}"


@pytest.mark.parametrize("flip", [False, True])
def test_the_rule_that_forbids_is_cited_although_another_is_more_specific(flip: bool) -> None:
    two = [
        rule(id="wide", match="{protocol: tls}", allow="{construction: [hybrid]}", source=docs("NIST")),
        rule(id="narrow", match="{host: plc-7}", allow=ALLOWS, source=docs("ours")),
    ]
    policy = of(HEAD + RULES + "".join(reversed(two) if flip else two) + "stages: [{stage: require}]\n")
    finding = found(policy, endpoint(kex="X25519MLKEM768 secp256r1", version="TLSv1.3"))["key_exchange"]
    assert (finding.state, finding.rule, finding.source.doc) == ("forbidden", "wide", "NIST")
    assert "not among what wide allows" in finding.message


@pytest.mark.parametrize("flip", [False, True])
def test_two_rules_that_say_the_same_are_never_told_apart_by_file_order(flip: bool) -> None:
    two = [rule(id="b", allow="{construction: [hybrid]}"), rule(id="a", allow="{construction: [hybrid], status: current}")]
    policy = of(HEAD + RULES + "".join(reversed(two) if flip else two) + "stages: [{stage: require}]\n")
    assert found(policy, endpoint(kex="secp256r1"))["key_exchange"].rule == "a"


def test_a_life_cycle_that_decided_is_cited_as_such() -> None:
    policy = of(TRANSITION + "algorithms: {X25519MLKEM768: {state: deprecated, from: 2026-01-01, reason: example}}\n")
    finding = found(policy, endpoint(kex="X25519MLKEM768", version="TLSv1.3"))["key_exchange"]
    assert (finding.rule, finding.source.section) == ("life-cycle", "deprecated since 2026-01-01: example")


# ---------------------------------------------------------------- rules that follow from others

REQUIRE_KEX = TRANSITION + "stages: [{aspect: key_exchange, stage: require, from: 2026-01-01}]\n"


@pytest.mark.parametrize(("named", "state"), [("[kex-tls]", "forbidden"), ("[kex-tls, pq-implies-tls13]", "excepted")])
def test_an_exception_must_name_the_derived_rule_and_may(named: str, state: str) -> None:
    policy = of(REQUIRE_KEX + "exceptions:\n" + exception(match=f"{{host: plc-7, rule: {named}}}"))
    old = endpoint(kex="X25519MLKEM768", version="TLSv1.2 TLSv1.3")
    assert found(policy, old)["version"].state == state
    assert found(policy, old)["version"].rule == "pq-implies-tls13"


def with_session(what: Endpoint, **facts: str) -> Endpoint:
    setting = Setting(tuple(f"{key}={value}" for key, value in facts.items()), Origin("/etc/x", 2))
    return replace(what, settings={**what.settings, "session": setting})


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"early_data": "never", "psk_ke": "never", "ticket_key_age": "1d"}, "compliant"),
        ({"early_data": "allowed", "psk_ke": "never", "ticket_key_age": "1d"}, "forbidden"),
        ({"early_data": "never", "psk_ke": "allowed", "ticket_key_age": "1d"}, "forbidden"),
        ({"early_data": "never", "psk_ke": "never", "ticket_key_age": "30d"}, "forbidden"),
        ({"early_data": "never", "psk_ke": "never"}, "unknown"),
    ],
)
def test_quantum_safe_key_exchange_at_require_wants_fresh_sessions(facts: dict[str, str], state: str) -> None:
    finding = found(of(REQUIRE_KEX), with_session(endpoint(kex="X25519MLKEM768", version="TLSv1.3"), **facts))["session"]
    assert (finding.state, finding.rule, finding.stage) == (state, "pq-implies-fresh-sessions", "require")


def test_no_session_rule_follows_before_require_or_where_something_classical_is_left() -> None:
    assert "session" not in found(of(TRANSITION), endpoint())
    classical = of(HEAD + RULES + rule(allow="{construction: [hybrid, classical]}") + "stages: [{stage: require}]\n")
    assert "session" not in found(classical, endpoint())


# ---------------------------------------------------------------- exceptions of facts

CERT = HEAD + RULES + rule(id="cert", aspect="certificate", allow=None, require="{key: [ECDSA-P256+]}") + "stages: [{stage: require}]\n"
EX = {"match": "{host: plc-7, rule: cert}", "expires": "2027-06-30"}


@pytest.mark.parametrize(
    ("day", "permits", "state"),
    [
        (TODAY, None, "excepted"),
        (date(2027, 7, 1), None, "forbidden"),
        (TODAY, "[secp256r1]", "forbidden"),
    ],
)
def test_an_exception_answers_for_a_certificate_too(day: date, permits: str | None, state: str) -> None:
    what = replace(endpoint(), certificates=(Certificate("/etc/c.pem", key="RSA-2048"),))
    finding = found(of(CERT + "exceptions:\n" + exception(**EX, permits=permits)), what, day)["certificate"]
    assert finding.state == state
    assert (finding.exception == "EX-1") == (state == "excepted")
    assert ("expired on 2027-06-30" in finding.message) == (day > date(2027, 6, 30))


def test_what_nobody_read_is_no_breach_that_an_exception_could_answer_for() -> None:
    text = CERT.replace("{key: [ECDSA-P256+]}", '{key: [ECDSA-P256+], lifetime: "<=100d"}')
    what = replace(endpoint(), certificates=(Certificate("/etc/c.pem", key="RSA-2048"),))
    finding = found(of(text + "exceptions:\n" + exception(**EX)), what)["certificate"]
    assert (finding.state, finding.message) == ("unknown", "/etc/c.pem: lifetime is unknown (cert)")
