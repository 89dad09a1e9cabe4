"""OpenVPN.  Sources: openvpn(8) of 2.4 to 2.7, Changes.rst; ssl_openssl.c; the units of Debian and Fedora.

One endpoint for each connection: a file of /etc/openvpn, or what a process was started with.  Its control channel is TLS and is judged as such.
Nothing is taken up on a reload: SIGHUP reads the file again, but as the account that it gave its rights up for, which may not read the key, and
SIGUSR1 does not read it at all.  So it is restarted, which ends every session; clients come back by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..credentials import Binding, Pair, Serving
from ..model import Activation, Change, Collect, Endpoint, Follow, Inexpressible, Origin, Setting, Snapshot, Unparsable, Wishes
from ..service import Service, once
from . import openssl
from . import openvpn_link as link
from .fips import later
from .openvpn_ask import SERVERS, check, checks
from .openvpn_config import BASE, PATTERNS, Config, configs
from .openvpn_gate import facts_of, told
from .openvpn_log import COMMAND, LOG
from .openvpn_seen import Seen
from .openvpn_write import changes, texts
from .read_back import after, prove

COLLECT = Collect(
    needs=(BASE, "/usr/sbin/openvpn", "/usr/local/sbin/openvpn"),
    files=(*PATTERNS, *openssl.SYSTEM_LISTS),
    follow=tuple(Follow(word, f"{BASE}/{folder}") for word in ("cert", "config") for folder in ("server", "client", "")),
    commands={
        "openvpn-servers": SERVERS,
        "openvpn-version": ("openvpn", "--version"),
        "openvpn-ciphers": ("openvpn", "--show-ciphers"),
        LOG: COMMAND,
        **openssl.COMMANDS,
    },
    second_tries=openssl.SECOND_TRIES,
)
ALONE = "OpenVPN presents one certificate: a second kind beside it is impossible"
INLINE = "it stands in the configuration itself: give certificate and key files of their own, and name them in cert and key"


def of(snapshot: Snapshot) -> tuple[Seen, ...]:
    """Worked out once for a snapshot."""
    return once(snapshot, "openvpn", lambda shown: tuple(Seen(shown, config) for config in configs(shown)))


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    for seen in of(snapshot):
        for path, origin in seen.config.absent.items():
            raise Unparsable(f"{path} was not seen, and OpenVPN reads it", str(origin), "look whether that file is there")
    return tuple(_whole(seen) for seen in of(snapshot))


def _whole(seen: Seen) -> Endpoint:
    """Its tunnels are told as well, and of a server what is known of those who came."""
    found, known = seen.endpoint(), facts_of(seen)
    settings = {**found.settings, "link": Setting(tuple(link.facts(seen)), seen.origin("remote"))}
    if known:
        settings["clients"] = Setting(known, Origin("journal of OpenVPN"), "negotiated")
    return replace(found, settings=settings, notes=(*found.notes, told(seen)) if known else found.notes)


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """Files and certificates that a connection names and the snapshot lacks."""
    wanted = {path for seen in of(snapshot) for path in (*seen.config.absent, seen.config.where("cert")) if path}
    return tuple(sorted(path for path in wanted if path not in snapshot.files))


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible, also when the edited files would not read as wished."""
    return _written(snapshot, wishes, together=False)


def narrow(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """The same for an end whose other ends move together with it: a client asks its own journal no more, for the transaction shows its session."""
    return _written(snapshot, wishes, together=True)


def _written(snapshot: Snapshot, wishes: Wishes, together: bool) -> tuple[Change, ...]:
    made = changes(snapshot, [(seen, texts(seen, wishes.get(seen.id, {}), together)) for seen in of(snapshot)])
    then = {endpoint.id: endpoint for endpoint in read(after(snapshot, made))}
    for seen in of(snapshot):
        prove((seen.endpoint(),), (then[seen.id],), wishes, seen.library)
    return made


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """A restart of its one unit.  Raises Inexpressible where several run."""
    mine = [seen.config for seen in of(snapshot)]
    running = [config for config in mine if config.server]
    if len(running) > 1:
        names = ", ".join(config.name for config in running)
        raise Inexpressible(f"several OpenVPN run, each with a unit of its own: {names}", snapshot.host, "this release restarts one of them")
    units = tuple(dict.fromkeys(config.unit for config in running or mine))
    ports = tuple(port for endpoint in endpoints if endpoint.transport == "tcp" for dummy, port in endpoint.addresses if port)
    calls = tuple(check(config.server.program if config.server else "", config.path, config.folder) for config in running or mine)
    return Activation("openvpn", units, (), checks(calls), "restart", ports)


def warns(snapshot: Snapshot, wishes: Wishes) -> tuple[str, ...]:
    """What a restart does to those who are connected, and whom a change may cut off."""
    mine = [seen for seen in of(snapshot) if wishes.get(seen.id)]
    said = [f"{seen.id} is restarted: its sessions end; {_back(seen.config)}" for seen in mine if seen.config.server]
    for seen in mine:
        now = seen.endpoint().settings
        if gone := [to for aspect, to in wishes[seen.id].items() if set(now[aspect].values) - set(to.names)]:
            answered = next((f"; {to.answered}" for to in gone if to.answered), "")
            said.append(f"{seen.id}: whoever lacks what stays is cut off{answered}{f'; {told(seen)}' if told(seen) else ''}")
    return tuple(said)


def _back(config: Config) -> str:
    if config.role == "client":
        return "it connects anew by itself"
    told = link.notifies(config)
    return f"its peers come back {'at once, for it tells them (explicit-exit-notify)' if told else 'when the ping-restart of each has passed'}"


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    """Those of servers: a client's certificate names it to the server, which may know it by that name."""
    found = [seen for seen in of(snapshot) if seen.config.role == "server" and seen.config.has("cert", "pkcs12")]
    return tuple(_serving(seen) for seen in found)


def _serving(seen: Seen) -> Serving:
    config = seen.config
    pair = Pair(config.where("cert"), config.where("key"))
    fixed = "" if pair.certificate and pair.key else INLINE
    governs = [config.last(name) for name in ("cert", "key")]
    fixed = fixed or ("" if all(one and one.file for one in governs) else "it is given on the command line: put it into the file")
    return Serving("openvpn", (seen.id,), (), (Binding(pair, seen.origin("cert", "pkcs12"), fixed),), alone=ALONE)


def rebind(snapshot: Snapshot, wanted: Mapping[Origin, tuple[Pair, ...]]) -> tuple[Change, ...]:
    """Raises Inexpressible for a second pair."""
    said = []
    for seen in of(snapshot):
        pairs = wanted.get(seen.origin("cert", "pkcs12"), ())
        if len(pairs) > 1:
            raise Inexpressible(ALONE, str(seen.origin("cert")), "ask for one kind of key")
        said.append((seen, {"cert": pairs[0].certificate, "key": pairs[0].key} if pairs else {}))
    return changes(snapshot, said)


SERVICE = Service(
    name="openvpn",
    protocol="openvpn",
    collect=COLLECT,
    read=read,
    write=write,
    activation=activation,
    missing=missing,
    later=later,
    servings=servings,
    rebind=rebind,
    warns=warns,
    narrow=narrow,
)
