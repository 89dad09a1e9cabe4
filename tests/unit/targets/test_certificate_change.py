"""The line that names a certificate of an emulated device, and every fault at every step of changing it: it names the old one, or the new one that was
proved and confirmed, and serves what it names; the new certificate itself stays as it was brought."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import steps as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Rejected
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device import Device
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulators.appliance import terminal
from tests.emulators.certified import NAME, Edge, Root, root, signed

from .test_device_change import EVERY, device_of, fine, struck
from .test_device_resume import dying, ended

STEPS = {
    "arm": "configure terminal revert timer*",
    "name": "ip http secure-trustpoint *",
    "off": "no ip http secure-server",
    "on": "ip http secure-server",
    "leave": "end",
    "confirm": "configure confirm",
    "save": "write memory",
}
EARLY, LATE = ("arm", "leave"), ("confirm", "save")  # the first `end` is that of arming
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}
POINTS = [
    (fault, step, when)
    for fault in KEPT
    for step in STEPS
    for when in ("before", "after")
    if EVERY or (fault, step, when) in (("drop_at", "off", "after"), ("power_at", "on", "after"), ("drop_at", "confirm", "after"))
]
NEW = "agabcdef"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return root(tmp_path / "authority")


@pytest.fixture
def edge(tmp_path: Path, by: Root) -> Iterator[Edge]:
    """It holds a new certificate that nothing names."""
    made = Edge(tmp_path / "device", by, minute=600)
    brought(made, by)
    yield made
    made.kill()


def brought(edge: Edge, by: Root, kind: str = "ECDSA-P256") -> None:
    device = device_of(edge)
    keeping = device.keeping
    request = keeping.request(device.carry(keeping.make(device.look().snapshot, NEW, kind, (NAME,))))
    device.carry(keeping.place(NEW, signed(by, request, kind, (NAME,))))
    assert device.save_only(keeping.heads(NEW))
    device.terminal.close()


def rebound(device: Device, seen: Snapshot) -> Change:
    keeping = device.keeping
    (made,) = keeping.rebind(seen, {binding.origin: Pair(NEW, NEW) for one in keeping.servings(seen) for binding in one.bindings})
    return made


def change(edge: Edge, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None) -> Outcome:
    one = device_of(edge)
    seen = one.look().snapshot
    made = rebound(one, seen)
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def whole(edge: Edge, name: str) -> bool:
    """It names that one, starts with it, and serves it; both certificates and keys are there."""
    old = edge.served() == edge.old
    return edge.bound() == edge.bound("startup") == name and old == (name == "OLD") and edge.points() == ["OLD", NEW] and edge.keys() == {"OLD", NEW}


def test_the_new_certificate_is_named_and_what_was_named_stays(edge: Edge, by: Root) -> None:
    assert whole(edge, "OLD")
    outcome = change(edge)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert whole(edge, NEW)
    assert edge.trusted(by)
    device = device_of(edge)
    assert set(device.keeping.held(device.look().snapshot)) == {"OLD", NEW}


def test_what_cannot_be_proved_is_taken_back(edge: Edge) -> None:
    before = edge.text()
    outcome = change(edge, prove=lambda after: ((), ["it serves another one"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "it serves another one")
    assert (edge.text(), whole(edge, "OLD")) == (before, True)


@pytest.mark.parametrize("number", (1, 2, 3) if EVERY else (2,))
def test_a_line_that_is_refused_takes_all_of_it_back(edge: Edge, number: int) -> None:
    before = edge.text()
    outcome = change(edge, planned=lambda: edge.fault(reject=number))
    assert (outcome.state, outcome.why[:18]) == ("REVERTED", "it does not take `")
    assert (edge.text(), whole(edge, "OLD")) == (before, True)


@pytest.mark.parametrize(("fault", "step", "when"), POINTS)
def test_no_fault_at_any_step_leaves_a_device_between(edge: Edge, fault: str, step: str, when: str) -> None:
    outcome = struck(edge, change, fault, STEPS[step], when, late=step in LATE)
    kept = (step, when) in KEPT[fault]
    state = "CONFIRMED" if kept else "REFUSED" if step in EARLY else "REVERTED"
    assert (outcome.state, whole(edge, NEW if kept else "OLD")) == (state, True)
    assert device_of(edge).waiting() == ()


@pytest.mark.parametrize(
    ("step", "when"),
    [(step, when) for step in STEPS for when in ("before", "after") if EVERY or (step, when) in (("on", "after"), ("save", "before"))],
)
def test_what_a_controller_that_died_has_left_is_ended(edge: Edge, monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    left = dying(edge, monkeypatch, (STEPS[step], when), write=rebound)
    state, dummy = ended(edge, left)
    assert left.proved == (step in LATE)
    assert (state == "CONFIRMED", whole(edge, NEW if left.proved else "OLD")) == (left.proved, True)


@pytest.mark.parametrize("kind", ["ECDSA-P384", "RSA-2048"])
def test_a_name_that_is_there_is_made_anew_and_only_it_goes_away(edge: Edge, by: Root, kind: str) -> None:
    device = device_of(edge)
    keeping = device.keeping
    device.carry(keeping.drop(NEW))
    assert (edge.points(), json.loads(edge.text("nvram.json")).keys() == set()) == (["OLD"], False)
    device.terminal.close()
    brought(edge, by, kind)
    assert whole(edge, "OLD")
    assert keeping.held(device.look().snapshot)[NEW].key == kind
    brought_again = keeping.request(device.carry((*keeping.drop(NEW), *keeping.make(device.look().snapshot, NEW, "ECDSA-P256", (NAME,)))))
    assert "BEGIN CERTIFICATE REQUEST" in brought_again
    assert device.save_only(keeping.heads(NEW))
    assert edge.keys() == {"OLD", NEW}
    device.terminal.close()


def test_what_an_issuer_did_not_sign_for_that_key_is_not_taken(edge: Edge, by: Root) -> None:
    device = device_of(edge)
    keeping = device.keeping
    device.carry((*keeping.drop(NEW), *keeping.make(device.look().snapshot, NEW, "ECDSA-P256", (NAME,))))
    old, ca = edge.old.public_bytes(Encoding.PEM).decode(), by.folder / "ca.crt"
    with pytest.raises(Rejected, match="Failed to parse or verify"):
        device.carry(keeping.place(NEW, (old, ca.read_text(encoding="utf-8"))))
    assert edge.bound() == "OLD"
    device.terminal.close()


def test_a_chain_that_one_trustpoint_cannot_show_is_refused_before_anything_is_said(edge: Edge) -> None:
    with pytest.raises(Problem, match="2 authorities between"):
        device_of(edge).keeping.place(NEW, ("leaf", "low", "high", "root"))


def test_a_certificate_that_runs_as_digits_and_starts_as_a_file_is_the_same(edge: Edge) -> None:
    device = device_of(edge)
    assert "nvram:" in edge.text("startup")
    assert "nvram:" not in edge.text()
    assert device.unsettled(device.plain()) == ""
    terminal(edge.port, [*edge.kind.enter, "configure terminal", "no crypto pki trustpoint OLD", "yes", "end"])
    assert device.unsettled(device.plain()).startswith("what runs is not what would start")
    device.terminal.close()
