"""nginx.  Sources: ngx_http_ssl_module, ngx_http_core_module `listen`, nginx CHANGES; SSL_CTX_set1_groups_list(3) for what lists mean.

Values are effective per listening socket, not per line: what governs what is in nginx_sockets.py.
"""

from __future__ import annotations

import operator
import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from ..certificates.read import leaf
from ..credentials import Asking, Certificate, Pair, Serving, Showing
from ..grant import Grant
from ..model import Activation, Capability, Change, Collect, Endpoint, Follow, Origin, Setting, Snapshot, Unparsable, Wishes
from ..service import Service, once
from . import client_settings, nginx_certificates, nginx_client_endpoints, nginx_clients, openssl
from .fips import fips, later, module_of
from .nginx_ciphers import Ciphers
from .nginx_config import Assembly, Node, absolute
from .nginx_main import BINARIES, DEFAULT_CONF, MASTERS, OTHER_CONFS, absent, built, main_path
from .nginx_session import session
from .nginx_sockets import Server, Socket, quic_listens, tls_sockets
from .nginx_write import SAYS, VERSIONS, Writer
from .paths import is_glob
from .read_back import after, prove
from .recorded import BY_TABLE

# First nginx version → ssl_protocols when nobody sets it (documentation of ssl_protocols; CHANGES 1.23.4 added TLSv1.3, 1.27.3 dropped 1.0, 1.1).
DEFAULT_PROTOCOLS: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    ((1, 27, 3), ("TLSv1.2", "TLSv1.3")),
    ((1, 23, 4), ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
    ((0,), ("TLSv1", "TLSv1.1", "TLSv1.2")),
)

FOLLOWED = ("include", "ssl_certificate", *nginx_clients.BUNDLES, *nginx_clients.SHOWN)
COLLECT = Collect(
    needs=(DEFAULT_CONF, *OTHER_CONFS, *BINARIES),
    files=(
        *(DEFAULT_CONF, *OTHER_CONFS),
        *("/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*", "/etc/nginx/modules-enabled/*.conf"),
        *openssl.SYSTEM_LISTS,
    ),
    follow=tuple(Follow(word, posixpath.dirname(conf)) for word in FOLLOWED for conf in (DEFAULT_CONF, *OTHER_CONFS)),
    commands={"nginx-V": ("nginx", "-V"), "nginx-masters": MASTERS, **openssl.COMMANDS},
    second_tries=openssl.SECOND_TRIES,
)
UNITS = ("nginx.service",)
CHECK = ("nginx", "-t")
CONFS = (DEFAULT_CONF, *OTHER_CONFS)
GRANT = Grant(
    folders=tuple(posixpath.dirname(conf) for conf in CONFS),
    says=SAYS,
    value="[A-Za-z0-9?*!@+-][A-Za-z0-9 .:,_+!@=/*?-]*",
    ends=";",
    units=UNITS,
    checks=(CHECK, *((*CHECK, "-c", conf) for conf in CONFS)),
)


_VERSION = re.compile(r"nginx/(\d+(?:\.\d+)+)")
_RUNNING = re.compile(r"running with ((?:\w+) [^)\s]+)")
_BUILT = re.compile(r"built with ((?:OpenSSL|LibreSSL|BoringSSL) ?\S*)")


class Nginx:
    """One snapshot seen as nginx: its configuration, version and library.  Raises Unparsable (file:line)."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        answer = snapshot.answers.get("nginx-V")
        self.said = f"{answer.err}\n{answer.out}" if answer else ""
        self.main = main_path(snapshot)
        self.assembly = Assembly(snapshot, self.main)
        found = _VERSION.search(self.said)
        self.version = tuple(int(part) for part in found[1].split(".")) if found else ()
        self.label = f"nginx {found[1]}{BY_TABLE if answer and answer.recorded else ''}" if found else "nginx of unknown version"
        self.library = openssl.library(_running(self.said))
        self.ciphers = Ciphers(self.library, openssl.suites(self.library, snapshot.answers), _default(self), openssl.system_ciphers(snapshot.files))

    @cached_property
    def sockets(self) -> tuple[Socket, ...]:
        return tls_sockets(self.assembly)

    @cached_property
    def fips(self) -> Setting | None:
        return fips(self.snapshot, not self.ciphers.known.doubt) if self.library.version else None

    @cached_property
    def groups(self) -> Capability:
        return openssl.group_capability(self.library, self.snapshot.answers, module_of(self.fips))


def _own_order(socket: Socket) -> bool:
    """Whether the order of every server counts, not its clients'."""
    return all([node.args for node in server.governing("ssl_prefer_server_ciphers")[-1:]] == [("on",)] for server in socket.servers)


