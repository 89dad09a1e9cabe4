"""One change on an emulated device, and every fault at every step of it: it ends as it was, or as it was proved and confirmed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import live
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import device as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Terminal
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device import Changing, Device
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome

from tests.emulators.appliance import ENABLE, OTHER, Emulated, terminal
from tests.emulators.direct import Direct

NEW = {"key_exchange": "ecdh-sha2-nistp384 curve25519-sha256", "mac": "hmac-sha2-512-etm@openssh.com"}
LOCKS_OUT = {"key_exchange": "mlkem1024nistp384-sha384"}  # paramiko has none of it
ENTER = ("enable", ENABLE, "terminal length 0")
STEPS = {
    "arm": "configure terminal revert timer*",
    "enter": "configure terminal",
    "line": "ip ssh server algorithm mac*",
    "leave": "end",
    "confirm": "configure confirm",
    "save": "write memory",
}
EARLY = ("arm", "leave")  # nothing was written yet; the first `end` is that of arming
# What is confirmed and not lost with the power, for it was not yet what starts.
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Emulated]:
    made = Emulated(tmp_path / "device")
    yield made
    made.kill()


def fine(after: Snapshot) -> Any:
    return ({"endpoint": "ios ssh", "proved": True},), []


def change(
    emulated: Emulated, wanted: dict[str, str] = NEW, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None
) -> Outcome:
    """planned: what happens between the plan and its change."""
    platform = live("cisco.ios.ios")
    assert platform and platform.live
    one = Device(platform, platform.live, cast(Terminal, Direct(emulated)), "edge1", "")
    seen = one.look().snapshot
    (made,) = platform.live.write(seen, {"ios ssh": {aspect: Wanted(tuple(names.split())) for aspect, names in wanted.items()}})
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def is_old(emulated: Emulated, before: str) -> bool:
    return emulated.text() == emulated.text("startup") == before


def is_new(emulated: Emulated) -> bool:
    lists = (emulated.ssh("kex"), emulated.ssh("mac"))
    return lists == (NEW["key_exchange"], NEW["mac"]) and emulated.text() == emulated.text("startup")


def test_a_change_is_proved_confirmed_and_only_then_what_starts(device: Emulated) -> None:
    started: list[str] = []

    def prove(after: Snapshot) -> Any:
        started.append(device.ssh("kex", "startup"))
        return fine(after)

    outcome = change(device, prove=prove)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert is_new(device)
    assert started == ["curve25519-sha256 diffie-hellman-group14-sha256 diffie-hellman-group14-sha1"]
    assert outcome.evidence["startup-config"] == "written and compared"
    assert "No Rollback Confirmed Change pending" in terminal(device.port, [*ENTER, "show archive config rollback timer"])


def test_what_cannot_be_proved_is_taken_back(device: Emulated) -> None:
    before = device.text()
    outcome = change(device, prove=lambda after: ((), ["a live handshake got something else"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "a live handshake got something else")
    assert is_old(device, before)


def test_who_is_locked_out_is_let_in_again_by_the_timer_of_the_device(tmp_path: Path) -> None:
    device = Emulated(tmp_path / "device", minute=8)
    try:
        before = device.text()
        outcome = change(device, LOCKS_OUT)
        assert outcome.state == "REVERTED"
        assert outcome.why.startswith("no new login after the change: ")
        assert is_old(device, before)
    finally:
        device.kill()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ["drop_at", "power_at"])
def test_no_fault_at_any_step_leaves_a_device_between(device: Emulated, fault: str, step: str, when: str) -> None:
    before = device.text()
    stop = threading.Event()

    def power_comes_back() -> None:
        while not stop.wait(0.1):
            if device.process and device.process.poll() is not None:
                device.start()

    again = threading.Thread(target=power_comes_back)
    again.start()
    try:
        outcome = change(device, planned=lambda: device.fault(**{fault: [STEPS[step], when]}))
    finally:
        stop.set()
        again.join()
    assert device.text("faults.json") == "{}"  # it came
    kept = (step, when) in KEPT[fault]
    ended = "CONFIRMED" if kept else "REFUSED" if step in EARLY else "REVERTED"
    assert (outcome.state, is_new(device), is_old(device, before)) == (ended, kept, not kept)
    assert outcome.why != "" or kept


@pytest.mark.parametrize(
    ("fault", "state", "why"),
    [
        ({"reject": 1}, "REVERTED", "it does not take `ip ssh server algorithm "),
        ({"reject": 2}, "REVERTED", "it does not take `ip ssh server algorithm "),
        ({"archive_full": True}, "REFUSED", "its timer was not armed: %Error opening archive"),
        ({"ignore_confirm": True}, "REVERTED", "its timer took the change back"),
    ],
)
def test_a_device_that_does_not_do_as_it_is_told_stays_as_it_was(device: Emulated, fault: dict[str, Any], state: str, why: str) -> None:
    before = device.text()
    outcome = change(device, planned=lambda: device.fault(**fault))
    assert (outcome.state, outcome.why[: len(why)]) == (state, why)
    assert is_old(device, before)


def test_a_slow_device_is_waited_for(device: Emulated) -> None:
    assert change(device, planned=lambda: device.fault(slow=0.2)).state == "CONFIRMED"
    assert is_new(device)


def test_a_startup_that_could_not_be_written_is_told(device: Emulated) -> None:
    outcome = change(device, planned=lambda: device.fault(ignore_write=True))
    assert (outcome.state, outcome.evidence["startup-config"]) == ("CONFIRMED", "not written")


def test_a_connection_that_drops_in_the_middle_of_a_reply_is_no_answer(device: Emulated) -> None:
    before = device.text()
    outcome = change(device, prove=lambda after: (device.fault(drop_after=0), fine(after))[1])
    assert outcome.state == "REVERTED"
    assert is_old(device, before)


def person(device: Emulated, *commands: str, user: str = OTHER) -> None:
    terminal(device.port, [*ENTER, *commands], user=user)


@pytest.mark.parametrize(
    ("commands", "why"),
    [
        (("configure terminal revert timer 60", "end"), "a change of colleague waits to be confirmed there"),
        (("configure terminal", "logging host 192.0.2.9", "end"), "what runs is not what would start"),
        (("configure terminal", "ip ssh server algorithm kex ecdh-sha2-nistp521", "end", "write memory"), "its configuration changed since"),
    ],
)
def test_the_work_of_somebody_else_is_not_touched(device: Emulated, commands: tuple[str, ...], why: str) -> None:
    theirs: list[str] = []

    def meanwhile() -> None:
        person(device, *commands)
        theirs.append(device.text())

    outcome = change(device, planned=meanwhile)
    assert (outcome.state, outcome.why[: len(why)]) == ("REFUSED", why)
    assert device.text() == theirs[0]
    pending = terminal(device.port, [*ENTER, "show archive config rollback timer"])
    assert ("User: colleague" in pending) == ("revert" in commands[0])


def test_what_somebody_else_changes_while_it_is_proved_is_not_confirmed(device: Emulated) -> None:
    before = device.text()

    def prove(after: Snapshot) -> Any:
        person(device, "configure terminal", "logging host 192.0.2.9", "end")
        return fine(after)

    outcome = change(device, prove=prove)
    assert (outcome.state, outcome.why) == ("REVERTED", "somebody changed it while it was proved, and that went back with it")
    assert is_old(device, before)


def test_a_change_that_somebody_else_confirmed_is_loud(device: Emulated) -> None:
    def prove(after: Snapshot) -> Any:
        person(device, "configure confirm", user="netops")
        return (), ["not proved"]

    outcome = change(device, prove=prove)
    assert outcome.state == "REVERT_FAILED"
    assert "which somebody else confirmed" in outcome.why


def test_what_the_timer_says_by_itself_is_no_answer_to_a_command(tmp_path: Path) -> None:
    """Its warning comes a minute before the end, here at once, and ends with a prompt."""
    device = Emulated(tmp_path / "device", minute=60)
    try:
        outcome = change(device, prove=lambda after: (time.sleep(0.2), fine(after))[1])
        assert outcome.state == "CONFIRMED"
    finally:
        device.kill()
