"""A strongSwan 6.1 with a connection for each of its spokes, strongSwan and libreswan 5.2, moves each of them as far as it can, and back to the byte."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Lab, Ran, on
from .test_libreswan import SITE
from .test_migrate_libreswan import NEW, OLD_SWAN, SWAN, WHOLE, back_up, library, pluto, pluto_at, policy, started, swan, up

__all__ = ["library"]
pytestmark = WHOLE
HOSTS = ("vpn-a", "vpn-b", "vpn-c")
FILES = {"vpn-a": "/etc/swanctl/conf.d/site.conf", "vpn-b": f"/etc/swanctl/conf.d/site.conf {SWAN}", "vpn-c": SITE}
BEST = "AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_1024"


def facts() -> dict[str, str]:
    return {host: on(host, f"stat -c '%n %a %U %G %Y %s' {paths} && cat {paths}") for host, paths in FILES.items()}


def site(host: str = "vpn-a") -> str:
    """What its tunnel of strongSwan agreed on."""
    return next((line.strip() for line in on(host, "swanctl --list-sas --ike site").splitlines() if line.startswith("  AES")), "")


@pytest.fixture(autouse=True)
def tunnels(library: Path) -> Iterator[None]:
    started(*HOSTS)
    on("vpn-b", f"cat >{SWAN} <<'END'\n{OLD_SWAN}\nEND\nswanctl --load-all --noprompt >/dev/null")
    with pluto_at("vpn-c", f"sed -i s/sha2_512-dh31/sha2_512-dh19/ {SITE}", library):
        up("vpn-c")
        for dummy in range(60):
            if site() and site("vpn-b"):
                break
            time.sleep(0.25)
        yield
    on("vpn-b", f"rm -f {SWAN}; swanctl --load-all --noprompt >/dev/null; swanctl --terminate --ike swan --force >/dev/null 2>&1", check=False)


def play(lab: Lab, name: str, *more: str, **variables: object) -> Ran:
    return lab.play(name, ",".join(HOSTS), "-i", "inventories/vpn", *more, agility_services=["strongswan", "libreswan"], **variables)


def no_more(host: str, *words: str) -> bool:
    """Whether its connections (of libreswan: the one that pluto has loaded) say none of these."""
    text = facts()[host] if host != "vpn-c" else on(host, f"sed -n '/^conn site/,/^$/p' {SITE}")
    return not any(word in text for word in words)


def test_each_spoke_goes_as_far_as_it_can_and_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    before, was = facts(), site()
    more = {"agility_campaign": "both", "agility_policy": policy(tmp_path, "prefer")}
    ran = play(lab, "migrate_links", "--check", **more)
    assert ran.rc == 0 and facts() == before, ran.text
    ran = play(lab, "migrate_links", **more)
    assert ran.rc == 0, ran.text
    assert swan() == NEW and pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH21" and "KE1_ML_KEM" in site()
    proofs = {host: {(one["endpoint"], one.get("with")): one["proved"] for one in ran.host(host)["proofs"]} for host in HOSTS}
    assert proofs["vpn-c"] == {("libreswan site", "vpn-b"): True, ("libreswan site/esp", "vpn-b"): True}
    assert proofs["vpn-b"] == {("strongswan swan", "vpn-c"): False, ("strongswan site", "vpn-a"): False}, "whoever moves second proves it"
    assert "its other end, vpn-c, offers no ecp521 or ecp384 or modp8192 yet" in ran.text
    again = play(lab, "migrate_links", **more)
    assert again.rc == 0 and [again.changed(host) for host in HOSTS] == [0, 0, 0], again.text

    more = {"agility_campaign": "both", "agility_step": "contract", "agility_policy": policy(tmp_path, "require")}
    ran = play(lab, "migrate_links", **more)
    assert ran.rc == 0, ran.text
    assert no_more("vpn-a", "x25519") and no_more("vpn-b", "x25519", "ecp256") and no_more("vpn-c", "dh19")
    proofs = {host: {(one["endpoint"], one.get("with")) for one in ran.host(host)["proofs"] if one["proved"]} for host in HOSTS}
    assert {("strongswan swan", "vpn-c"), ("strongswan swan/net", "vpn-c"), ("strongswan site", "vpn-a")} <= proofs["vpn-b"]
    assert swan() == NEW and "KE1_ML_KEM" in site()
    again = play(lab, "migrate_links", **more)
    assert again.rc == 0 and [again.changed(host) for host in HOSTS] == [0, 0, 0], again.text

    back = play(lab, "rollback_links", agility_campaign="both")
    assert back.rc == 0 and facts() == before, back.text
    assert back_up()
    on("vpn-a", "swanctl --terminate --ike site >/dev/null 2>&1; swanctl --initiate --child net >/dev/null 2>&1", check=False)
    assert site() == was


def test_a_tunnel_for_which_the_policy_has_nothing_stays_and_the_others_go_on(lab: Lab, tmp_path: Path) -> None:
    before, was = facts(), on("vpn-b", "swanctl --list-sas --ike swan | grep ^swan")
    ran = play(lab, "migrate_links", agility_campaign="hybrid", agility_policy=policy(tmp_path, "prefer", "[hybrid]"))
    assert ran.rc != 0 and ran.host("vpn-c")["status"] == "refused", ran.text
    assert "vpn-b: strongswan swan, strongswan swan/net: the policy allows nothing that both ends can do: vpn-c runs Libreswan 5.2" in ran.text
    assert facts()["vpn-c"] == before["vpn-c"] and "KE1_ML_KEM" in site()
    assert on("vpn-b", f"cat {SWAN}") in before["vpn-b"] and on("vpn-b", "swanctl --list-sas --ike swan | grep ^swan") == was, "the very same IKE SA"
    back = play(lab, "rollback_links", agility_campaign="hybrid")
    assert back.rc == 0 and facts() == before, back.text


def test_a_spoke_whose_new_sa_does_not_come_goes_back_alone_and_moves_in_the_next_run(lab: Lab, tmp_path: Path) -> None:
    before = facts()["vpn-c"]
    more = {"agility_campaign": "again", "agility_policy": policy(tmp_path, "prefer")}
    secret = "sed -i 's/lab psk 0123456789/{}/' {} && swanctl --load-creds --clear --noprompt >/dev/null"
    on("vpn-b", secret.format("another", SWAN))  # the SA that is there stays
    ran = play(lab, "migrate_links", **more)
    assert ran.rc != 0 and ran.host("vpn-c")["status"] == "reverted" and ran.host("vpn-b")["status"] == ran.host("vpn-a")["status"] == "changed", (
        ran.text
    )
    assert facts()["vpn-c"] == before and "KE1_ML_KEM" in site()
    on("vpn-b", "sed -i 's/secret = .*/secret = \"lab psk 0123456789\"/' " + f"{SWAN} && swanctl --load-creds --clear --noprompt >/dev/null")
    up("vpn-c")
    ran = play(lab, "migrate_links", **more)
    assert ran.rc == 0 and swan() == NEW, ran.text
    assert ran.changed("vpn-a") == ran.changed("vpn-b") == 0


TWO = """
conn two
	left=10.91.0.21
	leftid=@vpn-c.lab.test
	right=10.91.0.24
	rightid=@vpn-f.lab.test
	authby=secret
	leftsubnet=10.92.3.2/32
	rightsubnet=10.92.6.1/32
	ike=aes_gcm256-sha2_512-dh19
	esp=aes_gcm256
	auto=add
