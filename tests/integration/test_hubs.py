"""A hub and its spokes move one after another, with traffic through all tunnels; and a host is moved that is reached through its own tunnel alone."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import LAB, Lab, Ran, on, started
from .test_ipsec import FACTS, POLICY, SITE
from .tunnel import reached, strict

HOSTS = ("vpn-a", "vpn-b", "vpn-e")
SPOKES = {"vpn-a": "10.92.1.1", "vpn-e": "10.92.5.1"}
ALL = ",".join(HOSTS)
LOAD = "swanctl --load-all --noprompt >/dev/null"
END = "swanctl --list-sas | sed -n 's/^[^ ]*: #\\([0-9]*\\),.*/\\1/p' | while read -r n; do swanctl --terminate --ike-id $n --force >/dev/null 2>&1; done"
SECRET = "/etc/swanctl/conf.d/secrets.conf"


def connection(name: str, here: str, there: str, ids: tuple[str, str], nets: tuple[str, str]) -> str:
    return f"""
connections {{
  {name} {{
    version = 2
    local_addrs = 10.91.0.{here}
    remote_addrs = {there}
    proposals = aes256gcm16-prfsha384-x25519
    local {{
      auth = psk
      id = {ids[0]}
    }}
    remote {{
      auth = psk
      id = {ids[1]}
    }}
    children {{
      net {{
        local_ts = {nets[0]}
        remote_ts = {nets[1]}
        esp_proposals = aes256gcm16-x25519
      }}
    }}
  }}
}}
"""


def spoke(host: str) -> str:
    number = {"vpn-a": "18", "vpn-e": "23"}[host]
    return connection("site", number, "10.91.0.19", (f"{host}.lab.test", "vpn-b.lab.test"), (f"{SPOKES[host]}/32", "10.92.2.1/32"))


def hybrid(text: str) -> str:
    """With what the policy wants in front."""
    for old in ("aes256gcm16-prfsha384-x25519", "aes256gcm16-x25519"):
        text = text.replace(f" = {old}\n", f" = {old}-ke1_mlkem1024, {old}-ke1_mlkem768, {old}\n")
    return text


def hub(host: str) -> str:
    """A connection of its own for this spoke, which has to begin."""
    return connection(f"to-{host[-1]}", "19", "%any", ("vpn-b.lab.test", f"{host}.lab.test"), ("10.92.2.1/32", f"{SPOKES[host]}/32"))


ROAD = connection("road", "19", "%any", ("vpn-b.lab.test", "*.lab.test"), ("10.92.2.1/32", "10.92.0.0/16"))
SECOND = {
    "vpn-a": connection("second", "18", "10.91.0.19", ("a2.lab.test", "b2.lab.test"), ("10.92.1.2/32", "10.92.2.2/32")),
    "vpn-b": connection("second", "19", "10.91.0.18", ("b2.lab.test", "a2.lab.test"), ("10.92.2.2/32", "10.92.1.2/32")),
}


def given(host: str, *texts: str) -> None:
    """Each its own file."""
    on(host, f"{END}; rm -f /etc/swanctl/conf.d/site*.conf")
    for number, text in enumerate(texts):
        subprocess.run(
            [LAB, "exec", host, "sh", "-c", f"cat >/etc/swanctl/conf.d/site{number or ''}.conf"], input=text, text=True, check=True, timeout=60
        )
    on(host, LOAD)


def up() -> None:
    for host, address in SPOKES.items():
        on(host, f"swanctl --initiate --child net --ike site >/dev/null && ping -c 1 -W 5 -I {address} 10.92.2.1")


SECOND_SECRET = f"sed -i 's/    id-a/    id-c = a2.lab.test\\n    id-d = b2.lab.test\\n    id-a/' {SECRET}"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    started(*HOSTS)
    for host in HOSTS:
        on(host, f"mkdir /root/was && cp -p {SITE} /root/was/ && {SECOND_SECRET}")
    yield
    for host in HOSTS:
        on(host, f"{END}; rm -f /etc/swanctl/conf.d/site*.conf; cp -p /root/was/site.conf {SITE}; {LOAD}")


def play(lab: Lab, name: str, limit: str = ALL, *more: str, **variables: object) -> Ran:
    return lab.play(name, limit, "-i", "inventories/vpn", *more, agility_services=["strongswan"], **{"agility_policy": POLICY, **variables})


def suites(host: str, name: str) -> list[str]:
    """What each IKE SA of that connection and its children say of their exchanges."""
    parts = [one for one in re.split(r"^(?=\S)", on(host, "swanctl --list-sas"), flags=re.MULTILINE) if one.startswith(f"{name}:")]
    return [",".join(re.findall(r"/(?:CURVE|KE1)\S+", one)) for one in parts]


SAFE = "/CURVE_25519/KE1_ML_KEM_1024,/CURVE_25519/KE1_ML_KEM_1024"


def facts() -> dict[str, str]:
    return {host: on(host, FACTS) for host in HOSTS}


@contextmanager
def pinging() -> Iterator[Callable[[], dict[str, int]]]:
    """Packets from every spoke to the hub meanwhile; asked at its end it tells how many were lost."""
    told: dict[str, int] = {}
    running = {
        host: subprocess.Popen(
            [LAB, "exec", host, "sh", "-c", f"ping -q -i 0.05 -I {address} 10.92.2.1 & echo $! >/root/ping; wait"], stdout=subprocess.PIPE, text=True
        )
        for host, address in SPOKES.items()
    }
    try:
        yield lambda: told
    finally:
        for host, one in running.items():
            on(host, "kill -INT $(cat /root/ping)")
            sent, back = (int(number) for number in re.findall(r"(\d+) packets transmitted, (\d+) received", one.communicate(timeout=30)[0])[0])
            print(f"{host}: {sent} packets, {sent - back} lost")
            assert sent > 50
            told[host] = sent - back


def test_a_hub_that_takes_anybody_is_expanded_first_and_contracted_last(lab: Lab, tmp_path: Path) -> None:
    given("vpn-b", ROAD)
    given("vpn-a", spoke("vpn-a"))
    given("vpn-e", hybrid(spoke("vpn-e")))  # it has the new already, and an SA of that which came out classical
    up()
    before = facts()
    with pinging() as lost:
        ran = play(lab, "migrate_links", agility_campaign="hub")
    assert ran.rc == 0, ran.text
    assert max(lost().values()) <= 1, lost()  # the last may be on its way when ping ends; the SA of vpn-e was re-authenticated
    assert suites("vpn-b", "road") == [SAFE, SAFE] and all(suites(host, "site") == [SAFE] for host in SPOKES)
    taken = [ran.host(host)["taken"] for host in ("vpn-b", *SPOKES)]
    assert taken == sorted(taken) and len(set(taken)) == 3, "hub, canary, the other spoke"
    assert [ran.host(host)["status"] for host in HOSTS] == ["changed", "changed", "ok"]
    proved = {host: {(one["with"], one["proved"]) for one in ran.host(host)["proofs"] if "with" in one} for host in HOSTS}
    assert proved == {"vpn-b": {("vpn-a", False), ("vpn-e", True)}, "vpn-a": {("vpn-b", True)}, "vpn-e": set()}, "whoever moves second proves it"
    assert [one["traffic"] for one in ran.host("vpn-a")["proofs"] if "traffic" in one] == ["in and out"]
    (row,) = ran.host("vpn-a")["packets"]
    assert row["with"] == "vpn-b" and row["sent"] > 5 and row["lost"] <= 1, row
    assert ran.text.count("moved: every SA of it, in the lists of both ends, names ML-KEM") == 2, ran.text

    policy = strict(tmp_path)
    with Path(policy).open("a", encoding="utf-8") as more:  # whoever else may know this hub is in no list
        more.write("clients:\n  - {id: hub, host: vpn-b, acknowledge: {reason: all spokes are ours, approver: ciso, until: 2099-12-31}}\n")
    early = play(lab, "migrate_links", "vpn-a,vpn-b", agility_campaign="hub", agility_step="contract", agility_policy=policy)
    assert early.rc != 0 and "somebody would be cut off: road: vpn-e.lab.test (strongswan) is one-end" in early.text, early.text
    assert suites("vpn-b", "road") == [SAFE, SAFE] and "ke=[CURVE_25519]}" in on("vpn-b", "swanctl --list-conns --raw")
    ran = play(lab, "migrate_links", agility_campaign="hub", agility_step="contract", agility_policy=policy)
    assert ran.rc == 0 and ran.changed("vpn-a") == 0, ran.text
    for host in HOSTS:
        assert "ke=[CURVE_25519]}" not in on(host, "swanctl --list-conns --raw")
    assert suites("vpn-b", "road") == [SAFE, SAFE]

    back = play(lab, "rollback_links", agility_campaign="hub")
    assert back.rc == 0 and facts() == before, back.text
    on("vpn-b", END)
    up()
    assert suites("vpn-b", "road") == ["/CURVE_25519", "/CURVE_25519"]


def test_one_connection_for_each_spoke_and_two_tunnels_of_two_hosts_and_a_spoke_that_fails_goes_back_alone(lab: Lab) -> None:
    given("vpn-b", hub("vpn-a"), hub("vpn-e"), SECOND["vpn-b"])
    given("vpn-a", spoke("vpn-a"), SECOND["vpn-a"])
    given("vpn-e", spoke("vpn-e"))
    up()
    before = on("vpn-e", FACTS)
    on("vpn-e", f"cp -p {SECRET} /root/ && sed -i 's/lab psk/wrong/' {SECRET} && swanctl --load-creds --clear >/dev/null")  # no new SA comes
    ran = play(lab, "migrate_links", agility_campaign="each")
    on("vpn-e", f"cp -p /root/secrets.conf {SECRET} && swanctl --load-creds --clear >/dev/null")
    assert ran.rc != 0 and [ran.host(host)["status"] for host in HOSTS] == ["changed", "changed", "reverted"], ran.text
    assert ran.host("vpn-e")["problem"]["message"].startswith("the tunnel site with vpn-b: no new SA with ML-KEM came of"), ran.text
    assert on("vpn-e", FACTS) == before and suites("vpn-e", "site") == ["/CURVE_25519"]
    on("vpn-e", f"ping -c 1 -W 5 -I {SPOKES['vpn-e']} 10.92.2.1")
    proofs = {(one["endpoint"], one["with"]) for one in ran.host("vpn-a")["proofs"]}
    assert proofs == {(f"strongswan {name}", "vpn-b") for name in ("site", "site/net", "second", "second/net")}, "one transaction, all its tunnels"
    assert suites("vpn-b", "to-a") == suites("vpn-b", "second") == [SAFE]

    again = play(lab, "migrate_links", agility_campaign="each")
    assert again.rc == 0, again.text
    assert (again.changed("vpn-a"), again.changed("vpn-b"), again.changed("vpn-e")) == (0, 0, 1), again.text
    assert suites("vpn-b", "to-e") == [SAFE]


# The controller reaches vpn-b at its inner address, through vpn-a, whose packets are those of the tunnel then.
NAT = """
sysctl -qw net.ipv4.ip_forward=1
nft 'add table ip through; add chain ip through out { type nat hook postrouting priority 100; }'
nft 'add rule ip through out ip daddr 10.92.2.1 ip saddr 10.91.0.0/24 snat to 10.92.1.1'
"""
CUT = """
nft 'add table inet cut; add chain inet cut in { type filter hook input priority 0; }; add chain inet cut out { type filter hook output priority 0; }'
nft 'add rule inet cut in udp dport { 500, 4500 } drop; add rule inet cut out udp dport { 500, 4500 } drop'
"""


@pytest.fixture
def through(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The inventory in which vpn-b is behind its tunnel."""
    given("vpn-b", connection("site", "19", "10.91.0.18", ("vpn-b.lab.test", "vpn-a.lab.test"), ("10.92.2.1/32", "10.92.1.1/32")))
    given("vpn-a", spoke("vpn-a"))
    on("vpn-a", f"swanctl --initiate --child net >/dev/null; {NAT}")
    route = ["10.92.2.1/32", "via", "10.91.0.18"]
    subprocess.run(["ip", "route", "replace", *route], check=True)
    path = tmp_path / "through.yml"
    path.write_text("vpn: {hosts: {vpn-b: {ansible_host: 10.92.2.1, ansible_ssh_extra_args: -o HostKeyAlias=10.91.0.19}}}\n", encoding="utf-8")
    try:
        yield "-i", str(path)
    finally:
        subprocess.run(["ip", "route", "del", *route], check=False)
        on("vpn-a", "nft delete table ip through; nft delete table inet cut", check=False)


