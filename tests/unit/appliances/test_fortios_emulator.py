"""The emulated FortiGate itself: what the documentation says of such a device is so of it.  It is no vendor's truth."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Request
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ssh import probe_ssh
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.host import Unreachable
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulators.fortigate import KEX, LISTED, STARTUP, TOKEN, WITH_VDOMS, DirectApi, FortiGate

BACKUP = "/api/v2/monitor/system/config/backup?scope=global"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[FortiGate]:
    made = FortiGate(tmp_path / "device", second=0.05)
    yield made
    made.kill()


def test_a_change_is_saved_at_once_unless_it_is_told_otherwise(gate: FortiGate) -> None:
    gate.colleague("system/global", hostname="fg2")
    assert "fg2" in gate.text("startup")
    gate.colleague("system/global", cfg_save="manual")
    gate.colleague("system/global", hostname="fg3")
    assert "fg3" not in gate.text("startup")
    gate.reboot()
    assert "fg2" in gate.text()


def test_what_is_not_saved_in_time_is_gone_after_a_restart(gate: FortiGate) -> None:
    before = gate.text()
    gate.colleague("system/global", cfg_save="revert", cfg_revert_timeout=20)
    gate.colleague("system/ssh-config", ssh_kex_algo="ecdh-sha2-nistp521")
    assert probe_ssh("127.0.0.1", gate.port, timeout=10).kex == ("ecdh-sha2-nistp521",)
    gate.until(before)
    assert "curve25519-sha256@libssh.org" in probe_ssh("127.0.0.1", gate.port, timeout=10).kex


def test_what_is_saved_in_time_stays(gate: FortiGate) -> None:
    gate.colleague("system/global", cfg_save="revert", cfg_revert_timeout=20)
    gate.colleague("system/ssh-config", ssh_kex_algo="ecdh-sha2-nistp521")
    assert DirectApi(gate).ask(Request("POST", "/api/v2/monitor/system/config/save", "{}"))[0] == 200
    time.sleep(1.5)
    assert gate.ssh("kex") == gate.ssh("kex", "startup") == "ecdh-sha2-nistp521"


def test_a_backup_leaves_defaults_out_and_encrypts_its_secrets_anew(gate: FortiGate) -> None:
    one, other = (DirectApi(gate).ask(Request("POST", BACKUP))[1] for dummy in range(2))
    assert f"set ssh-kex-algo {KEX}" in one
    assert "ssh-mac-algo" not in one
    assert one != other
    assert len([line for line in one.splitlines() if line not in other.splitlines()]) == 6


def test_a_list_is_taken_whole_or_not_at_all(gate: FortiGate) -> None:
    before = gate.text()
    said = json.dumps({"ssh-mac-algo": "hmac-sha2-512", "ssh-kex-algo": "mlkem768x25519-sha256"})
    status, answer = DirectApi(gate).ask(Request("PUT", "/api/v2/cmdb/system/ssh-config", said))
    assert (status, json.loads(answer)["error"]) == (500, -651)
    assert gate.text() == before


@pytest.mark.parametrize(("release", "method", "status"), [("7.6.4", "GET", 405), ("6.4.16", "POST", 405), ("7.2.11", "GET", 200)])
def test_the_method_of_a_backup_is_that_of_the_release(tmp_path: Path, release: str, method: str, status: int) -> None:
    gate = FortiGate(tmp_path / "device", release=release)
    try:
        assert DirectApi(gate).ask(Request(method, BACKUP))[0] == status
    finally:
        gate.kill()


# ------------------------------------------------------------ certificates


def post(gate: FortiGate, path: str, **values: object) -> tuple[int, str]:
    return DirectApi(gate, TOKEN).ask(Request("POST", f"/api/v2/monitor/vpn-certificate/{path}", json.dumps({"scope": "global", **values})))


def signed(request: str, name: str = "fg1.example") -> tuple[str, str]:
    """(a certificate for that request, that of who issued it): DER in base64."""
    csr, key, now = x509.load_pem_x509_csr(request.encode()), ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    above, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in ("a root", "an issuer"))

    def made(subject: x509.Name, public: object, by: x509.Name) -> str:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(public)  # type: ignore[arg-type]
        builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=9))
        return base64.b64encode(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).decode()

    return made(csr.subject, csr.public_key(), issuer), made(issuer, key.public_key(), above)


def served(gate: FortiGate) -> str:
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", gate.ports[1]), timeout=10))).decode()


def asked_for(gate: FortiGate, **values: object) -> str:
    said = {"certname": "new", "subject": "fg1.example", "keytype": "ec", "curvename": "secp256r1", **values}
    assert post(gate, "csr/generate", **said)[0] == 200
    asked = "/api/v2/monitor/system/certificate/download?mkey=new&type=local-csr&scope=global"
    return DirectApi(gate, TOKEN).ask(Request("GET", asked))[1]


@pytest.mark.parametrize("startup", [STARTUP + LISTED, WITH_VDOMS], ids=["without VDOMs", "with VDOMs"])
def test_it_makes_a_key_takes_the_certificate_for_it_and_serves_it_once_it_is_bound(tmp_path: Path, startup: str) -> None:
    gate = FortiGate(tmp_path / "device", startup=startup)
    try:
        own = served(gate)
        leaf, issuer = signed(asked_for(gate))
        with pytest.raises(AssertionError):
            gate.colleague("system/global", admin_server_cert="new")  # nothing to serve yet
        assert post(gate, "local/import", type="local", file_content=leaf)[0] == 200
        assert [post(gate, "ca/import", import_method="file", file_content=issuer)[0] for dummy in range(2)] == [200, 500]
        assert served(gate) == own
        with pytest.raises(Unreachable):
            gate.colleague("system/global", admin_server_cert="new")  # the connection goes
        assert served(gate) == leaf
        gate.reboot()
        assert served(gate) == leaf
        whole = DirectApi(gate).ask(Request("POST", BACKUP))[1]
        assert "PRIVATE KEY" in whole
        assert "BEGIN PRIVATE KEY" not in whole
        assert 'edit "G_CA_Cert_1"' in whole
        status, said = DirectApi(gate, TOKEN).ask(Request("DELETE", "/api/v2/cmdb/vpn.certificate/local/new?scope=global"))
        assert status == 500, said
    finally:
        gate.kill()


def test_a_certificate_goes_to_the_request_of_its_key_and_to_nothing_else(gate: FortiGate) -> None:
    leaf, dummy = signed(asked_for(gate, keytype="rsa", keysize=2048))
    before = gate.text()
    other = base64.b64encode(b"no certificate").decode()
    assert [json.loads(post(gate, "local/import", type="local", file_content=one)[1])["error"] for one in (other, dummy)] == [-145, -3]
    assert json.loads(post(gate, "csr/generate", certname="new", subject="x", keytype="ec", curvename="secp256r1")[1])["error"] == -23
    assert post(gate, "csr/generate", certname="other", subject="x", keytype="ml-dsa")[0] == 500
    assert gate.text() == before
    assert post(gate, "local/import", type="local", file_content=leaf)[0] == 200


@pytest.mark.parametrize(("release", "word"), [("7.4.8", "sub_alt_name"), ("7.6.5", "subject_alt_name")])
def test_the_names_of_a_request_are_said_in_the_word_of_the_release(tmp_path: Path, release: str, word: str) -> None:
    gate = FortiGate(tmp_path / "device", release=release)
    try:
        found = x509.load_pem_x509_csr(asked_for(gate, **{word: "DNS:fg1.example,IP:192.0.2.1"}).encode())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert [str(name.value) for name in names] == ["fg1.example", "192.0.2.1"]
    finally:
        gate.kill()
