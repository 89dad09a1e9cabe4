"""documents/settings.py: the language of swanctl.conf and strongswan.conf, lossless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.braces import Splice, edits
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.settings import Include, Item, Section, Setting, parse, render
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import CORPUS

FILES = sorted((*(CORPUS / "strongswan-swanctl").glob("*"), *(CORPUS / "libreswan-ipsec-conf").glob("*s*an*l.conf")))
FILES += sorted((CORPUS / "libreswan-ipsec-conf").glob("*.strongswan.conf"))
PIECES = st.sampled_from(
    [*' \t\r\n={}#":,.\\', "a", "proposals", "include x/*.conf", "aes256-x25519", '"q q"', "# c\n", "conn {\n", "}\n", " : b", "é", "[redacted]"]
)


def settings_of(items: Iterable[Item]) -> Iterator[Setting]:
    for item in items:
        if isinstance(item, Section):
            yield from settings_of(item.items)
        elif isinstance(item, Setting):
            yield item


def written(text: str, line: int, column: int) -> str:
    """The text from this place on."""
    return "".join(lines.split(text)[line - 1 :])[column:]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a = b", "b"),
        ("a=b # c", "b"),
        ("a =   b    c\t d  ", "b c d"),
        ('a = "b  c" d', "b  c d"),
        ('a = "x\\"y\\n\\tz\\\\"', 'x"y\n\tz\\'),
        ('a = "one \\\n  two"', "one   two"),
        ("a = 10.0.0.1, 10.0.0.2 # both", "10.0.0.1, 10.0.0.2"),
        ("a = x{y", "x{y"),
        ("a =", None),
        ("a =\n", None),
        ("a\n= b", "b"),
        ("a = b\r\n", "b"),
        ("a = [redacted]", "[redacted]"),
    ],
)
def test_a_setting_has_a_value_and_stands_where_it_says(text: str, value: str | None) -> None:
    (found,) = parse(text, "f").items
    assert isinstance(found, Setting)
    assert (found.name, found.value) == ("a", value)
    assert written(text, found.line, found.column).startswith(found.raw)


def test_sections_hold_settings_and_sections_also_on_one_line() -> None:
    (outer,) = parse("conns { lab { local { auth = psk\n id = srv } version = 2 } }\n", "f").items
    assert isinstance(outer, Section)
    (lab,) = outer.items
    assert isinstance(lab, Section) and [item.name for item in lab.items if not isinstance(item, Include)] == ["local", "version"]
    assert (outer.open_at, lab.close_at) == ((1, 7), (2, 24))


def test_a_section_names_those_that_it_inherits_from_in_order() -> None:
    (found,) = parse("gw : conn-defaults,\n  a.b.c # both\n{ x = 1 }", "f").items
    assert isinstance(found, Section) and found.bases == ("conn-defaults", "a.b.c") and len(found.items) == 1


@pytest.mark.parametrize(
    ("text", "pattern"), [("include conf.d/*.conf\n", "conf.d/*.conf"), ('include "a b/*" # x', "a b/*"), ("include a\\ b.conf", "a b.conf")]
)
def test_an_include_has_a_pattern(text: str, pattern: str) -> None:
    assert parse(f"\n{text}", "f").items == (Include(pattern, 2),)


def test_include_is_a_name_like_any_other_before_an_equal_sign() -> None:
    (found,) = parse("include= x", "f").items
    assert isinstance(found, Setting) and found.value == "x"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = 1\n}", 'f:2: unexpected "}"'),
        ("a {\n b = 1\n", "opened in line 1 is never closed"),
        ('a = 1\nb = "x', "f:2: a quoted string that never ends"),
        ('"a" = b', "a name is expected"),
        ("a b = c", "is followed by"),
        ("a.b = c", "is followed by"),
        ("x : { }", "inherit from"),
        ("a {" * 101, "nested deeper"),
        ("alone", "is followed by"),
    ],
)
def test_what_strongswan_refuses_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(Unparsable, match=why):
        parse(text, "f")


@given(st.lists(PIECES).map("".join))
def test_every_text_that_parses_is_rendered_as_it_was_and_its_values_stand_in_their_places(text: str) -> None:
    try:
        document = parse(text, "f")
    except Unparsable as refused:
        assert refused.where.startswith("f:")
        return
    assert render(document) == text
    for setting in settings_of(document.items):
        assert written(text, setting.line, setting.column).startswith(setting.raw)


@given(st.lists(PIECES).map("".join))
def test_an_edit_of_one_value_touches_its_lines_alone_and_reads_back(text: str) -> None:
    try:
        found = [one for one in settings_of(parse(text, "f").items) if one.value is not None]
    except Unparsable:
        return
    for setting in found[:3]:
        made = edits(text, [Splice(setting.line, setting.column, setting.raw, "new")])
        assert all(setting.line <= edit.line <= setting.line + setting.raw.count("\n") for edit in made)
        after = list(settings_of(parse(lines.apply(text, made), "f").items))
        assert "new" in [one.value for one in after]


def test_the_corpus_is_there() -> None:
    if not FILES:
        pytest.skip("0 of 126 corpus files tried: ../shared/corpus/strongswan-swanctl is not beside this checkout")
    assert len(FILES) == 126


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_are_rendered_as_they_were(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document = parse(text, path.name)
    assert render(document) == text
    assert bool(document.items) == any(line.strip() and not line.strip().startswith("#") for line in text.splitlines())
