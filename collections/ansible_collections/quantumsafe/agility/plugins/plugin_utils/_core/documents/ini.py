"""The grammar of sections: `[Name]` and `Key = value`, sections and keys as often as one likes.

WG is that of wg(8) and wg-quick(8) (config.c, parse_options(): "#" ends a line wherever it stands, letter case is ignored, a line that is
neither is refused).  NETWORKD is that of systemd.syntax(7): "#" and ";" only begin a line, a backslash at its end continues it, and what is
not understood is ignored.  Lossless: a document keeps its lines, entries only point into them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

_SECTION = re.compile(r"\s*\[([^\]]*)\]\s*$")
_ENTRY = re.compile(r"\s*(?P<key>[^=]*?)\s*=\s*(?P<value>.*?)\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Dialect:
    """heads: what makes a comment of a line that it begins; tails: of what stands behind it in a line.  lax: what is not understood is ignored."""

    heads: str
    tails: str
    continued: bool
    folds: bool
    lax: bool
    check: str


WG = Dialect("#", "#", continued=False, folds=True, lax=False, check="run `wg-quick strip` on it")
NETWORKD = Dialect("#;", "", continued=True, folds=False, lax=True, check="run `systemd-analyze verify` on it")


@dataclass(frozen=True, slots=True)
class Entry:
    """key: in small letters where the dialect folds case.  start, end: where the value stands in its line; of one that is continued only where
    it begins, and `more` counts the lines that it takes beside the first."""

    key: str
    value: str
    line: int
    start: int
    end: int
    more: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    line: int
    entries: tuple[Entry, ...]

    def of(self, key: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.key == key)

    def value(self, key: str) -> str:
        """The last one counts; "" without one."""
        return next((entry.value for entry in reversed(self.of(key))), "")


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]

    def of(self, name: str) -> tuple[Section, ...]:
        return tuple(section for section in self.sections if section.name == name)


def parse(text: str, path: str, dialect: Dialect) -> Document:
    """Raises Unparsable (file:line) for what the program would refuse.  A name is compared in small letters where the dialect folds case."""
    split = lines.split(text)
    sections: list[tuple[str, int, list[Entry]]] = []
    for number, body, more in _logical(split, dialect):
        if found := _SECTION.match(body):
            sections.append((found[1].lower() if dialect.folds else found[1], number, []))
        elif (entry := _entry(body, number, more, dialect)) and sections:
            sections[-1][2].append(entry)
        elif not dialect.lax:
            what = "a line outside of any section" if entry else "a line that is neither [Section] nor Key = value"
            raise Unparsable(what, f"{path}:{number}", dialect.check)
    return Document(path, split, tuple(Section(name, line, tuple(entries)) for name, line, entries in sections))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def replaced(line: str, entry: Entry, value: str) -> str:
    """The line with another value; indentation, spelling of the key, a comment behind and the line end stay."""
    return line[: entry.start] + value + line[entry.end :]


def _logical(split: tuple[str, ...], dialect: Dialect) -> Iterator[tuple[int, str, int]]:
    """(line, text without comment and line end, further lines) of each that says something.  A comment between continued lines is skipped."""
    text, begun = "", 0
    for number, line in enumerate(split, 1):
        if line.lstrip()[:1] in tuple(dialect.heads):
            continue
        text += _cut(line.rstrip("\r\n"), dialect)
        begun = begun or number
        if dialect.continued and number < len(split) and (len(text) - len(text.rstrip("\\"))) % 2:
            text = f"{text[:-1]} "
            continue
        if text.strip():
            yield begun, text, number - begun
        text, begun = "", 0
    if text.strip():
        yield begun, text, len(split) - begun


def _cut(body: str, dialect: Dialect) -> str:
    """Without the comment behind it."""
    return min((body.partition(mark)[0] for mark in dialect.tails), key=len, default=body)


def _entry(body: str, number: int, more: int, dialect: Dialect) -> Entry | None:
    found = _ENTRY.match(body)
    if not found or not found["key"]:
        return None
    key = found["key"].lower() if dialect.folds else found["key"]
    return Entry(key, found["value"], number, found.start("value"), found.end("value"), more)
