"""Everything is judged in the words of its document; only a requirement or a certification that somebody verified is enforced, unless the
organisation decides otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.dump import dump
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, resolve

from ..conftest import TOP, policy_of
from .test_exceptions import TODAY, endpoint, found, written
from .test_regression import planned
from .texts import HEAD, RULES, of, rule

ENFORCED = 'policy: {name: t, version: "1", enforce: [draft]}\n'
REQUIRE = "stages: [{stage: require}]\n"
BOTH = endpoint(kex="X25519MLKEM768 X25519", version="TLSv1.3")
VERIFIED = "2026-11-23"


def source(force: str) -> str:
    return f"{{doc: x, force: {force}}}"


@pytest.mark.parametrize(
    ("head", "force", "verified", "binds"),
    [
        (HEAD, "draft", None, False),
        (HEAD, "draft", VERIFIED, False),
        (HEAD, "recommendation", VERIFIED, False),
        (HEAD, "requirement", VERIFIED, True),
        (HEAD, "certification", VERIFIED, True),
        (ENFORCED, "draft", VERIFIED, True),
        (ENFORCED, "draft", None, False),
        (ENFORCED, "recommendation", VERIFIED, False),
    ],
)
def test_what_is_enforced_and_that_the_verdict_keeps_the_word_of_the_document(head: str, force: str, verified: str | None, binds: bool) -> None:
    policy = of(head + RULES + rule(source=source(force), verified=verified) + REQUIRE)
    finding = found(policy, BOTH)["key_exchange"]
    assert (finding.state, finding.severity, finding.source.force) == ("forbidden", "high", force)
    assert ("key_exchange" in written(policy, BOTH)) == binds
    warned = "".join(planned(policy, BOTH).warnings)
    assert (f"a ({force}{'' if verified else ', never verified'}) does not bind" in warned) == (not binds)


def test_one_rule_may_be_decided_by_itself_once_it_is_verified() -> None:
    decided = rule(enforce="true", verified=VERIFIED)
    assert "key_exchange" in written(of(HEAD + RULES + decided + REQUIRE), BOTH)
    with pytest.raises(PolicyError, match=r"rule a binds \(enforce\) but was never verified"):
        of(HEAD + RULES + rule(enforce="true"))


def kex_binds(policy: Policy) -> set[str]:
    return {r.id for r in resolve(policy, Target("h", (), "tls"), TODAY)["key_exchange"].rules if r.binds}


def test_who_extends_a_file_decides_for_it_and_a_file_beside_it_does_not() -> None:
    draft = HEAD + RULES + rule(verified=VERIFIED)
    beside = 'policy: {name: t, version: "1", enforce: [draft]}\n'
    files = {"draft.yml": draft, "beside.yml": beside, "above.yml": beside + "extends: [draft.yml]\n"}
    assert kex_binds(of(HEAD + "extends: [draft.yml]\n", others=files)) == set()
    assert kex_binds(of(HEAD + "extends: [draft.yml, beside.yml]\n", others=files)) == set()
    assert kex_binds(of(beside + "extends: [draft.yml]\n", others=files)) == {"a"}
    assert kex_binds(of(HEAD + "extends: [above.yml]\n", others=files)) == {"a"}
    again = of(dump(of(HEAD + "extends: [above.yml]\n", others=files)))
    assert (kex_binds(again), again.digest) == ({"a"}, of(HEAD + "extends: [above.yml]\n", others=files).digest)


def test_what_does_not_bind_takes_nothing_away_but_nothing_is_added_against_it() -> None:
    binds = rule(allow="{construction: [hybrid, post-quantum]}", source=source("requirement"), verified=VERIFIED)
    advice = rule(id="b", allow="{name: [SecP384r1MLKEM1024, X25519]}", verified=VERIFIED)
    policy = of(HEAD + RULES + binds + advice + "stages: [{stage: prefer}]\n")
    what = endpoint(kex="X25519", version="TLSv1.3")
    able = ("X25519MLKEM768", "SecP384r1MLKEM1024", "X25519")
    (reason,) = planned(policy, able_to(what, able)).reasons
    assert "SecP384r1MLKEM1024" in reason
    assert "X25519MLKEM768" not in reason
    (other,) = planned(policy, able_to(what, ("X25519MLKEM768", "X25519"))).reasons
    assert "X25519MLKEM768" in other, "advice that cannot be followed holds nobody up"


def able_to(what: Endpoint, names: tuple[str, ...]) -> Endpoint:
    capability = replace(what.capabilities["key_exchange"], names=names)
    return replace(what, capabilities={**what.capabilities, "key_exchange": capability})


def test_what_follows_from_a_draft_binds_no_more_than_the_draft() -> None:
    policy = of(HEAD + RULES + rule(verified=VERIFIED) + REQUIRE)
    old = endpoint(kex="X25519MLKEM768", version="TLSv1.2 TLSv1.3")
    assert found(policy, old)["version"].state == "forbidden"
    assert written(policy, old) == set()


@pytest.mark.parametrize("name", ["hybrid-transition@1", "hybrid-required@1", "legacy-compatible@1", str(TOP / "policies/default.yml")])
def test_what_we_ship_to_be_enforced_binds_as_a_whole(name: str) -> None:
    assert [r.id for r in policy_of(name).rules if not r.binds] == []


def test_a_draft_of_an_authority_binds_nobody_by_itself() -> None:
    assert not any(r.binds for r in load("nist-ir-8547@1", lambda _: "").rules)
