"""links/aim.py, libreswan_sas.py and libreswan_write.py: a tunnel with a libreswan end goes to what both can, proved by what either list tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.aim import QUANTUM, Aim, aim_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.move import fresh, older, proved, twin
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.order import batches, movable, pairs
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Problem, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_proposals import with_exchange
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_sas import sas
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import ChildSa, IkeSa

from tests.fixtures.libreswan import load as lib
from tests.fixtures.strongswan.load import applied

SERVICE = SERVICES["libreswan"]
# vpn-c of the lab under the emulator of XFRM, once child and IKE SA were rekeyed; what is of no account here is left out.
STATUS = """
"site":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP+IKE_FRAG_ALLOW+ESN_NO+ESN_YES;
"site":   routing: routed-tunnel; owner: Child SA #3; established IKE SA: #4; established Child SA: #3;
"site":   IKE algorithms: AES_GCM_16_256-HMAC_SHA2_512-DH31
"site":   IKEv2 algorithm newest: AES_GCM_16_256-HMAC_SHA2_512-DH31
"site":   ESP algorithms: AES_GCM_16_256-NONE
"site":   ESP algorithm newest: AES_GCM_16_256-NONE; pfsgroup=<Phase1>
Total IPsec connections: loaded 1, active 1

#3: "site":4500 ESTABLISHED_CHILD_SA (established Child SA); REKEY in 27819s; REPLACE in 28796s; newest; eroute owner; IKE SA #4; idle;
#3: "site" esp.2f262d20@10.91.0.19 esp.23dd141b@10.91.0.21 tun.0@10.91.0.19 tun.0@10.91.0.21 Traffic: ESPin=0B ESPmax=2^63B
#4: "site":4500 ESTABLISHED_IKE_SA (established IKE SA); REKEY in 28257s; REPLACE in 28797s; newest; idle;
"""
SPIS = "23dd141b-2f262d20"
CLASSICAL, HYBRID = aim_of([("ikev2", ("dh31",)), ("esp", ("dh31",))]), "x25519-ke1_mlkem768"


def swan(exchange: str = "x25519", child: str = "x25519", spis: str = SPIS) -> IkeSa:
    return IkeSa("3", "7ac3-25ea", exchange, "AES/X", (ChildSa("3", "net", spis, child, "AES"),))


def test_what_pluto_lists_is_an_ike_sa_and_what_hangs_on_it() -> None:
    (found,) = sas(STATUS, "site")
    assert (found.number, found.spis, found.exchange, found.suite) == ("4", "#4", "?x25519", "AES_GCM_16_256-HMAC_SHA2_512-DH31")
    (child,) = found.children
    assert (child.number, child.name, child.spis, child.exchange, child.traffic) == ("3", "esp", SPIS, "?x25519", "no traffic seen")
    assert (found.words, child.words) == ((("cipher", "aes256gcm16"), ("prf", "prfsha512")), (("cipher", "aes256gcm16"),)), (
        "as strongSwan spells them"
    )
    assert sas(STATUS, "other") == ()
    assert sas(STATUS.replace("ESPin=0B", "ESPin=84B"), "site")[0].children[0].traffic == "in"
    (older_one,) = sas(STATUS.replace("28797s; newest", "28797s"), "site")
    assert (older_one.exchange, older_one.words) == ("?", ()), "the newest alone is told"
    with pytest.raises(Problem, match="pluto did not list its SAs"):
        sas("", "site")


def test_the_children_say_which_sa_of_the_other_end_it_is() -> None:
    (pluto,) = sas(STATUS, "site")
    assert twin((pluto,), "7ac3-25ea", [SPIS]) == pluto and twin((swan(),), "#4", [SPIS]) == swan()
    assert twin((pluto,), "7ac3-25ea", ["another"]) is None and twin((pluto,), "7ac3-25ea", []) is None
    assert twin((swan(),), "other-numbers", [SPIS]) is None, "where both tell the numbers of IKE SAs those decide"


def test_both_lists_prove_what_either_tells_and_silence_proves_no_ml_kem() -> None:
    (pluto,) = sas(STATUS, "site")
    for mine, theirs, names in ((swan(), pluto, {"net": "esp"}), (pluto, swan(), {"esp": "net"})):
        assert proved((mine,), (theirs,), names, CLASSICAL) == (mine, [])
        assert proved((mine,), (theirs,), names)[0] is None, "the list of strongSwan says x25519, which is no ML-KEM"
    assert proved((swan(HYBRID, HYBRID),), (pluto,), {"net": "esp"}) == (swan(HYBRID, HYBRID), [])
    assert proved((pluto,), (pluto,), {"esp": "esp"}, CLASSICAL) == (pluto, [])
    assert proved((pluto,), (pluto,), {"esp": "esp"}, QUANTUM)[0] is None, "neither names an additional exchange"
    assert proved((swan("ecp256"),), (pluto,), {"net": "esp"}, CLASSICAL)[0] is None
    assert "no x25519 of its own" in proved((swan(child=""),), (pluto,), {"net": "esp"}, CLASSICAL)[1][0]


def test_a_cipher_that_goes_proves_nothing_whichever_list_names_it() -> None:
    (pluto,), children = sas(STATUS, "site"), {"net": "esp"}
    named = replace(swan(), words=pluto.words, children=(replace(swan().children[0], words=pluto.children[0].words),))
    for names, counts in ((("aes256gcm16",), True), (("chacha20poly1305",), False)):
        aim = replace(CLASSICAL, left=(("ikev2", "cipher", names),))
        assert bool(proved((named,), (pluto,), children, aim)[0]) == counts == bool(proved((swan(),), (pluto,), children, aim)[0])
    packets = replace(CLASSICAL, left=(("esp", "cipher", ("chacha20poly1305",)),))
    assert proved((named,), (pluto,), children, packets)[1], "the child alone"
    assert proved((swan(),), (swan(),), {"net": "net"}, aim)[0] is None, "nobody names one"


def test_a_child_whose_exchange_is_not_told_is_rekeyed() -> None:
    (pluto,) = sas(STATUS, "site")
    assert older(pluto, CLASSICAL) == pluto.children and older(swan(), CLASSICAL) == ()
    assert fresh((pluto,), (), CLASSICAL) == pluto and fresh((pluto,), (pluto,), CLASSICAL) is None


def test_an_aim_is_ml_kem_wherever_that_is_wanted() -> None:
    assert aim_of([("ikev2", (HYBRID, "x25519")), ("esp", ("dh31",))]).ikev2 is None
    assert (CLASSICAL.ikev2, CLASSICAL.said) == (("x25519",), "x25519")
    assert aim_of([("ikev2", ("dh31",))]).wants("esp", ""), "no exchange of its own is asked for"


# ---------------------------------------------------------------- what is written


def loaded(ike: str, esp: str = "aes_gcm256") -> Snapshot:
    """vpn-c, with these proposals in its file and in pluto."""
    text = lib.LAB.partition("\nconn next")[0].replace("ike=aes_gcm256-sha2_512-dh31", f"ike={ike}").replace("esp=aes_gcm256", f"esp={esp}")
    status = "\n".join(line for line in lib.text("status-5.2.txt").splitlines() if line.startswith("algorithm"))
    printed = ", ".join(f"AES_GCM_16_256-HMAC_SHA2_512-{one.rpartition('-')[2].upper()}" for one in ike.split(","))
    group = "-DH19" if ";" in esp else ""
    status += f'\n"site":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS;\n"site":   IKE algorithms: {printed}\n"site":   ESP algorithms: AES_GCM_16_256-NONE{group}\n'
    return lib.having(text, status=status)


def wishes(*names: str) -> dict[str, Any]:
    return {f"libreswan site{of}": {"key_exchange": Wanted(names, ())} for of in ("", "/esp")}


def line(snapshot: Snapshot, changes: Any) -> str:
    (found,) = (one for one in (applied(snapshot, changes).files[lib.MAIN].text or "").splitlines() if one.strip().startswith("ike="))
    return found


def test_new_proposals_go_in_front_and_the_old_go_alone() -> None:
    assert SERVICE.widen and SERVICE.narrow
    old, new = "aes_gcm256-sha2_512-dh19", "aes_gcm256-sha2_512-dh20"
    before = loaded(old)
    assert line(before, SERVICE.widen(before, wishes("dh20", "dh19"))) == f"\tike={new},{old} # as agreed with the other side"
    both = loaded(f"{new},{old}")
    assert line(both, SERVICE.narrow(both, wishes("dh20"))) == f"\tike={new} # as agreed with the other side"
    with pytest.raises(Inexpressible, match="would lose dh19 at one end alone"):
        SERVICE.widen(before, wishes("dh20"))
    with pytest.raises(Inexpressible, match="no proposals that come to dh20 and nothing else"):
        SERVICE.narrow(before, wishes("dh20"))


def test_what_cannot_be_said_is_refused_by_name() -> None:
    assert SERVICE.widen
    with pytest.raises(Inexpressible, match="pluto has loaded something else"):
        SERVICE.widen(lib.having(loaded("aes_gcm256-sha2_512-dh19").files[lib.MAIN].text or ""), wishes("dh20", "dh19"))
    with pytest.raises(Inexpressible, match="fragmentation of libreswan site is not written"):
        SERVICE.widen(loaded("aes_gcm256-sha2_512-dh19"), {"libreswan site": {"fragmentation": Wanted(("yes",), ())}})
    with pytest.raises(Inexpressible, match="libreswan site/esp has a group of its own, and pluto takes one there"):
        SERVICE.widen(loaded("aes_gcm256-sha2_512-dh19", "aes_gcm256;dh19"), wishes("dh20", "dh19"))


# What pluto 5.2 printed of `ike=` and `esp=` below: the second kind of MAC is its default beside AES-CBC.
PRINTED = """
"site":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS;
"site":   IKE algorithms: AES_CBC_256-HMAC_SHA2_512-DH21, AES_GCM_16_256-HMAC_SHA2_512-DH21
"site":   ESP algorithms: AES_CBC_256-HMAC_SHA2_512_256+HMAC_SHA2_256_128, 3DES_CBC-HMAC_SHA1_96, AES_GCM_16_256-NONE
"""
IKE, ESP = "aes256-sha2_512-dh21,aes_gcm256-sha2_512-dh21", "aes256,3des-sha1,aes_gcm256"


def narrowed(of: str, ike: str = IKE, esp: str = ESP, printed: str = PRINTED, **aspects: tuple[str, ...]) -> list[str]:
    """`ike=` and `esp=` once both ends take away together what is not among these."""
    text = lib.LAB.partition("\nconn next")[0].replace("ike=aes_gcm256-sha2_512-dh31 #", f"ike={ike} #").replace("esp=aes_gcm256", f"esp={esp}")
    algorithms = "\n".join(line for line in lib.text("status-5.2.txt").splitlines() if line.startswith("algorithm"))
    seen = lib.having(text, status=algorithms + printed)
    made = SERVICE.narrow(seen, {f"libreswan site{of}": {kind: Wanted(names) for kind, names in aspects.items()}}) if SERVICE.narrow else ()
    lines = [line.strip().partition(" #")[0] for line in (applied(seen, made).files[lib.MAIN].text or "").splitlines()]
    return [line.partition("=")[2] for line in lines if line.startswith(("ike=", "esp="))]


def test_ciphers_macs_and_prfs_go_by_whole_proposals() -> None:
    assert narrowed("", cipher=("aes_gcm256",)) == ["aes_gcm256-sha2_512-dh21", ESP]
    assert narrowed("/esp", cipher=("aes_gcm256",)) == [IKE, "aes_gcm256"]
    assert narrowed("/esp", mac=("sha2_512", "sha2_256"), cipher=("aes256", "aes_gcm256")) == [IKE, "aes256,aes_gcm256"]
    assert narrowed("/esp", mac=("sha2_512",)) == [IKE, "aes_gcm256"], "what a proposal leaves to pluto's default is judged, too"
    assert narrowed("/esp", key_exchange=("dh21",), cipher=("aes_gcm256",)) == [IKE, "aes_gcm256"], "its group is that of the IKE SA"


def test_a_cipher_that_would_take_an_exchange_along_stays() -> None:
    strong, printed = (
        IKE.replace("aes256-sha2_512-dh21", "aes256-sha2_512-dh20"),
        PRINTED.replace("AES_CBC_256-HMAC_SHA2_512-DH21", "AES_CBC_256-HMAC_SHA2_512-DH20"),
    )
    with pytest.raises(Inexpressible, match="no proposals that come to dh20, dh21, cipher aes_gcm256 and nothing else"):
        narrowed("", strong, printed=printed, cipher=("aes_gcm256",))
    assert narrowed("", strong, printed=printed, cipher=("aes_gcm256",), key_exchange=("dh21",)) == ["aes_gcm256-sha2_512-dh21", ESP]
    with pytest.raises(Inexpressible, match="libreswan site/esp is loaded as other proposals than the file has"):
        narrowed("/esp", esp=f"{ESP},aes_gcm128", cipher=("aes_gcm256",))
    with pytest.raises(Inexpressible, match="libreswan site/esp is loaded as other proposals than the file has"):
        narrowed("/esp", esp="aes_gcm256,3des-sha1,aes256", cipher=("aes_gcm256",))
    with pytest.raises(Inexpressible, match="libreswan site/esp has no proposals that come to what stays, mac sha2_384 and nothing else"):
        narrowed("/esp", esp="aes256", printed=PRINTED.replace(", 3DES_CBC-HMAC_SHA1_96, AES_GCM_16_256-NONE", ""), mac=("sha2_384",))
    with pytest.raises(Inexpressible, match="fragmentation of libreswan site is not written"):
        narrowed("", fragmentation=("yes",))


@pytest.mark.parametrize(
    ("text", "exchange", "protocol", "said"),
    [
        ("aes_gcm256-sha2_512-dh31", "dh20", "ikev2", "aes_gcm256-sha2_512-dh20"),
        ("aes_gcm256-sha2_512+sha2_256-dh19+dh31", "dh20", "ikev2", "aes_gcm256-sha2_512+sha2_256-dh20"),
        ("aes256-sha2_256;modp2048", "dh20", "ikev2", "aes256-sha2_256-dh20"),
        ("aes_gcm256-sha2_512-dh31", "dh31;addke1=ml_kem_768", "ikev2", "aes_gcm256-sha2_512-dh31;addke1=ml_kem_768"),
        ("aes_gcm256;dh19", "dh20", "esp", "aes_gcm256;dh20"),
    ],
)
def test_an_exchange_takes_the_place_of_those_that_are_there(text: str, exchange: str, protocol: str, said: str) -> None:
    assert with_exchange(text, exchange, protocol) == said


def test_one_connection_is_taken_anew_and_that_is_told() -> None:
    snapshot = loaded("aes_gcm256-sha2_512-dh19")
    made = SERVICE.activation(snapshot, SERVICE.read(snapshot))
    assert (made.units, made.action, made.check) == (("ipsec.service",), "replace:site", ("ipsec", "checkconfig"))
    assert SERVICE.warns and "expect some seconds without traffic" in SERVICE.warns(snapshot, wishes("dh20"))[0]


# ---------------------------------------------------------------- which are moved


def link(a: str = "a", b: str = "b", **more: Any) -> dict[str, Any]:
    channel = {"protocol": "ikev2", "sides": [{"host": a, "managed": True}, {"host": b, "managed": True}], "would": [], "able": ["ecp384"]}
    return {"service": "libreswan and strongswan", "hub": "", "channels": [channel], "verdict": {"state": "unable", "why": "none"}, **more}


def test_a_tunnel_with_libreswan_moves_where_both_can_something() -> None:
    assert movable([link()]) == pairs(movable([link()])) == [link()]
    assert movable([link(), link("a", "c")]) == [link(), link("a", "c")] and pairs([link(), link("a", "c")]) == []
    assert movable([link(hub="a")]) == [], "a connection that takes anybody"
    beside = {**link("a", "d"), "service": "strongswan", "verdict": {"state": "able", "why": ""}}
    star = [link(), link("a", "c"), beside]
    assert batches(star, ["a", "b", "c", "d"], "expand", ["100%"]) == (("a",), ("b", "c", "d")), "a hub of both kinds first"
    assert batches(star, ["a", "b", "c", "d"], "contract", ["100%"]) == (("b", "c", "d"), ("a",))
    assert movable([link(verdict={"state": "unknown", "why": ""})]) == []
    channel = link()["channels"][0]
    for worse in (
        {"able": []},
        {"would": [{"fails": "no proposal in common"}]},
        {"sides": [{"host": "a", "managed": True}, {"host": "b", "managed": False}]},
    ):
        assert movable([link(channels=[{**channel, **worse}])]) == []


def test_two_lists_of_stroke_would_name_no_ml_kem_of_a_child() -> None:
    assert QUANTUM.untold("strongswan-legacy", "strongswan-legacy") and not Aim((), ("x25519",)).untold("strongswan-legacy", "strongswan-legacy")
    assert not QUANTUM.untold("strongswan-legacy", "strongswan") and not QUANTUM.untold("strongswan", "strongswan")


def test_a_tunnel_with_ipsec_conf_of_strongswan_moves_but_with_libreswan() -> None:
    for service in ("strongswan-legacy", "strongswan and strongswan-legacy"):
        found = link(service=service)
        assert movable([found]) == pairs([found]) == [found] and movable([link(service=service, hub="a")]) == []
    assert movable([link(service="libreswan and strongswan-legacy")]) == []
