"""A certificate of an emulated VyOS device: made there, brought, named, and every fault at every step of naming it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of, vyos_keeping
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.vyos_live import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import steps as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Rejected
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome

from tests.emulators.certified import NAME, Root, Vyos, issuing, served, signed, trusted
from tests.unit.appliances.test_ios import certificate
from tests.unit.targets.test_device_change import EVERY, STEPS, device_of, fine, struck

KEEPING = vyos_keeping.KEEPING
NEW, NAMES = "agabcdef", (NAME, "192.0.2.1", "2001:db8::1")
POINTS = {**STEPS["vyos"], "line": "set service https certificates certificate *"}
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return issuing(tmp_path / "authority")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Vyos]:
    made = Vyos(tmp_path / "device", minute=600)
    yield made
    made.kill()


def brought(edge: Vyos, by: Root, kind: str = "ECDSA-P256", name: str = NEW) -> None:
    """It holds a new certificate that nothing names, and has saved it."""
    device = device_of(edge)
    request = KEEPING.request(device.carry(KEEPING.make(device.look().snapshot, name, kind, NAMES)))
    device.carry(KEEPING.place(name, signed(by, request, kind, NAMES)))
    assert device.save_only(KEEPING.heads(name))
    assert KEEPING.held(device.look().snapshot)[name].key == kind
    device.terminal.close()


def change(edge: Vyos, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None, name: str = NEW) -> Outcome:
    one = device_of(edge)
    seen = one.look().snapshot
    (serving,) = KEEPING.servings(seen)
    (made,) = KEEPING.rebind(seen, {serving.bindings[0].origin: Pair(name, name)})
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def test_a_new_certificate_is_named_with_who_issued_it_and_the_old_one_again(edge: Vyos, by: Root) -> None:
    brought(edge, by)
    before = edge.text()
    assert served(edge.https) == edge.old
    assert change(edge).state == "CONFIRMED"
    assert (edge.bound(), edge.text()) == (NEW, edge.text("startup"))
    assert trusted(by.folder / "root.crt", edge.https)
    assert change(edge, name="OLD").state == "CONFIRMED"
    assert (served(edge.https), sorted(edge.text().splitlines())) == (edge.old, sorted(before.splitlines()))


def test_what_cannot_be_proved_is_taken_back(edge: Vyos, by: Root) -> None:
    brought(edge, by)
    before = edge.text()
    outcome = change(edge, prove=lambda after: ((), ["it serves another one"]))
    assert (outcome.state, outcome.why, served(edge.https)) == ("REVERTED", "it serves another one", edge.old)
    assert sorted(edge.text().splitlines()) == sorted(before.splitlines())


@pytest.mark.parametrize(
    ("fault", "step", "when"),
    [(f, s, w) for f in KEPT for s in POINTS for w in ("before", "after") if EVERY or (f, s, w) == ("drop_at", "close", "after")],
)
def test_no_fault_at_any_step_leaves_a_device_between(edge: Vyos, by: Root, fault: str, step: str, when: str) -> None:
    brought(edge, by)
    outcome = struck(edge, change, fault, POINTS[step], when, late=step in ("confirm", "save"))
    kept = (step, when) in KEPT[fault]
    assert outcome.state == ("CONFIRMED" if kept else outcome.state), outcome.why
    assert (outcome.state == "CONFIRMED", edge.bound(), edge.bound("startup")) == (kept, *([NEW if kept else "OLD"] * 2))
    assert (served(edge.https) == edge.old) == (not kept)
    assert device_of(edge).waiting() == ()


def test_it_makes_each_kind_of_key_that_is_promised_and_takes_them_away(edge: Vyos, by: Root) -> None:
    before = edge.text()
    device = device_of(edge)
    for kind in KEEPING.kinds if EVERY else ("ECDSA-P384", "RSA-2048"):
        brought(edge, by, kind)
        device.carry(KEEPING.drop(NEW))
        assert edge.text() == before
    device.terminal.close()


def test_no_key_is_shown_while_it_is_made_and_none_is_read(edge: Vyos, by: Root) -> None:
    device = device_of(edge)
    heard = device.carry(KEEPING.make(device.look().snapshot, NEW, "ECDSA-P256", NAMES))
    kept = device.look().snapshot.files["running-config"].text or ""
    device.terminal.close()
    assert len(edge.private) == 2
    assert not [one for one in edge.private if one[-40:] in heard or one[-40:] in kept]
    assert "pki certificate OLD certificate MII" in kept


def test_what_it_says_when_no_key_was_installed_is_not_told(edge: Vyos) -> None:
    """Without a session of configuration it shows the key, as a command to type."""
    device = device_of(edge)
    (make,) = (one for one in KEEPING.make(device.look().snapshot, NEW, "ECDSA-P256", NAMES) if one.quiet)
    command = make.command.removeprefix("run ")
    assert f"set pki certificate {NEW} private key" in device.terminal.talk(command, KEEPING.asks, make.replies)
    with pytest.raises(Rejected, match="may hold a key, and is not told"):
        device.carry([replace(make, command=command)])


def test_the_certificate_that_https_serves_is_seen_and_no_key_is_kept() -> None:
    der = certificate("edge1")
    pki = f'pki {{\n    certificate web {{\n        certificate "{base64.b64encode(der).decode()}"\n        private {{\n            key "CANARY"\n        }}\n    }}\n}}\n'
    text = (
        pki + 'service {\n    https {\n        certificates {\n            certificate "web"\n        }\n    }\n}\n// vyos-config-version: "pki@1"\n'
    )
    seen = snapshot_of(text.encode(), "f", "h", "")
    (shown,) = next(one for one in read(seen) if one.id == "vyos https").certificates
    assert (shown.subject, shown.sha256, shown.path) == ("CN=edge1", hashlib.sha256(der).hexdigest(), "f:3")
    assert "CANARY" not in (seen.files["f"].text or "")


def test_a_chain_that_it_cannot_serve_whole_is_refused_before_anything_is_said(by: Root) -> None:
    issuer = (by.folder / "ca.crt").read_text(encoding="utf-8")
    with pytest.raises(Problem, match="3 authorities between"):
        KEEPING.place(NEW, (issuer, issuer, issuer, issuer))


def test_a_device_that_names_none_gets_a_line_and_one_for_the_authority() -> None:
    text = "set service https port '8443'\nset system host-name 'a'\nset pki ca agabcdef certificate 'MII'\n"
    seen = snapshot_of(text.encode(), "f", "h", "")
    (serving,) = KEEPING.servings(seen)
    assert serving.bindings[0].pair == vyos_keeping.NOTHING
    (made,) = KEEPING.rebind(seen, {serving.bindings[0].origin: Pair(NEW, NEW)})
    said = [line.strip() for edit in made.edits for line in edit.insert]
    assert sorted(said) == [f"service https certificates ca-certificate {NEW}", f"service https certificates certificate {NEW}"]


def test_what_names_another_certificate_takes_the_place_of_the_old_one() -> None:
    from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order

    at = "service https certificates"
    old, new = (f"{at} certificate OLD", f"{at} ca-certificate OLD"), (f"{at} certificate {NEW}",)
    assert lines(Order("x", 1, old, new)) == (f"set {at} certificate {NEW}", f"delete {at} ca-certificate OLD")
    assert lines(Order("x", 1, new, old)) == (f"set {at} certificate OLD", f"set {at} ca-certificate OLD")
