"""What services write and how they are activated is what the installed agent lets pass: one list, held against the writers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import installed

from ..conftest import HOSTS, TODAY, captured, policy_of, requirements

POLICIES = ("hybrid-transition@1", "hybrid-required@1", "nist-ir-8547@1", "mozilla-modern@1", "mozilla-intermediate@1", "cnsa-2.0@1")


def compared(tmp_path: Path, path: str, before: str, after: str) -> str:
    """What the installed agent finds in the new text besides cryptographic directives."""
    agent, was = tmp_path / "agent", tmp_path / "was"
    functions = installed.text().replace("case ${1-} in clean) ;; *) exec", "case clean in clean) ;; *) exec").removesuffix('ca_door "$0"\n')
    agent.write_text(functions + f"ca_inside '{path}' || echo 'no service has {path}'\nca_compare '{was}'\n", encoding="utf-8")
    was.write_text(before, encoding="utf-8")
    return subprocess.run(["sh", str(agent)], input=after, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("host", HOSTS)
def test_every_change_that_a_policy_asks_for_passes(tmp_path: Path, host: str, policy: str) -> None:
    snapshot, rules = captured(host), policy_of(policy)
    endpoints = [e for service in SERVICES.values() for e in service.read(snapshot)]
    plan = make_plan(snapshot, SERVICES, tuple(endpoints), {e.id: requirements(rules, e.protocol, host) for e in endpoints}, "d", TODAY, lambda: None)
    for change in plan.changes:
        text = next((f.text or "" for f in snapshot.files.values() if change.path in (f.path, f.real)), "")
        assert compared(tmp_path, change.path, text, lines.apply(text, change.edits)) == ""
    for one in plan.activations:
        grant = SERVICES[one.service].grant
        assert grant and (one.units, one.sockets) == (grant.units, grant.sockets)
        assert one.check in grant.checks and one.action in grant.actions


def test_the_comparison_finds_what_is_none(tmp_path: Path) -> None:
    assert compared(tmp_path, "/etc/ssh/sshd_config", "Port 22\n", "Port 22\nCiphers a\n") == ""
    assert compared(tmp_path, "/etc/ssh/sshd_config", "Port 22\n", "Port 23\n").startswith('1: "Port 23"')
    assert compared(tmp_path, "/etc/ssh/sshd_config", "Port 22\n# x\n", "Port 22\n") == '2: "# x" would be gone'
