"""The two languages of braces that routers speak: Junos ends a statement with ";", VyOS (and its config.boot) with the line.

Both print one statement or brace a line, and so it is asked of a file: what ends otherwise was cut off, or is prose.  The brace of a block may only
follow its name.  A block without anything in it is a statement itself.  Lossless: see statements.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..model import Unparsable
from . import lines
from .statements import DEEPEST, SAVE, Document, Statement, bare

_PLAIN = re.compile(r"""[^"'{};\[\]#*]+[;{]|\}""")  # of Junos: a line that needs no second look
_TOKEN = re.compile(r"""(?P<gap>\s+)|(?P<comment>/\*|\#.*)|(?P<word>"(?:[^"\\]|\\.)*"|[^\s"{};\[\]]+)|(?P<mark>[{};\[\]])""")
_MARKS = {"inactive:", "protect:", "replace:", "active:"}
_VALUE = r""""(?:[^"\\]|\\.)*"|'[^']*'|[^\s{}"']\S*"""
_LEAF = re.compile(rf"([a-zA-Z0-9][\w.-]*)(?:[ \t]+({_VALUE}))?")  # of VyOS


@dataclass(slots=True)
class _Blocks:
    """Blocks that are open: the words of each, the line where it began, how much was found before it, whether it counts."""

    path: str
    found: list[Statement] = field(default_factory=list)
    open: list[tuple[tuple[str, ...], int, int, bool]] = field(default_factory=list)

    @property
    def prefix(self) -> tuple[str, ...]:
        return self.open[-1][0] if self.open else ()

    @property
    def counts(self) -> bool:
        return not self.open or self.open[-1][3]

    def leaf(self, words: tuple[str, ...], line: int) -> None:
        if words[0] != "inactive:" and self.counts:
            self.found.append(Statement((*self.prefix, *_unmarked(words)), line))

    def begin(self, words: tuple[str, ...], line: int) -> None:
        if len(self.open) >= DEEPEST:
            raise Unparsable(f"blocks are nested deeper than {DEEPEST}", f"{self.path}:{line}", SAVE)
        self.open.append(((*self.prefix, *_unmarked(words)), line, len(self.found), words[0] != "inactive:" and self.counts))

    def end(self, line: int) -> None:
        if not self.open:
            raise Unparsable('unexpected "}": no block is open', f"{self.path}:{line}", SAVE)
        words, began, before, counts = self.open.pop()
        if counts and len(self.found) == before:
            self.found.append(Statement(words, began))

    def document(self, split: tuple[str, ...]) -> Document:
        if self.open:
            began = self.open[-1][1]
            raise Unparsable(f'it is cut off: the block of line {began} is never closed with "}}"', f"{self.path}:{len(split)}", SAVE)
        return Document(self.path, split, tuple(self.found))


def _unmarked(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:] if words[0] in _MARKS else words


def junos(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what is cut off, and for a line that is no statement."""
    split = lines.split(text)
    blocks = _Blocks(path)
    numbered = enumerate(split, 1)
    for number, body in _bodies(numbered, path):
        if _PLAIN.fullmatch(body) and "/*" not in body:
            words = tuple(body[:-1].split())
            if body == "}":
                blocks.end(number)
            elif words:
                (blocks.leaf if body[-1] == ";" else blocks.begin)(words, number)
            continue
        _statement(_tokens(body, number, numbered, path), number, blocks)
    return blocks.document(split)


def _statement(tokens: Iterator[tuple[str, bool]], number: int, blocks: _Blocks) -> None:
    """The statements of a line that needs a closer look.  A token is (text, whether it is a mark)."""
    words: list[str] = []
    listed: list[str] | None = None
    for token, mark in tokens:
        if not mark:
            (words if listed is None else listed).append(token)
        elif token == "[" and listed is None and words:
            listed = []
        elif token == "]" and listed is not None:
            for one in listed:
                blocks.leaf((*words, one), number)
            words, listed = ["]"], None
        elif token == ";" and words and listed is None:
            if words != ["]"]:
                blocks.leaf(tuple(words), number)
            words = []
        elif token == "{" and words and listed is None:
            blocks.begin(tuple(words), number)
            words = []
        elif token == "}" and not words:
            blocks.end(number)
        else:
            raise Unparsable(f'unexpected "{token}"', f"{blocks.path}:{number}", SAVE)
    if words or listed is not None:
        raise Unparsable("a line that ends with neither a semicolon nor a brace: it was cut off, or is none", f"{blocks.path}:{number}", SAVE)


def _tokens(body: str, number: int, numbered: Iterator[tuple[int, str]], path: str) -> Iterator[tuple[str, bool]]:
    at = 0
    while at < len(body):
        token = _TOKEN.match(body, at)
        if token is None:
            raise Unparsable("a quote that does not end", f"{path}:{number}", SAVE)
        at = token.end()
        if token["comment"] == "/*":
            body, at = _after(body, at, number, numbered, path)[1], 0
        elif token["word"]:
            yield bare(token["word"]) if token["word"][0] == '"' else token["word"], False
        elif token["mark"]:
            yield token["mark"], True


def _bodies(numbered: Iterator[tuple[int, str]], path: str) -> Iterator[tuple[int, str]]:
    """Each line that says something, behind the comment that it may begin with; more lines may be taken from `numbered` in between."""
    for at, line in numbered:
        number, body = at, line.strip()
        if body.startswith("/*"):
            number, body = _after(body, 2, number, numbered, path)
        if body:
            yield number, body


def _after(body: str, at: int, begun: int, numbered: Iterator[tuple[int, str]], path: str) -> tuple[int, str]:
    """What stands behind the comment that is open, and in which line; its lines are taken from `numbered`."""
    number = begun
    while (end := body.find("*/", at)) < 0:
        following = next(numbered, None)
        if following is None:
            raise Unparsable("it is cut off: the comment that begins here has no end", f"{path}:{begun}", SAVE)
        (number, body), at = following, 0
    return number, body[end + 2 :].strip()


def vyos(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what is cut off, and for a line that is none of a block, a leaf with at most one value, or a comment."""
    split = lines.split(text)
    blocks = _Blocks(path)
    numbered = enumerate(split, 1)
    for number, body in _bodies(numbered, path):
        if body.startswith("//"):
            continue
        if body == "}":
            blocks.end(number)
        elif body.endswith("{"):
            words = tuple(bare(word) for word in re.findall(_VALUE, body[:-1]))
            if not 0 < len(words) < 3:
                raise Unparsable("a block that has not one name and at most one value", f"{path}:{number}", SAVE)
            blocks.begin(words, number)
        elif blocks.open and (leaf := _LEAF.fullmatch(body)):
            blocks.leaf((leaf[1], bare(leaf[2])) if leaf[2] else (leaf[1],), number)
        else:
            raise Unparsable("a line that is no statement of VyOS", f"{path}:{number}", SAVE)
    return blocks.document(split)
