"""The preshared key of a real WireGuard tunnel is replaced at both ends and brought back, whoever is lost on the way; the controller never sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import LAB, TOP, Lab, Ran, on

PAIR = ("tun-a", "tun-b")
FACTS = "cd /etc/wireguard && stat -c '%n %a %U %G %s %Y %i' wg1.conf && sha256sum wg1.conf"
KEY = "sed -n 's/^PresharedKey = //p' /etc/wireguard/wg1.conf"
NEWEST = "ls -td /var/lib/crypto-agility/tx/link-* | head -n 1"
SETTINGS = {"agility_link_interface": "wg1", "agility_link_peer": "tun-b"}
FROZEN = """
policy: {name: frozen, version: "1"}
extends: [hybrid-transition@1]
zones:
  branch: {hosts: [tun-b]}
freezes:
  - {id: year-end, zone: branch, from: "2026-01-01T00:00", to: "2036-01-01T00:00"}
"""
WATCH = "(while :; do cat /proc/[0-9]*/cmdline; done >/root/seen) >/dev/null 2>&1 & echo $!"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    done = subprocess.run([LAB, "host", *PAIR], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    carries()


@pytest.fixture(autouse=True)
def carried() -> Iterator[None]:
    """Whatever a test does, both ends end with one key, and packets pass."""
    yield
    assert len({key(host) for host in PAIR} | {in_use(host) for host in PAIR}) == 1
    meet()


def carries() -> None:
    on("tun-b", "for n in $(seq 40); do ping -c 1 -W 1 10.96.0.1 >/dev/null 2>&1 && exit; sleep 1; done; exit 1")


def meet() -> None:
    """Without a session of before: what stands in the files is what carries."""
    for host in PAIR:
        on(host, "systemctl restart wg-quick@wg1")
    carries()


def key(host: str) -> str:
    return on(host, KEY).strip()


def in_use(host: str) -> str:
    return on(host, "wg show wg1 preshared-keys").split()[1]


def play(lab: Lab, *more: str, **variables: object) -> Ran:
    return lab.play("link_keys", "tun-a", "-i", "inventories/tunnels", *more, **SETTINGS, **variables)


def state(host: str) -> str:
    return on(host, f"tail -n 1 $({NEWEST})/journal").split()[1]


def due(host: str) -> str:
    """Its deadline has come; what became of it."""
    on(host, f"d=$({NEWEST}); [ ! -e $d/token ] || echo 0 >$d/deadline")
    until = time.monotonic() + 60
    while (now := state(host)) not in ("CLEANED", "REVERTED") and time.monotonic() < until:
        time.sleep(0.5)
    return now


def test_check_mode_tells_both_ends_and_the_moment_without_a_tunnel(lab: Lab) -> None:
    before = [on(host, FACTS) for host in PAIR]
    ran = play(lab, "--check")
    assert ran.rc == 0 and [ran.host(host)["status"] for host in PAIR] == ["would-change"] * 2, ran.text
    for host, end in zip(PAIR, reversed(PAIR), strict=True):
        plan = ran.host(host)["plan"]
        assert f"wg1 with {end}: another preshared key, made on tun-a and sealed for tun-b" in plan["reasons"][0]
    assert "a moment without the tunnel" in " ".join(ran.text.split())
    assert [on(host, FACTS) for host in PAIR] == before


def test_both_ends_get_a_new_key_that_no_one_else_sees_and_the_old_one_comes_back(lab: Lab) -> None:
    before, old = [on(host, FACTS) for host in PAIR], key("tun-a")
    watching = {host: on(host, WATCH).strip() for host in PAIR}
    ran = play(lab, "-vvv")
    for host, pid in watching.items():
        on(host, f"kill {pid}")
    assert ran.rc == 0 and ran.changed("tun-a") == 1, ran.text
    new = key("tun-a")
    assert new != old and {key(host) for host in PAIR} == {in_use(host) for host in PAIR} == {new}
    carries()
    for host in PAIR:
        result = ran.host(host)
        assert result["status"] == "changed" and result["evidence"]["sealed"] == "ML-KEM-768 and P-384"
        assert [(one["proved"], one["handshake"]) for one in result["proofs"]] == [(True, True)]
        assert on(host, FACTS).startswith("wg1.conf 600 root root")
        assert on(host, "ls /var/lib/crypto-agility/keys").split() == []
    written = "".join(file.read_text(errors="replace") for file in lab.tmp.rglob("*") if file.is_file())
    seen = "".join(on(host, "tr '\\0' ' ' </root/seen") for host in PAIR)
    assert "openssl" in seen and "PresharedKey" not in written + ran.text
    for secret in (old, new):
        assert secret not in ran.text + written + seen

    one_end = lab.play("rollback", "tun-a", "-i", "inventories/tunnels", agility_transaction=ran.host("tun-a")["transaction"])
    assert one_end.rc != 0 and "changed both ends of a link" in one_end.text

    back = play(lab, agility_link_step="back")
    assert back.rc == 0 and [back.host(host)["status"] for host in PAIR] == ["changed"] * 2, back.text
    assert [on(host, FACTS) for host in PAIR] == before
    assert {in_use(host) for host in PAIR} == {old}
    again = play(lab, agility_link_step="back")
    assert again.rc != 0 and "is remembered at both ends" in " ".join(again.text.split())


def test_a_reload_that_does_nothing_is_found_out_and_both_ends_go_back(lab: Lab) -> None:
    before = [on(host, FACTS) for host in PAIR]
    drop_in = "/run/systemd/system/wg-quick@wg1.service.d"
    on("tun-b", f"mkdir -p {drop_in} && printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n' >{drop_in}/x.conf && systemctl daemon-reload")
    try:
        ran = play(lab)
        assert ran.rc != 0 and [ran.host(host)["status"] for host in PAIR] == ["reverted"] * 2, ran.text
        assert "no handshake since the change" in " ".join(ran.text.split())
    finally:
        on("tun-b", f"rm -r {drop_in} && systemctl daemon-reload")
    assert [on(host, FACTS) for host in PAIR] == before


class Begun:
    """A rotation, or another playbook, of which somebody takes a part away on its way."""

    def __init__(
        self,
        tmp: Path,
        inventory: str = "inventories/tunnels",
        limit: str = "tun-a",
        settings: Mapping[str, object] = SETTINGS,
        playbook: str = "link_keys",
    ) -> None:
        argv = ["ansible-playbook", "-i", inventory, f"playbooks/{playbook}.yml", "-l", limit, "-e", f"agility_output={tmp}/out"]
        argv += [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
        with (tmp / "said").open("w") as said:
            self.process = subprocess.Popen(argv, cwd=TOP, stdout=said, stderr=said, env={**os.environ, "NO_COLOR": "1"})
        self.said = tmp / "said"

    def kill(self) -> None:
        """With its workers, which have sessions of their own."""
        for pid in (self.process.pid, *_below(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _below(pid: int) -> list[int]:
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [one for child in children for one in (child, *_below(child))]


def forget() -> None:
    for host in PAIR:
        on(host, "rm -rf /var/lib/crypto-agility/tx/link-*")


def when(host: str, there: str) -> None:
    on(host, f"n=0; until {there}; do n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.05; done")


@pytest.mark.parametrize("moment", ["armed", "following"])
def test_without_its_controller_both_ends_end_with_one_key(tmp_path: Path, moment: str) -> None:
    forget()
    begun = Begun(tmp_path)
    try:
        when("tun-b", "[ -e /var/lib/crypto-agility/tx/link-*/beat ]" if moment == "armed" else "[ -s /var/lib/crypto-agility/tx/link-*/follow ]")
    finally:
        begun.kill()
    time.sleep(1)  # a script that has arrived goes on without its controller
    first = due("tun-a") if on("tun-a", "ls /var/lib/crypto-agility/tx 2>/dev/null", check=False).strip() else "REVERTED"
    assert due("tun-b") == first


@pytest.fixture
def half_way(tmp_path: Path) -> Iterator[Begun]:
    """No login reaches tun-b from the moment that it is told to follow; tun-a is confirmed."""
    forget()
    begun = Begun(tmp_path)
    when("tun-b", "[ -s /var/lib/crypto-agility/tx/link-*/follow ]")
    on("tun-b", "systemctl stop ssh")
    when("tun-a", "grep -q CLEANED /var/lib/crypto-agility/tx/link-*/journal")
    assert state("tun-b") == "RELOADED"
    yield begun
    on("tun-b", "systemctl start ssh")


def test_an_end_that_is_booted_before_it_is_confirmed_does_as_the_other_end_did(half_way: Begun) -> None:
    subprocess.run([LAB, "in-ns", "podman", "restart", "-t", "0", "tun-b"], check=True, capture_output=True, timeout=60)
    assert half_way.process.wait(120) == 0, half_way.said.read_text()
    assert [state(host) for host in PAIR] == ["CLEANED"] * 2 and key("tun-b") == key("tun-a")


def test_an_end_that_somebody_takes_back_by_hand_takes_the_other_one_with_it(half_way: Begun) -> None:
    new = key("tun-a")
    on("tun-b", f"sh $({NEWEST})/revert.sh && systemctl start ssh")
    assert half_way.process.wait(120) != 0
    said = " ".join(half_way.said.read_text().split())
    assert "tun-b, the other end: no new connection after the change" in said and "byte for byte as it was" in said
    assert key("tun-a") == key("tun-b") != new


def test_a_freeze_of_the_other_end_holds_both(lab: Lab, tmp_path: Path) -> None:
    policy = tmp_path / "frozen.yml"
    policy.write_text(FROZEN, encoding="utf-8")
    before = [on(host, FACTS) for host in PAIR]
    ran = play(lab, agility_policy=str(policy))
    assert ran.rc != 0 and [ran.host(host)["status"] for host in PAIR] == ["out-of-window"] * 2, ran.text
    assert ran.host("tun-a")["problem"]["message"].startswith("tun-b, the other end: frozen by year-end")
    assert [on(host, FACTS) for host in PAIR] == before
