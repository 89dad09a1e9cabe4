"""What is kept of a configuration: the statements on a platform's list, each with its whole path in the line where it stands; all else becomes empty.

So no secret needs to be known to be left out, and what was braces, commands or edits is read in one way: as a tree.
A pattern of the list is words: `*` is any one word, at its end `=` the one value of its name, `+` one of several and those behind it; what stands
behind a pattern is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..documents import lines
from ..documents.statements import Document

BETWEEN = ";"  # of statements that stand in one line
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+')
_QUOTED = re.compile(r'[\s";\\]')
Patterns = Mapping[str, tuple[tuple[str, ...], ...]]


@lru_cache(maxsize=32)
def patterns(listed: tuple[str, ...]) -> Patterns:
    """By their first word, the longest first."""
    split = sorted((tuple(one.split()) for one in listed), key=len, reverse=True)
    return {head: tuple(one for one in split if one[0] == head) for head in {one[0] for one in split}}


def cut(words: tuple[str, ...], wanted: Patterns, own: int = -1) -> tuple[tuple[str, ...], bool] | None:
    """What is kept of a statement, and whether its name takes one value only; None = nothing.  own: see Statement."""
    for pattern in wanted.get(words[0], ()):
        size = len(pattern)
        if len(words) >= size and all(part in ("*", "+", "=", word) for part, word in zip(pattern, words, strict=False)):
            whole = pattern[-1] == "+" and size > (own if own >= 0 else len(words) - 1)  # what stands below a list is none of it
            return (words, False) if whole else (words[:size], pattern[-1] == "=")
    return None


def keep(document: Document, listed: tuple[str, ...]) -> str:
    """The text of what is kept; line numbers stay true."""
    wanted = patterns(listed)
    found: dict[int, dict[tuple[str, ...], None]] = {}
    for one in document.statements:
        if kept := cut(one.words, wanted, one.own):
            found.setdefault(one.line, {})[kept[0]] = None
    return "".join(_line(found.get(number, ()), line) for number, line in enumerate(document.lines, 1))


def _line(kept: Iterable[tuple[str, ...]], line: str) -> str:
    return f" {BETWEEN} ".join(map(said, kept)) + line[len(line.rstrip("\r\n")) :]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
    return f'"{escaped}"' if not word or _QUOTED.search(word) else word


@dataclass(slots=True)
class Node:
    """A word of a path.  line: that of the statement that said it first; below: the words that follow it."""

    line: int = 0
    below: dict[str, Node] = field(default_factory=dict)

    def at(self, *words: str) -> Node | None:
        here: Node | None = self
        for word in words:
            here = here.below.get(word) if here else None
        return here

    def each(self, *words: str) -> Iterator[tuple[str, Node]]:
        """The names below a path."""
        here = self.at(*words)
        yield from here.below.items() if here else ()

    def under(self, *words: str) -> tuple[str, ...]:
        """All that stands below a path, () when it is not there."""
        here = self.at(*words)
        return here.words() if here else ()

    def words(self) -> tuple[str, ...]:
        """All that stands below, in its order."""
        return tuple(dict.fromkeys(_all(self)))


def _all(node: Node) -> Iterator[str]:
    for word, below in node.below.items():
        yield word
        yield from _all(below)


def tree(text: str) -> Node:
    """What keep() kept."""
    top = Node()
    for number, line in enumerate(lines.split(text), 1):
        if line.isspace():
            continue
        here = top
        for word in _WORD.findall(line):
            here = top if word == BETWEEN else here.below.setdefault(_bare(word), Node(number))
    return top


def words(statement: str) -> tuple[str, ...]:
    """Those of one that was kept, each as it was before it was quoted."""
    return tuple(_bare(word) for word in _WORD.findall(statement))


def said(found: Iterable[str]) -> str:
    """A statement as it is kept."""
    return " ".join(_quoted(word) for word in found)


def _bare(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word[0] == '"' else word
