"""The collection as users install it, without our ansible.cfg; offline, so without any host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import file_name

from .conftest import FIXTURES, TOP

HOST = "db/1 a"


def play(folder: Path, name: str, callbacks: str = "", **variables: object) -> str:
    (folder / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {TOP / 'collections'}\n{callbacks}\n", encoding="utf-8")
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {HOST: {}}}}), encoding="utf-8")
    argv = ["ansible-playbook", "-i", "hosts.yml", f"quantumsafe.agility.{name}", "-e", json.dumps({"agility_output": "out", **variables})]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "NO_COLOR": "1"}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


OFFLINE = {"agility_root": str(FIXTURES / "snapshots/web-old.json"), "agility_save_snapshot": True}


def test_without_the_callback_the_report_playbook_writes_the_summary(tmp_path: Path) -> None:
    play(tmp_path, "audit", **OFFLINE)
    assert not (tmp_path / "out/summary.json").exists()
    play(tmp_path, "report")
    assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["hosts"] == 1
    assert (tmp_path / "out/inventory.csv").is_file()


def test_with_the_setting_of_the_quickstart_the_summary_is_shown_and_written(tmp_path: Path) -> None:
    setting = "callbacks_enabled = quantumsafe.agility.summary"
    assert setting in (TOP / "docs/quickstart.md").read_text(encoding="utf-8")
    assert "quantum-safe key exchange: " in play(tmp_path, "audit", setting, **OFFLINE)
    assert (tmp_path / "out/summary.json").is_file()


@pytest.mark.parametrize("folder", ["hosts", "snapshots"])
def test_a_host_has_the_same_file_name_in_every_folder(tmp_path: Path, folder: str) -> None:
    play(tmp_path, "audit", **OFFLINE)
    assert [path.name for path in (tmp_path / "out" / folder).iterdir()] == [file_name(HOST)]


def test_what_only_few_hosts_have_is_not_loaded_by_a_run_that_meets_none(tmp_path: Path) -> None:
    """`from . import name` must not load it: all that a run loads is paid for at its start, before any host is asked."""
    script = f"""
import sys
sys.path.insert(0, {str(TOP / "collections")!r})
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder([{str(TOP / "collections")!r}])._install()
import importlib
importlib.import_module("ansible_collections.quantumsafe.agility.plugins.action.crypto_plan_info")
core = "ansible_collections.quantumsafe.agility.plugins.plugin_utils._core."
print(*(type(sys.modules[core + name]).__name__ == "module" for name in ("targets.survey", "appliances", "appliances.junos")))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["True", "False", "False"], done.stderr
