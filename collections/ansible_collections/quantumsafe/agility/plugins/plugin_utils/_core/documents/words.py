"""The grammar of HAProxy: a line is a list of words, in which quotes and backslashes may stand anywhere; "#" ends it, nothing continues it.

Sources: configuration manual, 2.2 "Quoting and escaping" and 2.3 "Environment variables"; what they leave open was tried on 3.0.11: an
escape that is none stays as it is, "#" begins a comment inside a word too, and variables count between double quotes only.
Lossless: a document keeps its lines, words only point into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

# What a word is made of.  A backslash at the very end of a line is one.
_WORD = re.compile(r"""(?:\\x[0-9A-Fa-f]{2}|\\[^\n]|\\$|"(?:\\[^\n]|[^"\\\n])*"|'[^'\n]*'|[^\s"'#\\])+""")
_PIECE = re.compile(r"""'(?P<strong>[^']*)'|"(?P<weak>(?:\\.|[^"\\])*)"|(?P<bare>(?:\\.|[^\\"'])+|\\)""", re.DOTALL)
_ESCAPE = re.compile(r"""\\(?:x(?P<hex>[0-9A-Fa-f]{2})|(?P<one>[ \\"'#nrt]))""")
_IN_QUOTES = re.compile(
    r"""\\x(?P<hex>[0-9A-Fa-f]{2})|\\(?P<one>[ \\"'#nrt$])|\$(?:(?P<name>\w+)|\{(?P<long>\w+)(?P<all>\[\*\])?(?:-(?P<else>[^}]*))?\})"""
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Word:
    """raw: as written.  line: 1-based; column: of its first character, 0-based."""

    raw: str
    line: int
    column: int

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that it stands on."""
        weak = (piece["weak"] or "" for piece in _PIECE.finditer(self.raw))
        return tuple(name for text in weak for found in _IN_QUOTES.finditer(text) if (name := found["name"] or found["long"]))

    def value(self, variable: Callable[[str, str | None], str]) -> str:
        """What it means.  variable(name, what to take when it is not set): its value."""
        return "".join(_meaning(piece, variable) for piece in _PIECE.finditer(self.raw))


@dataclass(frozen=True, slots=True)
class Document:
    """statements: the words of each line that has some."""

    path: str
    lines: tuple[str, ...]
    statements: tuple[tuple[Word, ...], ...]


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for a quote that does not end, as HAProxy does."""
    split = lines.split(text)
    statements = (_words(line, number, path) for number, line in enumerate(split, 1))
    return Document(path, split, tuple(words for words in statements if words))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def quoted(value: str) -> str:
    """A value as one word."""
    return value if re.fullmatch(r"[^\s\"'#\\]+", value) else "'" + value.replace("'", "'\\''") + "'"


def _words(line: str, number: int, path: str) -> tuple[Word, ...]:
    body, at, found = line.rstrip("\r\n"), 0, []
    while at < len(body):
        if word := _WORD.match(body, at):
            found.append(Word(word[0], number, at))
            at = word.end()
        elif body[at].isspace():
            at += 1
        elif body[at] == "#":
            break
        else:
            raise Unparsable("a quote that does not end", f"{path}:{number}", "run `haproxy -c -f` on it")
    return tuple(found)


def _meaning(piece: re.Match[str], variable: Callable[[str, str | None], str]) -> str:
    if piece["strong"] is not None:
        return piece["strong"]
    if piece["weak"] is not None:
        return _IN_QUOTES.sub(lambda found: _expanded(found, variable), piece["weak"])
    return _ESCAPE.sub(_escaped, piece["bare"])


def _expanded(found: re.Match[str], variable: Callable[[str, str | None], str]) -> str:
    name = found["name"] or found["long"]
    return variable(name, found["else"]) if name else _escaped(found)


def _escaped(found: re.Match[str]) -> str:
    return chr(int(found["hex"], 16)) if found["hex"] else _CONTROLS.get(found["one"], found["one"])
