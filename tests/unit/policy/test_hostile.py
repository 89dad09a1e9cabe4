"""Whatever stands where in a policy, or in its cases: it is taken, or told as a mistake with file and line.  Never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import PolicyError
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.review.cases import load_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_language import FULL, NSS
from .test_review import CASES
from .texts import of

WRONG = ("", "x", "-1", "9999-12-31", "0001-01-01", "no", "*", "../../etc/passwd", "\0", "x" * 5000, [], ["x"], [[]], {}, {"x": "y"}, [{"x": ["y"]}])
DOCUMENT = yaml.load(FULL, Loader=yaml.BaseLoader)
CASE_FILE = yaml.load(CASES, Loader=yaml.BaseLoader)
Path = tuple[Any, ...]


def nodes(value: Any, at: Path = ()) -> Iterator[Path]:
    yield at
    if isinstance(value, dict):
        for key, child in value.items():
            yield from nodes(child, (*at, key))
    if isinstance(value, list):
        for place, child in enumerate(value):
            yield from nodes(child, (*at, place))


def instead(document: Any, at: Path, value: Any) -> str:
    """The document with this value at that node, as YAML."""
    changed = copy.deepcopy(document)
    if not at:
        return yaml.safe_dump(value)
    parent = changed
    for step in at[:-1]:
        parent = parent[step]
    parent[at[-1]] = value
    return str(yaml.safe_dump(changed))


def told(text: str) -> str:
    """ "" when it is a policy, else the mistakes; anything but a mistake fails."""
    try:
        of(text, others={"nss.yml": NSS})
    except PolicyError as error:
        assert str(error).strip()
        return str(error)
    return ""


NODES, CASE_NODES = tuple(nodes(DOCUMENT)), tuple(nodes(CASE_FILE))


def test_the_document_that_is_fuzzed_says_something_in_every_section() -> None:
    assert told(FULL) == ""
    assert {at[0] for at in NODES if at} >= {
        "policy",
        "extends",
        "algorithms",
        "zones",
        "peers",
        "rules",
        "overrides",
        "exceptions",
        "windows",
        "freezes",
    }


@pytest.mark.parametrize("wrong", [[["x"]], {"x": {"y": "z"}}], ids=["list", "mapping"])
@pytest.mark.parametrize("section", sorted({str(at[0]) for at in NODES if at}))
def test_a_wrong_type_at_every_node_is_told_with_its_line(section: str, wrong: Any) -> None:
    for at in NODES:
        if at and at[0] == section:
            assert "p.yml:" in told(instead(DOCUMENT, at, wrong)), at


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(NODES), st.sampled_from(WRONG))
def test_a_strange_value_at_any_node_is_taken_or_told(at: Path, value: Any) -> None:
    told(instead(DOCUMENT, at, value))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(NODES), st.text(max_size=30))
def test_any_text_at_any_node_is_taken_or_told(at: Path, value: str) -> None:
    told(instead(DOCUMENT, at, value))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200))
def test_any_text_is_taken_or_told(text: str) -> None:
    told(text)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(CASE_NODES), st.sampled_from(WRONG))
def test_a_strange_value_at_any_node_of_a_case_is_taken_or_told(at: Path, value: Any) -> None:
    try:
        load_cases(instead(CASE_FILE, at, value), "t.yml")
    except Problem as problem:
        assert "t.yml:" in str(problem)


def test_a_large_text_is_told_at_once() -> None:
    assert "larger than 1024 KiB" in told("# " + "x" * 10 * 1024 * 1024)


@pytest.mark.parametrize("name", ["../p.yml", "/etc/passwd", "a/../../b.yml", "~/x.yml", "p.yml\0", "http://example.org/p.yml", "a" * 5000])
def test_a_path_that_leads_out_or_nowhere_is_told(name: str) -> None:
    assert "p.yml:" in told(instead({"policy": {"name": "t", "version": "1"}}, ("extends",), [name]))
