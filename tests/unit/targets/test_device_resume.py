"""A controller that dies at any command of a change on an emulated device: what it has left is found and ended, and to ask again changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Problem, Snapshot, Wanted, Wishes
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import steps as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import STARTUP, Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device import Device
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device_api import ApiChanging, ApiDevice
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.resuming import Left, resume, stand, step_of

from tests.asked import asked
from tests.emulators.appliance import Emulated
from tests.emulators.direct import Direct
from tests.emulators.fortigate import DirectApi, FortiGate

from .test_api_change import NEW as NEW_OF_GATES
from .test_api_change import STEPS as STEPS_OF_GATES
from .test_api_change import gate_of
from .test_device_change import EDIT, NEW, STEPS, device_of, fine, is_new, is_old, person

EVERY = asked("appliances")
PLATFORMS = tuple(STEPS)
DEATHS = [
    (platform, step, when)
    for platform, steps in STEPS.items()
    for step in steps
    for when in ("before", "after")
    if EVERY or (step, when) in (("line", "after"), ("close", "after"), ("leave", "after"), ("confirm", "after"))
]


class Died(BaseException):
    """As a process that was killed: nothing is caught, nothing is said any more."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.2)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Emulated]]:
    started = []

    def start(platform: str) -> Emulated:
        started.append(Emulated(tmp_path / "device", platform=platform, minute=600))  # no timer ends on a busy machine, and none is waited for
        return started[-1]

    yield start
    for one in started:
        one.kill()


def dying(
    emulated: Emulated,
    monkeypatch: pytest.MonkeyPatch,
    death: tuple[str, str],
    wishes: Wishes | None = None,
    write: Callable[[Device, Snapshot], Change] | None = None,
) -> Left:
    """A change whose controller dies before or after it has said that command; what was written down of it by then."""
    device = device_of(emulated)
    seen = device.look().snapshot
    mine = {device.live.writes[0]: {aspect: Wanted(tuple(one.split())) for aspect, one in NEW.items()}}
    planned = write(device, seen) if write else device.live.write(seen, wishes or mine)[0]
    device.terminal.close()
    changes = Changing(device, planned, seen.identity.machine_id, 60, fine)
    noted: list[Left] = []
    machine, since = seen.identity.machine_id, time.time()

    def note(proved: bool) -> None:
        noted.append(Left(machine, changes.order.name, device.terminal.user, 60, since, changes.old, changes.new, proved))

    changes.noted = note
    ask, (wanted, when), late = Direct.ask, death, death[0] in (STEPS[emulated.platform]["confirm"], STEPS[emulated.platform].get("save"))

    def until(direct: Direct, command: str, question: str = "", answer: str = "") -> str:
        strikes = fnmatchcase(command, wanted) and (not late or noted[-1].proved)
        if strikes and when == "before":
            raise Died
        said = ask(direct, command, question, answer)
        if strikes:
            raise Died
        return said

    with monkeypatch.context() as patch:
        patch.setattr(Direct, "ask", until)
        with pytest.raises(Died):
            changes.run()
    device.terminal.close()
    return noted[-1]


def ended(emulated: Emulated, left: Left) -> tuple[str, str]:
    """By a new controller; then by another one, which has nothing more to do."""
    device = device_of(emulated)
    found, outcome = resume(device, left)
    after = emulated.text()
    assert resume(device, left) == (found, outcome)
    assert (after, device.waiting()) == (emulated.text(), ())
    device.terminal.close()
    return outcome.state, outcome.evidence.get(STARTUP, "")


