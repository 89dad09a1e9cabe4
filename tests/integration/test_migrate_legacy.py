"""Both ends of a tunnel move together where an end or both are strongSwan with ipsec.conf, packets running through it, and come back to the byte."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.asked import asked

from .conftest import TOP, Lab, Ran, on, started
from .test_migrate_libreswan import policy

if not asked("vpn"):
    pytest.skip("SKIPPED LOUDLY: `make verify-vpn` moves tunnels of ipsec.conf of strongSwan together with their other ends", allow_module_level=True)

CONF, SWAN, SECRETS = "/etc/ipsec.conf", "/etc/swanctl/conf.d/moves.conf", "/etc/ipsec.secrets"
PEER = """
connections {{ {name} {{ local_addrs = 10.91.0.19
 remote_addrs = {remote}
 proposals = aes256gcm16-prfsha384-x25519 # as agreed
 local {{ auth = psk
 id = vpn-b.lab.test
 }} remote {{ auth = psk
 id = {host}.lab.test
 }} children {{ net {{ esp_proposals = aes256gcm16-x25519
 local_ts = 10.92.2.1/32
 remote_ts = {inner}/32
 }} }} }} }}
secrets {{ ike-{name} {{ id-a = vpn-b.lab.test
 id-b = {host}.lab.test
 secret = "lab psk 0123456789"
 }} }}
