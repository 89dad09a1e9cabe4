"""agent/packets.sh: a ping through a tunnel, ended and summed up on the host, under every shell; and which addresses it goes between."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.packets import (
    Packets,
    compose_inner,
    compose_start,
    compose_stop,
    inner,
    parse_inner,
    parse_packets,
)

from .agent_host import NONCE, Host

REPLY = "64 bytes from 10.92.2.1: icmp_seq={} ttl=64 time=0.412 ms"
BUSYBOX = "64 bytes from 10.92.2.1: seq={} ttl=64 time=0.412 ms"
ENDS = "\n--- 10.92.2.1 ping statistics ---\n{0} packets transmitted, {1} received, 0% packet loss, time 2040ms"


def ping(host: Host, *lines: str, rc: int = 0) -> None:
    """One that has said all this by the time it is asked to end."""
    path = host.root / "bin" / "ping"
    path.unlink(missing_ok=True)  # a link to the busybox of this machine, under ash
    said = "\n".join(lines)
    path.write_text(f"#!/bin/sh\nprintf '<%s>' \"$@\" >{host.root}/asked\ncat <<'END'\n{said}\nEND\nexit {rc}\n")
    path.chmod(0o755)


def measured(host: Host) -> Packets:
    began = host.ask(compose_start(0, "10.92.1.1", "10.92.2.1", 180, NONCE), parse_packets)
    return began if began.why else host.ask(compose_stop(0, NONCE), parse_packets)


@pytest.mark.parametrize(
    ("form", "first", "back", "sent", "found"),
    [
        (REPLY, 1, range(1, 101), 100, Packets(100, 0, 0.0)),
        (REPLY, 1, [*range(1, 40), *range(43, 101)], 100, Packets(100, 3, 0.6)),
        (REPLY, 1, range(1, 100), 100, Packets(99, 0, 0.0)),  # the last may be on its way
        (REPLY, 1, range(1, 91), 100, Packets(100, 10, 2.0)),
        (REPLY, 1, [1, 2, 2, 3], 3, Packets(3, 0, 0.0)),  # one that came twice
        (REPLY, 1, [], 5, Packets(5, 5, 1.0)),
        (BUSYBOX, 0, [*range(40), *range(41, 100)], 100, Packets(100, 1, 0.2)),
    ],
)
def test_what_ping_says_is_summed_up(any_host: Host, form: str, first: int, back: list[int], sent: int, found: Packets) -> None:
    ping(any_host, "PING 10.92.2.1 from 10.92.1.1 : 56(84) bytes of data.", *(form.format(n) for n in back), ENDS.format(sent, len(back)))
    assert measured(any_host) == found
    assert (any_host.root / "asked").read_text() == "<-n><-i><0.2><-c><900><-w><180><-I><10.92.1.1><10.92.2.1>"


def test_nobody_waits_for_a_ping_that_goes_on(any_host: Host) -> None:
    """What it was begun with is closed there: else the login would stay open as long as it."""
    ping(any_host, ENDS.format(7, 0))
    path, go = any_host.root / "bin" / "ping", any_host.root / "go"
    lasts = f"n=0\nuntil [ -e {go} ]; do [ $n -lt 30 ] || exit 1; sleep 1; n=$((n + 1)); done\n"
    path.write_text(path.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{lasts}"))
    any_host.ask(compose_start(0, "10.92.1.1", "10.92.2.1", 180, NONCE), parse_packets)
    go.touch()
    assert any_host.ask(compose_stop(0, NONCE), parse_packets) == Packets(7, 7, 1.4)


def test_a_ping_that_cannot_begin_says_why(any_host: Host) -> None:
    ping(any_host, "ping: bind: Cannot assign requested address", rc=2)
    assert measured(any_host) == Packets(why="ping: bind: Cannot assign requested address")
    assert measured(any_host).said == "not measured: ping: bind: Cannot assign requested address"


def test_one_that_nobody_began_tells_nothing(any_host: Host) -> None:
    assert not any_host.ask(compose_stop(3, NONCE), parse_packets).sent


def test_the_agent_of_least_privilege_sends_none() -> None:
    with pytest.raises(Problem, match="moves no tunnels"):
        as_data(compose_start(0, "10.92.1.1", "10.92.2.1", 180, NONCE))


def test_the_addresses_of_a_host(host: Host) -> None:
    found = host.ask(compose_inner(NONCE), parse_inner)
    assert all(one.count(".") == 3 or ":" in one for one in found)


def test_inner_addresses_are_those_that_a_selector_holds() -> None:
    own = ("127.0.0.1", "10.92.2.1", "fe80::1", "fd00:2::1")
    assert inner(own, ("10.92.2.1/32",)) == inner(own, ("dynamic", "10.92.0.0/16")) == "10.92.2.1"
    assert inner(own, ("fd00:2::/64",)) == "fd00:2::1"
    assert inner(own, ("10.93.0.0/16", "10.92.2.1/32[tcp/443]", "dynamic")) == inner((), ("0.0.0.0/0",)) == ""


def test_it_is_told_in_seconds() -> None:
    assert Packets(340, 2, 0.4).said == "340 sent, 2 lost, longest gap 0.4 s"
