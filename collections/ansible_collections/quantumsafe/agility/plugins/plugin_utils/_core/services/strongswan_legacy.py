"""strongSwan, configured by ipsec.conf (starter and stroke), which is looked at and not written.

One endpoint for each connection that is loaded, or has an `auto=` other than `ignore`, and one for the SA under it that carries packets.  charon does
not tell which proposals it has loaded, so the files count.  Connections of swanctl.conf on the same host are those of the service strongswan.
"""

from __future__ import annotations

from ..model import Activation, Change, Collect, Endpoint, Follow, Snapshot, Wishes
from .ipsec_conf import MAIN, Config, counts
from .ipsec_service import own, seen_by, service, where
from .read_only import refuse
from .stroke_status import ALGS, COMMANDS, VERSION, algorithms, status, version
from .strongswan_legacy_seen import CERTS, Seen
from .strongswan_seen import Daemon

COLLECT = Collect(
    needs=tuple(f"/usr/{folder}/stroke" for folder in ("lib/ipsec", "libexec/ipsec", "lib/strongswan", "libexec/strongswan", "local/libexec/ipsec")),
    files=(MAIN, f"{CERTS}/*"),
    follow=(Follow("include", "/etc"),),
    commands=COMMANDS,
)
REMEDY = (
    "both ends of a tunnel move together, and ipsec.conf of strongSwan is not written: mend it by hand at both ends, or move it to swanctl.conf, "
    "where ML-KEM and PPKs are read and written; to change the rest of this host, leave strongswan-legacy out (agility_services)"
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


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    return Activation("strongswan-legacy", (), (), ("true",), "reload")


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return refuse(wishes, {seen.id: str(where(seen)) for seen in of(snapshot)}, REMEDY)


SERVICE = service("strongswan-legacy", COLLECT, of, _config, write, activation=activation)
