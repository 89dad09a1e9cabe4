"""nginx.  Sources: ngx_http_ssl_module, ngx_http_core_module `listen`, nginx CHANGES; SSL_CTX_set1_groups_list(3) for what lists mean.

Values are effective per listening socket, not per line: what governs what is in nginx_sockets.py.
"""

from __future__ import annotations

import re

from ..certificates.read import leaf
from ..model import Activation, Capability, Certificate, Change, Collect, Endpoint, Follow, Origin, Service, Setting, Snapshot, Wishes
from . import openssl
from .nginx_config import DEFAULT_CONF, Assembly, Node, absolute, main_path
from .nginx_sockets import Server, Socket, quic_listens, tls_sockets
from .nginx_write import write_sockets

VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
TLS13_SUITES = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")

# First nginx version → ssl_protocols when nobody sets it (documentation of ssl_protocols; CHANGES 1.23.4 added TLSv1.3, 1.27.3 dropped 1.0, 1.1).
DEFAULT_PROTOCOLS: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    ((1, 27, 3), ("TLSv1.2", "TLSv1.3")),
    ((1, 23, 4), ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
    ((0,), ("TLSv1", "TLSv1.1", "TLSv1.2")),
)

COLLECT = Collect(
    needs=(DEFAULT_CONF,),
    files=(DEFAULT_CONF, "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*", "/etc/nginx/modules-enabled/*.conf"),
    follow=(Follow("include", "/etc/nginx"), Follow("ssl_certificate", "/etc/nginx")),
    commands={"nginx-V": ("nginx", "-V"), **openssl.COMMANDS},
)


