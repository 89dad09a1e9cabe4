"""What every grammar shares: texts, lines with their line ends, and line edits.

A line ends with "\\n" or "\\r\\n"; the last one may lack an end.  Nothing else splits a line (not "\\r", "\\v" or U+2028), because
daemons read lines by "\\n" and an edit addresses the lines that they read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ..model import Edit, Unparsable


def decode(raw: bytes, path: str) -> str:
    """Bytes of a configuration file as text.  Raises Unparsable with the offset of the first NUL or undecodable byte."""
    nul = raw.find(b"\0")
    if nul >= 0:
        raise Unparsable(f"not a text file: NUL at byte {nul}", path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unparsable(f"not UTF-8 text: byte {error.start} is 0x{raw[error.start]:02x}", path) from error


def sha256(text: str) -> str:
    """Hex digest of the text's UTF-8 bytes, as sha256sum prints it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def split(text: str) -> tuple[str, ...]:
    """Lines with their ends kept; "".join(split(x)) == x."""
    return tuple(line for line in _cut(text) if line)


def _cut(text: str) -> Iterable[str]:
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start : end + 1]
        start = end + 1
    yield text[start:]


def newline(text: str) -> str:
    """The line end that this text uses: that of its first line, "\\n" when it has none."""
    head, found, dummy = text.partition("\n")
    return "\r\n" if found and head.endswith("\r") else "\n"


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text after the edits (sorted, not overlapping), byte for byte what the agent makes of the file on the host.

    Raises ValueError when they overlap, leave the text, or insert after a last line that has no line end.
    """
    lines, at = split(text), 1
    out: list[str] = []
    for edit in edits:
        if edit.line < at or edit.line + edit.delete > len(lines) + 1:
            raise ValueError(f"edit at line {edit.line} overlaps another or leaves the text")
        out += lines[at - 1 : edit.line - 1]
        if edit.insert and out and not out[-1].endswith("\n"):
            raise ValueError(f"edit at line {edit.line} would join an unfinished line: replace that line instead")
        out += edit.insert
        at = edit.line + edit.delete
    return "".join(out) + "".join(lines[at - 1 :])
