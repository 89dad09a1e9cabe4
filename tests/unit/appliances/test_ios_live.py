"""What a live IOS-XE device says of itself; the texts are of public documentation and transcripts."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import live
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order, Timer
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.ios_live import LIVE

TIMER = "Time configured(or reconfigured): 10:44:57 UTC Fri Jul 24 2020\nTimer type: absolute timer\nTimer value: 2 min\nUser: netops\n"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Cisco IOS XE Software, Version 17.12.04\nProcessor board ID 9XYZ\n", ("17.12.04", "9XYZ")),
        (
            "Cisco IOS Software [Dublin], Virtual XE Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 17.12.4, RELEASE SOFTWARE (fc3)",
            ("17.12.4", ""),
        ),
        ("Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 15.0(2)SE, RELEASE SOFTWARE", ("", "")),
    ],
)
def test_a_device_says_which_it_is(said: str, found: tuple[str, str]) -> None:
    assert LIVE.identify(said) == found


def test_only_the_words_of_an_idle_timer_are_no_timer() -> None:
    assert LIVE.waiting("%No Rollback Confirmed Change pending\n") == ()
    assert LIVE.waiting(TIMER) == (Timer("netops", 2),)
    assert LIVE.waiting("") == LIVE.waiting("something new") == (Timer(""),)


def test_no_no_stands_before_a_new_line_and_where_none_was_the_default_comes_back() -> None:
    kex, mac = "ip ssh server algorithm kex", "ip ssh server algorithm mac"
    assert LIVE.lines(Order("", 1, (f"{kex} a", f"{mac} b"), (f"{kex} c",))) == (f"{kex} c", f"no {mac}")


def test_what_moves_by_itself_is_no_difference() -> None:
    one = "Building configuration...\r\n!\r\n! Last configuration change at 10:00\r\nversion 17.12\r\nhostname a\r\n!\r\nend\r\n"
    other = "Using 99 out of 999 bytes\n! NVRAM config last updated at 11:00\nversion 17.12\nhostname a\nntp clock-period 17\nend\n"
    assert LIVE.comparable(one) == LIVE.comparable(other) == ("version 17.12", "hostname a", "end")


def test_half_a_configuration_is_none() -> None:
    assert LIVE.comparable("version 17.12\nhostname a\n") == LIVE.comparable("") == ()


def test_a_line_of_the_log_is_no_refusal() -> None:
    assert not LIVE.refused.search("%SYS-5-CONFIG_I: Configured from console by netops\n")
    assert LIVE.refused.search("          ^\n% Invalid input detected at '^' marker.\n")
    assert LIVE.refused.search("%Turn config archive on before using Rollback Confirmed Change\n")


def test_a_platform_is_found_by_the_name_that_ansible_has_for_it() -> None:
    assert live("cisco.ios.ios") is live("ios") is not None
    assert live("paloaltonetworks.panos.panos") is None
