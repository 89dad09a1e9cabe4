"""Both ends of a tunnel of AES-CBC, SHA-1 and MODP between two strongSwan 6.1 come to AES-GCM and ML-KEM, with packets through it, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked import asked

from .conftest import Lab, Ran, on, started
from .test_hubs import END, ROAD, connection
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
    on(host, f"{END}; cat >{SITE} <<'END'\n{text}\nEND\n{LOAD}")


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    started(*HOSTS)
    for host in HOSTS:
        on(host, f"cp -p {SITE} /root/site.conf")
        given(host, weakened(PAIR[host]))
    on("vpn-a", UP)
    yield
    for host in HOSTS:
        on(host, f"cp -p /root/site.conf {SITE} && {LOAD}")


def play(lab: Lab, name: str, **variables: object) -> Ran:
    return lab.play(name, ",".join(HOSTS), "-i", "inventories/vpn", agility_services=["strongswan"], **{"agility_campaign": "ciphers", **variables})


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


def reset(**texts: str) -> None:
    for host in HOSTS:
        given(host, texts[host.replace("-", "_")])
    on("vpn-a", UP)


CBC = "AES_CBC-256/HMAC_SHA2_256_128"


def hybrid(host: str, ike: str, esp: str) -> str:
    """A tunnel whose exchange has moved; ike, esp: its ciphers, without the exchange."""
    said = [", ".join(f"{one}-ecp521-ke1_mlkem1024" for one in some.split()) for some in (ike, esp)]
    return PAIR[host].replace("aes256gcm16-prfsha384-x25519", said[0]).replace("aes256gcm16-x25519", said[1])


def test_ends_that_would_have_nothing_in_common_go_back_and_the_old_sa_stands(lab: Lab, tmp_path: Path) -> None:
    reset(
        vpn_a=hybrid("vpn-a", "aes256-sha256 aes256gcm16-prfsha384", "aes256-sha256 aes256gcm16"),
        vpn_b=hybrid("vpn-b", "aes256-sha256 aes128gcm16-prfsha384", "aes256-sha256 aes128gcm16"),
    )
    before, more = facts(), {"agility_campaign": "apart"}
    ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"), **more)
    assert ran.rc == 0 and facts() == before, ran.text
    was = on("vpn-a", "swanctl --list-sas | grep ^site:")
    with pinging() as counted:
        ran = play(lab, "migrate_links", agility_step="contract", agility_policy=policy(tmp_path, "require"), **more)
    assert ran.rc != 0 and "NO_PROPOSAL_CHOSEN" in ran.text, ran.text
    assert [ran.host(host)["status"] for host in HOSTS] == ["reverted", "reverted"]
    assert facts() == before and counted[1] <= 1, counted
    assert on("vpn-a", "swanctl --list-sas | grep ^site:").split(",")[0] == was.split(",")[0], "the very same IKE SA"


def test_a_tunnel_that_has_ml_kem_already_gets_other_ciphers(lab: Lab, tmp_path: Path) -> None:
    reset(**{host.replace("-", "_"): hybrid(host, "aes256-sha256", "aes256-sha256") for host in HOSTS})
    before = facts()
    assert suites("vpn-a")[0][0].startswith(CBC)
    more = {"agility_campaign": "moved"}
    for step, stage in (("expand", "prefer"), ("contract", "require")):
        ran = play(lab, "migrate_links", agility_step=step, agility_policy=policy(tmp_path, stage), **more)
        assert ran.rc == 0 and ran.changed("vpn-a") == ran.changed("vpn-b") == 1, ran.text
        assert suites("vpn-a") == suites("vpn-b") == [(NEW[0].replace("SHA2_512", "SHA2_256"), NEW[1])], "the PRF that was there is allowed"
    assert all(" aes256-sha256" not in on(host, f"cat {SITE}") for host in HOSTS)
    back = play(lab, "rollback_links", **more)
    assert back.rc == 0 and facts() == before, back.text


def test_a_hub_that_takes_anybody_follows_its_spoke_once_somebody_answers_for_the_others(lab: Lab, tmp_path: Path) -> None:
    reset(vpn_a=weakened(PAIR["vpn-a"]), vpn_b=weakened(ROAD))
    before, more = facts(), {"agility_campaign": "hub"}
    assert suites("vpn-b", "road") == [OLD]
    with pinging() as counted:
        ran = play(lab, "migrate_links", agility_policy=policy(tmp_path, "prefer"), **more)
    assert ran.rc == 0 and counted[1] <= 1, ran.text
    assert suites("vpn-a") == suites("vpn-b", "road") == [NEW]
    more["agility_step"] = "contract"
    path = policy(tmp_path, "require")
    ran = play(lab, "migrate_links", agility_policy=path, **more)
    assert ran.rc != 0 and "cipher of strongswan road would lose aes128: it takes anybody" in ran.text, ran.text
    assert [WEAK in on(host, f"cat {SITE}") for host in HOSTS] == [False, True], "the spoke does without, the hub has both"
    assert suites("vpn-a") == suites("vpn-b", "road") == [NEW]
    with Path(path).open("a", encoding="utf-8") as said:
        said.write("clients:\n  - {id: hub, host: vpn-b, acknowledge: {reason: the spoke is ours, approver: ciso, until: 2099-12-31}}\n")
    ran = play(lab, "migrate_links", agility_policy=path, **more)
    assert ran.rc == 0 and (ran.changed("vpn-a"), ran.changed("vpn-b")) == (0, 1), ran.text
    assert suites("vpn-a") == suites("vpn-b", "road") == [NEW] and WEAK not in on("vpn-b", f"cat {SITE}")
    back = play(lab, "rollback_links", agility_campaign="hub")
    assert back.rc == 0 and facts() == before, back.text
