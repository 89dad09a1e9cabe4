"""Exceptions: somebody answers for a breach until a day; they change the verdict and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Endpoint, Finding, Origin, Setting
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import wishes_for
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.exempt import standing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, resolve

from .texts import HEAD, exception, of

TODAY = date(2026, 11, 23)
REQUIRED = HEAD + "extends: [hybrid-required@1]\n"
TRANSITION = HEAD + "extends: [hybrid-transition@1]\n"


def endpoint(kex: str = "secp256r1", version: str = "TLSv1.2", **more: str) -> Endpoint:
    """A TLS server with these settings whose library can do everything."""
    values = {"key_exchange": kex, "version": version, **more}
    able = {"key_exchange": ("X25519MLKEM768", "X25519", "secp256r1"), "version": ("TLSv1", "TLSv1.2", "TLSv1.3")}
    return Endpoint(
        id="e",
        service="nginx",
        protocol="tls",
        names="openssl",
        addresses=(("*", 443),),
        version="nginx/1",
        settings={aspect: Setting(tuple(text.split()), Origin("/etc/x", 1)) for aspect, text in values.items()},
        capabilities={aspect: Capability(names, "told") for aspect, names in able.items()},
    )


def found(policy: Policy, what: Endpoint, day: date = TODAY, host: str = "plc-7") -> dict[str, Finding]:
    return {f.aspect: f for f in assess((what,), lambda e: resolve(policy, Target(host, ("plant",), e.protocol), day), day)}


def written(policy: Policy, what: Endpoint, day: date = TODAY, host: str = "plc-7") -> set[str]:
    return set(wishes_for(what, resolve(policy, Target(host, ("plant",), "tls"), day), day))


EX31 = exception(match="{host: plc-7, rule: [kex-tls, pq-implies-tls13]}", permits="[TLSv1.2, secp256r1]", expires="2027-06-30")

BOTH = {"key_exchange": "missing", "version": "missing"}


def test_an_excepted_aspect_is_excepted_and_enforce_leaves_it_alone() -> None:
    plain, excepted = of(REQUIRED), of(REQUIRED + "exceptions:\n" + EX31)
    assert {a: f.state for a, f in found(plain, endpoint()).items()} == {**BOTH, "session": "unknown"}
    after = {a: f for a, f in found(excepted, endpoint()).items() if a in BOTH}
    assert {f.state for f in after.values()} == {"excepted"}
    assert {f.severity for f in after.values()} == {"none"}
    assert {f.exception for f in after.values()} == {"EX-1"}
    assert "approved by ciso" in after["version"].message
    assert written(plain, endpoint()) == {"key_exchange", "version"}
    assert written(excepted, endpoint()) == set()
    assert written(excepted, endpoint(), host="other") == {"key_exchange", "version"}


@pytest.mark.parametrize(("day", "state"), [(date(2027, 6, 30), "excepted"), (date(2027, 7, 1), "missing")])
def test_it_ends_with_its_last_day_and_is_a_finding_again(day: date, state: str) -> None:
    finding = found(of(REQUIRED + "exceptions:\n" + EX31), endpoint(), day)["key_exchange"]
    assert finding.state == state
    assert ("expired on 2027-06-30" in finding.message) == (state == "missing")
    assert finding.deadline == ("2027-06-30" if state == "excepted" else finding.deadline)


def test_it_waits_for_its_first_day() -> None:
    later = of(REQUIRED + "exceptions:\n" + exception(match="{host: plc-7, rule: kex-tls}", **{"from": "2027-01-01"}, expires="2027-06-30"))
    assert found(later, endpoint())["key_exchange"].state == "missing"
    assert found(later, endpoint(), date(2027, 1, 1))["key_exchange"].state == "excepted"


def test_a_rule_that_follows_from_another_must_be_named_too() -> None:
    only_kex = of(REQUIRED + "exceptions:\n" + exception(match="{host: plc-7, rule: kex-tls}"))
    states = {a: f.state for a, f in found(only_kex, endpoint()).items()}
    assert states == {**BOTH, "key_exchange": "excepted", "session": "unknown"}


def test_what_it_does_not_permit_is_a_finding_and_what_it_covers_in_part_is_left_alone() -> None:
    policy = of(
        TRANSITION
        + "stages: [{aspect: version, stage: require}]\nexceptions:\n"
        + exception(match="{host: plc-7, rule: tls-version}", permits="[TLSv1]")
    )
    assert found(policy, endpoint(version="TLSv1 TLSv1.2"))["version"].state == "excepted"
    both = endpoint(version="TLSv1 TLSv1.1 TLSv1.2")
    finding = found(policy, both)["version"]
    assert finding.state == "forbidden"
    assert "EX-1 covers a part of it only" in finding.message
    assert "version" not in written(policy, both)


def test_what_else_is_wrong_does_not_hide_behind_it() -> None:
    policy = of(TRANSITION + "exceptions:\n" + exception(match="{host: plc-7, rule: kex-tls}", permits="[X25519Kyber768Draft00]"))
    weak = endpoint(kex="X25519Kyber768Draft00 X25519")
    assert found(of(TRANSITION), weak)["key_exchange"].state in ("missing", "forbidden")
    assert found(policy, weak)["key_exchange"].state == "missing"


def test_names_that_nobody_knows_are_never_excepted() -> None:
    policy = of(REQUIRED + "exceptions:\n" + exception(match="{host: plc-7, rule: kex-tls}"))
    assert found(policy, endpoint(kex="secp256r1 brandnew"))["key_exchange"].state != "excepted"


def test_it_never_survives_a_retirement_unless_it_names_the_algorithm() -> None:
    retired = "algorithms: {secp256r1: {state: retired, from: 2026-01-01, reason: broken}}\n"
    blanket = of(REQUIRED + retired + "exceptions:\n" + exception(match="{host: plc-7, rule: kex-tls}"))
    named = of(REQUIRED + retired + "exceptions:\n" + exception(match="{host: plc-7, rule: kex-tls}", permits="[P-256]"))
    assert found(blanket, endpoint())["key_exchange"].state == "missing"
    assert found(named, endpoint())["key_exchange"].state == "excepted"


@pytest.mark.parametrize(
    ("scope", "hit"), [("{zone: ot, rule: kex-tls}", True), ("{group: plant, rule: kex-tls}", True), ("{host: x, rule: kex-tls}", False)]
)
def test_it_has_the_scopes_of_a_rule(scope: str, hit: bool) -> None:
    policy = of(REQUIRED + "zones: {ot: {groups: [plant]}}\nexceptions:\n" + exception(match=scope))
    assert (found(policy, endpoint())["key_exchange"].state == "excepted") == hit


def test_what_is_compliant_needs_no_exception() -> None:
    policy = of(REQUIRED + "exceptions:\n" + EX31)
    finding = found(policy, endpoint(kex="X25519MLKEM768", version="TLSv1.3"))["key_exchange"]
    assert (finding.state, finding.exception) == ("compliant", "")


def test_the_register_says_what_is_expired_unused_pending_and_used() -> None:
    ends = {"id": "OLD", "expires": "2026-11-22"}, {"id": "IDLE"}, {"id": "SOON", "from": "2027-01-01"}, {"id": "EX-1"}
    policy = of(REQUIRED + "exceptions:\n" + "".join(exception(match="{host: plc-7, rule: kex-tls}", **more) for more in ends))
    assert standing(policy, {"EX-1"}, TODAY) == {"expired": ("OLD",), "unused": ("IDLE",), "pending": ("SOON",), "used": ("EX-1",)}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"expires": None}, "'expires' is a required property"),
        ({"approver": None}, "'approver' is a required property"),
        ({"compensating": None}, "'compensating' is a required property"),
        ({"match": "{rule: kex-tls}"}, "needs one of host, group, zone, service"),
        ({"match": "{host: h}"}, "'rule' is a required property"),
        ({"match": "{host: h, rule: kex-tsl}"}, "no rule is called kex-tsl; did you mean kex-tls"),
        ({"match": "{zone: nowhere, rule: kex-tls}"}, "no zone is called nowhere"),
        ({"approver": "plant"}, "plant cannot approve an exception of their own"),
        ({"from": "2028-01-01", "expires": "2027-01-01"}, "ends before it begins"),
        ({"expires": "2027-02-30"}, "2027-02-30 is no date"),
        ({"permits": "[secp265r1]"}, "did you mean secp256r1"),
    ],
)
def test_an_exception_without_its_duties_is_refused_with_its_line(changes: dict[str, str | None], what: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yml:[45]") as error:
        of(REQUIRED + "exceptions:\n" + exception(**changes))
    assert what in str(error.value)


def test_two_exceptions_of_one_id_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"exception EX-1 is also defined at p\.yml:4"):
        of(REQUIRED + "exceptions:\n" + EX31 + EX31)


def test_an_exception_never_makes_anything_worse() -> None:
    for kex in ("X25519MLKEM768", "secp256r1", "X25519MLKEM768 X25519", ""):
        before = found(of(REQUIRED), endpoint(kex=kex))["key_exchange"]
        after = found(of(REQUIRED + "exceptions:\n" + EX31), endpoint(kex=kex))["key_exchange"]
        assert after.state in (before.state, "excepted")
        assert replace(after, state=before.state, severity=before.severity, message="", deadline="", exception="") == replace(
            before, message="", deadline=""
        )
