"""The grammar of FortiOS: `config PATH`, `edit NAME`, `set NAME VALUE…`, `next`, `end`; "#" begins a comment where a command could begin.

A quoted value may run over many lines (certificates, keys, pages of HTML) and holds anything; a backslash guards the next character.  `unset` says
that the default counts, so it is no statement.  Values of one `set` are one statement each.  Lossless: see statements.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Unparsable
from . import lines
from .statements import DEEPEST, SAVE, Document, Statement, bare

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+', re.DOTALL)
_QUOTE = re.compile(r'\\.|(")', re.DOTALL)


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what is cut off: a block without its `end`, a quote that does not end."""
    split = lines.split(text)
    found: list[Statement] = []
    around: list[tuple[int, str]] = []
    stack: list[tuple[str, tuple[str, ...], int]] = []
    numbered = enumerate(split, 1)
    for number, line in numbered:
        body = line.strip()
        if not body or body[0] == "#":
            continue
        words = _words(body, line, number, numbered, path) if '"' in body else tuple(body.split())
        prefix = stack[-1][1] if stack else ()
        verb, kind = words[0], stack[-1][0] if stack else ""
        if verb == "config" and words[1:] and len(stack) < DEEPEST:
            stack.append(("config", (*prefix, *words[1:]), number))
        elif verb == "edit" and kind == "config" and len(words) == 2:
            stack.append(("edit", (*prefix, words[1]), number))
            found.append(Statement((*prefix, words[1]), number))
        elif verb == "next" and kind == "edit":
            stack.pop()
        elif verb == "end" and stack:
            if kind == "edit":  # an `end` closes an open `edit`, too
                stack.pop()
            stack.pop()
        elif verb in ("set", "append") and stack and words[2:]:
            found += [Statement((*prefix, words[1], one), number) for one in words[2:]]
        elif verb in ("set", "unset", "append", "select", "unselect") and stack:
            continue
        else:
            around.append((number, body))
    if stack:
        kind, dummy, began = stack[-1]
        raise Unparsable(f"it is cut off: the `{kind}` of line {began} is never closed", f"{path}:{len(split)}", SAVE)
    return Document(path, split, tuple(found), tuple(around))


def _words(body: str, line: str, begun: int, numbered: Iterator[tuple[int, str]], path: str) -> tuple[str, ...]:
    """The words of a command; the lines of a quoted value are taken from `numbered`."""
    if _odd(body):
        parts = [line]
        while True:
            following = next(numbered, None)
            if following is None:
                raise Unparsable("it is cut off: the quoted value that begins here has no end", f"{path}:{begun}", SAVE)
            parts.append(following[1])
            if _odd(following[1]):
                break
        body = "".join(parts)
    return tuple(bare(word) for word in _WORD.findall(body)) or ("",)


def _odd(text: str) -> bool:
    """Whether a quote is opened or closed in it and not the other."""
    return sum(1 for found in _QUOTE.finditer(text) if found[1]) % 2 == 1
