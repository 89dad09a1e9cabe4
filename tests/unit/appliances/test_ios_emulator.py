"""The emulated IOS-XE device itself: what the documentation says of such a device is so of it.  It is no vendor's truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.emulators.appliance import ENABLE, OTHER, Emulated, terminal

ENTER = ("enable", ENABLE, "terminal length 0")
KEX = "ip ssh server algorithm kex"


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """A device that no test here changes."""
    made = Emulated(tmp_path_factory.mktemp("steady"))
    yield made
    made.kill()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Emulated]:
    made = Emulated(tmp_path / "device", minute=1)
    yield made
    made.kill()


def test_it_shows_a_configuration_to_whoever_is_enabled_alone(steady: Emulated) -> None:
    assert "Invalid input" in terminal(steady.port, ["show running-config"])
    seen = terminal(steady.port, [*ENTER, "show running-config"])
    assert "edge1#show running-config\r\n" in seen
    assert steady.text().replace("\n", "\r\n") in seen
    assert ENABLE not in seen


def test_the_pager_stops_until_a_space(steady: Emulated) -> None:
    seen = terminal(steady.port, ["enable", ENABLE, "show running-config", " "])
    assert " --More-- " in seen
    assert seen.endswith("edge1#")


def test_with_defaults_a_list_that_no_line_names_is_shown(steady: Emulated) -> None:
    seen = terminal(steady.port, [*ENTER, "show running-config all"])
    assert "ip ssh server algorithm mac hmac-sha2-256-etm" in seen
    assert steady.ssh("mac") == ""


def test_what_it_offers_is_what_it_is_configured_for(device: Emulated) -> None:
    with pytest.raises(paramiko.SSHException):
        terminal(device.port, [*ENTER, "configure terminal", f"{KEX} mlkem1024nistp384-sha384", "end"]) and terminal(device.port, [])
    assert device.ssh("kex") == "mlkem1024nistp384-sha384"


def test_a_change_that_nobody_confirms_goes_back(device: Emulated) -> None:
    before = device.text()
    seen = terminal(
        device.port, [*ENTER, "configure terminal revert timer 5", f"{KEX} ecdh-sha2-nistp384", "end", "show archive config rollback timer"]
    )
    assert "Backing up current running config to flash:archive" in seen
    assert "Timer value: 5 min" in seen
    assert "User: netops" in seen
    device.until(before)
    assert "%No Rollback Confirmed Change pending" in terminal(device.port, [*ENTER, "show archive config rollback timer"])


def test_only_who_armed_it_may_confirm(device: Emulated) -> None:
    before = device.text()
    terminal(device.port, [*ENTER, "configure terminal revert timer 15", f"{KEX} ecdh-sha2-nistp384", "end"])
    assert "another user" in terminal(device.port, [*ENTER, "configure confirm"], user=OTHER)
    device.until(before)


def test_what_is_confirmed_stays_and_is_not_what_starts(device: Emulated) -> None:
    terminal(device.port, [*ENTER, "configure terminal revert timer 60", f"{KEX} ecdh-sha2-nistp384", "end", "configure confirm"])
    assert (device.ssh("kex"), device.ssh("kex", "startup")) == (
        "ecdh-sha2-nistp384",
        "curve25519-sha256 diffie-hellman-group14-sha256 diffie-hellman-group14-sha1",
    )
    device.reboot()
    assert device.text() == device.text("startup")


def test_a_timer_needs_an_archive(tmp_path: Path) -> None:
    startup = "version 17.12\nhostname edge1\nline vty 0 4\n transport input ssh\nend\n"
    device = Emulated(tmp_path / "device", startup=startup)
    try:
        assert "%Turn config archive on" in terminal(device.port, [*ENTER, "configure terminal revert timer 1"])
    finally:
        device.kill()


def test_a_line_that_is_refused_does_not_keep_the_others_from_counting(device: Emulated) -> None:
    lines = [f"{KEX} nothing", "ip ssh server algorithm encryption aes256-ctr", f"no {KEX}", "end"]
    assert "% Invalid input" in terminal(device.port, [*ENTER, "configure terminal", *lines])
    assert (device.ssh("kex"), device.ssh("encryption")) == ("", "aes256-ctr")


def test_a_release_before_26_1_knows_no_ml_kem(tmp_path: Path) -> None:
    device = Emulated(tmp_path / "device", train="17.12", release="17.12.04")
    try:
        assert "% Invalid input" in terminal(device.port, [*ENTER, "configure terminal", f"{KEX} mlkem768x25519-sha256"])
    finally:
        device.kill()
