"""What configurations of network devices come down to, whatever their grammar: statements, each a path of words that is whole by itself.

`set system services ssh ciphers aes256-ctr`, the same between braces, and `config … edit … set …` say one thing; a list of values is one statement
for each.  Lossless: a document keeps its lines, statements only point into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

SAVE = "save the whole configuration again"
DEEPEST = 100  # blocks within blocks; real files stay below twenty
_WORD = re.compile(r"""'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|[^\s"']\S*""")


@dataclass(frozen=True, slots=True)
class Statement:
    """words: the whole path, without quotes.  line: where it begins; inside a block that of the statement, not of the block.

    own: how many words stand above it; -1 = all but the last, where each value is a statement of its own.
    """

    words: tuple[str, ...]
    line: int
    own: int = -1


@dataclass(frozen=True, slots=True)
class Document:
    """around: (line, text) of what is no statement and no comment."""

    path: str
    lines: tuple[str, ...]
    statements: tuple[Statement, ...]
    around: tuple[tuple[int, str], ...] = ()


Parse = Callable[[str, str], Document]


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def bare(word: str) -> str:
    """A word without its quotes."""
    if word[:1] == '"':
        return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)
    return word[1:-1] if word[:1] == "'" else word


def commands(text: str, path: str) -> Document:
    """`set` commands, one a line, as Junos (`display set`) and VyOS (`show configuration commands`) print them.

    `[ a b ]` is a list.  What is deactivated is no statement.  Raises Unparsable (file:line) for a quote that does not end and for commands that
    change something else, which no device prints.
    """
    split = lines.split(text)
    found, around, without = [], [], []
    for number, line in enumerate(split, 1):
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        verb = body.split(None, 1)[0]
        if verb in ("delete", "rename", "insert", "edit", "top", "commit", "load", "copy"):
            raise Unparsable(f"`{verb}` changes a configuration: this is a script, not what a device saved", f"{path}:{number}", SAVE)
        if verb not in ("set", "deactivate", "activate", "protect"):
            around.append((number, body))
            continue
        words = _words(body, f"{path}:{number}")[1:]
        if verb == "set":
            found += [Statement(one, number) for one in _spread(words, f"{path}:{number}")]
        elif verb == "deactivate":
            without.append(words)
    kept = tuple(one for one in found if not any(one.words[: len(off)] == off for off in without))
    return Document(path, split, kept, tuple(around))


def _words(body: str, where: str) -> tuple[str, ...]:
    if '"' not in body and "'" not in body:
        return tuple(body.split())
    found, at = [], 0
    while at < len(body):
        if body[at].isspace():
            at += 1
        elif word := _WORD.match(body, at):
            found.append(bare(word[0]))
            at = word.end()
        else:
            raise Unparsable("a quote that does not end", where, SAVE)
    return tuple(found)


def _spread(words: tuple[str, ...], where: str) -> list[tuple[str, ...]]:
    """a [ b c ] → a b, a c."""
    if "[" not in words:
        return [words] if words else []
    at = words.index("[")
    if words[-1] != "]":
        raise Unparsable("a list that does not end", where, SAVE)
    return [(*words[:at], one) for one in words[at + 1 : -1]]
