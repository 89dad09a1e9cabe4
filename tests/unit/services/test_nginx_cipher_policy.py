"""From a policy about cipher suites to what nginx shall say: order, the two lists that are negotiated apart, and versions that come and go."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Finding, Plan, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import SERVICE

from tests.fixtures.nginx.load import applied, one
from tests.unit.conftest import TODAY, policy_of, requirements

AES256, CHACHA, AES128 = MODERN = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
RSA256, RSA128 = "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"
BOTH = "ssl_protocols TLSv1.2 TLSv1.3;"
MAIN = "/etc/nginx/nginx.conf"


def server(text: str, http: str = BOTH, like: str = "web-new") -> Snapshot:
    return one(f"    {http}\n    server {{\n        listen 443 ssl;\n        {text}\n    }}", like)


def suites(snapshot: Snapshot) -> tuple[str, ...]:
    return SERVICE.read(snapshot)[0].settings["cipher"].values


SOURCE = "source: {{doc: D, section: s, date: 2026-01-01, force: requirement}}\n    verified: 2026-01-01"
RULE = "  - id: {id}\n    match: {{protocol: tls}}\n    aspect: {aspect}\n    {text}\n    " + SOURCE + "\n"
AEAD = 'allow: {aead: true, key_bits: ">=128", forward_secret: true, status: [current]}'
STRONG = "allow: {name: [TLS_AES_256_GCM_SHA384, ECDHE-RSA-AES256-GCM-SHA384, ECDHE-ECDSA-AES256-GCM-SHA384]}"


def rules(stage: str = "require", **texts: str) -> str:
    head = 'policy: {name: t, version: "1"}\nrules:\n'
    stages = "stages:\n" + "".join(f"  - {{aspect: {aspect}, stage: {stage}}}\n" for aspect in texts)
    return head + "".join(RULE.format(id=f"{aspect}-tls", aspect=aspect, text=text) for aspect, text in texts.items()) + stages


def judged(snapshot: Snapshot, policy: str) -> Finding:
    found = assess(SERVICE.read(snapshot), lambda e: requirements(load("p", lambda _: policy), e.protocol), TODAY)
    return next(finding for finding in found if finding.aspect == "cipher")


def planned(snapshot: Snapshot, policy: str) -> Plan:
    compiled, found = load("p", lambda _: policy), SERVICE.read(snapshot)
    wanted = {e.id: requirements(compiled, e.protocol) for e in found}
    return make_plan(snapshot, {"nginx": SERVICE}, found, wanted, compiled.digest, TODAY, lambda: None)


@pytest.mark.parametrize("like", ["web-new", "web-old", "web-legacy"])
def test_a_stock_nginx_is_cut_down_to_what_is_allowed_in_the_librarys_order_and_stays_so(like: str) -> None:
    host = server("", like=like)
    assert judged(host, rules(cipher=AEAD)).state == "forbidden"
    first = planned(host, rules(cipher=AEAD))
    (edit,) = (edit for change in first.changes for edit in change.edits)
    text = "".join(edit.insert)
    assert "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305" in text
    after = applied(host, first.changes)
    assert judged(after, rules(cipher=AEAD)).state == "compliant"
    assert planned(after, rules(cipher=AEAD)).changes == ()


def test_the_administrators_order_stays_unless_the_policy_has_one() -> None:
    host = server(f"ssl_ciphers {RSA128}:AES128-SHA:{RSA256};")
    assert f"ssl_ciphers {RSA128}:{RSA256};" in str(planned(host, rules(cipher=AEAD)).changes)
    assert f"ssl_ciphers {RSA256}:{RSA128};" in str(planned(host, rules(cipher=AEAD + "\n    order: [{key_bits: desc}]")).changes)


def test_good_suites_of_tls_1_3_do_not_make_up_for_tls_1_2() -> None:
    """What is good there of one list says nothing about the other: ssl_ciphers gets what the library has of what is allowed."""
    host = server("ssl_ciphers AES128-SHA;")
    assert f"ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:{RSA256};" in str(planned(host, rules(cipher=STRONG)).changes)


def test_a_version_that_stays_on_without_an_allowed_suite_is_unsatisfiable() -> None:
    only = rules(cipher="allow: {name: [TLS_AES_256_GCM_SHA384]}")
    found = judged(server(""), only)
    assert (found.state, "has nothing for TLS 1.2 and before" in found.message) == ("unsatisfiable", True)
    assert "aspect version" in found.remedy
    assert planned(server(""), only).changes == ()


def test_that_is_so_where_tls_1_2_is_the_only_version_too() -> None:
    only = rules(cipher="allow: {name: [TLS_AES_256_GCM_SHA384]}")
    found = judged(server(f"ssl_ciphers {RSA256};", "ssl_protocols TLSv1.2;"), only)
    assert (found.state, "has nothing for TLS 1.2 and before" in found.message) == ("unsatisfiable", True)
    assert "aspect version" in found.remedy


def test_a_version_that_goes_needs_no_suite() -> None:
    strict = rules(cipher="allow: {name: [TLS_AES_256_GCM_SHA384]}", version="allow: {name: [TLSv1.3]}")
    assert judged(server(""), strict).state == "forbidden"
    after = applied(server(""), planned(server(""), strict).changes)
    assert suites(after) == (AES256,)
    assert "ssl_ciphers" not in (after.files[MAIN].text or "")
    assert planned(after, strict).changes == ()


def test_suites_that_tls_1_3_will_bring_are_settled_in_the_same_plan() -> None:
    strict = rules(cipher=STRONG, version="allow: {name: [TLSv1.3]}")
    host = server(f"ssl_ciphers {RSA256};", "ssl_protocols TLSv1.2;")
    assert judged(host, strict).state == "compliant"
    after = applied(host, planned(host, strict).changes)
    assert suites(after) == (AES256,)
    assert planned(after, strict).changes == ()


def test_prefer_takes_no_suite_away() -> None:
    host = server("ssl_ciphers AES128-SHA;")
    after = applied(host, planned(host, rules("prefer", cipher=STRONG)).changes)
    assert set(suites(host)) <= set(suites(after))


# ---------------------------------------------------------------- the shipped baselines


@pytest.mark.parametrize("like", ["web-new", "web-old", "web-legacy"])
def test_the_baselines_judge_a_stock_nginx_in_one_short_finding_and_write_none_of_it(like: str) -> None:
    """hybrid-transition only observes ciphers; hybrid-required has no rule for those of TLS, because it wants TLS 1.3 alone."""
    host = server("", like=like)
    found = SERVICE.read(host)
    for name, expected in (("hybrid-transition@1", [("forbidden", "low")]), ("hybrid-required@1", [])):
        policy = policy_of(name)
        wanted = {e.id: requirements(policy, e.protocol) for e in found}
        ciphers = [f for f in assess(found, lambda e, wanted=wanted: wanted[e.id], TODAY) if f.aspect == "cipher"]
        assert [(f.state, f.severity) for f in ciphers] == expected
        assert all(len(f.message) < 300 and " more: not among what cipher-tls allows" in f.message for f in ciphers)
        plan = make_plan(host, {"nginx": SERVICE}, found, wanted, policy.digest, TODAY, lambda: None)
        assert not any("ssl_ciphers" in line or "Ciphersuites" in line for c in plan.changes for edit in c.edits for line in edit.insert)


def test_a_plain_list_of_good_suites_is_compliant_with_the_transition() -> None:
    host = server(f"ssl_ciphers {RSA256}:{RSA128}:DHE-RSA-AES128-GCM-SHA256;")
    found = assess(SERVICE.read(host), lambda e: requirements(policy_of("hybrid-transition@1"), e.protocol), TODAY)
    assert next(f.state for f in found if f.aspect == "cipher") == "compliant", "without ssl_dhparam the DHE suite cannot come about"
