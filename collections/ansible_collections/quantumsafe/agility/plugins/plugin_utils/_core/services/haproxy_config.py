"""HAProxy's configuration as it assembles it: the files one behind the other, as sections of lines, in the environment that they run in.

Sources: configuration manual, 2.3 to 2.5 (environment, conditional blocks), 3.1 (setenv, presetenv, default-path, crt-base); order counts:
what a later `global` says has no effect on a `bind` before it (tried on 3.0.11).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..documents import words
from ..documents.words import Word
from ..model import File, Origin, Snapshot, Unparsable
from .haproxy_conditions import Conditions
from .haproxy_main import Told

_SECTIONS = """
    global defaults frontend backend listen peers resolvers userlist mailers cache program http-errors ring log-forward fcgi-app
    crt-store traces acme log-profile
"""
SECTIONS = frozenset(_SECTIONS.split())
# Lines that may decide about TLS; what only a condition that nobody can decide lets through must not be one of them.
MATTERS = ("bind", "ssl-", "crt-", "key-base", "load", "default-path", "tune.ssl.", "setenv", "presetenv", "unsetenv", "resetenv")


@dataclass(frozen=True, slots=True, eq=False)  # a place in one configuration
class Line:
    """One line where it takes effect.  variables: the environment as it is by then."""

    file: File
    words: tuple[Word, ...]
    variables: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        return self.value(0)

    @property
    def origin(self) -> Origin:
        return Origin(self.file.path, self.words[0].line)

    @property
    def values(self) -> tuple[str, ...]:
        """All its words.  Raises Unparsable for a variable that nobody knows."""
        return tuple(self.value(number) for number in range(len(self.words)))

    def value(self, number: int) -> str:
        return self.words[number].value(self._variable)

    def _variable(self, name: str, otherwise: str | None) -> str:
        if name in self.variables:
            return self.variables[name]
        if otherwise is not None and not name.startswith("HAPROXY_"):
            return otherwise
        what = f"${name}, on which {self.words[0].raw} stands here, has a value that is not known"
        raise Unparsable(what, str(self.origin), "start haproxy, whose environment is then asked, or set it with presetenv in global")


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """kind: "frontend", …; lines: those below its first one.  bases: crt-base and key-base as they are by then, "" = none."""

    kind: str
    head: Line
    lines: tuple[Line, ...]

    @property
    def label(self) -> str:
        return " ".join(self.head.values[:2])

    def named(self, *names: str) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.name in names)


class Assembly:
    """The whole configuration of one snapshot.  absent: files that it begins with and the snapshot lacks."""

    def __init__(self, snapshot: Snapshot, told: Told, environment: Mapping[str, str], conditions: Conditions) -> None:
        self.snapshot, self.told, self.conditions = snapshot, told, conditions
        self.absent: list[str] = []
        self.has_variables = False
        self._variables = dict(environment)
        self.sections = tuple(self._sections())

    def files(self) -> Iterator[File]:
        """A folder gives its *.cfg in the order of the C locale, without those whose name begins with a dot."""
        for path in self.told.files:
            inside = [one for one in self.snapshot.files if posixpath.dirname(one) == path and one.endswith(".cfg")]
            inside = [one for one in inside if not posixpath.basename(one).startswith(".")]
            if path in self.snapshot.files:
                yield self.snapshot.files[path]
            elif inside:
                yield from (self.snapshot.files[one] for one in sorted(inside, key=str.encode))
            else:
                self.absent.append(path)

    def _sections(self) -> Iterator[Section]:
        head: Line | None = None
        lines: list[Line] = []
        for line in self._lines():
            if line.name in SECTIONS:
                if head:
                    yield Section(head.name, head, tuple(lines))
                head, lines = line, []
            elif head:
                lines.append(line)
        if head:
            yield Section(head.name, head, tuple(lines))

    def _lines(self) -> Iterator[Line]:
        """Every line that counts: conditional blocks are decided, the environment follows."""
        for file in self.files():
            if file.text is None:
                raise Unparsable(f"it could not be read: {file.problem or 'no text'}", file.path, "its settings decide what HAProxy does")
            block = self.conditions.begin(file.path)
            for statement in words.parse(file.text, file.path).statements:
                line = Line(file, statement, self._variables)
                self.has_variables = self.has_variables or any(word.variables for word in statement if "$" in word.raw)
                if line.words[0].raw.startswith("."):
                    block.directive(line.words[0].raw, self._argument(line), statement[0].line)
                    continue
                on = block.on
                if on is None and (line.name in SECTIONS or line.name.startswith(MATTERS)):
                    raise Unparsable(
                        f"whether {line.name} counts here depends on {block.said}, which is not known", str(line.origin), "leave the condition out"
                    )
                if on:
                    yield self._noted(line)
            block.end()

    @staticmethod
    def _argument(line: Line) -> str:
        return " ".join(word.raw for word in line.words[1:])

    def _noted(self, line: Line) -> Line:
        """The line, when the environment has followed it."""
        name, known = line.name, self._variables
        if name in ("setenv", "presetenv") and len(line.words) > 2:
            variable = line.value(1)
            if (name == "setenv" or variable not in known) and not line.words[2].variables:
                self._variables = {**known, variable: line.value(2)}
            elif name == "setenv":  # it stands on others, which nobody asks for: they may hold anything
                self._variables = {key: value for key, value in known.items() if key != variable}
        elif name == "unsetenv":
            self._variables = {key: value for key, value in known.items() if key not in line.values[1:]}
        elif name == "resetenv":
            self._variables = {key: value for key, value in known.items() if key in line.values[1:]}
        return line

    def resolved(self, path: str, base: str, line: Line) -> str:
        """A file that a line names, as HAProxy opens it: relative to a base, else to what default-path says, else to its folder."""
        if path.startswith("/"):
            return posixpath.normpath(path)
        if base:
            path = posixpath.join(base, path)
        return posixpath.normpath(posixpath.join(self._folder(line), path))

    def _folder(self, line: Line) -> str:
        said = [one.values for section in self.sections if section.kind == "global" for one in section.named("default-path")]
        how = said[-1] if said else ("", "current")
        here = posixpath.dirname(line.file.path)
        if how[1] == "origin" and len(how) > 2:
            return how[2]
        return {"config": here, "parent": posixpath.dirname(here)}.get(how[1], self.told.folder)

    def before(self, section: Section) -> tuple[Line, ...]:
        """What the global sections before this one say."""
        number = self.sections.index(section)
        return tuple(line for one in self.sections[:number] if one.kind == "global" for line in one.lines)
