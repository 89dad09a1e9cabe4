"""OpenSSL's cipher lists mean here what they mean to OpenSSL 1.1.1, 3.0 and 3.5, order included: tests/fixtures/ciphers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.cipher_string import Expansion, Suite, expand, parse_suites
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[2] / "fixtures"
VERSIONS = {"web-new": (3, 5, 7), "web-old": (3, 0, 22), "web-legacy": (1, 1, 1)}
IANA = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:AES128-SHA"


@cache
def listed(host: str) -> str:
    return (FIXTURES / "nginx" / host / "answers" / "ciphers.out").read_text()


@cache
def suites(host: str) -> tuple[Suite, ...]:
    return parse_suites(listed(host))[0]


def expanded(expression: str, host: str = "web-new") -> Expansion:
    return expand(expression, suites(host), VERSIONS[host])


def names(expression: str, host: str = "web-new") -> list[str]:
    return [suite.name for suite in expanded(expression, host).suites]


def captured(host: str) -> dict[str, list[str]]:
    """Expression → what that host's openssl printed; nothing = it refused."""
    lines = listed(host).splitlines()
    rows = (row.split("\t") for row in (FIXTURES / "ciphers" / f"{host}.tsv").read_text().splitlines())
    return {said: [lines[int(n) - 1].split()[0] for n in numbers.split()] if numbers != "refused" else [] for said, numbers in rows}


@pytest.mark.parametrize("host", VERSIONS)
def test_every_captured_expression_means_what_that_openssl_says_it_means(host: str) -> None:
    modern = parse_suites(listed(host))[1]
    real = captured(host)
    assert len(real) > 140
    for expression, said in real.items():
        found = expanded(expression, host)
        if expression != IANA:
            assert ([] if found.refused else [*modern, *(suite.name for suite in found.suites)]) == said, expression


@pytest.mark.parametrize("host", VERSIONS)
def test_what_is_refused_is_what_that_openssl_refuses(host: str) -> None:
    assert {e for e in captured(host) if expanded(e, host).refused} == {e for e, said in captured(host).items() if not said}


def test_an_iana_name_is_not_translated_but_reported() -> None:
    """3.5 takes it, 3.0 ignores it; which version began is not documented, so nobody may take the rest for the whole."""
    assert expanded(IANA).unknown == ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)


def test_unknown_words_are_ignored_and_reported() -> None:
    found = expanded("HIGH:NOSUCH:!EXPORT:ECDHE+NONE")
    assert found.unknown == ("NOSUCH", "EXPORT", "NONE")
    assert [suite.name for suite in found.suites] == names("HIGH")


@pytest.mark.parametrize(("expression", "level"), [("DEFAULT", None), ("DEFAULT@SECLEVEL=2", 2), ("@SECLEVEL=1:HIGH:@SECLEVEL=0", 0)])
def test_the_security_level_is_the_last_one_that_is_named(expression: str, level: int | None) -> None:
    assert expanded(expression).level == level


def test_from_4_0_on_case_does_not_matter() -> None:
    """SSL_CTX_set_cipher_list(3) of 4.0 says so; no 4.0 was at hand."""
    then = expand("default:!Anull:ecdhe+aesgcm@strength", suites("web-new"), (4, 0, 4))
    assert [suite.name for suite in then.suites] == names("DEFAULT:!aNULL:ECDHE+AESGCM@STRENGTH")


# ---------------------------------------------------------------- security levels: SSL_CTX_set_security_level(3)


@pytest.mark.parametrize("host", VERSIONS)
@pytest.mark.parametrize(
    ("name", "highest"),
    [
        ("ADH-AES256-GCM-SHA384", 0),
        ("ECDHE-RSA-NULL-SHA", 0),
        ("AES128-SHA", 2),
        ("ECDHE-RSA-AES128-SHA", 3),
        ("AES256-GCM-SHA384", 2),
        ("ECDHE-RSA-AES256-SHA", 3),
        ("ECDHE-RSA-AES256-GCM-SHA384", 5),
    ],
)
def test_a_suite_stands_up_to_its_level(host: str, name: str, highest: int) -> None:
    (suite,) = (suite for suite in suites(host) if suite.name == name)
    assert [level for level in range(6) if suite.stands_at(level)] == list(range(highest + 1))


@pytest.mark.parametrize(
    ("line", "highest"),
    [
        ("RC4-SHA SSLv3 Kx=RSA Au=RSA Enc=RC4(128) Mac=SHA1", 1),
        ("RC4-MD5 SSLv3 Kx=RSA Au=RSA Enc=RC4(128) Mac=MD5", 0),
        ("ECDHE-RSA-DES-CBC3-SHA TLSv1 Kx=ECDH Au=RSA Enc=3DES(168) Mac=SHA1", 2),
    ],
)
def test_suites_that_distributions_no_longer_build_stand_up_to_their_level_too(line: str, highest: int) -> None:
    ((suite,), dummy) = parse_suites(line)
    assert [level for level in range(6) if suite.stands_at(level)] == list(range(highest + 1))


@pytest.mark.parametrize(("host", "stands"), [("web-new", False), ("web-old", True), ("web-legacy", True)])
def test_a_tag_of_8_bytes_is_too_short_where_the_librarys_own_order_says_so(host: str, stands: bool) -> None:
    assert {suite.stands_at(1) for suite in suites(host) if suite.enc.startswith("AESCCM8")} == {stands}


# ---------------------------------------------------------------- properties

WORDS = ["HIGH", "ALL", "eNULL", "aNULL", "ECDHE", "AESGCM", "kRSA", "AES128", "SHA1", "PSK", "CAMELLIA", "TLSv1.2", "NOSUCH", "AES128-SHA"]
ITEMS = st.tuples(st.sampled_from(["", "-", "+", "!"]), st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map("+".join)).map("".join)
EXPRESSIONS = st.lists(ITEMS, min_size=1, max_size=6).map(":".join)


@given(EXPRESSIONS)
def test_an_expansion_has_no_suite_twice_and_writing_it_out_means_the_same(expression: str) -> None:
    found = names(expression)
    assert len(found) == len(set(found))
    assert not found or names(":".join(found)) == found


@given(EXPRESSIONS, st.sampled_from(WORDS[:-2]), EXPRESSIONS)
def test_what_is_killed_never_comes_back(before: str, word: str, after: str) -> None:
    assert not set(names(f"{before}:!{word}:{after}")) & set(names(word))


@given(st.lists(st.sampled_from([suite.name for suite in suites("web-new")]), min_size=1, unique=True))
def test_a_plain_list_keeps_its_order(listing: list[str]) -> None:
    assert names(":".join(listing)) == listing


@given(st.text("AHIGL+-!@:,; ._=*0a\n", max_size=30))
def test_any_text_has_a_meaning_or_is_refused(text: str) -> None:
    found = expanded(text)
    assert bool(found.suites) or bool(found.refused)
