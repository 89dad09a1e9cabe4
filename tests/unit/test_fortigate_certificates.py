"""The certificate of a FortiGate is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import load, sign
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from tests.asked import asked
from tests.emulators.certified import NAME, issuing, rotated, served, trusted
from tests.emulators.fortigate import LISTED, STARTUP, TOKEN, WITH_VDOMS, DirectApi, FortiGate

from .test_device_recover import killed

LONG = pytest.mark.skipif(not asked("appliances"), reason="make verify-appliances runs it; appliances/test_fortios_certificates.py has its steps")


@pytest.fixture
def gate(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FortiGate]:
    issuing(tmp_path / "authority")
    made = FortiGate(tmp_path / "device", second=0.5, **getattr(request, "param", {}))
    yield made
    made.kill()


def run(folder: Path, gate: FortiGate, verb: str = "rotate_certificates", *more: str, **variables: object) -> dict[str, Any]:
    """Its keys are hidden as the device keeps them, and in clear."""
    said = {"agility_confirm_timeout": 60, "agility_keys": ["ECDSA-P256"], "agility_names": [NAME], **variables}
    return rotated(folder, gate.variables(), verb, "-vvv", *more, hidden=lambda: private(gate), **said)


def private(gate: FortiGate) -> list[str]:
    """Lines of its keys, as the device keeps them, and in clear."""
    kept = [one for one in re.findall(r"-----BEGIN ENCRYPTED.*?-----END ENCRYPTED PRIVATE KEY-----", gate.text(), re.DOTALL) if "CANARY" not in one]
    keys = [load_pem_private_key(one.encode(), b"of this device alone") for one in kept]
    clear = [one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for one in keys]
    return [line for one in (*kept, *clear) for line in one.splitlines()[1:-1]]


def bound(gate: FortiGate, which: str = "running") -> str:
    """ "" is its own."""
    found = re.search(r'set admin-server-cert "?([^"\n]+)', gate.text(which))
    return found[1] if found else ""


def entries(gate: FortiGate) -> list[str]:
    return re.findall(r'edit "(ag[0-9a-f]{6})"', gate.text())


def post(gate: FortiGate, path: str, **values: object) -> int:
    """What somebody else asks for."""
    said = json.dumps({"scope": "global", **values})
    return DirectApi(gate, TOKEN).ask(Request("POST", f"/api/v2/monitor/vpn-certificate/{path}", said))[0]


def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, gate: FortiGate) -> None:
    own = served(gate.ports[1])
    result = run(tmp_path, gate)
    assert result["status"] == "changed", result["shown"]
    new = served(gate.ports[1])
    assert (entries(gate), gate.text()) == ([bound(gate)], gate.text("startup"))
    assert new != own
    assert private(gate)
    assert trusted(tmp_path / "authority/root.crt", gate.ports[1])
    result = run(tmp_path, gate, "rollback")
    assert result["status"] == "rolled-back", result["shown"]
    assert (served(gate.ports[1]), bound(gate), bound(gate, "startup")) == (own, "", "")


@LONG
@pytest.mark.parametrize("gate", [{}, {"startup": WITH_VDOMS}, {"release": "7.6.5", "cuts": False}], indirect=True)
def test_a_check_touches_nothing_and_a_second_run_changes_nothing(tmp_path: Path, gate: FortiGate) -> None:
    before = gate.text()
    result = run(tmp_path, gate, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", result["shown"]
    (sent,) = [one for one in result["plan"]["warnings"] if "is sent" in one]
    assert gate.text() == gate.text("startup") == before
    assert run(tmp_path, gate)["status"] == "changed"
    assert f'"admin-server-cert": "{bound(gate)}"' in sent
    held = gate.text()
    gate.reboot()
    assert trusted(tmp_path / "authority/root.crt", gate.ports[1])
    assert run(tmp_path, gate)["status"] == "ok"
    assert run(tmp_path, gate, "rotate_certificates", agility_renew_before=60)["status"] == "changed"
    first, second = entries(gate)
    assert bound(gate) == second
    assert run(tmp_path, gate, "rollback", agility_campaign="spring")["status"] == "rolled-back"
    assert first in held
    assert bound(gate) == ""


@LONG
def test_who_serves_another_certificate_is_taken_back_and_the_next_run_names_the_new_one(tmp_path: Path, gate: FortiGate) -> None:
    own = served(gate.ports[1])
    gate.fault(stale=True)
    result = run(tmp_path, gate)
    assert (result["status"], "does not get the certificate that belongs there" in result["problem"]["message"]) == ("reverted", True)
    assert (served(gate.ports[1]), bound(gate)) == (own, "")
    brought = entries(gate)
    gate.fault()
    assert run(tmp_path, gate)["status"] == "changed"
    assert entries(gate) == [bound(gate)] == brought


@LONG
def test_an_issuer_that_answers_later_finds_the_key_where_it_waits(tmp_path: Path, gate: FortiGate) -> None:
    folder, authority = tmp_path / "requests", tmp_path / "authority"
    said = {"agility_issuer": "handover", "agility_issuer_folder": str(folder), "agility_issuer_anchor": str(authority / "root.crt")}
    assert run(tmp_path, gate, **said)["status"] == "pending"
    (request,) = folder.glob("*.csr")
    names = x509.load_pem_x509_csr(request.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in names] == [NAME]
    waits = gate.text()
    assert (run(tmp_path, gate, **said)["status"], gate.text()) == ("pending", waits)
    ours = load(*((authority / name).read_text(encoding="utf-8") for name in ("ca.crt", "ca.key")), None, "")
    answer = sign(ours, request.read_text(encoding="utf-8"), "ECDSA-P256", (NAME,), 47, datetime.now(UTC), 99)
    request.with_suffix(".crt").write_text(answer, encoding="utf-8")
    result = run(tmp_path, gate, **said)
    assert (result["status"], served(gate.ports[1]).serial_number) == ("changed", 99), result["shown"]


@LONG
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop_at", "power_at"])
@pytest.mark.parametrize("step", ["*csr/generate*", "*certificate/download*", "*ca/import*", "*local/import*"])
def test_what_a_run_leaves_that_ends_while_it_makes_a_certificate_is_made_anew(
    tmp_path: Path, gate: FortiGate, fault: str, step: str, when: str
) -> None:
    own = served(gate.ports[1])
    gate.fault(**{fault: [step, when]})
    result = run(tmp_path, gate)
    assert result["status"] in ("failed", "unreachable"), result["shown"]
    if fault == "power_at":
        gate.start()
    assert (served(gate.ports[1]), bound(gate)) == (own, "")
    result = run(tmp_path, gate)
    assert result["status"] == "changed", result["shown"]
    assert entries(gate) == [bound(gate)]


@LONG
def test_a_leftover_of_that_name_is_made_anew_and_one_that_is_bound_is_left_alone(tmp_path: Path, gate: FortiGate) -> None:
    result = run(tmp_path, gate, "rotate_certificates", "--check")
    (name,) = set(re.findall(r"ag[0-9a-f]{6}", " ".join(result["plan"]["warnings"])))
    assert post(gate, "csr/generate", certname=name, subject="x", keytype="ec", curvename="secp256r1") == 200
    result = run(tmp_path, gate)
    assert (result["status"], bound(gate)) == ("changed", name), result["shown"]


@LONG
def test_what_a_killed_controller_left_is_taken_back_by_recover(tmp_path: Path, gate: FortiGate) -> None:
    own = served(gate.ports[1])
    said = {"agility_authority": str(tmp_path / "authority"), "agility_names": [NAME], "agility_keys": ["ECDSA-P256"]}
    killed(tmp_path, gate, lambda: bound(gate) != "", "rotate_certificates", **said)
    assert bound(gate) != ""
    assert run(tmp_path, gate, "recover")["status"] == "changed"
    assert (served(gate.ports[1]), bound(gate), bound(gate, "startup")) == (own, "", "")


@LONG
def test_a_controller_that_would_not_take_the_new_certificate_refuses_before_anything_is_made(tmp_path: Path, gate: FortiGate) -> None:
    before, own, authority = gate.text(), served(gate.ports[1]).public_bytes(Encoding.PEM), tmp_path / "authority"
    (tmp_path / "trusted.pem").write_bytes(own)
    checks = {"ansible_httpapi_validate_certs": True, "ansible_httpapi_ca_path": str(tmp_path / "trusted.pem")}
    result = run(tmp_path, gate, **checks)
    assert (result["status"], "would not name 127.0.0.1" in result["problem"]["message"]) == ("failed", True), result["shown"]
    result = run(tmp_path, gate, **checks, agility_names=[NAME, "127.0.0.1"])
    assert (result["status"], "CN=Our Root is not among what" in result["problem"]["message"]) == ("failed", True), result["shown"]
    assert gate.text() == before
    (tmp_path / "trusted.pem").write_bytes(own + (authority / "root.crt").read_bytes())
    result = run(tmp_path, gate, **checks, agility_names=[NAME, "127.0.0.1"])
    assert result["status"] == "changed", result["shown"]


@LONG
@pytest.mark.parametrize("gate", [{"startup": f"config system ha\n    set mode a-p\nend\n{STARTUP}{LISTED}"}], indirect=True)
def test_a_cluster_is_left_alone(tmp_path: Path, gate: FortiGate) -> None:
    before = gate.text()
    result = run(tmp_path, gate)
    assert (result["status"], "one of a cluster" in result["problem"]["message"]) == ("skipped", True)
    assert gate.text() == before


@LONG
def test_a_kind_of_key_that_it_does_not_make_is_refused_by_its_name(tmp_path: Path, gate: FortiGate) -> None:
    before = gate.text()
    result = run(tmp_path, gate, agility_keys=["ML-DSA-65"])
    assert (result["status"], result["problem"]["message"]) == ("failed", "Fortinet FortiOS makes no keys of kind ML-DSA-65")
    assert gate.text() == before
