"""One change on an emulated device with an API, and every fault at every step of it: it ends as it was, or as it was proved and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import api
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ssh import probe_ssh
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import device_api as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.api import Session
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device_api import ApiChanging, ApiDevice
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome

from tests.asked import asked
from tests.emulators.appliance import power_comes_back
from tests.emulators.fortigate import KEX, DirectApi, FortiGate

NEW = {"key_exchange": "curve25519-sha256@libssh.org ecdh-sha2-nistp384", "mac": "hmac-sha2-512-etm@openssh.com"}
STEPS = {
    "arm": 'PUT */system/global *revert"*',
    "put": "PUT */system/ssh-config *",
    "save": "POST */config/save *",
    "disarm": "PUT */system/global *automatic*",
}
# Whether a change of cfg-save itself is saved matters where it is changed.
CASES = [*(("unsaved", step) for step in STEPS), ("saved", "arm"), ("saved", "disarm")]
# make verify-appliances: all of them; else a sample.
POINTS = [
    (fault, gate, step, when)
    for fault in ("drop_at", "power_at")
    for gate, step in CASES
    for when in ("before", "after")
    if asked("appliances") or (gate, when) == ("unsaved", "after") or (fault, step) == ("power_at", "save")
]
# What is saved, and so outlasts what happens then.
KEPT = {"drop_at": [("save", "before"), ("save", "after")], "power_at": [("save", "after")]}
ALWAYS = [("disarm", "before"), ("disarm", "after")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.2)
    monkeypatch.setattr(room, "GRACE", 20)


@pytest.fixture
def gate(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device", arming=getattr(request, "param", "unsaved"))
    yield made
    made.kill()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device", second=0.1)
    yield made
    made.kill()


def fine(after: Snapshot) -> Any:
    return ({"endpoint": "fortios ssh", "proved": True},), []


def gate_of(emulated: FortiGate) -> ApiDevice:
    platform = api("fortinet.fortios.fortios")
    assert platform and platform.api
    return ApiDevice(platform, platform.api, cast(Session, DirectApi(emulated)), "fg1", "")


def change(
    emulated: FortiGate,
    wanted: dict[str, str] = NEW,
    prove: Callable[[Snapshot], Any] = fine,
    planned: Callable[[], None] = lambda: None,
    seconds: int = 60,
) -> Outcome:
    """planned: what happens between the plan and its change."""
    device = gate_of(emulated)
    seen = device.look().snapshot
    (made,) = device.api.write(seen, {"fortios ssh": {aspect: Wanted(tuple(names.split())) for aspect, names in wanted.items()}})
    planned()
    device.session.close()
    return ApiChanging(device, made, seen.identity.machine_id, seconds, prove).run()


def is_old(emulated: FortiGate, before: str) -> bool:
    return emulated.text() == emulated.text("startup") == before


def is_new(emulated: FortiGate, before: str) -> bool:
    """The new lists, and nothing else."""
    lists = (emulated.ssh("kex"), emulated.ssh("mac"))
    rest = [[line for line in text.splitlines() if "-algo " not in line] for text in (emulated.text(), before)]
    return lists == (NEW["key_exchange"], NEW["mac"]) and emulated.text() == emulated.text("startup") and rest[0] == rest[1]


@pytest.mark.parametrize("gate", ["saved", "unsaved"], indirect=True)
def test_a_change_is_proved_saved_and_leaves_the_mode_as_it_was(gate: FortiGate) -> None:
    before, saved = gate.text(), []

    def prove(after: Snapshot) -> Any:
        saved.append(gate.ssh("kex", "startup"))
        seen = probe_ssh("127.0.0.1", gate.port, forbid_kex=("diffie-hellman-group14-sha1",), timeout=10)
        return fine(after)[0], [] if seen.refused and not seen.failure else [seen.failure]

    outcome = change(gate, prove=prove)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert saved == [KEX]
    assert is_new(gate, before)


def test_what_cannot_be_proved_is_taken_back_without_a_restart(gate: FortiGate) -> None:
    before = gate.text()
    outcome = change(gate, prove=lambda after: ((), ["a live handshake got something else"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "a live handshake got something else")
    assert is_old(gate, before)


@pytest.mark.parametrize(("fault", "gate", "step", "when"), POINTS, indirect=["gate"])
def test_no_fault_at_any_step_leaves_a_device_between(gate: FortiGate, fault: str, step: str, when: str) -> None:
    before = gate.text()
    with power_comes_back(gate):
        outcome = change(gate, planned=lambda: gate.fault(**{fault: [STEPS[step], when]}))
    assert gate.text("faults.json") == "{}"  # it came
    kept = (step, when) in [*KEPT[fault], *ALWAYS]
    ended = "CONFIRMED" if kept else "REFUSED" if step == "arm" else "REVERTED"
    assert (outcome.state, is_new(gate, before), is_old(gate, before)) == (ended, kept, not kept), outcome.why
    assert outcome.why != "" or kept


def test_whom_nobody_can_reach_any_more_goes_back_by_itself(one: FortiGate) -> None:
    """Its minute takes six seconds here."""
    before = one.text()
    outcome = change(one, prove=lambda after: (one.fault(deaf=True), ((), ["not proved"]))[1], seconds=60)
    assert outcome.state == "REVERTED"
    assert outcome.why.startswith("not proved; then: no login")
    assert is_old(one, before)


@pytest.mark.parametrize(
    ("fault", "state", "why"),
    [
        ({"reject": "cfg-save"}, "REFUSED", "fg1: PUT /api/v2/cmdb/system/global: it says 500, error -651"),
        ({"reject": "ssh-kex-algo"}, "REVERTED", "fg1: PUT /api/v2/cmdb/system/ssh-config: it says 500, error -651"),
        ({"refuse_save": True}, "REVERTED", "it does not save: it says 500, error -651"),
    ],
)
def test_a_device_that_does_not_do_as_it_is_told_stays_as_it_was(one: FortiGate, fault: dict[str, Any], state: str, why: str) -> None:
    before = one.text()
    outcome = change(one, planned=lambda: one.fault(**fault))
    assert (outcome.state, why in outcome.why) == (state, True)
    assert is_old(one, before)


def test_a_save_that_is_ignored_in_silence_is_made_up_for_by_the_mode(gate: FortiGate) -> None:
    """Nobody can read what is saved; but once changes are saved by themselves again, all of them are."""
    before = gate.text()
    assert change(gate, planned=lambda: gate.fault(ignore_save=True)).state == "CONFIRMED"
    assert is_new(gate, before)


def test_a_slow_device_is_waited_for(gate: FortiGate) -> None:
    before = gate.text()
    assert change(gate, planned=lambda: gate.fault(slow=0.1)).state == "CONFIRMED"
    assert is_new(gate, before)


@pytest.mark.parametrize(
    ("path", "values", "why"),
    [
        ("system/global", {"cfg-save": "manual"}, "its changes are not saved by themselves (cfg-save is manual)"),
        ("system/global", {"hostname": "fg2"}, "its configuration changed since the plan was made"),
    ],
)
def test_the_work_of_somebody_else_is_not_touched(one: FortiGate, path: str, values: dict[str, str], why: str) -> None:
    theirs: list[str] = []

    def meanwhile() -> None:
        one.colleague(path, **values)
        theirs.append(one.text())

    outcome = change(one, planned=meanwhile)
    assert (outcome.state, outcome.why[: len(why)]) == ("REFUSED", why)
    assert one.text() == theirs[0]


def test_what_somebody_else_changes_while_it_is_proved_is_loud_and_left_to_him(gate: FortiGate) -> None:
    def prove(after: Snapshot) -> Any:
        gate.colleague("system/global", hostname="fg2")
        return fine(after)

    outcome = change(gate, prove=prove)
    assert outcome.state == "REVERT_FAILED"
    assert "the old lists are back, and 2 other settings are not what they were" in outcome.why
    assert (gate.ssh("kex"), gate.ssh("mac"), "fg2" in gate.text()) == (KEX, "", True)
    assert gate.text() == gate.text("startup")


def test_another_device_at_that_address_is_refused(one: FortiGate) -> None:
    def replaced() -> None:
        facts = one.text("device.json").replace("FGVMEMULATED01", "FGVMEMULATED02")
        (one.folder / "device.json").write_text(facts, encoding="utf-8")
        one.reboot()

    outcome = change(one, planned=replaced)
    assert (outcome.state, "its serial number is another one" in outcome.why) == ("REFUSED", True)


def test_a_change_that_somebody_else_saved_is_taken_back_all_the_same(one: FortiGate) -> None:
    before = one.text()

    def prove(after: Snapshot) -> Any:
        one.colleague("system/global", **{"cfg-save": "automatic", "cfg-revert-timeout": 600})
        return (), ["not proved"]

    outcome = change(one, prove=prove)
    assert (outcome.state, outcome.why) == ("REVERTED", "not proved")
    assert is_old(one, before)
