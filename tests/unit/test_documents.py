"""Grammars lose no byte, and edits touch no line that they need not."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import braces, keyword, lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Edit, Unparsable
from hypothesis import given
from hypothesis import strategies as st

from .conftest import CORPUS, HOSTS, captured

SSHD = st.lists(
    st.sampled_from(
        [
            "KexAlgorithms a,b",
            "  ciphers=x",
            "# c",
            "",
            "Match User bob",
            '\tMACs "a,b" # c',
            "Include /etc/ssh/x/*.conf",
            "Port 22\r",
            "\x0cPort 1",
            "é ü",
        ]
    )
).map("\n".join)
NGINX = st.lists(
    st.sampled_from(
        [
            "http {",
            "}",
            "server{listen 443 ssl;",
            "ssl_ecdh_curve X25519;",
            "# c }",
            "\r\n",
            " \t",
            'a "b;c" d;',
            "'x\\'y';",
            "${v}z q;",
            "if ($a ~ b) { return 1; }",
        ]
    )
).map(" \n".join)


@given(st.one_of(SSHD, st.text()))
def test_sshd_texts_that_parse_render_to_themselves(text: str) -> None:
    try:
        document = keyword.parse(text, "f")
    except Unparsable as error:
        assert error.where.startswith("f")
        return
    assert keyword.render(document) == text


@given(st.one_of(NGINX, st.text()))
def test_nginx_texts_that_parse_render_to_themselves(text: str) -> None:
    try:
        document = braces.parse(text, "f")
    except Unparsable as error:
        assert error.where.startswith("f:")
        return
    assert braces.render(document) == text


@given(st.binary())
def test_bytes_are_text_or_refused_with_their_offset(raw: bytes) -> None:
    try:
        assert lines.decode(raw, "f").encode("utf-8") == raw
    except Unparsable as error:
        assert "byte" in str(error)
        assert error.where == "f"


def test_every_nginx_file_of_the_corpus_round_trips() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not beside this checkout: 20 nginx files not parsed")
    files = sorted((CORPUS / "nginx").iterdir())
    assert len(files) >= 20
    for path in files:
        text = lines.decode(path.read_bytes(), str(path))
        assert braces.render(braces.parse(text, str(path))) == text, path


@pytest.mark.parametrize("name", HOSTS)
def test_every_captured_file_round_trips(name: str) -> None:
    snapshot = captured(name)
    for path, file in snapshot.files.items():
        if "nginx" in path and path.endswith((".conf", "site")):
            assert braces.render(braces.parse(file.text or "", path)) == file.text
        if "sshd_config" in path:
            assert keyword.render(keyword.parse(file.text or "", path)) == file.text


@given(st.lists(st.sampled_from(["a\n", "b\r\n", "c\n", "\n"]), min_size=1, max_size=8), st.data())
def test_an_edit_leaves_every_other_line_alone(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    line = data.draw(st.integers(1, len(parts)))
    after = lines.split(lines.apply(text, [Edit(line, 1, ("X\n",))]))
    assert after == (*parts[: line - 1], "X\n", *parts[line:])


def test_an_edit_after_an_unfinished_line_is_refused() -> None:
    with pytest.raises(ValueError, match="unfinished"):
        lines.apply("a\nb", [Edit(3, 0, ("c\n",))])


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        lines.apply("a\nb\n", [Edit(1, 2, ()), Edit(2, 1, ("x\n",))])


def test_a_quote_that_does_not_end_names_its_line() -> None:
    with pytest.raises(Unparsable) as found:
        keyword.parse('Port 22\nMACs "a,b\n', "/etc/ssh/sshd_config")
    assert found.value.where == "/etc/ssh/sshd_config:2"


def test_an_unclosed_block_names_its_file() -> None:
    with pytest.raises(Unparsable) as found:
        braces.parse("http {\n  server { listen 443;\n", "/etc/nginx/nginx.conf")
    assert found.value.where.startswith("/etc/nginx/nginx.conf:")


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("KexAlgorithms a,b\n", "kexalgorithms", ("a,b",)),
        ("  Ciphers = x,y\r\n", "ciphers", ("x,y",)),
        ('MACs "a,b"\n', "macs", ("a,b",)),
        ("Ciphers=x # why\n", "ciphers", ("x",)),
        ("\tMatch User bob Address 10.0.0.0/8\n", "match", ("User", "bob", "Address", "10.0.0.0/8")),
    ],
)
def test_sshd_reads_a_line_as_sshd_does(line: str, name: str, arguments: tuple[str, ...]) -> None:
    directive = keyword.parse(line, "f").directives[0]
    assert (directive.name, directive.arguments) == (name, arguments)


def test_replacing_a_value_keeps_indentation_comment_and_line_end() -> None:
    line = "  Ciphers = old   # why\r\n"
    assert keyword.replaced(line, keyword.parse(line, "f").directives[0], "new") == "  Ciphers = new   # why\r\n"
