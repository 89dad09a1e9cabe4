"""A policy as one YAML text that extends nothing and means the same: loading it gives the same digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import yaml

from .calendar import spelled
from .lives import LIFE
from .model import Escrow, Event, Exemption, Freeze, Lifecycle, Match, Override, Peer, Policy, Regime, Rule, StageRule, Watched, Window, Zone
from .sections import BINDING
from .select import Select

_SHORT = {state: key for key, state in LIFE.items()}


def dump(policy: Policy) -> str:
    """YAML text; every scalar is quoted, so that nothing changes its type."""
    head = f"# {policy.name} {policy.version} with all that it extends; digest {policy.digest}\n"
    return head + str(yaml.safe_dump(_document(policy), sort_keys=False, allow_unicode=True, width=140))


def _document(policy: Policy) -> dict[str, Any]:
    own = [rule for rule in policy.rules if not rule.override]
    return _said(
        {
            "policy": {"name": policy.name, "version": policy.version, "timezone": policy.timezone},
            "algorithms": {name: [_life(life) for life in lives] for name, lives in policy.algorithms.items()},
            "zones": {name: _zone(zone) for name, zone in policy.zones.items()},
            "regimes": {name: _regime(one) for name, one in policy.regimes.items()},
            "peers": {name: _peer(peer) for name, peer in policy.peers.items()},
            "rules": [_rule(rule) for rule in own],
            "stages": [_stage(stage) for stage in policy.stages],
            "overrides": [_override(one, policy) for one in policy.overrides],
            "exceptions": [_exemption(one) for one in policy.exceptions],
            "windows": [_window(one) for one in policy.windows],
            "freezes": [_freeze(one) for one in policy.freezes],
            "escrow": [_escrow(one) for one in policy.escrow],
            "clients": [_watched(one) for one in policy.clients],
        }
    )


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing; zones stay although one may be empty."""
    return {key: value for key, value in data.items() if value not in ("", [], {}, (), None)}


def _scope(match: Match) -> dict[str, str]:
    return _said(asdict(match))


def _layer(depth: int) -> str:
    return str(depth) if depth else ""


def _life(life: Lifecycle) -> dict[str, Any]:
    (first, start), *later = life.states
    return _said(
        {
            "state": first,
            "from": start,
            **{_SHORT[state]: day for state, day in later},
            "reason": life.reason,
            "broken": "true" if life.broken else "",
            "approver": life.approver,
            "regimes": list(life.regimes),
        }
    )


def _zone(zone: Zone) -> dict[str, Any]:
    lists = {key: list(getattr(zone, key)) for key in ("groups", "hosts", "regimes", "jurisdiction", "flows")}
    years = f"{zone.data_lifetime}y" if zone.data_lifetime else ""
    return _said(
        {**lists, "owner": dict(zone.owners), "approver": dict(zone.approvers), "exposure": zone.exposure, "data_lifetime": years, "pki": zone.pki}
    )


def _regime(one: Regime) -> dict[str, Any]:
    return _said({"groups": list(one.groups), "hosts": list(one.hosts)})


def _peer(peer: Peer) -> dict[str, Any]:
    return _said({**asdict(peer), "hosts": list(peer.hosts), "done": "true" if peer.done else "", "origin": ""})


def _select(select: Select) -> dict[str, Any]:
    words = {key: list(values) for key, values in select.words.items()}
    flags = {key: "true" if value else "false" for key, value in select.flags.items()}
    return _said({**words, **select.numbers, **flags, "parts": {select.parts[0]: list(select.parts[1])} if select.parts else None})


def _rule(rule: Rule) -> dict[str, Any]:
    source = {key: value for key, value in asdict(rule.source).items() if key != "verified"}
    return _said(
        {
            "id": rule.id,
            "match": _scope(rule.match),
            "aspect": rule.aspect,
            "allow": _select(rule.allow),
            "fallback": _said({**_select(rule.fallback), "until": rule.fallback_until}) if rule.fallback else None,
            "order": [{key: values[0] if values in (("asc",), ("desc",)) else list(values)} for key, values in rule.order],
            "disallowed_after": dict(rule.disallowed_after),
            "deprecated_after": dict(rule.deprecated_after),
            "require": {key: list(values) for key, values in rule.require.items()},
            "source": _said(source),
            "verified": rule.source.verified,
            "enforce": "true" if rule.binds and rule.source.force not in BINDING else "",
            "when": {key: list(values) for key, values in rule.when.items()},
            "unless": {aspect: list(values) for aspect, values in rule.unless.items()},
            "pki": {kind: list(can) or "any" for kind, can in rule.pki.items()},
            "regimes": list(rule.regimes),
            "layer": _layer(rule.depth),
        }
    )


def _stage(stage: StageRule) -> dict[str, Any]:
    return _said(
        {
            **_scope(stage.match),
            "aspect": stage.aspect,
            "stage": stage.stage,
            "from": stage.start,
            "regimes": list(stage.regimes),
            "layer": _layer(stage.depth),
        }
    )


def _override(one: Override, policy: Policy) -> dict[str, Any]:
    rules = [_rule(rule) for rule in policy.rules if rule.override == one.id]
    said = {"id": one.id, "match": _scope(one.match), "replace": list(one.replace), "rules": rules}
    return _said({**said, "reason": one.reason, "approver": one.approver, "layer": _layer(one.depth)})


def _exemption(one: Exemption) -> dict[str, Any]:
    return _said(
        {
            "id": one.id,
            "match": {**_scope(one.match), "rule": list(one.rules)},
            "permits": list(one.permits),
            "reason": one.reason,
            "owner": one.owner,
            "approver": one.approver,
            "from": one.start,
            "expires": one.expires,
            "compensating": {key: list(values) if key == "verify" else values[0] for key, values in one.compensating.items()},
        }
    )


def _window(one: Window) -> dict[str, Any]:
    said = {"id": one.id, **_scope(one.match), "rrule": one.rrule, "duration": spelled(one.duration)}
    return _said({**said, "events": _events(one.events), "reserve": spelled(one.reserve), "timezone": one.timezone})


def _freeze(one: Freeze) -> dict[str, Any]:
    said = {"id": one.id, **_scope(one.match), "from": one.start, "to": one.end, "events": _events(one.events)}
    return _said({**said, "timezone": one.timezone, "reason": one.reason})


def _events(events: tuple[Event, ...]) -> list[dict[str, Any]]:
    return [_said({"from": e.start, "to": e.end, "rrule": e.rrule, "except": list(e.without), "timezone": e.timezone}) for e in events]


def _escrow(one: Escrow) -> dict[str, Any]:
    to = _said({"name": one.recipient, "classical": one.classical, "kem": one.kem})
    return _said({"id": one.id, **_scope(one.match), "mode": one.mode, "recipient": to})


def _watched(one: Watched) -> dict[str, Any]:
    answers = _said({"reason": one.reason, "approver": one.approver, "until": one.until})
    return _said({"id": one.id, **_scope(one.match), "watch": spelled(one.minutes), "acknowledge": answers})
