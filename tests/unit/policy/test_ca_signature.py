"""CASignatureAlgorithms of sshd: whose signatures on certificates it takes.  It is judged, and never written: a way in may stand on it."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import wishes_for
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from ..conftest import TODAY, captured
from .texts import HEAD, RULES, of, rule

RULE = {"id": "ca", "match": "{protocol: ssh}", "aspect": "ca_signature", "source": "{doc: x, force: requirement}", "verified": "2026-11-27"}


@pytest.mark.parametrize(
    ("allow", "state"),
    [("{name: [ssh-ed25519]}", "forbidden"), ("{classical_bits: '>=112'}", "compliant"), ("{construction: [hybrid]}", "forbidden")],
)
def test_what_sshd_takes_is_judged_where_it_is_and_left_to_the_administrator(allow: str, state: str) -> None:
    policy = of(HEAD + RULES + rule(**RULE, allow=allow) + "stages: [{stage: require}]\n")
    (endpoint,) = SERVICES["openssh"].read(captured("web-new"))
    requirements = resolve(policy, target_of("h", (), endpoint), TODAY)
    (found,) = assess((endpoint,), lambda e: requirements, TODAY)
    assert (found.aspect, found.state) == ("ca_signature", state)
    assert "rsa-sha2-512" in found.actual and found.evidence == "effective"
    assert wishes_for(endpoint, requirements, TODAY) == {}
