"""documents/words.py: what HAProxy makes of quotes, backslashes and variables, as tried on 3.0.11, and no byte lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import words
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

HAPROXY = sorted((Path(__file__).parents[4] / "shared" / "corpus" / "haproxy").glob("*.cfg"))
PIECES = ["bind :443", " ssl", '"a b"', "'c #'", "\\ ", "\\x41", "# d", "\r", "\t", '"', "'", "\\", '"${A-b}"', "é"]


def values(line: str, **known: str) -> tuple[str, ...]:
    (statement,) = words.parse(line, "f").statements
    return tuple(word.value(lambda name, otherwise: known.get(name, otherwise or "")) for word in statement)


@pytest.mark.parametrize(
    ("raw", "means"),
    [
        ("a\\tb", "a\tb"),
        ('"a\\qb"', "a\\qb"),
        ("a\\qb", "a\\qb"),
        ('"a\'b"', "a'b"),
        ("'a\\'b", "a\\b"),
        ("a#b", "a"),
        ('"a#b"', "a#b"),
        ("a\\#b", "a#b"),
        ("a\\\\b", "a\\b"),
        ("\\x41", "A"),
        ('"a\\"b"', 'a"b'),
        ('"a\\$HOME"', "a$HOME"),
        ('"a\\ b"', "a b"),
        ("pre'mid dle'post", "premid dlepost"),
        ("trail\\", "trail\\"),
        ('"$HOME"', "/root"),
        ("'$HOME'", "$HOME"),
        ("${NO-19497}", "${NO-19497}"),
        ('"${NO-19497}"', "19497"),
        ('"$NOPE"x', "x"),
    ],
)
def test_a_word_means_what_haproxy_makes_of_it(raw: str, means: str) -> None:
    assert values(f"maxconn {raw}", HOME="/root") == ("maxconn", means)


def test_a_quote_that_does_not_end_is_told_with_its_line() -> None:
    with pytest.raises(Unparsable) as told:
        words.parse('global\n  maxconn "x\n', "/etc/haproxy/haproxy.cfg")
    assert told.value.where == "/etc/haproxy/haproxy.cfg:2"


def test_a_word_knows_the_variables_that_it_stands_on() -> None:
    ((word,),) = words.parse("\"$A${B-c}\"'$D'$E", "f").statements
    assert word.variables == ("A", "B")


@given(st.text(alphabet="aé '\"\\$#\t"))
def test_a_value_that_is_quoted_means_itself(text: str) -> None:
    assert values(f"x {words.quoted(text)}") == ("x", text)


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text())).map("".join))
def test_texts_that_parse_render_to_themselves(text: str) -> None:
    try:
        document = words.parse(text, "f")
    except Unparsable as error:
        assert error.where.startswith("f:")
        return
    assert words.render(document) == text
    split = document.lines
    for word in (word for statement in document.statements for word in statement):
        assert split[word.line - 1][word.column :].startswith(word.raw)


@pytest.mark.skipif(not HAPROXY, reason="the corpus of real configurations is not beside this repository")
def test_every_configuration_of_the_corpus_keeps_every_byte() -> None:
    assert len(HAPROXY) >= 25
    for path in HAPROXY:
        text = path.read_bytes().decode()
        assert words.render(words.parse(text, path.name)) == text
