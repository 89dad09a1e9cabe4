"""One end of a tunnel, past Ansible and past ssh: looked at, put back, cut off, killed."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.integration.conftest import LAB
from tests.integration.test_openvpn_clients import ADDRESSES

from .points import SERVER, A, B, E, Layout, Stage, Tunnel

TX = "var/lib/crypto-agility/tx"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Of a list of names, by whether some of them are the new.
STAGES: Mapping[frozenset[bool], Stage] = {frozenset([False]): "old", frozenset([True]): "new", frozenset([False, True]): "both"}
FINAL = ("CLEANED", "REVERTED", "REFUSED")
ADDRESS = {A: "10.91.0.18", B: "10.91.0.19", E: "10.91.0.23", SERVER: "10.91.0.26", **ADDRESSES, "controller": "10.91.0.1"}
KEPT = "/root/kept"  # a tar a stage: the configuration, and what the agent remembers
PUT_BACK = f"""
nft delete table inet lost 2>/dev/null; systemctl stop 'crypto-agility-*' 2>/dev/null
rm -rf /etc/systemd/system/crypto-agility-* /etc/systemd/system/sysinit.target.wants/crypto-agility-* /%s /var/lib/crypto-agility
tar -C / -xpf {KEPT}/%s.tar && systemctl reset-failed && systemctl restart %s"""
CUT = """nft 'add table inet lost; add chain inet lost in {{ type filter hook input priority 0; }}; add chain inet lost out {{ type filter hook output priority 0; }}
add rule inet lost in ip saddr {0} drop; add rule inet lost out ip daddr {0} drop'"""


class End(ABC):
    """service, inventory, policies: what a playbook is told.  folder: its configuration, look: the command that tells it to the byte.
    lossless: whether all packets pass while it moves."""

    service: ClassVar[str]
    inventory: ClassVar[str]
    folder: ClassVar[str]
    look: ClassVar[str]
    lossless: ClassVar[bool]

    def __init__(self, name: str, layout: Layout) -> None:
        self.name, self.layout, self.pid, self.root = name, layout, "", Path()
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
        return self.run(self.look)

    @staticmethod
    @abstractmethod
    def policies(folder: Path, layout: Layout) -> Mapping[str, str]:
        """By the step; "" = of the way back."""

    @staticmethod
    @abstractmethod
    def prepare(ends: Mapping[str, Any], layout: Layout) -> None:
        """What a layout has beyond what the lab made."""

    @abstractmethod
    def unit(self) -> str:
        """Of its daemon."""

    @abstractmethod
    def stage(self) -> Stage:
        """By its configuration."""

    @abstractmethod
    def agreed(self, one: Tunnel, other: Self) -> bool | None:
        """Whether what both ends list of that tunnel, which this one begins, is of the new exchange; None = they list nothing."""

    @abstractmethod
    def missing(self, one: Tunnel, other: Self) -> str:
        """Why that tunnel, which this end begins, does not come up; "" = it is there."""

    # -- put back

    def keep(self, name: str) -> None:
        self.run(f"mkdir -p {KEPT} /{TX}; tar -C / --numeric-owner --format=posix -cpf {KEPT}/{name}.tar {self.folder} {Path(TX).parent}")

    def put_back(self, name: str) -> None:
        self.run(PUT_BACK % (self.folder, name, self.unit()))

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

    def lose_daemon(self) -> None:
        """And somebody starts it again."""
        self.run(f"systemctl kill -s KILL --kill-whom=main {self.unit()}")
        time.sleep(3)
        self.run(f"systemctl start {self.unit()}", check=False)

    def pass_the_deadline(self) -> None:
        self.run(f"for file in /{TX}/*/deadline; do [ ! -e $file ] || echo 1 >$file; done")
