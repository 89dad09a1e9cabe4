"""Edits of HAProxy's lines that all its writers make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..documents import lines
from ..documents.braces import Splice
from ..documents.words import Word, quoted
from .haproxy_binds import Said
from .haproxy_config import Line

INDENT = "    "  # of a line below a section that has none


def value_of(said: Said) -> Word:
    """The word behind the name of an option."""
    return said.line.words[said.word + 1]


def replaced(word: Word, value: str) -> Splice:
    """In the quotes that it has."""
    quote = word.raw[0] if word.raw[0] in "'\"" and word.raw[-1] == word.raw[0] and not set(value) & set("'\"\\$") else ""
    return Splice(word.line, word.column, word.raw, f"{quote}{value}{quote}" if quote else quoted(value))


def behind(word: Word, text: str) -> Splice:
    return Splice(word.line, word.column + len(word.raw), "", text)


def behind_option(said: Said, text: str) -> Splice:
    return behind(value_of(said) if said.value else said.line.words[said.word], text)


def behind_line(line: Line, text: str, head: bool = False) -> Splice:
    """A line of its own, in the dress of this one; head: this one begins a section."""
    source = lines.split(line.file.text or "")[line.words[0].line - 1]
    lead = INDENT if head else source[: line.words[0].column]
    return Splice(line.words[0].line, len(source.rstrip("\r\n")), "", lines.newline(source) + lead + text)


def instead(options: Sequence[Said], text: str) -> tuple[Splice, ...]:
    """The first of these options of one line gives way to the text, the others go."""
    first, *others = options
    return (_cut(first, first.line.words[first.word].column, text), *(_cut(said, _end(said.line.words[said.word - 1]), "") for said in others))


def merged(splices: Iterable[Splice]) -> list[Splice]:
    """Insertions at one place as one, what stays on the line first."""
    out: list[Splice] = []
    inserts: dict[tuple[int, int], list[str]] = {}
    for splice in dict.fromkeys(splices):
        if splice.old:
            out.append(splice)
        else:
            inserts.setdefault((splice.line, splice.column), []).append(splice.new)
    return [*out, *(Splice(*place, "", "".join(sorted(texts, key=lambda text: text[0] in "\r\n"))) for place, texts in inserts.items())]


def _cut(said: Said, start: int, text: str) -> Splice:
    """From a column of its line to the end of the option."""
    word = value_of(said) if said.value else said.line.words[said.word]
    source = lines.split(said.line.file.text or "")[word.line - 1]
    return Splice(word.line, start, source[start : _end(word)], text)


def _end(word: Word) -> int:
    return word.column + len(word.raw)
