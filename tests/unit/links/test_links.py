"""links/*.py: which endpoints are two ends of one tunnel, what they would agree on, and whether both may move; on captured hosts of the lab."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.find import find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.link import Link
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.links import links, links_table
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from tests.fixtures.strongswan import load as vpn
from tests.fixtures.tunnels import load as tun

HYBRID = "aes256gcm16-prfsha384-x25519-ke1_mlkem768"
OLD = "aes256gcm16-prfsha384-x25519"


def endpoints(service: str, snapshot: Snapshot) -> tuple[dict[str, Any], ...]:
    return tuple(plain(one) for one in SERVICES[service].read(snapshot))


def site(host: str, *said: tuple[str, str], suite: str = "forky") -> tuple[dict[str, Any], ...]:
    """The lab's connection with something else in its file, and no SA yet."""
    text = vpn.captured(host).files[vpn.SITE].text or ""
    for old, new in said:
        assert old in text
        text = text.replace(old, new)
    return endpoints("strongswan", vpn.unloaded(vpn.having(suite, text)))


def pair(a: tuple[dict[str, Any], ...], b: tuple[dict[str, Any], ...]) -> Link:
    (found,) = find({"vpn-a": a, "vpn-b": b}, {})
    return found


def whose(found: Link) -> tuple[str, ...]:
    return tuple(side.host for side in found.channels[0].sides)


def captured() -> dict[str, tuple[dict[str, Any], ...]]:
    return {host: endpoints("strongswan", vpn.captured(host)) for host in ("vpn-a", "vpn-b")}


def test_two_ends_are_shown_side_by_side_with_what_both_say_of_their_sas() -> None:
    found = pair(*captured().values())
    ike, esp = found.channels
    assert (found.service, found.hub, ike.protocol, esp.protocol) == ("strongswan", "", "ikev2", "esp")
    assert [(side.host, side.endpoint, side.version, side.managed) for side in esp.sides] == [
        ("vpn-a", "site/net", "strongSwan 6.1.0", True),
        ("vpn-b", "site/net", "strongSwan 6.1.0", True),
    ]
    assert [side.did for side in ike.sides] == [("AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519",)] * 2
    assert [(one.exchange, one.fails) for one in (*ike.would, *esp.would)] == [("x25519", ""), ("x25519", "")]
    assert found.verdict.state == "able" and "x25519-ke1_mlkem" in found.verdict.why


def test_an_sa_that_both_have_links_them_whatever_their_files_say() -> None:
    strange = [{**one, "settings": {**one["settings"]}} for one in captured()["vpn-b"]]
    for one in strange:
        facts = tuple(fact for fact in one["settings"]["link"]["values"] if fact.startswith("sa="))
        one["settings"]["link"] = {**one["settings"]["link"], "values": ("local_addrs=203.0.113.9", "remote_addrs=203.0.113.8", *facts)}
    assert whose(pair(captured()["vpn-a"], tuple(strange))) == ("vpn-a", "vpn-b")


def test_without_an_sa_addresses_and_identities_link_them() -> None:
    assert whose(pair(site("vpn-a"), site("vpn-b"))) == ("vpn-a", "vpn-b")
    behind_nat = site("vpn-a", ("remote_addrs = 10.91.0.19", "remote_addrs = 203.0.113.9"))
    assert len(pair(behind_nat, site("vpn-b")).channels) == 2, "the identity fits, so the address is that of a NAT"


def test_another_identity_or_another_address_is_another_tunnel() -> None:
    other = site("vpn-a", ("id = vpn-b.lab.test", "id = else.lab.test"))
    elsewhere = site("vpn-a", ("remote_addrs = 10.91.0.19", "remote_addrs = 203.0.113.9"), ("id = vpn-b.lab.test", "# no id"))
    for one, whom in ((other, "else.lab.test"), (elsewhere, "203.0.113.9")):
        found = find({"vpn-a": one, "vpn-b": site("vpn-b")}, {})
        assert [whose(link) for link in found] == [("vpn-a", whom), ("vpn-b", "vpn-a.lab.test")]


