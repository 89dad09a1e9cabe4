"""What is taken back on a device by transaction and to a moment, and what recover does when a controller was killed: by the playbooks as a user runs
them; the devices are emulated (tests/emulators)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.asked import asked
from tests.emulators.appliance import Emulated, command, playbook
from tests.emulators.fortigate import FortiGate

RULE = """\
policy: {{name: one, version: "1"}}
rules:
  - id: {aspect}-ssh
    match: {{protocol: ssh}}
    aspect: {aspect}
    allow: {{{allow}}}
    source: {{doc: a test, section: "1", force: requirement}}
    verified: 2026-11-27
stages: [{{aspect: {aspect}, stage: require}}]
"""
KEX = RULE.format(aspect="key_exchange", allow='construction: [classical, hybrid], classical_bits: ">=128", status: [current]')
MAC = RULE.format(aspect="mac", allow="name: [hmac-sha2-512-etm@openssh.com]")
OLDEST = "group14-sha1"
Devices = Callable[[str], Emulated | FortiGate]


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Devices]:
    started: list[Emulated | FortiGate] = []

    def start(platform: str) -> Emulated | FortiGate:
        folder = tmp_path / "device"
        started.append(FortiGate(folder) if platform == "fortios" else Emulated(folder, platform=platform))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def enforce(folder: Path, device: Emulated | FortiGate, policy: str, campaign: str) -> dict[str, Any]:
    (folder / "policy.yml").write_text(policy, encoding="utf-8")
    changes = {"agility_policy": "policy.yml", "agility_campaign": campaign, "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 60}
    shown, results = playbook(folder, "enforce", {"edge1": device.variables()}, **changes)
    assert results["edge1"]["status"] == "changed", shown
    return results["edge1"]


def killed(folder: Path, device: Emulated | FortiGate, until: Callable[[], bool], verb: str = "enforce", **more: object) -> None:
    """A run whose controller is killed, with all its processes, as soon as that is so."""
    (folder / "policy.yml").write_text(KEX, encoding="utf-8")
    changes = {"agility_policy": "policy.yml", "agility_campaign": "spring", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 600}
    argv, environment = command(folder, verb, {"edge1": device.variables()}, **{**changes, **more})
    with (folder / "killed.log").open("w") as log:
        run = subprocess.Popen(argv, cwd=folder, env=environment, stdout=log, stderr=log)
        for dummy in range(1200):
            if until() or run.poll() is not None:
                break
            time.sleep(0.05)
        assert run.poll() is None, (folder / "killed.log").read_text(encoding="utf-8")
        for pid in _family(run.pid):  # workers have sessions of their own
            os.kill(pid, signal.SIGKILL)
        run.wait()


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def recover(folder: Path, device: Emulated | FortiGate, *more: str) -> dict[str, Any]:
    return playbook(folder, "recover", {"edge1": device.variables()}, *more)[1]["edge1"]


def undone(folder: Path, device: Emulated | FortiGate, **which: str) -> dict[str, Any]:
    return playbook(folder, "rollback", {"edge1": device.variables()}, **which)[1]["edge1"]


def as_before(device: Emulated | FortiGate, before: str) -> bool:
    """What runs is what starts, and as it was; where a device puts a statement is its own business."""
    return sorted(device.text().splitlines()) == sorted(device.text("startup").splitlines()) == sorted(before.splitlines())


@pytest.mark.parametrize("platform", ["ios", "fortios"])
def test_a_change_is_taken_back_by_its_transaction_and_all_since_a_moment(tmp_path: Path, devices: Devices, platform: str) -> None:
    device = devices(platform)
    before = device.text()
    first = enforce(tmp_path, device, KEX, "spring")["transaction"]
    between, moment = device.text(), datetime.now(UTC).isoformat()
    second = enforce(tmp_path, device, MAC, "summer")["transaction"]

    wrong = undone(tmp_path, device, agility_transaction="spring-000000")
    assert wrong["status"] == "failed"
    assert f"known are: {first}, {second}" in wrong["problem"]["message"]
    assert undone(tmp_path, device, agility_before=moment)["status"] == "rolled-back"
    assert as_before(device, between)
    assert undone(tmp_path, device, agility_before=moment)["status"] == "ok"  # nothing more to do
    assert undone(tmp_path, device, agility_transaction=second)["status"] == "ok"
    assert undone(tmp_path, device, agility_transaction=first)["status"] == "rolled-back"
    assert as_before(device, before)


def test_a_transaction_over_which_another_one_stands_is_not_taken_back_alone(tmp_path: Path, devices: Devices) -> None:
    device = devices("ios")
    before = device.text()
    first = enforce(tmp_path, device, KEX, "spring")["transaction"]
    stronger = RULE.format(aspect="key_exchange", allow="construction: [hybrid], status: [current]")
    enforce(tmp_path, device, stronger, "summer")
    refused = undone(tmp_path, device, agility_transaction=first)
    assert (refused["status"], "was changed since" in refused["problem"]["message"]) == ("failed", True)
    assert undone(tmp_path, device, agility_before="2026-01-01T00:00:00Z")["status"] == "rolled-back"
    assert as_before(device, before)


def test_what_a_killed_controller_left_is_taken_back_by_recover(tmp_path: Path, devices: Devices) -> None:
    device = devices("ios")
    before = device.text()
    killed(tmp_path, device, lambda: OLDEST not in device.text())
    assert not as_before(device, before)
    refused = undone(tmp_path, device, agility_campaign="spring")
    assert "nobody wrote down what became of it" in refused["problem"]["message"]

    running = device.text()
    would = recover(tmp_path, device, "--check")
    assert (would["status"], device.text()) == ("would-change", running)
    away = {"ansible_host": "127.0.0.1", "ansible_port": 1}  # a host in the same run, which stops nobody
    shown, results = playbook(tmp_path, "recover", {"edge1": device.variables(), "web": away})
    assert {name: result["status"] for name, result in results.items()} == {"edge1": "changed", "web": "unreachable"}, shown
    assert as_before(device, before)
    assert recover(tmp_path, device)["status"] == "ok"
    assert undone(tmp_path, device, agility_campaign="spring")["status"] == "skipped"
    enforce(tmp_path, device, KEX, "spring")


@pytest.mark.skipif(not asked("appliances"), reason="make verify-appliances runs it; what is said there has tests of its own")
@pytest.mark.parametrize("platform", ["eos", "junos", "vyos", "fortios"])
def test_so_it_is_on_every_platform(tmp_path: Path, devices: Devices, platform: str) -> None:
    device = devices(platform)
    before = device.text()
    killed(tmp_path, device, lambda: OLDEST not in device.text())
    assert not as_before(device, before)
    assert recover(tmp_path, device)["status"] == "changed"
    assert as_before(device, before)
    assert recover(tmp_path, device)["status"] == "ok"


def test_what_was_proved_when_the_controller_was_killed_is_finished_and_can_be_taken_back(tmp_path: Path, devices: Devices) -> None:
    device = devices("ios")
    before = device.text()
    device.fault(slow=0.7)  # so that it is killed before it saves
    killed(tmp_path, device, lambda: OLDEST not in device.text() and not (device.folder / "pending.json").exists())
    device.fault()
    assert device.text("startup") == before != device.text()
    assert recover(tmp_path, device)["status"] == "changed"
    assert device.text("startup") == device.text() != before
    assert undone(tmp_path, device, agility_campaign="spring")["status"] == "rolled-back"
    assert as_before(device, before)


def test_a_change_that_goes_on_is_left_to_its_run(tmp_path: Path, devices: Devices) -> None:
    from fcntl import LOCK_EX, flock

    device = devices("ios")
    killed(tmp_path, device, lambda: OLDEST not in device.text())
    running = device.text()
    with (tmp_path / "campaigns/spring/devices/.edge1.json.lock").open("a") as lock:
        flock(lock, LOCK_EX)
        waits = recover(tmp_path, device)
    assert waits["status"] == "skipped"
    assert "is at work on it" in waits["problem"]["remedy"]
    assert device.text() == running


def test_a_device_with_nothing_open_is_not_even_asked(tmp_path: Path, devices: Devices) -> None:
    device = devices("ios")
    device.kill()
    assert recover(tmp_path, device)["status"] == "ok"
