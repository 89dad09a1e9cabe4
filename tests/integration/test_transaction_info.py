"""What a host remembers of transactions, as crypto_transaction_info tells it; and what its plan says of the way in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer

from .conftest import TOP, Lab, configuration, on
from .container import LAB, NONCE, apply_script

TX = "/var/lib/crypto-agility/tx"
PLAY = """---
- hosts: all
  gather_facts: false
  tasks:
    - quantumsafe.agility.crypto_transaction_info:
      register: found
    - ansible.builtin.copy: {content: "{{ found | to_json }}", dest: "{{ out }}"}
      delegate_to: localhost
      become: false
"""


def remembered(tmp: Path, host: str) -> list[dict[str, Any]]:
    play, out = tmp / "info.yml", tmp / "found.json"
    play.write_text(PLAY, encoding="utf-8")
    argv = ["ansible-playbook", "-i", "inventories/lab", str(play), "-l", host, "-e", f"out={out} agility_output={tmp / 'results'}"]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["changed"] is False
    return found["transactions"]


def test_history_shows_what_was_changed_by_whom_and_when_it_ended(lab: Lab, tmp_path: Path) -> None:
    on("web-new", f"rm -rf {TX}")
    before = configuration("web-new")
    assert remembered(tmp_path, "web-new") == []
    ran = lab.play("enforce", "web-new", agility_campaign="history")
    assert ran.rc == 0, ran.text
    assert "ssh is the only way in that is known, and this change reloads it" in ran.text
    (kept,) = remembered(tmp_path, "web-new")
    assert (kept["state"], kept["left"], kept["error"]) == ("CLEANED", 0, "")
    assert kept["id"].startswith("history-")
    assert "campaign history" in kept["started_by"]
    assert [line["state"] for line in kept["journal"]][-3:] == ["VERIFIED", "CONFIRMED", "CLEANED"]
    assert kept["size"] > 0 <= kept["age"]
    assert {"openssh", "nginx"} >= set(kept["services"])
    on("web-new", f"sh {TX}/{kept['id']}/revert.sh")
    assert configuration("web-new") == before
    undone = remembered(tmp_path, "web-new")
    assert [one["state"] for one in undone] == ["CLEANED"] * 2
    assert any(f"rollback of {kept['id']}" in one["started_by"] for one in undone)


def test_one_that_waits_comes_first_with_the_time_that_it_has_left(lab: Lab, tmp_path: Path) -> None:
    assert lab.play("enforce", "web-new", agility_campaign="first").rc == 0
    on(
        "web-new",
        f"cp -a {TX}/first-* {TX}/waits && sed -i '/CONFIRMED/,$d' {TX}/waits/journal && echo $(($(cut -d. -f1 /proc/uptime) + 500)) >{TX}/waits/deadline",
    )
    try:
        waits = remembered(tmp_path, "web-new")[0]
        assert (waits["id"], waits["state"]) == ("waits", "VERIFIED")
        assert 400 < waits["left"] <= 500
    finally:
        on("web-new", f"rm -rf {TX}/waits")
    assert lab.play("rollback", "web-new", agility_campaign="first").rc == 0


def test_what_a_clone_inherited_is_left_alone_until_recover_is_told_that_it_is_ours(lab: Lab) -> None:
    before = configuration("web-new")
    path = "/etc/ssh/sshd_config"
    change = Change(path, on("web-new", f"sha256sum {path}").split()[0], (Edit(1, 0, ("# a comment\n",)),))
    pending = subprocess.run(
        [LAB, "exec", "web-new", "/bin/sh", "-s"], input=apply_script("clone-1", change), capture_output=True, text=True, check=True
    )
    assert answer.parse_transaction(pending.stdout, NONCE).state == "RELOADED"
    on("web-new", f"systemctl stop crypto-agility-clone-1; cd {TX}/clone-1 && echo another:machine >identity && echo another >boot")
    changed = configuration("web-new")
    left = lab.play("recover", "web-new")
    assert left.host("web-new")["status"] == "skipped"
    assert "clone-1 is pending" in left.host("web-new")["problem"]["message"]
    assert "agility_adopt" in left.host("web-new")["problem"]["remedy"]
    assert configuration("web-new") == changed != before
    ours = lab.play("recover", "web-new", agility_adopt=True)
    assert ours.rc == 0, ours.text
    assert configuration("web-new") == before
    assert on("web-new", f"tail -n 1 {TX}/clone-1/journal").split()[1] == "REVERTED"
