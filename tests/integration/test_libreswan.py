"""libreswan 5.2 with a tunnel to strongSwan 6.1: what an audit says of it, held against what both ends say, and another group put in front.

The lab's kernel has no ESP, so the tunnel is up as far as IKE goes."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import LAB, TOP, Lab, Ran, on

POLICY = str(TOP / "tests/fixtures/strongswan/policy.yml")
SITE = "/etc/ipsec.d/site.conf"
FACTS = "cd / && find etc/ipsec.conf etc/ipsec.d etc/ipsec.secrets -type f | sort | xargs stat -c '%n %a %U %G %s %Y' && cat /etc/ipsec.conf /etc/ipsec.d/*.conf | sha256sum"
PEER = """
connections { swan { local_addrs = 10.91.0.19
 remote_addrs = 10.91.0.21
 proposals = aes256gcm16-prfsha512-x25519
 local { auth = psk
 id = vpn-b.lab.test
 } remote { auth = psk
 id = vpn-c.lab.test
 } children { net { esp_proposals = aes256gcm16
 local_ts = 10.92.2.1/32
 remote_ts = 10.92.3.1/32
 } } } }
secrets { ike-swan { id-a = vpn-b.lab.test
 id-b = vpn-c.lab.test
 secret = "lab psk 0123456789"
 } }
"""
STRICT = """
policy: {name: other, version: "1"}
rules:
  - {id: kex, match: {protocol: ikev2}, aspect: key_exchange, allow: {name: [ECP_384]}, source: {doc: house, force: requirement}, verified: 2026-11-27}
stages:
  - {protocol: ikev2, aspect: key_exchange, stage: prefer}
