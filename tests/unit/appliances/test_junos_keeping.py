"""A certificate of an emulated Junos device: made there, brought as a file, named, and every fault at every step of naming it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import junos_keeping, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.junos_keeping import told
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.junos_live import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.read import is_it
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Certificate, Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Probe, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import steps as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.cli import Rejected
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._proving import _faults
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulators.certified import NAME, Junos, Root, root, served, signed, trusted
from tests.unit.targets.test_device_change import EVERY, STEPS, device_of, fine, struck

KEEPING = junos_keeping.KEEPING
HTTPS = "system services web-management https"
NEW, NAMES = "agabcdef", (NAME, "192.0.2.1", "2001:db8::1")
POINTS = {**STEPS["junos"], "line": f"set {HTTPS} pki-local-certificate *"}
KEPT = {"drop_at": [("confirm", "after")], "power_at": [("confirm", "after")]}
# As Juniper's own tests have it of 15.1X49, with names of documentation.
PRINTED = """\
Certificate identifier: mynewcert
  Certificate version: 3
  Serial number: 00043da0
  Issuer:
    Organization: juniper, Country: us, Common name: Root
  Subject:
    Organization: juniper, Organizational unit: marketing, Common name: local, Domain component: juniper
  Subject string:
    DC=juniper, CN=local, OU=marketing, O=juniper, L=sunnyvale, ST=california, C=us
  Alternate subject: "test@example.net", host.example.net, ipv4 empty, ipv6 empty
  Validity:
    Not before: 04-21-2017 19:22 UTC
    Not after: 04- 3-2018 09:13 UTC
  Public key algorithm: rsaEncryption(1024 bits)
    30:81:89:02:81:81:00:b4:af:4d:d4:52:aa:89:16:98:ee:98:b3:e9
    d9:35:f8:d6:6c:ed:a5:c3:7e:c2:37:ec:00:49:39:02:03:01:00:01
  Signature algorithm: sha256WithRSAEncryption
  Fingerprint:
    a2:95:2f:e5:db:7b:45:42:70:3a:61:1b:5d:aa:63:3f:73:b5:3d:5d (sha1)
    84:0e:ab:53:dc:aa:e1:4a:1a:6e:4e:ab:bc:87:af:4d (md5)
  Auto-re-enrollment:
    Status: Disabled
    Next trigger time: Timer not started

Certificate identifier: myCert
 Issued to: vsrx3 OU=VPN_Father
 Public key algorithm: rsaEncryption(1024 bits)
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return root(tmp_path / "authority")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Junos]:
    made = Junos(tmp_path / "device", minute=600)
    yield made
    made.kill()


def held(edge: Junos) -> dict[str, Certificate]:
    """Certificates are asked for by one command more than an audit's."""
    device = device_of(edge)
    seen = device.look()
    assert device.terminal.asked == 3
    found = KEEPING.held(device.certified(seen).snapshot)
    assert device.terminal.asked == 4
    device.terminal.close()
    return dict(found)


def brought(edge: Junos, by: Root, kind: str = "ECDSA-P256", name: str = NEW) -> str:
    """It holds a new certificate, which is given, and nothing names it."""
    device = device_of(edge)
    request = KEEPING.request(device.carry(KEEPING.make(device.look().snapshot, name, kind, NAMES)))
    chain = signed(by, request, kind, NAMES)
    device.carry(KEEPING.place(name, chain))
    device.terminal.close()
    return chain[0]


def change(edge: Junos, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None, name: str = NEW) -> Outcome:
    one = device_of(edge)
    seen = one.look().snapshot
    (serving,) = KEEPING.servings(seen)
    (made,) = KEEPING.rebind(seen, {serving.bindings[0].origin: Pair(name, name)})
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def seen(https: str) -> Snapshot:
    return snapshot_of(
        f"version 23.4R1.10;\nsystem {{\n    services {{\n        web-management {{\n{https}        }}\n    }}\n}}\n".encode(), "f", "h", ""
    )