def test_a_partner_is_named_and_limits_what_may_be_done() -> None:
    (found,) = find({"vpn-a": captured()["vpn-a"]}, {"vpn-a": ("10.91.0.18",)})
    assert whose(found) == ("vpn-a", "vpn-b.lab.test") and not found.channels[0].sides[1].managed
    assert found.verdict.state == "one-end" and "take nothing away" in found.verdict.why


def test_a_host_of_the_inventory_that_was_not_looked_at_is_no_partner() -> None:
    (found,) = find({"vpn-a": captured()["vpn-a"]}, {"vpn-b": ("10.91.0.19",)})
    assert whose(found) == ("vpn-a", "vpn-b")
    assert (found.verdict.state, found.verdict.why) == ("unknown", "vpn-b was not looked at: audit both ends")


def test_the_responder_decides_by_its_own_order() -> None:
    a, b = (site(host, (OLD, text)) for host, text in (("vpn-a", f"{OLD}, {HYBRID}"), ("vpn-b", f"{HYBRID}, {OLD}")))
    would = pair(a, b).channels[0].would
    assert [(one.begins, one.exchange) for one in would] == [("vpn-a", "x25519-ke1_mlkem768"), ("vpn-b", "x25519")]
    assert pair(a, b).verdict.state == "able", "it depends on who begins"


def test_one_end_alone_that_offers_more_changes_nothing() -> None:
    (would,) = pair(site("vpn-a", (OLD, f"{HYBRID}, {OLD}")), site("vpn-b")).channels[0].would
    assert would.exchange == "x25519"


def test_both_that_offer_hybrids_first_have_to_establish_them_anew() -> None:
    first = ((OLD, f"{HYBRID}, {OLD}"), ("aes256gcm16-x25519\n", "aes256gcm16-x25519-ke1_mlkem768, aes256gcm16-x25519\n"))
    assert pair(site("vpn-a", *first), site("vpn-b", *first)).verdict.state == "agreed"


def test_an_end_that_reads_the_word_and_has_no_method_would_agree_and_fail() -> None:
    first = (OLD, f"{HYBRID}, {OLD}")
    old = site("vpn-b", first, suite="trixie")
    found = pair(site("vpn-a", first), old)
    assert "vpn-b reads it and cannot do it" in found.channels[0].would[0].fails
    assert found.verdict.state == "unable" and "vpn-b runs strongSwan 6.0.1" in found.verdict.why


def test_children_that_share_no_exchange_stand_until_their_first_rekeying() -> None:
    found = pair(site("vpn-a", ("aes256gcm16-x25519\n", "aes256gcm16-ecp384\n")), site("vpn-b"))
    assert found.channels[1].would[0].fails == "no proposal in common: the tunnel stands until its first rekeying"
    assert found.verdict.state == "unable" and found.verdict.why.startswith("esp site/net: no proposal in common")


def test_a_hub_has_a_link_with_each_of_its_spokes() -> None:
    hub = site("vpn-b", ("remote_addrs = 10.91.0.18", "remote_addrs = %any"), ("id = vpn-a.lab.test", "id = *.lab.test"))
    third = site("vpn-a", ("local_addrs = 10.91.0.18", "local_addrs = 10.91.0.20"), ("id = vpn-a.lab.test", "id = vpn-c.lab.test"))
    found = find({"vpn-a": site("vpn-a"), "vpn-b": hub, "vpn-c": third}, {})
    assert [(whose(link), link.hub) for link in found] == [(("vpn-a", "vpn-b"), "vpn-b"), (("vpn-b", "vpn-c"), "vpn-b")]
    (alone,) = find({"vpn-b": hub}, {})
    assert whose(alone) == ("vpn-b", "anybody who is let in")


