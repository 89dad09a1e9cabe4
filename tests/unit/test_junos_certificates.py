"""The certificate of a Junos device is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.asked import asked
from tests.emulators.certified import NAME, Junos, Root, root, rotated, served, starting, trusted

from .test_device_recover import killed

pytestmark = pytest.mark.skipif(not asked("appliances"), reason="make verify-appliances runs it; appliances/test_junos_keeping.py has its steps")
LIBRARY = "libssh" if importlib.util.find_spec("pylibsshext") else "paramiko"  # that of network_cli
Made = Callable[..., Junos]


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return root(tmp_path / "authority")


@pytest.fixture
def made(tmp_path: Path, by: Root) -> Iterator[Made]:
    with starting(partial(Junos, tmp_path / "device")) as start:
        yield start


def run(folder: Path, edge: Junos, verb: str = "rotate_certificates", *more: str, **variables: object) -> dict[str, Any]:
    return rotated(folder, edge.variables(ansible_network_cli_ssh_type=LIBRARY), verb, *more, **variables)


def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, made: Made, by: Root) -> None:
    edge = made()
    before, held = edge.text(), edge.store()
    result = run(tmp_path, edge, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", result["shown"]
    assert "it expires on" in result["plan"]["reasons"][0]
    (sent,) = [one for one in result["plan"]["warnings"] if "is sent" in one]
    assert (edge.text(), edge.store()) == (before, held)

    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    name, new = edge.bound(), served(edge.https)
    assert re.fullmatch(r"ag[0-9a-f]{6}", name)
    assert f"set system services web-management https pki-local-certificate {name}" in sent
    assert trusted(by.folder / "ca.crt", edge.https)
    assert [(one["proved"], one["certificate_sha256"]) for one in result["proofs"]] == [(True, new.fingerprint(hashes.SHA256()).hex())]
    assert (edge.keys(), edge.text(), edge.store()["files"]) == ({"OLD", name}, edge.text("startup"), {})
    edge.reboot()
    assert served(edge.https) == new
    assert run(tmp_path, edge)["status"] == "ok"

    result = run(tmp_path, edge, "rollback")
    assert result["status"] == "rolled-back", result["shown"]
    assert served(edge.https) == edge.old
    assert [one["certificate_sha1"] for one in result["proofs"] if "certificate_sha1" in one] == [edge.old.fingerprint(hashes.SHA1()).hex()]
    assert edge.text() == edge.text("startup") == before


def test_who_serves_another_certificate_is_taken_back_and_the_next_run_names_the_new_one(tmp_path: Path, made: Made) -> None:
    edge = made()
    served(edge.https)
    edge.fault(stale=True)
    result = run(tmp_path, edge)
    assert (result["status"], "does not get the certificate that belongs there" in result["problem"]["message"]) == ("reverted", True)
    assert (edge.bound(), edge.bound("startup"), served(edge.https), len(edge.keys())) == ("OLD", "OLD", edge.old, 2)
    edge.fault()
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    assert edge.keys() == {"OLD", edge.bound()}

    new = served(edge.https)
    edge.fault(stale=True)
    result = run(tmp_path, edge, "rollback")
    assert (result["status"], "does not get the certificate that belongs there" in result["problem"]["message"]) == ("reverted", True)
    assert (edge.bound() != "OLD", served(edge.https)) == (True, new)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop_at", "power_at"])
@pytest.mark.parametrize(
    "step", ["request security pki generate-key-pair *", "request security pki generate-c*", "start shell command *echo*", "request * load *"]
)
def test_what_a_run_leaves_that_ends_while_it_makes_a_certificate_is_made_anew(tmp_path: Path, made: Made, fault: str, step: str, when: str) -> None:
    edge = made()
    edge.fault(**{fault: [step, when]})
    result = run(tmp_path, edge)
    assert result["status"] in ("unreachable", "failed"), result["shown"]
    if fault == "power_at":
        edge.start()
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    assert (edge.keys(), edge.store()["certificate-request"]) == ({"OLD", edge.bound()}, {})
    loaded = (fault, step.partition("* ")[2], when) == ("power_at", "load *", "after")  # it is named as it is; its file, which is public, stays
    assert set(edge.store()["files"]) == ({f"/var/tmp/{edge.bound()}", f"/var/tmp/{edge.bound()}/leaf.pem"} if loaded else set())


def test_an_issuer_that_answers_later_finds_the_key_where_it_waits(tmp_path: Path, made: Made, by: Root) -> None:
    edge = made()
    said = {"agility_issuer": "handover", "agility_issuer_folder": str(tmp_path / "requests"), "agility_issuer_anchor": str(by.folder / "ca.crt")}
    result = run(tmp_path, edge, **said)
    assert result["status"] == "pending", result["shown"]
    (asked_for,) = (tmp_path / "requests").glob("*.csr")
    assert run(tmp_path, edge, **said)["status"] == "pending"
    assert list((tmp_path / "requests").glob("*.csr")) == [asked_for]
    request, now = x509.load_pem_x509_csr(asked_for.read_bytes()), datetime.now(UTC)
    build = x509.CertificateBuilder().subject_name(request.subject).issuer_name(by.certificate.subject).public_key(request.public_key())
    build = build.serial_number(9).not_valid_before(now).not_valid_after(now + timedelta(days=40))
    for one in (request.extensions[0].value, x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])):
        build = build.add_extension(one, critical=False)
    answer = build.sign(by.key, hashes.SHA256())
    asked_for.with_suffix(".crt").write_bytes(answer.public_bytes(Encoding.PEM))
    result = run(tmp_path, edge, **said)
    assert result["status"] == "changed", result["shown"]
    assert served(edge.https) == answer


def test_a_device_that_serves_its_own_gets_one_and_serves_its_own_again(tmp_path: Path, made: Made, by: Root) -> None:
    edge = made(serves="system-generated-certificate")
    before, own = edge.text(), served(edge.https)
    lacking = run(tmp_path, edge)
    assert (lacking["status"], "nobody says which kind of key" in lacking["problem"]["message"]) == ("skipped", True)
    result = run(tmp_path, edge, agility_keys=["RSA-2048"], agility_names=[NAME, "192.0.2.1"])
    assert result["status"] == "changed", result["shown"]
    assert trusted(by.folder / "ca.crt", edge.https)
    assert run(tmp_path, edge, agility_keys=["RSA-2048"], agility_names=[NAME, "192.0.2.1"])["status"] == "ok"
    assert run(tmp_path, edge, "rollback")["status"] == "rolled-back"
    assert (sorted(edge.text().splitlines()), served(edge.https)) == (sorted(before.splitlines()), own)


def test_what_a_killed_controller_left_is_taken_back_by_recover(tmp_path: Path, made: Made) -> None:
    edge = made()
    killed(tmp_path, edge, lambda: edge.bound() != "OLD", "rotate_certificates", agility_authority=str(tmp_path / "authority"))
    assert edge.bound() != "OLD"
    assert run(tmp_path, edge, "recover")["status"] == "changed"
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)
    assert run(tmp_path, edge)["status"] == "changed"
    assert edge.keys() == {"OLD", edge.bound()}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"agility_keys": ["ML-DSA-65"]}, "Juniper Junos makes no keys of kind ML-DSA-65"),
        ({"agility_names": ["a.test", "b.test"]}, "a request of Junos names one host, one IPv4 and one IPv6 address, and not a.test and b.test"),
    ],
)
def test_what_it_does_not_make_is_refused_by_its_name(tmp_path: Path, made: Made, said: dict[str, Any], problem: str) -> None:
    edge = made()
    before = edge.store()
    result = run(tmp_path, edge, **said)
    assert (result["status"], result["problem"]["message"]) == ("failed", problem)
    assert edge.store() == before


def test_a_release_whose_commands_are_not_known_is_left_alone(tmp_path: Path, made: Made) -> None:
    edge = made(train="25.2R1.9", release="25.2R1.9")
    before = edge.store()
    result = run(tmp_path, edge)
    assert (result["status"], "25.2R1.9 is no release whose commands are known here" in result["problem"]["message"]) == ("failed", True)
    assert edge.store() == before
