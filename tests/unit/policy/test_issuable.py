"""What no PKI issues yet cannot be asked for: allowed ∩ capable ∩ expressible ∩ issuable, for keys and certificates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Certificate, Endpoint, Finding, Origin, Setting
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError

from .test_exceptions import endpoint, found, written
from .texts import HEAD, RULES, exception, of, rule

PKI = "{public: classical, private: any}"
PUBLIC, PRIVATE, UNSAID = "exposure: public", "exposure: public, pki: private", "exposure: internal"
WANTED = {"certificate": ("require", "{key: [ML-DSA-65+]}"), "signature": ("allow", "{construction: post-quantum}")}


def text(aspect: str, zone: str = PUBLIC, stage: str = "require", pki: str | None = PKI) -> str:
    says, what = WANTED[aspect]
    asked = rule(**{"id": "cert", "aspect": aspect, "allow": None, says: what, "pki": pki})
    return f"{HEAD}zones: {{z: {{groups: [plant], {zone}}}}}\n{RULES}{asked}stages: [{{stage: {stage}}}]\n"


def server(*keys: str, able: tuple[str, ...] | None = None) -> Endpoint:
    one = endpoint()
    return replace(
        one,
        settings={**one.settings, "signature": Setting(keys, Origin("/etc/c.pem"))},
        capabilities={**one.capabilities, "signature": Capability(able, "told", "OpenSSL 3.5.7")},
        certificates=tuple(Certificate("/etc/c.pem", key=key, lifetime=90) for key in keys),
    )


def judged(aspect: str, *keys: str, **how: str) -> Finding:
    return found(of(text(aspect, **how)), server(*keys))[aspect]


@pytest.mark.parametrize("aspect", WANTED)
@pytest.mark.parametrize(("stage", "state"), [("require", "unsatisfiable"), ("prefer", "missing")])
def test_what_a_public_pki_cannot_issue_is_unsatisfiable_and_the_reason_says_so(aspect: str, stage: str, state: str) -> None:
    finding = judged(aspect, "ECDSA-P256", stage=stage)
    assert finding.state == state
    assert "a public PKI issues classical keys only (cert)" in finding.message
    assert written(of(text(aspect, stage=stage)), server("ECDSA-P256")) == set(), "nothing is written, what is there stays"


@pytest.mark.parametrize("aspect", WANTED)
@pytest.mark.parametrize("how", [{"zone": PRIVATE}, {"zone": UNSAID}, {"pki": "{private: classical}"}])
def test_where_the_own_pki_can_or_nobody_says_what_it_is_it_is_forbidden_as_before(aspect: str, how: dict[str, str]) -> None:
    assert judged(aspect, "ECDSA-P256", **how).state == "forbidden"


@pytest.mark.parametrize("aspect", WANTED)
def test_what_was_issued_all_the_same_is_good(aspect: str) -> None:
    assert judged(aspect, "ML-DSA-65").state == "compliant"


def test_one_alternative_that_can_be_issued_is_enough() -> None:
    one_of = text("certificate").replace("[ML-DSA-65+]", "[ML-DSA-65+, ECDSA-P384+]")
    assert found(of(one_of), server("RSA-2048"))["certificate"].state == "forbidden"
    both = one_of.replace("stages:", rule(id="strict", aspect="certificate", allow=None, require="{key: [ML-DSA-87]}") + "stages:")
    assert found(of(both), server("RSA-2048"))["certificate"].state == "unsatisfiable", "limits of all rules hold"


def test_what_one_rule_says_of_a_pki_is_a_fact_for_keys_and_certificates_alike() -> None:
    policy = of(text("certificate").replace("stages:", rule(id="s", aspect="signature", allow="{construction: post-quantum}") + "stages:"))
    assert found(policy, server("RSA-2048"))["signature"].state == "unsatisfiable"


def test_the_reason_is_the_first_step_that_left_nothing() -> None:
    policy = of(text("signature"))
    lacks, has = (found(policy, server("ECDSA-P256", able=able))["signature"] for able in (("ECDSA-P256",), ("ECDSA-P256", "ML-DSA-65")))
    assert {lacks.state, has.state} == {"unsatisfiable"}
    assert lacks.message.startswith("OpenSSL 3.5.7 has none of what the policy allows")
    assert has.message.startswith("a public PKI issues classical keys only (cert)")


def test_an_exception_answers_for_what_cannot_be_issued() -> None:
    policy = of(text("certificate") + "exceptions:\n" + exception(match="{host: plc-7, rule: cert}"))
    assert found(policy, server("ECDSA-P256"))["certificate"].state == "excepted"


def test_only_rules_on_keys_and_certificates_speak_of_a_pki() -> None:
    with pytest.raises(PolicyError, match="pki belongs to rules on certificate and signature"):
        of(HEAD + RULES + rule(pki=PKI))