def test_what_juniper_prints_is_read() -> None:
    names = {"until": "2018-04-03", "key": "RSA-1024", "names": "host.example.net", "sha1": "a2952fe5db7b4542703a611b5daa633f73b53d5d"}
    said = told(PRINTED)
    assert {f"security pki local-certificate mynewcert {fact} {value}" for fact, value in names.items()} < set(said)
    assert [one for one in said if "local-certificate" not in one] == ["security pki certificate-request myCert"]
    assert "CN=local" in next(one for one in said if " subject " in one)
    newer = PRINTED.replace('"test@example.net", host.example.net, ipv4 empty', "host.example.net, ipv4 192.0.2.1").replace(
        "(md5)", f"(md5)\n    {'ab:' * 31}ab (sha256)"
    )
    assert {"security pki local-certificate mynewcert names 192.0.2.1", f"security pki local-certificate mynewcert sha256 {'ab' * 32}"} < set(
        told(newer)
    )
    unread = told(PRINTED.replace("04- 3-2018", "2018/04/03"))
    assert 'security pki local-certificate mynewcert until ""' in unread
    assert [one for one in unread if "certificate-request" in one] == ["security pki certificate-request myCert"]


def test_a_new_certificate_is_named_and_the_old_one_again(edge: Junos, by: Root) -> None:
    leaf = brought(edge, by)
    before = edge.text()
    assert edge.store()["files"] == {}
    new = held(edge)[NEW]
    assert (new.key, set(new.names), is_it(new, leaf)) == ("ECDSA-P256", set(NAMES), True)
    assert held(edge)["OLD"].fingerprint == edge.old.fingerprint(hashes.SHA1()).hex()
    assert not is_it(held(edge)["OLD"], leaf)
    assert served(edge.https) == edge.old
    assert change(edge).state == "CONFIRMED"
    assert (edge.bound(), edge.text()) == (NEW, edge.text("startup"))
    assert trusted(by.folder / "ca.crt", edge.https)
    assert change(edge, name="OLD").state == "CONFIRMED"
    assert (served(edge.https), edge.text()) == (edge.old, before)


@pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; a fault that is taken back is in make test")
def test_what_cannot_be_proved_is_taken_back(edge: Junos, by: Root) -> None:
    brought(edge, by)
    before = edge.text()
    outcome = change(edge, prove=lambda after: ((), ["it serves another one"]))
    assert (outcome.state, outcome.why, served(edge.https), edge.text()) == ("REVERTED", "it serves another one", edge.old, before)


@pytest.mark.parametrize(
    ("fault", "step", "when"),
    [(f, s, w) for f in KEPT for s in POINTS for w in ("before", "after") if EVERY or (f, s, w) == ("drop_at", "close", "after")],
)
def test_no_fault_at_any_step_leaves_a_device_between(edge: Junos, by: Root, fault: str, step: str, when: str) -> None:
    brought(edge, by)
    outcome = struck(edge, change, fault, POINTS[step], when, late=step == "confirm")
    kept = (step, when) in KEPT[fault]
    assert outcome.state == ("CONFIRMED" if kept else outcome.state), outcome.why
    assert (outcome.state == "CONFIRMED", edge.bound(), edge.bound("startup")) == (kept, *([NEW if kept else "OLD"] * 2))
    assert (served(edge.https) == edge.old) == (not kept)
    assert device_of(edge).waiting() == ()


def test_it_makes_each_kind_of_key_that_is_promised_and_takes_them_away(edge: Junos, by: Root) -> None:
    before = edge.store()
    for kind in KEEPING.kinds if EVERY else ("RSA-2048",):
        leaf = brought(edge, by, kind)
        assert (held(edge)[NEW].key, is_it(held(edge)[NEW], leaf)) == (kind, True)
        device = device_of(edge)
        assert any(one.startswith(KEEPING.heads(NEW)[0]) for one in device.stated())
        device.carry(KEEPING.drop(NEW))
        assert not any(NEW in one for one in device.stated())
        device.terminal.close()
        assert edge.store() == {"certificate-request": {}, **before}


def test_a_key_that_a_killed_run_has_left_is_made_anew_and_a_request_is_seen(edge: Junos) -> None:
    device = device_of(edge)
    make = KEEPING.make(device.look().snapshot, NEW, "ECDSA-P256", NAMES)
    device.carry(make[:-1])
    assert not any(NEW in one for one in device.stated())
    left = edge.store()["key-pair"][NEW]
    device.carry(make)
    assert f"security pki certificate-request {NEW}" in device.stated()
    assert edge.store()["key-pair"][NEW] != left
    device.terminal.close()


