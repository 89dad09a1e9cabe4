"""The sections of one policy file, already checked against the schema, as values.  Mistakes that a schema cannot see go to errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..model import Source, Stage
from .calendar import minutes
from .issue import CERTIFIED
from .lives import lives_of
from .model import OF_OVERRIDE, Escrow, Exemption, Match, Override, Peer, Policy, Regime, Rule, StageRule, Watched, Zone
from .names import akin, parts_known
from .page import Page, day, known, many, timezone_of
from .select import Select
from .times import freeze, window

SCOPES = ("protocol", "transport", "role", "service", "zone", "group", "host")
WORDS = ("construction", "status", "name")
FLAGS = ("aead", "etm", "forward_secret", "approved")
OTHERS = (*WORDS, *FLAGS, "until", "parts")
BINDING = ("requirement", "certification")  # the words of a document that bind by themselves
# aspects of which a rule requires facts instead of allowing algorithms
STATED = ("certificate", "private_key", "session", "ppk", "psk", "fips", "client_authentication")


def read(data: Mapping[str, Any], page: Page) -> Policy:
    """The policy that this file alone is; rules of other files that its overrides name are in page.withs."""
    head = data["policy"]
    page.timezone = timezone_of(head.get("timezone", "UTC"), page.at("policy", "timezone"), page)
    page.regimes = tuple(head.get("regimes", ()))
    page.enforce = tuple(head.get("enforce", ()))
    rules = [_rule(rule, page.at("rules", i), page) for i, rule in enumerate(data.get("rules", []))]
    overrides = [_override(o, page, i) for i, o in enumerate(data.get("overrides", []))]
    stages = [stage for i, s in enumerate(data.get("stages", [])) for stage in _stages(s, page.at("stages", i), page)]
    stages += [stage for i, o in enumerate(data.get("overrides", [])) for stage in _override_stages(o, page, i)]
    return Policy(
        name=head["name"],
        version=head["version"],
        timezone=page.timezone,
        rules=(*rules, *(rule for dummy, theirs in overrides for rule in theirs)),
        stages=tuple(stages),
        algorithms=lives_of(data.get("algorithms", {}), page),
        zones={name: _zone(z, page.at("zones", name)) for name, z in data.get("zones", {}).items()},
        regimes={
            name: Regime(tuple(r.get("groups", ())), tuple(r.get("hosts", ())), page.at("regimes", name))
            for name, r in data.get("regimes", {}).items()
        },
        peers={name: _peer(p, page.at("peers", name), page) for name, p in data.get("peers", {}).items()},
        overrides=tuple(override for override, dummy in overrides),
        exceptions=tuple(_exemption(e, page.at("exceptions", i), page) for i, e in enumerate(data.get("exceptions", []))),
        windows=tuple(window(w, _match(w), page.at("windows", i), page) for i, w in enumerate(data.get("windows", []))),
        freezes=tuple(freeze(f, _match(f), page.at("freezes", i), page) for i, f in enumerate(data.get("freezes", []))),
        escrow=tuple(_escrow(e, page.at("escrow", i), page) for i, e in enumerate(data.get("escrow", []))),
        clients=tuple(_watched(c, page.at("clients", i), page) for i, c in enumerate(data.get("clients", []))),
    )


def _match(data: Mapping[str, Any]) -> Match:
    return Match(**{key: data[key] for key in SCOPES if key in data})


def _persons(value: Any) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {"default": value} if value else {}


def _zone(data: Mapping[str, Any], origin: str) -> Zone:
    tuples = {key: tuple(data.get(key, ())) for key in ("groups", "hosts", "regimes", "jurisdiction", "flows")}
    return Zone(
        **tuples,
        owners=_persons(data.get("owner")),
        approvers=_persons(data.get("approver")),
        exposure=data.get("exposure", ""),
        data_lifetime=int(data.get("data_lifetime", "0y")[:-1]),
        pki=data.get("pki", ""),
        origin=origin,
    )


def _peer(data: Mapping[str, Any], origin: str, page: Page) -> Peer:
    return Peer(
        kind=data["kind"],
        contact=data["contact"],
        zone=data.get("zone", ""),
        hosts=tuple(data.get("hosts", ())),
        promised=day(data.get("promised", ""), origin, page),
        evidence=data.get("evidence", ""),
        done=data.get("done") == "true",
        origin=origin,
    )


def _rule(data: Mapping[str, Any], origin: str, page: Page, override: str = "") -> Rule:
    fallback = dict(data.get("fallback", {}))
    until = day(fallback.pop("until", ""), origin, page)
    scope = (data.get("match", {}).get("protocol", ""), data["aspect"])
    _rule_flaws(data, fallback, origin, page)
    source = data["source"]
    return Rule(
        id=data["id"],
        aspect=data["aspect"],
        match=_match(data.get("match", {})),
        allow=_select(data.get("allow", {}), scope, origin, page),
        source=Source(source["doc"], source.get("section", ""), source.get("date", ""), source["force"], data.get("verified", "")),
        fallback=_select(fallback, scope, origin, page) if fallback else None,
        fallback_until=until,
        order=tuple((key, _ordered(key, v, origin, page, scope)) for entry in data.get("order", []) for key, v in entry.items()),
        disallowed_after={known(k, origin, page, scope): day(v, origin, page) for k, v in data.get("disallowed_after", {}).items()},
        deprecated_after={known(k, origin, page, scope): day(v, origin, page) for k, v in data.get("deprecated_after", {}).items()},
        require={key: many(value) for key, value in data.get("require", {}).items()},
        regimes=tuple(data.get("regimes", page.regimes)),
        when={key: many(value) for key, value in data.get("when", {}).items()},
        unless={aspect: many(value) for aspect, value in data.get("unless", {}).items()},
        pki={kind: () if "any" in many(can) else many(can) for kind, can in data.get("pki", {}).items()},
        override=override,
        depth=int(data.get("layer", "0")),
        binds=bool(data.get("verified")) and (source["force"] in (*BINDING, *page.enforce) or data.get("enforce") == "true"),
        origin=origin,
    )


def _rule_flaws(data: Mapping[str, Any], fallback: Mapping[str, Any], origin: str, page: Page) -> None:
    id_, source, stated = data["id"], data["source"], data["aspect"] in STATED
    day(source.get("date", ""), origin, page)
    day(data.get("verified", ""), origin, page)
    binding = source["force"] if source["force"] in BINDING else "enforce" if data.get("enforce") == "true" else ""
    if binding and not data.get("verified"):
        page.wrong(origin, f"rule {id_} binds ({binding}) but was never verified; add verified: DATE")
    if "until" in data.get("allow", {}):
        page.wrong(origin, f"rule {id_}: until belongs to fallback; use disallowed_after for what is allowed")
    if "fallback" in data and not fallback:
        page.wrong(origin, f"rule {id_}: fallback says until when, but not what is tolerated")
    if stated and ("require" not in data or {"allow", "fallback", "order"} & set(data)):
        page.wrong(origin, f"rule {id_}: {data['aspect']} has no algorithms to allow; say require instead")
    for word in ("unless", "when"):
        if word in data and not stated:
            page.wrong(origin, f"rule {id_}: {word} belongs to require")
    if "pki" in data and data["aspect"] not in CERTIFIED:
        page.wrong(origin, f"rule {id_}: pki belongs to rules on {' and '.join(CERTIFIED)}")
    if not stated and ("allow" not in data or "require" in data):
        page.wrong(origin, f"rule {id_}: {data['aspect']} needs allow; require is for {', '.join(STATED)}")


def _ordered(key: str, values: Any, origin: str, page: Page, scope: tuple[str, str]) -> tuple[str, ...]:
    return tuple(known(name, origin, page, scope) for name in many(values)) if key == "name" else many(values)


def _select(data: Mapping[str, Any], scope: tuple[str, str], origin: str, page: Page) -> Select:
    words = {key: many(data[key]) for key in WORDS if key in data}
    if "name" in words:
        words["name"] = tuple(known(name, origin, page, scope) for name in words["name"])
    flags = {key: data[key] == "true" for key in FLAGS if key in data}
    parts = next(((quantifier, tuple(names)) for quantifier, names in data.get("parts", {}).items()), None)
    for name in parts[1] if parts else ():
        if name.lower() not in {known.lower() for known in parts_known()}:
            page.wrong(origin, f"no algorithm has the part {name}; parts: {', '.join(parts_known())}")
    return Select(words, {k: v for k, v in data.items() if k not in OTHERS}, flags, parts)


def _stages(data: Mapping[str, Any], origin: str, page: Page, within: Match | None = None) -> list[StageRule]:
    """One for each zone that the entry names; those of an override stay within its scope."""
    scope = {key: data[key] for key in SCOPES if key in data}
    start = day(data.get("from", ""), origin, page)
    matches: list[Match | None] = [Match(**{**scope, "zone": zone}) for zone in many(scope.get("zone", ""))]
    if within:
        matches = [match.within(within) for match in matches if match]
    if None in matches:
        page.wrong(origin, "this stage lies outside the scope of its override")
    regimes = tuple(data.get("regimes", page.regimes))
    depth = int(data.get("layer", "0"))
    return [StageRule(cast(Stage, data["stage"]), match, data.get("aspect", ""), start, regimes, depth, origin) for match in matches if match]


def _override(data: Mapping[str, Any], page: Page, i: int) -> tuple[Override, list[Rule]]:
    origin, match = page.at("overrides", i), _match(data["match"])
    if match.rank == 0:
        page.wrong(origin, f"override {data['id']} names no scope; loosening everywhere is another baseline")
    if ("with" in data) == ("rules" in data):
        page.wrong(origin, f"override {data['id']} needs either with or rules")
    if "with" in data:
        page.withs.append((data["id"], data["with"], page.at("overrides", i, "with")))
    rules = [_rule(r, page.at("overrides", i, "rules", j), page, data["id"]) for j, r in enumerate(data.get("rules", []))]
    return Override(data["id"], match, tuple(data["replace"]), data["reason"], data["approver"], int(data.get("layer", "0")), origin), rules


def _override_stages(data: Mapping[str, Any], page: Page, i: int) -> list[StageRule]:
    """Without an aspect a stage is that of all aspects which are replaced; only the whole policy knows those (merge.py)."""
    meant = ({**stage, "aspect": stage.get("aspect", f"{OF_OVERRIDE}{data['id']}")} for stage in data.get("stages", []))
    return [one for j, s in enumerate(meant) for one in _stages(s, page.at("overrides", i, "stages", j), page, _match(data["match"]))]


def _exemption(data: Mapping[str, Any], origin: str, page: Page) -> Exemption:
    start, expires = day(data.get("from", ""), origin, page), day(data["expires"], origin, page)
    if start > expires:
        page.wrong(origin, f"exception {data['id']} ends before it begins")
    if data["owner"] == data["approver"]:
        page.wrong(origin, f"exception {data['id']}: {data['owner']} cannot approve an exception of their own")
    instead = data["compensating"]
    permits = (id_ for name in data.get("permits", ()) for id_ in akin(name) or (known(name, origin, page),))
    return Exemption(
        id=data["id"],
        match=_match(data["match"]),
        rules=many(data["match"]["rule"]),
        reason=data["reason"],
        owner=data["owner"],
        approver=data["approver"],
        expires=expires,
        compensating={key: many(value) for key, value in (instead if isinstance(instead, dict) else {"control": instead}).items()},
        permits=tuple(dict.fromkeys(permits)),
        start=start,
        origin=origin,
    )


def _escrow(data: Mapping[str, Any], origin: str, page: Page) -> Escrow:
    to = data.get("recipient", {})
    if bool(to) == (data["mode"] == "never"):
        page.wrong(origin, f"escrow {data['id']} is {data['mode']}, so it {'has no' if to else 'needs a'} recipient")
    return Escrow(data["id"], _match(data), data["mode"], to.get("name", ""), to.get("classical", ""), to.get("kem", ""), origin)


def _watched(data: Mapping[str, Any], origin: str, page: Page) -> Watched:
    """acknowledge outweighs watch until its day is over."""
    said = data.get("acknowledge", {})
    until = day(said.get("until", ""), origin, page)
    return Watched(data["id"], _match(data), minutes(data.get("watch", "")), said.get("reason", ""), said.get("approver", ""), until, origin)
