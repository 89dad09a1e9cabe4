"""Which certificates nginx serves where, and how these references are switched.

Source: ngx_http_ssl_module, ssl_certificate (several of different kinds since 1.11.0, a key behind each in the same order; values with
variables since 1.15.9; "data:", "engine:" and "store:" instead of a file).  A server that names one inherits none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..certificates.token import in_token
from ..credentials import Binding, Pair, Serving
from ..documents.braces import Splice
from ..model import Change, File, Inexpressible, Origin
from .nginx_config import Assembly, Node, absolute
from .nginx_edit import behind, change
from .nginx_sockets import Server, Socket
from .paths import real_path

CERTIFICATE, KEY = "ssl_certificate", "ssl_certificate_key"
NO_FILES = ("data:", "engine:", "store:")
STORES = (1, 29, 0)  # CHANGES: keys from hardware tokens with OpenSSL providers

Places = tuple[tuple[str, int, int], ...]


def servings(assembly: Assembly, sockets: tuple[Socket, ...], version: tuple[int, ...]) -> tuple[Serving, ...]:
    """One for each list of certificates, with every socket and name that it is for."""
    token = "store:" if version >= STORES else ""
    users: dict[Places, list[tuple[Socket, Server]]] = {}
    for socket in sockets:
        for server in socket.servers:
            if found := server.governing(CERTIFICATE):
                users.setdefault(tuple(node.place for node in found), []).append((socket, server))
    return tuple(
        Serving(
            service="nginx",
            endpoints=tuple(dict.fromkeys(socket.id for socket, dummy in members)),
            names=tuple(dict.fromkeys(name for dummy, server in members for name in server.names)),
            bindings=tuple(_bindings(assembly, members[0][1], token)),
        )
        for members in users.values()
    )


def _bindings(assembly: Assembly, server: Server, token: str = "") -> Iterator[Binding]:
    certificates, keys = server.governing(CERTIFICATE), server.governing(KEY)
    uneven = "" if len(certificates) == len(keys) else f"{server.label()} has {len(certificates)} certificates and {len(keys)} keys"
    for number, one in enumerate(certificates):
        key = keys[min(number, len(keys) - 1)] if keys else one
        yield Binding(Pair(path_of(one, assembly), path_of(key, assembly)), one.origin, uneven or fixed((one, key)), token=token)


def path_of(node: Node, assembly: Assembly) -> str:
    if node.name == KEY and node.args and node.args[0].startswith(NO_FILES):
        return node.args[0]
    return absolute(node.args[0], assembly.main) if node.args else ""


def fixed(nodes: tuple[Node, ...]) -> str:
    bad = next((node for node in nodes if not node.args or "$" in node.args[0] or _elsewhere(node)), None)
    return f"{bad.name} at {bad.origin} names no file" if bad else ""


def _elsewhere(node: Node) -> bool:
    """Neither a file nor a key in a token."""
    return node.args[0].startswith(NO_FILES) and not (node.name == KEY and in_token(node.args[0]))


def rebind(assembly: Assembly, references: Iterable[tuple[Node, Node, str]], wanted: Mapping[Origin, tuple[Pair, ...]]) -> tuple[Change, ...]:
    """One Change a file.  Raises Inexpressible for a reference that is not a pair of files."""
    splices: dict[str, list[Splice]] = {}
    files: dict[str, File] = {}
    done: set[Origin] = set()
    for one, key, why in references:
        if one.origin not in wanted or one.origin in done:
            continue
        done.add(one.origin)
        if why:
            raise Inexpressible(why, str(one.origin), "switch this reference by hand")
        for node, splice in _splices(assembly, one, key, wanted[one.origin]):
            splices.setdefault(real_path(node.file), []).append(splice)
            files[real_path(node.file)] = node.file
    made = (change(files[path], found) for path, found in splices.items())
    return tuple(one for one in made if one.edits)


def references(assembly: Assembly, sockets: tuple[Socket, ...]) -> Iterator[tuple[Node, Node, str]]:
    for server in (server for socket in sockets for server in socket.servers):
        certificates, keys = server.governing(CERTIFICATE), server.governing(KEY)
        if keys:
            fixed = (binding.fixed for binding in _bindings(assembly, server))
            yield from zip(certificates, (keys[min(i, len(keys) - 1)] for i in range(len(certificates))), fixed, strict=True)


def _splices(assembly: Assembly, one: Node, key: Node, pairs: tuple[Pair, ...]) -> Iterator[tuple[Node, Splice]]:
    if Pair(path_of(one, assembly), path_of(key, assembly)) != pairs[0]:
        yield one, _argument(one, pairs[0].certificate)
        yield key, _argument(key, pairs[0].key)
    if more := [f"{word} {path};" for pair in pairs[1:] for word, path in ((CERTIFICATE, pair.certificate), (KEY, _quoted(pair.key)))]:
        if one.file is not key.file:
            raise Inexpressible(f"its key is named in another file, {key.origin}", str(one.origin), "switch this reference by hand")
        last = max((one, key), key=lambda node: node.directive.end_at)
        yield last, behind(last, more)


def _argument(node: Node, path: str) -> Splice:
    word = node.directive.words[1]
    quote = word.raw[0] if word.raw[:1] in "'\"" else ""
    return Splice(word.line, word.column, word.raw, f"{quote}{path}{quote}" if quote else _quoted(path))


def _quoted(word: str) -> str:
    return f'"{word}"' if ";" in word else word
