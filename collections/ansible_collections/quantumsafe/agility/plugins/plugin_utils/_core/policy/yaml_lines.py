"""YAML as a policy needs it: every scalar stays the text that was written, every node knows its line, a key given twice is an error.

YAML 1.1 would turn an unquoted `no`, a date or a version into another type (docs/policy.md, "YAML traps"); the schema converts instead.
Aliases are refused: a policy is read by people, and a few nested ones grow without bound or end in themselves.
"""

from __future__ import annotations

from typing import Any

import yaml

from ..model import Problem

Lines = dict[tuple[str | int, ...], int]
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 20  # levels; the schema needs nine
LARGEST = 1024 * 1024  # characters; the largest baseline has a fiftieth of that


def load(text: str, path: str) -> tuple[Any, Lines]:
    """(document, lines): lines maps the path of each node, e.g. ("rules", 0, "allow"), to its 1-based line.

    Raises Problem (file:line) for text that is no YAML, for duplicate keys, aliases, nesting without end and files without end.
    """
    if len(text) > LARGEST:
        raise Problem(f"larger than {LARGEST // 1024} KiB", f"{path}:1", "a policy is read by people; split it with extends")
    try:
        _refuse_tricks(text, path)
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Problem(f"not YAML: {error.problem or error.context}", f"{path}:{line}") from error
    except yaml.YAMLError as error:
        raise Problem(f"not YAML: {error}", path) from error
    lines: Lines = {}
    return (_plain(node, (), lines, path) if node else {}), lines


def _refuse_tricks(text: str, path: str) -> None:
    """Events come one after the other, so this costs neither recursion nor memory, whatever the text is."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise Problem(f"the alias *{event.anchor} is not taken", _line(event, path), "write out what it stands for")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Problem(f"nested more than {DEEPEST} levels deep", _line(event, path), "no policy needs that")


def _line(event: yaml.Event, path: str) -> str:
    return f"{path}:{event.start_mark.line + 1}" if event.start_mark else path


def _plain(node: yaml.Node, at: tuple[str | int, ...], lines: Lines, path: str) -> Any:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Problem("a list or a mapping stands where a key belongs", f"{path}:{line}", "a key is a word")
            name = str(key.value)
            if name in out:
                raise Problem(f"the key {name} stands twice", f"{path}:{line}", "keep one of them")
            out[name] = _plain(value, (*at, name), lines, path)
            lines[(*at, name)] = line
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*at, i), lines, path) for i, child in enumerate(node.value)]
    return str(node.value)