def of(snapshot: Snapshot) -> Nginx:
    """Worked out once for a snapshot: one look asks what is missing, reads and writes."""
    return once(snapshot, "nginx", Nginx)


def _running(said: str) -> str:
    """ "built with OpenSSL 3.5.1 … (running with OpenSSL 3.5.7 …)": what runs counts."""
    found = _RUNNING.search(said) or _BUILT.search(said)
    return found[1] if found else ""


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """One endpoint for each listening TLS socket."""
    nginx = of(snapshot)
    if absent(snapshot, nginx.main):
        return ()
    for path, origin in nginx.assembly.absent.items():
        if not is_glob(path):
            raise Unparsable(f"includes {path}, which is not there", str(origin), "nginx would not start with it: run `nginx -t`")
    quic = tuple(f"{node.origin}: QUIC is not assessed" for node in quic_listens(nginx.assembly))
    own = tuple(_endpoint(nginx, socket, quic) for socket in nginx.sockets)
    return own + nginx_client_endpoints.shown(nginx.assembly, nginx.label, nginx.library)


def _endpoint(nginx: Nginx, socket: Socket, quic: tuple[str, ...]) -> Endpoint:
    versions = _versions(nginx, socket)
    allowed = versions[0].values if versions[0] else VERSIONS
    ciphers, remarks = nginx.ciphers.setting(socket, allowed)
    certificates = _certificates(nginx, socket)
    found = {"version": versions, "key_exchange": _groups(nginx, socket), "cipher": (ciphers, ""), "signature": (_signature(certificates), "")}
    found["fips"] = (nginx.fips, "")
    found["session"] = (session(socket, _default(nginx)), "")
    clients, asked = nginx_client_endpoints.asked(nginx.assembly, socket, nginx.library, allowed, _default(nginx))
    settings = {aspect: setting for aspect, (setting, dummy) in found.items() if setting} | clients
    notes = [*quic, *asked, *_ignored(nginx, socket), *_differing(nginx, socket), *(note for dummy, note in found.values() if note), *remarks]
    return Endpoint(
        id=socket.id,
        service="nginx",
        protocol="tls",
        names="openssl",
        addresses=((socket.address.strip("[]"), socket.port),),
        version=nginx.label,
        settings=settings,
        capabilities={
            "version": _version_capability(nginx),
            "key_exchange": replace(nginx.groups, order="tuple" if nginx.library.has_tuples else "list"),
            "cipher": replace(nginx.ciphers.capability(socket, allowed), order="list" if _own_order(socket) else "set"),
            "signature": Capability(None, "it signs with the keys of its certificates, so another scheme needs another certificate"),
            **client_settings.capabilities(nginx.library.label),
        },
        certificates=certificates,
        notes=tuple(dict.fromkeys(notes)),
        server_names=tuple(name for server in socket.servers for name in server.names),
    )


def _default(nginx: Nginx) -> Origin:
    return Origin(f"default of {nginx.label} with {nginx.library.label or 'an unknown library'}")


