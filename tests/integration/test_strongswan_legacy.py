"""strongSwan 5.9 with ipsec.conf: what an audit says of it, held against `ipsec statusall` and the other end, and nothing written."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import LAB, Lab, Ran, on

CONF = "/etc/ipsec.conf"
FACTS = "cd / && stat -c '%n %a %U %G %s %Y' etc/ipsec.conf etc/ipsec.secrets && sha256sum etc/ipsec.conf"
POLICY = 'policy: {name: t, version: "1"}\nextends: [hybrid-transition@1, tunnels@1]\n'
STRICT = """
policy: {name: other, version: "1"}
rules:
  - {id: kex, match: {protocol: ikev2}, aspect: key_exchange, allow: {name: [ECP_384]}, source: {doc: house, force: requirement}, verified: 2026-11-27}
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
    done = subprocess.run([LAB, "host", "vpn-d", "vpn-b"], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
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
    services = ["strongswan-legacy", "strongswan"]
    return lab.play(name, limit, "-i", "inventories/vpn", agility_services=services[:1] if limit == "vpn-d" else services, agility_policy=policy)


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


def test_nothing_is_written_and_the_refusal_says_why(lab: Lab, tmp_path: Path) -> None:
    before = on("vpn-d", FACTS)
    strict = tmp_path / "other.yml"
    strict.write_text(STRICT, encoding="utf-8")
    ran = play(lab, "enforce", str(strict))
    assert ran.rc != 0 and "ipsec.conf of strongSwan is not written" in ran.text, ran.text
    assert on("vpn-d", FACTS) == before
