"""How wishes for sockets become line edits of nginx's files: replace the argument that governs, else add a directive where it will govern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..documents import braces, lines
from ..documents.braces import Splice
from ..model import Capability, Change, Inexpressible, Wanted, Wishes
from .nginx_config import Assembly, Node
from .nginx_sockets import Server, Socket
from .openssl import Library, render_groups
from .paths import real_path

# All that ssl_protocols takes, in the order in which people write it (ngx_http_ssl_module).
VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

REDACTED = "[redacted]"  # what the agent puts in place of a secret

# aspect → the directive that is added when nothing sets it
DIRECTIVES = {"version": "ssl_protocols", "key_exchange": "ssl_ecdh_curve"}


@dataclass(frozen=True, slots=True)
class Writer:
    assembly: Assembly
    sockets: tuple[Socket, ...]
    version: tuple[int, ...]
    library: Library
    capability: Capability

    def changes(self, wishes: Wishes) -> tuple[Change, ...]:
        splices: dict[str, list[Splice]] = {}
        for aspect in dict.fromkeys(aspect for wanted in wishes.values() for aspect in wanted):
            if aspect not in DIRECTIVES:
                raise Inexpressible(f"this release does not write {aspect} for nginx", self.assembly.main)
            values = {id_: self.render(aspect, wanted[aspect]) for id_, wanted in wishes.items() if aspect in wanted}
            for path, splice in self.placed(aspect, values):
                splices.setdefault(path, []).append(splice)
        return tuple(change for path, found in splices.items() if (change := self.change(path, found)).edits)

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

    def placed(self, aspect: str, values: Mapping[str, str]) -> Iterable[tuple[str, Splice]]:
        """Where each value goes.  A directive that several sockets share is edited only if all of them wish the same."""
        governed: dict[tuple[str, int, int], tuple[Node, list[tuple[Socket, Server]]]] = {}
        bare: list[tuple[Socket, Server]] = []
        for socket in self.sockets:
            for server in socket.deciding(aspect, self.version):
                node = self.governing(aspect, server)
                if node:
                    governed.setdefault(node.place, (node, []))[1].append((socket, server))
                else:
                    bare.append((socket, server))
        done: set[tuple[str, int, int]] = set()
        for node, users in governed.values():
            yield from self.over(node, users, aspect, values, done)
        yield from self.added(bare, aspect, values, done)

    def governing(self, aspect: str, server: Server) -> Node | None:
        return server.groups() if aspect == "key_exchange" else next(iter(server.governing("ssl_protocols")[-1:]), None)

    def over(
        self, node: Node, users: list[tuple[Socket, Server]], aspect: str, values: Mapping[str, str], done: set[tuple[str, int, int]]
    ) -> Iterable[tuple[str, Splice]]:
        wished = {values.get(socket.id, "") for socket, dummy in users}
        if wished == {""}:
            return
        if len(wished) == 1:
            if splice := _argument(node, wished.pop(), aspect):
                yield real_path(node.file), splice
            return
        for socket, server in users:
            if socket.id not in values:
                continue
            if node in server.node.children:
                raise Inexpressible(f"{node.name} at {node.origin} serves sockets for which the policy wants different values", str(node.origin))
            yield from self.insert(server.node, aspect, values[socket.id], done)

    def added(
        self, bare: list[tuple[Socket, Server]], aspect: str, values: Mapping[str, str], done: set[tuple[str, int, int]]
    ) -> Iterable[tuple[str, Splice]]:
        """One line in the http block when every socket there wishes the same and nobody sets it; else one in each deciding server."""
        wished = {values.get(socket.id, "") for socket, dummy in bare}
        if wished == {""}:
            return
        contexts = {server.context.place: server.context for dummy, server in bare}
        if len(wished) == 1 and len(contexts) == 1 and len(bare) > 1:
            (context,) = contexts.values()
            yield from self.insert(context, aspect, wished.pop(), done)
            return
        for socket, server in bare:
            if socket.id in values:
                yield from self.insert(server.node, aspect, values[socket.id], done)

    def insert(self, block: Node, aspect: str, value: str, done: set[tuple[str, int, int]]) -> Iterable[tuple[str, Splice]]:
        """Behind the last ssl_* (else listen, else first) directive that stands in the block's own file, indented like it."""
        if block.place in done:
            return
        done.add(block.place)
        own = [child for child in block.children if child.file is block.file and child.directive.body is None]
        ssl = [child for child in own if child.name.startswith("ssl_")] or [child for child in own if child.name == "listen"]
        text = f"{DIRECTIVES[aspect]} {value};"
        path = real_path(block.file)
        source = lines.split(block.file.text or "")
        if not own:
            line, column = block.directive.open_at
            yield path, Splice(line, column, "", f" {text}")
            return
        anchor = (ssl or own[:1])[-1].directive
        line, column = anchor.end_at
        rest = source[line - 1][column:].strip()
        if rest and not rest.startswith("#"):
            yield path, Splice(line, column, "", f" {text}")  # more directives share this line
            return
        indent = source[anchor.line - 1][: len(source[anchor.line - 1]) - len(source[anchor.line - 1].lstrip(" \t"))]
        end = len(source[line - 1].rstrip("\r\n"))  # behind a comment on that line
        yield path, Splice(line, end, "", f"{lines.newline(source[line - 1])}{indent}{text}")

    def change(self, path: str, splices: list[Splice]) -> Change:
        file = next(f for f in self.assembly.snapshot.files.values() if real_path(f) == path)
        edits = braces.edits(file.text or "", splices)
        if any(REDACTED in line for edit in edits for line in edit.insert):
            raise Inexpressible(
                "a line to be changed also holds a secret, which this controller does not know", path, "give the secret a line of its own"
            )
        after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, edits))
        return Change(path, file.sha256, edits, after, file.owner, file.group, file.mode)


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


def write_sockets(
    assembly: Assembly, sockets: tuple[Socket, ...], version: tuple[int, ...], library: Library, capability: Capability, wishes: Wishes
) -> tuple[Change, ...]:
    """One Change a file.  Raises Inexpressible and changes nothing when a wish cannot be said."""
    return Writer(assembly, sockets, version, library, capability).changes(wishes)
