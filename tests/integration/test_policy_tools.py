"""The questions that a policy's author asks, as a user asks them: playbooks against a saved audit of the lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import TOP, WEB, Lab, Ran, configuration

ENTERPRISE = str(TOP / "policies/enterprise.yml")
CASES = str(TOP / "policies/tests/enterprise.yml")


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, pristine: None) -> Ran:
    """An audit of the lab as it was built, saved; all that follows asks it and no host."""
    ran = Lab(tmp_path_factory.mktemp("audit")).play("audit", "web", agility_policy=ENTERPRISE)
    assert ran.rc == 0, ran.text
    return ran


def ask(lab: Lab, policy: str = ENTERPRISE, **questions: object) -> Ran:
    return lab.play("validate_policy", "", agility_policy=policy, **questions)


def said(ran: Ran) -> str:
    """The answer without Ansible's line breaks and quotes."""
    return " ".join(ran.text.replace('\\"', '"').split())


def test_a_sound_policy_says_what_it_is_and_what_is_owed(lab: Lab) -> None:
    ran = ask(lab, agility_as_of="2028-01-15")
    assert ran.rc == 0, ran.text
    assert "enterprise 4:" in said(ran)
    assert "exception EX-31 expired on 2027-06-30; plant must mend it" in said(ran)
    assert "override ot-tls-version" in said(ran)
    assert "peer plant-vendor promised 2027-12-31 and has not delivered" in said(ran)


def test_every_mistake_is_told_with_its_line_and_nothing_else_happens(lab: Lab, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    text = Path(ENTERPRISE).read_text(encoding="utf-8")
    wrong.write_text(
        text.replace("[TLSv1.2, TLSv1.3]", "[TLSv1.2, TLSv1.4]", 1).replace("[TLSv1.1, secp256r1]", "[TLSv1.1, secp257r1]", 1), encoding="utf-8"
    )
    ran = ask(lab, str(wrong))
    assert ran.rc != 0
    assert "no algorithm is called TLSv1.4; did you mean TLSv1.3" in said(ran)
    assert "no algorithm is called secp257r1; did you mean secp256r1" in said(ran)
    places = [int(n) for n in re.findall(r"wrong\.yml:(\d+): no algorithm", ran.text)]
    lines = text.splitlines()
    assert {lines[n - 1].strip() for n in places} >= {"- id: EX-31"}
    assert "Traceback" not in ran.text


def test_the_cases_of_the_policy_pass(lab: Lab) -> None:
    ran = ask(lab, agility_tests=CASES)
    assert ran.rc == 0, ran.text
    assert " passed, 0 failed" in said(ran)


def test_a_case_that_is_not_met_fails_the_play_and_says_what_came_instead(lab: Lab, tmp_path: Path) -> None:
    cases = tmp_path / "cases.yml"
    given = "given: {host: a, groups: [web], protocol: tls, settings: {key_exchange: [X25519], version: [TLSv1.3]}}"
    cases.write_text(
        f"policy: {ENTERPRISE}\nas_of: 2026-12-15\ncases:\n  - name: wishful\n    {given}\n    expect: {{key_exchange: compliant}}\n",
        encoding="utf-8",
    )
    ran = ask(lab, agility_tests=str(cases))
    assert ran.rc != 0
    assert "0 passed, 1 failed" in said(ran)
    assert "wishful" in said(ran)
    assert "missing" in said(ran)


def test_explain_names_the_rule_that_decided_on_what_was_seen(lab: Lab, audit: Ran) -> None:
    ran = ask(lab, agility_results=str(audit.output), agility_explain="web-old", agility_as_of="2026-12-15")
    assert ran.rc == 0, ran.text
    assert "kex-ssh" in said(ran)
    assert "policies/enterprise.yml:" in said(ran)
    assert "web-old" in said(ran)


def test_a_resolved_policy_means_the_same(lab: Lab) -> None:
    first = ask(lab, agility_resolve=True)
    assert first.rc == 0, first.text
    alone = first.output / "policy.resolved.yml"
    assert "\nextends:" not in alone.read_text(encoding="utf-8")
    second = ask(lab, str(alone))
    assert second.rc == 0, second.text
    digests = [
        next(word for line in ran.text.splitlines() if "digest" in line for word in line.split("digest ")[1:]).strip('", ') for ran in (first, second)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "question",
    [{"agility_compare": "hybrid-required@1"}, {"agility_compare_as_of": "2031-01-01"}, {"agility_retire": "aes128-ctr"}],
    ids=lambda q: next(iter(q)),
)
def test_a_comparison_names_hosts_and_touches_none(lab: Lab, audit: Ran, question: dict[str, str]) -> None:
    before = {host: configuration(host) for host in WEB}
    ran = ask(lab, agility_results=str(audit.output), agility_as_of="2026-12-15", **question)
    assert ran.rc == 0, ran.text
    assert "verdicts change on" in said(ran)
    assert any(host in said(ran) for host in WEB)
    assert {host: configuration(host) for host in WEB} == before


PLAY = """---
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - quantumsafe.agility.crypto_policy_info:
        policy: {policy}
        results: {results}
        output: {output}
        as_of: "2026-12-15"
        retire: [sntrup761]
        tests: [{cases}]
      register: answer
    - ansible.builtin.copy: {{content: "{{{{ answer | to_json }}}}", dest: {output}/answer.json, mode: "0600"}}
"""


def test_the_module_answers_as_data(audit: Ran, tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    play.write_text(PLAY.format(policy=ENTERPRISE, results=audit.output, output=tmp_path, cases=CASES), encoding="utf-8")
    done = subprocess.run(["ansible-playbook", str(play)], cwd=TOP, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert answer["changed"] is False
    assert answer["tests"]["failed"] == 0
    assert answer["complaints"] == []
    assert set(answer["exceptions"]) == {"expired", "pending", "used", "unused"}
    assert len(answer["diff"]["rows"]) >= answer["diff"]["changed"]
    assert answer["policy"]["digest"]
