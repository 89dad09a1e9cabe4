"""The emulated devices of EOS, Junos and VyOS themselves: what public documentation says of such a device is so of it.  They are no vendor's truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of

from tests.emulators.appliance import ENABLE, OTHER, Emulated, terminal
from tests.emulators.direct import Direct
from tests.emulators.platforms import PLATFORMS


@dataclass(frozen=True)
class Said:
    """What a person types.  lines, {}: the list of key exchanges, or of another word; arm: makes it run for so many minutes; refused: to a bad word."""

    word: str
    show: tuple[str, ...]
    lines: tuple[str, ...]
    enter: tuple[str, ...]
    arm: tuple[str, ...]
    confirm: tuple[str, ...]
    waits: tuple[tuple[str, ...], str]
    refused: str
    cipher: str
    save: tuple[str, ...] = ()


SAID = {
    "eos": Said(
        "key-exchange",
        ("show running-config",),
        ("management ssh", "{0} {1}", "exit"),
        ("configure session tx",),
        ("commit timer {clock}",),
        ("configure session tx commit",),
        (("show configuration sessions detail",), "pendingCommitTimer"),
        "% Invalid input",
        "cipher",
        ("write memory",),
    ),
    "junos": Said(
        "key-exchange",
        ("show configuration", "show configuration | display set"),
        ("delete system services ssh {0}", "set system services ssh {0} {1}"),
        ("configure exclusive",),
        ("commit confirmed {}", "exit"),
        ("configure", "commit check", "exit"),
        (("show system commit",), "rollback pending"),
        "syntax error",
        "ciphers",
    ),
    "vyos": Said(
        "key-exchange",
        ("show configuration", "show configuration commands"),
        ("delete service ssh {0}", "set service ssh {0} '{1}'"),
        ("configure",),
        ("commit-confirm {}", "y", "exit"),
        ("configure", "confirm"),
        (("systemctl is-active commit-confirm.timer",), "\nactive"),
        "Set failed",
        "ciphers",
        ("configure", "save"),
    ),
}
NEW = "ecdh-sha2-nistp384"


@pytest.fixture(params=SAID)
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulated]:
    made = Emulated(tmp_path / "device", platform=request.param, minute=1)
    yield made
    made.kill()


def one(tmp_path: Path, platform: str, **more: object) -> Emulated:
    return Emulated(tmp_path / "device", platform=platform, **{"minute": 1, **more})  # type: ignore[arg-type]


def types(device: Emulated, *commands: str, user: str = "netops") -> str:
    return terminal(device.port, [*device.kind.enter, *commands], user=user).replace("\r\n", "\n")


def change(device: Emulated, minutes: int, word: str = "", value: str = NEW) -> str:
    said = SAID[device.platform]
    lines = [line.format(word or said.word, value) for line in said.lines if word in ("", said.word) or not line.startswith("delete")]
    return types(device, *said.enter, *lines, *(line.format(minutes, clock=f"{minutes // 60:02}:{minutes % 60:02}:00") for line in said.arm))


def kex(device: Emulated, which: str = "running") -> str:
    return device.ssh(SAID[device.platform].word, which)


# ---------------------------------------------------------------- what is so of each


def test_what_it_shows_is_whole_and_read_by_our_own_reader(device: Emulated) -> None:
    found = []
    for command in SAID[device.platform].show:
        seen = types(device, command).partition(f"{command}\n")[2].replace("\n[edit]", "").rpartition("\n")[0]
        found.append(
            [(one.id, {aspect: each.values for aspect, each in one.settings.items()}) for one in read(snapshot_of(seen.encode(), "f", "h", ""))]
        )
        assert ENABLE not in seen
        assert "the uplink, not found in any plan" in seen
    assert all(each == found[0] for each in found)
    settings = dict(found[0])[f"{device.platform} ssh"]
    assert settings["key_exchange"] == tuple(kex(device).split())


def test_the_pager_stops_until_a_space(device: Emulated) -> None:
    again = {"eos": "terminal length 5", "junos": "set cli screen-length 5", "vyos": "set terminal length 5"}[device.platform]
    show = SAID[device.platform].show[0]
    seen = types(device, again, show, " ", " ")
    more = {"eos": " --More-- ", "junos": "---(more)---", "vyos": "\n:"}[device.platform]
    assert seen.partition(show)[2].count(more) == 3


def test_a_change_that_nobody_confirms_goes_back(device: Emulated) -> None:
    before = device.text()
    commands, waits = SAID[device.platform].waits
    change(device, 5)
    assert kex(device) == NEW
    assert waits in types(device, *commands)
    device.until(before)
    assert waits not in types(device, *commands)


def test_what_is_confirmed_over_a_new_login_stays_and_starts_when_it_was_saved(device: Emulated) -> None:
    old, said = kex(device), SAID[device.platform]
    change(device, 60)
    types(device, *said.confirm)
    assert said.waits[1] not in types(device, *said.waits[0])
    assert (kex(device), kex(device, "startup")) == (NEW, NEW if device.platform == "junos" else old)
    types(device, *said.save)
    device.reboot()
    assert kex(device) == kex(device, "startup") == NEW


def test_power_that_goes_before_it_is_confirmed_starts_what_was_before(device: Emulated) -> None:
    before = device.text()
    change(device, 60)
    device.reboot()
    assert device.text() == before
    assert SAID[device.platform].waits[1] not in types(device, *SAID[device.platform].waits[0])


def test_what_it_offers_is_what_it_is_configured_for(device: Emulated) -> None:
    said = SAID[device.platform]
    change(device, 60, said.cipher, "chacha20-poly1305@openssh.com")
    assert device.ssh(said.cipher) == "chacha20-poly1305@openssh.com"
    with pytest.raises(paramiko.SSHException):
        types(device)


def test_a_confirmation_that_is_ignored_does_not_keep_the_change(device: Emulated) -> None:
    before = device.text()
    change(device, 8)
    device.fault(ignore_confirm=True)
    types(device, *SAID[device.platform].confirm)
    device.until(before)


def test_a_word_that_is_not_known_and_a_line_that_is_to_fail_are_refused(device: Emulated) -> None:
    said, before = SAID[device.platform], device.text()
    for value, fault in (("nothing", {}), (NEW, {"reject": 1})):
        device.fault(**fault)
        lines = [line.format(said.word, value) for line in said.lines if not line.startswith("delete")]
        assert said.refused in types(device, *said.enter, *lines, "exit")
        assert device.text() == before


# ---------------------------------------------------------------- EOS


def test_a_session_that_is_committed_undoes_what_others_did_since_it_began(tmp_path: Path) -> None:
    device = one(tmp_path, "eos")
    try:
        types(device, "configure session tx", "management ssh", "key-exchange ecdh-sha2-nistp384", "end")
        types(device, "configure", "logging host 192.0.2.9", "end", user=OTHER)
        assert "logging host" in device.text()
        diffs = types(device, "configure session tx", "show session-config diffs", "commit")
        assert "+   key-exchange ecdh-sha2-nistp384" in diffs
        assert "-logging host 192.0.2.9" in diffs
        assert "logging host" not in device.text()
    finally:
        device.kill()


def test_both_layouts_of_its_sessions_tell_what_waits(tmp_path: Path) -> None:
    shown, told = {}, {}
    for release in ("4.31.2F", "4.35.0F"):
        device = Emulated(tmp_path / release, platform="eos", release=release)
        try:
            change(device, 5)
            shown[release] = types(device, "configure session other", "end", "show configuration sessions detail")
            told[release] = types(device, "show configuration sessions detail | json")
        finally:
            device.kill()
    assert "pendingCommitTimer" in shown["4.31.2F"]
    assert "Session with pending commit timer: tx" in shown["4.35.0F"]
    assert "pendingCommitTimer" not in shown["4.35.0F"]
    assert all("other                pending" in text for text in shown.values())
    assert '"state": "pendingCommitTimer"' in told["4.31.2F"]
    assert '"commitTimerSessionName": "tx"' in told["4.35.0F"]
    assert all('"state": "pending"' in text for text in told.values())


def test_a_session_is_given_up_by_abort_and_by_a_restart_alone(tmp_path: Path) -> None:
    device = one(tmp_path, "eos")
    try:
        before = device.text()
        change(device, 60)
        types(device, "configure session tx abort")
        assert device.text() == before
        types(device, "configure session mine", "end")
        assert "mine" in types(device, "show configuration sessions")
        device.reboot()
        assert "mine" not in types(device, "show configuration sessions")
    finally:
        device.kill()


# ---------------------------------------------------------------- Junos

LOCATION = "set snmp location Ulm"


def test_a_check_by_anybody_confirms_what_waits(tmp_path: Path) -> None:
    device = one(tmp_path, "junos")
    try:
        change(device, 60)
        types(device, "configure", "commit check", "exit", user=OTHER)
        assert "rollback pending" not in types(device, "show system commit")
        assert "commit confirmed, rollback in 60mins" in types(device, "show system commit")  # that stays
        assert kex(device) == NEW
    finally:
        device.kill()


def test_what_a_colleague_left_in_the_candidate_keeps_an_exclusive_session_out_and_goes_with_any_commit(tmp_path: Path) -> None:
    device = one(tmp_path, "junos")
    try:
        assert "Exit with uncommitted changes?" in types(device, "configure", LOCATION, "exit", "yes", user=OTHER)
        assert "error: configuration database modified" in types(device, "configure exclusive")
        assert "+    location Ulm;" in types(device, "configure", "show | compare")
        types(device, "configure", "commit")
        assert "set snmp location Ulm" in device.text()
    finally:
        device.kill()


def test_an_exclusive_session_keeps_others_from_editing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    device = one(tmp_path, "junos")
    try:
        theirs = Direct(device, OTHER).open()
        theirs.ask("configure exclusive")
        theirs.ask(LOCATION)
        locked = types(device, "configure", "set snmp location Bonn", "exit", "yes")
        assert "error: configuration database locked by:\n  colleague" in locked
        assert "colleague terminal" in types(device, "configure exclusive")
        theirs.close()
        for dummy in range(50):
            if not (seen := types(device, "configure", "show | compare", "exit")).count("location"):
                break
        assert "location" not in seen
    finally:
        device.kill()


def test_its_history_is_loaded_and_names_the_rollback_as_one_of_root(tmp_path: Path) -> None:
    device = one(tmp_path, "junos")
    try:
        before = device.text()
        change(device, 3)
        device.until(before)
        assert "0   2026-11-27 10:00:00 UTC by root via other\n1   2026-11-27 10:00:00 UTC by netops via cli" in types(device, "show system commit")
        assert "load complete" in types(device, "configure exclusive", "rollback 1", "commit and-quit")
        assert kex(device) == NEW
    finally:
        device.kill()


def test_a_second_commit_that_waits_goes_back_to_before_the_first(tmp_path: Path) -> None:
    device = one(tmp_path, "junos")
    try:
        before = device.text()
        change(device, 60)
        types(device, "configure", LOCATION, "commit confirmed 3", "exit")
        assert "location" in device.text()
        device.until(before)
    finally:
        device.kill()


# ---------------------------------------------------------------- VyOS


def test_without_reload_it_restarts_with_what_was_saved(tmp_path: Path) -> None:
    device = one(tmp_path, "vyos", startup=PLATFORMS["vyos"].startup.replace("'reload'", "'reboot'"))
    try:
        types(device, "configure", "set system host-name 'edge1'", "set service snmp location 'Ulm'", "commit", "exit")
        unsaved = change(device, 5)
        assert "You should save previous commits before commit-confirm !" in unsaved
        assert "automatically reboot in 5 minutes" in unsaved
        device.until(device.text("startup"))
        assert "location" not in device.text()
    finally:
        device.kill()


def test_a_commit_that_fails_leaves_its_timer_armed(tmp_path: Path) -> None:
    device = one(tmp_path, "vyos", minute=60)
    try:
        seen = types(device, "configure", "delete system config-management commit-revisions", "commit-confirm 5", "y")
        assert "Commit failed" in seen
        assert "\nactive" in types(device, "systemctl is-active commit-confirm.timer")
        assert device.text() == device.text("startup")
        assert "Another confirm is pending" in types(device, "configure", "set service ssh port '2222'", "commit-confirm 5")
    finally:
        device.kill()


def test_candidates_are_of_each_session_alone(tmp_path: Path) -> None:
    device = one(tmp_path, "vyos")
    try:
        assert "Cannot exit: configuration modified." in types(device, "configure", "set service ssh port '2222'", "exit")
        assert "No changes between working and active configurations." in types(device, "configure", "compare")
        assert "+ port 2222" in types(device, "configure", "set service ssh port '2222'", "compare")
        assert "set service ssh port '2222'" in types(device, "configure", "set service ssh port '2222'", "compare commands")
    finally:
        device.kill()
