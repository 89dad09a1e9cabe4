"""A document against its JSON Schema: every mistake as one sentence with file, line and path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, cast

from ..model import Problem
from .yaml_lines import Lines

try:
    import jsonschema
except ImportError:  # a requirement of the collection; without it a plugin must still import, says ansible-test
    jsonschema = None  # type: ignore[assignment]

LONGEST = 300  # characters of one sentence: a mistake may quote a whole document
_VALIDATORS: dict[int, Any] = {}


def mistakes(schema: Mapping[str, Any], data: Any, lines: Lines, where: str) -> list[str]:
    """ "file:line: path: what is wrong", by line.  Raises Problem when the controller lacks jsonschema."""
    if jsonschema is None:
        raise Problem("a policy cannot be checked without the Python package jsonschema", "controller", "pip install jsonschema")
    validator = _VALIDATORS.setdefault(id(schema), jsonschema.Draft202012Validator(schema))
    out = []
    for error in validator.iter_errors(data):
        at = tuple(error.absolute_path)
        path = ".".join(str(step) for step in at) or "policy"
        out.append((_line(lines, at), f"{path}: {_explain(error)}"))
    return [f"{where}:{line}: {_short(text)}" for line, text in sorted(out)]


def _line(lines: Lines, at: tuple[Any, ...]) -> int:
    while at not in lines and at:
        at = at[:-1]
    return lines.get(at, 1)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _explain(error: jsonschema.ValidationError) -> str:
    schema = cast(dict[str, Any], error.schema)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        return _unknown_keys(error.instance, schema.get("properties", {}))
    if error.validator in ("minItems", "minProperties", "minLength"):
        return "is empty; an empty list would leave the daemon to its defaults"
    if error.validator == "pattern":
        return f"{error.instance!r} has not the form that is wanted here ({schema.get('description') or error.validator_value})"
    if error.validator == "anyOf":
        return f"needs one of {', '.join(name for option in schema['anyOf'] for name in option['required'])}"
    return str(error.message)


def _unknown_keys(instance: dict[str, Any], known: dict[str, Any]) -> str:
    extra = [key for key in instance if key not in known]
    alike = [near for key in extra for near in difflib.get_close_matches(key, known, n=1)]
    hint = f"did you mean {' or '.join(dict.fromkeys(alike))}? " if alike else ""
    return f"unknown key {', '.join(extra)}; {hint}known here: {', '.join(known)}"
