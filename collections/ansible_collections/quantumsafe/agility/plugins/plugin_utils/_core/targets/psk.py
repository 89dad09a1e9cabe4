"""The preshared key of a peer of WireGuard: how its use is seen, and how one end follows the other: agent/psk.sh.  Pure; digests alone pass here."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Problem
from .answer import heard
from .script import Message, script_of


@dataclass(frozen=True, slots=True)
class Seen:
    """now, met: by the host's own clock, met 0 = no handshake; live, file: digests of the key in effect and of the one in the file."""

    now: int
    met: int
    live: str
    file: str


def compose_seen(interface: str, peer: str, salt: str, meet: bool, nonce: str) -> Message:
    """meet: have them shake hands anew, before."""
    calls = [("ca_psk_meet", interface, peer)] if meet else []
    return script_of(nonce, [*calls, ("ca_psk_seen", interface, peer, salt)])


def parse_seen(output: str, nonce: str, host: str) -> Seen:
    for letter, dummy, content in heard(output, nonce, host):
        if letter == "Q":
            words = dict(line.partition(" ")[::2] for line in content)
            return Seen(int(words["now"]), int(words["met"] or 0), words["live"], words["file"])
    raise Problem("it does not tell what WireGuard does there", host, "look at wg show")


def compose_follow(id_: str, seconds: int, interface: str, peer: str, nonce: str) -> Message:
    """From now on that host does as the other end does; it must have so many seconds left."""
    return script_of(nonce, [("ca_follow", id_, str(seconds), interface, peer)])
