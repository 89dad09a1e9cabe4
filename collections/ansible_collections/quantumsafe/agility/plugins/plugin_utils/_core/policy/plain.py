"""Values of this house ↔ plain data that JSON takes, and the digest of what a policy means."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ..model import Source
from .model import Escrow, Event, Exemption, Freeze, Lifecycle, Match, Override, Peer, Policy, Rule, StageRule, Watched, Window, Zone
from .select import Select

T = TypeVar("T")
SCALARS = (str, int, bool)


def to_plain(policy: Policy) -> dict[str, Any]:
    """The compiled form, as JSON takes it."""
    return asdict(policy)


def from_plain(data: Mapping[str, Any]) -> Policy:
    """The inverse of to_plain(), without schema or YAML."""
    return build(Policy, data)


def build(cls: type[T], data: Mapping[str, Any]) -> T:
    """The dataclass that asdict() and JSON made into `data`.  Raises KeyError, TypeError or ValueError when it is none."""
    hints = _hints(cast(Any, cls))
    if unknown := set(data) - set(hints):
        raise ValueError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
    return cls(**{key: _value(hints[key], value) for key, value in data.items()})


@lru_cache(maxsize=64)
def _hints(cls: type) -> dict[str, Any]:
    known = get_type_hints(cls)
    return {f.name: known[f.name] for f in fields(cls) if f.init}


for _one in (Policy, Rule, StageRule, Override, Exemption, Event, Window, Freeze, Escrow, Watched, Zone, Peer, Lifecycle, Select, Match, Source):
    _hints(_one)  # here, so that it is done before a fleet's workers fork


def _value(hint: Any, value: Any) -> Any:
    if hint in SCALARS:  # four of five
        return value
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        return None if value is None else _value(next(part for part in inner if part is not type(None)), value)
    if kind is tuple:
        values = list(_of(value, (list, tuple)))
        return tuple(_value(h, v) for h, v in zip(inner[:1] * len(values) if inner[-1] is ... else inner, values, strict=True))
    if kind in (dict, Mapping):
        return {key: _value(inner[1], v) for key, v in _of(value, (dict,)).items()}
    return build(cast(type, hint), _of(value, (dict,))) if is_dataclass(hint) else value


def _of(value: Any, kinds: tuple[type, ...]) -> Any:
    if not isinstance(value, kinds):
        raise TypeError(f"{type(value).__name__} where {kinds[0].__name__} belongs")
    return value


def digest_of(policy: Policy) -> str:
    """sha256 (hex) of what the policy means.  Where its lines stand is left out: neither a comment nor another checkout makes another policy."""
    return hashlib.sha256(json.dumps(_meaning(to_plain(policy)), sort_keys=True).encode()).hexdigest()


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _meaning(v) for k, v in value.items() if k not in ("origin", "digest")}
    return [_meaning(v) for v in value] if isinstance(value, (list, tuple)) else value
