"""documents/guc.py: the language of postgresql.conf, lossless."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import guc
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.guc import boolean, parse, quoted, render, replaced
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.postgresql.load import captured

PIECES = st.sampled_from([*" \t\r\n='#.\\-+:/", "ssl", "port", "5432", "128MB", "''", "\\'", "on", "'a b'", "include_dir", "# c\n", "é", "1.5e3"])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ssl = on", "on"),
        ("ssl on", "on"),
        ("SSL=On#x", "On"),
        ("\tssl_groups = 'X25519MLKEM768/X25519'\t# best first", "X25519MLKEM768/X25519"),
        ("log_line_prefix = '%m [%p] '", "%m [%p] "),
        ("a.b = 'it''s'", "it's"),
        (r"x = 'a\'b\\c\tq\101'", "a'b\\c\tqA"),
        ("shared_buffers = 128MB", "128MB"),
        ("x = -1.5e3", "-1.5e3"),
        ("x = 0x1F", "0x1F"),
        ("x = a.b/c:d-e", "a.b/c:d-e"),
        ("ssl_cert_file '/x'\r", "/x"),
    ],
)
def test_a_setting_has_a_name_a_value_and_its_place(line: str, value: str) -> None:
    (found,) = parse(f"# first\n{line}\n", "f").settings
    assert (found.value, found.line) == (value, 2)
    assert found.name == line.split("=", maxsplit=1)[0].split(maxsplit=1)[0].lower()


@pytest.mark.parametrize(
    "line", ["ssl", "port5432", "= on", "ssl = 'on", "ssl = on off", "listen_addresses = 10.1.2.3", "a.b.c = 1", "5 = x", "x = 128MB5", "x = 'a' b"]
)
def test_what_the_server_refuses_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(Unparsable, match="f:2: a line that is no"):
        parse(f"ssl = on\n{line}\n", "f")


def test_comments_and_empty_lines_say_nothing() -> None:
    assert parse("\n  # ssl = on\n\t\r\n#\n", "f").settings == ()


def test_a_value_that_the_agent_hid_is_still_a_setting() -> None:
    (found,) = parse("ssl_passphrase_command =  [redacted]\n", "f").settings
    assert (found.name, found.value) == ("ssl_passphrase_command", guc.REDACTED)


@pytest.mark.parametrize("host", ["svc-new", "svc-next"])
def test_every_captured_file_is_rendered_as_it_was(host: str) -> None:
    found = [(path, file.text) for path, file in captured(host).files.items() if "postgresql" in path and path.endswith("conf") and "hba" not in path]
    assert len(found) == 3
    for path, text in found:
        assert text and render(parse(text, path)) == text


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_is_parsed_is_rendered_as_it_was(text: str) -> None:
    try:
        document = parse(text, "f")
    except Unparsable:
        return
    assert render(document) == text


@given(st.text(st.characters(exclude_characters="\n\0", exclude_categories=("Cs",)), max_size=20))
def test_a_value_that_is_written_is_read_as_it_was_meant(value: str) -> None:
    line = "  ssl_ciphers = 'old'  # why\n"
    (before,) = parse(line, "f").settings
    (after,) = parse(replaced(line, before, value), "f").settings
    assert after.value == value and replaced(line, before, value).startswith("  ssl_ciphers = ")
    assert replaced(line, before, value).endswith("  # why\n") and quoted(value)[0] == "'"


def test_a_word_that_begins_only_one_answer_is_that_answer() -> None:
    assert [boolean(word) for word in ("on", "TRUE", "t", "yes", "y", "1")] == [True] * 6
    assert [boolean(word) for word in ("off", "of", "False", "n", "0")] == [False] * 5
    assert [boolean(word) for word in ("", "o", "2", "truely")] == [None] * 4
