"""What the controller's own ssh says of itself: the real ssh and ssh-keygen, with files of our own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.controller import openssh_client


def test_only_keys_of_the_host_itself_are_pinned(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    arguments = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "KexAlgorithms=curve25519-sha256"]
    known.write_text(f"@cert-authority * {public}\n@revoked * {public}\n")
    assert openssh_client("web.example", arguments, str(key)).pinned == ()
    known.write_text(f"@cert-authority * {public}\nweb.example {public}\n")
    client = openssh_client("web.example", arguments, str(key))
    assert client.pinned == ("ssh-ed25519",)
    assert client.user_keys == ("ssh-ed25519",)
    assert client.offers["key_exchange"] == ("curve25519-sha256",)
