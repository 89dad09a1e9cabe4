"""Every baseline × back end: what would be found and written on hosts captured from the lab.  GOLDEN=write renews the files."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Finding, Plan, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.peers import effect, quantum_safe
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import baselines, load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from ..conftest import HOSTS, TODAY, TOP, captured, requirements
from ..test_assess_plan import applied

GOLDEN = Path(__file__).parent / "golden"
LATER = date(2032, 1, 1)
STAGES = (("prefer", TODAY), ("require", TODAY), ("require", LATER))


class BackEnd(NamedTuple):
    title: str
    host: str
    service: str


BACK_ENDS = (
    BackEnd("OpenSSH 10.0", "web-new", "openssh"),
    BackEnd("nginx on OpenSSL 3.5", "web-new", "nginx"),
    BackEnd("nginx on OpenSSL 3.0", "web-old", "nginx"),
)


def staged(name: str, stage: str) -> Policy:
    """The baseline as an organisation that wants all of it at this stage would extend it, in the regimes that it speaks for."""
    zone = "zones: {z: {groups: [web], regimes: [nss, pci]}}\n"
    head = 'policy: {name: t, version: "1", enforce: [draft, recommendation]}\n'
    return load("p.yml", lambda _: f"{head}extends: [{name}]\n{zone}stages: [{{stage: {stage}}}]\n")


def endpoints_of(snapshot: Snapshot, service: str) -> tuple[Endpoint, ...]:
    return SERVICES[service].read(snapshot)


def findings(snapshot: Snapshot, service: str, policy: Policy, day: date) -> tuple[Finding, ...]:
    return assess(endpoints_of(snapshot, service), lambda e: requirements(policy, e.protocol, day=day), day)


def planned(snapshot: Snapshot, service: str, policy: Policy, day: date) -> Plan:
    found = endpoints_of(snapshot, service)
    asked = {e.id: requirements(policy, e.protocol, day=day) for e in found}
    return make_plan(snapshot, {service: SERVICES[service]}, found, asked, policy.digest, day, lambda: None)


def told(name: str) -> Iterator[str]:
    """The golden text: for each back end and stage what is not compliant, then the lines written or why there are none."""
    for back in BACK_ENDS:
        for stage, day in STAGES:
            yield f"== {back.title}, {stage}, {day}"
            snapshot, policy = captured(back.host), staged(name, stage)
            for finding in findings(snapshot, back.service, policy, day):
                if finding.state != "compliant":
                    why = f": {finding.message}; {finding.remedy}" if finding.state == "unsatisfiable" else ""
                    yield f"{finding.aspect} ({finding.rule}): {finding.state}{why}"
            try:
                plan = planned(snapshot, back.service, policy, day)
            except Problem as problem:
                yield f"refused ({type(problem).__name__}): {problem.message}"
                continue
            lines = [line.strip() for change in plan.changes for edit in change.edits for line in edit.insert]
            yield from (f"  {line}" for line in lines or ["(nothing)"] if not line.startswith("#"))


@pytest.mark.parametrize("name", baselines())
def test_what_would_be_written_is_as_reviewed(name: str) -> None:
    path, text = GOLDEN / f"{name}.txt", "\n".join(told(name)) + "\n"
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_golden_file_outlives_its_baseline() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(baselines())


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", baselines())
def test_no_baseline_takes_quantum_safety_from_anybody(name: str, host: str) -> None:
    """Whatever is there, first as captured, then with all hybrids on: a plan keeps it, or there is no plan and a finding says so."""
    plain = captured(host)
    for service in SERVICES:
        try:
            hybrid = applied(plain, planned(plain, service, staged("hybrid-transition@1", "prefer"), TODAY))
        except Problem:
            hybrid = plain
        for snapshot in (plain, hybrid):
            for stage, day in STAGES:
                _keeps(snapshot, service, staged(name, stage), day)


def _keeps(snapshot: Snapshot, service: str, policy: Policy, day: date) -> None:
    before = {e.id: e.settings["key_exchange"] for e in endpoints_of(snapshot, service) if "key_exchange" in e.settings}
    try:
        plan = planned(snapshot, service, policy, day)
    except Problem:
        return
    for endpoint in endpoints_of(applied(snapshot, plan), service):
        if endpoint.id in before:
            now = endpoint.settings["key_exchange"]
            assert effect(endpoint.protocol, before[endpoint.id], now.values, now.tiers).regressed == ()


def test_a_literal_bsi_would_remove_post_quantum_ssh_and_is_a_finding_not_a_change() -> None:
    new = captured("web-new")
    hybrid = applied(new, planned(new, "openssh", staged("hybrid-transition@1", "prefer"), TODAY))
    strict = staged("bsi-tr-02102@1", "require")
    (found,) = [f for f in findings(hybrid, "openssh", strict, TODAY) if f.aspect == "key_exchange"]
    assert found.state == "pq-regression"
    assert any(quantum_safe("ssh", name) for name in found.actual)
    assert not any("key_exchange" in reason for reason in planned(hybrid, "openssh", strict, TODAY).reasons)
    assert planned(hybrid, "openssh", staged("bsi-tr-02102@1", "observe"), TODAY).changes == ()


@pytest.mark.parametrize("day", [TODAY, LATER])
@pytest.mark.parametrize("host", HOSTS)
def test_cnsa_on_stock_openssh_is_unsatisfiable_and_says_why(host: str, day: date) -> None:
    snapshot, strict = captured(host), staged("cnsa-2.0@1", "require")
    (found,) = [f for f in findings(snapshot, "openssh", strict, day) if f.aspect == "key_exchange"]
    assert found.state == "unsatisfiable"
    assert found.message == "cnsa-kex leaves nothing for key_exchange in ssh that the catalogue knows"
    assert found.remedy
    assert not any("key_exchange" in reason for reason in planned(snapshot, "openssh", strict, day).reasons)


def test_what_openssl_3_0_cannot_do_is_unsatisfiable_for_all_who_want_post_quantum() -> None:
    for name in ("cnsa-2.0@1", "bsi-tr-02102@1", "anssi@1", "asd-ism@1", "nist-ir-8547@1", "ncsc-uk@1", "eu-roadmap@1"):
        (found,) = [f for f in findings(captured("web-old"), "nginx", staged(name, "require"), TODAY) if f.aspect == "key_exchange"]
        assert (found.state, "OpenSSL ≥ 3.5" in found.remedy) == ("unsatisfiable", True), name


def test_cnsa_and_bsi_together_allow_nothing_and_both_are_named() -> None:
    text = 'policy: {name: t, version: "1"}\nextends: [cnsa-2.0@1, bsi-tr-02102@1]\nzones: {z: {groups: [g], regimes: [nss]}}\n'
    with pytest.raises(Problem, match="together allow no key_exchange"):
        load("p.yml", lambda _: text)


def test_the_page_of_the_baselines_is_fresh() -> None:
    """Renew it with: python tests/tools/baselines.py > docs/baselines.md"""
    page = runpy.run_path(str(TOP / "tests/tools/baselines.py"))["page"]()
    assert (TOP / "docs/baselines.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("name", ["cnsa-2.0@1", "pci-dss-4@1"])
def test_outside_its_regime_a_baseline_is_not_applicable_and_never_a_pass(name: str) -> None:
    policy = load("p.yml", lambda _: f'policy: {{name: t, version: "1"}}\nextends: [{name}]\nstages: [{{stage: require}}]\n')
    assert {f.state for service in SERVICES for f in findings(captured("web-new"), service, policy, TODAY)} == {"not-applicable"}
    for service in SERVICES:
        assert planned(captured("web-new"), service, policy, TODAY).changes == ()


def test_a_literal_bsi_and_a_hybrid_first_for_ssh_cannot_hold_together() -> None:
    text = 'policy: {name: t, version: "1"}\nextends: [hybrid-transition@1, bsi-tr-02102@1]\n'
    with pytest.raises(Problem, match=r"TR-02102-4.*EO 14412.*together allow no key_exchange"):
        load("p.yml", lambda _: text)


BEFORE_QUANTUM = ("asd-ism@2024-09", "mozilla-intermediate@5.7", "mozilla-modern@5.7")  # editions that name the groups of their day


@pytest.mark.parametrize("name", BEFORE_QUANTUM)
def test_an_edition_that_knows_no_hybrid_cannot_hold_together_with_the_transition(name: str) -> None:
    text = f'policy: {{name: t, version: "1"}}\nextends: [hybrid-transition@1, {name}]\n'
    with pytest.raises(Problem, match=rf"baseline {name}.*EO 14412.*together allow no key_exchange"):
        load("p.yml", lambda _: text)


@pytest.mark.parametrize("name", [n for n in baselines() if not n.startswith(("hybrid", "cnsa", "legacy", "bsi")) and n not in BEFORE_QUANTUM])
def test_an_authority_composes_with_the_transition(name: str) -> None:
    """The authority says what is allowed, the transition what to write first; ids never collide."""
    text = f'policy: {{name: t, version: "1"}}\nextends: [hybrid-transition@1, {name}]\n'
    policy = load("p.yml", lambda _: text)
    assert requirements(policy, "tls")["key_exchange"].stage == "prefer"
