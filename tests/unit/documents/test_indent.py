"""documents/indent.py: IOS-like configurations lose no byte, and what a banner says is no configuration."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import indent, lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import CORPUS

PIECES = [
    "version 17.9",
    " group 20",
    "  peer x",
    "!",
    " !",
    "",
    "\r",
    "\tquit",
    "banner motd ^C",
    "^C",
    "banner login",
    "EOF",
    "banner exec #a#",
    "é",
    " \x0b x",
]


@given(st.one_of(st.lists(st.sampled_from(PIECES)).map("\n".join), st.text()))
def test_texts_that_parse_render_to_themselves(text: str) -> None:
    try:
        document = indent.parse(text, "f")
    except Unparsable as error:
        assert error.where.startswith("f:")
        return
    assert indent.render(document) == text


def test_every_indented_file_of_the_corpus_round_trips() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside this checkout: 41 configurations of Cisco and Arista not parsed")
    files = sorted(path for folder in ("cisco-ios", "arista-eos") for path in (CORPUS / folder).iterdir())
    assert len(files) >= 41
    for path in files:
        text = lines.decode(path.read_bytes(), str(path))
        assert indent.render(indent.parse(text, str(path))) == text, path


def test_what_stands_deeper_belongs_to_the_line_above() -> None:
    document = indent.parse("a b\n x\n!\n  y z\n w\nc\n", "f")
    (first, last) = document.commands
    assert (first.words, last.words, last.line) == (("a", "b"), ("c",), 6)
    assert [(one.words, one.line) for one in first.body] == [(("x",), 2), (("w",), 5)]
    assert first.body[0].under("y")[0].words == ("y", "z")


@pytest.mark.parametrize("banner", ["banner motd ^C\nend\n^C\n", "banner motd ^Cend^C\n", "banner login #\nend\n x#\n", "banner login\nend\nEOF\n"])
def test_a_banner_is_no_configuration(banner: str) -> None:
    document = indent.parse(f"{banner}hostname x\n", "f")
    assert [one.words[0] for one in document.commands] == ["banner", "hostname"]
    assert document.banners == ((1, banner.count("\n")),)


def test_a_banner_without_an_end_names_its_line() -> None:
    with pytest.raises(Unparsable) as told:
        indent.parse("hostname x\nbanner motd ^C\nend\n", "f")
    assert told.value.where == "f:2"
