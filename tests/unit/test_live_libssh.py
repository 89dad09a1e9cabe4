"""Devices that are logged in to by libssh (ansible-pylibssh) in the place of paramiko; the devices are emulated (tests/emulators)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asked import asked
from tests.emulators.appliance import Emulated, playbook

from .test_device_recover import KEX, RULE

CHANGES = {"agility_policy": "policy.yml", "agility_campaign": "spring", "agility_ssh_batch_limit": 100, "agility_confirm_timeout": 60}
EVERY = asked("appliances")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pylibsshext") is None, reason="ansible-pylibssh is not installed: no device was logged in to by libssh"
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[[str], Emulated]]:
    started: list[Emulated] = []

    def start(platform: str) -> Emulated:
        started.append(Emulated(tmp_path / "device", platform=platform))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def by_libssh(folder: Path, verb: str, device: Emulated, policy: str, **changes: object) -> tuple[str, dict[str, Any]]:
    (folder / "policy.yml").write_text(policy, encoding="utf-8")
    shown, results = playbook(folder, verb, {"edge1": device.variables(ansible_network_cli_ssh_type="libssh")}, **changes)
    return shown, results["edge1"]


@pytest.mark.parametrize("platform", ["ios", "eos", "junos", "vyos"] if EVERY else ["junos"])
def test_a_device_is_audited_changed_and_rolled_back(tmp_path: Path, made: Callable[[str], Emulated], platform: str) -> None:
    device = made(platform)
    before = device.text()
    shown, edge = by_libssh(tmp_path, "enforce", device, KEX, **CHANGES)
    assert edge["status"] == "changed", shown
    assert "group14-sha1" not in device.text()
    assert device.text() == device.text("startup")
    assert edge["evidence"]["connection"] == "fresh connection"
    shown, edge = by_libssh(tmp_path, "rollback", device, KEX, agility_campaign="spring")
    assert edge["status"] == "rolled-back", shown
    assert sorted(device.text().splitlines()) == sorted(device.text("startup").splitlines()) == sorted(before.splitlines())


def test_a_policy_that_this_libssh_cannot_speak_is_refused(tmp_path: Path, made: Callable[[str], Emulated]) -> None:
    """paramiko could: it still has hmac-sha1."""
    device = made("ios")
    before = device.text()
    dummy, edge = by_libssh(tmp_path, "enforce", device, RULE.format(aspect="mac", allow="name: [hmac-sha1]"), **CHANGES)
    assert edge["status"] == "failed"
    assert "the controller could no longer log in: mac: this controller's libssh 0." in edge["problem"]["message"]
    assert device.text() == before
