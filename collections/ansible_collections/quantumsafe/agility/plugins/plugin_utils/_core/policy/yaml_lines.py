"""YAML as a policy needs it: every scalar stays the text that was written, every node knows its line, a key given twice is an error.

YAML 1.1 would turn an unquoted `no`, a date or a version into another type (docs/policy.md, "YAML traps"); the schema converts instead.
"""

from __future__ import annotations

from typing import Any

import yaml

from ..model import Problem

Lines = dict[tuple[str | int, ...], int]


def load(text: str, path: str) -> tuple[Any, Lines]:
    """(document, lines): lines maps the path of each node, e.g. ("rules", 0, "allow"), to its 1-based line.

    Raises Problem (file:line) for text that is no YAML and for duplicate keys.
    """
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Problem(f"not YAML: {error.problem or error.context}", f"{path}:{line}") from error
    except yaml.YAMLError as error:
        raise Problem(f"not YAML: {error}", path) from error
    lines: Lines = {}
    return (_plain(node, (), lines, path) if node else {}), lines


def _plain(node: yaml.Node, at: tuple[str | int, ...], lines: Lines, path: str) -> Any:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in out:
                raise Problem(f"the key {name} stands twice", f"{path}:{key.start_mark.line + 1}", "keep one of them")
            out[name] = _plain(value, (*at, name), lines, path)
            lines[(*at, name)] = key.start_mark.line + 1
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*at, i), lines, path) for i, child in enumerate(node.value)]
    return str(node.value)
