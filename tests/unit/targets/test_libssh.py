"""What the libssh of the controller can speak is asked of that very library."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import libssh as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.libssh import kexinit, libssh_client

LIBSSH = importlib.util.find_spec("pylibsshext") is not None
needs = pytest.mark.skipif(not LIBSSH, reason="ansible-pylibssh is not installed: what libssh says of itself was not asked")


def packet(lists: Sequence[str], kind: int = 20) -> bytes:
    """RFC 4253 §7.1, without what stands behind the lists."""
    return bytes([4, kind]) + b"c" * 16 + b"".join(len(names).to_bytes(4, "big") + names.encode() for names in lists)


LISTS = ("curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com", "ssh-ed25519", "aes256-ctr", "ignored-s2c", "hmac-sha2-256,hmac-sha1", "x")


def test_the_lists_of_the_client_are_read_without_what_is_no_algorithm() -> None:
    assert kexinit(packet(LISTS)) == {
        "key_exchange": ("curve25519-sha256",),
        "host_key": ("ssh-ed25519",),
        "cipher": ("aes256-ctr",),
        "mac": ("hmac-sha2-256", "hmac-sha1"),
    }


@pytest.mark.parametrize("said", [b"", packet(LISTS)[:40], packet(LISTS, kind=1)])
def test_what_is_no_such_packet_is_refused(said: bytes) -> None:
    with pytest.raises(ValueError, match="its first packet"):
        kexinit(said)


def test_who_has_no_libssh_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_DIALS", "raise SystemExit(1)")
    with pytest.raises(Problem, match="has no libssh"):
        libssh_client("edge1", 22, checks=False, options={})


@needs
def test_libssh_says_itself_what_it_speaks_and_the_inventory_narrows_it() -> None:
    client = libssh_client("edge1", 22, checks=False, options={})
    assert client.name.startswith("this controller's libssh 0.")
    assert {"curve25519-sha256", "ecdh-sha2-nistp384"} <= set(client.offers["key_exchange"])
    assert "ssh-ed25519" in client.offers["host_key"]
    assert "aes256-ctr" in client.offers["cipher"]
    assert "hmac-sha2-256" in client.offers["mac"]
    narrow = libssh_client("edge1", 22, checks=False, options={"key_exchange_algorithms": "ecdh-sha2-nistp384"})
    assert narrow.offers["key_exchange"] == ("ecdh-sha2-nistp384",)


@needs
def test_who_insists_on_a_host_key_that_nobody_knows_is_told() -> None:
    assert libssh_client("a-host-that-nobody-has-seen.invalid", 22, checks=True, options={}).pinned is None
