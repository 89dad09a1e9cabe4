"""strongSwan, configured by swanctl.  Sources: swanctl.opt, vici_config.c and settings.c of 6.0.6; swanctl(8).

One endpoint for each connection (IKE) and one for each of its children (ESP, AH).  `systemctl reload` runs swanctl --load-all: a connection that
changed is replaced, and its live SAs keep what they have, rekeyings included, until they are established anew; where one of its children has
`start_action = start` charon does that itself, at once, the old SA first (tried on 6.1.0).  Legacy ipsec.conf is no business of this file.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import Activation, Change, Collect, Endpoint, Follow, Origin, Setting, Snapshot, Unparsable, Wishes
from ..service import Service, once
from .ike_suites import unsure
from .strongswan_config import MAINS, config
from .strongswan_gate import anybody, facts_of, told
from .strongswan_link import of_users, takes
from .strongswan_log import COMMAND, LOG
from .strongswan_seen import Seen, daemon
from .strongswan_suites import SUITES
from .strongswan_vici import COMMANDS
from .strongswan_write import changes, narrowed, widened

FOLDERS = tuple(main.rpartition("/")[0] for main in MAINS)
COLLECT = Collect(
    needs=MAINS,
    files=(*MAINS, *(f"{folder}/conf.d/*.conf" for folder in FOLDERS), *(f"{folder}/x509/*" for folder in FOLDERS)),
    follow=tuple(Follow("include", folder) for folder in FOLDERS),
    commands={**COMMANDS, LOG: COMMAND},
)


def of(snapshot: Snapshot) -> tuple[Seen, ...]:
    """Worked out once for a snapshot: each connection, and behind it its children."""
    return once(snapshot, "strongswan", lambda shown: tuple(_of(shown)))


def _of(snapshot: Snapshot) -> list[Seen]:
    found = config(snapshot)
    if found is None or "connections" not in found.root.sections:
        return []
    asked, out = daemon(snapshot), []
    for name in found.root.sections["connections"].sections:
        one = Seen(snapshot, found, asked, name)
        out += [one, *(Seen(snapshot, found, asked, name, child) for child in one.connection.child("children").names())]
    return out


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    found = config(snapshot)
    for path, origin in found.absent.items() if found else ():
        raise Unparsable(f"{path} was not seen, and swanctl reads it", str(origin), "look whether that file is there")
    return tuple(_with_clients(seen) for seen in of(snapshot))


def _with_clients(seen: Seen) -> Endpoint:
    """Of a connection that takes anybody it also says what is known of those who came."""
    found = seen.endpoint()
    if not anybody(seen):
        return found
    kind = "remote access: persons log in" if of_users(seen) else "it takes anybody"
    notes = () if seen.child else (f"{kind}; {told(seen)}",)
    known = tuple(facts_of(seen))
    settings = {**found.settings, "clients": Setting(known, Origin("journal of charon"), "negotiated")} if known else found.settings
    return replace(found, settings=settings, notes=(*found.notes, *notes))


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    found = config(snapshot)
    return tuple(sorted(found.absent)) if found else ()


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible, also for what both ends of a tunnel have to do together."""
    return changes(snapshot, of, wishes)


def widen(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return widened(snapshot, of, wishes)


def narrow(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    return narrowed(snapshot, of, wishes)


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """swanctl has no dry run: our own reader checks the text, charon's answer to the reload decides, and a refusal takes the files back."""
    return Activation("strongswan", ("strongswan.service", "strongswan-swanctl.service"), (), ("true",), "reload")


def restarts(snapshot: Snapshot, name: str) -> str:
    """That the reload ends the SAs of this connection once it has changed, "" = they stay."""
    for seen in of(snapshot):
        found = seen.view.entry("start_action") if seen.name == name and seen.child else None
        if found and "start" in (found.setting.value or ""):
            return f"strongswan {name}: the reload ends its SAs and establishes them anew ({found.origin}): expect a moment without traffic"
    return ""


def warns(snapshot: Snapshot, wishes: Wishes) -> tuple[str, ...]:
    """What the reload does to the SAs of what changes."""
    children = (seen for seen in of(snapshot) if seen.child)
    out = [said for seen in children if (said := unsure(seen.id, {kind: one.values for kind, one in seen.settings()}, wishes.get(seen.id, {})))]
    for name in dict.fromkeys(seen.name for seen in of(snapshot) if seen.id in wishes):
        connection = next(seen for seen in of(snapshot) if seen.name == name)
        if held := takes(connection):
            out += [f"{connection.id} takes anybody: {held.said()}", f"{connection.id}: {told(connection)}"]
            answered = next((to.answered for to in wishes.get(connection.id, {}).values() if to.answered), "")
            out += [f"{connection.id}: whoever lacks what stays is cut off; {answered}"] if answered else []
        if said := restarts(snapshot, name):
            out.append(said)
        elif connection.agreed():
            why = "until they are established anew (swanctl --terminate, --initiate): a rekeying is not enough"
            out.append(f"{connection.id}: its SAs stay as they are {why}")
    return tuple(out)


SERVICE = Service(
    name="strongswan",
    protocol="ikev2",
    collect=COLLECT,
    read=read,
    write=write,
    narrow=narrow,
    widen=widen,
    suites=SUITES,
    activation=activation,
    missing=missing,
    warns=warns,
)
