"""The grammar of swanctl.conf and strongswan.conf, lossless: sections within sections, `key = value`, `include`, and what a section inherits.

Source: settings_lexer.l and settings_parser.y of strongSwan 6.0.6.  A value runs to the end of its line, to a comment or to the "}" of its
section; its parts are joined by one blank, quoted ones may run over lines.  `name : base1, base2 {` inherits by reference.  A document keeps
its text, what was found only points into it; what may stand where is the reader's business.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from ..model import Unparsable
from . import lines

DEEPEST = 100  # sections within sections; real files stay below ten, and a reader must not exhaust the stack
_TRIVIA = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_NAME = re.compile(r'[^#{}:.,="\r\n\t ]+')
_BASE = re.compile(r'[^#{}:.,="\r\n\t ]+(?:\.[^#{}:.,="\r\n\t ]+)*')
_INCLUDE = re.compile(r"include[ \t]+(?=[^=])")
_BLANK = re.compile(r"[ \t\r]*")
_WORD = re.compile(r'[^#}"\r\n\t ]+')
_STRING = re.compile(r'"((?:[^"\\]|\\[\s\S])*)"')
_PATTERN = re.compile(r'(?:\\["#} ]|[^"\\#}\r\n\t ]|\\)+')
_ESCAPE = re.compile(r"\\(\r?\n|[\s\S])|\r")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Setting:
    """value: as strongSwan sees it, None = nothing stands behind the "=".  line, column: where `raw`, the value as written, begins (for None:
    where one would); column counts characters from 0."""

    name: str
    value: str | None
    raw: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Include:
    """pattern: a path or a glob, relative to the folder of the file that it stands in."""

    pattern: str
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """bases: whole names ("connections.common") of sections that it inherits from, the first that has a setting counts.

    open_at, close_at: (line, column) just after its "{" and of its "}".
    """

    name: str
    bases: tuple[str, ...]
    items: tuple[Item, ...]
    line: int
    open_at: tuple[int, int]
    close_at: tuple[int, int]


Item = Setting | Include | Section


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    lines: tuple[str, ...]
    items: tuple[Item, ...]


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


@lru_cache(maxsize=64)  # one look at a host reads its files several times
def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) where strongSwan's own reader would stop."""
    split = lines.split(text)
    return Document(path, split, _Reader(text, path, split).items(0))


class _Reader:
    """One pass over a text.  `at` is the next character; every method leaves it behind what it returned."""

    def __init__(self, text: str, path: str, split: tuple[str, ...]) -> None:
        self.text, self.path, self.at, self.depth = text, path, 0, 0
        self.starts = [0, *accumulate(map(len, split))]

    def items(self, opened: int) -> tuple[Item, ...]:
        """Up to the end of the text, or up to and without the "}" of the section that line `opened` began."""
        found: list[Item] = []
        while True:
            self.take(_TRIVIA)
            here = self.peek()
            if here == "" and opened:
                raise self.error(f'the section opened in line {opened} is never closed with "}}"')
            if here == "}" and not opened:
                raise self.error('unexpected "}": no section is open')
            if here in ("", "}"):
                return tuple(found)
            found.append(self.item())

    def item(self) -> Item:
        line = self.position()[0]
        name = self.take(_NAME)
        if not name:
            raise self.error(f"unexpected {self.peek()!r}: a name is expected here")
        if name == "include" and (word := _INCLUDE.match(self.text, self.at - len(name))):
            self.at = word.end()
            return Include(self.pattern(), line)
        self.take(_TRIVIA)
        if self.peek() == "=":
            self.at += 1
            return self.setting(name)
        return self.section(name, line)

    def setting(self, name: str) -> Setting:
        parts: list[str] = []
        start = end = self.at
        while True:
            self.take(_BLANK)
            here = self.at
            if self.peek() == '"':
                parts.append(self.string())
            elif word := self.take(_WORD):
                parts.append(word)
            else:
                break
            start = here if len(parts) == 1 else start
            end = self.at
        line, column = self.position(start)
        return Setting(name, " ".join(parts) if parts else None, self.text[start:end], line, column)

    def section(self, name: str, line: int) -> Section:
        bases = self.bases() if self.peek() == ":" else ()
        if self.peek() != "{":
            raise self.error(f'"{name}" is followed by {self.peek() or "the end of the file"!r}, not by "=" or "{{"')
        self.at, self.depth = self.at + 1, self.depth + 1
        if self.depth > DEEPEST:
            raise self.error(f"sections are nested deeper than {DEEPEST}")
        opening = self.position()
        items = self.items(opening[0])
        closing = self.position()
        self.at, self.depth = self.at + 1, self.depth - 1
        return Section(name, bases, items, line, opening, closing)

    def bases(self) -> tuple[str, ...]:
        found: list[str] = []
        while self.peek() in (":" if not found else ","):
            self.at += 1
            self.take(_TRIVIA)
            base = self.take(_BASE)
            if not base:
                raise self.error("the name of a section to inherit from is expected here")
            found.append(base)
            self.take(_TRIVIA)
            if not self.peek():
                break
        return tuple(found)

    def pattern(self) -> str:
        if self.peek() == '"':
            return self.string()
        return re.sub(r'\\(["#} ])', r"\1", self.take(_PATTERN))

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if not found:
            raise self.error("a quoted string that never ends")
        self.at = found.end()
        return _ESCAPE.sub(_unescaped, found[1])

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found.group() if found else ""

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def position(self, at: int | None = None) -> tuple[int, int]:
        """(1-based line, 0-based column) of this place, else of the next character."""
        place = self.at if at is None else at
        line = max(bisect_right(self.starts, place, hi=len(self.starts) - 1), 1)
        return line, place - self.starts[line - 1]

    def error(self, message: str) -> Unparsable:
        return Unparsable(message, f"{self.path}:{self.position()[0]}", "run `swanctl --load-conns` on the host and mend the file")


def _unescaped(found: re.Match[str]) -> str:
    said = found[1]
    return "" if said is None or said.endswith("\n") else _PLAIN.get(said, said)
