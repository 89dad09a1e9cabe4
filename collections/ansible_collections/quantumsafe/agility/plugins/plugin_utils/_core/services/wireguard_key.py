"""The preshared key of one WireGuard tunnel: which line of which file at either end holds it, and how a new one gets into effect.

Of wg-quick alone: its reload is `wg syncconf`, which leaves sessions alone, so that the new key counts from the next handshake on
(wg-quick@.service); networkd takes up a changed netdev only when it makes it anew (systemd.netdev(5)).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..documents import ini
from ..model import Activation, Problem, Snapshot
from .wireguard import Seen, exposed, of
from .wireguard_ask import Shown

NOTHING = "nothing was changed"


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """One end.  peer: the public key of the other end; line, delete: what a new key takes the place of; keyed: whether it has one today."""

    host: str
    interface: str
    peer: str
    path: str
    sha256: str
    line: int
    delete: int
    keyed: bool
    lead: str = "PresharedKey = "

    @property
    def where(self) -> str:
        return f"{self.host}:{self.path}:{self.line}"

    @property
    def activation(self) -> Activation:
        check = ("sh", "-c", 'wg-quick strip "$0" >/dev/null', self.interface)
        return Activation("wireguard", (f"wg-quick@{self.interface}.service",), (), check, "reload")


def both_ends(here: Snapshot, there: Snapshot, interface: str) -> tuple[KeyEnd, KeyEnd]:
    """The end on this interface, and the other end on that host.  Raises Problem where there is none, or more than one."""
    mine, now = of(here)
    others, then = of(there)
    for snapshot, shown in ((here, now), (there, then)):
        if not shown.asked:
            raise Problem("wg is not installed, so nobody could see which key is in use", snapshot.host, f"install wireguard-tools; {NOTHING}")
    found = sorted(_pairs([one for one in mine if one.name[0] == interface], others, now, then), key=lambda pair: -pair[0])
    if not found:
        what = f"{interface} and {there.host} are not two ends of one tunnel: neither has the other's public key on an interface that is up"
        raise Problem(what, here.host, f"name the interface and the other end of one that is up at both; {NOTHING}")
    if len(found) > 1 and found[0][0] == found[1][0]:
        raise Problem(f"several tunnels of {there.host} fit {interface}", here.host, f"give each interface a pair of keys of its own; {NOTHING}")
    dummy, one, other = found[0]
    return _end(here, one, now), _end(there, other, then)


def _pairs(mine: list[Seen], others: tuple[Seen, ...], now: Shown, then: Shown) -> Iterator[tuple[int, Seen, Seen]]:
    """Each has the other's key; how many know the other by a port that it listens on."""
    for one in mine:
        for other in others:
            if one.name[1] == then.own.get(other.name[0]) and other.name[1] == now.own.get(one.name[0]):
                yield _calls(one, then.ports, other) + _calls(other, now.ports, one), one, other


def _calls(seen: Seen, ports: dict[str, int], other: Seen) -> int:
    said = seen.live.endpoint if seen.live else ""
    return int(said.rpartition(":")[2] == str(ports.get(other.name[0], "-")))


def _end(snapshot: Snapshot, seen: Seen, shown: Shown) -> KeyEnd:
    interface, peer = seen.name
    said, live = seen.said, seen.live
    if said is None:
        raise Problem(f"no file that is read configures this peer of {interface}", snapshot.host, f"write it down for wg-quick; {NOTHING}")
    if said.preshared is None or said.key_file or said.file.path.endswith(".netdev"):
        what = "a command of wg-quick sets its key" if said.preshared is None else "networkd takes up a new key only with a new interface"
        raise Problem(what, str(said.origin), f"only what wg-quick reads from PresharedKey can be rotated; {NOTHING}")
    if why := exposed(said, shown):
        raise Problem(why, snapshot.host, NOTHING)
    if live is None or not live.endpoint:
        what = f"{interface} was never met by its other end since it is up, so nobody could tell a key that works from one that does not"
        raise Problem(what, snapshot.host, f"send something through it; {NOTHING}")
    if bool(said.preshared) != bool(live.psk) or (seen.number and seen.number != live.psk):
        raise Problem("the key in the file is another than the one in effect", str(said.origin), f"reload wg-quick@{interface} first; {NOTHING}")
    line, delete = _line(said.file.path, said.file.text or "", peer)
    return KeyEnd(snapshot.host, interface, peer, said.file.real or said.file.path, said.file.sha256, line, delete, bool(said.preshared))


def _line(path: str, text: str, peer: str) -> tuple[int, int]:
    """Where the key stands, else the line behind the head of its section."""
    sections = [one for one in ini.parse(text, path, ini.WG).of("peer") if one.value("publickey") == peer]
    keys = [entry for one in sections for entry in one.of("presharedkey")]
    if len(sections) != 1 or len(keys) > 1:
        raise Problem(f"the peer {peer} or its key stands there twice", path, f"leave one of them; {NOTHING}")
    return (keys[0].line, 1) if keys else (sections[0].line + 1, 0)
