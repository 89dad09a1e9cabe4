"""The preshared key of one WireGuard tunnel: which line of which file at either end holds it, and how a new one gets into effect.

wg-quick's reload is `wg syncconf`, which leaves sessions alone, so that the new key counts from the next handshake on (wg-quick@.service).
networkd's reload is `networkctl reload` (systemd-networkd.service, ExecReload), which sets all peers of an interface anew whose netdev has changed,
since 257; before, it leaves an interface that is there as it is (networkctl(1), reload; systemd's NEWS of 257).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..documents import ini
from ..model import Activation, Problem, Snapshot
from .wireguard import Seen, exposed, of
from .wireguard_ask import Shown
from .wireguard_config import Peer, peers

NOTHING = "nothing was changed"
NETWORKD = "/systemd/network/"
SINCE = 257  # networkd updates an interface that is there
Form = Literal["quick", "netdev", "key"]
LEADS: dict[Form, str] = {"quick": "PresharedKey = ", "netdev": "PresharedKey=", "key": ""}


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """One end.  peer: the public key of the other end; line, delete: what a new key takes the place of; keyed: whether it has one today.

    form: whose file it is, key = one that holds nothing else; calls: its file says where the other end is.
    """

    host: str
    interface: str
    peer: str
    path: str
    sha256: str
    line: int
    delete: int
    keyed: bool
    form: Form = "quick"
    calls: bool = True

    @property
    def lead(self) -> str:
        return LEADS[self.form]

    @property
    def where(self) -> str:
        return f"{self.host}:{self.path}:{self.line}"

    @property
    def activation(self) -> Activation:
        if self.form != "quick":
            return Activation("wireguard", ("systemd-networkd.service",), (), ("systemctl", "is-active", "systemd-networkd.service"), "reload")
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
    if said.preshared is None:
        raise Problem("a command of wg-quick sets its key", str(said.origin), f"only what stands in PresharedKey can be rotated; {NOTHING}")
    networkd = NETWORKD in said.file.path
    if networkd:
        _takes_it_up(snapshot, said, shown)
    if why := exposed(said, shown):
        raise Problem(why, snapshot.host, NOTHING)
    if live is None or not live.endpoint:
        what = f"{interface} was never met by its other end since it is up, so nobody could tell a key that works from one that does not"
        raise Problem(what, snapshot.host, f"send something through it; {NOTHING}")
    if bool(said.preshared) != bool(live.psk) or (seen.number and seen.number != live.psk):
        raise Problem(
            "the key in the file is another than the one in effect",
            str(said.origin),
            f"reload {'systemd-networkd' if networkd else f'wg-quick@{interface}'} first; {NOTHING}",
        )
    if said.key_file:
        return KeyEnd(snapshot.host, interface, peer, said.key_file, shown.sums[said.key_file], 1, 1, True, "key", bool(said.endpoint))
    line, delete = _line(said.file.path, said.file.text or "", peer, networkd)
    form: Form = "netdev" if networkd else "quick"
    where = (said.file.real or said.file.path, said.file.sha256, line, delete)
    return KeyEnd(snapshot.host, interface, peer, *where, bool(said.preshared), form, bool(said.endpoint))


def _takes_it_up(snapshot: Snapshot, said: Peer, shown: Shown) -> None:
    """Raises Problem where networkd would not have a new key from this file, or more than this peer would."""
    where = str(said.origin)
    if shown.networkd < SINCE:
        what = f"networkd {shown.networkd or 'of no known version'} takes up a new key only with a new interface, {SINCE} and later with a reload"
        raise Problem(what, where, NOTHING)
    if said.file.path.startswith("/run/"):
        raise Problem(
            "another program makes this file at each boot", where, f"have that program take the key from a file (PresharedKeyFile); {NOTHING}"
        )
    found = peers(snapshot)
    if sum((one.interface, one.public) == (said.interface, said.public) for one in found) > 1:
        raise Problem(f"the peer {said.public} of {said.interface} stands there twice", where, f"leave one of them; {NOTHING}")
    if said.key_file and said.key_file not in shown.sums:
        raise Problem(f"{said.key_file} is a link, or nobody can read it", where, f"name the file itself; {NOTHING}")
    if said.key_file and sum(one.key_file == said.key_file for one in found) > 1:
        raise Problem(f"{said.key_file} is the key of several peers", where, f"give each a file of its own; {NOTHING}")


def _line(path: str, text: str, peer: str, networkd: bool) -> tuple[int, int]:
    """Where the key stands, else the line behind the head of its section."""
    names = ("WireGuardPeer", "PublicKey", "PresharedKey") if networkd else ("peer", "publickey", "presharedkey")
    document = ini.parse(text, path, ini.NETWORKD if networkd else ini.WG)
    sections = [one for one in document.of(names[0]) if one.value(names[1]) == peer]
    keys = [entry for one in sections for entry in one.of(names[2])]
    if len(sections) != 1 or len(keys) > 1:
        raise Problem(f"the peer {peer} or its key stands there twice", path, f"leave one of them; {NOTHING}")
    return (keys[0].line, 1) if keys else (sections[0].line + 1, 0)
