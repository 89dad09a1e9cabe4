"""tunnels@1 on captured ends of tunnels: what it asks of each protocol, and that it speaks of nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Finding, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.strongswan import load as vpn
from tests.fixtures.tunnels import load as tun

from ..conftest import TODAY, captured, requirements
from .texts import HEAD, of

POLICY = of(HEAD + "extends: [hybrid-transition@1, tunnels@1]\n")
HYBRID = ("aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-x25519-ke1_mlkem768")


def found(service: str, snapshot: Snapshot) -> dict[tuple[str, str], Finding]:
    judged = assess(SERVICES[service].read(snapshot), lambda one: requirements(POLICY, one.protocol), TODAY)
    return {(one.endpoint.removeprefix(f"{service} "), one.aspect): one for one in judged}


def site(*said: tuple[str, str]) -> Snapshot:
    text = vpn.captured("vpn-a").files[vpn.SITE].text or ""
    for old, new in said:
        assert old in text
        text = text.replace(old, new)
    return vpn.unloaded(vpn.having("forky", text))


def test_a_classical_tunnel_lacks_a_hybrid_in_ike_and_in_esp_and_a_ppk_meanwhile() -> None:
    told = found("strongswan", site())
    assert {key: (one.state, one.rule) for key, one in told.items()} == {
        ("site", "key_exchange"): ("missing", "kex-ike"),
        ("site", "ppk"): ("forbidden", "ppk-ike"),
        ("site/net", "key_exchange"): ("missing", "kex-esp"),
    }


def test_a_hybrid_tunnel_needs_no_ppk_and_one_that_is_only_enabled_is_none() -> None:
    assert found("strongswan", site(HYBRID))["site", "ppk"].state == "compliant"
    assert found("strongswan", site(HYBRID))["site", "key_exchange"].state == "compliant"
    enabled = site(("version = 2", "version = 2\n    ppk_id = one"))
    assert found("strongswan", enabled)["site", "ppk"].state == "forbidden"
    required = site(("version = 2", "version = 2\n    ppk_id = one\n    ppk_required = yes"))
    assert found("strongswan", required)["site", "ppk"].state == "compliant"


def test_a_peer_of_wireguard_needs_a_preshared_key_of_its_own() -> None:
    told = {endpoint.partition(" ")[0]: one.state for (endpoint, aspect), one in found("wireguard", tun.captured("tun-a")).items() if aspect == "psk"}
    assert told == {"wg0": "forbidden", "wg1": "compliant"}


def test_openvpn_lacks_a_hybrid() -> None:
    one = found("openvpn", tun.captured("tun-a"))["server/site.conf", "key_exchange"]
    assert (one.state, one.rule, one.stage) == ("missing", "kex-openvpn", "prefer")


@pytest.mark.parametrize("service", ["openssh", "nginx"])
def test_it_speaks_of_tunnels_alone(service: str) -> None:
    alone = of(HEAD + "extends: [tunnels@1]\n")
    read = SERVICES[service].read(captured("web-new"))
    assert read and [one for one in assess(read, lambda e: requirements(alone, e.protocol), TODAY) if one.rule] == []
