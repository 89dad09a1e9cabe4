"""crt-list files: a certificate a line, with options of its own in brackets and the names that it is for; and the lines of a frontend that say
the same since 3.2 (ssl-f-use), for all its binds.

Source: configuration manual, 5.1 "crt-list"; what an option there does: `ssl-min-ver`, `ciphers`, `ciphersuites` and `allow-0rtt` count for that
certificate; for `curves` see haproxy_traps.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..documents import lines
from ..model import File, Origin, Unparsable
from .haproxy_config import Section

_ENTRY = re.compile(r"(?P<lead>\s*)(?P<path>[^\s\[\]#]+)(?:\s*\[(?P<options>[^\]]*)\])?(?P<names>[^#]*)(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.  column: where its path stands, as raw; text: the whole line.  options: the words of its own; names: with their "!"."""

    file: File
    line: int
    column: int
    text: str
    path: str
    raw: str
    options: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        return Origin(self.file.path, self.line)

    def option(self, name: str) -> str | None:
        """The word behind it; "" of one that stands alone or last; None without it."""
        if name not in self.options:
            return None
        at = len(self.options) - 1 - self.options[::-1].index(name)
        return self.options[at + 1] if at + 1 < len(self.options) else ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each word with the one behind it."""
        return tuple(zip(self.options, (*self.options[1:], ""), strict=True))


def entries(file: File) -> tuple[Entry, ...]:
    """Raises Unparsable (file:line) for a file that could not be read."""
    if file.text is None:
        raise Unparsable(f"it could not be read: {file.problem or 'no text'}", file.path, "it says which certificates HAProxy serves")
    out = []
    for number, text in enumerate(lines.split(file.text), 1):
        found = _ENTRY.fullmatch(text.rstrip("\r\n"))
        if text.strip() and not text.lstrip().startswith("#"):
            if not found:
                raise Unparsable("no path of a certificate at its beginning", f"{file.path}:{number}", "run `haproxy -c`")
            options, names = (found["options"] or "").split(), found["names"].split()
            out.append(Entry(file, number, len(found["lead"]), text, found["path"], found["path"], tuple(options), tuple(names)))
    return tuple(out)


def of_section(section: Section) -> Iterator[Entry]:
    for line in section.named("ssl-f-use"):
        values, number = line.values, line.words[0].line
        if "crt" in values[1:-1]:
            word = line.words[values.index("crt") + 1]
            text = lines.split(line.file.text or "")[number - 1]
            yield Entry(line.file, number, word.column, text, values[values.index("crt") + 1], word.raw, values[1:])
