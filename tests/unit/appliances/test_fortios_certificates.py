"""The certificates of a FortiGate: what a configuration says of them, and how new ones come to a device."""

from __future__ import annotations

import hashlib
import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import fortios_keeping as keeping
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority, sign
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import device_api as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Rejected
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device_api import ApiChanging, ApiDevice
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome
from cryptography.hazmat.primitives.serialization import Encoding

from tests.asked import asked
from tests.emulators.appliance import power_comes_back
from tests.emulators.fortigate import WITH_VDOMS, FortiGate
from tests.unit.appliances.test_ios import certificate
from tests.unit.appliances.test_readers import endpoints
from tests.unit.certificates.ca import create, make_key
from tests.unit.targets.test_api_change import gate_of

DAY = timedelta(days=1)
EVERY = asked("appliances")  # as make verify-appliances says it
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.2)
    monkeypatch.setattr(room, "GRACE", 20)


def test_the_certificate_that_https_serves_is_seen_where_the_text_holds_it() -> None:
    der = certificate("fg1.example")
    held = f'        set password ENC CANARY\n        set certificate "{ssl.DER_cert_to_PEM_cert(der).strip()}"\n'
    local = f'    edit "other"\n    next\n    edit "my web"\n{held}    next\nend\n'
    plain = f'config system global\n    set admin-server-cert "my web"\nend\nconfig vpn certificate local\n{local}'
    vdoms = (
        f"config vdom\nedit root\nnext\nend\nconfig global\n{plain.replace('vpn certificate', 'certificate')}end\nconfig vdom\nedit root\nnext\nend\n"
    )
    for text in (plain, vdoms):
        (shown,) = endpoints(text)["fortios https"].certificates
        assert (shown.subject, shown.key, shown.sha256) == ("CN=fg1.example", "ECDSA-P256", hashlib.sha256(der).hexdigest())
        (line,) = (number for number, said in enumerate(text.splitlines(), 1) if "set certificate" in said)
        assert shown.path == f"f:{line}"
    factory = plain.replace('admin-server-cert "my web"', 'admin-server-cert "Fortinet_Factory"')
    assert endpoints(factory)["fortios https"].certificates == ()


def test_a_certificate_that_cannot_be_read_is_told_as_that() -> None:
    text = 'config system global\n    set admin-server-cert "a"\nend\nconfig vpn certificate local\n    edit "a"\n        set certificate "{}"\n    next\nend\n'
    (shown,) = endpoints(text.format("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"))["fortios https"].certificates
    assert shown.subject == "unreadable"


# ------------------------------------------------------------ new ones


