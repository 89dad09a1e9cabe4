"""A suite of TLS 1.2 passes only if its exchange, its authentication, its cipher and its PRF each pass; one of TLS 1.3 is judged on cipher and hash."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.suite import STATIC, brings

from .test_exceptions import TODAY, endpoint, found
from .texts import HEAD, RULES, exception, known, of, rule

CIPHER = rule(id="c", aspect="cipher", allow='{key_bits: ">=128"}')
PRFS = ("tls_prf_sha384", "tls_prf_sha256")
SUITES = ("AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256")


def passes(rules: str, day: date = TODAY) -> list[bool]:
    requirement = resolve(of(HEAD + RULES + CIPHER + rules), Target("plc-7", (), "tls"), day)["cipher"]
    return [judge(requirement, known("tls", "cipher", name), day).good for name in SUITES]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", [True, True, True, True, True]),
        (rule(allow="{construction: [hybrid]}"), [False, False, False, False, True]),
        (rule(allow="{name: [X25519]}"), [False, True, True, False, True]),
        (rule(allow="{name: [ffdhe3072]}"), [False, False, False, True, True]),
        (rule(allow="{construction: [classical]}"), [True, True, True, True, True]),
        (rule(allow="{construction: [classical], forward_secret: true}"), [False, True, True, True, True]),
        (rule(id="s", aspect="signature", allow="{name: [ECDSA-P256]}"), [False, False, True, False, True]),
        (rule(id="s", aspect="signature", allow="{name: [ML-DSA-65]}"), [False, False, False, False, True]),
        (rule(id="p", aspect="prf", allow="{name: [tls_prf_sha256, tls_prf_sha384]}"), [True, True, True, True, True]),
        (rule(id="p", aspect="prf", allow="{name: [tls_prf_sha384]}"), [True, False, False, False, True]),
        (rule(id="p", aspect="hash", allow="{name: [SHA-384]}"), [True, True, True, True, False]),
        (rule(id="p", aspect="hash", allow="{name: [SHA-256]}"), [True, True, True, True, True]),
    ],
)
def test_each_part_of_a_suite_is_judged_by_its_own_rule(rules: str, expected: list[bool]) -> None:
    assert passes(rules) == expected


@pytest.mark.parametrize(
    ("suite", "prf"), [("AES256-SHA", "sha256"), ("ECDHE-RSA-AES256-SHA384", "sha384"), ("ECDHE-RSA-CHACHA20-POLY1305", "sha256")]
)
def test_the_prf_of_a_suite_is_that_of_its_hash_and_never_sha1(suite: str, prf: str) -> None:
    assert brings(suite)["prf"] == (known("tls", "prf", f"tls_prf_{prf}"),)


def test_a_rule_on_the_prf_has_a_finding_of_its_own_and_is_cited_by_that_of_the_suites() -> None:
    rules = CIPHER + rule(id="p", aspect="prf", allow="{name: [tls_prf_sha384]}") + rule(id="h", aspect="hash", allow="{name: [SHA-384]}")
    policy = of(HEAD + RULES + rules + "stages: [{stage: require}]\n")
    strong = "TLS_AES_256_GCM_SHA384 ECDHE-RSA-AES256-GCM-SHA384"
    weak = f"{strong} ECDHE-RSA-AES128-GCM-SHA256"
    good, bad = found(policy, endpoint(cipher=strong)), found(policy, endpoint(cipher=weak))
    assert [good[aspect].state for aspect in ("cipher", "prf", "hash")] == ["compliant"] * 3
    assert (bad["cipher"].state, bad["cipher"].rule, bad["prf"].state, bad["prf"].actual) == ("forbidden", "p", "forbidden", PRFS)
    assert bad["hash"].state == "compliant"
    assert found(policy, endpoint(version="TLSv1.2"))["prf"].state == "unknown"


def test_a_suite_ends_with_the_exchange_that_it_brings_along() -> None:
    fallback = rule(fallback="{construction: classical, until: 2030-12-31}")
    assert passes(fallback, date(2030, 12, 31))[1:] == [True] * 4
    assert passes(fallback, date(2031, 1, 1)) == [False, False, False, False, True]


def test_the_finding_cites_the_rule_of_the_part_and_an_exception_names_it() -> None:
    text = HEAD + RULES + CIPHER + rule(id="k", allow="{construction: [hybrid]}", source="{doc: NIST, force: draft}") + "stages: [{stage: require}]\n"
    what = endpoint(cipher="TLS_AES_128_GCM_SHA256 AES256-GCM-SHA384")
    finding = found(of(text), what)["cipher"]
    assert (finding.state, finding.rule, finding.source.doc) == ("forbidden", "k", "NIST")
    assert "AES256-GCM-SHA384: its key_exchange cannot pass: not among what k allows" in finding.message
    excepted = of(text + "exceptions:\n" + exception(match="{host: plc-7, rule: k}", permits="[AES256-GCM-SHA384]"))
    assert found(excepted, what)["cipher"].state == "excepted"


@pytest.mark.parametrize(
    ("suite", "static", "signs"),
    [
        ("AECDH-AES128-SHA", False, False),
        ("ADH-AES256-SHA", False, False),
        ("ECDHE-PSK-CHACHA20-POLY1305", False, False),
        ("PSK-AES128-GCM-SHA256", True, False),
        ("RSA-PSK-AES128-GCM-SHA256", True, True),
        ("SRP-RSA-AES-128-CBC-SHA", True, True),
    ],
)
def test_what_a_suite_brings_is_what_the_catalogue_says(suite: str, static: bool, signs: bool) -> None:
    found = brings(suite)
    assert (found["key_exchange"] == (STATIC,), "signature" in found) == (static, signs)
