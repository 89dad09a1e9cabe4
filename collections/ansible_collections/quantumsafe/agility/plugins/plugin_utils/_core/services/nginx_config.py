"""nginx's configuration as nginx assembles it: one tree, includes in place, every node knowing its file.

Sources: ngx_conf_include() (glob(3), sorted, relative to the folder of nginx.conf), ngx_http_ssl_module documentation.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from ..documents import braces
from ..documents.braces import Directive
from ..model import File, Origin, Snapshot, Unparsable
from .paths import glob, real_path

DEEPEST_INCLUDE = 20  # nginx itself ends at the limit of open files; a loop must end here by name


@dataclass(frozen=True, slots=True, eq=False)  # a place in one tree; comparing two would compare all below them
class Node:
    """One directive where it takes effect.  file: the file it is written in; via: the include directives it came through, outermost first."""

    directive: Directive
    file: File
    via: tuple[Origin, ...]
    children: tuple[Node, ...] = ()

    @property
    def name(self) -> str:
        return self.directive.name

    @property
    def args(self) -> tuple[str, ...]:
        return self.directive.args

    @property
    def origin(self) -> Origin:
        return Origin(self.file.path, self.directive.line)

    @property
    def place(self) -> tuple[str, int, int]:
        """The same text is the same place, however often it is included, and under whatever link."""
        word = self.directive.words[0]
        return real_path(self.file), word.line, word.column

    def named(self, name: str) -> tuple[Node, ...]:
        return tuple(child for child in self.children if child.name == name)


def absolute(path: str, main: str) -> str:
    """Includes and certificates are relative to the folder of the main file (ngx_conf_full_name with conf_prefix)."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(main), path))


class Assembly:
    """The whole configuration of one snapshot.  `absent` lists what it refers to and the snapshot lacks (path or glob → first origin)."""

    def __init__(self, snapshot: Snapshot, main: str) -> None:
        self.snapshot, self.main = snapshot, main
        self.absent: dict[str, Origin] = {}
        self._parsed: dict[str, tuple[Directive, ...]] = {}
        self.top = self._nodes_of(snapshot.files[main], ()) if main in snapshot.files else ()

    def file(self, path: str) -> File | None:
        return self.snapshot.files.get(path)

    def _nodes_of(self, file: File, via: tuple[Origin, ...]) -> tuple[Node, ...]:
        if file.text is None:
            where = str(via[-1]) if via else file.path
            raise Unparsable(f"{file.path} could not be read: {file.problem or 'no text'}", where, "its settings decide what nginx does")
        if file.path not in self._parsed:
            self._parsed[file.path] = braces.parse(file.text, file.path).directives
        return tuple(self._expanded(self._parsed[file.path], file, via))

    def _expanded(self, directives: tuple[Directive, ...], file: File, via: tuple[Origin, ...]) -> Iterator[Node]:
        for directive in directives:
            if directive.name == "include" and directive.body is None and directive.args:
                yield from self._included(directive, file, via)
            else:
                yield Node(directive, file, via, tuple(self._expanded(directive.body or (), file, via)))

    def _included(self, directive: Directive, file: File, via: tuple[Origin, ...]) -> Iterator[Node]:
        here = Origin(file.path, directive.line)
        if len(via) >= DEEPEST_INCLUDE:
            raise Unparsable("includes go round in a circle, or deeper than 20 files", str(here), "break the circle")
        pattern = absolute(directive.args[0], self.main)
        found = [self.snapshot.files[path] for path in glob(pattern, self.snapshot)]
        if not found:
            self.absent.setdefault(pattern, here)
        for each in found:
            yield from self._nodes_of(each, (*via, here))
