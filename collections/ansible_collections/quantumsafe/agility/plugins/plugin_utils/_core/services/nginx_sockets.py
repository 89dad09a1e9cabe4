"""Which servers share a listening TLS socket, and which directive governs what on it.

OpenSSL settles the group before nginx knows the server name, so the default server's list governs every name of a socket (tried on
1.18 to 1.31).  Protocol versions follow the default server before nginx 1.29.2 and each server from then on (CHANGES, 1.29.2).
Ciphers and certificates follow each server.  Sources: ngx_http_core_module `listen`, ngx_http_ssl_module, CHANGES.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Unparsable
from .nginx_config import Assembly, Node

CONTEXTS = ("http", "stream", "mail")
PER_SERVER_VERSIONS = (1, 29, 2)  # from here on ssl_protocols of a non-default server counts

# "443", "8000-8010"; "*:443", "[::1]:443", "localhost"
_ONLY_PORT = re.compile(r"(?P<host>)(?P<port>\d+)(?:-(?P<last>\d+))?")
_ADDRESS = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+)(?::(?P<port>\d+)(?:-(?P<last>\d+))?)?")


@dataclass(frozen=True, slots=True)
class Server:
    """One server block and the context (http, stream or mail) it inherits from."""

    node: Node
    context: Node

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for node in self.node.named("server_name") for name in node.args if name not in ("_", "") and not name.startswith("~"))

    def label(self) -> str:
        return f"server {self.names[0]}" if self.names else f"the server at {self.node.origin}"

    def governing(self, name: str) -> tuple[Node, ...]:
        """The directives of that name that count here: the server's own, else those of its context."""
        return self.node.named(name) or self.context.named(name)

    def command(self, *names: str) -> Node | None:
        """The last `ssl_conf_command NAME value` that counts here.  One of them at server level hides all of the context's."""
        wanted = [name.lower() for name in names]
        found = [node for node in self.governing("ssl_conf_command") if node.args and node.args[0].lower() in wanted]
        return found[-1] if found else None

    def groups(self) -> Node | None:
        """ssl_conf_command is carried out last and wins over ssl_ecdh_curve."""
        return self.command("groups", "curves") or next(iter(self.governing("ssl_ecdh_curve")[-1:]), None)


@dataclass(frozen=True, slots=True)
class Socket:
    """One listening TLS socket.  servers: the default server first, then in reading order."""

    address: str
    port: int
    servers: tuple[Server, ...]
    quic: tuple[Node, ...] = ()

    @property
    def id(self) -> str:
        return f"nginx {self.address}:{self.port}" if self.port else f"nginx {self.address}"

    @property
    def default(self) -> Server:
        return self.servers[0]

    def deciding(self, aspect: str, version: tuple[int, ...]) -> tuple[Server, ...]:
        """The servers whose directives decide this aspect here.  version () = unknown: all that may."""
        if aspect == "key_exchange" or (aspect == "version" and version and version < PER_SERVER_VERSIONS):
            return self.servers[:1]
        return self.servers


def tls_sockets(assembly: Assembly) -> tuple[Socket, ...]:
    """Every TLS socket, in reading order.  Raises Unparsable for a `listen` that cannot be understood."""
    sockets: dict[tuple[str, str, int], list[tuple[Server, Node | None]]] = {}
    quic: dict[tuple[str, str, int], list[Node]] = {}
    for context in (node for node in assembly.top if node.name in CONTEXTS):
        for block in context.named("server"):
            server = Server(block, context)
            for listen, address, port in _listens(server):
                key = (context.name, address, port)
                if listen is not None and "quic" in listen.args[1:]:
                    quic.setdefault(key, []).append(listen)
                else:
                    sockets.setdefault(key, []).append((server, listen))
    return tuple(
        Socket(address, port, _default_first(members), tuple(quic.get((context, address, port), ())))
        for (context, address, port), members in sockets.items()
        if any(_speaks_tls(server, listen) for server, listen in members)
    )


def quic_listens(assembly: Assembly) -> tuple[Node, ...]:
    """Every `listen … quic`: TLS over UDP, which has no socket of its own in this release."""
    servers = (block for node in assembly.top if node.name in CONTEXTS for block in node.named("server"))
    return tuple(listen for block in servers for listen in block.named("listen") if "quic" in listen.args[1:])


def _default_first(members: list[tuple[Server, Node | None]]) -> tuple[Server, ...]:
    chosen = next((s for s, listen in members if listen and {"default_server", "default"} & set(listen.args[1:])), members[0][0])
    return (chosen, *(server for server in dict.fromkeys(s for s, dummy in members) if server is not chosen))


def _speaks_tls(server: Server, listen: Node | None) -> bool:
    """`ssl` on one listen holds for the whole socket; `ssl on;` is the form before 1.25.1."""
    if listen and "ssl" in listen.args[1:]:
        return True
    return any(node.args[:1] == ("on",) for node in server.governing("ssl"))


def _listens(server: Server) -> Iterator[tuple[Node | None, str, int]]:
    """(directive, address, port); a server without `listen` takes port 80 (8000 when nginx is not started by root)."""
    if not server.node.named("listen"):
        yield None, "*", 80
    for listen in server.node.named("listen"):
        text = listen.args[0] if listen.args else ""
        if text.startswith("unix:"):
            yield listen, text, 0
            continue
        match = _ONLY_PORT.fullmatch(text) or _ADDRESS.fullmatch(text)
        if not match:
            raise Unparsable(f"listen {text or '(nothing)'}: neither an address nor a port", str(listen.origin), "run `nginx -t`")
        first = int(match["port"] or 80)
        for port in range(first, int(match["last"] or first) + 1):
            yield listen, _address(match["host"]), port


def _address(host: str) -> str:
    return "*" if host in ("", "*", "0.0.0.0") else host.lower()
