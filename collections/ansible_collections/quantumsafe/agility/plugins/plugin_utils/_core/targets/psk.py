"""The preshared key of a peer of WireGuard: how its use is seen, and how one end follows the other: agent/psk.sh.  Pure; digests alone pass here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..model import Problem
from .answer import heard
from .script import Message, script_of


class Where(Protocol):
    """Where a key stands.  path: of the file that holds it; form: quick (wg-quick's), netdev (networkd's), key (it holds nothing else)."""

    @property
    def interface(self) -> str: ...
    @property
    def peer(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def path(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """now, met: by the host's own clock, met 0 = no handshake; live, file: digests of the key in effect and of the one in the file."""

    now: int
    met: int
    live: str
    file: str


def compose_seen(where: Where, salt: str, meet: bool, nonce: str) -> Message:
    """meet: have them shake hands anew, before."""
    calls = [("ca_psk_meet", where.interface, where.peer, where.form)] if meet else []
    return script_of(nonce, [*calls, ("ca_psk_seen", where.interface, where.peer, where.form, where.path, salt)])


def parse_seen(output: str, nonce: str, host: str) -> Seen:
    for letter, dummy, content in heard(output, nonce, host):
        if letter == "Q":
            words = dict(line.partition(" ")[::2] for line in content)
            return Seen(int(words["now"]), int(words["met"] or 0), words["live"], words["file"])
    raise Problem("it does not tell what WireGuard does there", host, "look at wg show")


def compose_follow(id_: str, seconds: int, where: Where, nonce: str) -> Message:
    """From now on that host does as the other end does; it must have so many seconds left."""
    return script_of(nonce, [("ca_follow", id_, str(seconds), where.interface, where.peer, where.form)])
