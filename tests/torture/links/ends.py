"""One end of the tunnel, past Ansible and past ssh: looked at, put back, cut off, killed."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.integration.conftest import LAB
from tests.integration.test_ipsec import FACTS

from .points import PAIR, A, B, E, Stage, Tunnel

TX = "var/lib/crypto-agility/tx"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
FINAL = ("CLEANED", "REVERTED", "REFUSED")
ADDRESS = {A: "10.91.0.18", B: "10.91.0.19", E: "10.91.0.23", "controller": "10.91.0.1"}
KEPT = "/root/kept"  # a tar a stage: the configuration, and what the agent remembers
PUT_BACK = f"""
nft delete table inet lost 2>/dev/null; systemctl stop 'crypto-agility-*' 2>/dev/null
rm -rf /etc/systemd/system/crypto-agility-* /etc/systemd/system/sysinit.target.wants/crypto-agility-* /etc/swanctl /var/lib/crypto-agility
tar -C / -xpf {KEPT}/%s.tar && systemctl reset-failed && systemctl restart strongswan"""
CUT = """nft 'add table inet lost; add chain inet lost in {{ type filter hook input priority 0; }}; add chain inet lost out {{ type filter hook output priority 0; }}
add rule inet lost in ip saddr {0} drop; add rule inet lost out ip daddr {0} drop'"""


@dataclass(frozen=True, slots=True)
class Sa:
    """spis: the same at both ends; children: (here in, here out); safe: ML-KEM in it and in each child."""

    spis: tuple[str, ...]
    children: frozenset[tuple[str, ...]]
    safe: bool


class End:
    def __init__(self, name: str, connections: int = 1) -> None:
        self.name, self.connections, self.pid, self.root = name, connections, "", Path()
        self.booted()

    def podman(self, *words: str) -> str:
        return subprocess.run([LAB, "in-ns", "podman", *words], capture_output=True, text=True, check=True, timeout=120).stdout.strip()

    def run(self, command: str, check: bool = True) -> str:
        """Without podman, which takes a second where much is asked."""
        words = ["nsenter", "-t", self.pid, "-m", "-u", "-i", "-n", "-p", "env", "-i", f"PATH={PATH}", "sh", "-c", command]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, f"{self.name}: {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def booted(self) -> None:
        """Until it runs; its files are looked at from outside, for a step may last a hundredth of a second."""
        self.pid = self.podman("inspect", "-f", "{{.State.Pid}}", self.name)
        self.root = Path("/proc", self.pid, "root")
        until = time.monotonic() + 60
        while self.run("systemctl is-system-running --wait", check=False).strip() not in ("running", "degraded"):
            assert time.monotonic() < until, f"{self.name} does not boot"
            time.sleep(0.3)

    # -- what is there

    def journals(self, takes: str = "*") -> list[list[str]]:
        """The states of each transaction of that name."""
        out = []
        for path in (self.root / TX).glob(f"{takes}/journal"):
            with suppress(OSError):  # put away at this moment
                out.append([words[1] for line in path.read_text(encoding="utf-8").splitlines() if len(words := line.split()) > 2])
        return out

    def settled(self) -> bool:
        return all(states and states[-1] in FINAL for states in self.journals())

    def facts(self) -> str:
        return self.run(FACTS)

    def stage(self) -> Stage:
        """By the proposals of IKE and of ESP, of all its connections."""
        said = self.run("cat /etc/swanctl/conf.d/site*.conf")
        lists = [found.split(",") for found in re.findall(r"^\s*(?:esp_)?proposals = ([^#\n]*)", said, re.MULTILINE)]
        seen = {frozenset("mlkem" in one for one in each) for each in lists}
        stages: dict[frozenset[bool], Stage] = {frozenset([False]): "old", frozenset([True]): "new", frozenset([False, True]): "both"}
        return stages[next(iter(seen))] if len(lists) == 2 * self.connections and len(seen) == 1 else "neither"

    def sas(self, connection: str = "site") -> list[Sa]:
        """Of that connection those that are established, with children that are installed."""
        out = []
        for text in re.split(r"^(?=\S)", self.run("swanctl --list-sas", check=False), flags=re.MULTILINE):
            if ike := re.match(connection + r": #\d+, ESTABLISHED, IKEv2, (\w+)_i\*? (\w+)_r\*?", text):
                children = re.findall(r"INSTALLED.*\n.*\n\s+in\s+(\w+).*\n\s+out\s+(\w+)", text)
                out.append(Sa(ike.groups(), frozenset(children), text.count("KE1_ML_KEM") == 1 + len(children)))
        return out

    # -- put back

    def keep(self, name: str) -> None:
        self.run(f"mkdir -p {KEPT} /{TX}; tar -C / --numeric-owner --format=posix -cpf {KEPT}/{name}.tar etc/swanctl {Path(TX).parent}")

    def put_back(self, name: str) -> None:
        self.run(PUT_BACK % name)

    # -- what befalls it

    def cut(self, other: str) -> None:
        """From the other end, or from the controller."""
        self.run(CUT.format(ADDRESS[other]))

    def mend(self) -> None:
        self.run("nft delete table inet lost 2>/dev/null", check=False)

    def lose_power(self) -> None:
        self.podman("kill", "-s", "KILL", self.name)
        time.sleep(2)
        self.podman("start", self.name)
        self.booted()

    def lose_charon(self) -> None:
        """And somebody starts it again."""
        self.run("systemctl kill -s KILL --kill-whom=main strongswan")
        time.sleep(3)
        self.run("systemctl start strongswan", check=False)

    def pass_the_deadline(self) -> None:
        self.run(f"for file in /{TX}/*/deadline; do [ ! -e $file ] || echo 1 >$file; done")


def shared(one: End, other: End, tunnel: Tunnel = PAIR.tunnels[0]) -> Sa | None:
    """An SA of that tunnel with a child that both list, the safe ones first.  one: the end that begins."""
    theirs = {sa.spis: sa for sa in other.sas(tunnel.there)}
    both = [
        Sa(sa.spis, sa.children, sa.safe and twin.safe)
        for sa in one.sas(tunnel.here)
        if (twin := theirs.get(sa.spis)) and any((there, here) in twin.children for here, there in sa.children)
    ]
    return max(both, key=lambda sa: sa.safe, default=None)
