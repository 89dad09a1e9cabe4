"""The grammar of OpenVPN's configuration files: one option a line, words with quotes and backslashes, and blocks `<ca>` … `</ca>`.

Source: options_parse.c, parse_line(), check_inline_file() and read_inline_file(): ";" and "#" begin a comment where a word could begin; quotes
count only there, too; a backslash stands before a quote, a blank or itself; a block is a line of one word in angle brackets, and ends at the
first line that begins with its end.  Lossless: a document keeps its lines, options only point into them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

LONGEST = 255  # characters of a line (OPTION_LINE_SIZE)
_BLANKS = " \t\v\f\r\n"
_ESCAPED = r"\\[\\\" \t\v\f]"
_DOUBLE, _SINGLE = rf'"(?P<double>(?:{_ESCAPED}|[^"\\])*)"', r"'(?P<single>[^']*)'"
_BARE = rf"""(?P<bare>(?:{_ESCAPED}|[^\\ \t\v\f\r;#"'])(?:{_ESCAPED}|[^\\ \t\v\f\r])*)"""
_WORD = re.compile(rf"[ \t\v\f\r]*(?:{_DOUBLE}|{_SINGLE}|{_BARE})")
_CHECK = "start it with this file and look at what it says"


@dataclass(frozen=True, slots=True)
class Option:
    """name: without the two dashes that may precede it.  start, end: where all arguments stand in their line.

    last: the line of a block's end; that of the option itself without one.
    """

    name: str
    arguments: tuple[str, ...]
    line: int
    start: int
    end: int
    last: int
    inline: bool = False

    @property
    def value(self) -> str:
        """The first argument, "" without one."""
        return self.arguments[0] if self.arguments else ""


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    lines: tuple[str, ...]
    options: tuple[Option, ...]

    def block(self, option: Option) -> str:
        """What a block holds."""
        return "".join(self.lines[option.line : option.last - 1]) if option.inline else ""


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what OpenVPN refuses: a quote, a block or a backslash that does not end as it should."""
    split = lines.split(text)
    found: list[Option] = []
    at = 0
    while at < len(split):
        option = _option(split, at, path)
        at = option.last if option else at + 1
        found += [option] if option else []
    return Document(path, split, tuple(found))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def replaced(line: str, option: Option, value: str) -> str:
    """The line with other arguments; indentation, spelling of the option, a comment behind and the line end stay."""
    return line[: option.start] + value + line[option.end :]


def _option(split: tuple[str, ...], at: int, path: str) -> Option | None:
    body = split[at].removeprefix("\ufeff") if at == 0 else split[at]
    skipped = len(split[at]) - len(body)
    words = _words(body.rstrip("\r\n"), f"{path}:{at + 1}")
    if not words:
        return None
    head, *rest = words
    name, start, end = head[0], rest[0][1] if rest else head[2], rest[-1][2] if rest else head[2]
    if not rest and name.startswith("<") and name.endswith(">") and len(name) > 2:
        return Option(name[1:-1], (), at + 1, start + skipped, end + skipped, _last(split, at, name, path), True)
    name = name[2:] if name.startswith("--") and len(name) > 2 else name
    return Option(name, tuple(word for word, dummy, dummy2 in rest), at + 1, start + skipped, end + skipped, at + 1)


def _last(split: tuple[str, ...], at: int, name: str, path: str) -> int:
    """The number of the line that ends the block."""
    ends = f"</{name[1:]}"
    for number, line in enumerate(split[at + 1 :], at + 2):
        if line.lstrip(_BLANKS).startswith(ends):
            return number
    raise Unparsable(f"{name} has no {ends}", f"{path}:{at + 1}", _CHECK)


def _words(body: str, where: str) -> list[tuple[str, int, int]]:
    """(what it means, where it begins, where it ends) of each word."""
    out, at = [], 0
    while word := _WORD.match(body, at):
        kind = word.lastgroup or "bare"
        begin = word.start(kind) - (kind != "bare")
        out.append((word[kind] if kind == "single" else re.sub(r"\\([\\\" \t\v\f])", r"\1", word[kind]), begin, word.end()))
        at = word.end()
    rest = body[at:].strip(_BLANKS)
    if rest and rest[0] not in ";#":
        raise Unparsable("a quote that does not end, or a backslash that escapes nothing", where, _CHECK)
    return out