def test_the_login_goes_through_the_tunnel_that_is_moved_and_comes_back_by_itself_when_the_new_one_does_not_come_up(
    lab: Lab, through: tuple[str, ...]
) -> None:
    before = facts()
    ran: dict[str, Any] = {}

    def run() -> None:
        ran["cut"] = play(lab, "migrate_links", "vpn-a,vpn-b", *through, agility_campaign="login", agility_confirm_timeout=16)

    running = threading.Thread(target=run)
    running.start()
    try:
        until = time.monotonic() + 60
        while "armed" not in reached(lab.tmp, "vpn-b", "login"):
            assert time.monotonic() < until and running.is_alive(), ran
            time.sleep(0.02)
        on("vpn-a", CUT)
        until = time.monotonic() + 60
        while "REVERTED" not in on("vpn-b", "cat /var/lib/crypto-agility/tx/login-expand-*/journal"):
            assert time.monotonic() < until
            time.sleep(0.5)
    finally:
        on("vpn-a", "nft delete table inet cut", check=False)
        running.join(200)
    journal = on("vpn-b", "cat /var/lib/crypto-agility/tx/login-expand-*/journal")
    assert "deadline" in journal, journal
    assert ran["cut"].rc != 0 and [ran["cut"].host(host)["status"] for host in ("vpn-a", "vpn-b")] == ["reverted", "reverted"], ran["cut"].text
    assert facts() == before and set(suites("vpn-b", "site")) == {"/CURVE_25519"}  # one that was asked for meanwhile may have come, too

    moved = play(lab, "migrate_links", "vpn-a,vpn-b", *through, agility_campaign="login")  # its login works again
    assert moved.rc == 0 and suites("vpn-b", "site") == suites("vpn-a", "site") == [SAFE], moved.text
    assert moved.host("vpn-b")["evidence"]["connection"] == "fresh connection"
