"""Key exchange is urgent by the lifetime of data, a signature by that of its credential."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Certificate, Origin, Setting

from .test_exceptions import endpoint, found
from .texts import HEAD, RULES, of, rule

CLASSICAL = endpoint(kex="X25519", version="TLSv1.3")


@pytest.mark.parametrize(("years", "severity"), [("", "medium"), (", data_lifetime: 1y", "medium"), (", data_lifetime: 7y", "high")])
def test_data_that_outlives_the_fallback_makes_its_exchange_urgent(years: str, severity: str) -> None:
    policy = of(HEAD + "extends: [hybrid-transition@1]\nzones: {z: {groups: [plant]" + years + "}}\n")
    finding = found(policy, CLASSICAL)["key_exchange"]
    assert (finding.state, finding.severity, finding.deadline) == ("missing", severity, "2030-12-31")
    assert ("must stay secret until 2033-11-23, beyond 2030-12-31" in finding.message) == (severity == "high")


@pytest.mark.parametrize(("not_after", "severity"), [("2027-02-01T00:00:00", "low"), ("2036-01-01T00:00:00", "medium"), ("", "low")])
def test_a_certificate_that_outlives_its_signature_is_urgent_whatever_its_data(not_after: str, severity: str) -> None:
    text = rule(
        id="s",
        aspect="signature",
        allow="{name: [ECDSA-P256]}",
        disallowed_after="{ECDSA-P256: 2035-12-31}",
        deprecated_after="{ECDSA-P256: 2026-01-01}",
    )
    policy = of(HEAD + "zones: {z: {groups: [plant], data_lifetime: 30y}}\n" + RULES + text + "stages: [{stage: prefer}]\n")
    signed = replace(
        CLASSICAL,
        settings={**CLASSICAL.settings, "signature": Setting(("ECDSA-P256",), Origin("/etc/c.pem"))},
        capabilities={**CLASSICAL.capabilities, "signature": Capability(("ECDSA-P256",), "told")},
        certificates=(Certificate("/etc/c.pem", key="ECDSA-P256", not_after=not_after),),
    )
    finding = found(policy, signed)["signature"]
    assert (finding.state, finding.severity) == ("deprecated", severity)
