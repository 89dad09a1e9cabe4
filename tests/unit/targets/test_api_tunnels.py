"""Tunnels and HTTPS of an emulated device with an API, many objects in one change: every fault at every request, and what is refused or locks us out."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot, Wanted, Wishes
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import device_api as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device_api import ApiChanging
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.resuming import Left, resume

from tests.asked import asked
from tests.emulators.appliance import power_comes_back
from tests.emulators.fortigate import WITH_VDOMS, DirectApi, FortiGate

from .test_api_change import fine, gate_of, is_old

WISHES: Wishes = {
    "fortios phase1-interface old": {"cipher": Wanted(("aes256gcm",)), "key_exchange": Wanted(("dhgrp 20", "dhgrp 14"))},
    "fortios phase2-interface old 2": {"cipher": Wanted(("aes256gcm",)), "key_exchange": Wanted(("dhgrp 20", "dhgrp 14"))},
    "fortios https": {"version": Wanted(("tlsv1-3",))},
}
NEW = (["aes256gcm-prfsha256 3des-sha256"], ["20 14"], ["aes256gcm 3des-sha1"], ["20 14"])
STEPS = {
    "phase1": "PUT */phase1-interface/* *",
    "phase2": "PUT */phase2-interface/* *",
    "https": "PUT */system/global *ssl-versions*",
    "save": "POST */config/save *",
}
# make verify-appliances: all of them; else a sample.
EVERY = asked("appliances")
LONG = pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it")
POINTS = [
    (fault, step, when)
    for fault in ("drop_at", "power_at")
    for step in STEPS
    for when in ("before", "after")
    if EVERY or (fault, step, when) in (("drop_at", "phase1", "after"), ("power_at", "https", "after"))
]
# What is saved, and so outlasts what happens then.
KEPT = [("drop_at", "save", "before"), ("drop_at", "save", "after"), ("power_at", "save", "after")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.2)
    monkeypatch.setattr(room, "GRACE", 20)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device")
    yield made
    made.kill()


def begun(emulated: FortiGate, wishes: Wishes = WISHES, prove: Any = fine, seconds: int = 60, narrow: bool = False) -> ApiChanging:
    device = gate_of(emulated)
    seen = device.look().snapshot
    (made,) = (device.api.contract if narrow else device.api.write)(seen, wishes)
    device.session.close()
    return ApiChanging(device, made, seen.identity.machine_id, seconds, prove)


def is_new(emulated: FortiGate) -> bool:
    lists = tuple(emulated.tunnel(word, name) for name in ("old", "old 2") for word in ("proposal", "dhgrp"))
    return lists == NEW and "admin-https-ssl-versions tlsv1-3\n" in emulated.text() and emulated.text() == emulated.text("startup")


def test_all_objects_change_together_and_nothing_else_does(gate: FortiGate) -> None:
    before = gate.text()
    changes = begun(gate)
    outcome = changes.run()
    assert (outcome.state, outcome.why, is_new(gate)) == ("CONFIRMED", "", True)
    lists = (" proposal ", " dhgrp ", "ssl-versions")
    rest = [[line for line in text.splitlines() if not any(word in line for word in lists)] for text in (gate.text(), before)]
    assert rest[0] == rest[1]
    undo = changes.undo()
    assert undo["vpn ipsec phase1-interface old dhgrp"] == {
        "new": ["vpn ipsec phase1-interface old dhgrp 20", "vpn ipsec phase1-interface old dhgrp 14"],
        "old": ["vpn ipsec phase1-interface old dhgrp 14"],
    }
    assert sorted(undo["system global admin-https-ssl-versions"]["old"])[0].endswith(" tlsv1-2")  # a default, put back by its values


@pytest.mark.parametrize(("fault", "step", "when"), POINTS)
def test_no_fault_at_any_request_leaves_a_device_between(gate: FortiGate, fault: str, step: str, when: str) -> None:
    before = gate.text()
    changes = begun(gate)
    with power_comes_back(gate):
        gate.fault(**{fault: [STEPS[step], when]})
        outcome = changes.run()
    assert gate.text("faults.json") == "{}"  # it came
    kept = (fault, step, when) in KEPT
    assert (outcome.state, is_new(gate), is_old(gate, before)) == ("CONFIRMED" if kept else "REVERTED", kept, not kept), outcome.why


def test_an_object_that_is_refused_takes_the_others_back(gate: FortiGate) -> None:
    before = gate.text()
    changes = begun(gate)
    gate.fault(reject="old%202")
    outcome = changes.run()
    assert (outcome.state, "vpn.ipsec/phase2-interface/old%202: it says 500, error -651" in outcome.why) == ("REVERTED", True)
    assert is_old(gate, before)


@LONG
def test_a_word_that_the_device_does_not_know_takes_all_back(gate: FortiGate) -> None:
    before = gate.text()
    outcome = begun(gate, {"fortios phase1-interface old": {"key_exchange": Wanted(("dhgrp 30",))}}).run()
    assert (outcome.state, "phase1-interface/old: it says 500" in outcome.why) == ("REVERTED", True)
    assert is_old(gate, before)


@LONG
def test_who_is_locked_out_of_https_waits_for_its_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its minute takes six seconds here; this controller knows TLS 1.2 alone."""
    gate = FortiGate(tmp_path / "device", second=0.1)
    monkeypatch.setattr(DirectApi, "newest", ssl.TLSVersion.TLSv1_2)
    try:
        before = gate.text()
        outcome = begun(gate).run()
        assert (outcome.state, "no answer to " in outcome.why) == ("REVERTED", True)
        assert is_old(gate, before)
    finally:
        gate.kill()


