"""XML as PAN-OS saves it: elements are words, an `entry` is its name, a `member` its text; so a leaf is a path, as in `set` commands.

Read with expat, event by event: no tree, no entities (a document type is refused), nothing is fetched.  Lossless: see statements.py.
"""

from __future__ import annotations

from xml.parsers import expat

from ..model import Unparsable
from . import lines
from .statements import DEEPEST, SAVE, Document, Statement


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for what is cut off or no XML."""
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: reader.begin(name, attributes, parser.CurrentLineNumber)
    parser.CharacterDataHandler = reader.said
    parser.EndElementHandler = lambda dummy: reader.end()
    parser.StartDoctypeDeclHandler = lambda *dummy: reader.refuse(parser.CurrentLineNumber)
    try:
        parser.Parse(text.lstrip("\ufeff"), True)
    except expat.ExpatError as error:
        why = expat.errors.messages.get(error.code, "no XML")
        raise Unparsable(f"it is cut off, or no XML: {why}", f"{path}:{error.lineno}", SAVE) from error
    return Document(path, lines.split(text), tuple(reader.found))


class _Reader:
    """open: the path, the line, the text so far, and how much was found before of each element that is open."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: list[Statement] = []
        self.open: list[tuple[tuple[str, ...], int, list[str], int]] = []

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        if len(self.open) >= DEEPEST:
            raise Unparsable(f"elements are nested deeper than {DEEPEST}", f"{self.path}:{line}", SAVE)
        above = self.open[-1][0] if self.open else ()
        word = () if name == "member" else (attributes.get("name", name),) if name == "entry" else (name,)
        self.open.append(((*above, *word), line, [], len(self.found)))

    def said(self, text: str) -> None:
        if self.open:
            self.open[-1][2].append(text)

    def end(self) -> None:
        words, line, parts, before = self.open.pop()
        if len(self.found) == before and words:
            text = "".join(parts).strip()
            self.found.append(Statement((*words, text) if text else words, line))

    def refuse(self, line: int) -> None:
        raise Unparsable("a document type: an HTML page, not a configuration", f"{self.path}:{line}", SAVE)
