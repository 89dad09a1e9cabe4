"""services/wireguard.py: what is configured and what is in effect for each peer, and that one end alone changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Snapshot, Unparsable, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.wireguard import SERVICE

from tests.fixtures.tunnels.load import captured, having, text_of

WG0, WG1 = "/etc/wireguard/wg0.conf", "/etc/wireguard/wg1.conf"
PEER = next(line.split(" = ")[1] for line in text_of("tun-a", WG0).splitlines() if line.startswith("PublicKey"))
IN_EFFECT = f"peer\twg1\t{PEER}\t1\t"
DOWN = (next(line for line in captured("tun-a").answers["wireguard-shown"].out.splitlines(True) if line.startswith("interface\twg1")), "")


def peer(snapshot: Snapshot, interface: str) -> Endpoint:
    (found,) = [one for one in SERVICE.read(snapshot) if one.id == f"wireguard {interface} {PEER}"]
    return found


def facts(endpoint: Endpoint) -> dict[str, str]:
    return dict(value.split("=", 1) for value in endpoint.settings["psk"].values)


def notes(endpoint: Endpoint) -> str:
    return "\n".join(endpoint.notes)


def without_key() -> dict[str, str | None]:
    return {WG1: "".join(line for line in text_of("tun-a", WG1).splitlines(True) if "PresharedKey" not in line)}


def test_each_peer_of_each_interface_is_an_endpoint_with_its_own_key_or_none() -> None:
    bare, keyed = (peer(captured("tun-a"), name) for name in ("wg0", "wg1"))
    assert (bare.settings["key_exchange"].values, keyed.settings["key_exchange"].values) == (("Noise_IKpsk2_25519",), ("Noise_IKpsk2_25519+psk",))
    assert facts(bare) == {"mode": "none", "configured": "none", "effective": "none", "shared": "no", "private": "yes"}
    assert facts(keyed) == {"mode": "required", "configured": "required", "effective": "required", "shared": "no", "private": "yes"}
    assert str(keyed.settings["psk"].origin) == f"{WG1}:9" and str(bare.settings["psk"].origin) == f"{WG0}:6"
    assert (keyed.protocol, keyed.transport, keyed.role, keyed.addresses) == ("wireguard", "udp", "server", (("*", 51821),))
    assert keyed.version.startswith("wireguard-tools v1.0.")


def test_what_is_in_effect_tells_of_its_handshake_and_of_user_space() -> None:
    said = notes(peer(captured("tun-a"), "wg1"))
    assert "in effect, the last handshake with 10.91.0.27:" in said and "wg1 is run in user space" in said


def test_a_key_that_was_configured_and_not_loaded_protects_nothing_yet() -> None:
    found = peer(having("tun-a", {}, wireguard_shown=(IN_EFFECT, IN_EFFECT.replace("\t1\t", "\t-\t"))), "wg1")
    assert (facts(found)["mode"], facts(found)["configured"], facts(found)["effective"]) == ("none", "required", "none")
    assert "configured, and not in effect: bring the interface up anew" in notes(found)


def test_a_key_that_only_a_command_set_is_lost_with_the_interface() -> None:
    shown = (f"file\t{WG1}\t{PEER}\t1", f"file\t{WG1}\t{PEER}\t-")
    found = peer(having("tun-a", without_key(), wireguard_shown=shown), "wg1")
    assert (facts(found)["mode"], facts(found)["configured"], facts(found)["effective"]) == ("none", "none", "required")
    assert "no file says it" in notes(found)


def test_another_key_in_the_file_than_in_effect_is_told_and_no_key_is() -> None:
    found = peer(having("tun-a", {}, wireguard_shown=(f"file\t{WG1}\t{PEER}\t1", f"file\t{WG1}\t{PEER}\t2")), "wg1")
    assert facts(found)["mode"] == "required" and "another than the one in effect" in notes(found)


def test_an_interface_that_is_down_is_known_from_its_file_alone() -> None:
    gone = next(line for line in captured("tun-a").answers["wireguard-shown"].out.splitlines(True) if line.startswith(IN_EFFECT))
    found = peer(having("tun-a", {}, wireguard_shown=(f"{DOWN[0]}{gone}", "")), "wg1")
    assert (facts(found)["mode"], facts(found)["effective"], found.settings["psk"].evidence) == ("required", "unknown", "configured")
    assert "wg1 is down" in notes(found)


def test_a_peer_that_no_file_names_is_an_endpoint_too() -> None:
    found = peer(having("tun-a", {WG1: None}, wireguard_shown=(f"file\t{WG1}\t{PEER}\t1", "")), "wg1")
    assert str(found.settings["psk"].origin) == "wg show all dump" and "by hand or by another program" in notes(found)
    assert facts(found)["configured"] == "unknown" and facts(found)["mode"] == "required"


def test_the_same_key_for_two_peers_is_told_of_both() -> None:
    other = "B" * 43 + "="
    text = f"{text_of('tun-a', WG1)}[Peer]\nPublicKey = {other}\nPresharedKey = [redacted]\n"
    shown = (f"file\t{WG1}\t{PEER}\t1", f"file\t{WG1}\t{PEER}\t1\nfile\t{WG1}\t{other}\t1")
    found = SERVICE.read(having("tun-a", {WG1: text}, wireguard_shown=shown))
    assert [facts(one)["shared"] for one in found if one.id.startswith("wireguard wg1")] == ["yes", "yes"]


@pytest.mark.parametrize(("mode", "private"), [("0600", "yes"), ("0400", "yes"), ("0640", "no"), ("0644", "no")])
def test_a_file_that_others_may_read_keeps_no_key(mode: str, private: str) -> None:
    snapshot = captured("tun-a")
    snapshot = replace(snapshot, files={**snapshot.files, WG1: replace(snapshot.files[WG1], mode=mode)})
    assert facts(peer(snapshot, "wg1"))["private"] == private


def test_networkd_is_read_with_its_drop_ins_and_key_files() -> None:
    netdev, extra, key = "/etc/systemd/network/50-wg7.netdev", "/etc/systemd/network/50-wg7.netdev.d/peer.conf", "/etc/wireguard/psk"
    texts = {
        netdev: f"[NetDev]\nName=wg7\nKind=wireguard\n[WireGuard]\nPrivateKey= [redacted]\nListenPort=7\n[WireGuardPeer]\nPublicKey={PEER}\n",
        extra: f"[WireGuardPeer]\nPublicKey={'C' * 43}=\nPresharedKeyFile={key}\n",
        "/etc/systemd/network/10-br.netdev": "[NetDev]\nName=br0\nKind=bridge\n",
    }
    snapshot = having("tun-a", dict(texts), wireguard_shown=("wg\n", f"wg\nmode 644 root root {key}\nfile\t{extra}\t{'C' * 43}=\t3\n"))
    snapshot = replace(
        snapshot,
        files={path: replace(one, mode="0640", group="systemd-network") if "network/" in path else one for path, one in snapshot.files.items()},
    )
    bare, keyed = (one for one in SERVICE.read(snapshot) if one.id.startswith("wireguard wg7"))
    assert (facts(bare)["mode"], facts(bare)["private"], str(bare.settings["psk"].origin)) == ("none", "yes", f"{netdev}:7")
    assert (facts(keyed)["mode"], facts(keyed)["private"], str(keyed.settings["psk"].origin)) == ("required", "no", f"{extra}:3")
    assert f"{key} holds keys and is 644 root:root" in notes(keyed) and keyed.addresses == (("*", 7),)


def test_a_file_that_wg_quick_would_refuse_stops_the_host_by_name() -> None:
    with pytest.raises(Unparsable) as told:
        SERVICE.read(having("tun-a", {WG0: "[Interface]\nnonsense\n"}))
    assert told.value.where == f"{WG0}:2"


def test_a_preshared_key_is_never_written_on_one_end_alone() -> None:
    id_ = peer(captured("tun-a"), "wg0").id
    with pytest.raises(Inexpressible, match=r"both ends together.*link_keys"):
        SERVICE.write(captured("tun-a"), {id_: {"key_exchange": Wanted(("PresharedKey",))}})
    assert SERVICE.write(captured("tun-a"), {}) == ()
