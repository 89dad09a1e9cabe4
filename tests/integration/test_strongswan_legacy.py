"""strongSwan with ipsec.conf: what an audit says of it, and what a change does, held against `ipsec statusall` and the other end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asked import asked

from .conftest import TOP, Lab, Ran, on, started

CONF = "/etc/ipsec.conf"
SERVICES = ["strongswan-legacy"]
NUMBERS = r"site\[\d+\]: IKEv2 SPIs: (\S+)"
FACTS = "cd / && stat -c '%n %a %U %G %s %Y' etc/ipsec.conf etc/ipsec.secrets && sha256sum etc/ipsec.conf"
POLICY = 'policy: {name: t, version: "1"}\nextends: [hybrid-transition@1, tunnels@1]\n'
STRICT = """
policy: {name: other, version: "1"}
rules:
  - id: kex
    match: {protocol: ikev2}
    aspect: key_exchange
    allow: {name: [ECP_384]}
    fallback: {construction: [classical], status: [current, legacy], until: 2030-12-31}
    source: {doc: house, force: requirement}
    verified: 2026-11-27
stages:
  - {protocol: ikev2, aspect: key_exchange, stage: prefer}
"""
# The other end of `site`, which takes anybody, and a client of `road`, which does so too.
PEERS = """
connections { old { local_addrs = 10.91.0.19
 remote_addrs = %any
 proposals = aes256gcm16-prfsha384-x25519
 local { auth = psk
 id = vpn-b.lab.test
 } remote { auth = psk
 id = *.lab.test
 } children { net { esp_proposals = aes256gcm16-x25519
 local_ts = 10.92.2.1/32
 remote_ts = 10.92.4.1/32
 } } }
rider { local_addrs = 10.91.0.19
 remote_addrs = 10.91.0.22
 proposals = aes256-sha256-modp2048
 childless = force
 local { auth = psk
 id = rider.lab.test
 } remote { auth = psk
 id = vpn-d.lab.test
 } } }
secrets { ike-old { id-a = vpn-b.lab.test
 id-b = vpn-d.lab.test
 id-c = rider.lab.test
 secret = "lab psk 0123456789"
 } }
