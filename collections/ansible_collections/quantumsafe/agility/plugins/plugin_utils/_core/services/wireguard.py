"""WireGuard.  Sources: the whitepaper, 5.2 and 5.4; wg(8), wg-quick(8), systemd.netdev(5).

One endpoint for each peer of each interface, configured or in effect.  Its exchange is Curve25519 and nothing else; what a quantum computer
cannot undo is only the preshared key that both ends mix in.  It is looked at and never written: a key that one end has and the other has not
ends the tunnel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Activation, Capability, Change, Collect, Endpoint, Evidence, Inexpressible, Origin, Setting, Snapshot, Wishes
from ..service import Service
from .wireguard_ask import COMMANDS, MODULE, NETDEVS, QUICK, Live, Shown, shown, version
from .wireguard_config import FOLDER, Peer, peers

COLLECT = Collect(
    needs=(FOLDER, "/usr/bin/wg", "/usr/local/bin/wg", "/run/wireguard", *MODULE["wireguard-module"]),
    files=(QUICK, *NETDEVS),
    commands=COMMANDS,
    there=MODULE,
)
PLAIN, AUGMENTED = "Noise_IKpsk2_25519", "Noise_IKpsk2_25519+psk"
BOTH_ENDS = (
    "a preshared key is set on both ends together, or the tunnel ends: make one with `wg genpsk` and put it into both files, "
    "or wait for the release that moves both ends (migrate_links); to change the rest of this host, leave wireguard out (agility_services)"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A peer as it is configured, as it is in effect, or both."""

    said: Peer | None
    live: Live | None
    number: str  # of the configured preshared key, "" = not known

    @property
    def name(self) -> tuple[str, str]:
        one = self.said or self.live
        return (one.interface, one.public) if one else ("", "")


def of(snapshot: Snapshot) -> tuple[tuple[Seen, ...], Shown]:
    now = shown(snapshot)
    said = {(peer.interface, peer.public): peer for peer in peers(snapshot)}
    live = {(peer.interface, peer.public): peer for peer in now.peers}
    found = []
    for name in dict.fromkeys((*said, *live)):
        peer = said.get(name)
        found.append(Seen(peer, live.get(name), now.numbers.get((peer.file.path, name[1]), "") if peer else ""))
    return tuple(found), now


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """Raises Unparsable for a file that its program would refuse."""
    found, now = of(snapshot)
    keys = {(seen.name[1], number) for seen in found for number in (seen.number, seen.live.psk if seen.live else "") if number}
    users = Counter(number for dummy, number in keys)
    return tuple(_endpoint(snapshot, seen, now, users) for seen in found)


def _endpoint(snapshot: Snapshot, seen: Seen, now: Shown, users: Counter[str]) -> Endpoint:
    interface, public = seen.name
    label = version(snapshot) or "WireGuard"
    origin = seen.said.origin if seen.said else Origin("wg show all dump")
    evidence: Evidence = "effective" if seen.live else "configured"
    configured, effective = _configured(seen), _effective(seen, now)
    safe = {configured, effective} <= {"required", "unknown"} and "required" in (configured, effective)
    facts = [f"mode={'required' if safe else 'none'}", f"configured={configured}", f"effective={effective}"]
    numbers = {seen.number, seen.live.psk if seen.live else ""} - {""}
    if numbers or {configured, effective} <= {"none", "unknown"}:
        facts.append(f"shared={'yes' if any(users[number] > 1 for number in numbers) else 'no'}")
    if seen.said:
        facts.append(f"private={'no' if exposed(seen.said, now) else 'yes'}")
    built_in = Origin(f"built into {label}")
    port = now.ports.get(interface, seen.said.port if seen.said else 0)
    return Endpoint(
        id=f"wireguard {interface} {public}",
        service="wireguard",
        protocol="wireguard",
        names="wireguard",
        addresses=(("*", port),) if port else (),
        version=label,
        settings={
            "version": Setting(("WireGuard",), built_in),
            "key_exchange": Setting((AUGMENTED if safe else PLAIN,), origin, evidence),
            "cipher": Setting(("ChaCha20-Poly1305",), built_in),
            "hash": Setting(("BLAKE2s",), built_in),
            "psk": Setting(tuple(facts), origin, evidence),
            "link": Setting(tuple(_link(seen, now)), origin),
        },
        capabilities={
            "key_exchange": Capability((PLAIN, "PresharedKey"), "whitepaper, 5.2: an optional preshared key", label),
            **{aspect: Capability(None, "WireGuard has one and no choice", label) for aspect in ("version", "cipher", "hash")},
        },
        notes=_notes(seen, now, users, configured, effective),
        role="server" if seen.said and seen.said.port and not seen.said.endpoint else "client",
        transport="udp",
    )


