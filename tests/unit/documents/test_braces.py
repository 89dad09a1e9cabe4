"""documents/braces.py: nginx's language, lossless."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import braces, lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.braces import Splice, edits, parse, render
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
CORPUS = sorted((ROOT.parent / "shared" / "corpus" / "nginx").glob("*"))
FIXTURES = sorted(path for path in (ROOT / "tests/fixtures/nginx").glob("*/etc/nginx/**/*") if path.is_file() and path.suffix != ".crt")

# Bits of nginx files, glued together at random: nearly all of what the reader's branches look at.
PIECES = st.sampled_from(
    [
        *(" ", "\t", "\n", "\r\n", ";", "{", "}", "#", "'", '"', "\\", "$", "${a}", "(", ")", "listen 443 ssl;", "server {", "}\n", "# c\n"),
        *("'a b'", '"x;y"', "foo", "location ~ ^/a{1}$", "é", "\u2028", "\\n", "content_by_lua_block {", "[[ } ]]", "-- }\n", "--[==[ } ]==]"),
    ]
)
ARGUMENT = st.one_of(
    st.from_regex(r"[A-Za-z0-9_./:*$~^-]{1,12}", fullmatch=True),
    st.text("ab c;{}#\t\n", max_size=6).map(lambda inside: f'"{inside}"'),
    st.text('ab "c;{}#', max_size=6).map(lambda inside: f"'{inside}'"),
)
BLANK = st.sampled_from([" ", "\t", "\n  ", "\r\n", "  # note ; {\n"])


def simple() -> st.SearchStrategy[str]:
    words = st.lists(st.tuples(BLANK, ARGUMENT).map("".join), max_size=3).map("".join)
    return st.tuples(st.sampled_from(["listen", "ssl_protocols", "a"]), words, st.sampled_from(["", " ", "\n"])).map("".join).map(lambda d: d + ";")


def block(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(["http", "server", "location /x"]), BLANK, st.lists(inner, max_size=3)).map(
        lambda parts: f"{parts[0]}{parts[1]}{{{''.join(parts[2])}{parts[1]}}}"
    )


FILE = st.lists(st.tuples(st.recursive(simple(), block, max_leaves=8), BLANK).map("".join), max_size=5).map("".join)


def test_the_corpus_is_there() -> None:
    if not CORPUS:
        pytest.skip("0 of 20 corpus files tried: ../shared/corpus/nginx is not beside this checkout")
    assert len(CORPUS) == 20


@pytest.mark.parametrize("path", [*CORPUS, *FIXTURES], ids=lambda path: path.name)
def test_a_real_file_is_rendered_as_it_was(path: Path) -> None:
    text = path.read_bytes().decode()
    assert render(parse(text, path.name)) == text


@given(FILE)
def test_every_well_formed_file_parses_and_is_rendered_as_it_was(text: str) -> None:
    assert render(parse(text, "x")) == text


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_any_text_is_rendered_as_it_was_or_refused_with_a_line_that_it_has(text: str) -> None:
    try:
        document = parse(text, "x.conf")
    except Unparsable as error:
        path, _, line = error.where.partition(":")
        assert path == "x.conf" and 1 <= int(line) <= text.count("\n") + 1
    else:
        assert render(document) == text


@given(FILE)
def test_every_word_stands_where_it_says(text: str) -> None:
    whole = lines.split(text)

    def check(directives: tuple[braces.Directive, ...]) -> None:
        for directive in directives:
            for word in directive.words:
                assert ("".join(whole[word.line - 1 :])[word.column :]).startswith(word.raw)
            check(directive.body or ())

    check(parse(text, "x").directives)


@given(FILE, st.sampled_from(["", "TLSv1.3", "a\n  b"]))
def test_replacing_an_argument_changes_that_and_nothing_else(text: str, new: str) -> None:
    found = [(d, d.words[1]) for d in parse(text, "x").directives if len(d.words) > 1]
    if not found:
        return
    word = found[-1][1]
    offset = sum(len(line) for line in lines.split(text)[: word.line - 1]) + word.column
    made = edits(text, [Splice(word.line, word.column, word.raw, new)])
    assert lines.apply(text, made) == text[:offset] + new + text[offset + len(word.raw) :]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a b c;", ("a", "b", "c")),
        ("a;", ("a",)),
        ("a'b c;", ("a'b", "c")),
        ("a 'b c' \"d;e\";", ("a", "b c", "d;e")),
        (r"a b\ c \;x 'it\'s' tab\tq \d;", ("a", r"b\ c", r"\;x", "it's", "tab\tq", r"\d")),
        ("if ($x = 'y') ;", ("if", "($x", "=", "y", ")")),
        ("a ${b}c;", ("a", "${b}c")),
        ("a b#c; # d;", ("a", "b#c")),
        ("a # x; {\n b;", ("a", "b")),
        ("a\r\n\tb;", ("a", "b")),
        ("a b}c;", ("a", "b}c")),
    ],
)
def test_words_are_what_nginx_sees(text: str, values: tuple[str, ...]) -> None:
    directive = parse(text, "x").directives[0]
    assert (directive.name, *directive.args) == values


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a;\nb", 2, "unexpected end of file"),
        ("a {\n b;\n", 3, "opened in line 1 is never closed"),
        ("a;\n}\n", 2, "no block is open"),
        ("a {\n b }\n", 2, 'lacks its ";"'),
        ("a;\n;", 2, "no directive stands before it"),
        ("a;\n{", 2, "no directive stands before it"),
        ("a 'b\n c;", 2, "begins in line 1 never ends"),
        ("a 'b'c;", 1, "after a closing quote"),
        ("a b\\", 1, "after a backslash"),
        ("x_by_lua_block {\n '}'\n", 1, "opened in line 1 is never closed"),
        ("a {" * 200, 1, "nested deeper"),
    ],
)
def test_what_nginx_would_refuse_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(Unparsable, match=says) as caught:
        parse(text, "/etc/nginx/x.conf")
    assert caught.value.where == f"/etc/nginx/x.conf:{line}"


def test_braces_in_lua_strings_and_comments_do_not_end_the_block() -> None:
    text = "content_by_lua_block { local a = { '}' } -- }\n --[[ } ]] ngx.say([==[ } ]]]==]) }\nb;"
    block, after = parse(text, "x").directives
    assert block.body == () and "ngx.say" in block.verbatim and after.name == "b"


def test_a_second_directive_on_a_line_knows_its_column() -> None:
    second = parse("server { listen 443 ssl; server_name a; }\n", "x").directives[0].body[1]  # type: ignore[index]
    assert (second.name, second.words[1].line, second.words[1].column) == ("server_name", 1, 37)


def test_an_edit_keeps_the_comment_the_line_end_and_the_missing_final_newline() -> None:
    text = "a;\r\n  b 'c' ; # why\r\nd x"
    made = edits(text, [Splice(2, 4, "'c'", "e"), Splice(3, 2, "x", "y")])
    assert lines.apply(text, made) == "a;\r\n  b e ; # why\r\nd y"


def test_an_inserted_line_is_an_insertion_that_replaces_nothing() -> None:
    (made,) = edits("a;\nb;\n", [Splice(1, 2, "", "\nnew;")])
    assert (made.line, made.delete, made.insert) == (2, 0, ("new;\n",))


def test_a_replacement_by_the_same_text_is_no_edit() -> None:
    assert edits("a b;\n", [Splice(1, 2, "b", "b")]) == ()


@pytest.mark.parametrize("splices", [[Splice(1, 2, "x", "y")], [Splice(1, 0, "a b", "c"), Splice(1, 2, "b", "d")]])
def test_a_splice_that_does_not_fit_the_text_is_an_error(splices: list[Splice]) -> None:
    with pytest.raises(ValueError, match="line 1"):
        edits("a b;\n", splices)