def test_whom_a_hub_holds_an_sa_with_and_nobody_manages_is_named() -> None:
    hub = [{**one, "settings": {**one["settings"]}} for one in captured()["vpn-b"]]
    said = hub[0]["settings"]["link"]
    facts = tuple(fact for fact in said["values"] if not fact.startswith("remote_"))
    hub[0]["settings"]["link"] = {**said, "values": (*facts, "remote_addrs=%any", "sa=1-2 x25519 192.0.2.7 road.example")}
    found = find({"vpn-a": captured()["vpn-a"], "vpn-b": tuple(hub)}, {})
    assert [whose(link) for link in found] == [("vpn-a", "vpn-b"), ("vpn-b", "road.example")]


# ---------------------------------------------------------------- WireGuard, OpenVPN


def tunnels(*services: str, **said: tuple[str, str]) -> tuple[Link, ...]:
    """said: other answers of tun-b."""
    there = {"tun-a": tun.captured("tun-a"), "tun-b": tun.having("tun-b", {}, **said)}
    return find({host: tuple(x for name in services for x in endpoints(name, one)) for host, one in there.items()}, {"tun-a": ("10.91.0.26",)})


def test_tunnels_between_the_same_two_keys_are_told_apart_by_their_ports() -> None:
    found = tunnels("wireguard")
    assert [[side.endpoint.split()[0] for side in link.channels[0].sides] for link in found] == [["wg0", "wg0"], ["wg1", "wg1"]]
    assert [link.verdict.state for link in found] == ["unable", "moved"]
    assert [link.channels[0].would[0].exchange for link in found] == ["Noise_IKpsk2_25519", "Noise_IKpsk2_25519+psk"]


def test_a_preshared_key_at_one_end_alone_is_no_tunnel() -> None:
    shown = next(line for line in tun.captured("tun-b").answers["wireguard-shown"].out.splitlines() if line.startswith("peer\twg1"))
    lost = tunnels("wireguard", wireguard_shown=(shown, shown.replace("\t1\t", "\t-\t")))[1]
    assert (lost.verdict.state, lost.verdict.why) == ("unable", "tun-a has a preshared key and tun-b has none: no handshake")


def test_a_client_of_openvpn_calls_its_server() -> None:
    (found,) = tunnels("openvpn")
    assert [(side.host, side.endpoint) for side in found.channels[0].sides] == [("tun-a", "server/site.conf"), ("tun-b", "client/site.conf")]
    assert (found.hub, found.channels[0].would[0].exchange, found.verdict.state) == ("tun-a", "X25519", "able")
    assert "both can do X25519MLKEM768" in found.verdict.why


# ---------------------------------------------------------------- results


def test_of_several_runs_the_last_look_at_each_host_counts() -> None:
    def result(host: str, taken: str, *said: tuple[str, str]) -> HostResult:
        return HostResult(host, "audit", "ok", taken=taken, endpoints=site(host, *said))

    found = links(
        [result("vpn-a", "2026-11-27T10:00:00Z"), result("vpn-a", "2026-11-26T10:00:00Z", (OLD, HYBRID)), result("vpn-b", "2026-11-25")], {}
    )
    assert found[0].channels[0].sides[0].offers == ("x25519",)


def test_the_table_shows_both_ends_and_says_what_could_be_done() -> None:
    found = find(captured(), {})
    shown = links_table(found, 140).splitlines()
    assert shown[0] == "vpn-a site ↔ vpn-b site (strongswan)"
    assert shown[1].split() == ["vpn-a", "(strongSwan", "6.1.0)", "vpn-b", "(strongSwan", "6.1.0)"]
    assert shown[-1].startswith("  able: both can do x25519-ke1_mlkem")
    assert links_table(()) == "no tunnel was found on these hosts"


@pytest.mark.parametrize("width", [60, 200])
def test_a_hostile_name_moves_no_cursor(width: int) -> None:
    one = [{**one, "id": one["id"].replace("site", "si\x1b[2Jte\nx")} for one in captured()["vpn-a"]]
    assert "\x1b" not in links_table(find({"vpn-a": tuple(one)}, {}), width)
