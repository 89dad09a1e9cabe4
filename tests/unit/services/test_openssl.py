"""services/openssl.py: versions, group lists, and what a library can do."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Inexpressible
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import openssl
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openssl import Library, library, parse_groups, render_groups
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = library("OpenSSL 3.0.22 25 Aug 2026"), library("OpenSSL 3.5.7 9 Jun 2026")
NAMES = ["X25519MLKEM768", "X25519", "prime256v1", "X448", "secp384r1", "ffdhe2048"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenSSL 3.5.7 9 Jun 2026", Library("OpenSSL 3.5.7", (3, 5, 7))),
        ("OpenSSL 1.1.1w  11 Sep 2023", Library("OpenSSL 1.1.1w", (1, 1, 1))),
        ("LibreSSL 3.8.2", Library("LibreSSL 3.8.2", ())),
        ("", Library("", ())),
    ],
)
def test_a_version_is_read_from_what_programs_print(text: str, expected: Library) -> None:
    assert library(text) == expected


@given(st.permutations(NAMES), st.lists(st.integers(0, 1), min_size=len(NAMES), max_size=len(NAMES)))
def test_what_is_written_is_read_back_with_its_tiers(names: list[str], steps: list[int]) -> None:
    tiers = [sum(steps[1 : at + 1]) for at in range(len(names))]
    assert parse_groups(render_groups(names, tiers, NEW), NEW, None) == tuple(zip(names, tiers, strict=True))


@given(st.permutations(NAMES))
def test_a_library_without_tuples_gets_a_flat_list(names: list[str]) -> None:
    assert render_groups(names, range(len(names)), OLD) == ":".join(names)


@pytest.mark.parametrize("tiers", [(1, 0), (0,)])
def test_tiers_that_cannot_be_a_list_are_refused(tiers: tuple[int, ...]) -> None:
    with pytest.raises(Inexpressible):
        render_groups(("X25519", "X448"), tiers, NEW)


def test_default_inside_a_list_brings_its_tuples_where_the_library_keeps_them() -> None:
    fixed, broken = (parse_groups("SecP256r1MLKEM768:DEFAULT", library(f"OpenSSL {v}"), None) or () for v in ("3.5.6", "3.5.5"))
    assert fixed[:3] == (("SecP256r1MLKEM768", 0), ("X25519MLKEM768", 0), ("X25519", 1))
    assert {tier for _, tier in broken} == {0}, "CVE-2026-2673: 3.5.0 to 3.5.5 made one tuple of it"


def answers(hybrid: str) -> dict[str, Answer]:
    return {
        "openssl": Answer(("openssl", "version"), 0, "OpenSSL 3.0.22 25 Aug 2026 (Library: OpenSSL 3.0.22 25 Aug 2026)\n"),
        "groups": Answer(("openssl",), 1, "", "list: Unknown option: -tls-groups\n"),
        "hybrid": Answer(("openssl",), 1, "", hybrid),
    }


def test_an_old_library_with_a_provider_that_brings_the_hybrid_has_it() -> None:
    names = openssl.group_capability(OLD, answers("connect:errno=20\n")).names
    assert names is not None and names[0] == "X25519MLKEM768"


def test_an_answer_that_is_not_understood_makes_the_capability_unknown() -> None:
    found = openssl.group_capability(OLD, answers("s_client: Memory allocation failure\n"))
    assert found.names is None and "usable answer" in found.source


# Debian 13 as it answers today; the library's own provider tells its version, so nobody needs to ask for it
LISTED = """secp256r1:x25519:X25519MLKEM768

Providers:
  {}
    name: OpenSSL Default Provider
    version: {}
    status: active
"""


def listed(provider: str, version: str) -> dict[str, Answer]:
    return {"groups": Answer(("openssl",), 0, LISTED.format(provider, version))}


@pytest.mark.parametrize("provider", ["default", "base"])
def test_the_list_of_groups_and_the_version_come_with_one_answer(provider: str) -> None:
    found = openssl.group_capability(library("OpenSSL 3.5.9"), listed(provider, "3.5.9"))
    assert found.names == ("prime256v1", "X25519", "X25519MLKEM768")


@pytest.mark.parametrize(("provider", "version"), [("default", "3.6.0"), ("fips", "3.5.9")])
def test_a_provider_of_another_version_or_origin_does_not_speak_for_the_daemon(provider: str, version: str) -> None:
    found = openssl.group_capability(library("OpenSSL 3.5.9"), listed(provider, version))
    assert found.names is None


def test_the_question_for_the_hybrid_can_never_connect() -> None:
    argv = openssl.COMMANDS["hybrid"]
    assert argv[argv.index("-unix") + 1] == "/dev/null/none", "a path below a file that is no folder"
    assert "-connect" not in argv


@pytest.mark.parametrize("running", ["LibreSSL 3.8.2", "OpenSSL 1.0.2u"])
def test_the_openssl_command_does_not_speak_for_another_library(running: str) -> None:
    found = openssl.group_capability(library(running), answers(""))
    assert found.names is None and running in found.source


def test_before_3_5_the_providers_tell_the_version_and_no_process_more() -> None:
    """As 3.0.19 answered; `openssl version` is asked only where there are no providers."""
    listed = Answer((), 0, "Providers:\n  default\n    name: OpenSSL Default Provider\n    version: 3.0.19\n    status: active\n")
    assert openssl.loaded({"groups": Answer((), 1), "providers": listed}).label == "OpenSSL 3.0.19"
    assert openssl.SECOND_TRIES["openssl"] == "providers"
