"""A systemd host of a test's own, from the lab's images, driven past Ansible: the agent's scripts go straight into its shell."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, Identity
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script

LAB = Path(__file__).parents[1] / "lab" / "lab"
NONCE = "0123456789abcdef"
TOKEN = "a token that only the controller knows"
SSHD = Activation("openssh", ("ssh.service", "sshd.service"), ("ssh.socket", "sshd.socket"), ("sshd", "-t"), "reload", (22,))


class Container:
    """One systemd host."""

    def __init__(self, name: str, image: str) -> None:
        self.name = name
        self.podman("run", "-d", "--name", name, "--hostname", name, f"localhost/lab/{image}")
        self.ready()

    def podman(self, *words: str, stdin: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run([LAB, "in-ns", "podman", *words], input=stdin, capture_output=True, timeout=120, check=False)
        if check and done.returncode:
            pytest.fail(f"podman {words[0]} failed: {done.stderr.decode()}")
        return done.stdout.decode()

    def run(self, command: str, check: bool = True) -> str:
        return self.podman("exec", self.name, "/bin/sh", "-c", command, check=check).strip()

    def send(self, text: str) -> answer.TransactionReport:
        return answer.parse_transaction(self.podman("exec", "-i", self.name, "/bin/sh", "-s", stdin=text.encode(), check=False), NONCE)

    def ready(self) -> None:
        until = time.monotonic() + 60
        while self.run("systemctl is-system-running --wait", check=False) not in ("running", "degraded"):
            assert time.monotonic() < until, "the container did not boot"
            time.sleep(0.3)

    def apply(self, id_: str, *changes: Change, seconds: int = 60, service: Activation = SSHD) -> answer.TransactionReport:
        return self.send(apply_script(id_, *changes, seconds=seconds, service=service))

    def add_line(self, path: str, line: str) -> Change:
        return Change(path, self.run(f"sha256sum {path}").split()[0], (Edit(1, 0, (f"{line}\n",)),))

    def status(self, id_: str) -> answer.TransactionReport:
        return self.send(script.compose_status(id_, NONCE))

    def wait(self, id_: str, state: str, seconds: float) -> answer.TransactionReport:
        until = time.monotonic() + seconds
        while (report := self.status(id_)).state != state and time.monotonic() < until:
            time.sleep(0.5)
        return report

    def ours(self) -> str:
        """Units, processes and files of ours outside /var/lib/crypto-agility."""
        return self.run(
            "systemctl list-units --plain --no-legend 'crypto-agility*'; find /etc/systemd /etc/cron.d -name 'crypto-agility*' 2>/dev/null;"
            " find /etc -name '.*.ca-*'"
        )

    def remove(self) -> None:
        subprocess.run([LAB, "in-ns", "podman", "rm", "-f", "-i", "-t", "0", self.name], capture_output=True, check=False)


def apply_script(id_: str, *changes: Change, seconds: int = 60, service: Activation = SSHD) -> str:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    return script.compose_apply(script.Transaction(id_, seconds, Identity(), "a test", changes, (service,), digest), {}, NONCE)


def original(container: Container, path: str) -> str:
    """Everything about a file that a way back must restore, its inode, too."""
    return container.run(f"stat -c '%i %s %a %U %G %y %h' {path}; sha256sum {path}")
