"""strongSwan, configured by ipsec.conf (starter and stroke): exchanges are added in front, and taken away where both ends of a tunnel move together.

One endpoint for each connection that is loaded, or has an `auto=` other than `ignore`, and one for the SA under it that carries packets.  charon does
not tell which proposals it has loaded, so the files count.  Connections of swanctl.conf on the same host are those of the service strongswan.

`ipsec update` has starter compare the files with what it read before, and take anew what changed.  It answers nothing: what starter cannot read is
only in its log, and a connection that charon refuses is gone from `ipsec statusall`.  SAs stay (tried on 5.9.8 and 6.1.0).
"""

from __future__ import annotations

from ..model import Activation, Change, Collect, Endpoint, Follow, Snapshot, Wishes
from .ipsec_conf import MAIN, NAME, Config, counts
from .ipsec_service import own, seen_by, service
from .stroke_status import ALGS, COMMANDS, VERSION, algorithms, status, version
from .strongswan_legacy_seen import CERTS, Seen
from .strongswan_legacy_write import narrowed, widened, written
from .strongswan_seen import Daemon

COLLECT = Collect(
    needs=tuple(f"/usr/{folder}/stroke" for folder in ("lib/ipsec", "libexec/ipsec", "lib/strongswan", "libexec/strongswan", "local/libexec/ipsec")),
    files=(MAIN, f"{CERTS}/*"),
    follow=(Follow("include", "/etc"),),
    commands=COMMANDS,
)


def _of(snapshot: Snapshot) -> list[Seen]:
    found = _config(snapshot)
    if found is None:
        return []
    told = algorithms(snapshot.answers.get(ALGS))
    daemon = Daemon(version(snapshot.answers.get(VERSION)), dict(told) if told else None, "ipsec listalgs")
    asked = status(snapshot)
    return [
        Seen(snapshot, conn, asked, daemon, child) for conn in found.conns() if counts(conn, asked.loaded if asked else ()) for child in (False, True)
    ]


def _config(snapshot: Snapshot) -> Config | None:
    return own(snapshot, VERSION, version)


of = seen_by("strongswan-legacy", _of)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible, also for whatever would take something away."""
    return written(snapshot, of, wishes)


def widen(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return widened(snapshot, of, wishes)


def narrow(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return narrowed(snapshot, of, wishes)


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """Whatever charon has loaded has to be loaded then.  There is no dry run: our own reader checks the text, and a refusal takes the files back."""
    names = dict.fromkeys(seen.conn.name for seen in of(snapshot) if seen.loaded and NAME.fullmatch(seen.conn.name))
    return Activation("strongswan-legacy", ("strongswan-starter.service", "strongswan.service"), (), ("true",), f"update:{','.join(names)}")


def warns(snapshot: Snapshot, wishes: Wishes) -> tuple[str, ...]:
    """What `ipsec update` does to the SAs of what changes, and what else it takes up."""
    out, changing = [], {seen.conn.name for seen in of(snapshot) if wishes.get(seen.id)}
    for seen in of(snapshot):
        name = f"strongswan-legacy {seen.conn.name}"
        if seen.child:
            continue
        if seen.status and not seen.loaded:
            out.append(f"{name}: charon has not loaded it, and takes it up as well ({seen.conn.origin})")
        elif seen.conn.name in changing and seen.conn.text("auto") == "start":
            out.append(f"{name}: charon establishes it anew at once, beside the SA that is there, which stays until it ends (auto=start)")
        elif seen.conn.name in changing and seen.sas():
            out.append(f"{name}: its SAs stay as they are until they are established anew (ipsec down, ipsec up): a rekeying is not enough")
    return tuple(out)


SERVICE = service("strongswan-legacy", COLLECT, of, _config, write=write, activation=activation, warns=warns, widen=widen, narrow=narrow)