def test_what_somebody_makes_of_one_list_is_his_and_the_others_go_back(gate: FortiGate) -> None:
    def prove(after: Snapshot) -> Any:
        gate.colleague("vpn.ipsec/phase2-interface/old%202", dhgrp="21")
        return (), ["not proved"]

    outcome = begun(gate, prove=prove).run()
    assert outcome.state == "REVERT_FAILED"
    assert (gate.tunnel("dhgrp"), gate.tunnel("dhgrp", "old 2"), gate.tunnel("proposal", "old 2")) == (["14"], ["21"], ["3des-sha1"])
    assert "cfg-save" not in gate.text()


@LONG
def test_another_tunnel_that_somebody_changes_is_seen(gate: FortiGate) -> None:
    changes = begun(gate, {"fortios phase1-interface old": WISHES["fortios phase1-interface old"]})
    changes.prove = lambda after: (gate.colleague("vpn.ipsec/phase2-interface/old%202", dhgrp="21"), fine(after))[1]
    outcome = changes.run()
    assert outcome.state == "REVERT_FAILED"
    assert (gate.tunnel("dhgrp"), gate.tunnel("dhgrp", "old 2")) == (["14"], ["21"])


@pytest.mark.parametrize("proved", [True, False])
def test_a_controller_that_dies_amid_the_objects_is_recovered(gate: FortiGate, monkeypatch: pytest.MonkeyPatch, proved: bool) -> None:
    """Half of them written, or all of them proved: what was proved is saved, all else goes back, and to ask again changes nothing."""
    before = gate.text()
    changes = begun(gate)
    noted: list[Left] = []
    changes.noted = lambda known: noted.append(Left(changes.machine, "", "", 60, 0, changes.old, changes.new, known, changes.idle))

    class Died(BaseException):
        pass

    ask = DirectApi.ask

    def until(direct: DirectApi, request: Any) -> tuple[int, str]:
        if ("config/save" if proved else "phase2-interface") in request.path and request.method in ("PUT", "POST"):
            raise Died
        return ask(direct, request)

    with monkeypatch.context() as patch:
        patch.setattr(DirectApi, "ask", until)
        with pytest.raises(Died):
            changes.run()
    for again in range(2):
        dummy, outcome = resume(gate_of(gate), noted[-1])
        assert outcome.state == ("CONFIRMED" if proved else "REVERTED"), again
    assert is_new(gate) if proved else is_old(gate, before)


@LONG
def test_each_vdom_has_its_own(tmp_path: Path) -> None:
    gate = FortiGate(tmp_path / "device", startup=WITH_VDOMS, release="7.6.4")
    try:
        before = gate.text()
        wishes = {"fortios red phase1-interface old": {"key_exchange": Wanted(("dhgrp 20 addke 36", "dhgrp 20"))}}
        assert begun(gate, wishes).run().state == "CONFIRMED"
        assert (gate.tunnel("dhgrp"), gate.tunnel("addke1")) == (["14", "20"], ["36 0"])
        assert gate.text().partition("edit red")[0] == before.partition("edit red")[0]
        narrow = {"fortios red phase1-interface old": {"key_exchange": Wanted(("dhgrp 20 addke 36",))}}
        assert begun(gate, narrow, narrow=True).run().state == "CONFIRMED"
        assert gate.tunnel("addke1") == ["36"]
    finally:
        gate.kill()
