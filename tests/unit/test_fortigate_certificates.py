"""The certificate of a FortiGate is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority, load, sign
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulators.appliance import playbook
from tests.emulators.fortigate import WITH_VDOMS, FortiGate
from tests.unit.certificates.ca import create, encoded, make_key

NAME = "fg1.example.test"
DAY = timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A root, put away, and what issues below it."""
    folder, now = tmp_path / "authority", datetime.now(UTC) - DAY
    folder.mkdir()
    root, key = make_key("ECDSA-P256"), make_key("ECDSA-P256")
    top = create("Our Root", root, 3000, now, 7)
    issuing = create("Our Issuer", key, 3000, now, 8, Authority(top, root, ()))
    (folder / "ca.crt").write_bytes(issuing.public_bytes(Encoding.PEM) + top.public_bytes(Encoding.PEM))
    (folder / "ca.key").write_text(encoded(key, None), encoding="utf-8")
    (tmp_path / "root.crt").write_bytes(top.public_bytes(Encoding.PEM))
    return folder


@pytest.fixture
def gate(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device", second=0.5, **getattr(request, "param", {}))
    yield made
    made.kill()


def run(folder: Path, gate: FortiGate, verb: str, *more: str, **variables: object) -> tuple[str, dict[str, Any]]:
    said = {
        "agility_authority": str(folder / "authority"),
        "agility_confirm_timeout": 60,
        "agility_keys": ["ECDSA-P256"],
        "agility_names": [NAME],
        **variables,
    }
    shown, results = playbook(folder, verb, {"fg1": gate.variables()}, *more, **said)
    assert "fg1" in results, shown
    return shown, results["fg1"]


def served(gate: FortiGate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", gate.ports[1]), timeout=20).encode())


def trusts(folder: Path, port: int, name: str) -> bool:
    """Whether a client that trusts our root alone takes it for that name."""
    context = ssl.create_default_context(cafile=str(folder / "root.crt"))
    with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
        return bool(tls.version())


def bound(gate: FortiGate, which: str = "running") -> str:
    found = re.search(r'set admin-server-cert "?([^"\n]+)', gate.text(which))
    return found[1] if found else ""


def secrets(gate: FortiGate) -> list[str]:
    """Lines of private keys, encrypted as the device keeps them, and in clear."""
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat, load_pem_private_key

    out = []
    for text in re.findall(r"-----BEGIN ENCRYPTED PRIVATE KEY-----\n[^C].*?-----END ENCRYPTED PRIVATE KEY-----", gate.text(), re.DOTALL):
        key = load_pem_private_key(text.encode(), b"of this device alone")
        clear = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        out += [*text.splitlines()[1:-1], *clear.splitlines()[1:-1]]
    return out


@pytest.mark.parametrize("gate", [{}, {"startup": WITH_VDOMS}], indirect=True)
def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, authority: Path, gate: FortiGate) -> None:
    own, before = served(gate), gate.text()
    shown, result = run(tmp_path, gate, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", shown
    (sent,) = [one for one in result["plan"]["warnings"] if "is sent" in one]
    assert gate.text() == gate.text("startup") == before
    print(shown)
    shown, result = run(tmp_path, gate, "rotate_certificates", "-vvv", agility_campaign="spring")
    print(shown)
    assert result["status"] == "changed", shown
    name = bound(gate)
    assert re.fullmatch(r"ag[0-9a-f]{6}", name)
    assert f'"admin-server-cert": "{name}"' in sent
    new = served(gate)
    assert new != own and trusts(tmp_path, gate.ports[1], NAME)
    assert gate.text() == gate.text("startup")
    kept = [
        path.read_text(encoding="utf-8", errors="replace")
        for folder in ("out", "agility-results")
        for path in (tmp_path / folder).rglob("*")
        if path.is_file()
    ]
    assert len(secrets(gate)) > 3
    assert not [one for one in secrets(gate) if any(one in text for text in (shown, *kept))]
    gate.reboot()
    assert served(gate) == new

    shown, result = run(tmp_path, gate, "rotate_certificates", agility_campaign="spring")
    assert result["status"] == "ok", shown
    shown, result = run(tmp_path, gate, "rollback", agility_campaign="spring")
    print(shown)
    assert result["status"] == "rolled-back", shown
    assert served(gate) == own
    assert bound(gate) == ""


def test_a_request_is_handed_over_and_its_answer_bound_by_a_later_run(tmp_path: Path, authority: Path, gate: FortiGate) -> None:
    folder = tmp_path / "requests"
    folder.mkdir()
    said = {"agility_issuer": "handover", "agility_issuer_folder": str(folder), "agility_issuer_anchor": str(tmp_path / "root.crt")}
    shown, result = run(tmp_path, gate, "rotate_certificates", **said)
    assert result["status"] == "pending", shown
    (asked,) = folder.glob("*.csr")
    request = x509.load_pem_x509_csr(asked.read_bytes())
    assert [str(one.value) for one in request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value] == [NAME]
    waits = gate.text()
    shown, result = run(tmp_path, gate, "rotate_certificates", **said)
    assert (result["status"], gate.text()) == ("pending", waits), shown
    ca, key = ((authority / name).read_text(encoding="utf-8") for name in ("ca.crt", "ca.key"))
    answer = sign(load(ca, key, None, "here"), asked.read_text(encoding="utf-8"), "ECDSA-P256", (NAME,), 47, datetime.now(UTC), 99)
    asked.with_suffix(".crt").write_text(answer, encoding="utf-8")
    shown, result = run(tmp_path, gate, "rotate_certificates", **said)
    assert result["status"] == "changed", shown
    assert served(gate).serial_number == 99


@pytest.mark.parametrize("step", ["*csr/generate*", "*certificate/download*", "*ca/import*", "*local/import*"])
def test_a_step_before_the_change_that_fails_leaves_nothing_and_the_next_run_does_it(
    tmp_path: Path, authority: Path, gate: FortiGate, step: str
) -> None:
    own = served(gate)
    gate.fault(drop_at=[step, "after"])
    shown, result = run(tmp_path, gate, "rotate_certificates")
    assert result["status"] in ("failed", "unreachable"), shown
    assert served(gate) == own
    assert not re.search(r'edit "ag[0-9a-f]{6}"', gate.text()), gate.text()
    shown, result = run(tmp_path, gate, "rotate_certificates")
    assert result["status"] == "changed", shown


def test_what_a_killed_run_left_is_made_anew(tmp_path: Path, authority: Path, gate: FortiGate) -> None:
    shown, result = run(tmp_path, gate, "rotate_certificates", "--check")
    (name,) = re.findall(r"ag[0-9a-f]{6}", " ".join(one for one in result["plan"]["warnings"] if "is sent" in one))
    said = {"certname": name, "subject": "x", "keytype": "ec", "curvename": "secp256r1", "scope": "global"}
    from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request

    from tests.emulators.fortigate import TOKEN, DirectApi

    assert DirectApi(gate, TOKEN).ask(Request("POST", "/api/v2/monitor/vpn-certificate/csr/generate", json.dumps(said)))[0] == 200
    shown, result = run(tmp_path, gate, "rotate_certificates")
    assert (result["status"], bound(gate)) == ("changed", name), shown


def test_a_kind_that_it_does_not_make_is_refused_by_name(tmp_path: Path, authority: Path, gate: FortiGate) -> None:
    before = gate.text()
    shown, result = run(tmp_path, gate, "rotate_certificates", agility_keys=["ML-DSA-65"])
    assert "ML-DSA-65" in result["problem"]["message"], shown
    assert gate.text() == before
