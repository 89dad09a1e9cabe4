"""services/strongswan_legacy*.py and stroke_status.py: what a tunnel of strongSwan's ipsec.conf would agree on, what it did, and from where that is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.find import find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.service import Service
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan import SERVICE as LIBRESWAN
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_legacy import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.offline import from_path

from tests.fixtures.stroke.load import LAB, MAIN, capable, having, lab, text
from tests.unit.conftest import CORPUS

HYBRID = "x25519-ke1_mlkem768"
FOLDER = CORPUS / "strongswan-ipsec-conf"


def endpoints(snapshot: Snapshot) -> dict[str, Endpoint]:
    return {one.id.removeprefix("strongswan-legacy "): one for one in SERVICE.read(snapshot)}


def told(one: Endpoint, aspect: str) -> tuple[tuple[str, ...], str, str]:
    setting = one.settings[aspect]
    return setting.values, setting.evidence, str(setting.origin)


def notes(one: Endpoint) -> str:
    return "\n".join(one.notes)


def conn(*said: str, name: str = "x") -> str:
    return "\n".join((f"conn {name}", *(f"\t{line}" for line in ("auto=add", *said)), ""))


# ---------------------------------------------------------------- the lab's host


def test_the_lab_shows_what_is_loaded_what_is_written_and_what_was_agreed_on() -> None:
    found = endpoints(lab())
    assert list(found) == ["site", "site/esp", "road", "road/esp"], "`later` is not loaded, and shall not be"
    ike, esp = found["site"], found["site/esp"]
    assert (ike.protocol, esp.protocol, ike.version, ike.addresses) == ("ikev2", "esp", "strongSwan 5.9.8", (("10.91.0.22", 500),))
    assert told(ike, "key_exchange") == (("x25519",), "configured", f"{MAIN}:17"), "stroke does not tell which proposals are loaded"
    assert told(ike, "cipher")[0] == ("aes256gcm16",) and told(ike, "prf")[0] == ("prfsha384",)
    assert told(esp, "key_exchange") == (("x25519",), "configured", f"{MAIN}:18")
    assert told(ike, "sa") == (("AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519",), "negotiated", "ipsec statusall")
    assert told(esp, "sa")[0] == ("AES_GCM_16_256",)
    assert told(ike, "version") == (("2",), "effective", f"{MAIN}:5") and told(found["road"], "version")[0] == ("2", "1")
    assert told(ike, "authentication")[0] == ("local=pre-shared key", "remote=pre-shared key")
    assert told(ike, "lifetime") == (("ike=8h", "reauth=no"), "configured", f"{MAIN}:6")
    assert told(ike, "ppk")[0] == ("mode=off",) and told(ike, "fragmentation")[0] == ("yes",)


def test_charon_tells_what_it_can() -> None:
    able = endpoints(lab())["site"].capabilities["key_exchange"]
    assert able.names and "x25519" in able.names and not [name for name in able.names if "mlkem" in name]
    assert able.source == "ipsec listalgs"


def test_a_proposal_that_is_not_closed_has_the_defaults_behind_it() -> None:
    road = endpoints(lab())["road"]
    values = told(road, "key_exchange")[0]
    assert values[0] == "modp2048" and {"ecp256", "x25519", "modp3072"} <= set(values)
    assert 'without "!" at its end' in notes(road) and "cipher" not in road.settings
    assert "IKEv1 is taken too" in notes(road)
    assert "key_exchange" not in endpoints(lab())["road/esp"].settings, "nobody says what it is"


def test_an_sa_of_a_connection_names_its_peer_and_has_the_numbers_of_the_other_end() -> None:
    said = told(endpoints(lab())["site"], "link")[0]
    assert {"local_addrs=10.91.0.22", "remote_addrs=10.91.0.19", "local_id=vpn-d.lab.test", "remote_id=vpn-b.lab.test"} <= set(said)
    (sa,) = [one.split() for one in said if one.startswith("sa=")]
    assert len(sa[0]) == len("sa=") + 16 + 1 + 16 and sa[1:] == ["x25519", "10.91.0.19", "vpn-b.lab.test"]
    road = told(endpoints(lab())["road"], "link")[0]
    assert "remote_addrs=%any" in road and not [one for one in road if one.startswith("remote_id")]


def test_one_look_is_enough_and_libreswan_keeps_out() -> None:
    assert SERVICE.missing(lab()) == () == LIBRESWAN.read(lab()) == LIBRESWAN.missing(lab())
    other = having(LAB, release="Libreswan 5.2\n")
    assert SERVICE.read(other) == () == SERVICE.missing(other), "it has the same file and the same command"
    assert SERVICE.read(replace(lab(), files={})) == ()


# ---------------------------------------------------------------- ML-KEM


def test_a_hybrid_that_charon_has_counts_and_one_that_it_has_not_does_not() -> None:
    said = conn(f"ike=aes256gcm16-prfsha384-{HYBRID},aes256gcm16-prfsha384-x25519!")
    status = "Connections:\n           x:  %any...%any  IKEv2\nSecurity Associations (0 up, 0 connecting):\n  none\n"
    new, old = (endpoints(having(said, status, algs, "Linux strongSwan U6.0.2/K6\n"))["x"] for algs in (capable(), None))
    assert told(new, "key_exchange")[0] == (HYBRID, "x25519") and HYBRID in (new.capabilities["key_exchange"].names or ())
    assert told(old, "key_exchange")[0] == ("x25519",)
    assert f"this charon reads {HYBRID}, would agree on it and then fail" in notes(old)


def test_an_additional_exchange_of_an_sa_is_shown_as_statusall_shows_it() -> None:
    said = text("statusall.txt").replace("PRF_HMAC_SHA2_384/CURVE_25519", "PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768")
    one = endpoints(having(LAB, said))["site"]
    assert told(one, "sa")[0] == ("AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768",)
    assert [fact.split()[1] for fact in told(one, "link")[0] if fact.startswith("sa=")] == [HYBRID]


def test_what_carries_packets_names_its_first_exchange_alone_so_the_other_end_tells() -> None:
    said = conn(f"ike=aes256gcm16-prfsha384-{HYBRID}!", f"esp=aes256gcm16-{HYBRID},aes256gcm16-x25519!", name="site")
    status = text("statusall.txt").replace("AES_GCM_16_256, ", "AES_GCM_16_256/CURVE_25519, ")
    new, old = (endpoints(having(said, status, algs))["site/esp"] for algs in (capable(), None))
    assert [[fact.split()[1] for fact in told(one, "link")[0] if fact.startswith("sa=")] for one in (new, old)] == [["?"], ["x25519"]]
    assert "names no additional exchange of an SA for packets" in notes(new)


def test_connections_that_share_their_ike_have_one_sa_of_it() -> None:
    second = LAB + "\nconn second\n\talso=site\n\tleftsubnet=10.92.5.1/32\n\tauto=add\n"
    child = next(line for line in text("statusall.txt").splitlines() if line.lstrip().startswith("site:   child:"))
    said = text("statusall.txt").replace(child, f"{child}\n{child.replace('  site:', 'second:').replace('10.92.4.1', '10.92.5.1')}")
    found = endpoints(having(second, said))
    assert told(found["second"], "sa")[0] == told(found["site"], "sa")[0] and "sa" not in found["second/esp"].settings
    assert "charon has not loaded it" not in notes(found["second"])


# ---------------------------------------------------------------- where charon does not run, and traps


def test_a_charon_that_does_not_run_leaves_the_files() -> None:
    found = endpoints(having(LAB))
    assert told(found["site"], "key_exchange")[0] == ("x25519",) and "key_exchange" not in found["road"].settings
    assert (found["site"].capabilities["key_exchange"].names, found["site"].capabilities["key_exchange"].source) == (
        None,
        "charon did not answer ipsec listalgs",
    )
    assert found["site"].addresses == (("10.91.0.22", 500),) and "sa" not in found["site"].settings


@pytest.mark.parametrize(("binary", "service"), [("usr/lib/ipsec/stroke", SERVICE), ("usr/libexec/ipsec/pluto", LIBRESWAN)], ids=["stroke", "pluto"])
def test_an_unpacked_image_is_read_by_whose_binary_it_holds(tmp_path: Path, binary: str, service: Service) -> None:
    for name, said in ((binary, ""), ("etc/ipsec.conf", LAB)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(said, encoding="utf-8")
    both = {one.name: one for one in (SERVICE, LIBRESWAN)}
    seen = from_path(tmp_path, "h", "2026-11-27", {name: one.collect for name, one in both.items()})
    assert {name: [one.id for one in other.read(seen)][:1] for name, other in both.items()} == {
        name: [f"{name} site"] if other is service else [] for name, other in both.items()
    }


def test_what_is_written_and_not_loaded_is_told_and_is_no_end_of_a_tunnel() -> None:
    one = endpoints(having(LAB + conn("right=10.91.0.9", "ike=aes256-sha256-modp2048!"), text("statusall.txt")))["x"]
    assert "charon has not loaded it (ipsec update)" in notes(one) and "link" not in one.settings


def test_which_side_is_this_host_is_what_charon_says() -> None:
    turned = LAB.replace("left=10.91.0.22", "left=10.91.0.19").replace("right=10.91.0.19", "right=10.91.0.22")
    turned = turned.replace("leftsubnet=10.92.4.1/32", "leftsubnet=10.92.2.1/32").replace("rightsubnet=10.92.2.1/32", "rightsubnet=10.92.4.1/32")
    said = told(endpoints(having(turned, text("statusall.txt")))["site/esp"], "link")[0]
    assert {"local_ts=10.92.4.1/32", "remote_ts=10.92.2.1/32"} <= set(said)


def test_what_is_no_tunnel_is_none_and_what_is_broken_has_its_line() -> None:
    assert SERVICE.read(having(conn("type=passthrough") + "conn template\n\tike=aes256-sha256-modp2048!\n")) == ()
    with pytest.raises(Unparsable, match=r"/etc/ipsec.conf:2: "):
        SERVICE.read(having("conn x\nnonsense\n"))


def test_a_hub_counts_its_clients_and_is_one_of_several_links() -> None:
    ends = tuple(plain(one) for one in SERVICE.read(lab()))
    found = find({"vpn-d": ends}, {})
    assert {(link.channels[0].sides[0].endpoint, link.channels[0].sides[1].host) for link in found} == {
        ("site", "vpn-b.lab.test"),
        ("road", "rider.lab.test"),
    }


# ---------------------------------------------------------------- real files


def test_real_files_are_read() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"no file tried: ../shared/corpus/{FOLDER.name} is not beside this checkout")
    files = [path for path in sorted(FOLDER.iterdir()) if path.name.endswith("ipsec.conf")]
    read = sum(len(SERVICE.read(having(path.read_text(encoding="utf-8", errors="replace")))) for path in files)
    assert read > 20, "nothing was read"
