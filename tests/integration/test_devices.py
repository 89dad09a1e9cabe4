"""Hosts of the lab and ten emulated devices in one run, by one policy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import STATE, TOP, WEB, Lab

FLEET = str(TOP / "tests/emulators/fleet")
INVENTORY = STATE / "inventory-devices.yml"


@pytest.fixture(scope="module")
def devices() -> Iterator[list[str]]:
    subprocess.run([FLEET, "up", "10"], check=True, timeout=300)
    yield list(json.loads(INVENTORY.read_text(encoding="utf-8"))["all"]["children"]["devices"]["hosts"])
    subprocess.run([FLEET, "down"], check=True, timeout=60)


def test_hosts_and_ten_devices_are_audited_together_and_their_findings_look_the_same(lab: Lab, devices: list[str]) -> None:
    ran = lab.play("audit", "web:devices", "-i", str(INVENTORY))
    assert len(devices) == 10
    assert {name: ran.host(name)["status"] for name in (*WEB, *devices)} == dict.fromkeys((*WEB, *devices), "ok"), ran.text
    assert f"hosts: {len(WEB) + 10} (" in ran.text
    shapes = {frozenset(finding) for name in (*WEB, *devices) for finding in ran.host(name)["findings"]}
    assert len(shapes) == 1
    for name in devices:
        ssh = [one for one in ran.host(name)["findings"] if one["endpoint"].endswith(" ssh") and one["aspect"] == "key_exchange"]
        assert ssh[0]["state"] == "missing", ran.host(name)["findings"]
        assert ran.host(name)["rounds"] <= 3
    assert len({ran.host(name)["target"]["machine_id"] for name in devices}) == 10


def test_hosts_and_devices_are_recovered_in_one_run(lab: Lab, devices: list[str]) -> None:
    ran = lab.play("recover", "web:devices", "-i", str(INVENTORY))
    assert {name: ran.host(name)["status"] for name in (*WEB, *devices)} == dict.fromkeys((*WEB, *devices), "ok"), ran.text
