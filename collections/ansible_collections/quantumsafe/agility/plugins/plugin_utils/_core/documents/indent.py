"""The grammar of IOS-like configurations: one command a line, what stands deeper belongs to the line above it, "!" begins a comment.

Banners are the one text without grammar: `banner NAME ^C` runs to the next ^C (any character may take its place), `banner NAME` alone to a line
EOF (EOS, where a certificate and its key follow `protocol https certificate` alike).  What a line means, and which lines make a configuration whole,
is the reader's business.  Lossless: a document keeps its lines, commands only point into them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

_PASTED = {"protocol https certificate": 2}  # commands of EOS that texts up to a line EOF follow, and how many
_BANNER = re.compile(r"(?:banner \S+|aaa authentication (?:banner|fail-message))(?:[ \t]+(\^C|\S)(.*))?$")


@dataclass(frozen=True, slots=True)
class Command:
    """words: of the line without indentation; body: the commands that belong to it."""

    words: tuple[str, ...]
    line: int
    body: tuple[Command, ...] = ()

    def starts(self, *words: str) -> bool:
        return self.words[: len(words)] == words

    def under(self, *words: str) -> tuple[Command, ...]:
        return tuple(one for one in self.body if one.starts(*words))


@dataclass(frozen=True, slots=True)
class Document:
    """banners: (first, last) line of each."""

    path: str
    lines: tuple[str, ...]
    commands: tuple[Command, ...]
    banners: tuple[tuple[int, int], ...]

    def of(self, *words: str) -> tuple[Command, ...]:
        """The commands at the margin that begin so."""
        return tuple(one for one in self.commands if one.starts(*words))


@dataclass(slots=True)
class _Open:
    """A command that may still get a body."""

    indent: int
    words: tuple[str, ...]
    line: int
    body: list[_Open]

    def closed(self) -> Command:
        return Command(self.words, self.line, tuple(one.closed() for one in self.body))


def parse(text: str, path: str, banners: bool = True) -> Document:
    """Raises Unparsable (file:line) for a banner that never ends.  banners: they run over lines; those of ASA are a command for each."""
    split = lines.split(text)
    top = _Open(-1, (), 0, [])
    stack, texts, numbered = [top], [], enumerate(split, 1)
    for number, line in numbered:
        body = line.strip()
        if not body or body.startswith("!"):
            continue
        one = _Open(len(line) - len(line.lstrip()), tuple(body.split()), number, [])
        while one.indent <= stack[-1].indent:
            stack.pop()
        stack[-1].body.append(one)
        stack.append(one)
        if banners and (found := _BANNER.match(body)):
            texts.append((number, _end(found[1], found[2] or "", number, numbered, path)))
        for dummy in range(_PASTED.get(body, 0)):
            texts.append((number, _end("", "", number, numbered, path)))
    return Document(path, split, top.closed().body, tuple(texts))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def _end(mark: str | None, rest: str, begun: int, numbered: Iterator[tuple[int, str]], path: str) -> int:
    """The last line of the banner that began; its lines are taken from `numbered`."""
    if mark and mark in rest:
        return begun
    for number, line in numbered:
        if (mark and mark in line) or (not mark and line.strip() == "EOF"):
            return number
    raise Unparsable(f"the banner that begins here has no end ({mark or 'EOF'})", f"{path}:{begun}", "save the whole configuration again")
