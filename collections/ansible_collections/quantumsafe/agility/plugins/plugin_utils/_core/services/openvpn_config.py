"""The configurations of a host: options of a file, of those that it includes, and of the command line, in the order in which they count.

Source: options.c: one list, in which the later wins; `config` reads another file in its place; `cd` moves where relative names begin.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..documents import ovpn
from ..model import File, Origin, Snapshot, Unparsable
from .openvpn_ask import Server, servers

BASE = "/etc/openvpn"
PATTERNS = (f"{BASE}/*.conf", f"{BASE}/server/*.conf", f"{BASE}/client/*.conf")
DEEPEST = 10  # options.c, MAX_RECURSE_LEVEL


@dataclass(frozen=True, slots=True)
class Said:
    """One option.  file None = the command line.  text: of a block, "" without one."""

    option: ovpn.Option
    origin: Origin
    file: File | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """One connection.  folder: where relative names begin.  absent: files that it names and that were not seen → where."""

    path: str
    folder: str
    said: tuple[Said, ...]
    server: Server | None
    absent: dict[str, Origin]

    @property
    def name(self) -> str:
        return self.path.removeprefix(f"{BASE}/")

    def last(self, *names: str) -> Said | None:
        """The one that counts: the last of these."""
        return next((one for one in reversed(self.said) if one.option.name in names), None)

    def value(self, name: str, default: str = "") -> str:
        found = self.last(name)
        return found.option.value if found else default

    def has(self, *names: str) -> bool:
        return self.last(*names) is not None

    def where(self, name: str) -> str:
        """The path that an option names, "" for a block or nothing."""
        found = self.last(name)
        return posixpath.normpath(posixpath.join(self.folder, found.option.value)) if found and found.option.value else ""

    @property
    def role(self) -> str:
        if self.has("secret"):
            return "static"
        if self.has("server", "server-bridge", "tls-server") or self.value("mode") == "server":
            return "server"
        return "client" if self.has("client", "tls-client") else ""

    @property
    def unit(self) -> str:
        """That of its process, else the one of the distributions."""
        if self.server and self.server.unit:
            return self.server.unit
        kind = {f"{BASE}/server": "openvpn-server", f"{BASE}/client": "openvpn-client"}.get(posixpath.dirname(self.path), "openvpn")
        return f"{kind}@{posixpath.basename(self.path).removesuffix('.conf')}.service"


def configs(snapshot: Snapshot) -> tuple[Config, ...]:
    """Those that run, and the files that a unit could start.  What is neither server nor client is no connection.  Raises Unparsable."""
    running = {path: server for server in servers(snapshot) for path in [main(server)] if path}
    rest = {path: None for path in snapshot.files if any(_fits(path, pattern) for pattern in PATTERNS) and path not in running}
    found = (_config(snapshot, path, server) for path, server in sorted({**running, **rest}.items()))
    return tuple(one for one in found if one.role or one.server)


def main(server: Server) -> str:
    """The file that a process was told to read, "" without one."""
    folder = server.folder
    for name, arguments in server.options:
        if name == "cd" and arguments:
            folder = posixpath.join(folder, arguments[0])
        if name == "config" and arguments:
            return posixpath.normpath(posixpath.join(folder, arguments[0]))
    return ""


def _fits(path: str, pattern: str) -> bool:
    return posixpath.dirname(path) == posixpath.dirname(pattern) and fnmatchcase(path, pattern)


def _config(snapshot: Snapshot, path: str, server: Server | None) -> Config:
    made = Config(path, server.folder if server else posixpath.dirname(path), (), server, {})
    said = tuple(_options(snapshot, server, made) if server else _read(snapshot, path, made, 0))
    folder = made.folder
    for one in said:
        if one.option.name == "cd" and one.option.value:
            folder = posixpath.normpath(posixpath.join(folder, one.option.value))
    return Config(path, folder, said, server, made.absent)


def _options(snapshot: Snapshot, server: Server, made: Config) -> Iterator[Said]:
    for name, arguments in server.options:
        if name == "config" and arguments:
            yield from _read(snapshot, posixpath.normpath(posixpath.join(made.folder, arguments[0])), made, 0)
        else:
            yield Said(_given(name, arguments), Origin(f"command line of {server.program}"))


def _given(name: str, arguments: Sequence[str]) -> ovpn.Option:
    return ovpn.Option(name, tuple(arguments), 0, 0, 0, 0)


def _read(snapshot: Snapshot, path: str, made: Config, depth: int) -> Iterator[Said]:
    file = snapshot.files.get(path)
    if file is None:
        made.absent[path] = Origin(made.path)
        return
    if file.text is None:
        raise Unparsable(file.problem or "it could not be read", path, "mend it, or leave openvpn out (agility_services)")
    if depth > DEEPEST:
        raise Unparsable("files include each other in a circle, or deeper than 10", path, "break the circle")
    document = ovpn.parse(file.text, path)
    for option in document.options:
        if option.name == "config" and option.value:
            yield from _read(snapshot, posixpath.normpath(posixpath.join(made.folder, option.value)), made, depth + 1)
        else:
            yield Said(option, Origin(path, option.line), file, document.block(option))
