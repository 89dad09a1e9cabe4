"""policies/enterprise.yml shows every part of the language at least once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy import yaml_lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import SCHEMA

from ..conftest import TOP

PATH = TOP / "policies/enterprise.yml"
NOT_SHOWN = {
    "rule.layer": "resolve writes it, nobody else",
    "stage.layer": "resolve writes it, nobody else",
    "override.layer": "resolve writes it, nobody else",
    "policy.regimes": "belongs to a baseline: what an organisation writes speaks everywhere unless a rule says otherwise",
    "window.ical": "who reads the example may lack the library icalendar",
    "freeze.ical": "who reads the example may lack the library icalendar",
    "freeze.events": "shown by a window",
}
SCOPES = ("protocol", "transport", "role", "service", "zone", "group", "host")  # the same words wherever something applies


def part(name: str, key: str) -> str:
    return f"scope.{key}" if key in SCOPES and name != "peer" else f"{name}.{key}".lstrip(".")


def parts(schema: Any, name: str = "") -> Iterator[str]:
    """Every key of the language as DEFINITION.key; keys without a definition of their own by the way to them."""
    for key, below in schema.get("properties", {}).items():
        yield part(name, key)
        yield from parts(below, f"{name}.{key}".lstrip("."))
    for word in ("items", "then", "else", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from parts(schema[word], name)


def shown(schema: Any, value: Any, name: str = "") -> Iterator[str]:
    """Those of them that this value has."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        schema = SCHEMA["$defs"][name]
    for word in ("then", "else"):
        if word in schema:
            yield from shown(schema[word], value, name)
    if isinstance(value, list):
        for one in value:
            yield from shown(schema.get("items", {}), one, name)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, below in value.items():
            if key in known:
                yield part(name, key)
                yield from shown(known[key], below, f"{name}.{key}".lstrip("."))
            elif isinstance(others, dict):
                yield from shown(others, below, name)


def test_the_example_shows_every_part_of_the_language() -> None:
    language = {*parts(SCHEMA), *(one for name, schema in SCHEMA["$defs"].items() for one in parts(schema, name))}
    data, dummy = yaml_lines.load(PATH.read_text(encoding="utf-8"), str(PATH))
    missing = language - set(shown(SCHEMA, data))
    assert len(language) > 100
    assert missing == set(NOT_SHOWN), "show it in policies/enterprise.yml, or say here why not"
