"""No PQ regression: judged on what each class of peers would negotiate, version and key exchange together; a finding, never a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Endpoint, Finding, Origin, Plan, Setting
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from ..conftest import captured
from .test_exceptions import endpoint
from .texts import HEAD, RULES, of, rule

TODAY = date(2026, 11, 23)
BINDS = "{doc: our standard, date: 2026-01-01, force: requirement}"
ONLY_12 = rule(id="old", aspect="version", allow="{name: [TLSv1.2]}", source=BINDS, verified="2026-11-23")


def judged(policy: Policy, what: Endpoint) -> dict[str, Finding]:
    return {f.aspect: f for f in assess((what,), lambda e: resolve(policy, Target("h", (), e.protocol), TODAY), TODAY)}


def planned(policy: Policy, what: Endpoint) -> Plan:
    wanted = {what.id: resolve(policy, Target("h", (), what.protocol), TODAY)}
    return make_plan(captured("web-new"), {}, (what,), wanted, "", TODAY, lambda: None)


def sshd(*kex: str) -> Endpoint:
    (found,) = SERVICES["openssh"].read(captured("web-new"))
    return replace(found, settings={**found.settings, "key_exchange": Setting(kex, Origin("/etc/ssh/sshd_config", 1))})


def test_taking_tls13_from_a_hybrid_server_is_a_regression_although_no_group_goes() -> None:
    policy = of(HEAD + RULES + ONLY_12 + "stages: [{stage: require}]\n")
    hybrid = endpoint(kex="X25519MLKEM768 X25519", version="TLSv1.2 TLSv1.3")
    assert judged(policy, hybrid)["version"].state == "pq-regression"
    assert planned(policy, hybrid).reasons == ()


def test_taking_tls13_from_a_classical_server_is_none() -> None:
    policy = of(HEAD + RULES + ONLY_12 + "stages: [{stage: require}]\n")
    classical = endpoint(kex="X25519", version="TLSv1.2 TLSv1.3")
    assert judged(policy, classical)["version"].state == "forbidden"
    assert "removes TLSv1.3" in planned(policy, classical).reasons[0]


def test_a_hybrid_that_tls12_never_negotiated_is_no_loss() -> None:
    policy = of(HEAD + RULES + rule(allow="{name: [X25519]}", source=BINDS, verified="2026-11-23") + "stages: [{stage: require}]\n")
    without = endpoint(kex="X25519MLKEM768 X25519", version="TLSv1.2")
    assert judged(policy, without)["key_exchange"].state == "forbidden"
    assert "removes X25519MLKEM768" in planned(policy, without).reasons[0]


def test_a_regression_is_a_finding_that_names_the_peers_and_the_other_aspects_go_on() -> None:
    text = rule(match="{protocol: ssh}", allow="{name: [mlkem768x25519-sha256]}", source=BINDS, verified="2026-11-23")
    text += rule(id="b", match="{protocol: ssh}", aspect="mac", allow="{etm: true, status: current}", source=BINDS, verified="2026-11-23")
    policy = of(HEAD + RULES + text + "stages: [{stage: require}]\n")
    server = sshd("mlkem768x25519-sha256", "sntrup761x25519-sha512@openssh.com", "curve25519-sha256")
    found = judged(policy, server)["key_exchange"]
    assert (found.state, found.severity) == ("pq-regression", "high")
    assert "OpenSSH 9.0–9.8 clients" in found.message
    plan = planned(policy, server)
    assert [reason.split(" → ")[0] for reason in plan.reasons] == ["sshd: mac"]
    assert any("key_exchange is left alone" in text for text in plan.warnings)


@pytest.mark.parametrize("broken", [False, True])
def test_a_retirement_as_broken_is_exempt_and_the_plan_records_who_approved_it(broken: bool) -> None:
    """OpenSSH 9.0 to 9.8 have sntrup761 and nothing better, so taking it away makes them classical."""
    server = sshd("sntrup761x25519-sha512@openssh.com", "curve25519-sha256")
    more = ", broken: true, approver: ciso" if broken else ""
    life = "{state: retired, from: 2026-01-01, hybrids: any" + more + "}"
    policy = of(HEAD + f"extends: [hybrid-transition@1]\nalgorithms: {{sntrup761: {life}}}\n")
    plan = planned(policy, server)
    if broken:
        assert "removes sntrup761" in plan.reasons[0]
        assert "takes quantum safety from OpenSSH 9.0–9.8 clients" in plan.reasons[0]
        assert "ciso" in plan.reasons[0]
    else:
        assert plan.reasons == ()
        assert judged(policy, server)["key_exchange"].state == "pq-regression"


@pytest.mark.parametrize(("versions", "left"), [("TLSv1.2 TLSv1.3", ()), ("TLSv1 TLSv1.2 TLSv1.3", ("TLSv1",))])
def test_tls13_alone_waits_for_the_exchange_that_it_would_protect(versions: str, left: tuple[str, ...]) -> None:
    """A library without a hybrid: peers of TLS 1.2 would be cut off, and nobody would be quantum-safe for it."""
    hybrids = rule(allow="{construction: [hybrid]}", source=BINDS, verified="2026-11-23")
    old = rule(id="old", aspect="version", allow="{name: [TLSv1.2, TLSv1.3]}", source=BINDS, verified="2026-11-23") if left else ""
    policy = of(HEAD + RULES + hybrids + old + "stages: [{stage: require}]\n")
    able = endpoint(kex="X25519", version=versions)
    unable = replace(able, capabilities={**able.capabilities, "key_exchange": Capability(("X25519",), "told")})
    assert "removes" in planned(policy, able).reasons[1] and "TLSv1.2" in planned(policy, able).reasons[1]
    assert judged(policy, unable)["key_exchange"].state == "unsatisfiable"
    assert judged(policy, unable)["version"].state == "forbidden", "it is still a breach, and said"
    reasons = planned(policy, unable).reasons
    assert [text for text in reasons if "version" in text and "removes TLSv1.2" in text] == []
    assert bool(reasons) is bool(left)
