"""links/*.py where the two ends run different daemons, and connections that take anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.find import find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.link import Link
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.links import hubs_of, links_table, plain_links
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_vici import SAS

from tests.fixtures.libreswan import load as lib
from tests.fixtures.strongswan import load as vpn

from .test_links import endpoints, whose

Ends = tuple[dict[str, Any], ...]
TO_C = (("10.91.0.18", "10.91.0.21"), ("vpn-a.lab.test", "vpn-c.lab.test"), ("prfsha384", "prfsha512"))
HYBRID = "aes256gcm16-prfsha512-x25519-ke1_mlkem768"
FIRST = ("aes256gcm16-prfsha512-x25519", f"{HYBRID}, aes256gcm16-prfsha512-x25519")


def strongswan(*said: tuple[str, str], sas: tuple[tuple[str, str], ...] | None = None) -> Ends:
    """vpn-b with a connection to vpn-c; said, sas: what else is replaced in its file, and in its list of SAs (None: it has none)."""
    captured = vpn.captured("vpn-b")
    text, listed = captured.files[vpn.SITE].text or "", captured.answers[SAS].out
    for old, new in (*TO_C, *said):
        assert old in text
        text = text.replace(old, new)
    for old, new in (*TO_C[:2], *(sas or ())):
        assert old in listed
        listed = listed.replace(old, new)
    snapshot = vpn.unloaded(vpn.having("forky", text))
    answers = {SAS: replace(captured.answers[SAS], out=listed)} if sas is not None else {}
    return endpoints("strongswan", replace(snapshot, answers={**snapshot.answers, **answers}))


def libreswan_5_4(exchange: str = "dh31;addke1=ml_kem_768") -> Ends:
    """The lab's connection as 5.4 would have it loaded, with an IKE SA and one that carries packets."""
    able = [line for line in lib.text("status-5.4.txt").splitlines() if line.startswith("algorithm")]
    loaded = [line for line in lib.text("status-5.2.txt").splitlines() if line.startswith(('"site"', '#5: "site"'))]
    said = "\n".join((*able, *loaded)).replace("SHA2_512-DH31", f"SHA2_512-{exchange}", 1)
    said += (
        '\n#6: "site" esp.87ef093e@10.91.0.19 esp.3a84499b@10.91.0.21 tun.0@10.91.0.19 tun.0@10.91.0.21 Traffic: ESPin=0B ESPout=0B ESPmax=2^63B\n'
    )
    conf = lib.LAB.partition("\nconn next")[0].replace("aes_gcm256-sha2_512-dh31", f"aes_gcm256-sha2_512-{exchange}")
    return endpoints("libreswan", lib.having(conf, "5.4", said))


def pair(b: Ends, c: Ends) -> Link:
    (found,) = find({"vpn-b": b, "vpn-c": c}, {})
    return found


def test_a_tunnel_between_strongswan_and_libreswan_is_shown_side_by_side() -> None:
    found = pair(strongswan(sas=()), endpoints("libreswan", lib.lab()))
    ike, esp = found.channels
    assert (whose(found), found.service) == (("vpn-b", "vpn-c"), "libreswan and strongswan"), "what pluto has not loaded is no end of one"
    assert [side.offers for side in ike.sides] == [("x25519",), ("x25519",)], "in one spelling"
    assert [side.did for side in ike.sides] == [("AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519",), ("AES_GCM_16_256-HMAC_SHA2_512-DH31",)]
    assert [(one.exchange, one.fails) for one in (*ike.would, *esp.would)] == [("x25519", "")] * 2
    assert (found.verdict.state, found.verdict.why) == ("unable", "vpn-c runs Libreswan 5.2, which has nothing quantum-safe (ipsec status)")


def test_proposals_that_do_not_fit_each_other_are_told_across_daemons() -> None:
    found = pair(strongswan(("prfsha512-x25519", "prfsha512-ecp384")), libreswan_5_4("dh31"))
    assert (found.verdict.state, found.verdict.why) == ("unable", "ikev2 site: no proposal in common")


def test_a_libreswan_with_ml_kem_can_be_moved_and_its_packets_are_told_apart() -> None:
    found = pair(strongswan(), libreswan_5_4("dh31"))
    assert found.verdict.state == "able" and "both can do x25519-ke1_mlkem768" in found.verdict.why
    assert found.verdict.why.endswith("what carries packets is rekeyed without it: vpn-c has no such exchange there")


