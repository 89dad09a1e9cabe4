"""Proposals, groups of them and the HTTPS of an emulated device whose lines are a candidate: a successor comes first, a second change takes the old one away;
every fault at every step of both."""

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

from tests.emulators.appliance import OTHER, Emulated, terminal

from .test_device_change import EVERY, device_of, fine, struck

STRICT = {"key_exchange": Wanted(("dh-group 20",)), "cipher": Wanted(("aes256gcm128",))}
JUNOS = {"key_exchange": Wanted(("group20",)), "cipher": Wanted(("aes-256-gcm",))}
GCM, JUNOS_GCM = {"cipher": Wanted(("aes256gcm128",))}, {"cipher": Wanted(("aes-256-gcm",))}
# What is asked of that which stays behind, by its beginning.
ALLOWED: Mapping[str, Mapping[str, Wanted]] = {
    "vyos ike-group ": STRICT,
    "vyos esp-group ": GCM,
    "junos ike proposal ": JUNOS,
    "junos ipsec policy ": JUNOS_GCM,
}
WISHES: Mapping[str, Mapping[str, Mapping[str, Wanted]]] = {
    "vyos": {"vyos ike-group OLD": STRICT, "vyos esp-group CHILD": GCM, "vyos https": {"version": Wanted(("1.3",))}},
    "junos": {"junos ike proposal OLD": JUNOS, "junos ipsec policy OVER": JUNOS_GCM},
}
PLATFORMS = tuple(WISHES)
# The command of each step, of each change.
_VYOS = {"close": "commit-confirm *", "leave": "exit", "confirm": "confirm", "save": "save"}
_JUNOS = {"close": "commit confirmed *", "leave": "exit", "confirm": "commit check"}
_PEER = "set vpn ipsec site-to-site peer branch ike-group OLD-ag*"
STEPS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("vyos", "expand"): {
        "enter": "configure",
        "object": "set vpn ipsec ike-group OLD-ag* proposal 1 encryption *",
        "name": _PEER,
        "gone": "delete service https tls-version 1.2",
        **_VYOS,
    },
    ("vyos", "contract"): {"name": _PEER, "gone": "delete vpn ipsec ike-group OLD", **_VYOS},
    ("junos", "expand"): {
        "enter": "configure exclusive",
        "object": "set security ike proposal OLD-ag* dh-group *",
        "list": "delete security ike policy SITES proposals",
        "name": "set security ipsec policy OVER proposals *",
        **_JUNOS,
    },
    ("junos", "contract"): {"name": "set security ike policy SITES proposals *", "gone": "delete security ipsec proposal LEGACY", **_JUNOS},
}
EARLY, LATE = ("enter", "object", "list", "name", "gone"), ("confirm", "save")
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}
POINTS = [
    (fault, platform, change, step, when)
    for fault in KEPT
    for (platform, change), steps in STEPS.items()
    for step in steps
    for when in ("before", "after")
    if EVERY
    or (fault, change, step, when) == (("drop_at", "contract", "gone", "after") if platform == "vyos" else ("power_at", "expand", "close", "after"))
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[[str], Emulated]]:
    started = []

    def start(platform: str) -> Emulated:
        started.append(Emulated(tmp_path / "device", platform=platform))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def change(emulated: Emulated, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None) -> Outcome:
    """Whatever step is due: the first for what has no successor, the second for what has one."""
    one = device_of(emulated)
    seen = one.look().snapshot
    behind = [id_ for id_, name in one.live.over(seen).items() if name]
    wishes = {id_: next(to for head, to in ALLOWED.items() if id_.startswith(head)) for id_ in behind} or WISHES[emulated.platform]
    (made,) = one.live.write(seen, wishes)
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def ciphers(emulated: Emulated) -> dict[str, list[str]]:
    """Of each group of VyOS, of each proposal of Junos."""
    found: dict[str, list[str]] = {}
    for words in (line.replace("'", "").split() for line in emulated.text().splitlines()):
        if words[-2] in ("encryption", "encryption-algorithm"):
            found.setdefault(words[4], []).append(words[-1])
    return found


def named(emulated: Emulated) -> list[str]:
    heads = ("set vpn ipsec site-to-site peer branch ", "set security ike policy SITES ", "set security ipsec policy OVER ")
    return [
        line.split()[-1].strip("'") for line in emulated.text().splitlines() if line.startswith(heads) and ("-group " in line or "proposals" in line)
    ]


def expanded(emulated: Emulated) -> bool:
    """The new one in front of the old one, wherever that was named."""
    found, users = ciphers(emulated), named(emulated)
    if emulated.platform == "junos":
        return [one.partition("-ag")[0] for one in users] == ["OLD", "OLD", "LEGACY", "LEGACY"] and users[1::2] == ["OLD", "LEGACY"] == [*found][:2]
    return len(users) == 2 and {"OLD", "CHILD", *users} == set(found) and all(found[one] == ["aes256gcm128", "3des"] for one in users)


def contracted(emulated: Emulated) -> bool:
    found, users = ciphers(emulated), named(emulated)
    return (
        len(users) == len(found) == 2
        and set(found) == set(users)
        and all("-ag" in one and "gcm" in found[one][0] and not found[one][1:] for one in users)
    )


DONE = {"expand": expanded, "contract": contracted}


