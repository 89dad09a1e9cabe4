"""A suite of TLS 1.2 passes only if its exchange, its authentication and its cipher each pass; one of TLS 1.3 has no exchange of its own."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.suite import STATIC, brings

from .test_exceptions import TODAY, endpoint, found
from .texts import HEAD, RULES, exception, known, of, rule

CIPHER = rule(id="c", aspect="cipher", allow='{key_bits: ">=128"}')
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
    ],
)
def test_each_part_of_a_suite_is_judged_by_its_own_rule(rules: str, expected: list[bool]) -> None:
    assert passes(rules) == expected


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
