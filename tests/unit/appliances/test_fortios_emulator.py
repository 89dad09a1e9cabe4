"""The emulated FortiGate itself: what the documentation says of such a device is so of it.  It is no vendor's truth."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ssh import probe_ssh

from tests.emulators.fortigate import KEX, DirectApi, FortiGate

BACKUP = "/api/v2/monitor/system/config/backup?scope=global"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device", second=0.05)
    yield made
    made.kill()


def test_a_change_is_saved_at_once_unless_it_is_told_otherwise(gate: FortiGate) -> None:
    gate.colleague("system/global", hostname="fg2")
    assert "fg2" in gate.text("startup")
    gate.colleague("system/global", cfg_save="manual")
    gate.colleague("system/global", hostname="fg3")
    assert "fg3" not in gate.text("startup")
    gate.reboot()
    assert "fg2" in gate.text()


def test_what_is_not_saved_in_time_is_gone_after_a_restart(gate: FortiGate) -> None:
    before = gate.text()
    gate.colleague("system/global", cfg_save="revert", cfg_revert_timeout=20)
    gate.colleague("system/ssh-config", ssh_kex_algo="ecdh-sha2-nistp521")
    assert probe_ssh("127.0.0.1", gate.port, timeout=10).kex == ("ecdh-sha2-nistp521",)
    gate.until(before)
    assert "curve25519-sha256@libssh.org" in probe_ssh("127.0.0.1", gate.port, timeout=10).kex


def test_what_is_saved_in_time_stays(gate: FortiGate) -> None:
    gate.colleague("system/global", cfg_save="revert", cfg_revert_timeout=20)
    gate.colleague("system/ssh-config", ssh_kex_algo="ecdh-sha2-nistp521")
    assert DirectApi(gate).ask(Request("POST", "/api/v2/monitor/system/config/save", "{}"))[0] == 200
    time.sleep(1.5)
    assert gate.ssh("kex") == gate.ssh("kex", "startup") == "ecdh-sha2-nistp521"


def test_a_backup_leaves_defaults_out_and_encrypts_its_secrets_anew(gate: FortiGate) -> None:
    one, other = (DirectApi(gate).ask(Request("POST", BACKUP))[1] for dummy in range(2))
    assert f"set ssh-kex-algo {KEX}" in one
    assert "ssh-mac-algo" not in one
    assert one != other
    assert len([line for line in one.splitlines() if line not in other.splitlines()]) == 6


def test_a_list_is_taken_whole_or_not_at_all(gate: FortiGate) -> None:
    before = gate.text()
    said = json.dumps({"ssh-mac-algo": "hmac-sha2-512", "ssh-kex-algo": "mlkem768x25519-sha256"})
    status, answer = DirectApi(gate).ask(Request("PUT", "/api/v2/cmdb/system/ssh-config", said))
    assert (status, json.loads(answer)["error"]) == (500, -651)
    assert gate.text() == before


@pytest.mark.parametrize(("release", "method", "status"), [("7.6.4", "GET", 405), ("6.4.16", "POST", 405), ("7.2.11", "GET", 200)])
def test_the_method_of_a_backup_is_that_of_the_release(tmp_path: Path, release: str, method: str, status: int) -> None:
    gate = FortiGate(tmp_path / "device", release=release)
    try:
        assert DirectApi(gate).ask(Request(method, BACKUP))[0] == status
    finally:
        gate.kill()
