"""The connections of ipsec.conf, as libreswan's addconn and strongSwan's starter assemble them: includes in their place, `also=`, `conn %default`.

Sources: lib/libswan/ipsecconf/confread.c of libreswan 5.4; starter/parser/conf_parser.c of strongSwan 6.0.6.  What a connection says itself counts
before what its `also=` bring, the first before the next, and `%default` counts last.  (Where both say something else, libreswan refuses the
connection; whether it is loaded shows that.)  An include that finds nothing is only a warning to both.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ..documents import ipsec_conf
from ..documents.ipsec_conf import Include, Parameter, Section
from ..model import Answer, File, Origin, Snapshot, Unparsable
from .paths import glob

MAIN = "/etc/ipsec.conf"
USUAL = "/etc/ipsec.d/*.conf"
DEEPEST_INCLUDE = 10
DEFAULT = "%default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of a connection that is named to the agent
OTHER_NAME = "a name of other than letters, digits, dots, dashes and underscores"
NO_TUNNEL = ("passthrough", "drop", "reject", "%passthrough", "%drop", "%reject")  # types of connections


@dataclass(frozen=True, slots=True)
class Entry:
    """What governs a parameter."""

    value: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Conn:
    name: str
    origin: Origin
    entries: Mapping[str, Entry]

    def entry(self, *names: str) -> Entry | None:
        """The first that is there, for a parameter with several names."""
        return next((self.entries[name] for name in names if name in self.entries), None)

    def text(self, *names: str, default: str = "") -> str:
        found = self.entry(*names)
        return found.value if found else default


@dataclass(slots=True)
class Config:
    """unseen: includes that no file of the snapshot answers to."""

    sections: list[tuple[File, Section]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def conns(self) -> tuple[Conn, ...]:
        """Without %default; of several of one name all parameters together."""
        named: dict[str, list[tuple[File, Section]]] = {}
        for file, section in self.sections:
            if section.kind == "conn":
                named.setdefault(section.name, []).append((file, section))
        out = []
        for name, (first, *dummy) in named.items():
            if name != DEFAULT:
                origin = Origin(first[0].path, first[1].line)
                entries = {**dict(_said(named, DEFAULT, set())), **dict(_said(named, name, set()))}
                out.append(Conn(name, origin, entries))
        return tuple(out)


def _said(named: Mapping[str, list[tuple[File, Section]]], name: str, seen: set[str]) -> Iterator[tuple[str, Entry]]:
    """What it says, weakest first, so that a dictionary keeps what counts.  One that includes itself is read once."""
    seen.add(name)
    mine = [(one, Origin(file.path, one.line)) for file, section in named.get(name, ()) for one in section.parameters]
    for base in reversed([base for one, dummy in mine if one.name == "also" for base in _names(one)]):
        if base not in seen:
            yield from _said(named, base, seen)
    yield from ((one.name, Entry(one.value, origin)) for one, origin in mine if one.name != "also")


def _names(also: Parameter) -> list[str]:
    return also.value.replace(",", " ").split()


def belongs(asked: Answer | None, version: str) -> bool:
    """Whether ipsec.conf is this daemon's: another has the same file and the same command.  Offline nobody is asked, and its binary is there."""
    return bool(version) or (asked is not None and asked.problem == "not run: offline")


def counts(conn: Conn, loaded: Collection[str]) -> bool:
    """Whether it is a tunnel that is loaded, or that its daemon loads."""
    if conn.text("type") in NO_TUNNEL or conn.text("authby") == "never":
        return False
    return conn.name in loaded or conn.text("auto", default="ignore") != "ignore"


def config(snapshot: Snapshot) -> Config | None:
    """None where there is no ipsec.conf.  Raises Unparsable (file:line)."""
    main = snapshot.files.get(MAIN)
    if main is None:
        return None
    made = Config()
    _read(snapshot, main, made, 0)
    return made


def _read(snapshot: Snapshot, file: File, made: Config, depth: int) -> None:
    if file.text is None:
        raise Unparsable(f"it could not be read: {file.problem}", file.path, "see its owner and mode, or become root")
    if depth > DEEPEST_INCLUDE:
        raise Unparsable(f"files include one another deeper than {DEEPEST_INCLUDE}", file.path, "take the circle apart")
    for item in ipsec_conf.parse(file.text, file.path).items:
        if isinstance(item, Include):
            pattern = posixpath.join(posixpath.dirname(file.path), item.pattern)
            found = glob(pattern, snapshot)
            if not found and pattern != USUAL:
                made.unseen.append(pattern)
            for path in found:
                _read(snapshot, snapshot.files[path], made, depth + 1)
        else:
            made.sections.append((file, item))
