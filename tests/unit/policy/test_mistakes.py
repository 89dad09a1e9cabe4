"""A mistake in a policy is told; nothing of it is dropped in silence, and no text ends in a traceback."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy import checked
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError

from .texts import HEAD, RULES, of, rule

ZONES = "zones: {internet: {groups: [edge]}}\n"
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD + ZONES + RULES + rule(match="{zone: internt}"), "p.yml:4: no zone is called internt; did you mean internet?"),
        (HEAD + ZONES + "stages: [{zone: internt, stage: require}]\n", "p.yml:3: no zone is called internt"),
        (HEAD + ZONES + "stages: [{zone: [internet, ot], stage: require}]\n", "no zone is called ot"),
        (HEAD + RULES + rule(order="[{name: [P-265]}]"), "did you mean P-256"),
        (HEAD + RULES + rule(order="[{construction: [hybird]}]"), "'hybird' is not one of"),
        (HEAD + RULES + rule(order="[{aead: [yes, no]}]"), "'yes' is not one of"),
        (HEAD + RULES + rule(allow="{construction: hybird}"), "'hybird' is not one of"),
        (HEAD + RULES + rule(allow="{name: ''}"), "is empty"),
        (HEAD + RULES + rule(allow='{construction: hybrid, quantum_category: ">=6"}'), "p.yml:3: rule a allows no key_exchange"),
        (HEAD + RULES + rule(aspect="cipher", allow="{name: [ECHDE-RSA-AES128-GCM-SHA256]}"), "no algorithm is called ECHDE-RSA-AES128-GCM-SHA256"),
    ],
)
def test_what_would_match_nothing_is_an_error(text: str, what: str) -> None:
    with pytest.raises(PolicyError) as found:
        of(text)
    assert what in str(found.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("policy: &a [*a]\n", "p.yml:1: the alias *a is not taken"),
        (BOMB, "p.yml:2: the alias *a0 is not taken"),
        ("policy: " + "[" * 5000 + "]" * 5000, "p.yml:1: nested more than 20 levels deep"),
        ("? [a]\n: b\n", "p.yml:1: a list or a mapping stands where a key belongs"),
        ("policy: \x00\n", "not YAML"),
        ("- 1\n", "is not of type 'object'"),
        ("", "'policy' is a required property"),
    ],
    ids=["endless-alias", "bomb", "deep", "list-as-key", "nul", "list", "empty"],
)
def test_a_hostile_text_is_a_clear_error(text: str, what: str) -> None:
    with pytest.raises(PolicyError) as found:
        of(text)
    assert what in str(found.value)


@pytest.mark.parametrize("name", ["p.yml", "./p.yml", "x/../p.yml"])
def test_a_circle_is_found_however_the_path_is_written(name: str) -> None:
    with pytest.raises(PolicyError, match="extends itself"):
        of(HEAD + f"extends: [{name}]\n")


@pytest.mark.parametrize("scope", ["{protocol: tls}", "{protocol: tls, role: server}", "{}"])
def test_rules_whose_scopes_meet_and_that_together_allow_nothing_are_an_error(scope: str) -> None:
    with pytest.raises(PolicyError, match=r"\(x\) and .*\(y\) together allow no key_exchange"):
        of(HEAD + RULES + rule() + rule(id="b", match=scope, allow="{construction: classical}", source="{doc: y, force: draft}"))


def test_rules_whose_scopes_never_meet_may_contradict_each_other() -> None:
    policy = of(
        HEAD
        + RULES
        + rule(match="{protocol: tls, role: server}")
        + rule(id="b", match="{protocol: tls, role: client}", allow="{construction: classical}")
    )
    assert [r.id for r in policy.rules] == ["a", "b"]


def test_a_controller_without_jsonschema_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "jsonschema", None)
    with pytest.raises(PolicyError, match="pip install jsonschema"):
        of(HEAD)
