"""One change on an emulated device, and every fault at every step of it: it ends as it was, or as it was proved and confirmed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import live
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import changing as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import STARTUP, Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Terminal
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device import Device
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome

from tests.asked import asked
from tests.emulators.appliance import OTHER, Emulated, power_comes_back, terminal
from tests.emulators.direct import Direct

NEW = {"key_exchange": "ecdh-sha2-nistp384 curve25519-sha256", "mac": "hmac-sha2-512-etm@openssh.com"}
LOCKS_OUT = {"cipher": "chacha20-poly1305@openssh.com"}  # paramiko has none of it
# The command of each step, and those at which nothing counts yet: the first `end` of IOS is that of arming.
STEPS: Mapping[str, Mapping[str, str]] = {
    "ios": {
        "arm": "configure terminal revert timer*",
        "enter": "configure terminal",
        "line": "ip ssh server algorithm mac*",
        "leave": "end",
        "confirm": "configure confirm",
        "save": "write memory",
    },
    "eos": {
        "enter": "configure session agility-????????",
        "line": "mac *",
        "close": "commit timer *",
        "confirm": "configure session * commit",
        "save": "write memory",
    },
    "junos": {
        "enter": "configure exclusive",
        "line": "set system services ssh macs *",
        "close": "commit confirmed *",
        "leave": "exit",
        "confirm": "commit check",
    },
    "vyos": {
        "enter": "configure",
        "line": "set service ssh mac *",
        "close": "commit-confirm *",
        "leave": "exit",
        "confirm": "confirm",
        "save": "save",
    },
}
EARLY = {"ios": ("arm", "leave"), "eos": ("enter", "line"), "junos": ("enter", "line"), "vyos": ("enter", "line")}
LATE = ("confirm", "save")  # Junos says `commit check` before as well
# What is confirmed, and not lost with the power where that was not yet what starts.
KEPT = {
    "drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")],
    "power_at": [("save", "after")],
}
PLATFORMS = tuple(STEPS)
# As make verify-appliances says: all of them on each platform; else of candidates a sample, for their transaction is one piece, and timers take theirs.
EVERY = asked("appliances")
TIMED = {one for one in PLATFORMS if EVERY or one != "vyos"}
POINTS = [
    (fault, platform, step, when)
    for fault in KEPT
    for platform, steps in STEPS.items()
    for step in steps
    for when in ("before", "after")
    if EVERY or platform == "ios" or (when == "after" and (fault == "drop_at" or step == "close"))
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Emulated]]:
    """Starts a device of a platform."""
    started = []

    def start(platform: str, minute: float = 60) -> Emulated:
        started.append(Emulated(tmp_path / "device", platform=platform, minute=minute))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def fine(after: Snapshot) -> Any:
    return ({"endpoint": "ssh", "proved": True},), []


def device_of(emulated: Emulated) -> Device:
    platform = live(emulated.kind.system)
    assert platform and platform.live
    return Device(platform, platform.live, cast(Terminal, Direct(emulated)), "edge1", "")


def change(
    emulated: Emulated, wanted: dict[str, str] = NEW, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None
) -> Outcome:
    """planned: what happens between the plan and its change."""
    one = device_of(emulated)
    seen = one.look().snapshot
    (endpoint,) = one.live.writes
    (planned_change,) = one.live.write(seen, {endpoint: {aspect: Wanted(tuple(names.split())) for aspect, names in wanted.items()}})
    planned()
    one.terminal.close()
    outcome = Changing(one, planned_change, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def struck(emulated: Emulated, change: Callable[..., Outcome], fault: str, command: str, when: str, late: bool) -> Outcome:
    """What a change comes to with that fault at that command.  late: of those that are also sent before, the one behind the proof."""

    def strike() -> None:
        emulated.fault(**{fault: [command, when]})

    with power_comes_back(emulated):
        outcome = change(emulated, planned=(lambda: None) if late else strike, prove=lambda after: (late and strike(), fine(after))[1])
    assert emulated.text("faults.json") == "{}"  # it came
    return outcome


def said(emulated: Emulated, aspect: str, which: str = "running") -> str:
    platform = live(emulated.kind.system)
    assert platform and platform.live
    return emulated.ssh(platform.live.lists[aspect].rpartition("algorithm " if emulated.platform == "ios" else "ssh ")[2], which)


def is_old(emulated: Emulated, before: str) -> bool:
    return same(emulated, before, emulated.text()) and same(emulated, before, emulated.text("startup"))


def is_new(emulated: Emulated) -> bool:
    return {aspect: said(emulated, aspect) for aspect in NEW} == NEW and emulated.text() == emulated.text("startup")


def same(emulated: Emulated, one: str, other: str) -> bool:
    """Where a device puts a statement among others is its own business."""
    return sorted(one.splitlines()) == sorted(other.splitlines()) if emulated.platform == "vyos" else one == other


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_change_is_proved_confirmed_and_only_then_what_starts(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform)
    old = said(device, "key_exchange")
    started: list[str] = []

    def prove(after: Snapshot) -> Any:
        started.append(said(device, "key_exchange", "startup"))
        return fine(after)

    outcome = change(device, prove=prove)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert is_new(device)
    commits = platform == "junos"  # what is committed is what starts
    assert started == [NEW["key_exchange"] if commits else old]
    assert outcome.evidence[STARTUP] == ("is what is committed" if commits else "written and compared")
    assert device_of(device).waiting() == ()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_cannot_be_proved_is_taken_back(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform)
    before = device.text()
    outcome = change(device, prove=lambda after: ((), ["a live handshake got something else"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "a live handshake got something else")
    assert is_old(device, before)
    assert device_of(device).waiting() == ()


@pytest.mark.parametrize("platform", sorted(TIMED))
def test_who_is_locked_out_is_let_in_again_by_the_timer_of_the_device(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform, minute=8)
    before = device.text()
    outcome = change(device, LOCKS_OUT)
    assert outcome.state == "REVERTED"
    assert outcome.why.startswith("no new login after the change: ")
    assert is_old(device, before)


def test_a_device_that_restarts_to_go_back_is_waited_for(made: Callable[..., Emulated]) -> None:
    device = made("vyos", minute=8)
    person(device, "configure", "set system config-management commit-confirm action 'reboot'", "commit", "save", "exit")
    before = device.text()
    outcome = change(device, LOCKS_OUT)
    assert outcome.state == "REVERTED"
    assert is_old(device, before)


@pytest.mark.parametrize(("fault", "platform", "step", "when"), POINTS)
def test_no_fault_at_any_step_leaves_a_device_between(made: Callable[..., Emulated], fault: str, platform: str, step: str, when: str) -> None:
    device = made(platform)
    before = device.text()
    outcome = struck(device, change, fault, STEPS[platform][step], when, late=step in LATE)
    kept = (step, when) in KEPT[fault] or (platform, step, when) == ("junos", "confirm", "after")
    ended = "CONFIRMED" if kept else "REFUSED" if step in EARLY[platform] else "REVERTED"
    assert (outcome.state, is_new(device), is_old(device, before)) == (ended, kept, not kept)
    assert outcome.why != "" or kept
    assert device_of(device).waiting() == ()


FULL = {
    "ios": ("REFUSED", "its timer was not armed: %Error opening archive"),
    "eos": ("REVERTED", "it does not make them count: % Error: cannot save the checkpoint"),
    "junos": ("REVERTED", "it does not make them count: error: could not save"),
    "vyos": ("REVERTED", "it does not make them count: Failed to start"),
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_device_that_does_not_do_as_it_is_told_stays_as_it_was(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform)
    before = device.text()
    lines = ("REVERTED" if platform == "ios" else "REFUSED", "it does not take `")
    for fault, (state, why) in (({"reject": 1}, lines), ({"reject": 2}, lines), ({"archive_full": True}, FULL[platform])):
        outcome = change(device, planned=lambda fault=fault: device.fault(**fault))  # type: ignore[misc]
        assert (outcome.state, outcome.why[: len(why)]) == (state, why)
        assert is_old(device, before)
        device.fault()
        assert device_of(device).waiting() == ()


@pytest.mark.parametrize("platform", sorted(TIMED))
def test_a_device_that_does_not_confirm_goes_back(made: Callable[..., Emulated], platform: str) -> None:
    """Of Junos and VyOS its timer ends it, for what takes a change back confirms, too."""
    device = made(platform, minute=12 if platform in ("junos", "vyos") else 60)
    before = device.text()
    outcome = change(device, planned=lambda: device.fault(ignore_confirm=True))
    assert (outcome.state, outcome.why) == ("REVERTED", "its timer took the change back")
    assert is_old(device, before)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_slow_device_is_waited_for(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform)
    assert change(device, planned=lambda: device.fault(slow=0.2)).state == "CONFIRMED"
    assert is_new(device)


@pytest.mark.parametrize("platform", [one for one in PLATFORMS if one != "junos"])
def test_a_startup_that_could_not_be_written_is_told(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform)
    outcome = change(device, planned=lambda: device.fault(ignore_write=True))
    assert (outcome.state, outcome.evidence[STARTUP]) == ("CONFIRMED", "not written")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_connection_that_drops_in_the_middle_of_a_reply_is_no_answer(made: Callable[..., Emulated], platform: str) -> None:
    device = made(platform)
    before = device.text()
    outcome = change(device, prove=lambda after: (device.fault(drop_after=0), fine(after))[1])
    assert outcome.state == "REVERTED"
    assert is_old(device, before)


# ---------------------------------------------------------------- others at work


def person(device: Emulated, *commands: str, user: str = OTHER) -> None:
    terminal(device.port, [*device.kind.enter, *commands], user=user)


EDIT = {
    "ios": ("configure terminal", "logging host 192.0.2.9", "end"),
    "eos": ("configure", "logging host 192.0.2.9", "end"),
    "junos": ("configure", "set snmp location Ulm", "commit", "exit"),
    "vyos": ("configure", "set service snmp location 'Ulm'", "commit", "exit"),
}


@pytest.mark.parametrize(
    ("platform", "commands", "why"),
    [
        ("ios", ("configure terminal revert timer 60", "end"), "a change of colleague waits there"),
        ("ios", EDIT["ios"], "what runs is not what would start"),
        ("ios", ("configure terminal", "ip ssh server algorithm kex ecdh-sha2-nistp521", "end", "write memory"), "its configuration changed since"),
        ("eos", ("configure session theirs", "end"), "a change of somebody (theirs) waits there"),
        ("eos", ("configure session theirs", "ip routing", "commit timer 01:00:00"), "a change of colleague (theirs) waits there"),
        ("eos", EDIT["eos"], "what runs is not what would start"),
        ("eos", ("configure", "management ssh", "cipher aes256-ctr", "end", "write memory"), "its configuration changed since"),
        ("junos", ("configure", "set snmp location Ulm", "exit", "yes"), "it lets nobody change it now: error: configuration database modified"),
        ("junos", ("configure", "set snmp location Ulm", "commit confirmed 60", "exit"), "a change of colleague (without a comment) waits there"),
        ("junos", EDIT["junos"], "its configuration changed since"),
        ("vyos", ("configure", "set service snmp location 'Ulm'", "commit-confirm 60", "y", "exit"), "a change of somebody waits there"),
        ("vyos", EDIT["vyos"], "what runs is not what would start"),
        ("vyos", (*EDIT["vyos"][:-1], "save", "exit"), "its configuration changed since"),
    ],
)
def test_the_work_of_somebody_else_is_not_touched(made: Callable[..., Emulated], platform: str, commands: tuple[str, ...], why: str) -> None:
    device = made(platform)
    theirs: list[Any] = []

    def meanwhile() -> None:
        person(device, *commands)
        theirs.extend([device.text(), device_of(device).waiting()])

    outcome = change(device, planned=meanwhile)
    assert (outcome.state, outcome.why[: len(why)]) == ("REFUSED", why)
    assert [device.text(), device_of(device).waiting()] == theirs


@pytest.mark.parametrize(("platform", "state"), [(one, "REVERTED" if one in ("ios", "eos") else "REVERT_FAILED") for one in sorted(TIMED)])
def test_what_somebody_else_changes_while_it_is_proved_is_not_confirmed(made: Callable[..., Emulated], platform: str, state: str) -> None:
    """A commit of Junos confirms what waits, and one of VyOS is what its timer goes back to: theirs stays, and that is loud."""
    device = made(platform, minute=12 if platform == "vyos" else 60)
    before = device.text()
    outcome = change(device, prove=lambda after: (person(device, *EDIT[platform]), fine(after))[1])
    why = "somebody changed it while it was proved, so it goes back as a whole"
    assert (outcome.state, outcome.why[: len(why)]) == (state, why)
    assert is_old(device, before) == (state == "REVERTED")


@pytest.mark.parametrize(
    ("platform", "commands"),
    [
        ("ios", ("configure confirm",)),
        ("eos", ("configure session {} commit",)),
        ("junos", ("configure", "commit check", "exit")),
        ("vyos", ("configure", "confirm", "exit")),
    ],
)
def test_a_change_that_somebody_else_confirmed_is_loud(made: Callable[..., Emulated], platform: str, commands: tuple[str, ...]) -> None:
    device = made(platform)

    def prove(after: Snapshot) -> Any:
        name = json.loads(device.text("pending.json"))["kept"].removeprefix("checkpoint-")
        person(device, *(command.format(name) for command in commands), user="netops")
        return (), ["not proved"]

    outcome = change(device, prove=prove)
    assert outcome.state == "REVERT_FAILED"
    assert "which somebody else confirmed" in outcome.why


def test_what_somebody_changes_while_a_session_is_open_is_not_undone_by_it(made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch) -> None:
    device, ask = made("eos"), Direct.ask

    def meanwhile(direct: Direct, command: str, question: str = "", answer: str = "") -> str:
        if command.startswith("mac "):
            person(device, *EDIT["eos"])
        return ask(direct, command, question, answer)

    monkeypatch.setattr(Direct, "ask", meanwhile)
    outcome = change(device)
    assert (outcome.state, outcome.why) == ("REFUSED", "somebody changed other lines meanwhile, which this change would undo")
    assert "logging host 192.0.2.9" in device.text()
    assert said(device, "mac") == ""
    assert device_of(device).waiting() == ()


def test_what_the_timer_says_by_itself_is_no_answer_to_a_command(made: Callable[..., Emulated]) -> None:
    """Its warning comes a minute before the end, here at once, and ends with a prompt."""
    outcome = change(made("ios"), prove=lambda after: (time.sleep(0.2), fine(after))[1])
    assert outcome.state == "CONFIRMED"
