"""documents/ipsec_conf.py: the language of ipsec.conf, lossless."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.ipsec_conf import (
    Include,
    Parameter,
    Section,
    parse,
    render,
    replaced,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.conftest import CORPUS

OTHERS = (".strongswan.conf", ".swanctl.conf", ".ipsekey.conf")  # of the daemons beside it
FILES = sorted((*(CORPUS / "strongswan-ipsec-conf").glob("*"), *(CORPUS / "libreswan-ipsec-conf").glob("*")))
FILES = [path for path in FILES if not path.name.endswith(OTHERS)]
PIECES = st.sampled_from(
    [*' \t\r\n=#"', "conn x\n", "conn %default\n", "config setup\n", "\tike=aes256-sha2;modp2048", "include /a/*.conf\n", "also=y", "\t", " # c", "é"]
)


def parameter(line: str) -> Parameter:
    (section,) = parse(f"conn x\n{line}\n", "f").items
    assert isinstance(section, Section)
    return section.parameters[0]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("\tike=aes256-sha2;modp2048,aes128", "aes256-sha2;modp2048,aes128"),
        ("    IKE = aes256 # strong", "aes256"),
        ('\tike="aes256 # not a comment"  # one', "aes256 # not a comment"),
        ("\tike=", ""),
        ("\tike=x#y", "x#y"),
        ("\tike={ a b }\r", "{ a b }"),
        ("\tike=\t# nothing", ""),
    ],
)
def test_a_parameter_has_a_value_and_its_place(line: str, value: str) -> None:
    found = parameter(line)
    assert (found.name, found.value, found.line) == ("ike", value, 2)
    assert line[found.start : found.end].strip('"') == value


def test_sections_and_includes_come_in_order_and_empty_lines_end_none() -> None:
    text = "version 2.0\n# top\nconfig setup\n\n\tuniqueids=no\ninclude /etc/ipsec.d/*.conf\nconn %default # all\n\talso=base\n\n\n\t# gone=1\n\tauto=add\n"
    setup, include, default = parse(text, "f").items
    assert isinstance(setup, Section) and (setup.kind, setup.name, len(setup.parameters)) == ("config", "setup", 1)
    assert include == Include("/etc/ipsec.d/*.conf", 6)
    assert isinstance(default, Section) and [one.name for one in default.parameters] == ["also", "auto"]


@pytest.mark.parametrize("line", ["\tauto=add", "conn", "auto=add", "conn a b", '\tleftid="open', "anything"])
def test_a_line_that_is_nothing_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(Unparsable, match="f:2: a line that is no"):
        parse(f"# first\n{line}\n", "f")


@pytest.mark.parametrize(
    ("line", "after"), [("\tike = aes128  # old\r\n", "\tike = new  # old\r\n"), ('  ike="aes128"\n', '  ike="new"\n'), ("\tike=\n", "\tike=new\n")]
)
def test_another_value_leaves_the_rest_of_the_line(line: str, after: str) -> None:
    assert replaced(line, parameter(line.rstrip("\n")), "new") == after


@given(st.lists(PIECES).map("".join))
def test_every_text_that_parses_is_rendered_as_it_was_and_its_values_stand_in_their_places(text: str) -> None:
    try:
        document = parse(text, "f")
    except Unparsable as refused:
        assert refused.where.startswith("f:")
        return
    assert render(document) == text
    for section in document.items:
        for one in section.parameters if isinstance(section, Section) else ():
            assert document.lines[one.line - 1][one.start : one.end].strip('"') == one.value


def test_the_corpus_is_there() -> None:
    if not FILES:
        pytest.skip("0 corpus files tried: ../shared/corpus/libreswan-ipsec-conf is not beside this checkout")
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_are_rendered_as_they_were(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document = parse(text, path.name)
    assert render(document) == text and document.items
