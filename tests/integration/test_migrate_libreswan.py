"""Both ends of a tunnel between strongSwan 6.1 and libreswan 5.2 move together, as far as both can, and come back to the byte.

libreswan 5.2 has no ML-KEM, so the tunnel goes to the best that both have.  The lab's kernel has no ESP: an emulator (tests/emulators/xfrm) lets pluto
install its Child SAs, so that they are negotiated, rekeyed and listed; no packet goes through them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.asked import asked
from tests.emulators.xfrm import built

from .conftest import LAB, Lab, Ran, on
from .test_libreswan import PEER, SITE

OF_TWO = """conn site
	left=10.91.0.{here}
	leftid=@vpn-{me}.lab.test
	right=10.91.0.{there}
	rightid=@vpn-{other}.lab.test
	authby=secret
	leftsubnet=10.92.{net}.1/32
	rightsubnet=10.92.{far}.1/32
	ike="aes_gcm256-sha2_512-dh19"
	esp=aes_gcm256
	auto=add
"""

if not shutil.which("cc") and not asked("vpn"):  # verify-vpn fails without one, and does not leave libreswan out
    pytest.skip("no C compiler: the emulator of XFRM cannot be built", allow_module_level=True)

SWAN = "/etc/swanctl/conf.d/swan.conf"
HOSTS = ("vpn-b", "vpn-c")
OLD_SWAN = PEER.replace("sha512-x25519", "sha512-ecp256").replace("aes256gcm16\n", "aes256gcm16-ecp256\n")
# Hybrids, and what has 192 bits.
POLICY = """
policy: {name: tunnels, version: "1", timezone: UTC, enforce: [recommendation]}
extends: [hybrid-transition@1]
rules:
"""
RULE = """
  - id: kex-%(of)s
    match: {protocol: %(of)s}
    aspect: key_exchange
    allow: {construction: %(allowed)s, classical_bits: ">=192", status: [current]}
    source: {doc: house, section: "2", force: recommendation}
    verified: 2026-11-27
"""
STAGES = "stages:\n" + "".join(f"  - {{protocol: {one}, aspect: key_exchange, stage: %s}}\n" for one in ("ikev2", "esp"))


def policy(folder: Path, stage: str, allowed: str = "[hybrid, classical]") -> str:
    path = folder / f"{stage}-{len(allowed)}.yml"
    path.write_text(
        POLICY + "".join(RULE % {"of": one, "allowed": allowed} for one in ("ikev2", "esp")) + STAGES.replace("%s", stage), encoding="utf-8"
    )
    return str(path)


AEAD = "".join(
    f"""
  - id: cipher-{of}
    match: {{protocol: {of}}}
    aspect: cipher
    allow: {{aead: true, status: [current]}}
    source: {{doc: house, section: "3", force: recommendation}}
    verified: 2026-11-28
