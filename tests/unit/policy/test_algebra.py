"""What must hold of findings, whatever the policy: nothing added changes nothing, a stricter rule helps nobody, order of what is independent
does not matter."""

from __future__ import annotations

from datetime import date
from functools import cache

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError, baselines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ..conftest import HOSTS, TOP, captured
from .test_exceptions import endpoint, found
from .texts import HEAD, RULES, of, rule

DAYS = st.sampled_from([date(2026, 11, 23), date(2029, 1, 1), date(2030, 12, 31), date(2031, 1, 1), date(2032, 1, 1), date(2036, 1, 1)])
WITH_REGIMES = "zones: {z: {groups: [web], regimes: [nss, pci]}}\n"


@cache
def fleet() -> tuple[Endpoint, ...]:
    """The captured hosts, and servers that have begun to migrate."""
    seen = [e for host in HOSTS for service in SERVICES.values() for e in service.read(captured(host))]
    lists = ("X25519MLKEM768", "X25519MLKEM768 X25519", "SecP384r1MLKEM1024 secp256r1", "X25519", "")
    return (*seen, *(endpoint(kex=kex, version=version) for kex in lists for version in ("TLSv1.3", "TLSv1.2 TLSv1.3", "TLSv1.2")))


def judged(policy: Policy, day: date) -> list[dict[str, Finding]]:
    return [
        {f.aspect: f for f in assess((e,), lambda e: resolve(policy, Target("h", ("web",), e.protocol, e.role, e.service), day), day)}
        for e in fleet()
    ]


SELECTS = st.fixed_dictionaries(
    {},
    optional={
        "construction": st.lists(st.sampled_from(["classical", "hybrid", "post-quantum", "symmetric"]), min_size=1, unique=True).map(
            lambda v: f"[{', '.join(v)}]"
        ),
        "quantum_category": st.sampled_from(['">=0"', '">=3"', '"<5"']),
        "classical_bits": st.sampled_from(['">=0"', '">=128"']),
        "key_bits": st.sampled_from(['">=0"', '">=256"']),
        "status": st.sampled_from(["current", "[current, legacy]"]),
        "aead": st.sampled_from(["true", "false"]),
    },
).filter(bool)
ASPECTS = st.sampled_from(["key_exchange", "version", "cipher", "mac", "host_key", "user_key", "signature"])
STAGED = st.sampled_from(["", "stages: [{stage: prefer}]\n", "stages: [{stage: require}]\n", "stages: [{stage: require, from: 2029-01-01}]\n"])


def said(select: dict[str, str], more: str = "") -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in select.items()) + more + "}"


def loaded(text: str) -> Policy:
    try:
        return of(text)
    except PolicyError as error:
        assert "allow no" in str(error) or "allows no" in str(error) or "equal weight" in str(error), error
        assume(False)
        raise


@pytest.mark.parametrize("name", [*baselines(), "enterprise.yml"])
def test_extending_by_nothing_is_identity_over_every_aspect(name: str) -> None:
    text = (TOP / "policies/enterprise.yml").read_text(encoding="utf-8") if name == "enterprise.yml" else HEAD + f"extends: [{name}]\n" + WITH_REGIMES
    plain, wrapped = of(text), of(HEAD.replace("}", ", timezone: Europe/Berlin}") + "extends: [b.yml]\n", others={"b.yml": text})
    for day in (date(2026, 11, 23), date(2031, 1, 1)):
        before, after = judged(plain, day), judged(wrapped, day)
        assert [{a: (f.state, f.stage, f.rule, f.deadline, f.wanted) for a, f in e.items()} for e in before] == [
            {a: (f.state, f.stage, f.rule, f.deadline, f.wanted) for a, f in e.items()} for e in after
        ]


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(baselines()), ASPECTS, SELECTS, st.none() | SELECTS, STAGED, DAYS)
def test_a_stricter_rule_never_turns_a_finding_compliant(
    name: str, aspect: str, allow: dict[str, str], fallback: dict[str, str] | None, stages: str, day: date
) -> None:
    base = HEAD + f"extends: [{name}]\n" + WITH_REGIMES + stages
    tolerated = said(fallback, ", until: 2030-12-31") if fallback else None
    before = judged(loaded(base), day)
    after = judged(loaded(base + RULES + rule(id="more", match="{}", aspect=aspect, allow=said(allow), fallback=tolerated)), day)
    for was, now in zip(before, after, strict=True):
        for changed, finding in now.items():
            if finding.state == "compliant" and changed in was:
                assert was[changed].state == "compliant", (was[changed], finding)


@pytest.mark.parametrize("kex", ["X25519MLKEM768 X25519", "X25519 X25519MLKEM768"])
def test_a_flat_list_is_no_flaw_where_both_kinds_are_allowed_and_stays_none_under_a_stricter_rule(kex: str) -> None:
    """The list that a plan would write there is flat itself."""
    both = HEAD + RULES + rule(allow="{construction: [classical, hybrid]}") + "stages: [{stage: prefer}]\n"
    stricter = both.replace("stages:", rule(id="b", allow="{construction: classical}", fallback="{construction: hybrid}") + "stages:")
    first = both.replace("stages:", rule(id="b", allow="{construction: hybrid}", fallback="{construction: classical}") + "stages:")
    states = [found(of(text), endpoint(kex=kex, version="TLSv1.3"))["key_exchange"].state for text in (both, stricter, first)]
    assert states == ["compliant", "compliant", "missing"]


def test_hybrids_that_nobody_can_negotiate_are_no_flaw_where_classical_groups_are_as_good() -> None:
    """A stricter rule that only tolerates the hybrids would make that finding compliant."""
    what = endpoint(kex="X25519MLKEM768 X25519 secp256r1", version="TLSv1.2")
    both = HEAD + RULES + rule(allow="{name: [X25519MLKEM768, X25519]}", fallback="{name: [secp256r1]}") + "stages: [{stage: prefer}]\n"
    stricter = both.replace("stages:", rule(id="b", allow="{construction: classical}", fallback="{construction: hybrid}") + "stages:")
    hybrids = both.replace("[X25519MLKEM768, X25519]", "[X25519MLKEM768]").replace("[secp256r1]", "[X25519, secp256r1]")
    assert [found(of(text), what)["key_exchange"].state for text in (both, stricter, hybrids)] == ["compliant", "compliant", "missing"]


SCOPES = tuple(f"{{protocol: {protocol}, role: {role}}}" for protocol in ("tls", "ssh") for role in ("server", "client"))
KINDS = st.sampled_from(["classical", "hybrid", "[classical, hybrid]"])


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(4)), st.lists(KINDS, min_size=4, max_size=4), DAYS)
def test_the_order_of_independent_scopes_does_not_matter(order: list[int], kinds: list[str], day: date) -> None:
    texts = [rule(id=f"r{i}", match=SCOPES[i], allow=f"{{construction: {kinds[i]}}}") for i in range(4)]
    one, other = (of(HEAD + RULES + "".join(texts[i] for i in places) + "stages: [{stage: require}]\n") for places in (range(4), order))
    before, after = judged(one, day), judged(other, day)
    assert [list(e.values()) for e in before] == [list(e.values()) for e in after]


def test_the_fleet_of_these_tests_has_every_kind_of_server() -> None:
    assert {e.protocol for e in fleet()} == {"tls", "ssh"}
    assert len({e.version for e in fleet()}) >= 4
