"""Compilation is total: whatever a policy allows is written for the back end, or is told by name with the step at which it was lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import all_of, find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.expressed import pairs
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Endpoint
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import baselines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.explain import explain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.wish import wish

from ..conftest import HOSTS, TODAY, captured, requirements
from .test_baselines import staged
from .test_exceptions import endpoint, found
from .texts import HEAD, RULES, of, rule

DAYS = (TODAY, date(2032, 1, 1))


def fleet() -> list[Endpoint]:
    return [e for host in HOSTS for service in SERVICES.values() for e in service.read(captured(host))]


@pytest.mark.parametrize("stage", ["prefer", "require"])
@pytest.mark.parametrize("name", baselines())
def test_every_pair_of_algorithm_and_back_end_is_written_or_told(name: str, stage: str) -> None:
    policy = staged(name, stage)
    for e in fleet():
        for day in DAYS:
            for aspect, requirement in requirements(policy, e.protocol, day=day).items():
                if requirement.rule.require or aspect not in e.settings:
                    continue
                allowed = {a.id for a in all_of(e.protocol, aspect) if judge(requirement, a, day).good}
                told = pairs(e, aspect, requirement, day)
                assert allowed <= set(told)
                names = wish(e, aspect, requirement, day).names
                written = {a.id for n in names if (a := find(e.protocol, aspect, n))}
                assert not {id_ for id_, why in told.items() if why} & written
                if aspect == "key_exchange":
                    fresh = {id_ for id_, why in told.items() if not why and judge(requirement, find(e.protocol, aspect, id_), day).kind == "allowed"}
                    assert not names or fresh <= written, "what can be said is said"


def test_the_reason_is_the_first_step_that_left_nothing() -> None:
    required = of(HEAD + RULES + rule(allow="{name: [X25519MLKEM768]}") + "stages: [{stage: require}]\n")
    nowhere = of(HEAD + RULES + rule(match="{}", allow="{name: [mlkem768x25519-sha256]}") + "stages: [{stage: require}]\n")
    plain = endpoint(kex="X25519", version="TLSv1.3")
    lacks = able_to(plain, Capability(("X25519",), "told", "OpenSSL 3.0.22"))
    unnamed = replace(able_to(plain, Capability(("X25519MLKEM768", "X25519"), "told", "Other 1")), names="nobody")
    assert found(nowhere, plain)["key_exchange"].message.startswith("a leaves nothing for key_exchange in tls")
    assert found(required, lacks)["key_exchange"].message.startswith("OpenSSL 3.0.22 has none of what the policy allows (X25519MLKEM768)")
    assert found(required, unnamed)["key_exchange"].message == "Other 1 has X25519MLKEM768, but nginx has no name for it"
    assert {found(p, e)["key_exchange"].state for p, e in ((nowhere, plain), (required, lacks), (required, unnamed))} == {"unsatisfiable"}


def able_to(what: Endpoint, capability: Capability) -> Endpoint:
    return replace(what, capabilities={**what.capabilities, "key_exchange": capability})


def test_explain_names_what_is_allowed_and_cannot_be_said_here() -> None:
    policy = of(HEAD + "extends: [hybrid-transition@1]\n")
    said = explain(policy, Target("h", (), "tls"), TODAY, endpoint(kex="X25519", version="TLSv1.3"))["key_exchange"]
    assert said["inexpressible"] == dict.fromkeys(("SecP256r1MLKEM768", "SecP384r1MLKEM1024"), "nginx/1 does not have it")
    assert resolve(policy, Target("h", (), "tls"), TODAY)["key_exchange"].rule.id == said["decided_by"]
