"""Both ends of a tunnel between two strongSwan 6.1 move together, with traffic through it; and go back by themselves when the controller dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import LAB, TOP, Lab, Ran, on
from .test_ipsec import FACTS, HOSTS, POLICY, SITE

BOTH = ",".join(HOSTS)
PING = "ping -q -i 0.02 -I 10.92.1.1 10.92.2.1"
# Nothing is started by a reload, and vpn-b takes whoever has the right identity, so that it answers a stranger's IKE_SA_INIT.
QUIET = f"sed -i -e 's/start_action = start/start_action = none/' {SITE}"
OPEN = f"sed -i -e 's/remote_addrs = .*/remote_addrs = %any/' {SITE}"
# What probes left half-open is waited for otherwise, up to half a minute.
FORGET = "swanctl --list-sas | sed -n 's/^(unnamed): #\\([0-9]*\\),.*/\\1/p' | while read -r n; do swanctl --terminate --ike-id $n --force; done"
UP = "swanctl --terminate --ike site --force >/dev/null 2>&1; swanctl --initiate --child net >/dev/null"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> Iterator[None]:
    """Every module begins with its hosts as they were built, and leaves them so for the next."""
    done = subprocess.run([LAB, "host", *HOSTS], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    for host, edit in zip(HOSTS, (QUIET, OPEN), strict=True):
        on(host, f"cp -p {SITE} /root/site.conf && {edit} && swanctl --load-all --noprompt >/dev/null")
    on("vpn-a", UP)
    yield
    for host in HOSTS:
        on(host, f"cp -p /root/site.conf {SITE} && swanctl --load-all --noprompt >/dev/null")


def play(lab: Lab, name: str, limit: str = BOTH, **variables: object) -> Ran:
    return lab.play(name, limit, "-i", "inventories/vpn", agility_services=["strongswan"], **{"agility_policy": POLICY, **variables})


def listed(host: str) -> list[str]:
    """The IKE SAs of the tunnel; those that a probe left half-open have no name."""
    return [one for one in re.split(r"^(?=\S)", on(host, "swanctl --list-sas"), flags=re.MULTILINE) if one.startswith("site:")]


def moved(host: str) -> bool:
    """Whether there is one IKE SA, and ML-KEM in it and in its child."""
    sas = listed(host)
    return len(sas) == 1 and sas[0].count("KE1_ML_KEM_1024") == 2 and "ESP:AES_GCM_16-256/CURVE_25519/KE1_ML_KEM_1024" in sas[0]


def classical() -> bool:
    return not any("KE1_" in sa for host in HOSTS for sa in listed(host))


def facts() -> dict[str, str]:
    return {host: on(host, FACTS) for host in HOSTS}


def carries_traffic() -> bool:
    return "1 received" in on("vpn-a", "ping -c 1 -W 5 -I 10.92.1.1 10.92.2.1", check=False)


def strict(tmp_path: Path) -> str:
    path = tmp_path / "strict.yml"
    stages = "".join(f"  - {{protocol: {one}, aspect: key_exchange, stage: require}}\n" for one in ("ikev2", "esp"))
    path.write_text(f"{Path(POLICY).read_text(encoding='utf-8')}stages:\n{stages}", encoding="utf-8")
    return str(path)


def test_both_ends_move_without_a_lost_packet_and_come_back_to_the_byte(lab: Lab, tmp_path: Path) -> None:
    before = facts()
    assert classical()
    pinging = subprocess.Popen([LAB, "exec", "vpn-a", "sh", "-c", f"{PING} & echo $! >/root/ping; wait"], stdout=subprocess.PIPE, text=True)
    ran = play(lab, "migrate_links", agility_campaign="move")
    on("vpn-a", "kill -INT $(cat /root/ping)")
    said = pinging.communicate(timeout=30)[0]
    assert ran.rc == 0, ran.text
    sent, back = (int(number) for number in re.findall(r"(\d+) packets transmitted, (\d+) received", said)[0])
    print(f"migrate_links: {sent} packets, {sent - back} lost")
    assert sent > 100 and sent - back <= 1, said  # the last may be on its way when ping ends
    assert moved("vpn-a") and moved("vpn-b")
    proofs = {host: {one["endpoint"]: (one["group"], one["sa"]) for one in ran.host(host)["proofs"]} for host in HOSTS}
    assert proofs["vpn-a"] == proofs["vpn-b"] and proofs["vpn-a"]["strongswan site/net"][0] == "x25519-ke1_mlkem1024"
    assert "moved: every SA of it, in the lists of both ends, names ML-KEM" in ran.text

    again = play(lab, "migrate_links", agility_campaign="move")
    assert again.rc == 0 and again.changed("vpn-a") == again.changed("vpn-b") == 0, again.text

    policy = strict(tmp_path)
    early = play(lab, "migrate_links", agility_campaign="other", agility_step="contract", agility_policy=policy)
    assert early.rc != 0 and "both ends have to be expanded first: vpn-a is not, vpn-b is not" in early.text, early.text
    ran = play(lab, "migrate_links", agility_campaign="move", agility_step="contract", agility_policy=policy)
    assert ran.rc == 0, ran.text
    for host in HOSTS:
        assert moved(host) and "ke=[CURVE_25519]}" not in on(host, "swanctl --list-conns --raw")
    refused = [one for one in ran.host("vpn-b")["proofs"] if "refused" in one]
    assert [(one["endpoint"], one["refused"]) for one in refused] == [("strongswan site", True)], "a stranger with classical exchanges alone"
    assert carries_traffic()

    held = play(lab, "rollback", "vpn-a", agility_campaign="move-expand")
    assert held.rc != 0 and "the other end, vpn-b, may take the new exchange alone" in held.text, held.text
    on("vpn-b", FORGET)
    back_again = play(lab, "rollback_links", agility_campaign="move")
    assert back_again.rc == 0, back_again.text
    assert facts() == before and carries_traffic()
    on("vpn-a", UP)
    assert classical() and carries_traffic()


def test_a_controller_that_dies_before_the_confirmations_leaves_both_as_they_were_and_the_next_run_moves_them(lab: Lab) -> None:
    before = facts()
    settings = {
        "agility_output": str(lab.tmp / "killed"),
        "agility_policy": POLICY,
        "agility_services": ["strongswan"],
        "agility_confirm_timeout": 40,
    }
    words = json.dumps({**settings, "agility_campaign": "dies"})
    argv = ["ansible-playbook", "-i", "inventories/vpn", "playbooks/migrate_links.yml", "-l", BOTH, "-e", words]
    running = subprocess.Popen(argv, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 90
        while "moved" not in reached(lab.tmp, "vpn-a"):
            assert time.monotonic() < until and running.poll() is None, [reached(lab.tmp, host) for host in HOSTS]
            time.sleep(0.02)
    finally:
        for pid in [running.pid, *below(running.pid)]:  # its workers are sessions of their own
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.wait()
    assert all("armed" in reached(lab.tmp, host) and "confirmed" not in reached(lab.tmp, host) for host in HOSTS)
    assert all(now != before[host] for host, now in facts().items()), "both were changed when it died"
    until = time.monotonic() + 90
    while facts() != before and time.monotonic() < until:
        time.sleep(1)
    assert facts() == before
    for host in HOSTS:
        assert "REVERTED" in on(host, "cat /var/lib/crypto-agility/tx/dies-expand-*/journal")
    assert carries_traffic()
    ran = play(lab, "migrate_links", agility_campaign="dies")  # charon still has the SA that was made of that configuration, and makes no other
    assert ran.rc == 0 and moved("vpn-a") and moved("vpn-b") and carries_traffic(), ran.text


def reached(tmp: Path, host: str, campaign: str = "dies") -> list[str]:
    """How far an end says it is."""
    files = (tmp / f"campaigns/{campaign}/links").glob(f"*/{host}.json")
    return [step for path in files for step in json.loads(path.read_text(encoding="utf-8"))["reached"]]


def below(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    mine = [one for one, parent in parents.items() if parent == pid]
    return [*mine, *(further for one in mine for further in below(one))]
