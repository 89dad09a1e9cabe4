"""What one setting is worth: nothing passes because it is empty, and what is deprecated is neither good nor gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability

from .test_exceptions import endpoint, found, written
from .texts import HEAD, RULES, of, rule

REQUIRED = HEAD + "extends: [hybrid-required@1]\n"
BINDS = {"source": "{doc: our standard, date: 2026-01-01, force: requirement}", "verified": "2026-11-23"}
FADED = rule(allow="{name: [secp256r1, X25519]}", deprecated_after="{secp256r1: 2026-01-01}", **BINDS) + "stages: [{stage: require}]\n"


def test_an_empty_list_is_never_compliant() -> None:
    empty = found(of(REQUIRED), endpoint(kex=""))["key_exchange"]
    assert (empty.state, empty.severity) == ("missing", "high")


def test_what_is_forbidden_is_forbidden_although_nobody_knows_what_the_binary_can() -> None:
    weak = endpoint(kex="X25519Kyber768Draft00 X25519MLKEM768")
    blind = replace(weak, capabilities={**weak.capabilities, "key_exchange": Capability(None, "nobody asked")})
    assert found(of(REQUIRED), blind)["key_exchange"].state == "forbidden"
    assert "key_exchange" not in written(of(REQUIRED), blind)


@pytest.mark.parametrize("able", [("secp256r1",), ("secp256r1", "X25519")])
def test_what_is_deprecated_alone_is_deprecated_neither_missing_nor_unsatisfiable(able: tuple[str, ...]) -> None:
    policy, what = of(HEAD + RULES + FADED), endpoint(kex="secp256r1")
    what = replace(what, capabilities={**what.capabilities, "key_exchange": Capability(able, "told")})
    finding = found(policy, what)["key_exchange"]
    assert (finding.state, finding.severity) == ("deprecated", "medium")
    assert ("key_exchange" in written(policy, what)) == (len(able) == 2), "what is better is added where the binary can"


def test_what_is_deprecated_is_added_only_where_nothing_else_is_left() -> None:
    policy, what = of(HEAD + RULES + FADED), endpoint(kex="secp384r1")
    both = replace(what, capabilities={**what.capabilities, "key_exchange": Capability(("secp256r1", "X25519"), "told")})
    one = replace(what, capabilities={**what.capabilities, "key_exchange": Capability(("secp256r1",), "told")})
    assert found(policy, both)["key_exchange"].wanted == ("X25519",)
    assert found(policy, one)["key_exchange"].wanted == ("secp256r1",)
