"""The grammar of tmsh, in which BIG-IP saves and lists its configuration: `kind of object /Common/name {`, a property a line, `}`.

Between braces in one line stands a list, each value of which is a statement of its own.  A quoted value may go on over lines.  Scripts (iRules and
their like) are Tcl, whose braces count wherever they stand but behind a backslash; nothing in them is a statement.  Lossless: see statements.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Unparsable
from . import lines
from .statements import DEEPEST, SAVE, Document, Statement, bare

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]\S*', re.DOTALL)
_OPEN_QUOTE = re.compile(r'(?:^|\s)"(?:[^"\\]|\\.)*\\?\Z', re.DOTALL)
_CLOSE_QUOTE = re.compile(r'(?:[^"\\]|\\.)*"')
# What begins an object whose body is a script.
_SCRIPTS = frozenset(
    tuple(one.split())
    for one in ("ltm rule", "gtm rule", "pem irule", "cli script", "sys icall script", "sys application template", "sys application apl-script")
)
_GUARDED = re.compile(r"\\.", re.DOTALL)


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what is cut off."""
    split = lines.split(text)
    found: list[Statement] = []
    around: list[tuple[int, str]] = []
    blocks: list[tuple[tuple[str, ...], int, int]] = []  # the words of each that is open, its line, how much was found before it
    numbered = iter(enumerate(split, 1))
    for number, line in numbered:
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        words = body.split() if '"' not in body else _words(body, number, numbered, path)
        said = words if '"' not in body else [bare(word) for word in words]
        above = blocks[-1][0] if blocks else ()
        if words == ["}"]:
            if not blocks:
                raise Unparsable('unexpected "}": no block is open', f"{path}:{number}", SAVE)
            name, began, before = blocks.pop()
            found += [Statement(name, began)] if len(found) == before else []
        elif words[-1] == "{" and len(words) > 1:
            if not blocks and any(tuple(words[:size]) in _SCRIPTS for size in (2, 3)):
                _script(number, numbered, path)
                continue
            if len(blocks) >= DEEPEST:
                raise Unparsable(f"blocks are nested deeper than {DEEPEST}", f"{path}:{number}", SAVE)
            blocks.append(((*above, *said[:-1]), number, len(found)))
        elif words[-1] == "}" and "{" in words[1:]:
            at = words.index("{")
            name = (*above, *said[:at])
            found += [Statement((*name, one), number) for one in said[at + 1 : -1]] or [Statement(name, number)]
        elif blocks:
            found.append(Statement((*above, *said), number))
        else:
            around.append((number, body))
    if blocks:
        raise Unparsable(f'it is cut off: the block of line {blocks[-1][1]} is never closed with "}}"', f"{path}:{len(split)}", SAVE)
    return Document(path, split, tuple(found), tuple(around))


def _words(body: str, number: int, numbered: Iterator[tuple[int, str]], path: str) -> list[str]:
    """Of a line, and of those that its quoted value goes on over; with their quotes."""
    parts, opened = [body], _OPEN_QUOTE.search(body) is not None
    while opened:
        following = next(numbered, None)
        if following is None:
            raise Unparsable("it is cut off: the quote that begins here has no end", f"{path}:{number}", SAVE)
        parts.append(following[1].rstrip())
        closed = _CLOSE_QUOTE.match(parts[-1])
        opened = closed is None or _OPEN_QUOTE.search(parts[-1], closed.end()) is not None
    return _WORD.findall("\n".join(parts))


def _script(begun: int, numbered: Iterator[tuple[int, str]], path: str) -> None:
    depth = 1
    for dummy, line in numbered:
        plain = _GUARDED.sub("", line)
        depth += plain.count("{") - plain.count("}")
        if depth <= 0:
            return
    raise Unparsable(f"it is cut off: the script of line {begun} has no end", f"{path}:{begun}", SAVE)
