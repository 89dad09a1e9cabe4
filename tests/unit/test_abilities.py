"""A plan is for binaries that can do what they could when it was made."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.abilities import abilities, different
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Capability, Endpoint

KEX = Capability(("mlkem768x25519-sha256", "curve25519-sha256"), "ssh -Q kex", "OpenSSH_10.0p2")
SSHD = Endpoint("sshd", "openssh", "ssh", "openssh", (("*", 22),), "OpenSSH_10.0p2", {}, {"key_exchange": KEX, "cipher": Capability(None, "nobody")})
WEB = Endpoint("nginx *:443", "nginx", "tls", "openssl", (("*", 443),), "nginx 1.26.3", {}, {"key_exchange": replace(KEX, library="OpenSSL 3.5.9")})
THEN = abilities((SSHD, WEB), {"openssh"})


def upgraded(**kex: object) -> Endpoint:
    return replace(SSHD, version="OpenSSH_10.2p1", capabilities={**SSHD.capabilities, "key_exchange": replace(KEX, **kex)})


def test_only_what_the_plan_changes_counts() -> None:
    assert set(THEN) == {"sshd"}
    assert different(THEN, abilities((SSHD,), {"openssh"})) == ""


def test_another_version_that_can_do_the_same_is_no_difference() -> None:
    assert different(THEN, abilities((upgraded(library="OpenSSH_10.2p1"),), {"openssh"})) == ""


def test_an_algorithm_that_went_is_told_with_both_versions() -> None:
    told = different(THEN, abilities((upgraded(names=("curve25519-sha256",)),), {"openssh"}))
    assert told == "what sshd can do changed since the plan was made (OpenSSH_10.0p2 then, OpenSSH_10.2p1, OpenSSH_10.0p2 now)"


def test_what_cannot_be_asked_any_more_and_what_is_gone_are_differences() -> None:
    assert "can do changed" in different(THEN, abilities((upgraded(names=None),), {"openssh"}))
    assert different(THEN, {}) == "sshd is not found any more, for which the plan was made"


def test_the_library_is_part_of_what_is_told() -> None:
    assert abilities((WEB,), {"nginx"})["nginx *:443"]["version"] == "nginx 1.26.3, OpenSSL 3.5.9"
