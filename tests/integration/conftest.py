"""Ways to drive the lab as a user would: playbooks against its inventory, and hosts looked at from outside."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
LAB = str(TOP / "tests/lab/lab")
STATE = Path(os.environ.get("AGILITY_LAB", "/var/tmp/quantumsafe-lab"))  # what the lab has made: its inventories, keys, authority
WEB = ("web-new", "web-old", "web-legacy", "web-bare", "web-include")
ADDRESS = {"web-new": "10.91.0.11", "web-old": "10.91.0.12", "web-legacy": "10.91.0.13", "web-bare": "10.91.0.14", "web-include": "10.91.0.15"}


def on(host: str, command: str, check: bool = True) -> str:
    """Run a shell command on a lab host, past Ansible and past ssh."""
    done = subprocess.run([LAB, "exec", host, "sh", "-c", command], capture_output=True, text=True, check=False, timeout=120)
    assert not check or done.returncode == 0, f"{host}: {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def kill_at(controller: subprocess.Popen[Any], host: str, state: str) -> None:
    """Kill the controller and its workers, which have sessions of their own, once STATE is in the host's journal.

    sshd stands still meanwhile: on a busy machine the confirmation would otherwise be there before the kill.
    """
    on(host, f"until grep -q ' {state} ' /var/lib/crypto-agility/tx/*/journal 2>/dev/null; do sleep 0.02; done; pkill -STOP sshd")
    subprocess.run(["pkill", "-KILL", "-P", str(controller.pid)], check=True)
    controller.kill()
    on(host, "pkill -CONT sshd")


FACTS = """
cd / && find etc/ssh etc/nginx | sort | while read -r f; do
  if [ -d "$f" ]; then stat -c '%n %a %U %G' "$f"; else stat -c '%n %a %U %G %Y %s %F' "$f"; fi
  [ ! -f "$f" ] || sha256sum "$f"
done
"""


def started(*hosts: str) -> None:
    """These hosts of the lab run, whichever of them did not; their images are built where they are missing (some minutes, once)."""
    done = subprocess.run([LAB, "host", *hosts], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr


def configuration(host: str) -> str:
    """Every fact of the daemons' files that a way back must restore: content, owner, mode, time."""
    return on(host, FACTS)


@dataclass
class Ran:
    rc: int
    text: str
    output: Path

    def host(self, name: str) -> dict[str, Any]:
        return json.loads((self.output / "hosts" / f"{name}.json").read_text(encoding="utf-8"))

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.output / "summary.json").read_text(encoding="utf-8"))

    def changed(self, name: str) -> int:
        line = next(line for line in self.text.splitlines() if line.startswith(name) and "changed=" in line)
        return int(line.split("changed=")[1].split()[0])


class Lab:
    def __init__(self, tmp: Path) -> None:
        self.tmp, self.runs = tmp, 0

    def play(self, name: str, limit: str, *more: str, **variables: object) -> Ran:
        self.runs += 1
        output = self.tmp / f"{self.runs}-{name}"
        settings = {"agility_policy": str(TOP / "policies/default.yml"), "agility_output": str(output), **variables}
        limited = ("-l", limit) if limit else ()  # the implicit localhost takes no limit
        argv = ["ansible-playbook", "-i", "inventories/lab", f"playbooks/{name}.yml", *limited, "-e", json.dumps(settings), *more]
        ours = {"NO_COLOR": "1", "ANSIBLE_BECOME_PLUGINS": str(TOP / "tests/integration/become")}
        done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **ours})
        return Ran(done.returncode, done.stdout + done.stderr, output)


@pytest.fixture
def authority() -> str:
    return str(STATE / "ca")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    """Every module begins with the lab as it was built."""
    done = subprocess.run([LAB, "reset", *WEB, "client"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
