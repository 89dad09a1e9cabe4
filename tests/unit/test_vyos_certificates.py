"""The certificate of a VyOS device is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.emulators.appliance import Emulated, playbook
from tests.unit.certificates.ca import create, make_key
from tests.unit.test_fortigate_certificates import authority, trusts

NAME = "edge1.example.test"
__all__ = ["authority"]


class Edge(Emulated):
    https: int
    old: x509.Certificate


def body(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """HTTPS with a certificate that it has signed itself."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = make_key("ECDSA-P256")
    from datetime import UTC, datetime, timedelta

    old = create(NAME, key, 6, datetime.now(UTC) - timedelta(days=1), 2, ca=False)
    private = body(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    said = {
        "pki certificate OLD certificate": body(old.public_bytes(Encoding.DER)),
        "pki certificate OLD private key": private,
        "service https port": str(port),
        "service https certificates certificate": "OLD",
    }
    made = Edge(tmp_path / "device", platform="vyos", minute=30, ssh="".join(f"set {path} '{one}'\n" for path, one in said.items()))
    made.https, made.old = port, old
    yield made
    made.kill()


def run(folder: Path, edge: Edge, verb: str, *more: str, **variables: object) -> tuple[str, dict[str, Any]]:
    said = {"agility_authority": str(folder / "authority"), "agility_keys": ["ECDSA-P256"], "agility_names": [NAME], **variables}
    shown, results = playbook(folder, verb, {"edge1": edge.variables()}, *more, **said)
    assert "edge1" in results, shown
    return shown, results["edge1"]


def served(edge: Edge) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", edge.https), timeout=20).encode())


def keys(edge: Edge) -> list[str]:
    return re.findall(r"private key '(\S+)'", edge.text())


def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, authority: Path, edge: Edge) -> None:
    before = edge.text()
    shown, result = run(tmp_path, edge, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", shown
    (sent,) = [one for one in result["plan"]["warnings"] if "is sent" in one]
    assert edge.text() == edge.text("startup") == before

    shown, result = run(tmp_path, edge, "rotate_certificates", "-vvv", agility_campaign="spring")
    assert result["status"] == "changed", shown
    (name,) = re.findall(r"service https certificates certificate '(ag[0-9a-f]{6})'", edge.text())
    assert f"set service https certificates certificate {name}" in sent
    new = served(edge)
    assert new != edge.old
    assert trusts(tmp_path, edge.https, NAME)
    assert edge.text() == edge.text("startup")
    kept = [path.read_text(encoding="utf-8") for folder in ("out", "agility-results") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert len(keys(edge)) == 2
    assert not [one for one in keys(edge) if any(one[:40] in text for text in (shown, json.dumps(result), *kept))]

    shown, result = run(tmp_path, edge, "rotate_certificates", agility_campaign="spring")
    assert result["status"] == "ok", shown
    shown, result = run(tmp_path, edge, "rollback", agility_campaign="spring")
    assert result["status"] == "rolled-back", shown
    assert served(edge) == edge.old
    assert "".join(line for line in edge.text().splitlines(keepends=True) if name not in line) == before
    assert edge.text() == edge.text("startup")
