"""nginx's configuration language, lossless: a tree of directives whose words know where they stand.

Rules as in ngx_conf_read_token() of nginx 1.29 (src/core/ngx_conf_file.c): words are parted by blanks, ended by ";" or "{"; a word that
begins with a quote runs to the same quote; a backslash guards the next character anywhere; "#" opens a comment only where a word
could begin; "${" does not open a block.  Bodies of `*_by_lua_block` are not nginx's language and are kept as they are (lua_block.py).
The grammar knows no directive: what may stand where is the reader's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise

from ..model import Edit, Unparsable
from . import lines
from .lua_block import end_of_lua

BLANKS = " \t\r\n"
TRIVIA = re.compile(r"(?:[ \t\r\n]+|#[^\n]*+)*+")
# A word that is what it looks like, and what follows it: all but a few of a file.
EASY = re.compile(r"([^ \t\r\n;{}$\\\"'#][^ \t\r\n;{$\\]*+)(?![$\\])((?:[ \t\r\n]+|#[^\n]*+)*+)")
PLAIN = re.compile(r"[^ \t\r\n;{$\\]*+")  # of a bare word: what needs no second look
DEEPEST = 100  # blocks within blocks; real files stay below ten, and a reader must not exhaust the stack
ESCAPES = {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word.  before: blanks and comments ahead of it; raw: as written, quotes included; value: what nginx sees.

    line is 1-based, column the 0-based character of `raw` within that line.
    """

    before: str
    raw: str
    value: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Directive:
    """Words up to ";" or up to the "{" of a block.

    tail: blanks and comments before that end.  body None = a simple directive; closing: what stands before the block's "}".
    verbatim: the whole inside of a block in another language (then body is empty).  open_at, end_at: (line, column) just after
    ";" or "{", and after the directive's last character.
    """

    words: tuple[Word, ...]
    tail: str
    open_at: tuple[int, int]
    end_at: tuple[int, int]
    body: tuple[Directive, ...] | None = None
    closing: str = ""
    verbatim: str = ""

    @property
    def name(self) -> str:
        return self.words[0].value

    @property
    def args(self) -> tuple[str, ...]:
        return tuple(word.value for word in self.words[1:])

    @property
    def line(self) -> int:
        return self.words[0].line


@dataclass(frozen=True, slots=True)
class Document:
    """One file.  tail: blanks and comments after the last directive."""

    path: str
    directives: tuple[Directive, ...]
    tail: str


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(_pieces(document.directives)) + document.tail


def _pieces(directives: Iterable[Directive]) -> Iterator[str]:
    for directive in directives:
        for word in directive.words:
            yield word.before + word.raw
        yield directive.tail
        if directive.body is None:
            yield ";"
        else:
            yield "{" + directive.verbatim
            yield from _pieces(directive.body)
            yield directive.closing + "}"


@lru_cache(maxsize=64)  # one look at a host reads its files several times
def parse(text: str, path: str) -> Document:
    """The tree of `text`.  Raises Unparsable with file:line where nginx's own reader would stop."""
    return _Reader(text, path).document()


