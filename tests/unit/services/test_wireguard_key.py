"""services/wireguard_key.py: which line of which file at either end holds the key of one tunnel, on what real hosts said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.wireguard_key import both_ends

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
