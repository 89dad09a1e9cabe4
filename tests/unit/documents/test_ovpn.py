"""documents/ovpn.py: OpenVPN's options and blocks as parse_line() of 2.6 reads them, and no byte lost."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import ovpn
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Unparsable
from hypothesis import given
from hypothesis import strategies as st

PIECES = [
    "port 1194", "--dev tun", 'cert "a b.crt" # c', "; c", " # c", "<ca>", "</ca>", "x", "<key>", "  </key> y", "a#b", "\\ ", '\\"', "'q\\'",
    "\r", "\t", '"', "é", "[redacted]", "<connection>", "</connection>", "key \"C:\\\\a\" 'b'",
]  # fmt: skip


def one(line: str) -> ovpn.Option:
    (option,) = ovpn.parse(line, "f").options
    return option


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("tls-groups X25519MLKEM768:X25519", "tls-groups", ("X25519MLKEM768:X25519",)),
        ("--cipher AES-256-CBC\r\n", "cipher", ("AES-256-CBC",)),
        ("  cert 'my key.crt' ; no more", "cert", ("my key.crt",)),
        ('cert "a\\\\b \\"c\\"" # d', "cert", ('a\\b "c"',)),
        ("cert a\\ b#c", "cert", ("a b#c",)),
        ('push "route 10.0.0.0 255.0.0.0"', "push", ("route 10.0.0.0 255.0.0.0",)),
        ("cert 'a\\b'", "cert", ("a\\b",)),
        ("\ufeffclient", "client", ()),
        ('x "a""b"', "x", ("a", "b")),
        ("x a\"b'", "x", ("a\"b'",)),
    ],
)
def test_a_line_means_what_openvpn_makes_of_it(line: str, name: str, arguments: tuple[str, ...]) -> None:
    assert (one(line).name, one(line).arguments) == (name, arguments)


def test_a_block_runs_to_its_end_and_nothing_in_it_is_an_option() -> None:
    text = "client\n<ca>\n# no comment\nport 1\n  </ca> rest\nport 2\n"
    document = ovpn.parse(text, "f")
    assert [(option.name, option.line, option.last) for option in document.options] == [("client", 1, 1), ("ca", 2, 5), ("port", 6, 6)]
    assert document.block(document.options[1]) == "# no comment\nport 1\n"


@pytest.mark.parametrize(("text", "line"), [("dev tun\n<ca>\nx\n", 2), ('cert "a\n', 1), ("cert 'a\n", 1), ("cert a\\qb\n", 1)])
def test_what_openvpn_refuses_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unparsable) as told:
        ovpn.parse(text, "/etc/openvpn/server/s.conf")
    assert told.value.where == f"/etc/openvpn/server/s.conf:{line}"


def test_an_edit_touches_the_arguments_alone() -> None:
    line = "\t--tls-groups  X25519:P-256  # ours\r\n"
    assert ovpn.replaced(line, one(line), "X25519MLKEM768/X25519") == "\t--tls-groups  X25519MLKEM768/X25519  # ours\r\n"


@given(st.one_of(st.lists(st.one_of(st.sampled_from(PIECES), st.text())).map("\n".join), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_texts_that_parse_render_to_themselves_and_options_stand_where_they_say(text: str) -> None:
    try:
        document = ovpn.parse(text, "f")
    except Unparsable as error:
        assert error.where.startswith("f:")
        return
    assert ovpn.render(document) == text
    for option in document.options:
        said = document.lines[option.line - 1][option.start : option.end]
        assert [word for word, dummy, _ in ovpn._words(said, "f")] == list(option.arguments)
