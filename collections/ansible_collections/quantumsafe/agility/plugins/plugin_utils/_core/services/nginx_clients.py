"""Client certificates of nginx: whom it lets in, and what it shows to those whom it asks itself.

Sources: ngx_http_ssl_module and ngx_stream_ssl_module (ssl_verify_client, ssl_client_certificate, ssl_trusted_certificate: both decide, only
the names of the former are sent; ssl_verify_depth, 1 by default; ssl_crl), ngx_http_proxy_module, ngx_http_grpc_module,
ngx_http_uwsgi_module, ngx_stream_proxy_module (each directive is inherited by itself, from the nearest level that has it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..credentials import Asking, Binding, Pair, Showing
from .nginx_certificates import fixed, path_of
from .nginx_config import Assembly, Node
from .nginx_sockets import Server, Socket

BUNDLES = ("ssl_client_certificate", "ssl_trusted_certificate")
VERIFY = {"on": "required", "optional": "optional", "optional_no_ca": "unchecked"}
# directive that names the other side → the prefix of those about TLS, and how an address begins where TLS is spoken
LEGS = {"proxy_pass": ("proxy_ssl_", "https://"), "grpc_pass": ("grpc_ssl_", "grpcs://"), "uwsgi_pass": ("uwsgi_ssl_", "suwsgi://")}
SHOWN = tuple(f"{prefix}certificate" for prefix, dummy in LEGS.values())
_NESTED = ("server", "location", "if", "limit_except")


def verify(server: Server) -> str:
    """required, optional, unchecked (any certificate will do), off."""
    found = server.governing("ssl_verify_client")[-1:]
    return VERIFY.get(found[0].args[0], "off") if found and found[0].args else "off"


def depth(server: Server) -> int:
    found = server.governing("ssl_verify_depth")[-1:]
    return int(found[0].args[0]) if found and found[0].args and found[0].args[0].isdigit() else 1


def bundles(assembly: Assembly, server: Server) -> tuple[str, ...]:
    """The files whose certificates decide whom it lets in."""
    nodes = [node for name in BUNDLES for node in server.governing(name)[-1:] if node.args and node.args[0]]
    return tuple(dict.fromkeys(path_of(node, assembly) for node in nodes))


def askings(assembly: Assembly, sockets: tuple[Socket, ...]) -> tuple[Asking, ...]:
    """One for each server of a socket that lets clients in by their certificates."""
    return tuple(
        Asking(
            service="nginx",
            endpoint=socket.id,
            names=server.names,
            bundles=bundles(assembly, server),
            required=verify(server) == "required",
            depth=depth(server),
            origin=server.governing("ssl_verify_client")[-1].origin,
            listens=(socket.address, socket.port),
            fixed=_revoked(server),
        )
        for socket in sockets
        for server in socket.servers
        if verify(server) in ("required", "optional") and bundles(assembly, server)
    )


def _revoked(server: Server) -> str:
    found = server.governing("ssl_crl")[-1:]
    return f"ssl_crl at {found[0].origin} wants a list of every authority, so nobody of a new one gets in before its list is there" if found else ""


@dataclass(frozen=True, slots=True)
class Leg:
    """One way to another server over TLS.  node: what names it; scope: the blocks around it, outermost first; prefix: of its directives."""

    node: Node
    scope: tuple[Node, ...]
    prefix: str
    target: str
    context: Node

    def governing(self, name: str) -> Node | None:
        return _nearest(self.scope, self.prefix + name)

    def word(self, name: str) -> str:
        node = self.governing(name)
        return node.args[0] if node and node.args else ""

    @property
    def host(self) -> str:
        return _host_port(self.target, 0)[0]

    @property
    def peers(self) -> tuple[tuple[str, int], ...]:
        """Whom it is shown to; () where a variable stands for it, or for a socket of this host."""
        if "$" in self.target:
            return ()
        named = [block for block in self.context.named("upstream") if block.args[:1] == (self.target,)]
        port = 443 if self.context.name == "http" else 0
        words = [node.args[0] for block in named for node in block.named("server") if node.args] if named else [self.target]
        found = (_host_port(word, 80 if named else port) for word in words if not word.startswith("unix:"))
        return tuple((host, number) for host, number in found if number)

    @property
    def asked_name(self) -> str:
        """What it asks for by SNI; "" when it names nobody, as by default."""
        return (self.word("name") or self.host) if self.word("server_name") == "on" else ""


def _nearest(scope: tuple[Node, ...], name: str) -> Node | None:
    found = (block.named(name)[-1:] for block in reversed(scope))
    return next((nodes[0] for nodes in found if nodes), None)


def _host_port(text: str, port: int) -> tuple[str, int]:
    host, colon, number = text.rpartition(":")
    return (host.strip("[]"), int(number)) if colon and number.isdigit() else (text.strip("[]"), port)


def legs(assembly: Assembly) -> Iterator[Leg]:
    """Those on which a certificate is shown, in reading order."""
    for context in assembly.top:
        if context.name in ("http", "stream"):
            yield from (leg for leg in _legs(context, context, ()) if leg.word("certificate"))


def _legs(context: Node, block: Node, above: tuple[Node, ...]) -> Iterator[Leg]:
    scope = (*above, block)
    for node in block.children:
        if node.name in LEGS and node.args:
            prefix, scheme = LEGS[node.name]
            leg = Leg(node, scope, prefix, node.args[0].removeprefix(scheme).partition("/")[0], context)
            switch = _nearest(scope, "proxy_ssl") if context.name == "stream" else None
            if node.args[0].startswith(scheme) or (switch and switch.args == ("on",)):
                yield leg
        elif node.name in _NESTED:
            yield from _legs(context, node, scope)


def showings(assembly: Assembly) -> tuple[Showing, ...]:
    """One for each certificate and whom it is shown to."""
    out: dict[tuple[object, str], Showing] = {}
    taken: set[str] = set()
    for leg, one, key, why in _shown(assembly):
        if (one.place, leg.target) in out:
            continue
        id_ = f"nginx → {leg.target}"
        id_ = f"{id_} ({leg.node.origin})" if id_ in taken else id_
        taken.add(id_)
        pair = Pair(path_of(one, assembly), path_of(key, assembly))
        binding = Binding(pair, one.origin, why, "one file" if pair.certificate == pair.key else "beside")
        out[one.place, leg.target] = Showing("nginx", id_, binding, leg.peers, leg.asked_name)
    return tuple(out.values())


def references(assembly: Assembly) -> Iterator[tuple[Node, Node, str]]:
    """(certificate, its key, why they cannot be switched), for those who write them."""
    return ((one, key, why) for dummy, one, key, why in _shown(assembly))


def _shown(assembly: Assembly) -> Iterator[tuple[Leg, Node, Node, str]]:
    for leg in legs(assembly):
        if one := leg.governing("certificate"):
            key = leg.governing("certificate_key")
            yield leg, one, key or one, fixed((one, key)) if key else f"{one.name} at {one.origin} has no key of its own"


def named(assembly: Assembly, sockets: tuple[Socket, ...]) -> list[str]:
    """The files of certificates that this is read from."""
    trusted = [path for socket in sockets for server in socket.servers if verify(server) != "off" for path in bundles(assembly, server)]
    shown = [one.binding.pair.certificate for one in showings(assembly) if not one.binding.fixed]
    return list(dict.fromkeys((*trusted, *shown)))
