"""The certificate of eAPI of an EOS device is replaced by the playbooks as a user runs them: its key is made there, the old one stays, and comes back."""

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
from tests.emulators.appliance import OTHER, terminal
from tests.emulators.certified import NAME, Eos, Root, issuing, rotated, served, starting, trusted

from .test_device_recover import killed

pytestmark = pytest.mark.skipif(not asked("appliances"), reason="make verify-appliances runs it; appliances/test_eos_keeping.py has its steps")
Made = Callable[..., Eos]


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return issuing(tmp_path / "authority")


@pytest.fixture
def made(tmp_path: Path, by: Root) -> Iterator[Made]:
    with starting(partial(Eos, tmp_path / "device")) as start:
        yield start


def run(folder: Path, edge: Eos, verb: str = "rotate_certificates", *more: str, ssh: str = "paramiko", **variables: object) -> dict[str, Any]:
    said = {"agility_names": [NAME], "agility_confirm_timeout": 60, **variables}
    return rotated(folder, edge.variables(ansible_network_cli_ssh_type=ssh), verb, *more, **said)


def disk(edge: Eos) -> dict[str, bytes]:
    found = {str(path.relative_to(edge.folder)): path for path in edge.folder.rglob("*") if path.is_file() and path.name != "log"}
    return {name: path.read_bytes() for name, path in found.items()}


@pytest.mark.parametrize("release", ["4.31.2F", "4.33.1F"])
def test_a_certificate_is_replaced_under_a_new_name_and_the_old_one_comes_back(tmp_path: Path, made: Made, by: Root, release: str) -> None:
    edge = made(release=release)
    before, held = edge.text(), disk(edge)
    result = run(tmp_path, edge, "rotate_certificates", "--check", "--diff")
    assert result["status"] == "would-change", result["shown"]
    assert "it expires on" in result["plan"]["reasons"][0]
    assert re.search(r"-management security ssl profile API certificate OLD key OLD\n\+.* certificate ag[0-9a-f]{6} key ag", result["shown"])
    assert disk(edge) == held
    (sent,) = result["plan"]["warnings"]
    name = str(re.search("ag[0-9a-f]{6}", sent)[0])  # type: ignore[index]
    assert sent.endswith(f": management security; ssl profile API; certificate {name} key {name}; exit; exit")

    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    new = served(edge.https)
    assert (edge.bound(), edge.text()) == (name, edge.text("startup"))
    assert new.public_key() != edge.old.public_key()
    assert trusted(tmp_path / "authority/root.crt", edge.https)
    assert [(one["proved"], one["certificate_sha256"]) for one in result["proofs"]] == [(True, new.fingerprint(hashes.SHA256()).hex())]
    assert edge.files() == {"OLD", name}
    edge.reboot()
    assert served(edge.https) == new
    assert run(tmp_path, edge)["status"] == "ok"

    result = run(tmp_path, edge, "rollback")
    assert result["status"] == "rolled-back", result["shown"]
    assert (served(edge.https), edge.text(), edge.text("startup")) == (edge.old, before, before)
    assert edge.files("certificates") >= {"OLD", name, f"{name}-1"}


@pytest.mark.skipif(not importlib.util.find_spec("pylibsshext"), reason="pip install ansible-pylibssh")
def test_by_libssh_a_paste_ends_as_well(tmp_path: Path, made: Made) -> None:
    edge = made()
    result = run(tmp_path, edge, ssh="libssh")
    assert result["status"] == "changed", result["shown"]
    assert trusted(tmp_path / "authority/root.crt", edge.https)


def test_a_rollback_to_a_certificate_that_is_not_there_any_more_is_refused(tmp_path: Path, made: Made) -> None:
    edge = made()
    assert run(tmp_path, edge)["status"] == "changed"
    (edge.folder / "certificates/OLD").unlink()
    text = edge.text()
    result = run(tmp_path, edge, "rollback")
    assert (result["status"], result["problem"]["message"]) == ("failed", "OLD, which was named there, is not there any more")
    assert edge.text() == text


def test_who_serves_another_certificate_is_taken_back_and_the_next_run_names_the_new_one(tmp_path: Path, made: Made) -> None:
    edge = made()
    served(edge.https)
    edge.fault(stale=True)
    result = run(tmp_path, edge)
    assert (result["status"], "does not get the certificate that belongs there" in result["problem"]["message"]) == ("reverted", True)
    assert (edge.bound(), edge.bound("startup"), served(edge.https), len(edge.files())) == ("OLD", "OLD", edge.old, 2)
    edge.fault()
    assert run(tmp_path, edge)["status"] == "changed"
    assert len(edge.files()) == 2


def test_who_is_locked_out_goes_back_by_its_timer(tmp_path: Path, made: Made) -> None:
    edge = made(minute=8)
    edge.fault(deaf=True)
    result = run(tmp_path, edge)
    assert (result["status"], "no new login after the change" in result["problem"]["message"]) == ("reverted", True), result["shown"]
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)


STEPS = {
    "key": "security pki key generate *",
    "request": "security pki certificate generate *",
    "paste": "copy terminal: *",
    "authority": "copy file:*-1",
    "copy": "copy file:*:ag??????",
    "delete": "delete file:*",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["drop_at", "power_at"])
@pytest.mark.parametrize("step", STEPS)
def test_what_a_run_leaves_that_ends_while_it_makes_a_certificate_is_made_anew(tmp_path: Path, made: Made, fault: str, step: str, when: str) -> None:
    edge = made()
    edge.fault(**{fault: [STEPS[step], when]})
    result = run(tmp_path, edge)
    assert result["status"] in ("unreachable", "failed"), result["shown"]
    if fault == "power_at":
        edge.start()
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)
    result = run(tmp_path, edge)
    assert result["status"] == "changed", result["shown"]
    assert edge.files() == {"OLD", edge.bound()}
    assert trusted(tmp_path / "authority/root.crt", edge.https)