def _versions(nginx: Nginx, socket: Socket) -> tuple[Setting | None, str]:
    """The union over the servers that decide: a peer may ask for any of their names."""
    allowed: dict[str, None] = {}
    origin: Origin | None = None
    for server in socket.deciding("version", nginx.version):
        found = _versions_of(nginx, server)
        if found is None:
            return None, f"the protocol versions of {server.label()} are set in a way that is not worked out: see ssl_conf_command Protocol there"
        allowed.update(dict.fromkeys(found[0]))
        origin = origin or found[1]
    if not allowed or origin is None:
        return None, "ssl_protocols is not set and the default of an unknown nginx version cannot be told"
    return Setting(tuple(name for name in VERSIONS if name in allowed), origin), ""


def _versions_of(nginx: Nginx, server: Server) -> tuple[tuple[str, ...], Origin] | None:
    """What one server allows and where that is said; None when ssl_conf_command Protocol has the last word.

    Several ssl_protocols at one level add up (ngx_conf_set_bitmask_slot; tried on 1.22 and 1.26).  MinProtocol and MaxProtocol are
    carried out after them and narrow them (tried on the same).
    """
    if server.command("protocol"):
        return None
    nodes = server.governing("ssl_protocols")
    names = tuple(name for node in nodes for name in node.args) if nodes else _default_versions(nginx)
    origin = nodes[-1].origin if nodes else _default(nginx)
    for command, outside in (("minprotocol", operator.lt), ("maxprotocol", operator.gt)):
        bound = server.command(command)
        if bound and bound.args[-1] in VERSIONS:
            limit = VERSIONS.index(bound.args[-1])
            kept = tuple(name for name in names if name in VERSIONS and not outside(VERSIONS.index(name), limit))
            names, origin = kept, bound.origin if kept != names else origin
    return names, origin


def _default_versions(nginx: Nginx) -> tuple[str, ...]:
    return next((names for first, names in DEFAULT_PROTOCOLS if nginx.version >= first), ())


def _version_capability(nginx: Nginx) -> Capability:
    if not nginx.library.version:
        return Capability(None, f"it runs with {nginx.library.label or 'a library that it did not name'}", nginx.library.label)
    return Capability(VERSIONS[2:], "TLS 1.3 since OpenSSL 1.1.1 (OpenSSL CHANGES)", nginx.library.label, order="set")


def _groups(nginx: Nginx, socket: Socket) -> tuple[Setting | None, str]:
    node = socket.default.groups()
    text = node.args[-1] if node and node.args else "auto"
    origin = node.origin if node else _default(nginx)
    system = openssl.system_groups(nginx.snapshot.files) if text == "auto" else None
    if system:
        text, origin = system
    groups = (
        openssl.default_groups(nginx.library, nginx.groups.names) if text == "auto" else openssl.parse_groups(text, nginx.library, nginx.groups.names)
    )
    if groups is None:
        return None, f"the group list of {nginx.library.label or 'the library'} in use ({origin}) is not known"
    return Setting(tuple(name for name, dummy in groups), origin, tiers=tuple(tier for dummy, tier in groups)), ""


def _ignored(nginx: Nginx, socket: Socket) -> list[str]:
    """Directives that look as if they did something on this socket and do not."""
    notes = []
    for server in socket.servers[1:]:
        for name in ("ssl_ecdh_curve", *(() if server in socket.deciding("version", nginx.version) else ("ssl_protocols",))):
            notes += [_ignored_note(name, str(node.origin), socket) for node in server.node.named(name)]
        command = server.command("groups", "curves")
        if command and command in server.node.children:
            notes.append(_ignored_note("ssl_conf_command Groups", str(command.origin), socket))
    return notes


def _differing(nginx: Nginx, socket: Socket) -> list[str]:
    """Servers behind the default one whose own versions or ciphers count for their names."""
    notes = []
    for server in socket.servers[1:]:
        for aspect, name in (("version", "ssl_protocols"), ("cipher", "ssl_ciphers")):
            theirs, first = server.governing(name), socket.default.governing(name)
            if server in socket.deciding(aspect, nginx.version) and [n.args for n in theirs] != [n.args for n in first]:
                where = theirs[-1].origin if theirs else _default(nginx)
                notes.append(f"{server.label()} has {name} of its own ({where}), which counts for its names")
    return notes


