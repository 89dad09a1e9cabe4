"""PostgreSQL under policies: what a server that takes one curve is asked for, and what it is told instead."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Finding, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.postgresql import SERVICE

from tests.fixtures.postgresql.load import captured, having
from tests.unit.conftest import TODAY
from tests.unit.policy.texts import HEAD, RULES, of, rule


def required(allow: str, stage: str = "require"):
    return of(HEAD + RULES + rule(allow=allow, source="{doc: x, force: requirement}", verified="2026-11-01") + f"stages: [{{stage: {stage}}}]\n")


def plan(snapshot: Snapshot, policy):
    endpoints = SERVICE.read(snapshot)
    requirements = {e.id: resolve(policy, Target("h", (), "tls"), TODAY) for e in endpoints}
    return make_plan(snapshot, {"postgresql": SERVICE}, endpoints, requirements, "", TODAY, lambda: None)


def finding(snapshot: Snapshot, policy) -> Finding:
    return next(
        f for f in assess(SERVICE.read(snapshot), lambda e: resolve(policy, Target("h", (), "tls"), TODAY), TODAY) if f.aspect == "key_exchange"
    )


def lines_of(snapshot: Snapshot, policy) -> list[str]:
    return [line.strip() for change in plan(snapshot, policy).changes for edit in change.edits for line in edit.insert]


HYBRID = "{construction: [hybrid]}"


def test_17_that_shall_be_hybrid_is_told_to_be_upgraded_or_fronted() -> None:
    found = finding(captured("svc-new"), required(HYBRID))
    assert (found.state, found.remedy) == ("unsatisfiable", "needs PostgreSQL ≥ 18, or a gateway in front of it")
    assert found.message.startswith("PostgreSQL 17.12 has none of what the policy allows (X25519MLKEM768")
    assert plan(captured("svc-new"), required(HYBRID)).changes == ()


def test_18_that_shall_be_hybrid_gets_two_lines_one_for_tls_1_3_alone() -> None:
    groups, least = sorted(lines_of(captured("svc-next"), required(HYBRID)))
    assert groups == "ssl_groups = 'SecP384r1MLKEM1024:X25519MLKEM768:SecP256r1MLKEM768'" and least == "ssl_min_protocol_version = 'TLSv1.3'"


@pytest.mark.parametrize("stage", ["prefer", "require"])
def test_a_good_curve_stays_though_others_are_good_too(stage: str) -> None:
    assert plan(captured("svc-new"), required("{name: [secp256r1, secp384r1, x25519]}", stage)).changes == ()


def test_a_curve_that_must_go_makes_way_for_one_that_may_come() -> None:
    assert lines_of(captured("svc-new"), required("{name: [secp384r1, secp521r1]}")) == ["ssl_ecdh_curve = 'secp521r1'"]


def test_nothing_is_taken_away_while_the_stage_is_prefer() -> None:
    policy = required("{name: [secp384r1]}", "prefer")
    found = finding(captured("svc-new"), policy)
    assert "it takes 1 name for key_exchange" in found.message and "go to stage require" in found.remedy
    assert plan(captured("svc-new"), policy).changes == ()


def test_a_strange_curve_stays_too() -> None:
    snapshot = having("svc-new", site_more="ssl_ecdh_curve = 'wap-wsg-idm-ecid-wtls12'\n")
    assert plan(snapshot, required("{name: [secp384r1]}", "prefer")).changes == ()


def test_the_probe_speaks_first_what_the_server_expects() -> None:
    (probe,) = plan(captured("svc-next"), required(HYBRID)).probes
    assert (probe.starttls, probe.port, probe.forbid) == ("postgres", 5432, ("X25519", "prime256v1"))
