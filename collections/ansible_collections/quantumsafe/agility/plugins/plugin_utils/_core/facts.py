"""Aspects that are facts, not lists of algorithms: certificates, session settings, pre-shared keys.

A rule says key → alternatives ("<=100d", "ECDSA-P256+", "never"); an endpoint shows facts, or nobody knows, which is never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from .algorithms.lookup import find
from .credentials import Certificate
from .model import Endpoint, State
from .policy.exempt import Breach
from .policy.issue import issues
from .policy.model import Requirement, Rule

_FAMILY = re.compile(r"(?P<family>.*?)(?P<size>\d+)(?P<more>\+?)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}  # m: minutes
OF_FLEETS = frozenset({"hosts"})  # no host knows how many others have its key: report/reuse.py judges that when all were looked at
ISSUED = ("key", "signature")  # facts of a certificate that its issuer decides
_ISSUED_BEFORE = re.compile(r"(?P<wanted>.+) issued before (?P<day>\d{4}-\d{2}-\d{2})")
_COMPARISON = re.compile(r"(?P<sign>>=|<=|>|<)(?P<number>\d+)(?P<unit>[a-z]*)")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen, as "key=value" words, beside what is wanted.

    breaches: which rule is not kept by which value; unclear: what nobody knows.  meant: ids of the rules that mean something here.
    """

    state: State
    message: str
    origin: str
    actual: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    breaches: tuple[Breach, ...] = ()
    unclear: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


def judged_facts(endpoint: Endpoint, aspect: str, requirement: Requirement, as_of: date) -> Facts:
    """Every rule's every key, on every certificate or on the setting of this aspect: what is unknown outweighs what is good, not what is bad."""
    seen = _seen(endpoint, aspect, as_of)
    later = OF_FLEETS.difference(*(facts for dummy, facts in seen))
    rules = [rule for rule in requirement.rules if not _spared(endpoint, rule)]
    wanted = tuple(f"{key}={' or '.join(values)}" for rule in rules for key, values in rule.require.items() if key not in later)
    if not rules:
        spared = ", ".join(f"{aspect} is {' or '.join(kinds)}" for rule in requirement.rules for aspect, kinds in rule.unless.items())
        return Facts("compliant", f"nothing is required, for {spared}", endpoint.version or endpoint.service)
    if not seen:
        text = f"{endpoint.service} shows nothing of its {aspect}, so {requirement.rule.id} cannot be judged"
        return Facts("unknown", text, endpoint.version or endpoint.service, (), wanted)
    wrong: dict[Breach, str] = {}
    unclear = []
    beyond: dict[str, None] = {}
    meant: dict[str, None] = {}
    for origin, facts in seen:
        for rule in rules:
            blind, other = _beside(rule, facts)
            meant |= {} if other else {rule.id: None}
            if blind and not other:
                unclear.append(f"{origin}: {blind} is unknown, so whether {rule.id} is meant")
            for key, values in () if blind or other else rule.require.items():
                if key in later:
                    continue
                if key not in facts:
                    unclear.append(f"{origin}: {key} is unknown ({rule.id})")
                elif not any(met(facts, key, value) for value in values):
                    wrong[Breach(facts[key], rule.id)] = f"{origin}: {key} is {facts[key]}, not {' or '.join(values)} ({rule.id})"
                    beyond |= dict.fromkeys(filter(None, [_beyond(requirement, key, values)]))
    if not meant:
        names = ", ".join(rule.id for rule in rules)
        return Facts("not-applicable", f"{names} mean others", seen[0][0], (), wanted)
    actual = tuple(f"{key}={value}" for dummy, facts in seen for key, value in facts.items())
    state: State = "forbidden" if wrong else "unknown" if unclear else "compliant"
    if beyond:
        state = "unsatisfiable" if requirement.stage == "require" else "missing"
    return Facts(state, "; ".join((*beyond, *wrong.values(), *unclear)), seen[0][0], actual, wanted, tuple(wrong), tuple(unclear), tuple(meant))


def _beside(rule: Rule, facts: Mapping[str, str]) -> tuple[str, bool]:
    """(what of its condition nobody knows, whether it surely means others)."""
    blind = next((key for key in rule.when if key not in facts), "")
    return blind, any(key in facts and facts[key] not in values for key, values in rule.when.items())


def met(facts: Mapping[str, str], key: str, wanted: str) -> bool:
    """Whether a fact is what one alternative asks; one that is meant for certificates of before a day only holds for those."""
    if found := _ISSUED_BEFORE.fullmatch(wanted):
        return bool(facts.get("issued")) and facts["issued"] < found["day"] and holds(facts[key], found["wanted"])
    return holds(facts[key], wanted)


def _spared(endpoint: Endpoint, rule: Rule) -> bool:
    """Whether something else that is surely there makes the rule needless."""
    for aspect, kinds in rule.unless.items():
        setting = endpoint.settings.get(aspect)
        found = [find(endpoint.protocol, aspect, name) for name in setting.values] if setting else []
        if found and all(a and a.construction in kinds for a in found):
            return True
    return False


def _beyond(requirement: Requirement, key: str, values: Iterable[str]) -> str:
    """Why none of these can be had from whoever issues the certificates here; "" when one can."""
    if requirement.issuers is None or key not in ISSUED or any(issues(requirement.issuers, value.removesuffix("+")) for value in values):
        return ""
    return f"{requirement.issuers.said}, none of {', '.join(values)}"


def _seen(endpoint: Endpoint, aspect: str, as_of: date) -> list[tuple[str, Mapping[str, str]]]:
    if aspect == "certificate":
        return [(one.path, _certificate(one, as_of)) for one in endpoint.certificates]
    setting = endpoint.settings.get(aspect)
    pairs: Iterable[tuple[str, str, str]] = (value.partition("=") for value in setting.values) if setting else ()
    return [(str(setting.origin), {key: value for key, dummy, value in pairs})] if setting else []


def _certificate(one: Certificate, as_of: date) -> dict[str, str]:
    """Only what was really read of it.  left: days until it ends, that day included."""
    said = {"key": one.key, "signature": one.signature, "issuer": one.issuer, "lifetime": "" if one.lifetime is None else f"{one.lifetime}d"}
    said |= {key: value for key, dummy, value in (word.partition("=") for word in one.more)}
    if one.not_after:
        left = (date.fromisoformat(one.not_after[:10]) - as_of).days
        begun = said.get("issued", "") <= as_of.isoformat()
        said |= {"left": f"{max(left + 1, 0)}d", "valid": "expired" if left < 0 else "yes" if begun else "not-yet"}
    return {key: value for key, value in said.items() if value}


def holds(value: str, wanted: str) -> bool:
    """Whether a fact is what one alternative asks: "<=100d" compares numbers (spans of time in any unit), "RSA-3072+" a size within its
    family, else equality."""
    if comparison := _COMPARISON.fullmatch(wanted):
        number = re.fullmatch(r"(\d+)([a-z]*)", value)
        if not number or (number[2] != comparison["unit"] and not {number[2], comparison["unit"]} <= set(_UNITS)):
            return False
        left, right = (int(n) * _UNITS.get(unit, 1) for n, unit in (number.groups(), (comparison["number"], comparison["unit"])))
        return _compare(left, comparison["sign"], right)
    mine, asked = _FAMILY.fullmatch(value), _FAMILY.fullmatch(wanted)
    if asked and asked["more"]:
        return bool(mine) and mine is not None and mine["family"] == asked["family"] and int(mine["size"]) >= int(asked["size"])
    return value == wanted


def _compare(left: int, sign: str, right: int) -> bool:
    return {">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right}[sign]
