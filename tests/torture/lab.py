"""A spread of faults on real sshd and nginx under real systemd: a container of its own from the lab's images, gone afterwards.

The same tracer, the same agent; here the fault falls into a transaction that reloads both daemons.  Afterwards the deadline passes; the
poller alone must settle it, then `recover` runs, and what was confirmed is undone by its recipe: the host is as it was, both daemons up.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, Identity
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script

from .inject import Tally, spread_evenly
from .machine import NONCE
from .tracing import Call, Unable, read_lines, tracer

LAB = Path(__file__).parents[1] / "lab" / "lab"
SSHD, SITE, ADDED = "/etc/ssh/sshd_config", "/etc/nginx/conf.d/site.conf", "/etc/nginx/conf.d/added.conf"
SERVICES = (
    Activation("openssh", ("ssh.service", "sshd.service"), ("ssh.socket", "sshd.socket"), ("sshd", "-t"), "reload", (22,)),
    Activation("nginx", ("nginx.service",), (), ("nginx", "-t"), "reload", (8080,)),
)
PHASES = ("apply", "confirm", "revert")
TX, TOKEN = "/var/lib/crypto-agility/tx", "a token that only the controller knows"
FINAL = ("CLEANED", "REVERTED", "REFUSED", "ABSENT")
FAULTS = (("ENOSPC", "enospc", "a"), ("EIO", "eio", "am"), ("KILL, then deadline", "kill", "am"))
# All that must come back: files, what listens, what the daemons really use, and nothing of ours.
LOOK = f"""stat -c '%n %i %s %a %u %g %y %h' /etc/ssh/* {SITE}; sha256sum /etc/ssh/sshd_config /etc/nginx/*.conf /etc/nginx/conf.d/*
systemctl is-active ssh nginx; sshd -T | grep -i maxstartups; awk '$4 == "0A" {{ print $2 }}' /proc/net/tcp /proc/net/tcp6 | sort
systemctl list-units --plain --no-legend 'crypto-agility*'; find /etc -name '.*.ca-*' -o -name '.ca-*' -o -name 'crypto-agility*'"""


class Container:
    """One systemd host."""

    def __init__(self, image: str, beside: int = 0) -> None:
        self.name = f"torture-{image}-{os.getpid()}-{beside}"
        self.number = 0
        self.podman("run", "-d", "--name", self.name, "--hostname", self.name, f"localhost/lab/{image}")
        until = time.monotonic() + 60
        while self.run("systemctl is-system-running --wait").strip() not in ("running", "degraded"):
            if time.monotonic() > until:
                raise Unable("the container did not boot")
            time.sleep(0.3)
        self.podman("exec", "-i", self.name, "sh", "-c", "cat >/run/tracer && chmod 755 /run/tracer", stdin=tracer().read_bytes())
        self.run(f"mkdir -p /run/sshd; printf 'server {{ listen 8080; }}\\n' >{SITE}; systemctl restart ssh nginx")
        self.before = self.run(LOOK)
        if "active\nactive" not in self.before or ":1F90" not in self.before:
            raise Unable(f"sshd and nginx do not run in {self.name}: {self.before}")

    def podman(self, *words: str, stdin: bytes = b"") -> str:
        done = subprocess.run([LAB, "in-ns", "podman", *words], input=stdin, capture_output=True, timeout=180, check=False)
        if words[0] == "run" and done.returncode:
            raise Unable(f"the lab starts no container (tests/lab/lab up): {done.stderr.decode()[-300:]}")
        return done.stdout.decode("utf-8", "replace")

    def run(self, command: str) -> str:
        return self.podman("exec", self.name, "/bin/sh", "-c", command)

    def send(self, text: str, *traced: str) -> answer.TransactionReport | None:
        out = self.podman("exec", "-i", self.name, *traced, "/bin/sh", "-s", stdin=text.encode())
        try:
            return answer.parse_transaction(out, NONCE)
        except answer.NoAnswer:
            return None

    def apply(self, id_: str) -> str:
        def digest(path: str) -> str:
            return self.run(f"sha256sum {path}").split()[0]

        changes = (
            Change(SSHD, digest(SSHD), (Edit(1, 0, ("MaxStartups 7:30:70\n",)),)),
            Change(SITE, digest(SITE), (Edit(1, 0, ("# new\n",)),)),
            Change(ADDED, "", (Edit(1, 0, ("# added\n",)),)),
        )
        return script.compose_apply(
            script.Transaction(id_, 60, Identity(), "the torture", changes, SERVICES, hashlib.sha256(TOKEN.encode()).hexdigest()), {}, NONCE
        )

    def traced(self, phase: str, fault: str = "", at: int = 0, kinds: str = "am") -> tuple[str, answer.TransactionReport | None, list[Call]]:
        """One verb with a fault; (id, what was reported, calls)."""
        self.number += 1
        id_ = f"t-{self.number}"
        text = self.apply(id_)
        if phase != "apply":
            self.send(text)
            text = script.compose_confirm(id_, TOKEN, NONCE) if phase == "confirm" else script.compose_revert(id_, "the torture", NONCE)
        words = ["/run/tracer", "-c", kinds, "-u", "/etc", "-u", "/var/lib/crypto-agility", "-l", "/run/calls"]
        report = self.send(text, *words, *(["-n", str(at), "-f", fault] if fault else []), "--")
        return id_, report, read_lines(self.run("cat /run/calls"))

    def states(self, id_: str) -> list[str]:
        return [line.split()[1] for line in self.run(f"cat {TX}/{id_}/journal 2>/dev/null").splitlines() if len(line.split()) > 2]

    def back(self, id_: str) -> list[str]:
        """The deadline passes.  What is armed the poller settles alone, then comes `recover`; what is confirmed is undone without a controller."""
        self.run(f"[ ! -e {TX}/{id_}/deadline ] || echo 1 >{TX}/{id_}/deadline")
        bad = self.settled(id_, "the poller alone: ") if "ARMED" in self.states(id_) else []
        self.send(script.compose_recover(NONCE))
        bad += self.settled(id_, "")
        self.run(f"rm -rf {TX}/*")
        return bad

    def settled(self, id_: str, who: str) -> list[str]:
        until = time.monotonic() + 30
        while True:
            states, now = self.states(id_), self.run(LOOK)
            last = states[-1] if states else "ABSENT"
            if last == "CLEANED" and not who:
                self.run(f"sh {TX}/{id_}/revert.sh")
                now = self.run(LOOK)
            if last in FINAL and (now == self.before or (last == "CLEANED" and who and "crypto-agility" not in now and ".ca-" not in now)):
                return []
            if time.monotonic() > until:
                differs = [line for line in now.splitlines() if line not in self.before.splitlines()]
                return [f"{who}{last}, not as it was: {differs or 'something is missing'}"]
            time.sleep(0.5)

    def remove(self) -> None:
        self.podman("rm", "-f", "-i", "-t", "0", self.name)


def every_point(host: Container) -> list[tuple[str, str, str, str, int]]:
    """(phase, fault's name, the tracer's word for it, its calls, number) of all that good runs do."""
    every = []
    for phase, good in zip(PHASES, ("RELOADED", "CLEANED", "REVERTED"), strict=True):
        id_, report, calls = host.traced(phase)
        if not report or report.state != good:
            raise AssertionError(f"without any fault: {report}")
        if bad := host.back(id_):
            raise AssertionError(f"without any fault: {bad}")
        every += [(phase, *fault, at) for fault in FAULTS for at in range(1, sum(call.kind in fault[2] for call in calls) + 1)]
    return every


def run(count: int, tally: Tally, say: Callable[[str], None], image: str = "bookworm", most: int = 4) -> tuple[int, int]:
    """How many points were tried of how many that good runs have; `count` of them, all when it is 0.

    On several hosts side by side, for most of a point is waiting; each has its own share of the points, one after the other.
    """
    hosts = [Container(image)]
    try:
        every = every_point(hosts[0])
        chosen = spread_evenly(every, count)
        hosts += [Container(image, n) for n in range(1, min(most, len(chosen) // 20))]
        told = Lock()

        def share(host: Container, points: Sequence[tuple[str, str, str, str, int]]) -> None:
            for phase, name, fault, kinds, at in points:
                id_, dummy, calls = host.traced(phase, fault, at, kinds)
                hit = next((call for call in calls if call.number == at), None)
                bad = host.back(id_)
                with told:
                    done[0] += 1
                    if hit:
                        tally.add(name, f"{phase} on sshd and nginx", bad, f"{name} / {image} / {phase} / {at}: {hit}")
                    else:
                        tally.missed += 1
                    if done[0] % 50 == 0:
                        say(f"  points on sshd and nginx: {done[0]} of {len(chosen)}")

        done = [0]
        with ThreadPoolExecutor(len(hosts)) as pool:
            for ended in [pool.submit(share, host, chosen[n :: len(hosts)]) for n, host in enumerate(hosts)]:
                ended.result()
        return len(chosen), len(every)
    finally:
        for host in hosts:
            host.remove()
