"""Both ends of every tunnel side by side: what the playbook finds on real hosts, and that it says `moved` only when both SA lists do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import TOP, Lab, Ran, on, started

HOSTS = ("vpn-a", "vpn-b", "tun-a", "tun-b")
POLICY = str(TOP / "tests/fixtures/strongswan/policy.yml")
INVENTORIES = ("-i", "inventories/vpn", "-i", "inventories/tunnels")
SERVICES = ["strongswan", "openvpn", "wireguard"]
TUNNEL = "swanctl --terminate --ike site --force >/dev/null 2>&1; swanctl --initiate --child net >/dev/null && swanctl --rekey --child net >/dev/null"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    """Every module begins with its hosts as they were built, and with tunnels that carry something."""
    started(*HOSTS)
    for far in ("10.94.0.1", "10.95.0.1", "10.96.0.1"):
        on("tun-b", f"for n in $(seq 40); do ping -c 1 -W 1 {far} >/dev/null 2>&1 && exit; sleep 1; done; exit 1")
    on("vpn-a", TUNNEL)


def play(lab: Lab, name: str, limit: str, **variables: object) -> Ran:
    return lab.play(name, limit, *INVENTORIES, agility_services=SERVICES, **{"agility_policy": POLICY, **variables})


def found(ran: Ran) -> dict[tuple[str, ...], dict[str, Any]]:
    """The links, by host and connection of both ends."""
    said = json.loads((ran.output / "links.json").read_text(encoding="utf-8"))["links"]
    return {tuple(f"{side['host']} {side['endpoint'].split(' ')[0]}".strip() for side in one["channels"][0]["sides"]): one for one in said}


def test_every_tunnel_of_four_hosts_is_one_link_and_runs_made_apart_say_the_same(lab: Lab) -> None:
    ran = play(lab, "links", ",".join(HOSTS))
    assert ran.rc == 0, ran.text
    states = {ends: one["verdict"]["state"] for ends, one in found(ran).items()}
    assert states == {
        ("vpn-a site", "vpn-b site"): "able",
        ("tun-a wg0", "tun-b wg0"): "unable",
        ("tun-a wg1", "tun-b wg1"): "moved",
        ("tun-a server/site.conf", "tun-b client/site.conf"): "able",
    }
    assert '"vpn-a site ↔ vpn-b site (strongswan)",' in ran.text and "able: both can do x25519-ke1_mlkem768" in ran.text

    one = play(lab, "links", "vpn-a")
    (alone,) = found(one).values()
    assert (alone["verdict"]["state"], alone["verdict"]["why"]) == ("unknown", "vpn-b was not looked at: audit both ends")
    joined = play(lab, "links", "", agility_results=[str(one.output), str(ran.output)])
    assert joined.rc == 0 and found(joined) == found(ran), joined.text


def test_a_tunnel_is_moved_only_when_the_sas_of_both_ends_name_it(lab: Lab) -> None:
    ran = play(lab, "enforce", "vpn-a,vpn-b", agility_campaign="links")
    assert ran.rc == 0, ran.text
    try:
        on("vpn-a", "swanctl --terminate --ike site >/dev/null; swanctl --initiate --child net >/dev/null")
        (born,) = found(play(lab, "links", "vpn-a,vpn-b")).values()
        assert born["verdict"]["state"] == "agreed", "the child was born with its IKE SA and has no exchange of its own yet"
        on("vpn-a", "swanctl --rekey --child net >/dev/null; sleep 0.5")
        (moved,) = found(play(lab, "links", "vpn-a,vpn-b")).values()
        assert moved["verdict"] == {"state": "moved", "why": "every SA of it, in the lists of both ends, names ML-KEM"}
        assert all("KE1_ML_KEM_1024" in side["did"][-1] for channel in moved["channels"] for side in channel["sides"])
        assert "KE1_ML_KEM_1024" in on("vpn-b", "swanctl --list-sas")
    finally:
        assert play(lab, "rollback", "vpn-a,vpn-b", agility_campaign="links").rc == 0