"""


@pytest.fixture(scope="module", autouse=True)
def up() -> None:
    """Both hosts as they were built, with two SAs between them."""
    started("vpn-d", "vpn-b")
    on("vpn-b", f"cat >/etc/swanctl/conf.d/old.conf <<'END'\n{PEERS}\nEND\nswanctl --load-all --noprompt >/dev/null")
    for dummy in range(40):
        if "Connections:" in on("vpn-d", "ipsec statusall", check=False):
            break
        time.sleep(0.25)
    on("vpn-d", "ipsec up site >/dev/null")
    on("vpn-b", "swanctl --initiate --ike rider --timeout 20 >/dev/null")


@pytest.fixture
def policy(tmp_path: Path) -> str:
    made = tmp_path / "tunnels.yml"
    made.write_text(POLICY, encoding="utf-8")
    return str(made)


def play(lab: Lab, name: str, policy: str, limit: str = "vpn-d") -> Ran:
    services = SERVICES if limit == "vpn-d" else [*SERVICES, "strongswan"]
    return lab.play(name, limit, "-i", "inventories/vpn", agility_services=services, agility_policy=policy)


def agreed(host: str, command: str, pattern: str) -> list[str]:
    return re.findall(pattern, on(host, command))


def test_an_audit_says_what_both_ends_say(lab: Lab, policy: str) -> None:
    before = on("vpn-d", FACTS)
    ran = play(lab, "audit", policy)
    assert ran.rc == 0, ran.text
    found = {one["id"].removeprefix("strongswan-legacy "): one for one in ran.host("vpn-d")["endpoints"]}
    assert list(found) == ["site", "site/esp", "road", "road/esp"], "`later` is not loaded, and shall not be"
    ike = found["site"]["settings"]
    assert (ike["key_exchange"]["values"], ike["key_exchange"]["origin"]) == (["x25519"], {"path": CONF, "line": 17})
    assert (
        ike["sa"]["values"]
        == agreed("vpn-d", "ipsec statusall", r"site\[\d+\]: IKE proposal: (\S+)")
        == ["AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519"]
    )
    assert "AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519" in on("vpn-b", "swanctl --list-sas --ike old")
    assert not [name for name in found["site"]["capabilities"]["key_exchange"]["names"] if "mlkem" in name], "5.9 has none"
    assert 'without "!" at its end' in " ".join(found["road"]["notes"]) and "ecp256" in found["road"]["settings"]["key_exchange"]["values"]
    judged = {(one["endpoint"].partition(" ")[2], one["aspect"]): one for one in ran.host("vpn-d")["findings"]}
    assert (judged["site", "key_exchange"]["state"], judged["site", "key_exchange"]["rule"]) == ("missing", "kex-ike")
    assert judged["site", "ppk"]["rule"] == "ppk-ike"
    assert "lab psk" not in ran.text + "".join(path.read_text() for path in ran.output.rglob("*") if path.is_file())
    assert on("vpn-d", FACTS) == before


def test_both_ends_are_shown_side_by_side_and_clients_are_counted(lab: Lab, policy: str) -> None:
    ran = play(lab, "links", policy, "vpn-b,vpn-d")
    assert ran.rc == 0, ran.text
    said: dict[str, Any] = json.loads((ran.output / "links.json").read_text(encoding="utf-8"))
    links = {tuple(f"{side['host']} {side['endpoint']}" for side in one["channels"][0]["sides"]): one for one in said["links"]}
    both = links["vpn-b old", "vpn-d site"]
    assert (both["service"], both["verdict"]["state"]) == ("strongswan and strongswan-legacy", "unable")
    assert "vpn-d runs strongSwan 5.9" in both["verdict"]["why"]
    assert [one["exchange"] for one in both["channels"][0]["would"]] == ["x25519"]
    assert links["vpn-b rider", "vpn-d road"]["hub"] == "vpn-d"
    hubs = {(hub["host"], hub["endpoint"]): hub["clients"]["classical"] for hub in said["hubs"]}
    assert hubs == {("vpn-b", "old"): ["vpn-d.lab.test"], ("vpn-d", "road"): ["rider.lab.test"]}
    assert "vpn-d road takes anybody: of 1 client with an SA of it now 1 did not (rider.lab.test)" in ran.text


def test_a_plan_for_a_server_that_takes_anybody_counts_its_clients(lab: Lab, policy: str) -> None:
    ran = lab.play("plan", "vpn-b", "-i", "inventories/vpn", agility_services=["strongswan"], agility_policy=policy)
    assert ran.rc == 0, ran.text
    warnings = ran.host("vpn-b")["plan"]["warnings"]
    assert "strongswan old takes anybody: of 1 client with an SA of it now 1 did not (vpn-d.lab.test)" in warnings
    assert not [said for said in warnings if "strongswan rider takes" in said]


def loaded(host: str, count: int = 1) -> bool:
    """Whether `site` is loaded that often, within a while."""
    for dummy in range(20):
        if len(re.findall(r"^ +site:  10", on(host, "ipsec statusall"), re.MULTILINE)) == count:
            return True
        time.sleep(0.1)
    return False


def test_what_is_preferred_comes_in_front_is_taken_up_and_goes_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    before, held = on("vpn-d", FACTS), agreed("vpn-d", "ipsec statusall", NUMBERS)
    strict = tmp_path / "other.yml"
    strict.write_text(STRICT, encoding="utf-8")
    campaign = f"legacy-{tmp_path.name}"
    ran = lab.play("enforce", "vpn-d", "-i", "inventories/vpn", agility_services=SERVICES, agility_policy=str(strict), agility_campaign=campaign)
    assert ran.rc == 0, ran.text
    assert "its SAs stay as they are until they are established anew (ipsec down, ipsec up)" in ran.text
    written = on("vpn-d", "cat /etc/ipsec.conf")
    assert "\tike=aes256gcm16-prfsha384-ecp384,aes256gcm16-prfsha384-x25519! # as agreed with the other side\n" in written
    assert loaded("vpn-d") and agreed("vpn-d", "ipsec statusall", NUMBERS) == held, "ipsec update ends no SA"
    offer = on("vpn-d", "ipsec down site >/dev/null; ipsec up site")
    assert "peer didn't accept DH group ECP_384, it requested CURVE_25519" in offer and "established successfully" in offer
    back = lab.play("rollback", "vpn-d", "-i", "inventories/vpn", agility_campaign=campaign)
    assert back.rc == 0, back.text
    assert on("vpn-d", FACTS) == before and loaded("vpn-d")
    offer = on("vpn-d", "ipsec down site >/dev/null; ipsec up site")
    assert "ECP_384" not in offer and "established successfully" in offer


def test_what_charon_refuses_is_taken_back_and_named(lab: Lab, tmp_path: Path) -> None:
    """Somebody broke another connection, and did not have it taken up yet: with ours it would be."""
    on("vpn-d", "cp -p /etc/ipsec.conf /root/kept && sed -i 's/ike=aes256-sha256-modp2048/ike=aes256-sha256-modp2049/' /etc/ipsec.conf")
    before = on("vpn-d", FACTS)
    strict = tmp_path / "other.yml"
    strict.write_text(STRICT, encoding="utf-8")
    ran = play(lab, "enforce", str(strict))
    assert ran.rc != 0 and "charon has not loaded road after ipsec update" in ran.text and "'modp2049' not recognized" in ran.text, ran.text
    assert on("vpn-d", FACTS) == before and loaded("vpn-d")
    on("vpn-d", "mv /root/kept /etc/ipsec.conf && ipsec update")


# ---------------------------------------------------------------- ML-KEM, with strongSwan 6.1 of Debian forky at both ends

HYBRID = """
connections { legacy { local_addrs = 10.91.0.19
 remote_addrs = 10.91.0.25
 proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem768, aes256gcm16-prfsha384-x25519
 local { auth = psk
 id = vpn-b.lab.test
 } remote { auth = psk
 id = vpn-g.lab.test
 } children { net { esp_proposals = aes256gcm16-x25519-ke1_mlkem768, aes256gcm16-x25519
 local_ts = 10.92.2.1/32
 remote_ts = 10.92.6.1/32
 } } } }
