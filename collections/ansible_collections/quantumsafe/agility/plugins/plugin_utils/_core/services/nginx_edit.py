"""Edits of nginx's files that all its writers make: a directive of its own behind another, and one Change a file."""

from __future__ import annotations

from collections.abc import Iterable

from ..documents import braces, lines
from ..documents.braces import Splice
from ..model import Change, File, Inexpressible
from .nginx_config import Node
from .paths import real_path

REDACTED = "[redacted]"  # what the agent puts in place of a secret


def behind(node: Node, texts: Iterable[str]) -> Splice:
    """Lines of their own, indented like the directive and behind its comment; on its line when more directives share it."""
    directive, source = node.directive, lines.split(node.file.text or "")
    line, column = directive.end_at
    rest = source[line - 1][column:].strip()
    if rest and not rest.startswith("#"):
        return Splice(line, column, "", "".join(f" {text}" for text in texts))
    first = source[directive.line - 1]
    before = lines.newline(source[line - 1]) + first[: len(first) - len(first.lstrip(" \t"))]
    return Splice(line, len(source[line - 1].rstrip("\r\n")), "", "".join(before + text for text in texts))


def change(file: File, splices: Iterable[Splice]) -> Change:
    """Raises Inexpressible when a line to be changed also holds a secret."""
    edits = braces.edits(file.text or "", splices)
    if any(REDACTED in line for edit in edits for line in edit.insert):
        raise Inexpressible(
            "a line to be changed also holds a secret, which this controller does not know", real_path(file), "give the secret a line of its own"
        )
    after = "" if file.redacted or file.text is None else lines.sha256(lines.apply(file.text, edits))
    return Change(real_path(file), file.sha256, edits, after, file.owner, file.group, file.mode)
