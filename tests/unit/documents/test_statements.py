"""documents/statements.py, curly.py, config_edit.py: what devices print loses no byte, and what was cut off is told with its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import (
    config_edit,
    curly,
    export,
    lines,
    statements,
    tmsh,
    xml_paths,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.statements import Document
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import CORPUS, FIXTURES

GRAMMARS: dict[str, Callable[[str, str], Document]] = {
    "junos": curly.junos,
    "vyos": curly.vyos,
    "set": statements.commands,
    "fortios": config_edit.parse,
    "panos": xml_paths.parse,
    "routeros": export.parse,
    "f5": tmsh.parse,
}
BRACES = [
    "system {",
    "a b;",
    "}",
    "inactive: x {",
    "a [ b c ];",
    '  m "x { ; \\" }";',
    "/* x",
    "*/",
    "# x",
    "## x",
    "// y",
    "a b",
    'a "',
    "\r",
    "é",
    "\tx\x0b",
]
COMMANDS = [
    "set a b",
    "set a [ b c ]",
    "set a 'b c'",
    "set a 'b",
    "deactivate a",
    "config a b",
    'edit "x"',
    "next",
    "end",
    'set a "b',
    'c" d',
    "unset a",
    "",
    "/a b",
    "add c=d,e \\",
]
PIECES = [*BRACES, *COMMANDS, "<a>", '<entry name="b">', "</a>", "</entry>", "<member>c</member>"]


@pytest.mark.parametrize("name", GRAMMARS)
@given(text=st.one_of(st.lists(st.sampled_from(PIECES)).map("\n".join), st.text()))
def test_texts_that_parse_render_to_themselves(name: str, text: str) -> None:
    try:
        document = GRAMMARS[name](text, "f")
    except Unparsable as error:
        assert error.where.startswith("f:")
        return
    assert statements.render(document) == text
    assert all(0 < one.line <= len(document.lines) for one in document.statements)


def said(document: Document) -> list[tuple[str, int]]:
    return [(" | ".join(one.words), one.line) for one in document.statements]


def test_braces_and_commands_say_the_same() -> None:
    braces = 'a {\n  b {\n    c [ d "e f" ];\n    inactive: g h;\n  }\n  inactive: i {\n    j;\n  }\n  k {\n  }\n}\n'
    orders = 'set a b c d\nset a b c "e f"\nset a b g h\nset a i j\nset a k\ndeactivate a b g\ndeactivate a i\n'
    assert said(curly.junos(braces, "f")) == [("a | b | c | d", 3), ("a | b | c | e f", 3), ("a | k", 9)]
    assert [words for words, dummy in said(statements.commands(orders, "f"))] == ["a | b | c | d", "a | b | c | e f", "a | k"]


def test_a_comment_and_a_string_hold_no_statements() -> None:
    text = 'a {\n  /* b {\n  c; */ d;\n  m "x; } {"; ## SECRET-DATA\n  # e;\n}\n'
    assert said(curly.junos(text, "f")) == [("a | d", 3), ("a | m | x; } {", 4)]


def test_vyos_ends_a_statement_with_the_line() -> None:
    text = "a {\n    b eth0 {\n        c \"d { e\"\n        f\n    }\n    /* g {\n    } */\n    h 'i j'\n    k {\n    }\n}\n// l\n"
    assert said(curly.vyos(text, "f")) == [("a | b | eth0 | c | d { e", 3), ("a | b | eth0 | f", 4), ("a | h | i j", 8), ("a | k", 9)]


def test_fortios_values_may_run_over_lines_and_hold_anything() -> None:
    text = 'config a b\n    edit "x y"\n        set c "d\nconfig e\nend \\" f" g\n        unset h\n        config i\n            set j 1 2\n        end\n    next\nend\n'
    assert said(config_edit.parse(text, "f")) == [
        ("a | b | x y", 2),
        ('a | b | x y | c | d\nconfig e\nend " f', 3),
        ("a | b | x y | c | g", 3),
        ("a | b | x y | i | j | 1", 8),
        ("a | b | x y | i | j | 2", 8),
    ]


def test_tmsh_has_lists_in_one_line_quotes_over_lines_and_scripts_that_say_nothing() -> None:
    text = 'a b "c {" {\n  d { e "f g" }\n  h { }\n  i "j\n}\n" k\n  l {\n    m n\n  }\n}\nltm rule r {\n o \\} { " }\n}\np { }\n'
    assert said(tmsh.parse(text, "f")) == [
        ("a | b | c { | d | e", 2),
        ("a | b | c { | d | f g", 2),
        ("a | b | c { | h", 3),
        ("a | b | c { | i | j\n}\n | k", 4),
        ("a | b | c { | l | m | n", 8),
        ("p", 14),
    ]


CUT = {
    "a block that stays open": ("junos", "a {\n b;\n", "cut off.*line 1", 2),
    "a statement without its end": ("junos", "a {\n b c\n}\n", "ends with neither a semicolon", 2),
    "a brace too many": ("junos", "a;\n}\n", "no block is open", 2),
    "a comment that stays open": ("junos", "a;\n/* b\nc;\n", "no end", 2),
    "a string that stays open": ("junos", 'a "b;\n', "quote", 1),
    "a list that stays open": ("junos", "a [ b\n", "ends with neither a semicolon", 1),
    "a leaf at the margin": ("vyos", "hello\n", "no statement of VyOS", 1),
    "prose in a block": ("vyos", "a {\n  please see the next line\n}\n", "no statement of VyOS", 2),
    "a block of VyOS that stays open": ("vyos", "a {\n b {\n }\n", "cut off.*line 1", 3),
    "a quote in a command": ("set", "set a 'b\n", "quote", 1),
    "a script of changes": ("set", "set a b\ndelete a b\n", "script", 2),
    "an edit that stays open": ("fortios", "config a\n edit 1\n  set b c\n", "the `edit` of line 2", 3),
    "an object of BIG-IP that stays open": ("f5", "a b {\n c d\n", "cut off.*line 1", 2),
    "a value of BIG-IP that stays open": ("f5", 'a b {\n c "d\n}\n', "begins here", 2),
    "a script that stays open": ("f5", "ltm rule r {\n when {\n }\n", "no end", 1),
    "a value that stays open": ("fortios", 'config a\n set b "c\nend\n', "line 2|begins here", 2),
}


@pytest.mark.parametrize("case", CUT)
def test_what_was_cut_off_is_told_with_its_line(case: str) -> None:
    grammar, text, why, line = CUT[case]
    with pytest.raises(Unparsable, match=why) as told:
        GRAMMARS[grammar](text, "f")
    assert told.value.where == f"f:{line}"


def test_every_configuration_of_the_corpus_round_trips() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside this checkout: 25 configurations of Juniper and VyOS not parsed")
    for folder, grammar in (("juniper-junos", statements.commands), ("vyos", curly.vyos)):
        files = sorted((CORPUS / folder).iterdir())
        assert len(files) >= 10
        for path in files:
            text = lines.decode(path.read_bytes(), str(path))
            document = grammar(text, str(path))
            assert statements.render(document) == text, path
            assert document.statements, path


@pytest.mark.parametrize(
    "name", ["junos-24.conf", "junos.set", "vyos-2026.boot", "vyos.set", "fortios-76.conf", "panos-111.xml", "routeros-721.rsc", "f5-171.conf"]
)
def test_the_synthetic_configurations_round_trip(name: str) -> None:
    text = (FIXTURES / "appliances" / name).read_text(encoding="utf-8")
    kind = name.rsplit(".", maxsplit=1)[-1] if name.endswith(".set") else name.split("-", maxsplit=1)[0]
    document = GRAMMARS[kind](text, "f")
    assert statements.render(document) == text
    assert len(document.statements) > 9
