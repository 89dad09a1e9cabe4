"""The grammar of sshd_config(5): one directive a line, a keyword and its arguments, `Match` blocks that run to the next one.

Sources: sshd_config(5); misc.c strdelim() and argv_split() of OpenSSH 8.7 and later: white space or one "=" after the keyword, single and
double quotes anywhere in a word, a comment after the arguments.  Lossless: a document keeps its lines, directives only point into them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

_HEAD = re.compile(r'[ \t\r]*(?:=[ \t\r]*)?(?:"([^"]*)"[ \t\r]*|([^ \t\r="]+)[ \t\r]*=?[ \t\r]*)')
# What a word is made of; a backslash escapes only quotes, itself and, outside quotes, a blank.
_DOUBLE, _SINGLE = (rf"""{quote}((?:\\['"\\]|\\(?!['"\\])|[^{quote}\\])*){quote}""" for quote in "\"'")
_ESCAPE = r"""\\(['"\\ ])"""
_WORD = re.compile(rf"""[ \t]*((?:{_ESCAPE}|\\(?!['"\\ ])|{_DOUBLE}|{_SINGLE}|[^ \t"'\\])+)""")
_SPECIAL = re.compile(rf"{_ESCAPE}|{_DOUBLE}|{_SINGLE}")


@dataclass(frozen=True, slots=True)
class Directive:
    """keyword: as written; name: in lower case.  start, end: where all arguments stand in the text of its line (characters).

    match: the `Match` line that it stands under, "" outside.
    """

    keyword: str
    name: str
    arguments: tuple[str, ...]
    line: int
    start: int
    end: int
    match: str


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    lines: tuple[str, ...]
    directives: tuple[Directive, ...]


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for a quote that does not end, as sshd does."""
    split = lines.split(text)
    found: list[Directive] = []
    match = ""
    for number, line in enumerate(split, 1):
        directive = _directive(line, number, match, path)
        if directive and directive.name == "match":
            match = " ".join(("Match", *directive.arguments))
        if directive:
            found.append(directive)
    return Document(path, split, tuple(found))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def _directive(line: str, number: int, match: str, path: str) -> Directive | None:
    body = line.rstrip(" \t\r\n\f")
    if not body.strip(" \t\r"):
        return None
    head = _HEAD.match(body)
    if not head:
        raise Unparsable("a line without a keyword", f"{path}:{number}", "run `sshd -t`")
    name = head[1] or head[2] or ""
    if name.startswith("#"):
        return None
    arguments: list[str] = []
    start = end = at = head.end()
    while (word := _WORD.match(body, at)) and not word[1].startswith("#"):
        arguments.append(_SPECIAL.sub(_plain, word[1]))
        start = word.start(1) if len(arguments) == 1 else start
        at = end = word.end(1)
    if body[at:].strip(" \t") and not word:
        raise Unparsable("a quote that does not end", f"{path}:{number}", "run `sshd -t`")
    return Directive(name, name.lower(), tuple(arguments), number, start, end, match)


def _plain(found: re.Match[str]) -> str:
    """An escaped character as it is; a quoted piece without its quotes, in which a backslash before a blank stays."""
    quoted = found[2] if found[2] is not None else found[3]
    return found[1] if quoted is None else re.sub(r"\\(['\"\\])", r"\1", quoted)


def replaced(line: str, directive: Directive, value: str) -> str:
    """The line with other arguments; indentation, spelling of the keyword, a comment behind and the line end stay."""
    return line[: directive.start] + value + line[directive.end :]
