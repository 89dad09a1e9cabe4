"""A connection that is dead without knowing it must not hold the controller: every ask ends in time, and says so."""

from __future__ import annotations

import signal
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import installed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import parse_transactions
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.host import Channel, Unreachable, _new_connection
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.script import compose_status


class Silent:
    """Ansible's side: a command that never returns, behind a retry that swallows every ordinary exception, as ssh's does."""

    _connection, _play_context = SimpleNamespace(transport="ssh"), SimpleNamespace(executable="/bin/sh")

    def _low_level_execute_command(self, *args: Any, **more: Any) -> dict[str, Any]:
        for dummy in range(3):
            try:
                time.sleep(30)
            except Exception:
                continue
        return {"rc": 0, "stdout": "", "stderr": ""}


def test_an_ask_ends_in_time_although_the_connection_retries() -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer within 1 s"):
        Channel(Silent()).ask(lambda nonce: "true", lambda output, nonce: output, within=1)  # type: ignore[arg-type]
    assert time.monotonic() - began < 20


def test_an_alarm_that_was_set_before_is_set_again() -> None:
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with pytest.raises(Unreachable):
            Channel(Silent()).ask(lambda nonce: "true", lambda output, nonce: output, within=1)  # type: ignore[arg-type]
        assert 90 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.mark.parametrize(("executable", "given"), [("/bin/sh", False), ("/usr/local/bin/into-the-container", None)])
def test_a_shell_that_somebody_names_is_around_the_script(executable: str, given: object) -> None:
    """ansible_shell_executable; False = none is, None = Ansible puts it there."""
    asked = []

    class Told(Sudo):
        _play_context = SimpleNamespace(executable=executable)

        def _low_level_execute_command(self, command: str, in_data: bytes, sudoable: bool, executable: object) -> dict[str, Any]:
            asked.append(executable)
            return {"rc": 0, "stdout": "said", "stderr": ""}

    assert Channel(Told("")).ask(lambda nonce: "true", lambda output, nonce: output) == "said"  # type: ignore[arg-type]
    assert asked == [given]


class Sudo:
    """Ansible's side: a host that answers the same to every command, and what it was asked."""

    _connection = SimpleNamespace(transport="ssh")

    def __init__(self, said: str) -> None:
        self.said, self.asked = said, []

    def _low_level_execute_command(self, command: str, in_data: bytes, sudoable: bool, executable: object) -> dict[str, Any]:
        self.asked.append((command, in_data.decode(), sudoable))
        return {"rc": 0, "stdout": self.said, "stderr": ""}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("==CA:absent==", "no agent is installed there"),
        (f"sudo: a password is required\n==CA:denied== {installed.digest()}  -", "sudo says: sudo: a password is required"),
        (f"sudo: a password is required\n==CA:denied== {'0' * 64}  -", "of another release, or was changed"),
    ],
)
def test_an_installed_agent_that_does_not_run_is_told_apart_and_no_script_is_sent_instead(said: str, why: str) -> None:
    host = Sudo(said)
    with pytest.raises(Problem, match=why) as caught:
        Channel(host, installed=True).ask(lambda nonce: compose_status("", nonce), parse_transactions)  # type: ignore[arg-type]
    assert "quantumsafe.agility.install_agent" in caught.value.remedy
    ((command, data, sudoable),) = host.asked
    assert command == installed.command() and data.startswith("crypto-agility ") and not sudoable


def test_a_new_connection_needs_no_documentation_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible parses it once for each name that a connection is loaded by, which costs more than a login."""
    old = connection_loader.get("ssh", PlayContext())
    old.set_options()
    known = constants.config._plugins["connection"]
    monkeypatch.delitem(known, old.ansible_name, raising=False)
    before = set(known)
    new = _new_connection(old, PlayContext())
    assert (new.ansible_name, type(new)) == (old.ansible_name, type(old)) and "ControlPath=none" in new.get_option("ssh_args")
    assert set(known) == before


def test_a_connection_of_a_collection_is_loaded_anew_by_its_full_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """podman alone is nobody's name: Molecule's hosts could not be proved."""
    asked: list[str] = []
    made = SimpleNamespace(transport="containers.podman.podman", set_options=lambda direct: None)
    monkeypatch.setattr(connection_loader, "get", lambda name, *args, **more: asked.append(name) or made)
    old = SimpleNamespace(ansible_name="containers.podman.podman", _load_name="podman", become=None, get_options=dict)
    assert _new_connection(old, PlayContext()) is made and asked == ["containers.podman.podman"]
