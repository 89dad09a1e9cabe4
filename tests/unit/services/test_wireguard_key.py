"""services/wireguard_key.py: which line of which file at either end holds the key of one tunnel, on what real hosts said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.wireguard_key import KeyEnd, both_ends

from tests.fixtures.tunnels.load import captured, having, text_of

WG1 = "/etc/wireguard/wg1.conf"


def exposed(name: str) -> Snapshot:
    found = captured(name)
    return replace(found, files={**found.files, WG1: replace(found.files[WG1], mode="0644")})


def test_both_lines_are_found_though_two_tunnels_have_the_same_keys() -> None:
    here, there = both_ends(captured("tun-a"), captured("tun-b"), "wg1")
    for end, name in ((here, "tun-a"), (there, "tun-b")):
        assert (end.interface, end.path, end.delete, end.keyed) == ("wg1", WG1, 1, True)
        assert text_of(name, WG1).splitlines()[end.line - 1].startswith("PresharedKey = ")
        assert end.activation.units == ("wg-quick@wg1.service",)


def test_a_first_key_gets_a_line_in_the_section_of_its_peer() -> None:
    here, dummy = both_ends(captured("tun-a"), captured("tun-b"), "wg0")
    assert (here.keyed, here.delete, text_of("tun-a", "/etc/wireguard/wg0.conf").splitlines()[here.line - 2]) == (False, 0, "[Peer]")


@pytest.mark.parametrize("interface", ["wg7", "eth0"])
def test_an_interface_that_is_no_tunnel_to_that_host_is_refused(interface: str) -> None:
    with pytest.raises(Problem, match="are not two ends of one tunnel"):
        both_ends(captured("tun-a"), captured("tun-b"), interface)


def test_a_file_that_others_read_gets_no_key() -> None:
    with pytest.raises(Problem, match="make it 0600"):
        both_ends(captured("tun-a"), exposed("tun-b"), "wg1")


def test_a_host_without_wg_is_refused_because_nobody_could_see_which_key_is_in_use() -> None:
    with pytest.raises(Problem, match="wg is not installed"):
        both_ends(captured("tun-a"), having("tun-b", {}, wireguard_shown=("wg\n", "")), "wg1")


# ---------------------------------------------------------------- networkd

NETDEV, EXTRA, KEY = "/etc/systemd/network/50-wg1.netdev", "/etc/systemd/network/50-wg1.netdev.d/peer.conf", "/etc/wireguard/psk"
PEER = "csaQd3EZ8yvGl459C3j9GWQ9FQkxTRQWh3c+/UWqzHA="
HEAD = "[NetDev]\nName=wg1\nKind=wireguard\n[WireGuard]\nPrivateKey= [redacted]\nListenPort=51821\n"
INLINE = f"\n[WireGuardPeer]\nPublicKey={PEER}\nPresharedKey= [redacted]\nEndpoint=10.91.0.27:51821\n"
IN_FILE = f"\n[WireGuardPeer]\nPublicKey={PEER}\nPresharedKeyFile={KEY}\n"
SUM = "ab" * 32


def networkd(texts: dict[str, str], said: str = "systemd 257 (257.9-1~deb13u1)\n", holds: str = NETDEV) -> Snapshot:
    """tun-a, whose wg1 is networkd's."""
    found = having("tun-a", {WG1: None, **texts}, wireguard_shown=(f"file\t{WG1}\t", f"file\t{holds}\t"))
    answer = found.answers["wireguard-shown"]
    files = {path: replace(one, mode="0640", group="systemd-network") if path in texts else one for path, one in found.files.items()}
    return replace(found, files=files, answers={**found.answers, "wireguard-shown": replace(answer, out=f"{said}{answer.out}")})


def ours(snapshot: Snapshot) -> KeyEnd:
    return both_ends(snapshot, captured("tun-b"), "wg1")[0]


def test_networkds_line_is_found_and_only_that_daemon_is_reloaded() -> None:
    end = ours(networkd({NETDEV: HEAD + INLINE}))
    assert (end.path, end.form, end.line, end.delete, end.lead, end.calls) == (NETDEV, "netdev", 10, 1, "PresharedKey=", True)
    assert (end.activation.units, end.activation.action) == (("systemd-networkd.service",), "reload")


def test_the_key_of_a_drop_in_is_found_there() -> None:
    end = ours(networkd({NETDEV: HEAD, EXTRA: INLINE}, holds=EXTRA))
    assert (end.path, end.line, end.delete) == (EXTRA, 4, 1)


def test_a_file_that_holds_the_key_alone_is_replaced_as_a_whole() -> None:
    said = f"systemd 257\nmode 640 root systemd-network {KEY}\nsum {SUM}  {KEY}\n"
    end = ours(networkd({NETDEV: HEAD + IN_FILE}, said))
    assert (end.path, end.sha256, end.form, end.line, end.delete, end.lead, end.calls) == (KEY, SUM, "key", 1, 1, "", False)


@pytest.mark.parametrize(
    ("texts", "said", "why"),
    [
        ({NETDEV: HEAD + INLINE}, "systemd 252 (252.39-1~deb12u1)\n", "networkd 252 takes up a new key only with a new interface"),
        ({NETDEV: HEAD + INLINE}, "", "networkd of no known version"),
        ({NETDEV: HEAD + INLINE, EXTRA: INLINE}, "systemd 257\n", "stands there twice"),
        ({NETDEV: HEAD + IN_FILE}, "systemd 257\n", "is a link, or nobody can read it"),
        ({NETDEV: HEAD + IN_FILE}, f"systemd 257\nmode 644 root root {KEY}\nsum {SUM}  {KEY}\n", "make it 0600"),
        (
            {NETDEV: HEAD + IN_FILE + IN_FILE.replace(PEER, "C" * 43 + "=")},
            f"systemd 257\nmode 600 root root {KEY}\nsum {SUM}  {KEY}\n",
            "several peers",
        ),
        ({NETDEV.replace("/etc", "/run"): HEAD + INLINE}, "systemd 257\n", "another program makes this file"),
    ],
)
def test_what_networkd_would_not_take_up_is_refused(texts: dict[str, str], said: str, why: str) -> None:
    with pytest.raises(Problem, match=why):
        ours(networkd(texts, said, holds=next(reversed(texts))))
