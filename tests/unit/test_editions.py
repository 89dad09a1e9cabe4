"""Both editions of an authority are kept, so that a saved audit tells what the new one changes: as a user asks, of crypto_policy_info."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import baselines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.snapshot_json import snapshot_to_json

from .conftest import captured, with_files
from .test_installed import play

OLDER = tuple(name for name in baselines() if not name.endswith("@1"))


def saved(folder: Path, **edits: str) -> Path:
    """An audit of a captured host, whose site says something else, in the form in which it is kept."""
    snapshot = captured("web-new")
    texts = {path: file.text for path, file in snapshot.files.items() if "ssl_ecdh_curve" in file.text}
    for old, new in edits.items():
        texts = {path: re.sub(rf"(?<={old} )[^;]+", new, text) for path, text in texts.items()}
    (folder / "seen.json").write_text(snapshot_to_json(with_files(snapshot, **texts)), encoding="utf-8")
    play(folder, "audit", agility_root=str(folder / "seen.json"))
    return folder


PLAY = """---
- hosts: localhost
  gather_facts: false
  tasks:
    - quantumsafe.agility.crypto_policy_info: {asked}
      register: answer
    - ansible.builtin.copy: {{content: "{{{{ answer | to_json }}}}", dest: answer.json, mode: "0600"}}
"""


def compared(audit: Path, older: str, newer: str, day: str) -> dict[tuple[str, str], tuple[str, str, str]]:
    """(endpoint, aspect) → the verdict of each edition on this day, and why."""
    asked = {"policy": older, "compare": newer, "results": str(audit / "out"), "output": str(audit / "asked"), "as_of": day}
    (audit / "ask.yml").write_text(PLAY.format(asked=json.dumps(asked)), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(audit / "ansible.cfg"), "NO_COLOR": "1"}
    done = subprocess.run(["ansible-playbook", "ask.yml"], cwd=audit, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads((audit / "answer.json").read_text(encoding="utf-8"))
    assert answer["changed"] is False
    return {(r["endpoint"].split()[0], r["aspect"]): (r["before"], r["after"], r["message"]) for r in answer["diff"]["rows"]}


def test_at_least_two_authorities_have_two_editions() -> None:
    assert len({name.partition("@")[0] for name in OLDER}) >= 2
    assert {f"{name.partition('@')[0]}@1" for name in OLDER} <= set(baselines())


def test_what_asd_changed_when_it_approved_ml_kem(tmp_path: Path) -> None:
    audit = saved(tmp_path)
    today = compared(audit, "asd-ism@2024-09", "asd-ism@1", "2026-12-01")
    assert today == {
        ("sshd", "key_exchange"): ("compliant", "missing", "nothing that asd-kex-ssh allows is in use"),
        ("nginx", "key_exchange"): ("compliant", "missing", "nothing that asd-kex-tls allows is in use"),
    }
    later = compared(audit, "asd-ism@2024-09", "asd-ism@1", "2031-01-01")
    assert later["nginx", "signature"] == ("compliant", "forbidden", "ECDSA-P256: asd-signature disallows it after 2030-12-31")
    assert later["sshd", "mac"][:2] == ("compliant", "forbidden")
    assert set(today) < set(later)


@pytest.mark.parametrize("configuration", ["intermediate", "modern"])
def test_what_tlsref_changed_when_it_took_a_hybrid_in(tmp_path: Path, configuration: str) -> None:
    audit = saved(tmp_path, ssl_ecdh_curve="X25519MLKEM768:X25519", ssl_protocols="TLSv1.3")
    found = compared(audit, f"mozilla-{configuration}@5.7", f"mozilla-{configuration}@1", "2026-12-01")
    assert found == {("nginx", "key_exchange"): ("forbidden", "compliant", "")}
