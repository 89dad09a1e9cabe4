"""sshd's configuration in the order in which sshd reads it: every directive with its file and the Match block it is under.

Source: sshd_config(5): Include globs expand in lexical order, relative to /etc/ssh; an Include inside a Match block is conditional; a Match
block in an included file ends with that file (servconf.c restores the active state after each).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ..documents import keyword
from ..documents.keyword import Directive, Document
from ..model import Origin, Snapshot, Unparsable
from .paths import glob

MAIN = "/etc/ssh/sshd_config"
# aspect → what to ask `ssh -Q` for it
QUERIES = {"key_exchange": "kex", "cipher": "cipher", "mac": "mac", "user_key": "key-sig", "host_key": "key-sig"}
DEEPEST_INCLUDE = 16  # servconf.c SERVCONF_MAX_DEPTH


@dataclass(frozen=True, slots=True)
class Placed:
    """One directive where it takes effect.  scope: the Match line it is under, "" = global."""

    directive: Directive
    document: Document
    scope: str

    @property
    def origin(self) -> Origin:
        return Origin(self.document.path, self.directive.line)


def reading_order(snapshot: Snapshot) -> tuple[Placed, ...]:
    """Raises Unparsable for a file that is no text or whose grammar is broken."""
    return tuple(_walk(snapshot, MAIN, "", 0))


def _walk(snapshot: Snapshot, path: str, scope: str, depth: int) -> Iterator[Placed]:
    file = snapshot.files[path]
    if file.text is None:
        raise Unparsable(file.problem or "could not be read", path, "its settings decide what sshd does")
    if depth > DEEPEST_INCLUDE:
        raise Unparsable("includes go round in a circle", path, "break the circle")
    document = keyword.parse(file.text, path)
    for directive in document.directives:
        under = directive.match or scope
        yield Placed(directive, document, under)
        if directive.name == "include":
            for pattern in directive.arguments:
                for each in glob(posixpath.join("/etc/ssh", pattern), snapshot):
                    yield from _walk(snapshot, each, under, depth + 1)


def winning(order: tuple[Placed, ...], names: tuple[str, ...]) -> Placed | None:
    """The first global directive of any of these names (lower case): the one that counts."""
    return next((p for p in order if not p.scope and p.directive.name in names and p.directive.arguments), None)


def missing(snapshot: Snapshot) -> tuple[str, ...]:
    """Included paths that the snapshot lacks; a glob that matched nothing is complete, sshd ignores it too."""
    if MAIN not in snapshot.files or snapshot.files[MAIN].text is None:
        return ()
    patterns = (
        posixpath.join("/etc/ssh", pattern)
        for placed in reading_order(snapshot)
        if placed.directive.name == "include"
        for pattern in placed.directive.arguments
    )
    return tuple(sorted({pattern for pattern in patterns if not glob(pattern, snapshot)} - {"/etc/ssh/sshd_config.d/*.conf"}))