class Nginx:
    """One snapshot seen as nginx: its configuration, version and library.  Raises Unparsable (file:line)."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        answer = snapshot.answers.get("nginx-V")
        self.said = f"{answer.err}\n{answer.out}" if answer else ""
        self.main = main_path(answer)
        self.assembly = Assembly(snapshot, self.main)
        found = re.search(r"nginx/(\d+(?:\.\d+)+)", self.said)
        self.version = tuple(int(part) for part in found[1].split(".")) if found else ()
        self.label = f"nginx {found[1]}" if found else "nginx of unknown version"
        self.library = openssl.library(_running(self.said))

    @property
    def sockets(self) -> tuple[Socket, ...]:
        return tls_sockets(self.assembly)

    @property
    def groups(self) -> Capability:
        return openssl.group_capability(self.library, {name: self.snapshot.answers.get(name) for name in openssl.COMMANDS})


def _running(said: str) -> str:
    """ "built with OpenSSL 3.5.1 … (running with OpenSSL 3.5.7 …)": what runs counts."""
    found = re.search(r"running with ((?:\w+) [^)\s]+)", said) or re.search(r"built with ((?:OpenSSL|LibreSSL|BoringSSL) ?\S*)", said)
    return found[1] if found else ""


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """One endpoint for each listening TLS socket."""
    if DEFAULT_CONF not in snapshot.files:
        return ()
    nginx = Nginx(snapshot)
    quic = tuple(f"{node.origin}: QUIC is not assessed" for node in quic_listens(nginx.assembly))
    return tuple(_endpoint(nginx, socket, quic) for socket in nginx.sockets)


def _endpoint(nginx: Nginx, socket: Socket, quic: tuple[str, ...]) -> Endpoint:
    settings, notes = {}, [*quic, *_ignored(nginx, socket)]
    for aspect, (setting, note) in {
        "version": _versions(nginx, socket),
        "key_exchange": _groups(nginx, socket),
        "cipher": _ciphers(nginx, socket),
    }.items():
        if setting:
            settings[aspect] = setting
        if note:
            notes.append(note)
    return Endpoint(
        id=socket.id,
        service="nginx",
        protocol="tls",
        names="openssl",
        addresses=((socket.address.strip("[]"), socket.port),),
        version=nginx.label,
        settings=settings,
        capabilities={"version": _version_capability(nginx), "key_exchange": nginx.groups},
        certificates=_certificates(nginx, socket),
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
        nodes = server.governing("ssl_protocols")
        for name in nodes[-1].args if nodes else _default_versions(nginx):
            allowed[name] = None
        origin = origin or (nodes[-1].origin if nodes else _default(nginx))
    if not allowed or origin is None:
        return None, "ssl_protocols is not set and the default of an unknown nginx version cannot be told"
    return Setting(tuple(name for name in VERSIONS if name in allowed), origin), ""


def _default_versions(nginx: Nginx) -> tuple[str, ...]:
    return next((names for first, names in DEFAULT_PROTOCOLS if nginx.version >= first), ())


def _version_capability(nginx: Nginx) -> Capability:
    if not nginx.library.version:
        return Capability(None, f"it runs with {nginx.library.label or 'a library that it did not name'}", nginx.library.label)
    return Capability(VERSIONS[2:], "TLS 1.3 since OpenSSL 1.1.1 (OpenSSL CHANGES)", nginx.library.label)


def _groups(nginx: Nginx, socket: Socket) -> tuple[Setting | None, str]:
    node = socket.default.groups()
    text = node.args[-1] if node and node.args else "auto"
    origin = node.origin if node else _default(nginx)
    if text == "auto":
        groups = openssl.default_groups(nginx.library)
    else:
        groups = openssl.parse_groups(text, nginx.library, nginx.groups.names)
    if groups is None:
        return None, f"the group list of {nginx.library.label or 'the library'} in use ({origin}) is not known"
    return Setting(tuple(name for name, _ in groups), origin, tiers=tuple(tier for _, tier in groups)), ""


def _ciphers(nginx: Nginx, socket: Socket) -> tuple[Setting | None, str]:
    """Plain lists of names only; an expression such as HIGH:!aNULL would need this library to expand it."""
    nodes = socket.default.governing("ssl_ciphers")
    suites = socket.default.command("ciphersuites")
    modern = tuple(suites.args[-1].split(":")) if suites else TLS13_SUITES
    if not nodes:
        return None, "ssl_ciphers is not set: the library's expression HIGH:!aNULL:!MD5 is not expanded"
    names = tuple(nodes[-1].args[0].split(":"))
    if any(not re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+|TLS_\w+", name) for name in names):
        return None, f"ssl_ciphers at {nodes[-1].origin} is an expression, which is not expanded"
    return Setting((*modern, *(name for name in names if name not in modern)), nodes[-1].origin), ""


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


def _ignored_note(name: str, origin: str, socket: Socket) -> str:
    return f"{name} at {origin} is ignored: {socket.default.label()} is the default on {socket.address}:{socket.port} and decides for all names"


def _certificates(nginx: Nginx, socket: Socket) -> tuple[Certificate, ...]:
    paths = dict.fromkeys(absolute(node.args[0], nginx.main) for server in socket.servers for node in _certificate_nodes(server))
    files = (nginx.assembly.file(path) for path in paths)
    return tuple(found for file in files if file and file.text and (found := leaf(file.text, file.path)))


def _certificate_nodes(server: Server) -> tuple[Node, ...]:
    return tuple(node for node in server.governing("ssl_certificate") if node.args and "$" not in node.args[0])


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """nginx takes everything about TLS up on reload; old workers finish their connections."""
    return Activation("nginx", ("nginx.service",), (), ("nginx", "-t"), "reload", tuple(dict.fromkeys(p for e in endpoints for _, p in e.addresses)))


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """Includes and certificates that the configuration names and the snapshot lacks.  A glob that matched nothing is complete."""
    if DEFAULT_CONF not in snapshot.files:
        return ()
    nginx = Nginx(snapshot)
    wanted = [absolute(node.args[0], nginx.main) for socket in nginx.sockets for server in socket.servers for node in _certificate_nodes(server)]
    absent = {path for path in wanted if nginx.assembly.file(path) is None}
    guessed = {pattern for pattern in COLLECT.files if "*" in pattern}
    return tuple(sorted(absent | (set(nginx.assembly.absent) - guessed)))


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """One Change a file; see nginx_write.py.  Raises Inexpressible."""
    nginx = Nginx(snapshot)
    return write_sockets(nginx.assembly, nginx.sockets, nginx.version, nginx.library, nginx.groups, wishes)


SERVICE = Service(name="nginx", protocol="tls", collect=COLLECT, read=read, write=write, activation=activation, missing=missing)