class _Reader:
    """One pass over a text.  `at` is the next character; every method leaves it behind what it returned."""

    def __init__(self, text: str, path: str) -> None:
        self.text, self.path, self.at = text, path, 0
        self.line, self.line_start, self.counted, self.depth = 1, 0, 0, 0

    def document(self) -> Document:
        directives, tail = self.directives(opened=0)
        return Document(self.path, directives, tail)

    def directives(self, opened: int) -> tuple[tuple[Directive, ...], str]:
        """Directives up to the end of the text, or up to and without the "}" of the block that line `opened` began."""
        found: list[Directive] = []
        while True:
            before = self.trivia()
            here = self.peek()
            if here == "":
                if opened:
                    raise self.error(f'the block opened in line {opened} is never closed with "}}"')
                return tuple(found), before
            if here == "}":
                if not opened:
                    raise self.error('unexpected "}": no block is open')
                return tuple(found), before
            found.append(self.directive(before))

    def directive(self, before: str) -> Directive:
        words: list[Word] = []
        while (easy := EASY.match(self.text, self.at)) or (here := self.peek()) not in (";", "{"):
            if easy:
                words.append(Word(before, easy[1], easy[1], *self.position()))
                self.at, before = easy.end(), easy[2]
                continue
            if here == "":
                raise self.error('unexpected end of file, expecting ";" or "{"')
            if here == "}":
                raise self.error('unexpected "}": the directive before it lacks its ";"')
            words.append(self.word(before))
            before = self.trivia()
        if not words:
            raise self.error(f'unexpected "{here}": no directive stands before it')
        self.at += 1
        opening = self.position()
        if here == ";":
            return Directive(tuple(words), before, opening, opening)
        if words[0].value.endswith("_by_lua_block"):
            return self.lua(words, before, opening)
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"blocks are nested deeper than {DEEPEST}")
        body, closing = self.directives(opened=opening[0])
        self.depth, self.at = self.depth - 1, self.at + 1
        return Directive(tuple(words), before, opening, self.position(), body, closing)

    def lua(self, words: list[Word], tail: str, opening: tuple[int, int]) -> Directive:
        start = self.at
        end = end_of_lua(self.text, start)
        if end is None:
            raise self.error(f'the Lua block opened in line {opening[0]} is never closed with "}}"')
        self.at = end + 1
        return Directive(tuple(words), tail, opening, self.position(), (), "", self.text[start:end])

    def trivia(self) -> str:
        """Blanks and comments."""
        start, self.at = self.at, _end(TRIVIA, self.text, self.at)
        return self.text[start : self.at]

    def word(self, before: str) -> Word:
        line, column = self.position()
        start = self.at
        quote = self.peek()
        if quote in ('"', "'"):
            inside = self.quoted(quote)
        else:
            self.bare()
            inside = self.text[start : self.at]
        return Word(before, self.text[start : self.at], _unescape(inside), line, column)

    def quoted(self, quote: str) -> str:
        """What stands between the quotes.  nginx wants a blank, ";", "{" or ")" after the closing one."""
        opening = self.position()[0]
        self.at += 1
        start = self.at
        while (here := self.peek()) != quote:
            if here == "":
                raise self.error(f"the quoted word that begins in line {opening} never ends")
            self.at += 2 if here == "\\" else 1
        self.at += 1
        after = self.peek()
        if after and after not in BLANKS + ";{)":
            raise self.error(f'unexpected "{after}" after a closing quote')
        return self.text[start : self.at - 1]

    def bare(self) -> None:
        self.at, variable = _end(PLAIN, self.text, self.at), False
        while (here := self.peek()) and here not in BLANKS + ";":
            if here == "{" and not variable:
                return
            variable = here == "$" or (variable and here == "{")
            self.at += 2 if here == "\\" else 1
        if self.at > len(self.text):
            self.at = len(self.text)
            raise self.error("the file ends after a backslash")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def position(self) -> tuple[int, int]:
        """(1-based line, 0-based column) of the next character; counts newlines once over the whole pass."""
        while (newline := self.text.find("\n", self.counted, self.at)) >= 0:
            self.line, self.line_start, self.counted = self.line + 1, newline + 1, newline + 1
        return self.line, self.at - self.line_start

    def error(self, message: str) -> Unparsable:
        self.at = min(self.at, len(self.text))
        return Unparsable(message, f"{self.path}:{self.position()[0]}", "run `nginx -t` on the host and mend the file")


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where the match of a pattern that always matches ends."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _unescape(inside: str) -> str:
    if "\\" not in inside:
        return inside
    out, at = [], 0
    while at < len(inside):
        known = ESCAPES.get(inside[at + 1 : at + 2]) if inside[at] == "\\" else None
        out.append(inside[at] if known is None else known)
        at += 1 if known is None else 2
    return "".join(out)


# ---------------------------------------------------------------- edits


@dataclass(frozen=True, slots=True, order=True)
class Splice:
    """Replace `old` (which stands at line, column; "" = insert there) by `new`."""

    line: int
    column: int
    old: str
    new: str


def edits(text: str, splices: Iterable[Splice]) -> tuple[Edit, ...]:
    """Line edits that make these replacements and touch no other line.  Raises ValueError when a splice does not fit the text."""
    whole = lines.split(text)
    starts = [0]
    for line in whole:
        starts.append(starts[-1] + len(line))
    placed = sorted((starts[s.line - 1] + s.column, s) for s in set(splices))
    for (left, one), (right, dummy) in pairwise(placed):
        if left + len(one.old) > right:
            raise ValueError(f"two replacements overlap in line {one.line}")
    out = []
    for touched in _runs(placed):
        first, last = touched[0][1].line, min(max(_last_line(s) for dummy, s in touched), len(whole))
        new = lines.split(_replaced(text, starts[first - 1], starts[last], touched))
        out.append(_smallest(first, whole[first - 1 : last], new))
    return tuple(edit for edit in out if edit.delete or edit.insert)


def _last_line(splice: Splice) -> int:
    return splice.line + splice.old.count("\n")


def _smallest(first: int, old: tuple[str, ...], new: tuple[str, ...]) -> Edit:
    """The edit from old to new without the lines that both begin or end with."""
    while old and new and old[0] == new[0]:
        first, old, new = first + 1, old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return Edit(first, len(old), new)


def _runs(placed: list[tuple[int, Splice]]) -> Iterator[list[tuple[int, Splice]]]:
    """Splices that share lines, together."""
    group, end = 0, 0
    numbered = []
    for offset, splice in placed:
        group += splice.line > end
        end = max(end, _last_line(splice))
        numbered.append((group, (offset, splice)))
    for dummy, members in groupby(numbered, key=lambda pair: pair[0]):
        yield [member for dummy, member in members]


def _replaced(text: str, start: int, end: int, touched: list[tuple[int, Splice]]) -> str:
    out = []
    for offset, splice in touched:
        if text[offset : offset + len(splice.old)] != splice.old:
            raise ValueError(f"line {splice.line} does not hold {splice.old!r} at column {splice.column}")
        out += [text[start:offset], splice.new]
        start = offset + len(splice.old)
    return "".join(out) + text[start:end]
