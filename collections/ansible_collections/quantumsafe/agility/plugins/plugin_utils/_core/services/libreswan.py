"""libreswan, which is looked at and not written.  Sources: ipsec.conf(5), confread.c and programs/pluto of libreswan 5.2 and 5.4.

One endpoint for each connection (IKE) and one for the SA under it that carries packets (ESP, AH).  What pluto has loaded counts, where it tells;
one call, `ipsec status`, also says which groups it knows, and so whether there is ML-KEM.  Connections that are never tunnels (type=passthrough,
authby=never) and those that are only there for `also=` are none.
"""

from __future__ import annotations

from ..model import Activation, Change, Collect, Endpoint, Follow, Snapshot, Wishes
from ..service import Service, once
from .ipsec_conf import MAIN, USUAL, Config, belongs, config, counts
from .libreswan_seen import Seen
from .libreswan_status import COMMANDS, VERSION, pluto, version
from .read_only import refuse

COLLECT = Collect(
    needs=("/usr/libexec/ipsec/pluto", "/usr/lib/ipsec/pluto", "/usr/local/libexec/ipsec/pluto"),
    files=(MAIN, USUAL),
    follow=(Follow("include", "/etc"),),
    commands=COMMANDS,
)
BOTH_ENDS = (
    "both ends of a tunnel move together, and this release does not write ipsec.conf: mend it by hand at both ends; "
    "to change the rest of this host, leave libreswan out (agility_services)"
)


def of(snapshot: Snapshot) -> tuple[Seen, ...]:
    """Worked out once for a snapshot: each connection, and behind it what carries its packets."""
    return once(snapshot, "libreswan", lambda shown: tuple(_of(shown)))


def _of(snapshot: Snapshot) -> list[Seen]:
    found = _config(snapshot)
    if found is None:
        return []
    asked = pluto(snapshot)
    return [Seen(conn, asked, child) for conn in found.conns() if counts(conn, asked.loaded) for child in (False, True)]


def _config(snapshot: Snapshot) -> Config | None:
    """None also where `ipsec` is another's: strongSwan has the same file and the same command."""
    asked = snapshot.answers.get(VERSION)
    return config(snapshot) if belongs(asked, version(asked)) else None


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    return tuple(seen.endpoint() for seen in of(snapshot))


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    found = _config(snapshot)
    return tuple(sorted(set(found.unseen))) if found else ()


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible: nothing of a tunnel is changed on one end alone."""
    return refuse(wishes, {seen.id: str(seen.entry.origin if seen.entry else seen.conn.origin) for seen in of(snapshot)}, BOTH_ENDS)


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    return Activation("libreswan", (), (), ("true",), "reload")


SERVICE = Service(
    name="libreswan",
    protocol="ikev2",
    collect=COLLECT,
    read=read,
    write=write,
    activation=activation,
    missing=missing,
)
