"""The grammar of postgresql.conf: one `name = value` a line, the "=" optional, a comment behind.

Source: guc-file.l (ID, STRING, UNQUOTED_STRING, INTEGER, REAL; DeescapeQuotedString()).  No token runs over a line end.  Lossless: a document
keeps its lines, settings only point into them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

REDACTED = "[redacted]"  # what the agent puts in place of a secret

# By what they are not: a class that names everything up to U+10FFFF takes re 5 ms to compile, at each start of ours.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"  # A-Z a-z _ and all beyond ASCII
_ID = rf"{_LETTER}[^\x00-/:-@\[-^`{{-\x7f]*"  # and 0-9
_HEAD = re.compile(rf"[ \t\r]*({_ID}(?:\.{_ID})?)(?=[\x00-/:-@\[-^`{{-\x7f]|$)[ \t\r]*=?[ \t\r]*")
_VALUES = (
    r"'(?:[^'\\\n]|\\.|'')*'",
    rf"{_LETTER}[^\x00-,;-@\[-^`{{-\x7f]*",  # and . _ : / - and 0-9
    r"[+-]?[0-9]*\.[0-9]*(?:[Ee][+-]?[0-9]+)?",
    r"[+-]?(?:0x[0-9A-Fa-f]+|[0-9]+)[A-Za-zµμ]*",
)
_VALUE = re.compile(rf"({'|'.join(_VALUES)})[ \t\r]*(?:#.*)?$")
_EMPTY = re.compile(r"[ \t\r]*(?:#.*)?$")
_ESCAPE = re.compile(r"''|\\([0-7]{1,3}|.)")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Setting:
    """name: in lower case.  start, end: where the value stands in its line, quotes included."""

    name: str
    value: str
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    lines: tuple[str, ...]
    settings: tuple[Setting, ...]


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what the server would refuse."""
    split = lines.split(text)
    settings = (_setting(line, number, path) for number, line in enumerate(split, 1))
    return Document(path, split, tuple(one for one in settings if one))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def replaced(line: str, setting: Setting, value: str) -> str:
    """The line with another value; indentation, spelling of the name, a comment behind and the line end stay."""
    return line[: setting.start] + quoted(value) + line[setting.end :]


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def boolean(value: str) -> bool | None:
    """As parse_bool() reads it: any beginning that only one of the words has; None for something else."""
    word = value.lower()
    true = word in ("1", "on") or (word and "true".startswith(word)) or (word and "yes".startswith(word))
    false = word in ("0", "of", "off") or (word and "false".startswith(word)) or (word and "no".startswith(word))
    return True if true else False if false else None


def _setting(line: str, number: int, path: str) -> Setting | None:
    body = line.rstrip("\n")
    if _EMPTY.match(body):
        return None
    head = _HEAD.match(body)
    hidden = head and body[head.end() :].startswith(REDACTED)
    found = head and _VALUE.match(body, head.end())
    if head and hidden:
        return Setting(head[1].lower(), REDACTED, number, head.end(), head.end() + len(REDACTED))
    if not head or not found:
        raise Unparsable("a line that is no `name = value`", f"{path}:{number}", "the server refuses the whole file on a reload: mend it")
    return Setting(head[1].lower(), _meant(found[1]), number, found.start(1), found.end(1))


def _meant(raw: str) -> str:
    return _ESCAPE.sub(_plain, raw[1:-1]) if raw.startswith("'") else raw


def _plain(found: re.Match[str]) -> str:
    said = found[1]
    if said is None:
        return "'"
    return chr(int(said, 8) & 0xFF) if said[0] in "01234567" else _PLAIN.get(said, said)