@pytest.mark.parametrize(("platform", "step", "when"), DEATHS)
def test_what_was_proved_is_finished_and_all_else_is_taken_back(
    made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, platform: str, step: str, when: str
) -> None:
    device = made(platform)
    before = device.text()
    left = dying(device, monkeypatch, (STEPS[platform][step], when))
    looked, running = device_of(device), device.text()
    would = stand(looked, left).step
    looked.terminal.close()
    assert device.text() == running
    state, startup = ended(device, left)
    assert left.proved == (step in ("confirm", "save"))
    if left.proved:
        assert (state, is_new(device)) == ("CONFIRMED", True)
        assert startup == ("is what is committed" if platform == "junos" else "written and compared")
        assert would in ("confirm", "CONFIRMED")
    else:
        assert (state, is_old(device, before)) == ("REVERTED", True)
        assert would in ("take back", "REVERTED")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_the_timer_took_back_meanwhile_is_only_told(made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    device = made(platform)
    before = device.text()
    left = dying(device, monkeypatch, (STEPS[platform]["line" if platform == "ios" else "close"], "after"))
    device.reboot()
    assert is_old(device, before)
    assert ended(device, left)[0] == "REVERTED"
    assert is_old(device, before)


WAITING = {
    "ios": ("configure terminal revert timer 60", "end"),
    "eos": ("configure session theirs", "ip routing", "commit timer 01:00:00"),
    "junos": ("configure", "set snmp location Ulm", "commit confirmed 60", "exit"),
    "vyos": ("configure", "set service snmp location 'Ulm'", "commit-confirm 60", "y", "exit"),
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_change_of_somebody_that_waits_there_is_left_alone(made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """VyOS does not say whose it is: what waits longer than ours could is somebody else's."""
    device = made(platform)
    left = dying(device, monkeypatch, (STEPS[platform]["line"], "after"))
    first = device_of(device)
    resume(first, left)
    first.terminal.close()
    person(device, *WAITING[platform])
    if platform == "vyos":
        left = Left(left.machine, left.name, left.user, left.seconds, left.since - 7200, left.old, left.new, left.proved)
    one = device_of(device)
    theirs = (device.text(), one.waiting())
    found, outcome = resume(one, left)
    assert (found.step, outcome.state) == ("waits", "UNKNOWN")
    assert (device.text(), one.waiting()) == theirs


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_somebody_changed_since_stays(made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """Other lines are no business of ours, and are not saved along; lists of ours that are neither old nor new are left for somebody to look at."""
    device = made(platform)
    left = dying(device, monkeypatch, (STEPS[platform]["confirm"], "after"))
    person(device, *EDIT[platform])
    one = device_of(device)
    found, outcome = resume(one, left)
    assert (found.lists, outcome.state) == ("new", "CONFIRMED")
    assert outcome.evidence[STARTUP] == ("is what is committed" if platform == "junos" else "not written")
    one.terminal.close()
    strange = tuple(one.replace("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256") for one in left.new)
    other = Left(left.machine, left.name, left.user, left.seconds, left.since, strange, strange, proved=True)
    now = device.text()
    assert resume(one, other)[0].step == "changed"
    assert device.text() == now


def test_another_device_is_refused(made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch) -> None:
    device = made("ios")
    left = dying(device, monkeypatch, (STEPS["ios"]["line"], "after"))
    with pytest.raises(Problem, match="its serial number is another one"):
        resume(device_of(device), Left("9OTHER", *(getattr(left, name) for name in Left.__slots__[1:])))


@pytest.mark.parametrize("lists", ["old", "new", "other"])
@pytest.mark.parametrize("timer", ["", "ours", "theirs"])
@pytest.mark.parametrize("proved", [True, False])
def test_there_is_an_answer_to_everything_that_may_stand_there(lists: Any, timer: Any, proved: bool) -> None:
    step = step_of(lists, timer, proved)
    assert (step == "waits") == (timer == "theirs")
    assert (step in ("confirm", "CONFIRMED")) == (lists == "new" and timer != "theirs" and proved)


# ---------------------------------------------------------------- with an API


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device")
    yield made
    made.kill()


def gate_dying(emulated: FortiGate, monkeypatch: pytest.MonkeyPatch, death: tuple[str, str]) -> Left:
    device: ApiDevice = gate_of(emulated)
    seen = device.look().snapshot
    planned: Change
    (planned,) = device.api.write(seen, {"fortios ssh": {aspect: Wanted(tuple(one.split())) for aspect, one in NEW_OF_GATES.items()}})
    changes = ApiChanging(device, planned, seen.identity.machine_id, 60, fine)
    noted: list[Left] = []
    machine = seen.identity.machine_id
    changes.noted = lambda proved: noted.append(Left(machine, "", "", 60, 0, changes.old, changes.new, proved, changes.idle))
    ask, (wanted, when) = DirectApi.ask, death

    def until(direct: DirectApi, request: Any) -> tuple[int, str]:
        strikes = fnmatchcase(f"{request.method} {request.path} {request.body}", wanted)
        if strikes and when == "before":
            raise Died
        said = ask(direct, request)
        if strikes:
            raise Died
        return said

    with monkeypatch.context() as patch:
        patch.setattr(DirectApi, "ask", until)
        with pytest.raises(Died):
            changes.run()
    return noted[-1]


GATES = [(step, when) for step in STEPS_OF_GATES for when in ("before", "after") if EVERY or (step, when) != ("disarm", "after")]


@pytest.mark.parametrize(("step", "when"), GATES)
def test_of_a_gate_what_was_proved_is_saved_and_all_else_is_taken_back_without_a_restart(
    gate: FortiGate, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    before = gate.text()
    left = gate_dying(gate, monkeypatch, (STEPS_OF_GATES[step], when))
    assert left.proved == (step in ("save", "disarm"))
    for dummy in range(2):
        outcome = resume(gate_of(gate), left)[1]
        assert outcome.state == ("CONFIRMED" if left.proved else "REVERTED")
        assert gate.text() == gate.text("startup")
        assert "cfg-save" not in gate.text()
        assert (gate.text() == before) != left.proved


def test_a_mode_of_a_gate_that_somebody_else_set_is_left_alone(gate: FortiGate, monkeypatch: pytest.MonkeyPatch) -> None:
    left = gate_dying(gate, monkeypatch, (STEPS_OF_GATES["arm"], "before"))
    gate.colleague("system/global", cfg_save="revert", cfg_revert_timeout=3600)
    now = gate.text()
    assert resume(gate_of(gate), left)[0].step == "waits"
    assert gate.text() == now
