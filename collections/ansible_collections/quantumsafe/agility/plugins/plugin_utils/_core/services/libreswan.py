"""libreswan: new key exchanges in front at one end, and whatever both ends of a tunnel change together.

Sources: ipsec.conf(5), confread.c and programs/pluto of libreswan 5.2 and 5.4.

One endpoint for each connection (IKE) and one for the SA under it that carries packets (ESP, AH).  What pluto has loaded counts, where it tells;
one call, `ipsec status`, also says which groups it knows, and so whether there is ML-KEM.  Connections that are never tunnels (type=passthrough,
authby=never) and those that are only there for `also=` are none.
"""

from __future__ import annotations

from ..model import Activation, Change, Collect, Endpoint, Follow, Snapshot, Wishes
from .ike_suites import unsure
from .ipsec_conf import MAIN, NAME, USUAL, Config, counts
from .ipsec_service import own, seen_by, service
from .libreswan_seen import Seen
from .libreswan_status import COMMANDS, VERSION, pluto, version
from .libreswan_suites import SUITES
from .libreswan_write import changes, narrowed, widened

COLLECT = Collect(
    needs=("/usr/libexec/ipsec/pluto", "/usr/lib/ipsec/pluto", "/usr/local/libexec/ipsec/pluto"),
    files=(MAIN, USUAL),
    follow=(Follow("include", "/etc"),),
    commands=COMMANDS,
)
AFTER = {
    False: "and they are established anew: expect some seconds without traffic",
    True: "and whoever had one has to come anew by himself, for it takes anybody: expect no traffic until then",
}


def _of(snapshot: Snapshot) -> list[Seen]:
    found = _config(snapshot)
    if found is None:
        return []
    asked = pluto(snapshot)
    return [Seen(conn, asked, child) for conn in found.conns() if counts(conn, asked.loaded) for child in (False, True)]


def _config(snapshot: Snapshot) -> Config | None:
    return own(snapshot, VERSION, version)


of = seen_by("libreswan", _of)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Only adds.  Raises Inexpressible, also for what both ends of a tunnel have to do together."""
    return changes(snapshot, of, wishes)


def widen(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return widened(snapshot, of, wishes)


def narrow(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return narrowed(snapshot, of, wishes)


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """These connections and no other.  addconn reads what the files say; pluto's answer decides on the algorithms, and a refusal takes them back."""
    ids = {one.id for one in endpoints}
    names = dict.fromkeys(seen.conn.name for seen in of(snapshot) if seen.id in ids and seen.loaded and NAME.fullmatch(seen.conn.name))
    return Activation("libreswan", ("ipsec.service",), (), ("ipsec", "checkconfig"), f"replace:{','.join(names)}")


def warns(snapshot: Snapshot, wishes: Wishes) -> tuple[str, ...]:
    """What taking a connection anew does to its SAs."""
    found = {seen.conn.name: seen for seen in of(snapshot) if seen.id in wishes}
    children = (seen for seen in of(snapshot) if seen.child)
    out = [said for seen in children if (said := unsure(seen.id, {kind: one.values for kind, one in seen.settings()}, wishes.get(seen.id, {})))]
    return (
        *out,
        *(f"libreswan {name}: pluto ends its SAs when it takes it anew (ipsec replace), {AFTER[seen.anybody]}" for name, seen in found.items()),
    )


SERVICE = service(
    "libreswan",
    COLLECT,
    of,
    _config,
    write=write,
    activation=activation,
    one_by_one=True,
    warns=warns,
    widen=widen,
    narrow=narrow,
    suites=SUITES,
)
