"""What the controller's own ssh says of itself: the real ssh and ssh-keygen, with files of our own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.reach import Client
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.controller import openssh_client

ARGUMENTS = ("-F", "none", "-o", "KexAlgorithms=curve25519-sha256", "-o", "GlobalKnownHostsFile=/dev/null")


@pytest.fixture
def public(tmp_path: Path) -> str:
    """A public key; the private one is `key` beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    return " ".join((tmp_path / "key.pub").read_text().split()[:2])


def asked(tmp_path: Path, known: str, *arguments: str, host: str = "web.example") -> Client:
    path = tmp_path / "known_hosts"
    path.write_text(known)
    return openssh_client(host, [*arguments, *ARGUMENTS, "-o", f"UserKnownHostsFile={path}"], str(tmp_path / "key"))


def test_the_client_says_what_it_offers_and_which_key_it_has(tmp_path: Path, public: str) -> None:
    client = asked(tmp_path, f"web.example {public}\n")
    assert client.pinned == ("ssh-ed25519",)
    assert client.user_keys == ("ssh-ed25519",)
    assert client.offers["key_exchange"] == ("curve25519-sha256",)


def test_a_revoked_key_pins_nothing_and_an_authority_pins_certificates(tmp_path: Path, public: str) -> None:
    assert asked(tmp_path, f"@revoked * {public}\n").pinned is None
    pinned = asked(tmp_path, f"@cert-authority * {public}\n").pinned
    assert pinned and all("-cert-v01@openssh.com" in name for name in pinned)


@pytest.mark.parametrize(
    ("known", "pinned"),
    [
        ("[web.example]:2222 {key}", ("ssh-ed25519",)),
        ("web.example {key}", ("ssh-ed25519",)),
        ("[web.example]:2222 {key}\nweb.example ssh-rsa AAAA", ("ssh-ed25519",)),
        ("[web.example]:2223 {key}", None),
    ],
)
def test_on_another_port_ssh_looks_under_a_name_with_that_port_first(tmp_path: Path, public: str, known: str, pinned: tuple[str, ...] | None) -> None:
    assert asked(tmp_path, known.format(key=public) + "\n", "-p", "2222").pinned == pinned


def test_a_hashed_entry_pins_too(tmp_path: Path, public: str) -> None:
    path = tmp_path / "hashed"
    path.write_text(f"[web.example]:2222 {public}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "web.example" not in path.read_text()
    assert asked(tmp_path, path.read_text(), "-p", "2222").pinned == ("ssh-ed25519",)


def test_the_global_file_pins_too(tmp_path: Path, public: str) -> None:
    path = tmp_path / "global"
    path.write_text(f"web.example {public}\n")
    assert asked(tmp_path, "", "-o", f"GlobalKnownHostsFile={path}").pinned == ("ssh-ed25519",)


@pytest.mark.parametrize("checking", ["no", "accept-new"])
def test_who_takes_any_key_is_pinned_to_none(tmp_path: Path, public: str, checking: str) -> None:
    assert asked(tmp_path, f"web.example {public}\n", "-o", f"StrictHostKeyChecking={checking}").pinned == ()
