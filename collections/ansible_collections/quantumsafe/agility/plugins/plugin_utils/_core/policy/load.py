"""A policy file and everything it extends → one Policy, or every error at once with file and line.

Reading is a function that is handed in, so this stays pure.  Only this module needs YAML and the schema: workers read the compiled form.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from ..algorithms.lookup import find, near
from ..model import Problem, Source, Stage
from . import yaml_lines
from .merge import merge
from .model import Lifecycle, Match, Policy, Rule, Select, StageRule, Zone, digest_of

try:
    import jsonschema
except ImportError:  # a requirement of the collection; without it a plugin must still import, says ansible-test
    jsonschema = None  # type: ignore[assignment]

HERE = Path(__file__).parent
BASELINES = HERE / "baselines"
SCHEMA = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
SCOPES = ("protocol", "role", "service", "zone", "group", "host")
WORDS = ("construction", "status", "name")
FLAGS = ("aead", "etm", "forward_secret")


class PolicyError(Problem):
    """One or more mistakes in a policy; nothing was touched."""


def baselines() -> tuple[str, ...]:
    """Names of the shipped baselines, e.g. "hybrid-transition@1"."""
    return tuple(sorted(path.stem for path in BASELINES.glob("*.yml")))


def load(path: str, read: Callable[[str], str]) -> Policy:
    """The policy at `path`: a file, or the name of a shipped baseline.  Raises PolicyError with all mistakes that were found."""
    errors: list[str] = []
    found: dict[str, _Part] = {}
    root = _visit(path, read, errors, found)
    policy = merge(_by_depth(root, found), errors) if not errors else None
    if policy is None or errors:
        raise PolicyError("\n  ".join(dict.fromkeys(errors)), "", "mend the policy; no host was touched")
    return replace(policy, digest=digest_of(policy))


@dataclass(frozen=True, slots=True)
class _Part:
    """One file, and where the files are that it extends."""

    policy: Policy
    extends: tuple[str, ...]


def _text(name: str, base: str, read: Callable[[str], str]) -> tuple[str, str]:
    """(text, where): a baseline when one has that name, else a file relative to the one that names it."""
    shipped = BASELINES / f"{name}.yml"
    if "/" not in name and shipped.is_file():
        return shipped.read_text(encoding="utf-8"), f"baseline {name}"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(base), name))
    try:
        return read(path), path
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read it: {getattr(error, 'strerror', None) or error}", path, f"shipped baselines: {', '.join(baselines())}") from error


def _visit(name: str, read: Callable[[str], str], errors: list[str], found: dict[str, _Part], seen: tuple[str, ...] = (), base: str = "") -> str:
    """Where this file is.  It and all that it extends are in `found` afterwards, each once, a file after what it extends; mistakes go to errors."""
    try:
        text, where = _text(name, base, read)
        if where in seen:
            raise Problem("a policy extends itself", where, "break the circle")
        if where in found:
            return where
        data, lines = yaml_lines.load(text, where)
    except Problem as problem:
        errors.append(str(problem))
        return ""
    if mistakes := _schema_errors(data, lines, where):
        errors.extend(mistakes)
        return ""
    policy = _policy(data, lines, where, errors)
    below = "" if where.startswith("baseline ") else where
    extends = tuple(_visit(parent, read, errors, found, (*seen, where), below) for parent in data.get("extends", []))
    found[where] = _Part(policy, extends)
    return where


def _by_depth(root: str, found: dict[str, _Part]) -> list[Policy]:
    """The most own first.  A file that is extended by two is as deep as the longer way to it, so it never outweighs one that extends it."""
    depths = {root: 0}
    for where, part in reversed(found.items()):
        for parent in part.extends:
            depths[parent] = max(depths.get(parent, 0), depths[where] + 1)
    return [_at_depth(part.policy, depths[where]) for where, part in reversed(found.items())]


def _at_depth(policy: Policy, depth: int) -> Policy:
    rules = tuple(replace(rule, depth=depth) for rule in policy.rules)
    return replace(policy, rules=rules, stages=tuple(replace(stage, depth=depth) for stage in policy.stages))


def _schema_errors(data: Any, lines: yaml_lines.Lines, where: str) -> list[str]:
    if jsonschema is None:
        raise PolicyError("a policy cannot be checked without the Python package jsonschema", "controller", "pip install jsonschema")
    out = []
    for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(data):
        at = tuple(error.absolute_path)
        path = ".".join(str(step) for step in at) or "policy"
        out.append((_line(lines, at), f"{path}: {_explain(error)}"))
    return [f"{where}:{line}: {text}" for line, text in sorted(out)]


def _line(lines: yaml_lines.Lines, at: tuple[Any, ...]) -> int:
    while at not in lines and at:
        at = at[:-1]
    return lines.get(at, 1)


def _explain(error: jsonschema.ValidationError) -> str:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = cast(dict[str, Any], error.schema).get("properties", {})
        extra = [key for key in error.instance if key not in known]
        return f"unknown key {', '.join(extra)}; known here: {', '.join(known)}"
    if error.validator in ("minItems", "minProperties", "minLength"):
        return "is empty; an empty list would leave the daemon to its defaults"
    if error.validator == "pattern":
        return f"{error.instance!r} has not the form that is wanted here ({error.validator_value})"
    return str(error.message)


def _policy(data: dict[str, Any], lines: yaml_lines.Lines, where: str, errors: list[str]) -> Policy:
    head = data["policy"]
    return Policy(
        name=head["name"],
        version=head["version"],
        timezone=head.get("timezone", "UTC"),
        rules=tuple(_rule(rule, f"{where}:{lines[('rules', i)]}", errors) for i, rule in enumerate(data.get("rules", []))),
        stages=tuple(stage for i, data_ in enumerate(data.get("stages", [])) for stage in _stages(data_, f"{where}:{lines[('stages', i)]}", errors)),
        algorithms=_lives(data.get("algorithms", {}), lines, where, errors),
        zones={name: Zone(tuple(z.get("groups", ())), tuple(z.get("hosts", ())), z.get("owner", "")) for name, z in data.get("zones", {}).items()},
    )


def _lives(data: dict[str, Any], lines: yaml_lines.Lines, where: str, errors: list[str]) -> dict[str, tuple[Lifecycle, ...]]:
    """Catalogue id → what begins when; `retire` is short for a second state."""
    out: dict[str, tuple[Lifecycle, ...]] = {}
    for name, said in data.items():
        origin, reason = f"{where}:{lines[('algorithms', name)]}", said.get("reason", "")
        states = [(said["state"], said["from"]), *([("retired", said["retire"])] if "retire" in said else [])]
        known = _known(name, origin, errors)
        out[known] = (*out.get(known, ()), *(Lifecycle(state, _date(start, origin, errors), reason) for state, start in states))
    return out


def _rule(data: dict[str, Any], origin: str, errors: list[str]) -> Rule:
    fallback = dict(data.get("fallback", {}))
    until = _date(fallback.pop("until", ""), origin, errors)
    source = data["source"]
    if source["force"] in ("requirement", "certification") and not data.get("verified"):
        errors.append(f"{origin}: rule {data['id']} binds ({source['force']}) but was never verified; add verified: DATE")
    if "until" in data["allow"]:
        errors.append(f"{origin}: rule {data['id']}: until belongs to fallback; use disallowed_after for what is allowed")
    scope = (data.get("match", {}).get("protocol", ""), data["aspect"])
    return Rule(
        id=data["id"],
        aspect=data["aspect"],
        match=Match(**data.get("match", {})),
        allow=_select(data["allow"], scope, origin, errors),
        source=Source(source["doc"], source.get("section", ""), source.get("date", ""), source["force"], data.get("verified", "")),
        fallback=_select(fallback, scope, origin, errors) if fallback else None,
        fallback_until=until,
        order=tuple((key, _ordered(key, v, origin, errors, scope)) for entry in data.get("order", []) for key, v in entry.items()),
        disallowed_after={_known(k, origin, errors, scope): _date(v, origin, errors) for k, v in data.get("disallowed_after", {}).items()},
        origin=origin,
    )


def _ordered(key: str, values: Any, origin: str, errors: list[str], scope: tuple[str, str]) -> tuple[str, ...]:
    return tuple(_known(name, origin, errors, scope) for name in _many(values)) if key == "name" else _many(values)


def _many(value: Any) -> tuple[str, ...]:
    """One word or a list of words."""
    return tuple(value) if isinstance(value, list) else (value,)


def _select(data: dict[str, Any], scope: tuple[str, str], origin: str, errors: list[str]) -> Select:
    words = {key: _many(data[key]) for key in WORDS if key in data}
    if "name" in words:
        words["name"] = tuple(_known(name, origin, errors, scope) for name in words["name"])
    flags = {key: data[key] == "true" for key in FLAGS if key in data}
    return Select(words, {k: v for k, v in data.items() if k not in (*WORDS, *FLAGS, "until")}, flags)


def _stages(data: dict[str, Any], origin: str, errors: list[str]) -> list[StageRule]:
    """One for each zone that the entry names."""
    scope = {key: data[key] for key in SCOPES if key in data}
    start = _date(data.get("from", ""), origin, errors)
    matches = [Match(**{**scope, "zone": zone}) for zone in _many(scope.get("zone", ""))]
    return [StageRule(cast(Stage, data["stage"]), match, data.get("aspect", ""), start, origin=origin) for match in matches]


def _known(name: str, origin: str, errors: list[str], scope: tuple[str, str] = ("", "")) -> str:
    """The catalogue id of a name; an unknown one is an error that offers what looks like it."""
    aspects = ("version", "key_exchange", "cipher", "mac", "host_key", "user_key", "signature")
    protocols = (scope[0],) if scope[0] else ("tls", "ssh")
    for protocol in protocols:
        for aspect in (scope[1],) if scope[1] else aspects:
            if algorithm := find(protocol, aspect, name):
                return algorithm.id
    alike = near(name)
    errors.append(f"{origin}: no algorithm is called {name}" + (f"; did you mean {' or '.join(alike)}?" if alike else ""))
    return name


def _date(text: str, origin: str, errors: list[str]) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        errors.append(f"{origin}: {text} is no date")
        return ""
