"""The peers that the files of a host configure: those of wg-quick, and those of systemd-networkd with their drop-ins.

Sources: wg-quick(8): the interface is called as its file; systemd.netdev(5), [NetDev], [WireGuard], [WireGuardPeer].  A peer of networkd that
comes again in a drop-in is one more section with the same key.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ..documents import ini
from ..model import File, Origin, Snapshot, Unparsable
from .paths import glob
from .wireguard_ask import QUICK

FOLDER = "/etc/wireguard"


@dataclass(frozen=True, slots=True)
class Peer:
    """origin: the line of its preshared key, else of its section.  key_file: the file that holds its preshared key and nothing else, "" without.

    preshared: whether it has one; None = a command of wg-quick may set it.
    """

    interface: str
    public: str
    preshared: bool | None
    origin: Origin
    file: File
    port: int
    endpoint: str = ""
    key_file: str = ""


def peers(snapshot: Snapshot) -> tuple[Peer, ...]:
    """Raises Unparsable (file:line) for what wg-quick would refuse."""
    quick = glob(QUICK, snapshot)
    found = (_peers(snapshot, file) for path, file in sorted(snapshot.files.items()) if path in quick or path.endswith(".netdev"))
    return tuple(peer for mine in found for peer in mine)


def _peers(snapshot: Snapshot, file: File) -> Iterator[Peer]:
    if file.path.endswith(".netdev"):
        yield from _of_netdev(snapshot, file)
        return
    document = ini.parse(_text(file), file.path, ini.WG)
    interfaces = document.of("interface")
    port = next((one.value("listenport") for one in interfaces if one.value("listenport")), "")
    commands = [entry.value for one in interfaces for name in ("postup", "preup") for entry in one.of(name) if "preshared-key" in entry.value]
    for section in document.of("peer"):
        keys = section.of("presharedkey")
        yield Peer(
            interface=posixpath.basename(file.path).removesuffix(".conf"),
            public=section.value("publickey"),
            preshared=True if keys else None if commands else False,
            origin=Origin(file.path, keys[-1].line if keys else section.line),
            file=file,
            port=_number(port),
            endpoint=section.value("endpoint"),
        )


def _of_netdev(snapshot: Snapshot, file: File) -> Iterator[Peer]:
    name = posixpath.basename(file.path)
    beside = [one for path, one in sorted(snapshot.files.items()) if posixpath.basename(posixpath.dirname(path)) == f"{name}.d"]
    documents = [(one, ini.parse(_text(one), one.path, ini.NETWORKD)) for one in (file, *beside)]
    said = [section for dummy, document in documents for section in document.of("NetDev")]
    if next((section.value("Kind") for section in reversed(said) if section.value("Kind")), "") != "wireguard":
        return
    interface = next((section.value("Name") for section in reversed(said) if section.value("Name")), "")
    ports = [value for dummy, document in documents for section in document.of("WireGuard") if (value := section.value("ListenPort"))]
    for one, document in documents:
        for section in document.of("WireGuardPeer"):
            keys = (*section.of("PresharedKey"), *section.of("PresharedKeyFile"))
            yield Peer(
                interface=interface,
                public=section.value("PublicKey"),
                preshared=bool(keys),
                origin=Origin(one.path, keys[-1].line if keys else section.line),
                file=one,
                port=_number(ports[-1] if ports else ""),
                endpoint=section.value("Endpoint"),
                key_file=section.value("PresharedKeyFile"),
            )


def _text(file: File) -> str:
    if file.text is None:
        raise Unparsable(file.problem or "it could not be read", file.path, "mend it, or leave wireguard out (agility_services)")
    return file.text


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