"""
ADDRESS = {"vpn-d": ("10.91.0.22", "10.92.4.1"), "vpn-g": ("10.91.0.25", "10.92.6.1")}
# The lab's `road` takes anybody, and so a stranger's classical offer too: `site` alone is left.
ALONE = f"cp -p {CONF} /root/kept && cp -p {SECRETS} /root/secrets && sed -i '/^conn road/,/^conn later/{{/^conn later/!d}}' {CONF}"
AGAIN = f"cp -p /root/kept {CONF}; cp -p /root/secrets {SECRETS}; ipsec rereadsecrets; ipsec update; ipsec down 'site[*]' >/dev/null"
OLD = "AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519"
QUANTUM = OLD.replace("CURVE_25519", "ECP_521/KE1_ML_KEM_1024")
CLASSICAL = OLD.replace("CURVE_25519", "ECP_521")
LOST = re.compile(r"packets from \S+ to \S+ through \S+ meanwhile: (\d+) sent, (\d+) lost")


def until(host: str, text: str) -> None:
    for dummy in range(40):
        if text in on(host, "ipsec statusall", check=False):
            return
        time.sleep(0.25)
    pytest.fail(on(host, "ipsec statusall; journalctl -n 30 --no-pager", check=False))


@pytest.fixture(scope="module", autouse=True)
def up() -> None:
    """The three hosts as they were built; each test leaves them so."""
    started("vpn-b", "vpn-d", "vpn-g")
    for host in ADDRESS:
        until(host, " site:  10")


@contextmanager
def tunnel(host: str, remote: str = "", edit: str = ":", name: str = "moves", proposals: str = "") -> Iterator[None]:
    """An old tunnel of vpn-b with this host, up; afterwards both are as they were built.  remote: where vpn-b looks for it; edit: of ipsec.conf."""
    swan = SWAN.replace("moves", name)
    address, inner = ADDRESS[host]
    text = PEER.format(name=name, host=host, inner=inner, remote=remote or address)
    load(swan, text.replace("aes256gcm16-prfsha384-x25519", proposals) if proposals else text)
    on(host, f"{ALONE} && {edit} && ipsec update && sleep 1 && ipsec up site >/dev/null && ping -c 1 -W 5 -I {inner} 10.92.2.1")
    try:
        yield
    finally:
        on(host, AGAIN, check=False)
        on("vpn-b", f"rm -f {swan}; swanctl --load-all --noprompt >/dev/null; swanctl --terminate --ike {name} --force >/dev/null 2>&1", check=False)


def load(path: str, text: str) -> None:
    on("vpn-b", f"cat >{path} <<'END'\n{text}\nEND\nswanctl --load-all --noprompt >/dev/null")


def play(lab: Lab, name: str, *more: str, hosts: tuple[str, ...], **variables: object) -> Ran:
    return lab.play(name, ",".join(hosts), "-i", "inventories/vpn", *more, agility_services=["strongswan", "strongswan-legacy"], **variables)


def facts(*hosts: str) -> dict[str, str]:
    look = "stat -c '%n %a %U %G %Y %s' {0} && cat {0}"
    return {host: on(host, look.format(SWAN if host == "vpn-b" else CONF)) for host in hosts}


def stroke(host: str) -> list[str]:
    return re.findall(r"site\[\d+\]: IKE proposal: (\S+)", on(host, "ipsec statusall"))


def swan() -> list[tuple[str, str]]:
    """(what the IKE SA agreed on, what its child did) of each IKE SA of the connection."""
    listed = re.split(r"^(?=\S)", on("vpn-b", "swanctl --list-sas --ike moves"), flags=re.MULTILINE)
    found = [(re.search(r"^  (AES\S+)$", one, re.MULTILINE), re.search(r"INSTALLED, \S+ ESP:(\S+)$", one, re.MULTILINE)) for one in listed]
    return [(ike[1].replace("16-256", "16_256"), child[1] if child else "") for ike, child in found if ike]


def lost(ran: Ran) -> int:
    found = LOST.search(ran.text)
    assert found and int(found[1]) > 5, ran.text
    return int(found[2])


def refused(host: str) -> bool:
    """Whether a connection of vpn-b that offers what was there before alone comes to nothing."""
    address, inner = ADDRESS[host]
    load("/etc/swanctl/conf.d/past.conf", PEER.format(name="past", host=host, inner=inner, remote=address).replace("net {", "past {"))
    said = on("vpn-b", "swanctl --initiate --ike past --child past --timeout 15 2>&1", check=False)
    on(
        "vpn-b",
        "rm /etc/swanctl/conf.d/past.conf; swanctl --load-all --noprompt >/dev/null; swanctl --terminate --ike past --force >/dev/null 2>&1; true",
    )
    return "NO_PROPOSAL_CHOSEN" in said


OPEN = f"sed -i -e 's/x25519! # as/x25519 # as/' -e 's/esp=aes256gcm16-x25519!/esp=aes256gcm16-x25519/' {CONF}"


START = f"sed -i '/^conn site/,/auto=/s/auto=add/auto=start/' {CONF}"


@pytest.mark.parametrize(
    ("remote", "edit"),
    [("", ":"), ("%any", OPEN), ("", START), ("%any", f"{START} && {OPEN}")],
    ids=["swanctl begins", "stroke begins", "it starts by itself", "it starts by itself, and begins"],
)
def test_both_ends_move_to_ml_kem_lose_the_old_and_come_back_to_the_byte(lab: Lab, tmp_path: Path, remote: str, edit: str) -> None:
    """Who begins is the end that names an address of the other, of two the first by name.  Where stroke does, its proposals stand without "!"."""
    more: dict[str, Any] = {"agility_campaign": f"stroke-{time.time_ns()}", "hosts": ("vpn-b", "vpn-g")}
    prefer, require = (policy(tmp_path, stage, "[hybrid]") for stage in ("prefer", "require"))
    begins, other = ("vpn-g", "vpn-b") if remote else ("vpn-b", "vpn-g")
    with tunnel("vpn-g", remote, edit):
        before = facts("vpn-b", "vpn-g")
        assert stroke("vpn-g") == [OLD]
        plan = play(lab, "migrate_links", "--check", agility_policy=prefer, **more)
        assert plan.rc == 0 and facts("vpn-b", "vpn-g") == before, plan.text
        ran = play(lab, "migrate_links", agility_policy=prefer, **more)
        assert ran.rc == 0, ran.text
        assert swan() == [(QUANTUM, "AES_GCM_16-256/ECP_521/KE1_ML_KEM_1024")] and stroke("vpn-g") == [QUANTUM]
        assert f"packets from {begins} to {other} through" in ran.text and lost(ran) <= 1, ran.text
        proofs = {host: [(one["endpoint"], one["group"]) for one in ran.host(host)["proofs"]] for host in ("vpn-b", "vpn-g")}
        assert proofs["vpn-b"] == [("strongswan moves", "ecp521-ke1_mlkem1024"), ("strongswan moves/net", "ecp521-ke1_mlkem1024")]
        assert proofs["vpn-g"] == [("strongswan-legacy site", "ecp521-ke1_mlkem1024"), ("strongswan-legacy site/esp", "ecp521")]
        site = on("vpn-g", f"grep -A9 '^conn site' {CONF}")
        assert f"-x25519{'' if remote else '!'} # as agreed" in site, "what was there stays, open or closed"

        ran = play(lab, "migrate_links", agility_step="contract", agility_policy=require, **more)
        assert ran.rc == 0 and lost(ran) <= 1, ran.text
        site = on("vpn-g", f"grep -A9 '^conn site' {CONF}")
        assert "x25519" not in site and "! # as agreed" in site and re.search(r"esp=\S+-ke1_mlkem768!$", site, re.MULTILINE), site
        assert swan() == [(QUANTUM, "AES_GCM_16-256/ECP_521/KE1_ML_KEM_1024")] and stroke("vpn-g") == [QUANTUM]
        again = play(lab, "migrate_links", agility_step="contract", agility_policy=require, **more)
        assert again.rc == 0 and again.changed("vpn-b") == again.changed("vpn-g") == 0, again.text
        assert refused("vpn-g")

        back = play(lab, "rollback_links", **more)
        assert back.rc == 0, back.text
        assert facts("vpn-b", "vpn-g") == before
        on("vpn-g", "ipsec down 'site[*]' >/dev/null; ipsec up site >/dev/null && ping -c 1 -W 5 -I 10.92.6.1 10.92.2.1")
        assert stroke("vpn-g") == [OLD] and (bool(remote) or not refused("vpn-g"))


def test_with_an_end_that_has_no_ml_kem_both_go_to_the_best_that_both_have(lab: Lab, tmp_path: Path) -> None:
    more: dict[str, Any] = {"agility_campaign": f"stroke-{time.time_ns()}", "hosts": ("vpn-b", "vpn-d")}
    with tunnel("vpn-d"):
        before = facts("vpn-b", "vpn-d")
        ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer", "[hybrid]"), **more)
        assert ran.rc != 0 and "the policy allows nothing that both ends can do: vpn-d runs strongSwan 5.9" in ran.text, ran.text
        assert facts("vpn-b", "vpn-d") == before
        ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"), **more)
        assert ran.rc == 0 and lost(ran) <= 1, ran.text
        assert "it gets no ML-KEM, and nothing is taken away for that: vpn-d runs strongSwan 5.9" in ran.text
        ran = play(lab, "migrate_links", agility_step="contract", agility_policy=policy(tmp_path, "require"), **more)
        assert ran.rc == 0 and lost(ran) <= 1, ran.text
        assert swan() == [(CLASSICAL, "AES_GCM_16-256/ECP_521")] and stroke("vpn-d") == [CLASSICAL]
        assert "x25519" not in on("vpn-d", f"grep -A9 '^conn site' {CONF}") and refused("vpn-d")
        back = play(lab, "rollback_links", **more)
        assert back.rc == 0 and facts("vpn-b", "vpn-d") == before, back.text


def test_two_of_ipsec_conf_move_together(lab: Lab, tmp_path: Path) -> None:
    """Their lists name no additional exchange of a child, and vpn-d has none."""
    hosts = ("vpn-d", "vpn-g")
    more: dict[str, Any] = {"agility_campaign": f"stroke-{time.time_ns()}", "hosts": hosts}
    try:
        for host, there in (hosts, hosts[::-1]):
            address, inner = ADDRESS[there]
            site = f"/^conn site/,/auto/{{s/10.91.0.19/{address}/;s/vpn-b/{there}/;s/10.92.2.1/{inner}/}}"
            secret = f'@{host}.lab.test @{there}.lab.test : PSK "lab psk 0123456789"'
            on(host, f"{ALONE} && sed -i '{site}' {CONF} && echo '{secret}' >>{SECRETS} && ipsec rereadsecrets && ipsec update && sleep 1")
        on("vpn-d", "ipsec up site >/dev/null && ping -c 1 -W 5 -I 10.92.4.1 10.92.6.1")
        before = facts(*hosts)
        ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"), **more)
        assert ran.rc == 0 and lost(ran) <= 1, ran.text
        ran = play(lab, "migrate_links", agility_step="contract", agility_policy=policy(tmp_path, "require"), **more)
        assert ran.rc == 0 and lost(ran) <= 1, ran.text
        assert stroke("vpn-d") == stroke("vpn-g") == [CLASSICAL]
        assert "AES_GCM_16_256/ECP_521, " in on("vpn-d", "ipsec statusall")
        back = play(lab, "rollback_links", **more)
        assert back.rc == 0 and facts(*hosts) == before, back.text
    finally:
        for host in hosts:
            on(host, AGAIN, check=False)


def test_where_the_new_sa_does_not_come_both_go_back_and_the_old_one_carries_on(lab: Lab, tmp_path: Path) -> None:
    with tunnel("vpn-g", "%any"):
        on("vpn-g", f"sed -i 's/lab psk/another/' {SECRETS} && ipsec rereadsecrets")  # the SA of before needs it no more
        before, was = facts("vpn-b", "vpn-g"), on("vpn-g", "ipsec statusall | grep 'IKEv2 SPIs'").partition(", rekeying")[0]
        ran = play(
            lab,
            "migrate_links",
            hosts=("vpn-b", "vpn-g"),
            agility_campaign=f"stroke-{time.time_ns()}",
            agility_policy=policy(tmp_path, "prefer", "[hybrid]"),
        )
        assert ran.rc != 0 and "came of ipsec up site: received AUTHENTICATION_FAILED notify error" in ran.text, ran.text
        for dummy in range(120):  # each by itself, at its deadline at the latest
            if facts("vpn-b", "vpn-g") == before:
                break
            time.sleep(1)
        assert facts("vpn-b", "vpn-g") == before, ran.text
        assert was in on("vpn-g", "ipsec statusall") and stroke("vpn-g") == [OLD]
        assert on("vpn-g", "ping -c 2 -W 5 -I 10.92.6.1 10.92.2.1")


def test_an_sa_that_came_out_classical_with_the_new_configuration_is_made_anew(lab: Lab, tmp_path: Path) -> None:
    """A host was lost between the two ends: charon makes no second IKE SA of the very same configuration."""
    ahead = f"sed -i -e 's/ike=aes/ike=aes256gcm16-prfsha384-x25519-ke1_mlkem768,aes/' -e 's/esp=aes/esp=aes256gcm16-x25519-ke1_mlkem768,aes/' {CONF}"
    with tunnel("vpn-g", "%any", ahead):
        before = facts("vpn-g")
        assert stroke("vpn-g") == [OLD]
        more: dict[str, Any] = {"agility_campaign": f"stroke-{time.time_ns()}", "hosts": ("vpn-b", "vpn-g")}
        ran = play(lab, "migrate_links", agility_policy=str(TOP / "tests/fixtures/strongswan/policy.yml"), **more)
        assert ran.rc == 0, ran.text
        assert swan() == [(f"{OLD}/KE1_ML_KEM_768", "AES_GCM_16-256/CURVE_25519/KE1_ML_KEM_768")]
        assert facts("vpn-g") == before, "it has the new already"


def test_a_hub_with_spokes_of_ipsec_conf_moves_each_as_far_as_it_can(lab: Lab, tmp_path: Path) -> None:
    """vpn-b has a connection for each; a connection that takes anybody does not move with such an end."""
    more: dict[str, Any] = {"agility_campaign": f"stroke-{time.time_ns()}", "hosts": ("vpn-b", "vpn-d", "vpn-g")}
    with tunnel("vpn-d", name="older"), tunnel("vpn-g"):
        before = facts(*more["hosts"]), on("vpn-b", f"cat {SWAN.replace('moves', 'older')}")
        ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"), **more)
        assert ran.rc == 0, ran.text
        assert stroke("vpn-d") == [CLASSICAL] and stroke("vpn-g") == [QUANTUM]
        ran = play(lab, "migrate_links", agility_step="contract", agility_policy=policy(tmp_path, "require"), **more)
        assert ran.rc == 0, ran.text
        assert stroke("vpn-d") == [CLASSICAL] and stroke("vpn-g") == [QUANTUM]
        assert refused("vpn-d") and refused("vpn-g")
        back = play(lab, "rollback_links", **more)
        assert back.rc == 0, back.text
        assert (facts(*more["hosts"]), on("vpn-b", f"cat {SWAN.replace('moves', 'older')}")) == before


def test_where_its_child_alone_changes_a_new_one_comes_into_the_ike_sa_that_is_there(lab: Lab, tmp_path: Path) -> None:
    """Its IKE SA is of the configuration of now, so charon makes no other beside it."""
    new = "aes256gcm16-prfsha384-x25519-ke1_mlkem768"
    with tunnel("vpn-g", "%any", f"sed -i 's/ike=aes256gcm16-prfsha384-x25519!/ike={new}!/' {CONF}", proposals=new):
        before = facts("vpn-b", "vpn-g")
        assert stroke("vpn-g") == [f"{OLD}/KE1_ML_KEM_768"]
        more: dict[str, Any] = {"agility_campaign": f"stroke-{time.time_ns()}", "hosts": ("vpn-b", "vpn-g")}
        ran = play(lab, "migrate_links", agility_policy=str(TOP / "tests/fixtures/strongswan/policy.yml"), **more)
        assert ran.rc == 0, ran.text
        assert swan() == [(f"{OLD}/KE1_ML_KEM_768", "AES_GCM_16-256/CURVE_25519/KE1_ML_KEM_1024")]
        assert on("vpn-g", "ipsec statusall").count("INSTALLED") == 1, "the child of before has ended"
        assert on("vpn-g", "ping -c 2 -W 5 -I 10.92.6.1 10.92.2.1")
        back = play(lab, "rollback_links", **more)
        assert back.rc == 0 and facts("vpn-b", "vpn-g") == before, back.text