@pytest.fixture
def gate(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device", second=0.1, **getattr(request, "param", {}))
    yield made
    made.kill()


def asks(device: ApiDevice, steps: tuple[Request, ...]) -> str:
    return "\n".join(device.answer(one) for one in steps)


def signed(gate: FortiGate, name: str, kind: str = "ECDSA-P256", names: tuple[str, ...] = ("fg1.example", "192.0.2.1")) -> str:
    """A new certificate that it holds then; its fingerprint."""
    device, day = gate_of(gate), datetime.now(UTC)
    keys = [make_key("ECDSA-P256") for dummy in range(2)]
    root = create("a root", keys[0], 3650, day - DAY, 1)
    middle = create("an issuer", keys[1], 365, day - DAY, 2, Authority(root, keys[0], ()))
    request = keeping.KEEPING.request(asks(device, keeping.make(device.look().snapshot, name, kind, names)))
    signed = sign(Authority(middle, keys[1], (middle,)), request, kind, names, 30, day, 3)
    asks(device, keeping.place(name, (*PEM.findall(signed), root.public_bytes(Encoding.PEM).decode())))
    return keeping.held(device.look().snapshot)[name].sha256


def bound(gate: FortiGate, name: str, prove: Callable[[Snapshot], Any]) -> Outcome:
    device = gate_of(gate)
    found = device.look().snapshot
    (serving,) = keeping.servings(found)
    (change,) = keeping.rebind(found, {serving.bindings[0].origin: Pair(name, name)})
    return ApiChanging(device, change, found.identity.machine_id, 60, prove).run()


def served(gate: FortiGate) -> list[str]:
    """Fingerprints of what an outside client gets, the leaf first."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.ports[1]}", "-showcerts"],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return [hashlib.sha256(ssl.PEM_cert_to_DER_cert(one)).hexdigest() for one in PEM.findall(done.stdout)]


def wanted(gate: FortiGate, fingerprint: str) -> Callable[[Snapshot], Any]:
    def prove(after: Snapshot) -> Any:
        now = served(gate)[0]
        return ({"endpoint": "fortios https", "proved": now == fingerprint},), [] if now == fingerprint else ["another certificate is served"]

    return prove


@pytest.mark.parametrize("gate", [{"startup": WITH_VDOMS}, *([{}, {"cuts": False}, {"release": "7.6.5"}] if EVERY else ())], indirect=True)
def test_a_certificate_that_it_holds_is_bound_proved_and_saved_and_the_old_one_bound_again(gate: FortiGate) -> None:
    own = served(gate)
    new = signed(gate, "ag123456")
    before = gate.text()
    assert served(gate) == own
    outcome = bound(gate, "ag123456", wanted(gate, new))
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert (served(gate)[0], len(served(gate))) == (new, 2)  # with who issued it, and without the root
    assert gate.text() == gate.text("startup")
    assert bound(gate, "self-sign", wanted(gate, own[0])).state == "CONFIRMED"
    assert gate.text() == gate.text("startup") == before


def test_another_certificate_that_is_served_takes_it_back(gate: FortiGate) -> None:
    new, own = signed(gate, "ag123456"), served(gate)
    before = gate.text()
    gate.fault(stale=True)
    outcome = bound(gate, "ag123456", wanted(gate, new))
    assert (outcome.state, "another certificate is served" in outcome.why) == ("REVERTED", True)
    assert gate.text() == gate.text("startup") == before
    assert served(gate) == own


POINTS = [
    (fault, step, when)
    for fault in ("drop_at", "power_at")
    for step in (
        'PUT */system/global *revert"*',
        "PUT */system/global *admin-server-cert*",
        "POST */config/save *",
        "PUT */system/global *automatic*",
    )
    for when in ("before", "after")
    if EVERY or (when == "after" and ("admin" in step or (fault, step) == ("power_at", "POST */config/save *")))
]


@pytest.mark.parametrize(("fault", "step", "when"), POINTS)
def test_whatever_happens_the_old_one_is_bound_or_the_new_one_that_was_proved_and_saved(gate: FortiGate, fault: str, step: str, when: str) -> None:
    new, before = signed(gate, "ag123456"), gate.text()
    gate.fault(**{fault: [step, when]})
    with power_comes_back(gate):
        outcome = bound(gate, "ag123456", wanted(gate, new))
    assert outcome.state in ("CONFIRMED", "REVERTED", "REFUSED"), outcome.why
    confirmed = outcome.state == "CONFIRMED"
    assert (served(gate)[0] == new) == confirmed
    assert gate.text() == gate.text("startup")
    assert (gate.text() == before) == (not confirmed)


@pytest.mark.parametrize("kind", keeping.MAKES if EVERY else ("ECDSA-P384", "RSA-2048"))
def test_it_makes_each_kind_of_key_that_is_promised(gate: FortiGate, kind: str) -> None:
    signed(gate, "ag123456", kind)
    assert keeping.held(gate_of(gate).look().snapshot)["ag123456"].key == kind


def test_what_came_to_nothing_is_taken_away_and_what_is_bound_is_not(gate: FortiGate) -> None:
    device = gate_of(gate)
    before = gate.text()
    asks(device, keeping.make(device.look().snapshot, "ag123456", "ECDSA-P256", ("fg1.example",)))
    asks(device, keeping.drop("ag123456"))
    assert gate.text() == before
    new = signed(gate, "ag123456")
    assert bound(gate, "ag123456", wanted(gate, new)).state == "CONFIRMED"
    with pytest.raises(Rejected):
        asks(device, keeping.drop("ag123456"))


def test_no_private_key_is_among_what_it_says(gate: FortiGate) -> None:
    new = signed(gate, "ag123456")
    assert bound(gate, "ag123456", wanted(gate, new)).state == "CONFIRMED"
    device = gate_of(gate)
    device.look()
    held = re.findall(r"-----BEGIN ENCRYPTED PRIVATE KEY-----\n(.+?)\n", gate.text())
    assert len(held) == 2
    assert not [one for one in held if one in device.whole]


def test_a_name_that_cannot_be_told_from_a_list_is_not_replaced(gate: FortiGate) -> None:
    text = 'config system global\n    set admin-server-cert "my web"\nend\n'
    seen = snapshot_of(f"#config-version=FGVM64-7.4.8-FW:opmode=0:vdom=0:user=a\n{text}".encode(), "f", "fg1", "")
    (serving,) = keeping.servings(seen)
    assert "no single word" in serving.bindings[0].fixed
