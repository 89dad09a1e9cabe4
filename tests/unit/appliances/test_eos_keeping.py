"""A certificate of an emulated EOS device: made there, brought, named, and every fault at every step of naming it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import eos_keeping
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.eos_live import LIVE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.lists import changed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.lines import split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import steps as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.device import Device
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._device_bindings import looked
from cryptography import x509

from tests.emulators.appliance import terminal
from tests.emulators.certified import NAME, Eos, Root, issuing, served, signed, trusted
from tests.unit.appliances.test_eos_tls import API, seen
from tests.unit.targets.test_device_change import EVERY, device_of, fine, struck
from tests.unit.targets.test_device_resume import dying, ended

KEEPING = eos_keeping.KEEPING
NEW, NAMES = "agabcdef", (NAME, "192.0.2.1", "www.example.test")
STEPS = {
    "enter": "configure session agility-*",
    "mode": "management security",
    "profile": "ssl profile API",
    "line": "certificate *",
    "chain": "chain certificate *",
    "leave": "exit",
    "close": "commit timer *",
    "confirm": "configure session * commit",
    "save": "write memory",
}
LATE = ("confirm", "save")
EARLY = tuple(STEPS)[:6]
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}

MORE = pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; the same of the other lines of its profiles is in make test")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def by(tmp_path: Path) -> Root:
    return issuing(tmp_path / "authority")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Eos]:
    made = Eos(tmp_path / "device", minute=600)
    yield made
    made.kill()


def brought(edge: Eos, by: Root, kind: str = "RSA-2048") -> x509.CertificateSigningRequest:
    """It holds a new certificate that nothing names."""
    device = device_of(edge)
    request = KEEPING.request(device.carry(KEEPING.make(device.look().snapshot, NEW, kind, NAMES)))
    device.carry(KEEPING.place(NEW, signed(by, request, kind, NAMES)))
    assert device.save_only(KEEPING.heads(NEW))
    assert KEEPING.held(looked(device).snapshot)[NEW].key == kind
    device.terminal.close()
    return x509.load_pem_x509_csr(request.encode())


def rebound(device: Device, name: str = NEW) -> Any:
    seen = looked(device).snapshot
    (serving,) = KEEPING.servings(seen)
    (made,) = KEEPING.rebind(seen, {serving.bindings[0].origin: Pair(name, name)})
    return made


def change(edge: Eos, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None, name: str = NEW) -> Outcome:
    one = device_of(edge)
    made, machine = rebound(one, name), one.look().snapshot.identity.machine_id
    planned()
    one.terminal.close()
    outcome = Changing(one, made, machine, 60, prove).run()
    one.terminal.close()
    return outcome


def test_a_new_certificate_is_named_with_who_issued_it_and_the_old_one_again(edge: Eos, by: Root) -> None:
    request = brought(edge, by)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(one.value) for one in names} == set(NAMES)
    before = edge.text()
    assert (served(edge.https), edge.files("certificates") >= {"OLD", NEW, f"{NEW}-1"}) == (edge.old, True)
    outcome = change(edge)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert (edge.bound(), edge.text()) == (NEW, edge.text("startup"))
    assert f"      chain certificate {NEW}-1\n" in edge.text()
    assert trusted(by.folder / "root.crt", edge.https)
    assert change(edge, name="OLD").state == "CONFIRMED"
    assert (served(edge.https), edge.text()) == (edge.old, before)


@MORE
def test_what_cannot_be_proved_is_taken_back(edge: Eos, by: Root) -> None:
    brought(edge, by)
    before = edge.text()
    outcome = change(edge, prove=lambda after: ((), ["it serves another one"]))
    assert (outcome.state, outcome.why, served(edge.https)) == ("REVERTED", "it serves another one", edge.old)
    assert edge.text() == edge.text("startup") == before


@MORE
@pytest.mark.parametrize(("fault", "step", "when"), [(f, s, w) for f in KEPT for s in STEPS for w in ("before", "after")])
def test_no_fault_at_any_step_leaves_a_device_between(edge: Eos, by: Root, fault: str, step: str, when: str) -> None:
    brought(edge, by)
    outcome = struck(edge, change, fault, STEPS[step], when, late=step in LATE)
    kept = (step, when) in KEPT[fault]
    assert outcome.state == ("CONFIRMED" if kept else "REFUSED" if step in EARLY else "REVERTED"), outcome.why
    assert (edge.bound(), edge.bound("startup"), served(edge.https) == edge.old) == (*([NEW if kept else "OLD"] * 2), not kept)
    assert device_of(edge).waiting() == ()


@MORE
@pytest.mark.parametrize("number", range(1, 5))
def test_a_line_that_is_refused_leaves_all_as_it_was(edge: Eos, by: Root, number: int) -> None:
    brought(edge, by)
    before = edge.text()
    outcome = change(edge, planned=lambda: edge.fault(reject=number))
    assert (outcome.state, outcome.why[:18], edge.text()) == ("REFUSED", "it does not take `", before)


@MORE
@pytest.mark.parametrize(("step", "when"), [(step, when) for step in STEPS for when in ("before", "after")])
def test_what_a_controller_that_died_has_left_is_ended(edge: Eos, by: Root, monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    brought(edge, by)
    left = dying(edge, monkeypatch, (STEPS[step], when), write=lambda device, seen: rebound(device))
    state, dummy = ended(edge, left)
    assert left.proved == (step in LATE)
    assert (state == "CONFIRMED", edge.bound(), edge.bound("startup")) == (left.proved, *([NEW if left.proved else "OLD"] * 2))


@MORE
def test_who_is_locked_out_waits_for_the_timer_of_the_device(tmp_path: Path, by: Root) -> None:
    edge = Eos(tmp_path / "device", minute=3)
    try:
        brought(edge, by)
        outcome = change(edge, planned=lambda: edge.fault(deaf=True))
        assert (outcome.state, outcome.why.startswith("no new login after the change")) == ("REVERTED", True)
        assert (edge.bound(), served(edge.https)) == ("OLD", edge.old)
    finally:
        edge.kill()


def test_what_was_made_goes_away_and_a_key_alone_is_found(edge: Eos, by: Root) -> None:
    before = edge.text()
    for kind in KEEPING.kinds if EVERY else KEEPING.kinds[:1]:
        brought(edge, by, kind)
        device = device_of(edge)
        assert {" ".join(one.split()[:2]) for one in device.stated() if NEW in one} == set(KEEPING.heads(NEW)[:3])
        device.carry(KEEPING.drop(NEW))
        assert not [one for one in device.stated() if NEW in one]
        device.carry(KEEPING.make(device.look().snapshot, NEW, kind, NAMES)[:1])
        assert [one for one in device.stated() if NEW in one] == [f"sslkey: {NEW}"]
        device.terminal.close()
    assert (edge.text(), edge.files()) == (before, {"OLD", NEW})


def test_a_key_that_lies_among_the_certificates_is_not_shown(edge: Eos) -> None:
    both = edge.folder / "certificates/both.pem"
    both.write_text("".join((edge.folder / place / "OLD").read_text(encoding="utf-8") for place in ("sslkeys", "certificates")), encoding="utf-8")
    device = device_of(edge)
    heard = device.shown(eos_keeping.TEXTS)
    assert "PRIVATE KEY" in both.read_text(encoding="utf-8")
    assert "PRIVATE KEY" not in heard
    assert not [line for line in (edge.folder / "sslkeys/OLD").read_text(encoding="utf-8").splitlines() if line in heard]
    assert set(KEEPING.held(looked(device).snapshot)) == {"OLD", "both.pem"}
    device.terminal.close()


def test_an_audit_asks_nothing_of_it(edge: Eos) -> None:
    device = device_of(edge)
    device.look()
    assert device.terminal.asked == 2
    device.terminal.close()


def test_a_profile_whose_files_are_missing_serves_nothing(edge: Eos) -> None:
    """Of the emulator."""
    terminal(edge.port, [*edge.kind.enter, "configure", "management security", "ssl profile API", "certificate none key OLD", "end"])
    with pytest.raises(OSError, match=r"EOF|reset|closed"):
        served(edge.https)


def test_a_chain_of_more_authorities_than_have_names_is_refused_before_anything_is_said(by: Root) -> None:
    issuer = (by.folder / "ca.crt").read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    one = "".join(issuer[:2])
    with pytest.raises(Problem, match="4 authorities between"):
        KEEPING.place(NEW, (one,) * 5)


# ---------------------------------------------------------------- which one it is

TWO = "management api gnmi\n   transport grpc def\n      ssl profile API\n!\n"
PROFILE = ("certificate OLD key OLD-key",)


@pytest.mark.parametrize(
    ("lines", "more", "why"),
    [
        (PROFILE, API, ""),
        (PROFILE, API + TWO, ""),
        ((), API, ""),
        (PROFILE, "management api http-commands\n   no shutdown\n!\n", "it names no ssl profile"),
        (PROFILE, API.replace("profile API", "profile OTHER"), "no ssl profile is called OTHER"),
        (PROFILE, f"{API}radius-server host 192.0.2.3 tls ssl-profile API\n", "radius-server names ssl profile API, too"),
        (("certificate auto-certificate EST",), API, "EOS renews it by itself"),
        ((*PROFILE, "chain certificate requirement include root-ca"), API, "no root is brought to a device"),
        (("certificate a$b key c",), API, "its files have names that cannot be written here"),
    ],
)
def test_what_is_named_is_known_and_what_cannot_be_named_anew_says_why(lines: tuple[str, ...], more: str, why: str) -> None:
    (serving,) = KEEPING.servings(seen("4.31.2F", *lines, more=more))
    (binding,) = serving.bindings
    assert (binding.fixed.startswith(why), bool(binding.fixed)) == (True, bool(why)) or why in binding.fixed
    if lines == PROFILE and not why:
        assert binding.pair == Pair("OLD", "OLD-key")
    if not lines:
        assert binding.pair == eos_keeping.NOTHING


def test_nothing_is_served_where_its_api_is_off() -> None:
    assert KEEPING.servings(seen("4.31.2F", *PROFILE, more=API.replace("   no shutdown\n", ""))) == ()


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        (("tls versions 1.2",), ("certificate agabcdef key agabcdef", "chain certificate agabcdef-1")),
        (PROFILE, ("certificate agabcdef key agabcdef", "chain certificate agabcdef-1")),
        (
            (*PROFILE, "chain certificate ca1.crt", "chain certificate ca2.crt", "chain certificate requirement basic-constraint ca true"),
            (
                *("certificate agabcdef key agabcdef", "chain certificate agabcdef-1"),
                *("no chain certificate ca1.crt", "no chain certificate ca2.crt"),
            ),
        ),
    ],
)
def test_authorities_give_way_to_those_that_were_brought_along_and_what_is_asked_of_them_stays(
    lines: tuple[str, ...], sent: tuple[str, ...], by: Root
) -> None:
    issuer = (by.folder / "ca.crt").read_text(encoding="utf-8")
    texts = "".join(f"{eos_keeping.FILES}{name} {line}\n" for name in (NEW, f"{NEW}-1") for line in issuer.splitlines())
    snapshot = seen("4.31.2F", *lines)
    (file,) = snapshot.files.values()
    beside = "".join(f"{one}\n" for one in KEEPING.told(texts))
    snapshot = replace(snapshot, files={"f": replace(file, text=f"{file.text}{beside}")})
    ((binding,),) = (one.bindings for one in KEEPING.servings(snapshot))
    (made,) = KEEPING.rebind(snapshot, {binding.origin: Pair(NEW, NEW)})
    old, new = changed(split(snapshot.files["f"].text or ""), made.edits)
    assert LIVE.lines(Order("", 1, old, new)) == ("management security", "ssl profile API", *sent, "exit", "exit")
    back = LIVE.lines(Order("", 1, new, old))
    assert back[2] == ("certificate OLD key OLD-key" if lines[0] == PROFILE[0] else "no certificate")
    assert f"no chain certificate {NEW}-1" in back
