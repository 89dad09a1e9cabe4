"""A policy file and everything it extends → one Policy, or every error at once with file and line.

Reading is a function that is handed in, so this stays pure.  Only this module needs YAML and the schema: workers read the compiled form.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from ..algorithms.lookup import find, near
from ..model import Problem, Source, Stage
from . import yaml_lines
from .model import Lifecycle, Match, Policy, Rule, Select, StageRule, Zone, to_plain

with suppress(ImportError):  # a requirement of the collection; without it a plugin must still import, says ansible-test
    import jsonschema

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
    parts = _collect(path, read, errors, 0, ())
    policy = _merge([part for part, dummy in parts], errors) if not errors else None
    if policy is None or errors:
        raise PolicyError("\n  ".join(dict.fromkeys(errors)), "", "mend the policy; no host was touched")
    digest = hashlib.sha256(json.dumps(to_plain(policy), sort_keys=True).encode()).hexdigest()
    return replace(policy, digest=digest)


def _text(name: str, base: str, read: Callable[[str], str]) -> tuple[str, str]:
    """(text, where): a baseline when one has that name, else a file relative to the one that names it."""
    shipped = BASELINES / f"{name}.yml"
    if "/" not in name and shipped.is_file():
        return shipped.read_text(encoding="utf-8"), f"baseline {name}"
    path = posixpath.join(posixpath.dirname(base), name)
    try:
        return read(path), path
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read it: {getattr(error, 'strerror', None) or error}", path, f"shipped baselines: {', '.join(baselines())}") from error


def _collect(name: str, read: Callable[[str], str], errors: list[str], depth: int, seen: tuple[str, ...], base: str = "") -> list[tuple[Policy, int]]:
    """This file and, after it, all that it extends; mistakes go to errors."""
    try:
        text, where = _text(name, base, read)
        if where in seen:
            raise Problem("a policy extends itself", where, "break the circle")
        data, lines = yaml_lines.load(text, where)
    except Problem as problem:
        errors.append(str(problem))
        return []
    found = _schema_errors(data, lines, where)
    if found:
        errors.extend(found)
        return []
    out = [(_policy(data, lines, where, depth, errors), depth)]
    for parent in data.get("extends", []):
        out += _collect(parent, read, errors, depth + 1, (*seen, where), where if not where.startswith("baseline ") else "")
    return out


def _schema_errors(data: Any, lines: yaml_lines.Lines, where: str) -> list[str]:
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
    if error.validator in ("minItems", "minProperties"):
        return "is empty; an empty list would leave the daemon to its defaults"
    if error.validator == "pattern":
        return f"{error.instance!r} has not the form that is wanted here ({error.validator_value})"
    return str(error.message)


def _policy(data: dict[str, Any], lines: yaml_lines.Lines, where: str, depth: int, errors: list[str]) -> Policy:
    head = data["policy"]
    return Policy(
        name=head["name"],
        version=head["version"],
        timezone=head.get("timezone", "UTC"),
        rules=tuple(_rule(rule, f"{where}:{lines[('rules', i)]}", errors) for i, rule in enumerate(data.get("rules", []))),
        stages=tuple(_stage(stage, f"{where}:{lines[('stages', i)]}", depth, errors) for i, stage in enumerate(data.get("stages", []))),
        algorithms={
            _known(name, f"{where}:{lines[('algorithms', name)]}", errors): Lifecycle(
                v["state"], _date(v["from"], f"{where}:{lines[('algorithms', name)]}", errors), v.get("reason", "")
            )
            for name, v in data.get("algorithms", {}).items()
        },
        zones={name: Zone(tuple(z.get("groups", ())), tuple(z.get("hosts", ())), z.get("owner", "")) for name, z in data.get("zones", {}).items()},
    )


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
        order=tuple((key, tuple(v) if isinstance(v, list) else (v,)) for entry in data.get("order", []) for key, v in entry.items()),
        disallowed_after={_known(k, origin, errors, scope): _date(v, origin, errors) for k, v in data.get("disallowed_after", {}).items()},
        origin=origin,
    )


def _select(data: dict[str, Any], scope: tuple[str, str], origin: str, errors: list[str]) -> Select:
    words = {key: tuple(data[key]) for key in WORDS if key in data}
    if "name" in words:
        words["name"] = tuple(_known(name, origin, errors, scope) for name in words["name"])
    flags = {key: data[key] == "true" for key in FLAGS if key in data}
    return Select(words, {k: v for k, v in data.items() if k not in (*WORDS, *FLAGS, "until")}, flags)


def _stage(data: dict[str, Any], origin: str, depth: int, errors: list[str]) -> StageRule:
    scope = Match(**{key: data[key] for key in SCOPES if key in data})
    return StageRule(cast(Stage, data["stage"]), scope, data.get("aspect", ""), _date(data.get("from", ""), origin, errors), depth, origin)


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


def _merge(parts: list[Policy], errors: list[str]) -> Policy:
    """One policy: the first part's name; rules, stages, zones and life-cycles of all.  Limits of all extended parts hold together."""
    seen: dict[str, str] = {}
    for rule in (rule for part in parts for rule in part.rules):
        if rule.id in seen:
            errors.append(f"{rule.origin}: rule {rule.id} is also defined at {seen[rule.id]}; give it an id of its own")
        seen[rule.id] = rule.origin
    _conflicts([rule for part in parts for rule in part.rules], errors)
    return replace(
        parts[0],
        rules=tuple(rule for part in parts for rule in part.rules),
        stages=tuple(stage for part in parts for stage in part.stages),
        algorithms={k: v for part in reversed(parts) for k, v in part.algorithms.items()},
        zones={k: v for part in reversed(parts) for k, v in part.zones.items()},
    )


def _conflicts(rules: list[Rule], errors: list[str]) -> None:
    """Two rules for the same scope that together allow nothing: both sources are named, nobody has to guess which one won."""
    from ..algorithms.lookup import ALL

    for i, one in enumerate(rules):
        for other in rules[i + 1 :]:
            if (one.match, one.aspect) != (other.match, other.aspect):
                continue
            mine = [a for a in ALL if a.aspect == one.aspect and one.match.protocol in ("", a.protocol)]
            if not any(one.allow.matches(a) and other.allow.matches(a) for a in mine):
                errors.append(f"{one.origin} ({one.source.doc}) and {other.origin} ({other.source.doc}) together allow no {one.aspect}")
