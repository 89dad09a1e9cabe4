"""What a person at a terminal sees while a run goes on, and what its exit code says, on real hosts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from .conftest import TOP, Lab, configuration

PLAY = """---
- hosts: web-new
  gather_facts: false
  tasks:
    - quantumsafe.agility.crypto_enforce:
      ignore_errors: true
"""


def test_a_terminal_shows_one_line_that_is_kept_up_to_date_and_then_the_table(tmp_path: Path) -> None:
    command = f"ansible-playbook playbooks/audit.yml -l web-new:web-old -e agility_output={tmp_path}/out"
    seen = {**os.environ, "TERM": "xterm", "COLUMNS": "140", "NO_COLOR": "1"}
    done = subprocess.run(["script", "-qec", command, "/dev/null"], cwd=TOP, capture_output=True, text=True, check=False, env=seen, timeout=300)
    assert done.returncode == 0, done.stdout
    live = [part.split("\r")[0] for part in done.stdout.split("\033[K") if part.startswith("batch ")]
    assert [line.split(" done")[0] for line in live] == ["batch 1: 1/2", "batch 1: 2/2"]
    assert "ok: [web-old]" not in done.stdout
    last = done.stdout.rpartition("\033[K")[2]  # it is gone before the table comes
    assert "batch 1" not in last
    assert "hosts: 2 (2 ok)" in last


def test_a_change_that_failed_and_was_ignored_still_ends_the_run_with_a_code(lab: Lab, tmp_path: Path) -> None:
    play, before = tmp_path / "play.yml", configuration("web-new")
    play.write_text(PLAY, encoding="utf-8")
    given = json.dumps({"agility_output": str(tmp_path / "out"), "agility_plan": str(tmp_path)})
    argv = ["ansible-playbook", "-i", "inventories/lab", str(play), "-e", given]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False, timeout=300)
    assert "FAILED        web-new: there is no plan for this host in it" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 2
    assert configuration("web-new") == before