def test_what_an_issuer_did_not_sign_for_that_key_is_not_taken(edge: Junos, by: Root) -> None:
    device = device_of(edge)
    device.carry(KEEPING.make(device.look().snapshot, NEW, "ECDSA-P256", NAMES))
    with pytest.raises(Rejected, match="does not match the key"):
        device.carry(KEEPING.place(NEW, (edge.old.public_bytes(Encoding.PEM).decode(), "root")))
    assert edge.bound() == "OLD"
    assert NEW not in held(edge)


def test_a_file_that_somebody_else_has_put_there_is_not_loaded(edge: Junos, by: Root) -> None:
    place = KEEPING.place(NEW, (edge.old.public_bytes(Encoding.PEM).decode(), "root"))
    device = device_of(edge)
    device.carry(place[1:2])
    with pytest.raises(Rejected, match="File exists"):
        device.carry(place[1:])
    assert NEW not in held(edge)


def test_what_it_cannot_ask_for_or_serve_is_refused_before_anything_is_said() -> None:
    with pytest.raises(Problem, match="names one host, one IPv4 and one IPv6 address, and not "):
        KEEPING.make(seen(""), NEW, "RSA-2048", ("a.test", "192.0.2.1", "b.test"))
    with pytest.raises(Problem, match="1 authority between certificate and anchor"):
        KEEPING.place(NEW, ("leaf", "issuer", "root"))
    assert not {"ECDSA-P521", "RSA-3072", "ML-DSA-65"} & set(KEEPING.kinds)


def test_a_handshake_is_compared_by_the_fingerprint_that_a_device_shows() -> None:
    seen = {"failure": "", "group": "x25519", "certificate": "CN=x", "certificate_sha256": "cd" * 32, "certificate_sha1": "ab" * 20}
    run: Any = None
    for shown, wrong in (("ab" * 20, 0), ("cd" * 32, 0), ("", 0), ("ee" * 20, 1), ("ee" * 32, 1)):
        assert len(_faults(run, Probe("tls", "junos web-management", 443, certificate=shown), dict(seen))) == wrong


@pytest.mark.parametrize(
    ("https", "names", "goes"),
    [
        ("system-generated-certificate;", "system-generated-certificate", f"delete {HTTPS} system-generated-certificate"),
        ('local-certificate "old one";', "local-certificate old one", f"delete {HTTPS} local-certificate"),
        ("pki-local-certificate OLD;", "OLD", ""),
    ],
)
def test_what_is_named_otherwise_gives_way_to_the_new_one_and_comes_back(https: str, names: str, goes: str) -> None:
    found = seen(f"            https {{\n                port 8443;\n                {https}\n            }}\n")
    (serving,) = KEEPING.servings(found)
    (binding,) = serving.bindings
    assert (binding.pair.certificate, bool(binding.pair.key), binding.fixed) == (names, not goes, "")
    (made,) = KEEPING.rebind(found, {binding.origin: Pair(NEW, NEW)})
    new = f"{HTTPS} pki-local-certificate {NEW}"
    assert [(edit.line, edit.delete, edit.insert) for edit in made.edits] == [(binding.origin.line, 1, (f"{new}\n",))]
    old = f"{HTTPS} {https.rstrip(';')}"
    assert lines(Order("x", 1, (old,), (new,))) == (*([goes] if goes else []), f"set {new}")
    back = (*([f"delete {HTTPS} pki-local-certificate"] if goes else []), f"set {old}")
    assert lines(Order("x", 1, (new,), (old,))) == back


def test_where_no_line_says_what_is_served_the_plan_says_which_to_write() -> None:
    (serving,) = KEEPING.servings(seen("            https {\n                port 8443;\n            }\n"))
    assert serving.bindings[0].fixed == f"no line says what it serves: `set {HTTPS} system-generated-certificate` first"
    assert KEEPING.servings(seen("            http;\n")) == ()
