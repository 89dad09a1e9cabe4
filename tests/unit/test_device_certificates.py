"""The certificate of a network device is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back; the
device is emulated (tests/emulators), and outside judges say what it serves."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from tests.asked import asked
from tests.emulators.appliance import Emulated, terminal
from tests.emulators.certified import NAME, NAMED, Edge, Root, root, rotated, starting, without

from .test_device_recover import killed

EVERY = asked("appliances")
LIBRARY = "libssh" if EVERY and importlib.util.find_spec("pylibsshext") else "paramiko"  # that of network_cli
Made = Callable[..., Edge]


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return root(tmp_path / "authority")


@pytest.fixture
def made(tmp_path: Path, by: Root) -> Iterator[Made]:
    with starting(partial(Edge, tmp_path / "device", by)) as start:
        yield start


def run(folder: Path, edge: Emulated, verb: str = "rotate_certificates", *more: str, **variables: object) -> dict[str, Any]:
    return rotated(folder, edge.variables(ansible_network_cli_ssh_type=LIBRARY), verb, *more, **{"agility_confirm_timeout": 60, **variables})


def disk(edge: Emulated) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in edge.folder.iterdir() if path.name not in ("log", "shown.pem")}


def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, made: Made, by: Root) -> None:
    """On a device that shows another certificate only once its HTTPS was started anew."""
    edge = made()
    edge.fault(stale=True)
    before, held = edge.text(), disk(edge)

    result = run(tmp_path, edge, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", result["shown"]
    assert "it expires on" in result["plan"]["reasons"][0]
    (sent,) = result["plan"]["warnings"]
    assert re.search(r"-ip http secure-trustpoint OLD\n\+ip http secure-trustpoint ag[0-9a-f]{6}", result["shown"]), result["shown"]
    assert disk(edge) == held

    name = str(re.search("ag[0-9a-f]{6}", sent)[0])  # type: ignore[index]
    assert sent.endswith(f": ip http secure-trustpoint {name}; no ip http secure-server; ip http secure-server")
    left = (f"crypto key generate ec keysize 384 label {name}", f"crypto pki trustpoint {name}", f"eckeypair {name}")  # by a run that was killed
    terminal(edge.port, [*edge.kind.enter, "configure terminal", *left, "end"])
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    new = edge.served()
    assert edge.bound() == name
    assert new.public_key() != edge.old.public_key()
    assert edge.trusted(by)
    assert [(one["proved"], one["certificate_sha256"]) for one in result["proofs"]] == [(True, new.fingerprint(hashes.SHA256()).hex())]
    assert (edge.bound("startup"), edge.keys()) == (name, {"OLD", name})
    edge.reboot()
    assert edge.served() == new
    assert run(tmp_path, edge)["status"] == "ok"

    result = run(tmp_path, edge, "rollback")
    assert result["status"] == "rolled-back", result["shown"]
    assert edge.served() == edge.old
    assert without(edge.text(), name) == before
    assert edge.bound("startup") == "OLD"


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; targets/test_certificate_change.py takes one back in make test")
def test_who_serves_another_certificate_is_taken_back_and_the_new_one_is_named_by_a_later_run(tmp_path: Path, made: Made) -> None:
    edge = made()
    edge.fault(stuck=True)
    before = edge.text()
    result = run(tmp_path, edge)
    assert (result["status"], "does not get the certificate that belongs there" in result["problem"]["message"]) == ("reverted", True), result[
        "shown"
    ]
    dummy, name = edge.points()
    assert without(edge.text(), name) == before
    assert (edge.bound("startup"), edge.points("startup"), edge.keys()) == ("OLD", ["OLD", name], {"OLD", name})
    assert edge.served() == edge.old
    brought = edge.text()
    edge.fault()
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    assert edge.text() == brought.replace(NAMED, NAMED.replace("OLD", name))
    assert edge.served() != edge.old


STEPS = {
    "key": "crypto key generate ec *",
    "point": "crypto pki trustpoint *",
    "enroll": "crypto pki enroll *",
    "authenticate": "crypto pki authenticate *",
    "import": "crypto pki import *",
    "save": "write memory",
}


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; what was left is found in make test, too")
@pytest.mark.parametrize(
    ("fault", "step", "when"),
    [
        (fault, step, when)
        for fault in ("drop_at", "power_at")
        for step in STEPS
        for when in ("before", "after")
        if fault == "drop_at" or (when == "after" and step in ("key", "import", "save"))
    ],
)
def test_what_a_run_leaves_that_ends_while_it_makes_a_certificate_is_harmless_and_the_next_one_makes_it_anew(
    tmp_path: Path, made: Made, fault: str, step: str, when: str
) -> None:
    edge = made()
    edge.fault(**{fault: [STEPS[step], when]})
    result = run(tmp_path, edge)
    assert result["status"] in ("unreachable", "failed"), result["shown"]
    if fault == "power_at":
        edge.start()
    assert (edge.bound(), edge.bound("startup"), edge.served()) == ("OLD", "OLD", edge.old)
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    assert edge.points() == edge.points("startup") == ["OLD", edge.bound()]
    assert edge.keys() == {"OLD", edge.bound()}


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; it takes three runs")
def test_an_issuer_that_answers_later_finds_the_key_where_it_waits(tmp_path: Path, made: Made, by: Root) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    edge = made()
    said = {"agility_issuer": "handover", "agility_issuer_folder": str(tmp_path / "requests"), "agility_issuer_anchor": str(by.folder / "ca.crt")}
    result = run(tmp_path, edge, **said)
    assert result["status"] == "pending", result["shown"]
    assert (edge.bound(), edge.points("startup")) == ("OLD", edge.points())
    (asked_for,) = (tmp_path / "requests").glob("*.csr")
    assert run(tmp_path, edge, **said)["status"] == "pending"
    assert list((tmp_path / "requests").glob("*.csr")) == [asked_for]

    request = x509.load_pem_x509_csr(asked_for.read_bytes())
    assert [one.value for one in request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value] == [NAME]
    now = datetime.now(UTC)
    build = x509.CertificateBuilder().subject_name(request.subject).issuer_name(by.certificate.subject).public_key(request.public_key())
    build = build.serial_number(9).not_valid_before(now).not_valid_after(now + timedelta(days=40))
    for one in (request.extensions[0].value, x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])):
        build = build.add_extension(one, critical=False)
    answer = build.sign(by.key, hashes.SHA256())
    asked_for.with_suffix(".crt").write_bytes(answer.public_bytes(Encoding.PEM))
    result = run(tmp_path, edge, **said)
    assert result["status"] == "changed", result["shown"]
    assert edge.served() == answer


def test_a_kind_of_key_that_no_such_device_makes_is_refused_by_its_name(tmp_path: Path, made: Made) -> None:
    edge = made()
    held = disk(edge)
    result = run(tmp_path, edge, agility_keys=["ML-DSA-65"])
    assert (result["status"], result["problem"]["message"]) == ("failed", "Cisco IOS or IOS-XE makes no keys of kind ML-DSA-65")
    assert disk(edge) == held


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; each has a sample in make test")
def test_a_device_that_named_none_gets_one_and_names_none_again(tmp_path: Path, made: Made, by: Root) -> None:
    edge = made(named=False)
    before = edge.text()
    lacking = run(tmp_path, edge)
    assert (lacking["status"], "nobody says which kind of key" in lacking["problem"]["message"]) == ("skipped", True)
    result = run(tmp_path, edge, agility_keys=["RSA-3072"], agility_names=[NAME])
    assert result["status"] == "changed", result["shown"]
    assert edge.served().public_key().key_size == 3072  # type: ignore[union-attr]
    assert edge.trusted(by)
    name = edge.bound()
    assert run(tmp_path, edge, "rollback")["status"] == "rolled-back"
    assert without(edge.text(), name) == before


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; targets/test_certificate_change.py has a sample in make test")
def test_what_a_killed_controller_left_is_taken_back_by_recover(tmp_path: Path, made: Made) -> None:
    edge = made()
    killed(tmp_path, edge, lambda: edge.bound() != "OLD", "rotate_certificates", agility_authority=str(tmp_path / "authority"))
    assert edge.bound() != "OLD"
    assert run(tmp_path, edge, "recover")["status"] == "changed"
    assert (edge.bound(), edge.bound("startup"), edge.served()) == ("OLD", "OLD", edge.old)
    assert run(tmp_path, edge)["status"] == "changed"
    assert edge.points() == ["OLD", edge.bound()]
