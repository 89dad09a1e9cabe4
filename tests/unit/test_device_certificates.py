"""The certificate of a network device is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back; the
device is emulated (tests/emulators), and outside judges say what it serves."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulators.appliance import Emulated, playbook

from .certificates.ca import create, encoded, make_key

NAME = "edge1.example.test"
POINT = """\
crypto pki trustpoint OLD
 enrollment terminal pem
 subject-name CN={name}
 revocation-check none
 eckeypair OLD
crypto pki certificate chain OLD
 certificate 02
{digits}
  \tquit
ip http secure-server
ip http secure-port {port}
ip http secure-trustpoint OLD
ip http tls-version TLSv1.2
"""
Made = Callable[..., "Edge"]


class Edge(Emulated):
    """One device whose HTTPS shows a certificate that ends soon."""

    https: int
    old: x509.Certificate


def digits(certificate: x509.Certificate) -> str:
    text = certificate.public_bytes(Encoding.DER).hex().upper()
    return "\n".join(f"  {text[at : at + 64]}" for at in range(0, len(text), 64))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Starts a device.  days: until its certificate ends; point: whether a line names it."""
    started: list[Edge] = []
    now = datetime.now(UTC) - timedelta(days=1)
    root = make_key("ECDSA-P256")
    (tmp_path / "authority").mkdir()
    top = create("Our Root", root, 3000, now, 7)
    (tmp_path / "authority/ca.crt").write_bytes(top.public_bytes(Encoding.PEM))
    (tmp_path / "authority/ca.key").write_text(encoded(root, None), encoding="utf-8")

    def start(days: int = 6, point: bool = True, **more: Any) -> Edge:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        key = make_key("ECDSA-P256")
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
        build = x509.CertificateBuilder().subject_name(subject).issuer_name(top.subject).public_key(key.public_key()).serial_number(2)
        build = build.not_valid_before(now).not_valid_after(now + timedelta(days=days))
        build = build.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        from cryptography.hazmat.primitives import hashes

        old = build.sign(root, hashes.SHA256())
        folder = tmp_path / "device"
        folder.mkdir()
        (folder / "private.json").write_text(json.dumps({"OLD": encoded(key, None)}), encoding="utf-8")
        lines = POINT.format(name=NAME, digits=digits(old), port=port)
        edge = Edge(folder, ssh=lines if point else lines.replace("ip http secure-trustpoint OLD\n", ""), **more)
        edge.https, edge.old = port, old
        started.append(edge)
        return edge

    yield start
    for one in started:
        one.kill()


def run(folder: Path, edge: Edge, verb: str, *more: str, **variables: object) -> tuple[str, dict[str, Any]]:
    said = {"agility_authority": str(folder / "authority"), "agility_confirm_timeout": 60, **variables}
    shown, results = playbook(folder, verb, {"edge1": edge.variables()}, *more, **said)
    assert "edge1" in results, shown
    assert "PRIVATE KEY" not in shown + json.dumps(results)
    return shown, results["edge1"]


def served(edge: Edge) -> x509.Certificate:
    """As Python's own ssl sees it."""
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", edge.https), timeout=20).encode())


def trusted(folder: Path, edge: Edge) -> bool:
    """Whether a client that trusts our root alone takes it for that name."""
    context = ssl.create_default_context(cafile=str(folder / "authority/ca.crt"))
    with socket.create_connection(("127.0.0.1", edge.https), 20) as plain, context.wrap_socket(plain, server_hostname=NAME) as tls:
        return bool(tls.version())


def bound(edge: Edge, which: str = "running") -> str:
    found = re.search(r"^ip http secure-trustpoint (\S+)$", edge.text(which), re.MULTILINE)
    return found[1] if found else ""


def keys(edge: Edge) -> set[str]:
    """What is saved of them."""
    return set(json.loads((edge.folder / "private.json").read_text(encoding="utf-8")))


def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, made: Made) -> None:
    edge = made()
    before, disk = edge.text(), {path.name: path.read_bytes() for path in edge.folder.iterdir()}

    shown, result = run(tmp_path, edge, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", shown
    assert "it expires on" in result["plan"]["reasons"][0]
    (sent,) = result["plan"]["warnings"]
    assert re.search(r"ip http secure-trustpoint ag[0-9a-f]{6}; no ip http secure-server; ip http secure-server", sent), sent
    assert re.search(r"-ip http secure-trustpoint OLD\n\+ip http secure-trustpoint ag[0-9a-f]{6}", shown), shown
    assert {path.name: path.read_bytes() for path in edge.folder.iterdir() if path.name != "log"} == {k: v for k, v in disk.items() if k != "log"}

    shown, result = run(tmp_path, edge, "rotate_certificates", agility_campaign="spring")
    assert result["status"] == "changed", shown
    name = bound(edge)
    assert re.fullmatch(r"ag[0-9a-f]{6}", name)
    assert sent.endswith(f"ip http secure-trustpoint {name}; no ip http secure-server; ip http secure-server")
    new = served(edge)
    assert (new.issuer.rfc4514_string(), new.public_key() == edge.old.public_key()) == ("CN=Our Root", False)
    assert trusted(tmp_path, edge)
    assert [one["certificate_sha256"] for one in result["proofs"]] == [
        new.fingerprint(__import__("cryptography").hazmat.primitives.hashes.SHA256()).hex()
    ]
    assert bound(edge, "startup") == name
    assert keys(edge) == {"OLD", name}
    assert f"crypto pki certificate chain {name}\n certificate {new.serial_number:02X} nvram:" in edge.text("startup")
    edge.reboot()
    assert served(edge) == new

    shown, result = run(tmp_path, edge, "rotate_certificates", agility_campaign="spring")
    assert result["status"] == "ok", shown

    shown, result = run(tmp_path, edge, "rollback", agility_campaign="spring")
    assert result["status"] == "rolled-back", shown
    assert served(edge) == edge.old
    mine = rf"^crypto pki (?:trustpoint|certificate chain) {name}\n(?: .*\n)+"
    assert re.sub(mine, "", edge.text(), flags=re.MULTILINE) == before
    assert bound(edge, "startup") == "OLD"
