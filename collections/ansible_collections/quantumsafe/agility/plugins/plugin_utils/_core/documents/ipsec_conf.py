"""The grammar of ipsec.conf, as strongSwan's starter and libreswan read it: `config setup` and `conn NAME` at the margin, `key=value` indented.

Sources: starter/parser/lexer.l of strongSwan 6.0.6; ipsec.conf(5) of both.  One parameter a line; a comment begins where a blank stands before
its "#"; empty lines mean nothing.  Lossless: a document keeps its lines, what was found only points into them.  `also=` and `conn %default` are
the reader's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Unparsable
from . import lines

_HEAD = re.compile(r"(?P<kind>config|conn|ca)[ \t]+(?P<name>[^\s#]+|\"[^\"]*\")[ \t\r]*(?:#.*)?$")
_INCLUDE = re.compile(r"[ \t]*include[ \t]+(?P<pattern>\"[^\"]*\"|[^\s#=][^\s#]*)[ \t\r]*(?:#.*)?$")
_VERSION = re.compile(r"[ \t]*version(?:[ \t].*)?$")
_PARAMETER = re.compile(r"[ \t]+(?P<name>[^\s=#\"]+)[ \t]*=[ \t]*")
_NOTHING = re.compile(r"[ \t\r]*(?:#.*)?$")
_VALUE = re.compile(r"(?P<value>\"[^\"]*\"|(?:(?![ \t]+#)[^\"])*?)[ \t\r]*(?:(?:(?<=[ \t])|(?<=\"))#.*)?$")


@dataclass(frozen=True, slots=True)
class Parameter:
    """name: in lower case.  start, end: where the value stands in its line, quotes included."""

    name: str
    value: str
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """kind: config, conn or ca."""

    kind: str
    name: str
    parameters: tuple[Parameter, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Include:
    """pattern: a path or a glob, relative to the folder of the file that it stands in."""

    pattern: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    lines: tuple[str, ...]
    items: tuple[Section | Include, ...]


def parse(text: str, path: str) -> Document:
    """Raises Unparsable (file:line) for a line that is none of these."""
    split = lines.split(text)
    items: list[Section | Include] = []
    inside: list[Parameter] | None = None
    begun: list[tuple[int, list[Parameter]]] = []
    for number, line in enumerate(split, 1):
        body = line.rstrip("\n")
        if _NOTHING.match(body) or _VERSION.match(body):
            continue
        if found := _HEAD.match(body):
            inside = []
            begun.append((len(items), inside))
            items.append(Section(found["kind"], found["name"].strip('"'), (), number))
        elif found := _INCLUDE.match(body):
            items.append(Include(found["pattern"].strip('"'), number))
        elif inside is not None and (one := _parameter(body, number)):
            inside.append(one)
        else:
            raise Unparsable(
                "a line that is no section, no include and no indented `key=value`", f"{path}:{number}", "the daemon refuses it too: mend it"
            )
    for place, parameters in begun:
        section = items[place]
        if isinstance(section, Section):
            items[place] = Section(section.kind, section.name, tuple(parameters), section.line)
    return Document(path, split, tuple(items))


def render(document: Document) -> str:
    """The text that was parsed, byte for byte."""
    return "".join(document.lines)


def replaced(line: str, parameter: Parameter, value: str) -> str:
    """The line with another value; indentation, blanks, a comment behind and the line end stay."""
    written = f'"{value}"' if line[parameter.start : parameter.end].startswith('"') else value
    return line[: parameter.start] + written + line[parameter.end :]


def _parameter(body: str, number: int) -> Parameter | None:
    head = _PARAMETER.match(body)
    found = _VALUE.match(body, head.end()) if head else None
    if not head or not found:
        return None
    start, end = found.span("value")
    return Parameter(head["name"].lower(), found["value"].strip('"'), number, start, end)
