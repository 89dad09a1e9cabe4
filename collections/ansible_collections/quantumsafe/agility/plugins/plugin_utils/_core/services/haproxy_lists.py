"""crt-list files: a certificate a line, with options of its own in brackets and the names that it is for.

Source: configuration manual, 5.1 "crt-list"; what an option there does: `curves` nothing (tried on 2.6 and 3.0: the bind line governs),
`ssl-min-ver`, `ciphers`, `ciphersuites` and `allow-0rtt` count for that certificate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..documents import lines
from ..model import File, Origin, Unparsable

_ENTRY = re.compile(r"(?P<lead>\s*)(?P<path>[^\s\[\]#]+)(?:\s*\[(?P<options>[^\]]*)\])?(?P<names>[^#]*)(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.  column: where its path stands; text: the whole line.  options: the words between the brackets; names: with their "!"."""

    file: File
    line: int
    column: int
    text: str
    path: str
    options: tuple[str, ...]
    names: tuple[str, ...]

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
            out.append(Entry(file, number, len(found["lead"]), text, found["path"], tuple(options), tuple(names)))
    return tuple(out)