def _ignored_note(name: str, origin: str, socket: Socket) -> str:
    return f"{name} at {origin} is ignored: {socket.default.label()} is the default on {socket.address}:{socket.port} and decides for all names"


def _certificates(nginx: Nginx, socket: Socket) -> tuple[Certificate, ...]:
    paths = dict.fromkeys(absolute(node.args[0], nginx.main) for server in socket.servers for node in _certificate_nodes(server))
    files = (nginx.assembly.file(path) for path in paths)
    return tuple(found for file in files if file and file.text and (found := leaf(file.text, file.path)))


def _signature(certificates: tuple[Certificate, ...]) -> Setting | None:
    """What the server proves itself with: the kinds of the keys of its certificates.  None when one of them could not be read."""
    if not certificates or not all(one.key for one in certificates):
        return None
    return Setting(tuple(dict.fromkeys(one.key for one in certificates)), Origin(certificates[0].path))


def _certificate_nodes(server: Server) -> tuple[Node, ...]:
    return tuple(node for node in server.governing("ssl_certificate") if node.args and "$" not in node.args[0])


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """nginx takes everything about TLS up on reload; old workers finish their connections."""
    main = main_path(snapshot)
    told = main != built(snapshot.answers.get("nginx-V")) and "nginx-masters" in snapshot.answers
    check = (*CHECK, "-c", main) if told else CHECK
    return Activation("nginx", UNITS, (), check, "reload", tuple(dict.fromkeys(p for e in endpoints for dummy, p in e.addresses if p)))


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """The main file, includes and certificates that nginx reads and the snapshot lacks.  A glob that matched nothing is complete."""
    nginx = of(snapshot)
    if nginx.main not in snapshot.files:
        return () if nginx.main in ("", *COLLECT.files) else (nginx.main,)
    wanted = [absolute(node.args[0], nginx.main) for socket in nginx.sockets for server in socket.servers for node in _certificate_nodes(server)]
    wanted += nginx_clients.named(nginx.assembly, nginx.sockets)
    absent = {path for path in wanted if nginx.assembly.file(path) is None}
    guessed = {pattern for pattern in COLLECT.files if "*" in pattern}
    return tuple(sorted(absent | (set(nginx.assembly.absent) - guessed)))


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """One Change a file; see nginx_write.py.  Raises Inexpressible, also when the edited files would not read as wished."""
    nginx = of(snapshot)
    before = read(snapshot)
    now = {endpoint.id: endpoint for endpoint in before}
    changes = Writer(nginx.assembly, nginx.sockets, nginx.version, nginx.library, nginx.groups, nginx.ciphers, now).changes(wishes)
    prove(before, read(after(snapshot, changes)), wishes, nginx.library)
    return changes


def servings(snapshot: Snapshot) -> tuple[Serving, ...]:
    if DEFAULT_CONF not in snapshot.files:
        return ()
    nginx = of(snapshot)
    return nginx_certificates.servings(nginx.assembly, nginx.sockets, nginx.version)


def rebind(snapshot: Snapshot, wanted: Mapping[Origin, tuple[Pair, ...]]) -> tuple[Change, ...]:
    nginx = of(snapshot)
    own = nginx_certificates.references(nginx.assembly, nginx.sockets)
    return nginx_certificates.rebind(nginx.assembly, (*own, *nginx_clients.references(nginx.assembly)), wanted)


def askings(snapshot: Snapshot) -> tuple[Asking, ...]:
    nginx = of(snapshot)
    return nginx_clients.askings(nginx.assembly, nginx.sockets)


def showings(snapshot: Snapshot) -> tuple[Showing, ...]:
    return nginx_clients.showings(of(snapshot).assembly)


SERVICE = Service(
    name="nginx",
    protocol="tls",
    collect=COLLECT,
    read=read,
    write=write,
    activation=activation,
    missing=missing,
    later=later,
    servings=servings,
    rebind=rebind,
    askings=askings,
    showings=showings,
    grant=GRANT,
)
