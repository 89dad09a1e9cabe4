"""How wishes for sockets become line edits of nginx's files: replace the argument that governs, else add a directive where it will govern."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..documents.braces import Splice
from ..model import Capability, Change, Endpoint, File, Inexpressible, Wanted, Wishes
from .nginx_ciphers import Ciphers, governing
from .nginx_config import Assembly, Node
from .nginx_edit import behind, change
from .nginx_sockets import Server, Socket
from .openssl import Library, render_groups
from .openssl_lists import is_modern, old_versions
from .paths import real_path

# All that ssl_protocols takes, in the order in which people write it (ngx_http_ssl_module).
VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

COMMANDS = (1, 19, 4)  # the first nginx with ssl_conf_command (CHANGES)

# What can be said → the directive that is added when nothing says it.  The aspect "cipher" is two: suites of TLS 1.3 have their own list.
DIRECTIVES = {"version": "ssl_protocols", "key_exchange": "ssl_ecdh_curve", "old": "ssl_ciphers", "modern": "ssl_conf_command Ciphersuites"}

# … → the directive that says it for a server today
GOVERNING: Mapping[str, Callable[[Server], Node | None]] = {
    "version": lambda server: next(iter(server.governing("ssl_protocols")[-1:]), None),
    "key_exchange": Server.groups,
    "old": governing,
    "modern": lambda server: server.command("ciphersuites"),
}

# Every directive that is written: those, and the others that may govern
SAYS = (*DIRECTIVES.values(), *(f"ssl_conf_command {name}" for name in ("CipherString", "Groups", "Curves")))

# What a directive shall say for a server of a socket; "" = it may stay
Value = Callable[[Socket, Server], str]


@dataclass(frozen=True, slots=True)
class Writer:
    """endpoints: the sockets as they are read today, by id."""

    assembly: Assembly
    sockets: tuple[Socket, ...]
    version: tuple[int, ...]
    library: Library
    capability: Capability
    ciphers: Ciphers
    endpoints: Mapping[str, Endpoint]

    def changes(self, wishes: Wishes) -> tuple[Change, ...]:
        """One Change a file.  Raises Inexpressible and changes nothing when a wish cannot be said."""
        splices: dict[str, list[Splice]] = {}
        for kind, value in self.values(wishes).items():
            for path, splice in self.placed(kind, value):
                splices.setdefault(path, []).append(splice)
        return tuple(made for path, found in splices.items() if (made := change(self.file(path), found)).edits)

    def file(self, path: str) -> File:
        return next(file for file in self.assembly.snapshot.files.values() if real_path(file) == path)

    def values(self, wishes: Wishes) -> dict[str, Value]:
        """What each kind of directive shall say."""
        out: dict[str, Value] = {}
        for aspect in dict.fromkeys(aspect for wanted in wishes.values() for aspect in wanted):
            if aspect == "cipher":
                texts = {kind: self.cipher_texts(kind, wishes) for kind in ("old", "modern")}
                out |= {kind: _by_server(found) for kind, found in texts.items()}
            elif aspect in DIRECTIVES:
                out[aspect] = _by_socket({id_: self.render(aspect, wanted[aspect]) for id_, wanted in wishes.items() if aspect in wanted})
            elif any(wanted[aspect].names != self.endpoints[id_].settings[aspect].values for id_, wanted in wishes.items() if aspect in wanted):
                raise Inexpressible(f"this release does not write {aspect} for nginx", self.assembly.main)
        return out

    def cipher_texts(self, kind: str, wishes: Wishes) -> dict[tuple[str, tuple[str, int, int]], str]:
        """(socket id, place of the server) → its list.  Raises Inexpressible rather than leave a version that stays on without a suite."""
        out = {}
        for socket in self.sockets:
            wanted = wishes.get(socket.id, {}).get("cipher")
            if wanted is None:
                continue
            versions = self.versions(socket, wishes)
            everyone = self.ciphers.everyone(socket, versions)
            self.check_suites(socket, wanted.names, versions, everyone)
            say = self.ciphers.modern_text if kind == "modern" else self.ciphers.old_text
            names = [name for name in wanted.names if is_modern(name) is (kind == "modern")]
            for server in socket.servers:
                text = say(server, names, versions, everyone)
                if text and kind == "modern" and self.version and self.version < COMMANDS:
                    raise Inexpressible(
                        f"suites of TLS 1.3 cannot be set before nginx {_dotted(COMMANDS)}: it has no ssl_conf_command",
                        str(server.node.origin),
                        "set Ciphersuites in openssl.cnf, or upgrade nginx",
                    )
                out[socket.id, server.node.place] = text
        return out

    def versions(self, socket: Socket, wishes: Wishes) -> tuple[str, ...]:
        """The TLS versions that will be on."""
        wanted, now = wishes[socket.id].get("version"), self.endpoints[socket.id].settings.get("version")
        return wanted.names if wanted else now.values if now else VERSIONS

    def check_suites(self, socket: Socket, names: tuple[str, ...], versions: tuple[str, ...], everyone: frozenset[str]) -> None:
        capability = self.ciphers.capability(socket, versions)
        where = str(socket.default.node.origin)
        if capability.names is None:
            raise Inexpressible(f"which suites nginx can do is unknown: {capability.source}", where)
        unknown = [name for name in names if name not in capability.names and name not in everyone]
        if unknown:
            raise Inexpressible(f"{capability.library} does not do {', '.join(unknown)} on {socket.id}", where)
        for on, left, which in (
            ("TLSv1.3" in versions, any(map(is_modern, names)), "TLS 1.3"),
            (old_versions(versions), not all(map(is_modern, names)), "TLS 1.2 and before"),
        ):
            if on and not left:
                raise Inexpressible(
                    f"no suite of {which} would be left on {socket.id}, where it is on", where, "an empty list is no list: turn it off"
                )

    def render(self, aspect: str, wanted: Wanted) -> str:
        """The argument text.  Raises Inexpressible for an empty list, or a name that this library is not known to have."""
        if not wanted.names:
            raise Inexpressible(f"an empty list for {aspect}: nginx would fall back to its defaults", self.assembly.main)
        if aspect == "version":
            if strange := [name for name in wanted.names if name not in VERSIONS]:
                raise Inexpressible(f"ssl_protocols knows no {', '.join(strange)}", self.assembly.main)
            return " ".join(name for name in VERSIONS if name in wanted.names)
        if self.capability.names is None:
            raise Inexpressible(f"which groups nginx can do is unknown: {self.capability.source}", self.assembly.main)
        unknown = [name for name in wanted.names if name not in self.capability.names]
        if unknown:
            raise Inexpressible(f"{self.capability.library} does not know {', '.join(unknown)}; nginx would not start", self.assembly.main)
        return render_groups(wanted.names, wanted.tiers, self.library)

    def placed(self, kind: str, value: Value) -> Iterable[tuple[str, Splice]]:
        """Where each value goes.  A directive that several sockets share is edited only if all of them wish the same."""
        governed: dict[tuple[str, int, int], tuple[Node, list[tuple[Socket, Server]]]] = {}
        bare: list[tuple[Socket, Server]] = []
        for socket in self.sockets:
            for server in socket.deciding(kind, self.version):
                node = GOVERNING[kind](server)
                if node:
                    governed.setdefault(node.place, (node, []))[1].append((socket, server))
                else:
                    bare.append((socket, server))
        done: set[tuple[str, int, int]] = set()
        for node, users in governed.values():
            yield from self.over(node, users, kind, value, done)
        yield from self.added(bare, kind, value, done)

    def over(
        self, node: Node, users: list[tuple[Socket, Server]], kind: str, value: Value, done: set[tuple[str, int, int]]
    ) -> Iterable[tuple[str, Splice]]:
        wished = {value(socket, server) for socket, server in users}
        if wished == {""}:
            return
        if len(wished) == 1:
            if splice := _argument(node, wished.pop(), kind):
                yield real_path(node.file), splice
            return
        for socket, server in users:
            if not (text := value(socket, server)):
                continue
            if node in server.node.children:
                raise Inexpressible(f"{node.name} at {node.origin} serves sockets for which the policy wants different values", str(node.origin))
            yield from self.into(server, kind, text, done)

    def added(self, bare: list[tuple[Socket, Server]], kind: str, value: Value, done: set[tuple[str, int, int]]) -> Iterable[tuple[str, Splice]]:
        """One line in the http block when every server there wishes the same and nobody sets it; else one in each deciding server."""
        if kind == "modern":  # a server with commands of its own inherits none
            for socket, server in bare:
                if server.node.named("ssl_conf_command") and (text := value(socket, server)):
                    yield from self.into(server, kind, text, done)
            bare = [(socket, server) for socket, server in bare if not server.node.named("ssl_conf_command")]
        wished = {value(socket, server) for socket, server in bare}
        if not wished - {""}:
            return
        contexts = {server.context.place: server.context for dummy, server in bare}
        if len(wished) == 1 and len(contexts) == 1 and (len(bare) > 1 or (kind == "modern" and _hidden(bare[0][1]))):
            (context,) = contexts.values()
            yield from self.insert(context, kind, wished.pop(), done)
            return
        for socket, server in bare:
            if text := value(socket, server):
                yield from self.into(server, kind, text, done)

    def into(self, server: Server, kind: str, text: str, done: set[tuple[str, int, int]]) -> Iterable[tuple[str, Splice]]:
        """Into the server's own block.  Its first ssl_conf_command would hide all that it inherits (documentation of that directive)."""
        hidden = _hidden(server) if kind == "modern" else None
        if hidden:
            raise Inexpressible(
                f"ssl_conf_command in {server.label()} would switch off the one at {hidden.origin}", str(hidden.origin), "repeat it in that server"
            )
        yield from self.insert(server.node, kind, text, done)

    def insert(self, block: Node, kind: str, value: str, done: set[tuple[str, int, int]]) -> Iterable[tuple[str, Splice]]:
        """Behind the last ssl_* (else listen, else first) directive that stands in the block's own file, indented like it."""
        if block.place in done:
            return
        done.add(block.place)
        own = [child for child in block.children if child.file is block.file and child.directive.body is None]
        ssl = [child for child in own if child.name.startswith("ssl_")] or [child for child in own if child.name == "listen"]
        text = f"{DIRECTIVES[kind]} {value};"
        path = real_path(block.file)
        if not own:
            line, column = block.directive.open_at
            yield path, Splice(line, column, "", f" {text}")
            return
        yield path, behind((ssl or own[:1])[-1], [text])


