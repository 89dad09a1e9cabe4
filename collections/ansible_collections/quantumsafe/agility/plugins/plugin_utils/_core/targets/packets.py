"""A ping through a tunnel while its ends move: agent/packets.sh.  Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .answer import NoAnswer, heard
from .script import Message, script_of

EVERY = 0.2  # seconds between two packets


@dataclass(frozen=True, slots=True)
class Packets:
    """gap: the longest time without an answer, in seconds.  why: it is not measured, "" = it is."""

    sent: int = 0
    lost: int = 0
    gap: float = 0.0
    why: str = ""

    @property
    def said(self) -> str:
        return f"not measured: {self.why}" if self.why else f"{self.sent} sent, {self.lost} lost, longest gap {self.gap:g} s"


def compose_inner(nonce: str) -> Message:
    return script_of(nonce, [("ca_inner",)])


def parse_inner(output: str, nonce: str) -> tuple[str, ...]:
    """All addresses of the host.  Raises NoAnswer."""
    for letter, dummy, content in heard(output, nonce):
        if letter == "A":
            return tuple(line.strip() for line in content if line.strip())
    raise NoAnswer("the host did not tell its addresses")


def compose_start(number: int, source: str, target: str, seconds: int, nonce: str) -> Message:
    return script_of(nonce, [("ca_ping_start", str(number), source, target, str(seconds))])


def compose_stop(number: int, nonce: str) -> Message:
    return script_of(nonce, [("ca_ping_stop", str(number))])


def parse_packets(output: str, nonce: str) -> Packets:
    """Of a start only `why` counts.  Raises NoAnswer."""
    for letter, rest, dummy in heard(output, nonce):
        if letter == "G":
            words = rest.split()
            if len(words) == 3 and all(word.isdigit() for word in words):
                sent, lost, gap = map(int, words)
                return Packets(sent, lost, round(gap * EVERY, 1))
            return Packets(why=rest.removeprefix("-").strip())
    raise NoAnswer("the host did not say what became of its packets")


def inner(addresses: Sequence[str], selectors: Iterable[str]) -> str:
    """The first of these addresses that one of the selectors of a child holds; "" = none.  `dynamic` and those of a port hold nothing."""
    nets = []
    for one in selectors:
        try:
            nets.append(ipaddress.ip_network(one.strip(), strict=False))
        except ValueError:
            continue
    return next((one for one in addresses for net in nets if _held(one, net)), "")


def _held(address: str, net: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(address) in net
    except ValueError:
        return False