"""


@pytest.fixture(scope="module", autouse=True)
def up() -> None:
    """Both hosts as they were built, and an IKE SA between them."""
    done = subprocess.run([LAB, "host", "vpn-c", "vpn-b"], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    on("vpn-b", f"cat >/etc/swanctl/conf.d/swan.conf <<'END'\n{PEER}\nEND\nswanctl --load-all --noprompt >/dev/null")
    on("vpn-c", "ipsec up --asynchronous site >/dev/null 2>&1", check=False)
    for dummy in range(40):
        if "established IKE SA" in on("vpn-c", "ipsec status"):
            return
        time.sleep(0.25)
    pytest.fail(on("vpn-c", "journalctl -u ipsec --no-pager | tail -20"))


def play(lab: Lab, name: str, *more: str, policy: str = POLICY) -> Ran:
    return lab.play(name, "vpn-c", "-i", "inventories/vpn", *more, agility_services=["libreswan"], agility_policy=policy)


def test_an_audit_says_what_both_ends_say(lab: Lab) -> None:
    before = on("vpn-c", FACTS)
    ran = play(lab, "audit", "-vvv")
    assert ran.rc == 0, ran.text
    found = {one["id"].removeprefix("libreswan "): one for one in ran.host("vpn-c")["endpoints"]}
    assert list(found) == ["site", "site/esp", "next", "next/esp"]
    ike = found["site"]["settings"]
    assert f'"site":   IKEv2 algorithm newest: {ike["sa"]["values"][0]}\n' in on("vpn-c", "ipsec status")
    assert "  AES_GCM_16-256/PRF_HMAC_SHA2_512/CURVE_25519\n" in on("vpn-b", "swanctl --list-sas --ike swan")
    assert (ike["sa"]["values"], ike["sa"]["evidence"]) == (["AES_GCM_16_256-HMAC_SHA2_512-DH31"], "negotiated")
    assert (ike["key_exchange"]["values"], ike["key_exchange"]["evidence"]) == (["dh31"], "effective")
    assert found["site"]["addresses"] == [["10.91.0.21", 500]]
    assert "failed to add connection: IKE proposal contains unexpected 'addke1=ml_kem_768'" in on("vpn-c", "journalctl -u ipsec --no-pager")
    assert "this pluto has no dh31;addke1=ml_kem_768" in " ".join(found["next"]["notes"])
    judged = {(one["endpoint"], one["aspect"]): one for one in ran.host("vpn-c")["findings"]}
    assert found["next"]["settings"]["ppk"]["values"] == ["mode=required"], "whether there is a PPK is no secret"
    finding = judged["libreswan site", "key_exchange"]
    assert (finding["state"], finding["origin"], finding["remedy"]) == ("missing", f"{SITE}:17", "needs Libreswan ≥ 5.4, or a gateway in front of it")
    assert "lab psk" not in ran.text + "".join(path.read_text() for path in ran.output.rglob("*") if path.is_file())
    assert on("vpn-c", FACTS) == before


def test_both_ends_are_shown_side_by_side(lab: Lab) -> None:
    ran = lab.play("links", "vpn-b,vpn-c", "-i", "inventories/vpn", agility_services=["strongswan", "libreswan"], agility_policy=POLICY)
    assert ran.rc == 0, ran.text
    said = json.loads((ran.output / "links.json").read_text(encoding="utf-8"))["links"]
    (both,) = (one for one in said if one["channels"][0]["sides"][1]["host"] == "vpn-c")
    sides = both["channels"][0]["sides"]
    assert [(side["host"], side["endpoint"], side["offers"]) for side in sides] == [("vpn-b", "swan", ["x25519"]), ("vpn-c", "site", ["x25519"])]
    assert [side["did"] for side in sides] == [["AES_GCM_16-256/PRF_HMAC_SHA2_512/CURVE_25519"], ["AES_GCM_16_256-HMAC_SHA2_512-DH31"]]
    assert both["verdict"] == {"state": "unable", "why": "vpn-c runs Libreswan 5.2, which has nothing quantum-safe (ipsec status)"}
    assert '"vpn-b swan ↔ vpn-c site (libreswan and strongswan)",' in ran.text


def test_what_pluto_has_not_loaded_holds_all_up_and_without_it_the_new_comes_in_front_and_goes_again(lab: Lab, tmp_path: Path) -> None:
    """The tunnel itself: test_libreswan_alone.py."""
    before = on("vpn-c", FACTS)
    strict = tmp_path / "other.yml"
    strict.write_text(STRICT, encoding="utf-8")
    ran = play(lab, "enforce", policy=str(strict))
    assert ran.rc != 0 and "pluto has loaded something else than the files say" in ran.text and "ipsec replace next" in ran.text, ran.text
    assert on("vpn-c", FACTS) == before
    on("vpn-c", f"cp -p {SITE} /root/whole && sed -i '/^conn next/,$d' {SITE}")
    before = on("vpn-c", FACTS)
    ran = play(lab, "enforce", "-e", "agility_campaign=one", policy=str(strict))
    assert ran.rc == 0 and "expect some seconds without traffic" in ran.text, ran.text
    assert "IKE algorithms: AES_GCM_16_256-HMAC_SHA2_512-DH20, AES_GCM_16_256-HMAC_SHA2_512-DH31" in on("vpn-c", "ipsec status")
    back = play(lab, "rollback", "-e", "agility_campaign=one")
    assert back.rc == 0 and on("vpn-c", FACTS) == before, back.text
    assert "IKE algorithms: AES_GCM_16_256-HMAC_SHA2_512-DH31\n" in on("vpn-c", "ipsec status")
    on("vpn-c", f"cp -p /root/whole {SITE}")


def test_a_pluto_that_does_not_run_leaves_the_files(lab: Lab) -> None:
    on("vpn-c", "systemctl stop ipsec")
    ran = play(lab, "audit")
    assert ran.rc == 0, ran.text
    one = next(one for one in ran.host("vpn-c")["endpoints"] if one["id"] == "libreswan site")
    assert (one["settings"]["key_exchange"]["values"], one["settings"]["key_exchange"]["evidence"]) == (["dh31"], "configured")
    assert one["capabilities"]["key_exchange"]["source"] == "pluto did not answer ipsec status"
    assert "sa" not in one["settings"]