def _argument(node: Node, value: str, aspect: str) -> Splice | None:
    """Replace the argument text, in the quotes it has: the last word of a group list, all words of ssl_protocols.

    None when it says that already.  Raises Inexpressible when the words stand on several lines.
    """
    words = node.directive.words[1:] if aspect == "version" else node.directive.words[-1:]
    if set(value.split()) == {word.value for word in words}:
        return None
    if len({word.line for word in words}) > 1:
        raise Inexpressible(f"{node.name} runs over several lines", str(node.origin), "put it on one line")
    old = words[0].raw + "".join(word.before + word.raw for word in words[1:])
    quote = words[0].raw[0] if len(words) == 1 and words[0].raw[0] in "'\"" and " " not in value else ""
    return Splice(words[0].line, words[0].column, old, f"{quote}{value}{quote}")


def _hidden(server: Server) -> Node | None:
    """A command of the context that the server inherits, and would lose with a command of its own."""
    others = (node for node in server.context.named("ssl_conf_command") if node.args[:1] and node.args[0].lower() != "ciphersuites")
    return None if server.node.named("ssl_conf_command") else next(others, None)


def _by_socket(texts: Mapping[str, str]) -> Value:
    return lambda socket, server: texts.get(socket.id, "")


def _by_server(texts: Mapping[tuple[str, tuple[str, int, int]], str]) -> Value:
    return lambda socket, server: texts.get((socket.id, server.node.place), "")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
