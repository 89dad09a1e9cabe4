"""A server whose clients nobody here manages (EAP, any address): its side moves alone, and takes the old away once all that came offered the new."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked import asked

from .conftest import LAB, Lab, Ran, on, started
from .test_ipsec import FACTS, POLICY, SITE
from .tunnel import QUIET

LONG = asked("vpn")
SERVER, HOSTS = "vpn-b", ("vpn-b", "vpn-a", "vpn-e")
OLD, NEW = "x25519", "x25519-ke1_mlkem768"
USERS = "/etc/swanctl/conf.d/users.conf"
ROAD = f"""connections {{
  road {{
    version = 2
    local_addrs = 10.91.0.19
    proposals = aes256gcm16-prfsha384-{OLD}
    local {{
      auth = psk
      id = vpn-b.lab.test
    }}
    remote {{
      auth = eap-md5
      eap_id = %any
    }}
    children {{
      net {{
        local_ts = 10.92.2.1/32
        remote_ts = 10.92.0.0/16
        esp_proposals = aes256gcm16-{OLD}
      }}
    }}
  }}
}}
"""
SECRETS = "secrets {\n  eap-a {\n    id = alice\n    secret = wonderland\n  }\n  eap-b {\n    id = robert\n    secret = builder\n  }\n"
SECRETS += '  ike-b {\n    id = vpn-b.lab.test\n    secret = "lab psk 0123456789"\n  }\n}\n'
LOAD = "swanctl --load-all --noprompt >/dev/null"


def put(host: str, path: str, text: str) -> None:
    subprocess.run([LAB, "exec", host, "sh", "-c", f"cat >{path}"], input=text, text=True, check=True, timeout=60)


def connect(host: str, user: str, *exchanges: str) -> None:
    """A client with these exchanges comes anew."""
    said = ROAD.replace("road {", "site {").replace("    local_addrs = 10.91.0.19\n", "    remote_addrs = 10.91.0.19\n")
    said = said.replace("      auth = psk\n      id = vpn-b.lab.test\n", f"      auth = eap\n      eap_id = {user}\n")
    said = said.replace("      auth = eap-md5\n      eap_id = %any\n", "      auth = psk\n      id = vpn-b.lab.test\n")
    address = {"vpn-a": "10.92.1.1/32", "vpn-e": "10.92.5.1/32"}[host]
    said = said.replace("10.92.2.1/32", address).replace("10.92.0.0/16", "10.92.2.1/32")
    put(host, SITE, said.replace(f"prfsha384-{OLD}", ", aes256gcm16-prfsha384-".join(["prfsha384-" + exchanges[0], *exchanges[1:]])))
    on(host, f"swanctl --terminate --ike site --force >/dev/null 2>&1; {LOAD}; swanctl --initiate --child net >/dev/null")


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    started(*HOSTS)
    for host in HOSTS:
        on(host, f"cp -p {SITE} /root/site.conf; {QUIET}; swanctl --terminate --ike site --force >/dev/null 2>&1; true")
        put(host, USERS, SECRETS)
    put(SERVER, SITE, ROAD)
    on(SERVER, LOAD)
    yield
    for host in HOSTS:
        on(host, f"rm -f {USERS}; cp -p /root/site.conf {SITE}; swanctl --terminate --ike site --force >/dev/null 2>&1; {LOAD}")


def policy(folder: Path, name: str, entry: str = "") -> str:
    """IKE at stage require; entry: what it says of clients."""
    path = folder / f"{name}.yml"
    said = f"{Path(POLICY).read_text(encoding='utf-8')}stages:\n  - {{protocol: ikev2, aspect: key_exchange, stage: require}}\n"
    path.write_text(said + (f"clients:\n  - {{id: road, host: {SERVER}, {entry}}}\n" if entry else ""), encoding="utf-8")
    return str(path)


def play(lab: Lab, name: str, **variables: object) -> Ran:
    return lab.play(name, SERVER, "-i", "inventories/vpn", agility_services=["strongswan"], **{"agility_policy": POLICY, **variables})


def came(lab: Lab) -> str:
    """The server is expanded, one client came with the new and one without; its files as they are then."""
    ran = play(lab, "enforce", agility_campaign="road")
    assert ran.rc == 0 and ran.changed(SERVER) == 1, ran.text
    connect("vpn-a", "alice", NEW, OLD)
    connect("vpn-e", "robert", OLD)
    return on(SERVER, FACTS)


def contracted(ran: Ran) -> None:
    assert ran.rc == 0, ran.text
    assert "ke=[CURVE_25519]}" not in on(SERVER, "swanctl --list-conns --raw").partition("children")[0]
    assert [(one["endpoint"], one["refused"]) for one in ran.host(SERVER)["proofs"] if "refused" in one] == [("strongswan road", True)]
    connect("vpn-a", "alice", NEW)
    on("vpn-a", "ping -c 1 -W 5 -I 10.92.1.1 10.92.2.1")


def test_it_is_expanded_at_once_and_contracted_when_somebody_answers_for_who_did_not_offer_the_new(lab: Lab, tmp_path: Path) -> None:
    before, expanded = on(SERVER, FACTS), came(lab)
    early = play(lab, "enforce", agility_campaign="road", agility_policy=policy(tmp_path, "watched", "watch: 1m"))
    assert early.rc != 0 and "2 clients with an SA of it now 1 agreed on ML-KEM, 1 did not" in early.text, early.text
    assert any(why in early.text for why in ("came: 1 did not offer what stays", "the journal of charon reaches back")), early.text
    assert on(SERVER, FACTS) == expanded and "remote access: persons log in" in str(early.host(SERVER)["endpoints"])
    assert not any(who in early.text + str(early.host(SERVER)) for who in ("alice", "robert", "10.91.0.23")), "they are counted"

    answered = "acknowledge: {reason: it gets a new client, approver: ciso, until: 2099-12-31}"
    ran = play(lab, "enforce", agility_campaign="road", agility_policy=policy(tmp_path, "answered", answered))
    assert "whoever lacks what stays is cut off; ciso answers for them until 2099-12-31: it gets a new client (road)" in ran.text, ran.text
    contracted(ran)
    back = play(lab, "rollback", agility_campaign="road")
    assert back.rc == 0 and on(SERVER, FACTS) == before, back.text


@pytest.mark.skipif(not LONG, reason="SKIPPED LOUDLY: `make verify-vpn` waits until a minute of the journal shows that all that came offered the new")
def test_or_when_all_that_came_in_the_time_of_the_policy_have_offered_it(lab: Lab, tmp_path: Path) -> None:
    before = on(SERVER, FACTS)
    came(lab)
    connect("vpn-e", "robert", NEW, OLD)  # its owner was told, and has followed
    watched, until = policy(tmp_path, "watched", "watch: 1m"), time.monotonic() + 120
    while (ran := play(lab, "enforce", agility_campaign="road", agility_policy=watched)).rc != 0:
        assert "the journal of charon reaches back" in ran.text and time.monotonic() < until, ran.text
        time.sleep(5)
    contracted(ran)
    back = play(lab, "rollback", agility_campaign="road")
    assert back.rc == 0 and on(SERVER, FACTS) == before, back.text