def sorted_lines(text: str) -> list[str]:
    return sorted(text.splitlines())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_successor_comes_first_and_only_the_next_change_takes_the_old_away(made: Callable[[str], Emulated], platform: str) -> None:
    device = made(platform)
    outcome = change(device)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert expanded(device)
    assert sorted_lines(device.text()) == sorted_lines(device.text("startup"))
    found = {one.id: one for one in read(device_of(device).look().snapshot)}
    if platform == "vyos":
        assert "set service https tls-version '1.3'" in device.text()
        (new,) = [id_ for id_ in found if id_.startswith("vyos ike-group OLD-ag") and not id_.endswith(" kept")]
        assert found[new].settings["key_exchange"].values == ("dh-group 20",)
        assert found[f"{new} kept"].settings["key_exchange"].values == ("dh-group 14",)
        assert f"set vpn ipsec {new.removeprefix('vyos ')} lifetime '3600'" in device.text()
    else:
        assert found["junos ipsec policy OVER"].settings["cipher"].values == ("aes-256-gcm",)
        assert found["junos ipsec policy OVER kept"].settings["cipher"].values == ("3des-cbc",)
        (new,) = [id_ for id_ in found if id_.startswith("junos ike proposal OLD-ag")]
        assert found[new].settings["key_exchange"].values == ("group20",)
        assert f"set security {new.removeprefix('junos ')} authentication-method pre-shared-keys" in device.text()

    outcome = change(device)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert contracted(device)
    assert sorted_lines(device.text()) == sorted_lines(device.text("startup"))
    assert device_of(device).live.over(device_of(device).look().snapshot) == {}


@pytest.mark.parametrize(("platform", "name"), [one for one in STEPS if EVERY or one[1] == "contract"])
def test_what_cannot_be_proved_is_taken_back(made: Callable[[str], Emulated], platform: str, name: str) -> None:
    device = made(platform)
    if name == "contract":
        assert change(device).state == "CONFIRMED"
    before = device.text()
    outcome = change(device, prove=lambda after: ((), ["nobody answers"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "nobody answers")
    assert sorted_lines(device.text()) == sorted_lines(device.text("startup")) == sorted_lines(before)
    assert device_of(device).waiting() == ()


@pytest.mark.parametrize(
    ("platform", "number"), [("vyos", one) for one in range(1, 18 if EVERY else 2)] + [("junos", one) for one in range(1, 11 if EVERY else 2)]
)
def test_a_line_that_is_refused_leaves_all_as_it_was(made: Callable[[str], Emulated], platform: str, number: int) -> None:
    device = made(platform)
    before = device.text()
    outcome = change(device, planned=lambda: device.fault(reject=number))
    assert (outcome.state, outcome.why[:18]) == ("REFUSED", "it does not take `")
    assert device.text() == device.text("startup") == before


def test_a_change_of_a_colleague_that_waits_is_not_touched(made: Callable[[str], Emulated]) -> None:
    device = made("vyos")

    def meanwhile() -> None:
        terminal(
            device.port,
            [*device.kind.enter, "configure", "set vpn ipsec ike-group X proposal 1 hash sha512", "commit-confirm 60", "y", "exit"],
            OTHER,
        )

    outcome = change(device, planned=meanwhile)
    assert (outcome.state, outcome.why) == ("REFUSED", "a change of somebody waits there, and is not confirmed")
    assert "ike-group X" in device.text()


@pytest.mark.parametrize(("fault", "platform", "name", "step", "when"), POINTS)
def test_no_fault_at_any_step_leaves_a_device_between(
    made: Callable[[str], Emulated], fault: str, platform: str, name: str, step: str, when: str
) -> None:
    device = made(platform)
    if name == "contract":
        assert change(device).state == "CONFIRMED"
    before = device.text()
    outcome = struck(device, change, fault, STEPS[platform, name][step], when, late=step in LATE)
    kept = (step, when) in KEPT[fault] or (platform, step, when) == ("junos", "confirm", "after")
    ended = "CONFIRMED" if kept else "REFUSED" if step in EARLY else "REVERTED"
    assert (outcome.state, DONE[name](device), sorted_lines(device.text()) == sorted_lines(before)) == (ended, kept, not kept)
    assert sorted_lines(device.text()) == sorted_lines(device.text("startup"))
    assert device_of(device).waiting() == ()


@pytest.mark.parametrize(
    ("platform", "typed", "said"),
    [
        (
            "vyos",
            (
                *(f"set vpn ipsec ike-group OLD proposal 1 {one}" for one in ("encryption aes512", "dh-group 34", "colour red")),
                *("set service https tls-version 1.1", "delete vpn ipsec ike-group OLD", "commit", "exit discard"),
            ),
            {"Value validation failed": 3, "is not valid": 1, "Invalid ike-group on site-to-site peer branch": 1, "Commit failed": 1},
        ),
        (
            "junos",
            (
                *(f"set security ike proposal OLD {one}" for one in ("encryption-algorithm aes-512", "dh-group mlkem768", "colour red")),
                *("delete security ike proposal OLD", "commit check", "commit", "rollback 0"),
            ),
            {"syntax error": 3, "Proposal must be defined under": 2, "configuration check-out failed": 2},
        ),
    ],
)
def test_the_device_itself_keeps_what_is_named_and_knows_its_words(
    made: Callable[[str], Emulated], platform: str, typed: tuple[str, ...], said: dict[str, int]
) -> None:
    """Of the emulator: what is named cannot go, and a word that is none is refused."""
    device = made(platform)
    before = device.text()
    seen = terminal(device.port, [*device.kind.enter, "configure", *typed])
    assert {one: seen.count(one) for one in said} == said
    assert device.text() == before
