"""The connections of swanctl.conf as swanctl assembles them: includes in their place, sections of one name joined, later settings over earlier
ones, and what is inherited by reference behind all that.

Source: settings.c of strongSwan 6.0.6; swanctl.opt.  The file is /etc/swanctl/swanctl.conf, on Red Hat /etc/strongswan/swanctl/swanctl.conf.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..documents import settings
from ..documents.settings import Include, Item, Section, Setting
from ..model import File, Origin, Snapshot, Unparsable
from .paths import glob, is_glob

MAINS = ("/etc/swanctl/swanctl.conf", "/etc/strongswan/swanctl/swanctl.conf", "/usr/local/etc/swanctl/swanctl.conf")
DEEPEST_INCLUDE = 10  # MAX_INCLUSION_LEVEL
TRUE = ("1", "yes", "true", "enabled")


@dataclass(frozen=True, slots=True)
class Entry:
    """What governs a setting."""

    setting: Setting
    file: File

    @property
    def origin(self) -> Origin:
        return Origin(self.file.path, self.setting.line)


@dataclass(slots=True)
class Node:
    """A section, joined.  places: where its texts stand, in order."""

    entries: dict[str, Entry] = field(default_factory=dict)
    sections: dict[str, Node] = field(default_factory=dict)
    bases: list[str] = field(default_factory=list)
    places: list[tuple[File, Section]] = field(default_factory=list)


@dataclass(slots=True)
class Config:
    root: Node
    main: str
    absent: dict[str, Origin] = field(default_factory=dict)


class View:
    """A section with all that it inherits: the first node that has something counts."""

    def __init__(self, root: Node, nodes: list[Node]) -> None:
        self.root, self.nodes = root, _with_bases(root, nodes)

    def entry(self, name: str) -> Entry | None:
        return next((node.entries[name] for node in self.nodes if name in node.entries), None)

    def text(self, name: str, default: str = "") -> str:
        found = self.entry(name)
        return default if found is None or found.setting.value is None else found.setting.value

    def on(self, name: str, default: bool = False) -> bool:
        text = self.text(name)
        return text.lower() in TRUE if text else default

    def names(self) -> Iterator[str]:
        """Of the sections within, its own first."""
        yield from dict.fromkeys(name for node in self.nodes for name in node.sections)

    def child(self, name: str) -> View:
        return View(self.root, [node.sections[name] for node in self.nodes if name in node.sections])

    @property
    def own(self) -> Node:
        return self.nodes[0]


def _with_bases(root: Node, nodes: list[Node]) -> list[Node]:
    """Each node with those that it refers to behind it; one that refers to itself in the end is read once."""
    out: list[Node] = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop(0)
        if not any(node is seen for seen in out):
            out.append(node)
            waiting = [*(found for base in node.bases if (found := _resolved(root, base))), *waiting]
    return out


def _resolved(root: Node, base: str) -> Node | None:
    node: Node | None = root
    for part in base.split("."):
        node = node.sections.get(part) if node else None
    return node


def config(snapshot: Snapshot) -> Config | None:
    """None where there is no swanctl.conf.  Raises Unparsable (file:line)."""
    main = next((path for path in MAINS if path in snapshot.files), None)
    if main is None:
        return None
    made = Config(Node(), main)
    _read(snapshot, snapshot.files[main], made, made.root, 0)
    return made


def _read(snapshot: Snapshot, file: File, made: Config, node: Node, depth: int) -> None:
    if file.text is None:
        raise Unparsable(f"it could not be read: {file.problem}", file.path, "see its owner and mode, or become root")
    if depth > DEEPEST_INCLUDE:
        raise Unparsable(f"files include one another deeper than {DEEPEST_INCLUDE}", file.path, "take the circle apart")
    _join(snapshot, file, made, node, settings.parse(file.text, file.path).items, depth)


def _join(snapshot: Snapshot, file: File, made: Config, node: Node, items: tuple[Item, ...], depth: int) -> None:
    for item in items:
        if isinstance(item, Setting):
            node.entries[item.name] = Entry(item, file)
        elif isinstance(item, Include):
            pattern = posixpath.join(posixpath.dirname(file.path), item.pattern)
            found = glob(pattern, snapshot)
            if not found and (not is_glob(pattern) or not asked(pattern)):
                made.absent[pattern] = Origin(file.path, item.line)
            for path in found:
                _read(snapshot, snapshot.files[path], made, node, depth + 1)
        else:
            inner = node.sections.setdefault(item.name, Node())
            inner.bases += [base for base in item.bases if base not in inner.bases]
            inner.places.append((file, item))
            _join(snapshot, file, made, inner, item.items, depth)


def asked(pattern: str) -> bool:
    """Whether the first look brings all that this glob means."""
    return any(pattern == f"{posixpath.dirname(main)}/conf.d/*.conf" for main in MAINS)
