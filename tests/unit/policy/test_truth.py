"""The shipped baselines against what the authorities say (truth/*.csv, written from their documents)."""

from __future__ import annotations

import csv
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.algorithms.lookup import Algorithm, all_of, find
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import baselines, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy, Requirement
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import Target, judge, resolve

TRUTH = Path(__file__).parent / "truth"
OURS = ("certificates", "hybrid-required", "hybrid-transition", "tunnels")  # no authority's: what they mean is tested in test_meaning.py
USABLE, GONE = ("allowed", "fallback"), ("forbidden", "retired")


class Fact(NamedTuple):
    authority: str
    use: str
    protocol: str
    algorithm: str
    date: str
    verdict: str
    document: str
    section: str
    published: str
    grade: str
    verified: str
    left_out: str

    def __str__(self) -> str:
        return f"{self.authority} {self.protocol} {self.use} {self.algorithm} {self.date}"


def _facts() -> tuple[Fact, ...]:
    out = []
    for path in sorted(TRUTH.glob("*.csv")):
        authority = path.stem if "@" in path.stem else f"{path.stem}@1"
        with path.open(encoding="utf-8", newline="") as handle:
            out += [Fact(authority, **row) for row in csv.DictReader(handle)]
    return tuple(out)


FACTS = _facts()
AUTHORITIES = tuple(dict.fromkeys(fact.authority for fact in FACTS))
ASKED = tuple(fact for fact in FACTS if not fact.left_out)


IN_REGIMES = 'policy: {name: t, version: "1"}\nextends: [NAME]\nzones: {z: {groups: [g], regimes: [nss, pci]}}\n'


@cache
def baseline(authority: str) -> Policy:
    return load("p.yml", lambda _: IN_REGIMES.replace("NAME", authority))


def requirement(fact: Fact) -> Requirement | None:
    if fact.protocol not in ("tls", "ssh"):
        return None
    return resolve(baseline(fact.authority), Target("h", ("g",), fact.protocol), date.fromisoformat(fact.date)).get(fact.use)


def kind(fact: Fact, algorithm: Algorithm | None = None) -> str:
    asked, known = requirement(fact), algorithm or find(fact.protocol, fact.use, fact.algorithm)
    assert asked, f"{fact.authority} has no rule for {fact.use} of {fact.protocol}"
    assert known, f"the catalogue does not know {fact.algorithm}"
    return judge(asked, known, date.fromisoformat(fact.date)).kind


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_a_baseline_says_what_its_authority_says(authority: str) -> None:
    wrong = []
    for fact in (f for f in ASKED if f.authority == authority and f.verified == "true"):
        said = kind(fact)
        safe = find(fact.protocol, fact.use, fact.algorithm)
        usable = USABLE[:1] if safe and safe.quantum_category else USABLE  # what is merely tolerated is never added
        right = {"allowed": said in usable, "deprecated": said == "deprecated", "forbidden": said in GONE, "required": said == "allowed"}
        if not right[fact.verdict]:
            wrong.append(f"{fact}: {fact.verdict} ({fact.document}, {fact.section}), but the baseline says {said}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("fact", [f for f in ASKED if f.verdict == "required"], ids=str)
def test_what_is_required_leaves_nothing_classical(fact: Fact) -> None:
    classical = [a for a in all_of(fact.protocol, fact.use) if a.construction == "classical"]
    assert [a.id for a in classical if kind(fact, a) not in GONE] == []


@pytest.mark.parametrize("fact", [f for f in ASKED if f.verified == "false"], ids=str)
def test_what_nobody_verified_forbids_nothing(fact: Fact) -> None:
    assert kind(fact) not in GONE


@pytest.mark.parametrize("fact", [f for f in FACTS if f.left_out], ids=str)
def test_what_is_left_out_really_cannot_be_asked(fact: Fact) -> None:
    """Once the language or the catalogue can say it, the rule is due."""
    conditional = "depends on" in fact.left_out  # the algorithm is known, what it depends on is not
    assert conditional or requirement(fact) is None or find(fact.protocol, fact.use, fact.algorithm) is None


def test_the_table_is_large_sourced_and_free_of_contradictions() -> None:
    assert len([f for f in FACTS if f.verified == "true" and f.authority.endswith("@1")]) >= 300, "older editions add to it, they do not make it up"
    assert len({(f.authority, f.use, f.protocol, f.algorithm, f.date) for f in FACTS}) == len(FACTS)
    for fact in FACTS:
        assert fact.document, fact
        assert fact.section, fact
        assert re.fullmatch(r"(\d{4}(-\d\d(-\d\d)?)?)?", fact.published), fact
        assert (fact.grade, fact.verified) in {("P", "true"), ("S", "true"), ("U", "false")}, fact
        assert fact.verdict in ("allowed", "deprecated", "forbidden", "required"), fact


def test_every_authority_has_a_baseline_and_every_baseline_its_facts() -> None:
    assert set(AUTHORITIES) == {name for name in baselines() if name.partition("@")[0] not in OURS}


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_every_rule_is_held_against_at_least_one_fact(authority: str) -> None:
    scopes = {(f.protocol, f.use) for f in FACTS if f.authority == authority}
    for rule in baseline(authority).rules:
        if rule.aspect == "user_key":
            continue  # the twin of host_key
        assert any(rule.match.protocol in ("", protocol) and rule.aspect == use for protocol, use in scopes), rule.id


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_no_spelling_of_the_catalogue_escapes_an_end_date(authority: str) -> None:
    """Once an authority has ended everything classical for a use, no classical row of the catalogue is left, whatever its name."""
    mine = [f for f in ASKED if f.authority == authority and f.verified == "true"]
    for protocol, use in dict.fromkeys((f.protocol, f.use) for f in mine):
        rows = [a for a in all_of(protocol, use) if a.construction == "classical"]
        of = {a.id: [f for f in mine if (f.protocol, f.use) == (protocol, use) and find(protocol, use, f.algorithm) is a] for a in rows}
        last = [max(facts, key=lambda f: f.date) for facts in of.values() if any(f.verdict != "forbidden" for f in facts)]
        if not last or any(f.verdict != "forbidden" for f in last):
            continue
        end = max(last, key=lambda f: f.date)
        assert [a.id for a in rows if kind(end, a) not in GONE] == [], f"{authority} {protocol} {use} {end.date}"
