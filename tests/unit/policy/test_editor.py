"""The schema for editors: fresh, right about everything that we ship, and of one mind with the one that counts."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any, ClassVar

import jsonschema
import pytest
import yaml
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import BASELINES, SCHEMA

from ..conftest import TOP

TOOL = runpy.run_path(str(TOP / "tests/tools/schema.py"))
PUBLISHED = TOP / "docs/policy.schema.json"
OURS = sorted((TOP / "policies").glob("*.yml"))
HEAD = 'policy: {name: t, version: "1"}\n'


class Yaml12(yaml.SafeLoader):
    """The core schema of YAML 1.2, as editors load it: `no` and dates are text, `true` and numbers are not."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"), list("-+.0123456789"))
Yaml12.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def in_an_editor(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(yaml.load(text, Yaml12))]


def at_run_time(text: str) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.load(text, yaml.BaseLoader))]


def test_the_published_schema_is_the_present_one() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == TOOL["page"](), "python tests/tools/schema.py > docs/policy.schema.json"
    jsonschema.Draft202012Validator.check_schema(TOOL["published"]())


@pytest.mark.parametrize("path", [*OURS, *sorted(BASELINES.glob("*.yml"))], ids=lambda path: path.name)
def test_what_we_ship_is_right_to_an_editor(path) -> None:
    assert in_an_editor(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_policy_of_ours_tells_the_editor_where_its_schema_is(path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == PUBLISHED


def rule(allow: str) -> str:
    return HEAD + f"rules: [{{id: 7, aspect: cipher, allow: {allow}, source: {{doc: d, force: draft}}}}]\n"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (rule("{aead: true}"), True),
        (rule('{aead: "true"}'), True),
        (rule("{aead: yes}"), False),
        (rule("{key_bits: 128}"), True),
        (rule('{key_bits: ">=128"}'), True),
        (rule("{key_bits: 1.5}"), False),
        (rule("{key_bits: true}"), False),
        (rule("{name: []}"), False),
        (rule("{status: currnt}"), False),
        (HEAD.replace('"1"', "1.10"), True),
        (HEAD + "zones: {z: {jurisdiction: [no]}}\n", True),
        (HEAD + "zones: {z: {data_lifetime: 7}}\n", False),
        (HEAD + "zones: {z: {groups: web}}\n", False),
        (HEAD + "stages: [{stage: prefer, from: 2026-12-01, zone: [a, b]}]\n", True),
        (HEAD + "stages: [{stage: prefer, from: 2026-13-01}]\n", False),
        (HEAD + "freezes: [{id: x, from: 2026-12-18T00:00, to: 2027-01-04T06:00}]\n", True),
        (HEAD + "algoritms: {}\n", False),
    ],
)
def test_the_editor_says_what_the_collection_says(text: str, right: bool) -> None:
    assert (in_an_editor(text) == []) is right
    assert (at_run_time(text) == []) is right
