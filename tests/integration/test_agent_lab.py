"""The agent under real systemd: who takes a change back, and what services make of it.  Containers of its own, from the lab's images.

Needs the lab (tests/lab/lab up).  Nothing of the lab's fleet is touched.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script

from .container import NONCE, TOKEN, Container, original

FRAGILE = """[Service]
ExecStart=/bin/sh -c 'trap "! grep -q KILLS /etc/fragile || exit 1" HUP; while :; do sleep 1 & wait $!; done'
ExecReload=/bin/sh -c 'if grep -q HANGS /etc/fragile; then sleep 600; fi; kill -HUP $MAINPID; sleep 0.2'
Restart=always
RestartSec=100ms
"""


@pytest.fixture(scope="module", params=["trixie", "bullseye"])
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    made = Container(f"agent-{request.param}-{os.getpid()}", request.param)
    yield made
    made.remove()


@pytest.fixture
def id_(request: pytest.FixtureRequest) -> str:
    return f"t-{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"


def test_a_confirmed_change_is_live_and_leaves_nothing_running(container: Container, id_: str) -> None:
    report = container.apply(id_, container.add_line("/etc/ssh/sshd_config", "MaxStartups 7:30:70"))
    assert (report.state, report.error, report.message) == ("RELOADED", "", "")
    assert f"crypto-agility-{id_}.service loaded active running" in " ".join(container.ours().split())
    assert container.run("sshd -T | grep -i ^maxstartups") == "maxstartups 7:30:70"
    done = container.send(script.compose_confirm(id_, TOKEN, NONCE))
    assert done.state == "CLEANED"
    assert container.ours() == ""
    assert container.run("systemctl is-active ssh") == "active"


def test_the_deadline_holds_against_reloads_kills_and_starts(container: Container, id_: str) -> None:
    before = original(container, "/etc/ssh/sshd_config")
    assert container.apply(id_, container.add_line("/etc/ssh/sshd_config", "MaxStartups 8:30:80"), seconds=40).state == "RELOADED"
    unit = f"crypto-agility-{id_}.service"
    container.run(
        f"systemctl kill -s KILL {unit}; for i in $(seq 40); do systemctl daemon-reload; [ $((i % 8)) != 0 ] || systemctl restart systemd-tmpfiles-clean;"
        f" done; sleep 1; systemctl kill -s TERM --kill-who=main {unit}; sleep 2; systemctl is-active {unit} >/run/poller",
        check=False,
    )
    report = container.status(id_)
    assert (report.state, report.left > 0) == ("RELOADED", True), "somebody's daemon-reload must not take the change back"
    assert container.run("cat /run/poller") == "active", "a poller that somebody ended must come back"
    assert container.wait(id_, "REVERTED", 60).state == "REVERTED"
    assert original(container, "/etc/ssh/sshd_config") == before
    time.sleep(1.5)
    assert container.ours() == ""
    assert container.run("sshd -T | grep -i ^maxstartups") != "maxstartups 8:30:80"


def test_a_boot_takes_an_unconfirmed_change_back_before_the_service_starts(container: Container, id_: str) -> None:
    before = original(container, "/etc/ssh/sshd_config")
    assert container.apply(id_, container.add_line("/etc/ssh/sshd_config", "MaxStartups 9:30:90"), seconds=600).state == "RELOADED"
    container.podman("restart", "-t", "0", container.name)
    container.ready()
    report = container.status(id_)
    assert report.state == "REVERTED"
    assert "booted" in report.journal[-1].detail
    assert original(container, "/etc/ssh/sshd_config") == before
    ended = container.run(f"journalctl -b -o short-monotonic -u crypto-agility-boot-{id_} --no-pager | tail -n 1")
    started = container.run("journalctl -b -o short-monotonic -u ssh --no-pager | grep -m 1 -i start")
    assert float(ended.split("]")[0].strip("[ ")) <= float(started.split("]")[0].strip("[ "))
    assert container.ours() == ""
    assert container.run("systemctl is-active ssh") == "active"


def fragile(container: Container, action: str) -> Activation:
    container.podman("exec", "-i", container.name, "/bin/sh", "-c", "cat >/etc/systemd/system/fragile.service", stdin=FRAGILE.encode())
    container.run("echo fine >/etc/fragile; systemctl daemon-reload; systemctl restart fragile")
    return Activation("fragile", ("fragile.service",), (), ("true",), action)


@pytest.mark.parametrize("word", ["KILLS", "HANGS"])
def test_a_service_that_does_not_survive_the_reload_is_as_it_was(container: Container, id_: str, word: str) -> None:
    service = fragile(container, "reload")
    before = original(container, "/etc/fragile")
    report = container.apply(id_, container.add_line("/etc/fragile", word), seconds=3, service=service)
    assert (report.state, report.error) == ("REVERTED", "reverted")
    assert "fragile.service" in report.message
    assert original(container, "/etc/fragile") == before
    assert container.run("systemctl is-active fragile") == "active"
    assert container.ours() == ""


def test_a_service_that_had_died_before_is_not_said_to_have_died_of_its_restart(container: Container, id_: str) -> None:
    """systemd counts how often it started it again, and begins anew with a restart."""
    service = fragile(container, "restart")
    container.run("systemctl kill -s KILL fragile; until systemctl show -p NRestarts fragile | grep -q 1; do sleep 0.1; done")
    report = container.apply(id_, container.add_line("/etc/fragile", "fine"), service=service)
    assert (report.state, report.message) == ("RELOADED", "")
    assert container.send(script.compose_revert(id_, "a test", NONCE)).state == "REVERTED"
    assert container.ours() == ""


def test_a_check_that_fails_changes_nothing_under_systemd(container: Container, id_: str) -> None:
    before = original(container, "/etc/ssh/sshd_config")
    report = container.apply(id_, container.add_line("/etc/ssh/sshd_config", "NoSuchKeyword yes"))
    assert (report.state, report.error) == ("REFUSED", "validate")
    assert "NoSuchKeyword" in report.message
    assert original(container, "/etc/ssh/sshd_config") == before
    assert container.ours() == ""


def test_a_socket_activated_sshd_needs_no_reload(container: Container, id_: str) -> None:
    container.run("systemctl disable --now ssh.service; systemctl enable --now ssh.socket; mkdir -p /run/sshd", check=False)
    assert container.run("systemctl is-active ssh.socket") == "active"
    report = container.apply(id_, container.add_line("/etc/ssh/sshd_config", "MaxStartups 6:30:60"))
    assert (report.state, report.message) == ("RELOADED", "")
    assert container.send(script.compose_revert(id_, "a test", NONCE)).state == "REVERTED"
    assert container.run("systemctl is-active ssh.socket") == "active"
    assert container.ours() == ""


def test_a_host_whose_tmp_lets_nothing_run_is_no_obstacle(container: Container, id_: str) -> None:
    container.run("mount -t tmpfs -o noexec,nosuid,nodev none /tmp && printf '#!/bin/sh\n' >/tmp/x && chmod 755 /tmp/x && ! /tmp/x 2>/dev/null")
    try:
        assert container.apply(id_, container.add_line("/etc/ssh/sshd_config", "MaxStartups 5:30:50")).state == "RELOADED"
        assert container.send(script.compose_revert(id_, "a test", NONCE)).state == "REVERTED"
    finally:
        container.run("umount /tmp")


def test_an_address_that_is_no_longer_listened_on_is_a_failed_reload(container: Container, id_: str) -> None:
    """The port alone is still open, on another address."""
    unit = "[Service]\nExecStart=/bin/sh -c 'exec python3 -m http.server --bind $(cat /etc/listens) 7070'\nExecReload=/bin/kill -KILL $MAINPID\nRestart=always\nRestartSec=100ms\n"
    if container.run("command -v python3", check=False) == "":
        unit = unit.replace(
            "python3 -m http.server --bind $(cat /etc/listens) 7070", "/usr/sbin/sshd -D -e -f /dev/null -p 7070 -o ListenAddress=$(cat /etc/listens)"
        )
    container.podman("exec", "-i", container.name, "/bin/sh", "-c", "cat >/etc/systemd/system/listens.service", stdin=unit.encode())
    container.run("mkdir -p /run/sshd; echo 127.0.0.1 >/etc/listens; systemctl daemon-reload; systemctl restart listens; sleep 1")
    container.run("until grep -q '0100007F:1B9E .* 0A ' /proc/net/tcp; do sleep 0.2; done")
    before = original(container, "/etc/listens")
    service = Activation("listens", ("listens.service",), (), ("true",), "restart", (7070,))
    change = Change("/etc/listens", before.split()[-2], (Edit(1, 1, ("127.0.0.2\n",)),))
    report = container.apply(id_, change, service=service)
    assert (report.state, "port 7070" in report.message) == ("REVERTED", True), report.message
    assert original(container, "/etc/listens") == before


@pytest.mark.skipif(not Path("/sys/fs/selinux/enforce").exists(), reason="SKIPPED LOUDLY: this kernel has no SELinux, so labels are not proved")
def test_a_label_comes_with_the_new_file(container: Container, id_: str) -> None:
    label = container.run("stat -c %C /etc/ssh/sshd_config")
    assert container.apply(id_, container.add_line("/etc/ssh/sshd_config", "MaxStartups 5:30:50")).state == "RELOADED"
    assert container.run("stat -c %C /etc/ssh/sshd_config") == label
    container.send(script.compose_revert(id_, "a test", NONCE))