def _link(seen: Seen, now: Shown) -> Iterator[str]:
    """What tells which peer of another host is the other end, and how long ago they last met."""
    interface, public = seen.name
    yield f"peer={public}"
    if interface in now.own:
        yield f"own={now.own[interface]}"
    if where := (seen.live.endpoint if seen.live else "") or (seen.said.endpoint if seen.said else ""):
        yield f"remote={where}"
    if seen.live and seen.live.handshake is not None:
        yield f"met={seen.live.handshake}"


def _configured(seen: Seen) -> str:
    if seen.said is None or seen.said.preshared is None:
        return "unknown"
    return "required" if seen.said.preshared else "none"


def _effective(seen: Seen, now: Shown) -> str:
    """Unknown where the interface is down, or nobody could ask."""
    if seen.live is None:
        return "unknown"
    return "required" if seen.live.psk else "none"


def _notes(seen: Seen, now: Shown, users: Counter[str], configured: str, effective: str) -> tuple[str, ...]:
    interface = seen.name[0]
    out = []
    if not now.asked:
        out.append("wg is not installed here: what is in effect is not known")
    elif seen.live is None:
        out.append(
            f"{interface} has no such peer: what the file says is not in effect"
            if interface in now.ports
            else f"{interface} is down: what the file says will count once it is up"
        )
    elif seen.live.handshake is None:
        out.append("in effect, and no handshake was seen since it is up")
    else:
        where = f" with {seen.live.endpoint}" if seen.live.endpoint else ""
        out.append(f"in effect, the last handshake{where} was {seen.live.handshake} s ago")
    if seen.live and seen.said is None:
        out.append("no file that is read here configures it: it was set by hand or by another program")
    if "none" in (configured, effective) and "required" in (configured, effective):
        loaded = "configured, and not in effect: bring the interface up anew"
        out.append(f"its preshared key is only {loaded if configured == 'required' else 'in effect, and will be lost: no file says it'}")
    elif seen.live and seen.live.psk and seen.number and seen.live.psk != seen.number:
        out.append("the preshared key in the file is another than the one in effect")
    if any(users[number] > 1 for number in {seen.number, seen.live.psk if seen.live else ""} - {""}):
        out.append("other peers here have the same preshared key: whoever learns it from one of them has it for all")
    if seen.said and (why := exposed(seen.said, now)):
        out.append(why)
    if interface in now.userspace:
        out.append(f"{interface} is run in user space, not by the kernel")
    return tuple(out)


def exposed(said: Peer, now: Shown) -> str:
    """What others than its daemon can read: networkd reads as its own group, wg-quick as root."""
    files = [(said.file.path, said.file.mode, said.file.owner, said.file.group)]
    files += [(said.key_file, *now.modes[said.key_file])] if said.key_file in now.modes else []
    for path, mode, owner, group in files:
        if int(mode, 8) & (0o027 if group == "systemd-network" else 0o077):
            return f"{path} holds keys and is {mode} {owner}:{group}: make it 0600, or 0640 root:systemd-network for networkd"
    return ""


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible: nothing of a tunnel is changed on one end alone."""
    for id_, wanted in wishes.items():
        if wanted:
            raise Inexpressible(f"{id_}: {', '.join(wanted)} is not changed on one end alone", snapshot.host, BOTH_ENDS)
    return ()


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    return Activation("wireguard", (), (), ("true",), "reload")


SERVICE = Service(
    name="wireguard",
    protocol="wireguard",
    collect=COLLECT,
    read=read,
    write=write,
    activation=activation,
    missing=lambda dummy: (),
)