"""


def test_a_libreswan_with_two_tunnels_moves_both(lab: Lab, tmp_path: Path, library: Path) -> None:
    started("vpn-f")
    hosts = ("vpn-b", "vpn-c", "vpn-f")
    secret = "printf '%s\\n' '@vpn-c.lab.test @vpn-f.lab.test : PSK \"lab psk 0123456789\"' >/etc/ipsec.d/two.secrets && chmod 600 /etc/ipsec.d/two.secrets"
    on("vpn-c", f"{secret} && ipsec rereadsecrets && cat >>{SITE} <<'END'\n{TWO}\nEND\nipsec add two")
    with pluto_at("vpn-f", f"{secret} && cat >{SITE} <<'END'\n{TWO}\nEND\n:", library):
        on("vpn-c", "timeout 20 ipsec up two")
        look = f"stat -c '%n %a %Y %s' {SITE} && cat {SITE}"
        before = [on(host, look) for host in hosts[1:]]
        for step, stage in (("expand", "prefer"), ("contract", "require")):
            more = {"agility_campaign": "two", "agility_step": step, "agility_policy": policy(tmp_path, stage)}
            ran = lab.play("migrate_links", ",".join(hosts), "-i", "inventories/vpn", agility_services=["strongswan", "libreswan"], **more)
            assert ran.rc == 0, ran.text
            said = re.findall(r'^"(\S+)": +IKEv2 algorithm newest: (\S+)', on("vpn-c", "ipsec status"), re.MULTILINE)
            assert said == [("site", "AES_GCM_16_256-HMAC_SHA2_512-DH21"), ("two", "AES_GCM_16_256-HMAC_SHA2_512-DH21")]
            assert swan() == NEW and pluto("vpn-f") == "AES_GCM_16_256-HMAC_SHA2_512-DH21"
        assert "sha2_512-dh19" not in on("vpn-f", f"cat {SITE}") and no_more("vpn-c", "dh19")
        back = lab.play(
            "rollback_links", ",".join(hosts), "-i", "inventories/vpn", agility_services=["strongswan", "libreswan"], agility_campaign="two"
        )
        assert back.rc == 0 and [on(host, look) for host in hosts[1:]] == before, back.text
        assert back_up()
