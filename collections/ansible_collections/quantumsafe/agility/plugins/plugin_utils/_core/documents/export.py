r"""The grammar of a RouterOS export: `/ip ipsec profile` is where the commands below it work, `add` and `set` give `key=value` pairs.

A backslash at the end of a line goes on with the next one, without its indentation; "#" begins a comment line.  The name of what is added or set is a
word of the path; what `[ find default=yes ]` finds is called default.  Values with commas are one statement each.  Lossless: see statements.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Unparsable
from . import lines
from .statements import SAVE, Document, Statement, bare

_TOKEN = re.compile(r"""\[[^\]\n]*\]|[\w.!-]+=(?:"(?:[^"\\]|\\.)*"|\[[^\]\n]*\]|[^\s"]*)|"(?:[^"\\]|\\.)*"|[^\s"\[]+""")
_FIND = re.compile(r"\[ ?find (?:default-)?(default|name)=\"?([^\"\]]*?)\"? ?\]")


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for a line that goes on and has no next one."""
    split = lines.split(text)
    found: list[Statement] = []
    around: list[tuple[int, str]] = []
    here: tuple[str, ...] = ()
    for number, body in _joined(split, path):
        tokens = _TOKEN.findall(body)
        if body.startswith("/"):
            size = next((at for at, word in enumerate(tokens) if word in ("add", "set")), len(tokens))
            here, tokens = tuple(" ".join(tokens[:size])[1:].split()), tokens[size:]
        if tokens and tokens[0] in ("add", "set") and here:
            found += [Statement((*here, *words), number) for words in _said(tokens[1:])]
        elif tokens:
            around.append((number, body))
    return Document(path, split, tuple(found), tuple(around))


def _joined(split: tuple[str, ...], path: str) -> Iterator[tuple[int, str]]:
    """(first line, the whole command)."""
    parts: list[str] = []
    begun = 0
    for number, line in enumerate(split, 1):
        body = line.strip()
        if not parts and (not body or body.startswith("#")):
            continue
        begun = begun if parts else number
        if body.endswith("\\"):
            parts.append(line.lstrip().rstrip("\r\n")[:-1])
            continue
        yield begun, "".join((*parts, body))
        parts = []
    if parts:
        raise Unparsable("it is cut off: the line goes on, and nothing follows", f"{path}:{len(split)}", SAVE)


def _said(tokens: list[str]) -> Iterator[tuple[str, ...]]:
    pairs = {key: bare(value) for key, sign, value in (word.partition("=") for word in tokens if not word.startswith("[")) if sign}
    name = _name(tokens, pairs)
    if name:
        yield name
    for key, value in pairs.items():
        for one in value.split(","):
            yield (*name, key, one)


def _name(tokens: list[str], pairs: dict[str, str]) -> tuple[str, ...]:
    if tokens and (found := _FIND.fullmatch(tokens[0])):
        return ("default",) if found[1] == "default" else (found[2],)
    if tokens and "=" not in tokens[0] and not tokens[0].startswith("["):
        return (bare(tokens[0]),)
    return (pairs["name"],) if "name" in pairs and len(pairs) > 1 else ()