secrets { ike-legacy { id-a = vpn-b.lab.test
 id-b = vpn-g.lab.test
 secret = "lab psk 0123456789"
 } }
"""
CLASSICAL = "AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519"
IKE = r"site\[\d+\]: IKE proposal: (\S+)"
ANEW = "ipsec down site >/dev/null; ipsec up site >/dev/null"


@pytest.fixture
def peer() -> Iterator[None]:
    """vpn-g, and a tunnel of vpn-b to it that takes ML-KEM; both are as before then."""
    started("vpn-g")
    on("vpn-b", f"cat >/etc/swanctl/conf.d/legacy.conf <<'END'\n{HYBRID}\nEND\nswanctl --load-all --noprompt >/dev/null")
    assert loaded("vpn-g")
    on("vpn-g", f"cp -p /etc/ipsec.conf /root/kept && {ANEW}")
    yield
    on("vpn-g", "mv /root/kept /etc/ipsec.conf && ipsec update && ipsec down site >/dev/null")
    on("vpn-b", "rm /etc/swanctl/conf.d/legacy.conf && swanctl --load-all --noprompt >/dev/null")


def theirs(pattern: str) -> list[str]:
    return agreed("vpn-b", "swanctl --list-sas --ike legacy", pattern)


@pytest.mark.skipif(not asked("vpn"), reason="SKIPPED LOUDLY: `make verify-vpn` gives ipsec.conf of strongSwan 6.1 its ML-KEM, and takes it back")
def test_ml_kem_is_put_in_front_agreed_on_at_both_ends_and_taken_back(lab: Lab, tmp_path: Path, peer: None) -> None:
    before = on("vpn-g", FACTS)
    assert agreed("vpn-g", "ipsec statusall", IKE) == [CLASSICAL]
    kept: dict[str, Any] = {"agility_services": SERVICES, "agility_policy": str(TOP / "tests/fixtures/strongswan/policy.yml")}
    campaign = f"legacy-{tmp_path.name}"
    ran = lab.play("enforce", "vpn-g", "-i", "inventories/vpn", agility_campaign=campaign, **kept)
    assert ran.rc == 0, ran.text
    assert agreed("vpn-g", "ipsec statusall", IKE) == [CLASSICAL], "what is there stays"
    number = agreed("vpn-g", "ipsec statusall", r"site\[(\d+)\]: ESTABLISHED")[0]
    on("vpn-g", f"ipsec stroke rekey 'site[{number}]' && sleep 1")
    assert agreed("vpn-g", "ipsec statusall", IKE) == [CLASSICAL], "a rekeying is not enough"

    on("vpn-g", ANEW)
    assert agreed("vpn-g", "ipsec statusall", IKE) == [f"{CLASSICAL}/KE1_ML_KEM_768"]
    assert "/CURVE_25519/KE1_ML_KEM_768" in theirs(r"AES_GCM_16-256/PRF_HMAC_SHA2_384(\S+)")
    number = agreed("vpn-g", "ipsec statusall", r"site\{(\d+)\}:  INSTALLED")[0]
    on("vpn-g", f"ipsec stroke rekey 'site{{{number}}}' && sleep 1 && ping -c 2 -W 2 -I 10.92.6.1 10.92.2.1")
    assert theirs(r"INSTALLED, \S+, ESP:(\S+)") == ["AES_GCM_16-256/CURVE_25519/KE1_ML_KEM_768"]
    ran = lab.play("links", "vpn-b,vpn-g", "-i", "inventories/vpn", **{**kept, "agility_services": ["strongswan", *SERVICES]})
    said = json.loads((ran.output / "links.json").read_text(encoding="utf-8"))
    (both,) = (one for one in said["links"] if {side["host"] for side in one["channels"][0]["sides"]} == {"vpn-b", "vpn-g"})
    assert (both["verdict"]["state"], "vpn-g does not tell" in both["verdict"]["why"]) == ("moved", True), both["verdict"]

    back = lab.play("rollback", "vpn-g", "-i", "inventories/vpn", agility_campaign=campaign)
    assert back.rc == 0, back.text
    assert on("vpn-g", FACTS) == before and loaded("vpn-g")
    on("vpn-g", ANEW)
    assert agreed("vpn-g", "ipsec statusall", IKE) == [CLASSICAL]


@pytest.mark.skipif(not asked("vpn"), reason="SKIPPED LOUDLY: `make verify-vpn` sees what ipsec update does to a connection that starts by itself")
def test_a_connection_that_starts_by_itself_gets_its_new_sa_beside_the_old_one(lab: Lab, tmp_path: Path, peer: None) -> None:
    on("vpn-g", f"sed -i '0,/auto=add/s//auto=start/' /etc/ipsec.conf && ipsec update && sleep 2 && {ANEW}")
    ran = lab.play(
        "enforce",
        "vpn-g",
        "-i",
        "inventories/vpn",
        agility_services=SERVICES,
        agility_policy=str(TOP / "tests/fixtures/strongswan/policy.yml"),
        agility_campaign=f"legacy-{tmp_path.name}",
    )
    assert ran.rc == 0 and "beside the SA that is there, which stays until it ends (auto=start)" in ran.text, ran.text
    for dummy in range(20):
        if len(found := agreed("vpn-g", "ipsec statusall", IKE)) > 1:
            break
        time.sleep(0.25)
    assert sorted(found) == [CLASSICAL, f"{CLASSICAL}/KE1_ML_KEM_768"]
