"""The ssl profile of an emulated EOS device, written in place together with its SSH server: no fault at any step leaves it between; in both spellings of
its suites."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import changing as room
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.changing import Changing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome

from tests.emulators.appliance import OTHER, Emulated, terminal
from tests.emulators.platforms import api_of_eos

from .test_device_change import EVERY, device_of, fine, struck
from .test_device_resume import dying, ended

HTTPS = "eos https"
OLD, MODERN = ("ECDHE-RSA-AES256-GCM-SHA384",), ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SSH = {"eos ssh": {"mac": Wanted(("hmac-sha2-512-etm@openssh.com",))}}
WISHES: Mapping[str, Mapping[str, Mapping[str, Wanted]]] = {
    "4.31.2F": {HTTPS: {"version": Wanted(("1.2",)), "cipher": Wanted(OLD)}, **SSH},
    "4.33.1F": {HTTPS: {"version": Wanted(("1.3", "1.2")), "cipher": Wanted((*MODERN, *OLD))}, **SSH},
}
LINES = {
    "4.31.2F": ("tls versions 1.2", "cipher-list ECDHE-RSA-AES256-GCM-SHA384"),
    "4.33.1F": ("tls versions 1.2 1.3", "cipher v1.0 ECDHE-RSA-AES256-GCM-SHA384", f"cipher v1.3 {':'.join(MODERN)}"),
}
RELEASES = tuple(WISHES)
NEWER = RELEASES[-1]
STEPS = {
    "enter": "configure session agility-*",
    "mode": "management security",
    "profile": "ssl profile API",
    "line": "tls versions *",
    "leave": "exit",
    "close": "commit timer *",
    "confirm": "configure session * commit",
    "save": "write memory",
}
EARLY, LATE = ("enter", "mode", "profile", "line", "leave"), ("confirm", "save")
KEPT = {"drop_at": [("confirm", "after"), ("save", "before"), ("save", "after")], "power_at": [("save", "after")]}
POINTS = [
    (fault, step, when)
    for fault in KEPT
    for step in STEPS
    for when in ("before", "after")
    if EVERY or (fault, step, when) in (("drop_at", "profile", "after"), ("power_at", "close", "after"))
]


MORE = pytest.mark.skipif(not EVERY, reason="make verify-appliances runs it; other platforms try the same in make test")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY", 0.3)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Emulated]]:
    """port: that of its API."""
    started = []

    def start(release: str = NEWER) -> Emulated:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        started.append(Emulated(tmp_path / "device", platform="eos", release=release, ssh=api_of_eos(release, port)))
        started[-1].https = port  # type: ignore[attr-defined]
        return started[-1]

    yield start
    for one in started:
        one.kill()


def change(emulated: Emulated, wishes: Any = None, prove: Callable[[Snapshot], Any] = fine, planned: Callable[[], None] = lambda: None) -> Outcome:
    one = device_of(emulated)
    seen = one.look().snapshot
    (made,) = one.live.write(seen, wishes or WISHES[seen.facts["release"]])
    planned()
    one.terminal.close()
    outcome = Changing(one, made, seen.identity.machine_id, 60, prove).run()
    one.terminal.close()
    return outcome


def block(emulated: Emulated, name: str) -> list[str]:
    """What stands in a profile, without its certificate."""
    lines = emulated.text().partition(f"   ssl profile {name}\n")[2].splitlines()
    inside = lines[: next(at for at, line in enumerate(lines) if not line.startswith("      "))]
    return [line.strip() for line in inside if "certificate" not in line]


def is_new(emulated: Emulated, release: str = NEWER) -> bool:
    return set(block(emulated, "API")) == set(LINES[release]) and "   mac hmac-sha2-512-etm@openssh.com\n" in emulated.text()


def spoken(port: int) -> str:
    """The version that a client of any comes to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain) as tls:
        return str(tls.version())