def test_who_does_not_name_the_exchange_has_agreed_on_what_the_other_end_names() -> None:
    numbers = (("87ef093e", "00ef093e"), ("00ef093e", "87ef093e"))
    moved = pair(strongswan(FIRST, sas=(("dh-group=CURVE_25519", "dh-group=CURVE_25519 ake1=ML_KEM_768"),)), libreswan_5_4())
    assert moved.verdict.state == "moved" and "in the list of vpn-b (vpn-c does not tell), names ML-KEM" in moved.verdict.why
    assert pair(strongswan(FIRST, sas=numbers), libreswan_5_4()).verdict.state == "agreed", "the list of strongSwan names a classical one"


def test_an_sa_for_packets_has_the_same_numbers_in_both_lists() -> None:
    link = next(one for one in libreswan_5_4() if one["protocol"] == "esp")["settings"]["link"]["values"]
    assert "sa=3a84499b-87ef093e - 10.91.0.19" in link
    other = next(one for one in strongswan(sas=()) if one["protocol"] == "esp")["settings"]["link"]["values"]
    assert [one.split()[0] for one in other if one.startswith("sa=")] == ["sa=3a84499b-87ef093e"]


# ---------------------------------------------------------------- who takes anybody

ROAD = (("remote_addrs = 10.91.0.21", "remote_addrs = %any"), ("id = vpn-c.lab.test", "# no id"))


def taking(*whom: tuple[str, str]) -> Ends:
    """A server with an SA of each of these: (identity, what stands behind its group)."""
    captured = vpn.captured("vpn-b").answers[SAS]
    lines = [
        captured.out.splitlines()[0]
        .replace("vpn-a.lab.test", who)
        .replace("0be20a777aa61a44", f"{n:016x}")
        .replace("CURVE_25519", f"CURVE_25519{more}")
        for n, (who, more) in enumerate(whom)
    ]
    snapshot = vpn.unloaded(vpn.having("forky", road_text()))
    return endpoints("strongswan", replace(snapshot, answers={**snapshot.answers, SAS: replace(captured, out="\n".join(lines))}))


def road_text() -> str:
    text = vpn.captured("vpn-b").files[vpn.SITE].text or ""
    for old, new in (*TO_C, *ROAD):
        text = text.replace(old, new)
    return text


def result(taken: str, *whom: tuple[str, str]) -> HostResult:
    return HostResult("vpn-b", "audit", "ok", taken=taken, endpoints=taking(*whom))


NEW, OLD = " ake1=ML_KEM_768", ""


def test_a_server_that_takes_anybody_counts_its_clients_by_what_they_agreed_on() -> None:
    (hub,) = hubs_of([result("2026-11-27T10:00:00Z", ("a.example", NEW), ("b.example", OLD), ("c.example", NEW))])
    assert (hub.host, hub.endpoint, hub.looks) == ("vpn-b", "site", 1)
    assert (hub.clients.safe, hub.clients.classical, hub.clients.untold) == (("a.example", "c.example"), ("b.example",), ())
    assert hub.said == "of 3 clients with an SA of it now 2 agreed on ML-KEM, 1 did not (b.example)"
    assert hubs_of([HostResult("vpn-b", "audit", "ok", taken="x", endpoints=strongswan())]) == (), "one that is meant for one peer"


def test_who_is_away_now_was_seen_before_and_the_newest_look_at_each_counts() -> None:
    looks = [
        result("2026-11-27T10:00:00Z", ("a.example", NEW)),
        result("2026-11-25T10:00:00Z", ("a.example", OLD), ("b.example", OLD)),
    ]
    (hub,) = hubs_of(looks)
    assert hub.said == "of 2 clients with an SA of it in 2 audits since 2026-11-25T10:00:00Z 1 agreed on ML-KEM, 1 did not (b.example)"
    assert plain_links((), looks, ())["hubs"][0]["clients"]["classical"] == ("b.example",)
    assert links_table((), 140, (hub,)) == f"vpn-b site takes anybody: {hub.said}"


def test_a_server_without_clients_says_so_and_never_that_all_have_it() -> None:
    (hub,) = hubs_of([result("2026-11-27T10:00:00Z")])
    assert hub.said == "no client with an SA of it now"
