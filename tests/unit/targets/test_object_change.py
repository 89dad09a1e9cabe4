"""Proposals and transform sets of an emulated device: one is added in front of another, and only a second change takes that away; every fault at every
step of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import changing as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome

from tests.emulators.appliance import Emulated, terminal
from tests.emulators.platforms import TUNNELS

from .test_device_change import EVERY, device_of, fine, struck

IKE, ESP = "ios ikev2 proposal OLD", "ios ipsec profile OVER"
WISHES: Mapping[str, Mapping[str, Wanted]] = {
    IKE: {"key_exchange": Wanted(("group 20 pqc mlkem768",)), "cipher": Wanted(("aes-gcm-256",))},
    ESP: {"cipher": Wanted(("esp-gcm 256",))},
}
# The command of each step, of each change.
STEPS = {
    "expand": {
        "arm": "configure terminal revert timer*",
        "enter": "configure terminal",
        "object": "crypto ikev2 proposal OLD-ag*",
        "body": "pqc mlkem768",
        "name": "proposal OLD-ag*",
        "behind": "no proposal OLD",
        "set": "set transform-set LEGACY-ag*",
        "leave": "end",
        "confirm": "configure confirm",
        "save": "write memory",
    },
    "contract": {
        "name": "no proposal OLD",
        "gone": "no crypto ikev2 proposal OLD",
        "set": "no crypto ipsec transform-set LEGACY",
        "confirm": "configure confirm",
    },
}
EARLY = ("arm", "leave")
LATE = ("confirm", "save")
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}
POINTS = [
    (fault, change, step, when)
    for fault in KEPT
    for change, steps in STEPS.items()
    for step in steps
    for when in ("before", "after")
    if EVERY or (fault, step, when) in (("drop_at", "behind", "after"), ("power_at", "gone", "after"))
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Emulated]:
    made = Emulated(tmp_path / "device", ssh=TUNNELS["ios"])
    yield made
    made.kill()


def change(emulated: Emulated, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None) -> Outcome:
    """Whatever step is due."""
    one = device_of(emulated)
    seen = one.look().snapshot
    (made,) = one.live.write(seen, WISHES)
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def block(emulated: Emulated, head: str) -> list[str]:
    """What stands below a line that begins so."""
    lines = emulated.text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(head))
    body = lines[at + 1 :]
    return [line.strip() for line in body[: next(number for number, line in enumerate(body) if not line.startswith(" "))]]


def families(emulated: Emulated, head: str) -> list[str]:
    return [line.split()[3].partition("-ag")[0] for line in emulated.text().splitlines() if line.startswith(head)]


def expanded(emulated: Emulated) -> bool:
    named = [line.split()[1] for line in block(emulated, "crypto ikev2 policy SITES") if line.startswith("proposal")]
    (sets,) = [line.split()[2:] for line in block(emulated, "crypto ipsec profile OVER")]
    return len(named) == len(sets) == 2 and named[0].startswith("OLD-ag") and named[1] == "OLD" and sets[0].startswith("LEGACY-ag")


def contracted(emulated: Emulated) -> bool:
    gone = not any(
        line.split()[-1] in ("OLD", "LEGACY") or line.startswith("crypto ipsec transform-set LEGACY ") for line in emulated.text().splitlines()
    )
    return gone and len(families(emulated, "crypto ikev2 proposal")) == len(families(emulated, "crypto ipsec transform-set")) == 1


DONE = {"expand": expanded, "contract": contracted}


def test_a_successor_comes_in_front_and_only_the_next_change_takes_the_old_away(device: Emulated) -> None:
    assert change(device).state == "CONFIRMED"
    assert expanded(device)
    assert block(device, "crypto ikev2 proposal OLD-ag") == ["encryption aes-gcm-256", "prf sha256", "group 20", "pqc mlkem768"]
    assert block(device, "crypto ipsec transform-set LEGACY-ag") == ["mode transport"]
    assert device.text() == device.text("startup")
    assert change(device).state == "CONFIRMED"
    assert contracted(device)
    assert device.text() == device.text("startup")
    (new,) = [one for one in read(device_of(device).look().snapshot) if one.id.startswith("ios ikev2 proposal")]
    assert new.settings["key_exchange"].values == ("group 20 pqc mlkem768",)


def test_what_cannot_be_proved_is_taken_back(device: Emulated) -> None:
    before = device.text()
    outcome = change(device, prove=lambda after: ((), ["nobody answers"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "nobody answers")
    assert device.text() == device.text("startup") == before


@pytest.mark.parametrize("number", range(1, 14) if EVERY else (3, 8))
def test_a_line_that_is_refused_takes_all_of_it_back(device: Emulated, number: int) -> None:
    """What stands behind it is not sent: below another line it would mean something else."""
    before = device.text()
    outcome = change(device, planned=lambda: device.fault(reject=number))
    assert outcome.state == "REVERTED"
    assert "it does not take `" in outcome.why
    assert device.text() == device.text("startup") == before


@pytest.mark.parametrize(("fault", "name", "step", "when"), POINTS)
def test_no_fault_at_any_step_leaves_a_device_between(device: Emulated, fault: str, name: str, step: str, when: str) -> None:
    if name == "contract":
        assert change(device).state == "CONFIRMED"
    before = device.text()
    outcome = struck(device, change, fault, STEPS[name][step], when, late=step in LATE)
    kept = (step, when) in KEPT[fault]
    ended = "CONFIRMED" if kept else "REFUSED" if step in EARLY else "REVERTED"
    assert (outcome.state, DONE[name](device), device.text() == before) == (ended, kept, not kept)
    assert device.text() == device.text("startup")
    assert device_of(device).waiting() == ()


def test_the_device_itself_keeps_what_is_named(device: Emulated) -> None:
    """Of the emulator: in the wrong order nothing comes about."""
    lines = (
        "no crypto ikev2 proposal OLD",
        "no crypto ipsec transform-set LEGACY",
        "crypto ikev2 policy SITES",
        "no proposal OLD",
        "proposal NOBODY",
    )
    more = ("crypto ikev2 proposal X", "encryption aes-512", "exit", "crypto ipsec profile OVER", "set transform-set NOBODY", "end")
    before = device.text()
    seen = terminal(device.port, [*device.kind.enter, "configure terminal", *lines, *more])
    assert [seen.count(said) for said in ("it is in use", "needs a proposal", "does not exist", "% Invalid input")] == [2, 1, 2, 1]
    assert device.text().replace("crypto ikev2 proposal X\n", "") == before