"""
    for of in ("ikev2", "esp")
)


def authenticated(folder: Path) -> str:
    """The policy at stage require, and with ciphers that authenticate alone."""
    path = Path(policy(folder, "require"))
    rules, stages = path.read_text(encoding="utf-8").split("stages:\n")
    also = stages.replace("aspect: key_exchange", "aspect: cipher")
    (folder / "aead.yml").write_text(f"{rules}{AEAD}stages:\n{stages}{also}", encoding="utf-8")
    return str(folder / "aead.yml")


WHOLE = pytest.mark.skipif(not asked("vpn"), reason="SKIPPED LOUDLY: `make verify-vpn` takes tunnels of libreswan through every step")
UNIT = "/run/systemd/system/ipsec.service.d"
PRELOAD = f"mkdir -p {UNIT} && printf '[Service]\\nEnvironment=LD_PRELOAD=/root/accept.so\\n' >{UNIT}/xfrm.conf && systemctl daemon-reload"


def started(*hosts: str) -> None:
    done = subprocess.run([LAB, "host", *hosts], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def pluto_at(host: str, edit: str, library: Path) -> Iterator[None]:
    """A libreswan whose Child SAs come up, with another site.conf; afterwards it is as it was built."""
    subprocess.run([LAB, "exec", host, "sh", "-c", "cat >/root/accept.so"], stdin=library.open("rb"), check=True)
    on(host, f"cp -p {SITE} /root/site.conf && {edit} && {PRELOAD} && systemctl restart ipsec")
    yield
    on(host, f"cp -p /root/site.conf {SITE}; rm -r {UNIT}; systemctl daemon-reload; systemctl restart ipsec")


def up(host: str) -> None:
    on(host, "timeout 20 ipsec up site >/dev/null 2>&1", check=False)
    for dummy in range(60):
        if "established Child SA: #" in on(host, "ipsec status"):
            return
        time.sleep(0.25)
    pytest.fail(on(host, "journalctl -u ipsec --no-pager | tail -20"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("xfrm"))


@pytest.fixture
def tunnel(library: Path) -> Iterator[None]:
    """An old tunnel between strongSwan and libreswan, up; afterwards the hosts are as they were built."""
    started(*HOSTS)
    on("vpn-b", f"cat >{SWAN} <<'END'\n{OLD_SWAN}\nEND\nswanctl --load-all --noprompt >/dev/null")
    with pluto_at("vpn-c", f"sed -i s/sha2_512-dh31/sha2_512-dh19/ {SITE}", library):
        up("vpn-c")
        yield
    on("vpn-b", f"rm -f {SWAN}; swanctl --load-all --noprompt >/dev/null; swanctl --terminate --ike swan --force >/dev/null 2>&1", check=False)


def play(lab: Lab, name: str, *more: str, hosts: tuple[str, ...] = HOSTS, **variables: object) -> Ran:
    return lab.play(name, ",".join(hosts), "-i", "inventories/vpn", *more, agility_services=["strongswan", "libreswan"], **variables)


def swan() -> list[tuple[str, str]]:
    """(what the IKE SA agreed on, what its child did) of each IKE SA of the connection."""
    listed = re.split(r"^(?=\S)", on("vpn-b", "swanctl --list-sas --ike swan"), flags=re.MULTILINE)
    found = [(re.search(r"^  (AES\S+)$", one, re.MULTILINE), re.search(r"INSTALLED, \S+ (\S+)$", one, re.MULTILINE)) for one in listed if one.strip()]
    return [(ike[1] if ike else "", child[1] if child else "") for ike, child in found]


def pluto(host: str = "vpn-c") -> str:
    found = re.search(r"IKEv2 algorithm newest: (\S+)", on(host, "ipsec status"))
    return found[1] if found else ""


def facts(**paths: str) -> dict[str, str]:
    look = "stat -c '%n %a %U %G %Y %s' {0} && cat {0}"
    return {host: on(host.replace("_", "-"), look.format(path)) for host, path in (paths or {"vpn_b": SWAN, "vpn_c": SITE}).items()}


OLD = "AES_GCM_16-256/PRF_HMAC_SHA2_512/ECP_256"
NEW = [("AES_GCM_16-256/PRF_HMAC_SHA2_512/ECP_521", "ESP:AES_GCM_16-256/ECP_521")]


def back_up() -> bool:
    for dummy in range(40):
        if [ike for ike, child in swan() if child] == [OLD]:
            return True
        time.sleep(0.25)
    return False


@pytest.mark.usefixtures("tunnel")
def test_both_ends_move_to_the_best_that_both_can_and_come_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    before = facts()
    assert [ike for ike, dummy in swan()] == [OLD]
    ran = play(lab, "migrate_links", agility_campaign="lib", agility_policy=policy(tmp_path, "prefer"))
    assert ran.rc == 0, ran.text
    assert swan() == NEW and pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH21"
    assert "dh19 # as agreed with the other side" in on("vpn-c", f"cat {SITE}"), "the old stays behind the new, and the comment"
    proofs = {host: [(one["endpoint"], one["group"]) for one in ran.host(host)["proofs"]] for host in HOSTS}
    assert proofs["vpn-b"] == [("strongswan swan", "ecp521"), ("strongswan swan/net", "ecp521")]
    assert proofs["vpn-c"] == [("libreswan site", "ecp521"), ("libreswan site/esp", "ecp521")]
    assert "pluto ends its SAs when it takes it anew (ipsec replace)" in ran.text
    assert "it gets no ML-KEM, and nothing is taken away for that: vpn-c runs Libreswan 5.2, which has nothing quantum-safe" in ran.text
    back = play(lab, "rollback_links", agility_campaign="lib")
    assert back.rc == 0, back.text
    assert facts() == before and back_up()


@WHOLE
@pytest.mark.usefixtures("tunnel")
def test_the_old_goes_at_both_ends_and_what_one_end_lacks_takes_nothing_away(lab: Lab, tmp_path: Path) -> None:
    before, was = facts(), on("vpn-b", "swanctl --list-sas --ike swan | grep ^swan")
    hybrids = policy(tmp_path, "require", "[hybrid]")
    for step in ("expand", "contract"):
        ran = play(lab, "migrate_links", agility_campaign="hybrid", agility_policy=hybrids, agility_step=step)
        assert ran.rc != 0 and "the policy allows nothing that both ends can do: vpn-c runs Libreswan 5.2" in ran.text, ran.text
    assert facts() == before and on("vpn-b", "swanctl --list-sas --ike swan | grep ^swan") == was, "the very same IKE SA"

    prefer, require = policy(tmp_path, "prefer"), policy(tmp_path, "require")
    plan = play(lab, "migrate_links", "--check", agility_campaign="lib2", agility_policy=prefer)
    assert plan.rc == 0 and facts() == before, plan.text
    assert play(lab, "migrate_links", agility_campaign="lib2", agility_policy=prefer).rc == 0
    ran = play(lab, "migrate_links", agility_campaign="lib2", agility_step="contract", agility_policy=require)
    assert ran.rc == 0, ran.text
    assert "dh19 #" not in on("vpn-c", f"cat {SITE}") and "ecp256" not in on("vpn-b", f"cat {SWAN}")
    assert swan() == NEW and pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH21"
    again = play(lab, "migrate_links", agility_campaign="lib2", agility_step="contract", agility_policy=require)
    assert again.rc == 0 and again.changed("vpn-b") == again.changed("vpn-c") == 0, again.text
    back = play(lab, "rollback_links", agility_campaign="lib2")
    assert back.rc == 0, back.text
    assert facts() == before and back_up()


@WHOLE
def test_two_libreswan_move_together(lab: Lab, tmp_path: Path, library: Path) -> None:
    hosts, files = ("vpn-c", "vpn-f"), {"vpn_c": SITE, "vpn_f": SITE}
    started(*hosts)
    ends = {"vpn-c": ("c", 21, 3, "f", 24, 6), "vpn-f": ("f", 24, 6, "c", 21, 3)}
    edits = {}
    for host, (me, here, net, other, there, far) in ends.items():
        text = OF_TWO.format(me=me, here=here, net=net, other=other, there=there, far=far)
        secret = f'@vpn-{me}.lab.test @vpn-{other}.lab.test : PSK "lab psk 0123456789"'
        edits[host] = (
            f"printf '%s\\n' '{secret}' >/etc/ipsec.d/two.secrets && chmod 600 /etc/ipsec.d/two.secrets && cat >{SITE} <<'END'\n{text}END\n:"
        )
    with pluto_at("vpn-c", edits["vpn-c"], library), pluto_at("vpn-f", edits["vpn-f"], library):
        up("vpn-c")
        before = facts(**files)
        ran = play(lab, "migrate_links", hosts=hosts, agility_campaign="two", agility_policy=policy(tmp_path, "prefer"))
        assert ran.rc == 0, ran.text
        assert [pluto(host) for host in hosts] == ["AES_GCM_16_256-HMAC_SHA2_512-DH21"] * 2
        more = {"agility_campaign": "two", "agility_step": "contract", "agility_policy": policy(tmp_path, "require")}
        ran = play(lab, "migrate_links", hosts=hosts, **more)
        assert ran.rc == 0, ran.text
        assert all("dh19" not in text for text in facts(**files).values())
        back = play(lab, "rollback_links", hosts=hosts, agility_campaign="two")
        assert back.rc == 0, back.text
        assert facts(**files) == before
        up("vpn-c")
        assert pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH19"


MIXED_SWAN = PEER.replace("aes256gcm16-prfsha512-x25519", "aes256-sha512-ecp521, aes256gcm16-prfsha512-ecp521").replace(
    "esp_proposals = aes256gcm16\n", "esp_proposals = aes256-sha512-ecp521, aes256gcm16-ecp521\n"
)
MIXED_SITE = (
    f"sed -i -e 's/ike=aes_gcm256-sha2_512-dh31/ike=aes256-sha2_512-dh21,aes_gcm256-sha2_512-dh21/'"
    f" -e 's/esp=aes_gcm256/esp=aes256-sha2_512,aes_gcm256/' {SITE}"
)


CBC = "AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/ECP_521"


@contextmanager
def of_two_ciphers(library: Path, swan_has: str = MIXED_SWAN, edit: str = MIXED_SITE, agreed: str = CBC) -> Iterator[None]:
    """The same tunnel with AES-CBC in front at both ends, up; afterwards the hosts are as they were built."""
    started(*HOSTS)
    on("vpn-b", f"cat >{SWAN} <<'END'\n{swan_has}\nEND\nswanctl --load-all --noprompt >/dev/null")
    with pluto_at("vpn-c", edit, library):
        up("vpn-c")
        assert swan()[0][0] == agreed, "the first of both is agreed on"
        yield
    on("vpn-b", f"rm -f {SWAN}; swanctl --load-all --noprompt >/dev/null; swanctl --terminate --ike swan --force >/dev/null 2>&1", check=False)


@WHOLE
def test_ciphers_that_the_policy_no_longer_allows_leave_both_ends(lab: Lab, tmp_path: Path, library: Path) -> None:
    more = {"agility_campaign": "aead", "agility_policy": authenticated(tmp_path)}
    with of_two_ciphers(library):
        before = facts()
        ran = play(lab, "migrate_links", **more)
        assert ran.rc == 0 and facts() == before, ran.text
        more["agility_step"] = "contract"
        ran = play(lab, "migrate_links", **more)
        assert ran.rc == 0, ran.text
        assert swan() == NEW and pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH21"
        site = on("vpn-c", f"cat {SITE}")
        assert "ike=aes_gcm256-sha2_512-dh21 # as agreed" in site and "esp=aes_gcm256\n" in site
        assert "aes256-sha512" not in on("vpn-b", f"cat {SWAN}")
        again = play(lab, "migrate_links", **more)
        assert again.rc == 0 and again.changed("vpn-b") == again.changed("vpn-c") == 0, again.text
        back = play(lab, "rollback_links", agility_campaign="aead")
        assert back.rc == 0, back.text
        assert facts() == before


@WHOLE
def test_ends_whose_other_ciphers_differ_both_go_back(lab: Lab, tmp_path: Path, library: Path) -> None:
    more = {"agility_campaign": "apart", "agility_policy": authenticated(tmp_path)}
    with of_two_ciphers(library, MIXED_SWAN.replace("aes256gcm16", "aes128gcm16")):
        before = facts()
        assert play(lab, "migrate_links", **more).rc == 0
        ran = play(lab, "migrate_links", agility_step="contract", **more)
        assert ran.rc != 0 and "NO_PROPOSAL_CHOSEN" in ran.text, ran.text
        for dummy in range(120):  # each by itself, at its deadline at the latest
            if facts() == before:
                break
            time.sleep(1)
        assert facts() == before, ran.text
        for dummy in range(40):
            if [ike for ike, child in swan() if child] == [CBC]:
                break
            time.sleep(0.5)
        assert [ike for ike, child in swan() if child] == [CBC]


WEAK_SWAN = PEER.replace("aes256gcm16-prfsha512-x25519", "aes128-sha1-ecp256").replace(
    "esp_proposals = aes256gcm16\n", "esp_proposals = aes128-sha1-ecp256\n"
)
WEAK_SITE = f"sed -i -e 's/ike=aes_gcm256-sha2_512-dh31 #/ike=aes128-sha1-dh19 #/' -e 's/esp=aes_gcm256/esp=aes128-sha1/' {SITE}"


@WHOLE
def test_both_ends_get_ciphers_that_neither_has_and_lose_the_old(lab: Lab, tmp_path: Path, library: Path) -> None:
    weak = "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/ECP_256"
    more = {"agility_campaign": "weak", "agility_policy": authenticated(tmp_path)}
    with of_two_ciphers(library, WEAK_SWAN, WEAK_SITE, weak):
        before = facts()
        ran = play(lab, "migrate_links", **more)
        assert ran.rc == 0, ran.text
        assert swan() == NEW and pluto() == "AES_GCM_16_256-HMAC_SHA2_512-DH21"
        best = "aes_gcm256+chacha20_poly1305+aes_gcm128-sha2_512+sha2_384+sha2_256"
        site = on("vpn-c", f"cat {SITE}")
        assert (
            f"ike={best}-dh21,{best}-dh20," in site and "aes128-sha1-dh19 # as agreed" in site and "esp=aes_gcm256+aes_gcm128,aes128-sha1\n" in site
        )
        assert "libreswan site/esp: the kernel of each end decides whether it can use aes_gcm256, aes_gcm128" in ran.text
        again = play(lab, "migrate_links", **more)
        assert again.rc == 0 and again.changed("vpn-b") == again.changed("vpn-c") == 0, again.text
        ran = play(lab, "migrate_links", agility_step="contract", **more)
        assert ran.rc == 0 and "aes128" not in on("vpn-c", f"grep -A9 '^conn site' {SITE}").replace("aes_gcm128", ""), ran.text
        assert swan() == NEW
        back = play(lab, "rollback_links", agility_campaign="weak")
        assert back.rc == 0 and facts() == before, back.text
        for dummy in range(40):
            if [ike for ike, child in swan() if child] == [weak]:
                break
            time.sleep(0.5)
        assert [ike for ike, child in swan() if child] == [weak]
