"""What live devices of EOS, Junos and VyOS say of themselves, and what is said to them; the texts are of public documentation and transcripts."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import APPLIANCES, read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Live, Order, Timer
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.eos_live import LIVE as EOS
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.junos_live import LIVE as JUNOS
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.vyos_live import LIVE as VYOS
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Snapshot, Wanted

from tests.unit.conftest import FIXTURES

BEFORE_432 = {"sessions": {"tx": {"state": "pendingCommitTimer", "commitUser": "netops", "commitBy": 1.5, "instances": {}}}}
SINCE_432 = {
    "sessions": {"tx": {"state": "committed", "commitUser": "netops", "instances": {}}},
    "commitTimerSessionName": "tx",
    "commitTimerExpireTime": 1.5,
}
OPEN = {"sessions": {"mine": {"state": "pending", "instances": {"12": {"user": "colleague", "terminal": "vty3"}}}}}
IDLE = {"sessions": {"old": {"state": "completed", "instances": {}}}, "maxOpenSessions": 5}
HISTORY = "1   2026-11-27 10:00:00 UTC by colleague via netconf commit confirmed, rollback in 5mins\n    rollback pending\n"
PENDING = "0   2026-11-27 10:01:00 UTC by netops via cli commit confirmed, rollback in 5mins\n    agility-1\n    rollback pending\n"


def order(path: str) -> Order:
    return Order("agility-1", 61, (f"{path} a", f"{path} b"), (f"{path} c", f"{path} d"))


@pytest.mark.parametrize(
    ("live", "said", "found"),
    [
        (EOS, "Arista DCS-7050\nSerial number: SSJ1234\nSoftware image version: 4.31.2F\n", ("4.31.2F", "SSJ1234")),
        (EOS, "Arista vEOS-lab\nSerial number: \nHardware MAC address: 5254.0000.0001\nSoftware image version: 4.32.0F\n", ("4.32.0F", "5254.0000.0001")),
        (JUNOS, "Hostname: srx1\nModel: srx340\nJunos: 21.2R3-S1.7\nChassis                                JN123456AABC      SRX340\n", ("21.2R3-S1.7", "JN123456AABC")),
        (JUNOS, "Junos: 23.4R1.10\nChassis          REV 42   750-012345   JN12345AB      MX240\n", ("23.4R1.10", "JN12345AB")),
        (VYOS, "Version:          VyOS 1.4.0\nHardware S/N:     VMware-56 4d\nHardware UUID:    564d\n", ("1.4.0", "VMware-56 4d 564d")),
        (VYOS, "something else", ("", "")),
    ],
)  # fmt: skip
def test_a_device_says_which_it_is(live: Live, said: str, found: tuple[str, str]) -> None:
    assert live.identify(said) == found


@pytest.mark.parametrize(
    ("live", "said", "found"),
    [
        (EOS, json.dumps(IDLE, indent=4), ()),
        (EOS, json.dumps(BEFORE_432, indent=4), (Timer("netops", name="tx"),)),
        (EOS, json.dumps(SINCE_432, indent=4), (Timer("netops", name="tx"),)),
        (EOS, json.dumps({"sessions": {}, "commitTimerSessionName": "gone"}), (Timer("", name="gone"),)),
        (EOS, json.dumps(OPEN, indent=4), (Timer("colleague", name="mine"),)),
        (JUNOS, PENDING + HISTORY, (Timer("netops", name="agility-1"),)),
        (JUNOS, PENDING.replace("    agility-1\n", ""), (Timer("netops", name="without a comment"),)),
        # "commit confirmed, rollback in" stays for good, and what waited before is of the past.
        (JUNOS, PENDING.replace("    rollback pending\n", "") + HISTORY, ()),
        (VYOS, "inactive\n", ()),
        (VYOS, "active\n", (Timer(""),)),
    ],
)
def test_what_waits_is_told_by_the_device(live: Live, said: str, found: tuple[Timer, ...]) -> None:
    assert live.waiting(said) == found


@pytest.mark.parametrize("live", [EOS, JUNOS, VYOS])
@pytest.mark.parametrize("said", ["", "something new", "% Invalid input", "{", '{"sessions": [1]}', '{"other": 1}'])
def test_an_answer_that_cannot_be_read_may_be_a_change_that_waits(live: Live, said: str) -> None:
    assert len(live.waiting(said)) == 1


def test_a_line_of_eos_takes_the_place_of_the_old_one_within_its_session() -> None:
    one = order("management ssh key-exchange")
    assert EOS.enter(one) == ("configure session agility-1",)
    assert EOS.lines(one) == ("management ssh", "key-exchange c d")
    assert EOS.lines(Order("x", 1, one.old)) == ("management ssh", "no key-exchange")
    assert EOS.close(one) == ("commit timer 01:01:00",)
    assert EOS.confirm(one) == ("configure session agility-1 commit",)


def test_a_list_of_statements_is_never_emptied_but_replaced_within_one_commit() -> None:
    one = order("system services ssh macs")
    assert JUNOS.lines(one) == ("delete system services ssh macs", "set system services ssh macs [ c d ]")
    assert JUNOS.lines(Order("x", 1, one.old)) == ("delete system services ssh macs",)
    assert JUNOS.close(one) == ("commit check", "commit confirmed 61 comment agility-1", "exit")
    two = order("service ssh mac")
    assert VYOS.lines(two) == ("delete service ssh mac", "set service ssh mac c", "set service ssh mac d")
    assert VYOS.lines(Order("x", 1, (), two.new)) == ("set service ssh mac c", "set service ssh mac d")
    assert VYOS.revert(two) == ("configure", "delete service ssh mac", "set service ssh mac a", "set service ssh mac b", "commit", "exit")


# ---------------------------------------------------------------- configurations

BRACES = "## Last commit: 2026-11-27 10:00:00 UTC by netops\nversion 23.4R1.10;\nsystem {\n    host-name a;\n}\n"
SET = 'set version 23.4R1.10\nset system host-name a\nset system services ssh ciphers "aes256-gcm@openssh.com"\ndeactivate system services netconf\n'
BOOT = 'service {\n    ssh {\n        ciphers "aes256-ctr"\n        disable-password-authentication\n    }\n}\nsystem {\n    host-name "a"\n}\n'
COMMANDS = "set system host-name 'a'\nset service ssh disable-password-authentication\nset service ssh ciphers 'aes256-ctr'\n"
END = '\n\n// Warning: Do not remove the following line.\n// vyos-config-version: "ssh@2"\n// Release version: 1.5\n'


def test_what_moves_by_itself_is_no_difference() -> None:
    assert JUNOS.cut(BRACES) == JUNOS.cut(BRACES.replace("10:00:00", "11:00:00").replace("netops", "colleague"))
    one = "! Command: show running-config\n! device: a (vEOS, EOS-4.31.2F)\n!\nhostname a\n!\nmanagement ssh\n   mac b\n!\nend\n"
    other = one.replace("! Command: show running-config\n", "! Command: show startup-config\n! Startup-config last modified at Fri Nov 27\n")
    assert EOS.comparable(one) == EOS.comparable(other) == ("hostname a", "management ssh", "management ssh mac b", "end")


def test_the_text_of_a_banner_is_compared_too() -> None:
    one = "! Command: show running-config\nhostname a\nbanner login\nhello\nEOF\nend\n"
    assert EOS.comparable(one) != EOS.comparable(one.replace("hello", "bye")) != ()


def test_what_is_quoted_and_what_is_deactivated_is_compared_by_what_it_says() -> None:
    assert JUNOS.comparable(SET)[2:] == ("system services ssh ciphers aes256-gcm@openssh.com", "deactivate system services netconf")


def test_what_runs_and_what_is_saved_are_compared_in_their_two_ways() -> None:
    assert VYOS.comparable(COMMANDS) == VYOS.comparable(BOOT + END) != ()


@pytest.mark.parametrize(
    ("live", "said"),
    [
        (EOS, "! Command: show running-config\nhostname a\n"),
        (EOS, ""),
        (JUNOS, BRACES[:-2]),
        (JUNOS, ""),
        (VYOS, BOOT),
        (VYOS, BOOT[:-2] + END),
        (VYOS, ""),
    ],
)
def test_half_a_configuration_is_none(live: Live, said: str) -> None:
    assert live.comparable(said) == ()


# ---------------------------------------------------------------- writing

WISHES = {"key_exchange": Wanted(("x", "y")), "cipher": Wanted(("z",))}


def seen(name: str, release: str) -> Snapshot:
    found = snapshot_of((FIXTURES / "appliances" / name).read_bytes(), "f", "h", "")
    return Snapshot(found.host, "", found.identity, {**found.facts, "release": release}, found.files, {})


@pytest.mark.parametrize(
    ("name", "release", "old", "new"),
    [
        (
            "eos-430.cfg",
            "4.30.1F",
            ["management ssh cipher aes256-gcm@openssh.com aes256-ctr", "management ssh key-exchange ecdh-sha2-nistp521"],
            [("management ssh cipher z",), ("management ssh key-exchange x y",)],
        ),
        (
            "junos-24.conf",
            "24.4R1.9",
            [
                "system services ssh ciphers aes256-gcm@openssh.com ; system services ssh ciphers aes256-ctr",
                "system services ssh key-exchange curve25519-sha256 ; system services ssh key-exchange ecdh-sha2-nistp384",
            ],
            [("system services ssh ciphers z",), ("system services ssh key-exchange x", "system services ssh key-exchange y")],
        ),
        (
            "vyos-2026.boot",
            "1.5-rolling-202410060007",
            ["service ssh ciphers aes256-gcm@openssh.com", "service ssh ciphers aes256-ctr", "service ssh key-exchange curve25519-sha256"],
            [("service ssh ciphers z",), (), ("service ssh key-exchange x", "service ssh key-exchange y")],
        ),
    ],
)
def test_new_statements_take_the_place_of_the_old_ones(name: str, release: str, old: list[str], new: list[tuple[str, ...]]) -> None:
    found = seen(name, release)
    platform = APPLIANCES[found.facts["appliance"]]
    assert platform.live
    (change,) = platform.live.write(found, {platform.live.writes[0]: WISHES})
    text = (found.files["f"].text or "").splitlines()
    assert [text[one.line - 1] for one in change.edits] == old
    assert [one.insert for one in change.edits] == [tuple(f"{line}\n" for line in lines) for lines in new]


@pytest.mark.parametrize(
    ("name", "release"),
    [("eos-430.cfg", "4.21.0F"), ("eos-430.cfg", "4.36.0F"), ("junos-24.conf", "25.2R1"), ("vyos-2026.boot", "2026.07.01-0020-rolling"), ("vyos-2026.boot", "")],
)  # fmt: skip
def test_a_release_whose_commands_are_not_known_is_not_written(name: str, release: str) -> None:
    found = seen(name, release)
    live = APPLIANCES[found.facts["appliance"]].live
    assert live
    with pytest.raises(Inexpressible, match="is no release whose commands are known here"):
        live.write(found, {live.writes[0]: WISHES})


def test_words_that_nobody_checked_are_read_and_not_written() -> None:
    (ssh,) = [one for one in read(seen("eos-430.cfg", "4.30.1F")) if one.protocol == "ssh"]
    names = ssh.capabilities["host_key"].names or ()
    assert "ecdsa-nistp521" in names
    assert "ed25519" not in names


@pytest.mark.parametrize(("name", "release"), [("eos-430.cfg", "4.30.1F"), ("junos-24.conf", "24.4R1.9"), ("vyos-2026.boot", "1.5-rolling")])
def test_no_known_release_is_given_a_hybrid_that_it_is_not_known_to_have(name: str, release: str) -> None:
    (ssh,) = [one for one in read(seen(name, release)) if one.protocol == "ssh"]
    assert [word for word in ssh.capabilities["key_exchange"].names or () if word.startswith(("mlkem", "sntrup"))] == []


def test_a_device_that_would_restart_says_so_in_its_plan() -> None:
    found = seen("vyos-2026.boot", "1.5")
    assert "REBOOT" in VYOS.outage(found)
    text = (FIXTURES / "appliances/vyos-2026.boot").read_text(encoding="utf-8")
    kinder = text.replace(
        '        commit-revisions "100"\n', '        commit-confirm {\n            action "reload"\n        }\n        commit-revisions "100"\n'
    )
    assert VYOS.outage(snapshot_of(kinder.encode(), "f", "h", "")) == ""