def test_an_issuer_that_answers_later_finds_the_key_where_it_waits(tmp_path: Path, made: Made, by: Root) -> None:
    edge = made()
    anchor = {"agility_issuer_anchor": str(by.folder / "root.crt")}
    said = {"agility_issuer": "handover", "agility_issuer_folder": str(tmp_path / "requests"), **anchor}
    result = run(tmp_path, edge, **said)
    assert result["status"] == "pending", result["shown"]
    keys = {name: (edge.folder / "sslkeys" / name).read_bytes() for name in edge.files()}
    assert (edge.bound(), len(keys)) == ("OLD", 2)
    (asked_for,) = (tmp_path / "requests").glob("*.csr")
    assert run(tmp_path, edge, **said)["status"] == "pending"
    request = x509.load_pem_x509_csr(asked_for.read_bytes())
    issuer = x509.load_pem_x509_certificates((by.folder / "ca.crt").read_bytes())[0]
    now = datetime.now(UTC)
    build = x509.CertificateBuilder().subject_name(request.subject).issuer_name(issuer.subject).public_key(request.public_key())
    build = build.serial_number(9).not_valid_before(now).not_valid_after(now + timedelta(days=40))
    for one in (request.extensions[0].value, x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])):
        build = build.add_extension(one, critical=False)
    answer = build.sign(by.key, hashes.SHA256())
    asked_for.with_suffix(".crt").write_bytes(answer.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM))
    result = run(tmp_path, edge, **said)
    assert result["status"] == "changed", result["shown"]
    assert served(edge.https) == answer
    assert {name: (edge.folder / "sslkeys" / name).read_bytes() for name in edge.files()} == keys


@pytest.mark.parametrize(
    ("more", "said", "status", "why"),
    [
        ({}, {"agility_keys": ["ECDSA-P256"]}, "failed", "Arista EOS makes no keys of kind ECDSA-P256"),
        ({}, {"agility_keys": ["ML-DSA-65"]}, "failed", "Arista EOS makes no keys of kind ML-DSA-65"),
        ({"release": "4.36.1F"}, {}, "failed", "Arista EOS 4.36.1F is no release whose commands are known here"),
        ({"names": "certificate auto-certificate EST"}, {"agility_keys": ["RSA-2048"]}, "skipped", "EOS renews it by itself (auto-certificate)"),
    ],
)
def test_what_cannot_be_made_here_is_refused_by_its_name_and_nothing_is_touched(
    tmp_path: Path, made: Made, more: dict[str, str], said: dict[str, object], status: str, why: str
) -> None:
    edge = made(**more)
    held = disk(edge)
    result = run(tmp_path, edge, **said)
    assert (result["status"], why in result["problem"]["message"]) == (status, True), result["shown"]
    assert disk(edge) == held


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("radius-server host 192.0.2.3 tls ssl-profile API",), "radius-server names ssl profile API, too"),
        (("management api http-commands", "no protocol https ssl profile"), "`protocol https ssl profile EAPI`"),
    ],
)
def test_a_profile_that_is_not_management_s_own_or_not_there_is_left_and_the_lines_are_told(
    tmp_path: Path, made: Made, lines: tuple[str, ...], why: str
) -> None:
    edge = made()
    terminal(edge.port, [*edge.kind.enter, "configure", *lines, "end", "write memory"], OTHER)
    held = disk(edge)
    result = run(tmp_path, edge, agility_keys=["RSA-2048"])
    assert (result["status"], why in result["problem"]["message"]) == ("skipped", True), result["shown"]
    assert disk(edge) == held


def test_a_profile_that_names_none_gets_one_and_names_none_again(tmp_path: Path, made: Made) -> None:
    edge = made(names="trust certificate ca.crt")
    before = edge.text()
    result = run(tmp_path, edge, agility_keys=["RSA-4096"])
    assert result["status"] == "changed", result["shown"]
    assert served(edge.https).public_key().key_size == 4096  # type: ignore[union-attr]
    assert run(tmp_path, edge, "rollback")["status"] == "rolled-back"
    assert edge.text() == edge.text("startup") == before


def test_a_name_that_somebody_took_into_use_is_left_alone(tmp_path: Path, made: Made) -> None:
    edge = made()
    (sent,) = run(tmp_path, edge, "rotate_certificates", "--check")["plan"]["warnings"]
    name = str(re.search("ag[0-9a-f]{6}", sent)[0])  # type: ignore[index]
    lines = (
        f"security pki key generate rsa 2048 {name}",
        "configure",
        "management security",
        "ssl profile RADSEC",
        f"trust certificate {name}",
        "end",
    )
    terminal(edge.port, [*edge.kind.enter, *lines, "write memory"], OTHER)
    held = disk(edge)
    result = run(tmp_path, edge)
    assert (result["status"], f"names {name}, as the new certificate would be called" in result["problem"]["message"]) == ("failed", True)
    assert disk(edge) == held


def test_what_a_killed_controller_left_is_taken_back_by_recover(tmp_path: Path, made: Made) -> None:
    edge = made(minute=600)
    said = {"agility_authority": str(tmp_path / "authority"), "agility_names": [NAME]}
    killed(tmp_path, edge, lambda: edge.bound() != "OLD", "rotate_certificates", **said)
    assert edge.bound() != "OLD"
    assert run(tmp_path, edge, "recover")["status"] == "changed"
    assert (edge.bound(), edge.bound("startup"), served(edge.https)) == ("OLD", "OLD", edge.old)
    assert run(tmp_path, edge)["status"] == "changed"
    assert edge.files() == {"OLD", edge.bound()}
