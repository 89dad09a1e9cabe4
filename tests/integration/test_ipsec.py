"""Two ends of a tunnel between strongSwan 6.1: read, asked from outside, given hybrid exchanges, and taken back; judged by swanctl and by ping."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ike import probe_ike

from .conftest import TOP, Lab, Ran, on, started

HOSTS = ("vpn-a", "vpn-b")
POLICY = str(TOP / "tests/fixtures/strongswan/policy.yml")
SITE = "/etc/swanctl/conf.d/site.conf"
FACTS = """
cd / && find etc/swanctl | sort | while read -r f; do
  if [ -d "$f" ]; then stat -c '%n %a %U %G' "$f"; else stat -c '%n %a %U %G %Y %s %F' "$f" && sha256sum "$f"; fi
done
"""
ANYBODY = """
connections { any { proposals = aes256gcm16-prfsha384-x25519-ecp384-ke1_mlkem768%s
 local { auth = psk
 } remote { auth = psk
 } } }
"""


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    """Every module begins with its hosts as they were built."""
    started(*HOSTS)
    if not established():  # one end was up before the other, and tried once
        on("vpn-a", "swanctl --terminate --ike site --force >/dev/null 2>&1; swanctl --initiate --child net >/dev/null")
    assert established()


@pytest.fixture
def anybody() -> Iterator[None]:
    """vpn-b also has a connection for whoever comes."""
    yield
    on("vpn-b", "rm -f /etc/swanctl/conf.d/any.conf && swanctl --load-all --noprompt >/dev/null")


def established() -> bool:
    """Whether the tunnel is up, within a while."""
    for dummy in range(40):
        if "INSTALLED" in on("vpn-a", "swanctl --list-sas", check=False):
            return True
        time.sleep(0.25)
    return False


def play(lab: Lab, name: str, limit: str, *more: str, **variables: object) -> Ran:
    return lab.play(name, limit, "-i", "inventories/vpn", *more, agility_services=["strongswan"], **{"agility_policy": POLICY, **variables})


def anew() -> None:
    """The SAs are made anew, and the child is rekeyed."""
    on("vpn-a", "swanctl --terminate --ike site >/dev/null; swanctl --initiate --child net >/dev/null && swanctl --rekey --child net >/dev/null")
    time.sleep(0.5)


def carries_traffic() -> bool:
    return "1 received" in on("vpn-a", "ping -c 1 -W 5 -I 10.92.1.1 10.92.2.1", check=False)


def told(ran: Ran, host: str) -> dict[str, dict[str, object]]:
    """Endpoint → what its SAs agreed on and what it would offer."""
    return {
        one["id"].removeprefix("strongswan "): {key: one["settings"][key]["values"] for key in ("sa", "key_exchange")}
        for one in ran.host(host)["endpoints"]
    }


def by_module() -> dict[str, object]:
    """The probe as a user runs it."""
    words = ["ansible", "-i", "inventories/vpn", "vpn-b", "-m", "quantumsafe.agility.crypto_probe_info", "-a", "kind=ikev2 port=500", "-o"]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False, timeout=60)
    return json.loads(done.stdout[done.stdout.index("{") :])["probe"]


def test_both_ends_tell_what_swanctl_tells(lab: Lab) -> None:
    looked = play(lab, "audit", "vpn-a,vpn-b", "-vvv")
    assert looked.rc == 0, looked.text
    for host in HOSTS:
        shown = on(host, "swanctl --list-sas")
        assert "  AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519\n" in shown
        assert told(looked, host) == {
            "site": {"sa": ["AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519"], "key_exchange": ["x25519"]},
            "site/net": {"sa": ["AES_GCM_16-256"], "key_exchange": ["x25519"]},
        }
        states = {(f["endpoint"], f["state"], f["origin"]) for f in looked.host(host)["findings"]}
        assert states == {("strongswan site", "missing", f"{SITE}:6"), ("strongswan site/net", "missing", f"{SITE}:19")}
    assert "lab psk" not in looked.text + "".join(path.read_text() for path in looked.output.rglob("*") if path.is_file())


def test_one_end_alone_is_not_tightened(lab: Lab, tmp_path: Path) -> None:
    before = {host: on(host, FACTS) for host in HOSTS}
    strict = tmp_path / "strict.yml"
    required = "stages:\n  - {protocol: ikev2, aspect: key_exchange, stage: require}\n"
    strict.write_text(Path(POLICY).read_text(encoding="utf-8") + required, encoding="utf-8")
    ran = play(lab, "enforce", "vpn-a", agility_policy=str(strict))
    assert ran.rc != 0 and "both ends of a tunnel move together (migrate_links" in ran.text
    assert {host: on(host, FACTS) for host in HOSTS} == before


def test_hybrids_come_first_are_agreed_on_anew_and_go_again_to_the_byte(lab: Lab) -> None:
    before = {host: on(host, FACTS) for host in HOSTS}
    ran = play(lab, "enforce", "vpn-a,vpn-b", agility_campaign="tunnel")
    assert ran.rc == 0, ran.text
    assert "the reload ends its SAs and establishes them anew" in ran.text
    assert established() and carries_traffic(), "one end had it before the other, and both kept what they had"
    anew()
    shown = on("vpn-b", "swanctl --list-sas")
    assert "AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_1024" in shown and "ESP:AES_GCM_16-256/CURVE_25519/KE1_ML_KEM_1024" in shown
    assert carries_traffic()

    again = play(lab, "enforce", "vpn-a,vpn-b")
    assert again.rc == 0 and again.changed("vpn-a") == again.changed("vpn-b") == 0, again.text
    for host in HOSTS:
        found = told(again, host)
        assert found["site"]["sa"] == ["AES_GCM_16-256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_1024"]
        assert found["site/net"]["sa"] == ["AES_GCM_16-256/CURVE_25519/KE1_ML_KEM_1024"]

    back = play(lab, "rollback", "vpn-a,vpn-b", agility_campaign="tunnel")
    assert back.rc == 0, back.text
    assert {host: on(host, FACTS) for host in HOSTS} == before
    assert established()
    anew()
    assert "KE1_" not in on("vpn-a", "swanctl --list-sas") and carries_traffic()


def test_a_responder_tells_without_credentials_what_it_takes(anybody: None) -> None:
    refused = by_module()
    assert refused["refusal"] == "NO_PROPOSAL_CHOSEN" and "other addresses" in str(refused["failure"]), "its one connection is meant for its peer"
    for port, more, classical in ((500, ", aes256-sha256-ecp384", True), (4500, "", False)):  # few: charon drops whoever left it five half-open SAs
        on("vpn-b", f"cat >/etc/swanctl/conf.d/any.conf <<'END'\n{ANYBODY % more}\nEND\nswanctl --load-conns >/dev/null")
        seen = probe_ike("10.91.0.19", port)
        assert (seen.exchange, seen.hybrid, seen.classical, seen.failure) == ("CURVE_25519+ML_KEM_768", True, classical, "")
        assert seen.intermediate and seen.fragmentation and not seen.ppk
