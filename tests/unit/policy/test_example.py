"""The example that the semantics were settled on, in the words that the language has now: what it means for one host of each zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Certificate, Endpoint, Finding, Origin, Setting
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from ..conftest import captured
from .test_exceptions import endpoint
from .texts import known, of

EXAMPLE = """
policy: {name: acme, version: 4, timezone: Europe/Berlin}
extends: [nist-ir-8547@1, hybrid-transition@1]
algorithms:
  X25519Kyber768Draft00: {state: retired, from: 2026-12-01, reason: obsolete code point}
  sntrup761x25519-sha512: {state: deprecated, from: 2028-01-01, retire: 2030-01-01}
zones:
  internet: {groups: [edge], exposure: public, data_lifetime: 7y, owner: net-edge}
  partner: {groups: [b2b], exposure: partner, data_lifetime: 15y, owner: net-wan}
  enclave: {groups: [nss], exposure: restricted, data_lifetime: 30y, owner: mission, regimes: [nss]}
  ot: {groups: [plant], exposure: isolated, data_lifetime: 1y, owner: plant}
rules:
  - id: kex
    match: {protocol: tls}
    aspect: key_exchange
    allow: {construction: [hybrid, post-quantum], quantum_category: ">=3"}
    fallback: {construction: classical, classical_bits: ">=128", until: 2030-12-31}
    order: [{construction: [hybrid, post-quantum, classical]}, {quantum_category: desc}]
    source: {doc: EO 14412, section: "4(b)(ii)", date: 2026-06-22, force: requirement}
    verified: 2026-11-23
  - id: acme-version
    match: {protocol: tls}
    aspect: version
    allow: {name: [TLSv1.2, TLSv1.3]}
    disallowed_after: {TLSv1.2: 2031-12-31}
    source: {doc: ACME cryptography standard, force: requirement}
    verified: 2026-11-23
  - id: cert
    match: {protocol: tls}
    aspect: certificate
    require: {key: [ML-DSA-65+], lifetime: "<=100d"}
    pki: {public: classical, private: any}
    source: {doc: ACME cryptography standard, force: requirement}
    verified: 2026-11-23
  - id: ppk
    match: {protocol: ikev2, zone: partner}
    aspect: ppk
    require: {mode: required}
    unless: {key_exchange: hybrid}
    source: {doc: ACME cryptography standard, force: requirement}
    verified: 2026-11-23
stages:
  - {zone: [internet, partner], aspect: key_exchange, stage: prefer, from: 2026-12-01}
  - {zone: internet, aspect: key_exchange, stage: require, from: 2029-01-01}
  - {zone: "*", aspect: certificate, stage: observe}
  - {zone: enclave, aspect: certificate, stage: require}
overrides:
  - id: enclave-cnsa
    match: {zone: enclave}
    replace: [kex, kex-tls, kex-ssh, nist-kex-tls, nist-kex-ssh, cipher-tls, cipher-ssh]
    with: cnsa-2.0@1
    stages: [{stage: require, from: 2027-01-01}]
    reason: mission
    approver: ciso
exceptions:
  - id: EX-31
    match: {host: plc-7, rule: [kex, kex-tls, acme-version, tls-version]}
    permits: [TLSv1.1, secp256r1]
    reason: firmware end of life 2027
    owner: plant
    approver: ciso
    expires: 2027-06-30
    compensating: {gateway: "gw-ot-1:8443", verify: [reachable, bypass-closed]}
windows:
  - {id: edge, zone: internet, rrule: "FREQ=WEEKLY;BYDAY=TU;BYHOUR=1", duration: 2h, reserve: 30m}
freezes:
  - {id: year-end, from: "2026-12-18T00:00", to: "2027-01-04T06:00"}
"""
LATER = date(2027, 1, 1)


def found(what: Endpoint, group: str, day: date = LATER, host: str = "h") -> dict[str, Finding]:
    policy = of(EXAMPLE)
    return {f.aspect: f for f in assess((what,), lambda e: resolve(policy, Target(host, (group,), e.protocol), day), day)}


def certified(key: str) -> Endpoint:
    return replace(endpoint(), certificates=(Certificate("/etc/c.pem", key=key, lifetime=90),))


def test_stages_belong_to_an_aspect_of_a_zone() -> None:
    requirements = resolve(of(EXAMPLE), Target("h", ("edge",), "tls"), date(2029, 1, 1))
    assert (requirements["key_exchange"].stage, requirements["certificate"].stage) == ("require", "observe")


def test_nobody_is_blamed_for_what_no_public_pki_issues_and_the_own_one_can() -> None:
    public, private = found(certified("ECDSA-P256"), "edge")["certificate"], found(certified("ECDSA-P256"), "nss")["certificate"]
    assert (public.state, public.severity) == ("missing", "low")
    assert "a public PKI issues classical keys only (cert)" in public.message
    assert private.state == "forbidden"


def test_the_enclave_is_judged_by_cnsa_and_stock_openssh_cannot() -> None:
    (sshd,) = SERVICES["openssh"].read(captured("web-new"))
    inside, outside = found(sshd, "nss")["key_exchange"], found(sshd, "edge")["key_exchange"]
    assert (inside.state, inside.source.doc) == ("unsatisfiable", "NSA CNSA 2.0 FAQ 2.1")
    assert outside.rule == "kex-ssh"


def test_the_exception_covers_its_host_until_its_last_day() -> None:
    old = endpoint(kex="secp256r1", version="TLSv1.1")
    states = [
        found(old, "plant", day, host)["version"].state for day, host in ((date(2027, 6, 30), "plc-7"), (date(2027, 7, 1), "plc-7"), (LATER, "plc-8"))
    ]
    assert states == ["excepted", "missing", "missing"]


@pytest.mark.parametrize(("day", "kind"), [(date(2027, 12, 31), "allowed"), (date(2028, 1, 1), "deprecated"), (date(2030, 1, 1), "retired")])
def test_a_life_ends_in_steps(day: date, kind: str) -> None:
    without_nist = EXAMPLE.replace("nist-ir-8547@1, ", "").replace("nist-kex-tls, nist-kex-ssh, ", "")  # it allows no sntrup761 to begin with
    asked = resolve(of(without_nist), Target("h", ("b2b",), "ssh"), day)["key_exchange"]
    assert judge(asked, known("ssh", "key_exchange", "sntrup761x25519-sha512"), day).kind == kind


@pytest.mark.parametrize(
    ("kex", "ppk", "state"),
    [
        ("CURVE_25519+ML_KEM_768", "", "compliant"),
        ("CURVE_25519", "mode=required", "compliant"),
        ("CURVE_25519", "mode=optional", "forbidden"),
        ("", "", "unknown"),
    ],
)
def test_a_ppk_is_required_unless_the_exchange_is_hybrid(kex: str, ppk: str, state: str) -> None:
    settings = {aspect: Setting((text,), Origin("/etc/swanctl/swanctl.conf", 1)) for aspect, text in (("key_exchange", kex), ("ppk", ppk)) if text}
    link = replace(endpoint(), protocol="ikev2", names="strongswan", settings=settings, capabilities={"key_exchange": Capability(None, "told")})
    assert found(link, "b2b")["ppk"].state == state