@pytest.mark.parametrize("release", RELEASES)
def test_a_profile_is_written_in_place_and_others_stay(made: Callable[..., Emulated], release: str) -> None:
    device = made(release)
    other = block(device, "RADSEC")
    outcome = change(device)
    assert (outcome.state, outcome.why) == ("CONFIRMED", "")
    assert is_new(device, release)
    assert block(device, "RADSEC") == other
    assert "certificate api.crt key api.key" in device.text()
    assert device.text() == device.text("startup")
    assert spoken(device.https) == ("TLSv1.3" if release == NEWER else "TLSv1.2")  # type: ignore[attr-defined]
    found = {one.id: one for one in read(device_of(device).look().snapshot)}
    assert {aspect: set(one.values) for aspect, one in found[HTTPS].settings.items()} == {
        aspect: set(to.names) for aspect, to in WISHES[release][HTTPS].items()
    }


@MORE
def test_what_cannot_be_proved_is_taken_back(made: Callable[..., Emulated]) -> None:
    device = made()
    before = device.text()
    outcome = change(device, prove=lambda after: ((), ["nobody answers"]))
    assert (outcome.state, outcome.why) == ("REVERTED", "nobody answers")
    assert device.text() == device.text("startup") == before
    assert device_of(device).waiting() == ()


@pytest.mark.parametrize("number", range(1, 8) if EVERY else (6,))
def test_a_line_that_is_refused_leaves_all_as_it_was(made: Callable[..., Emulated], number: int) -> None:
    device = made()
    before = device.text()
    outcome = change(device, planned=lambda: device.fault(reject=number))
    assert (outcome.state, outcome.why[:18]) == ("REFUSED", "it does not take `")
    assert device.text() == device.text("startup") == before


@pytest.mark.parametrize(("fault", "step", "when"), POINTS)
def test_no_fault_at_any_step_leaves_a_device_between(made: Callable[..., Emulated], fault: str, step: str, when: str) -> None:
    device = made()
    before = device.text()
    outcome = struck(device, change, fault, STEPS[step], when, late=step in LATE)
    kept = (step, when) in KEPT[fault]
    ended = "CONFIRMED" if kept else "REFUSED" if step in EARLY else "REVERTED"
    assert (outcome.state, is_new(device), device.text() == before) == (ended, kept, not kept)
    assert device.text() == device.text("startup")
    assert device_of(device).waiting() == ()


@pytest.mark.parametrize(
    ("step", "when"), [(step, when) for step in STEPS for when in ("before", "after") if EVERY or (step, when) == ("close", "after")]
)
def test_what_a_controller_that_died_has_left_is_ended(made: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    device = made()
    before = device.text()
    left = dying(device, monkeypatch, (STEPS[step], when), WISHES[NEWER])
    state, dummy = ended(device, left)
    assert left.proved == (step in LATE)
    assert (state == "CONFIRMED", is_new(device), device.text() == before) == (left.proved, left.proved, not left.proved)
    assert device.text() == device.text("startup")


@MORE
def test_what_a_colleague_changes_in_a_profile_meanwhile_is_not_undone(made: Callable[..., Emulated]) -> None:
    device = made()
    edit = ("configure", "management security", "ssl profile API", "trust certificate ca.crt", "end")

    outcome = change(device, prove=lambda after: (terminal(device.port, [*device.kind.enter, *edit], OTHER), fine(after))[1])
    assert outcome.state == "REVERTED"
    assert outcome.why.startswith("somebody changed it while it was proved")


@pytest.mark.parametrize(("release", "taken", "refused"), [("4.31.2F", "cipher-list", "cipher v1.3"), ("4.33.1F", "cipher v1.3", "cipher-list")])
def test_the_device_itself_knows_the_words_of_its_release(made: Callable[..., Emulated], release: str, taken: str, refused: str) -> None:
    """Of the emulator."""
    device = made(release)
    suites = {"cipher-list": "AES256-SHA", "cipher v1.3": "TLS_AES_128_GCM_SHA256"}
    for line, fine_ in (
        (f"{taken} {suites[taken]}", True),
        (f"{refused} {suites[refused]}", False),
        (f"{taken} NOTHING", False),
        ("tls versions 1.4", False),
    ):
        seen = terminal(device.port, [*device.kind.enter, "configure", "management security", "ssl profile API", line, "end"])
        assert ("% Invalid input" not in seen, line in block(device, "API")) == (fine_, fine_), line
