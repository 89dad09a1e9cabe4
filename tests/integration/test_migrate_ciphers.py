"""Both ends of a tunnel of AES-CBC, SHA-1 and MODP between two strongSwan 6.1 come to AES-GCM and ML-KEM, with packets through it, and back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked import asked

from .conftest import LAB, Lab, Ran, on
from .test_hubs import ROAD, connection
from .test_ipsec import FACTS, SITE
from .tunnel import pinging

pytestmark = pytest.mark.skipif(not asked("vpn"), reason="SKIPPED LOUDLY: `make verify-vpn` takes the ciphers of strongSwan through every step")
HOSTS = ("vpn-a", "vpn-b")
WEAK, ESP = "aes128-sha1-modp2048", "aes128-sha1-modp2048"
OLD = ("AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048", "AES_CBC-128/HMAC_SHA1_96")
NEW = ("AES_GCM_16-256/PRF_HMAC_SHA2_512/ECP_521/KE1_ML_KEM_1024", "AES_GCM_16-256/ECP_521/KE1_ML_KEM_1024")  # the strongest group that both have
RULES = {
    "key_exchange": "{construction: [hybrid], quantum_category: '>=3', status: [current]}",
    "cipher": "{aead: true, status: [current]}",
    "mac": "{status: [current]}",
    "prf": "{status: [current]}",
}
LOAD = "swanctl --load-all --noprompt >/dev/null"
UP = "swanctl --terminate --ike site --force >/dev/null 2>&1; swanctl --initiate --child net >/dev/null"


def policy(folder: Path, stage: str) -> str:
    path = folder / f"{stage}.yml"
    rules = "".join(
        f"  - {{id: {aspect}-{of}, match: {{protocol: {of}}}, aspect: {aspect}, allow: {allow}, verified: 2026-11-28,"
        " source: {doc: house, force: recommendation}}\n"
        for of in ("ikev2", "esp")
        for aspect, allow in RULES.items()
        if (of, aspect) != ("esp", "prf")
    )
    stages = "".join(f"  - {{protocol: {of}, aspect: {aspect}, stage: {stage}}}\n" for of in ("ikev2", "esp") for aspect in RULES)
    path.write_text(
        f'policy: {{name: ciphers, version: "1", timezone: UTC, enforce: [recommendation]}}\nrules:\n{rules}stages:\n{stages}', encoding="utf-8"
    )
    return str(path)


def weakened(text: str) -> str:
    """A connection of test_hubs.py with nothing but the old suite."""
    return text.replace("aes256gcm16-prfsha384-x25519", WEAK).replace("aes256gcm16-x25519", ESP)


PAIR = {
    "vpn-a": connection("site", "18", "10.91.0.19", ("vpn-a.lab.test", "vpn-b.lab.test"), ("10.92.1.1/32", "10.92.2.1/32")),
    "vpn-b": connection("site", "19", "10.91.0.18", ("vpn-b.lab.test", "vpn-a.lab.test"), ("10.92.2.1/32", "10.92.1.1/32")),
}


def given(host: str, text: str) -> None:
    on(host, f"swanctl --terminate --ike site --force >/dev/null 2>&1; cat >{SITE} <<'END'\n{text}\nEND\n{LOAD}")


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    done = subprocess.run([LAB, "host", *HOSTS], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    for host in HOSTS:
        on(host, f"cp -p {SITE} /root/site.conf")
        given(host, weakened(PAIR[host]))
    on("vpn-a", UP)
    yield
    for host in HOSTS:
        on(host, f"cp -p /root/site.conf {SITE} && {LOAD}")


def play(lab: Lab, name: str, **variables: object) -> Ran:
    return lab.play(name, ",".join(HOSTS), "-i", "inventories/vpn", agility_services=["strongswan"], agility_campaign="ciphers", **variables)


def suites(host: str, name: str = "site") -> list[tuple[str, str]]:
    """(what the IKE SA agreed on, what its child did) of each IKE SA of the connection."""
    listed = [one for one in re.split(r"^(?=\S)", on(host, "swanctl --list-sas"), flags=re.MULTILINE) if one.startswith(f"{name}:")]
    found = [(re.search(r"^  ([A-Z]\S+/\S+)$", one, re.MULTILINE), re.search(r"INSTALLED, \S+ ESP:(\S+)$", one, re.MULTILINE)) for one in listed]
    return [(ike[1] if ike else "", child[1] if child else "") for ike, child in found]


def carries_traffic() -> bool:
    return "1 received" in on("vpn-a", "ping -c 1 -W 5 -I 10.92.1.1 10.92.2.1", check=False)


def facts() -> dict[str, str]:
    return {host: on(host, FACTS) for host in HOSTS}


def test_the_old_suite_leaves_both_ends_with_packets_through_the_tunnel_and_comes_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    before = facts()
    assert suites("vpn-a") == suites("vpn-b") == [OLD] and carries_traffic()
    with pinging() as counted:
        ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"))
    assert ran.rc == 0, ran.text
    sent, lost = counted
    assert sent > 100 and lost <= 1, counted
    assert suites("vpn-a") == suites("vpn-b") == [NEW]
    assert "the kernel of each end decides whether it can use aes256gcm16, aes128gcm16" in ran.text
    assert all(f"{WEAK}\n" in on(host, f"cat {SITE}") for host in HOSTS), "the old stays behind the new"
    again = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"))
    assert again.rc == 0 and again.changed("vpn-a") == again.changed("vpn-b") == 0, again.text

    with pinging() as counted:
        ran = play(lab, "migrate_links", agility_step="contract", agility_policy=policy(tmp_path, "require"))
    assert ran.rc == 0, ran.text
    assert counted[1] <= 1, counted
    assert suites("vpn-a") == suites("vpn-b") == [NEW] and carries_traffic()
    assert all("sha1" not in on(host, f"cat {SITE}") for host in HOSTS)
    again = play(lab, "migrate_links", agility_step="contract", agility_policy=policy(tmp_path, "require"))
    assert again.rc == 0 and again.changed("vpn-a") == again.changed("vpn-b") == 0, again.text

    old = weakened(PAIR["vpn-a"]).replace("  site {", "  old {")
    on("vpn-a", f"cat >/etc/swanctl/conf.d/old.conf <<'END'\n{old}\nEND\n{LOAD}")
    said = on("vpn-a", "swanctl --initiate --ike old 2>&1; rm /etc/swanctl/conf.d/old.conf", check=False)
    on("vpn-a", LOAD)
    assert "NO_PROPOSAL_CHOSEN" in said, said

    back = play(lab, "rollback_links", agility_policy=policy(tmp_path, "require"))
    assert back.rc == 0, back.text
    assert facts() == before and carries_traffic()
    on("vpn-a", UP)
    assert suites("vpn-a") == suites("vpn-b") == [OLD] and carries_traffic()
