"""The ledger of a real change and its way back, as an auditor reads it; and no change where it cannot be kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .conftest import TOP, Lab, configuration, on

TX = "/var/lib/crypto-agility/tx"
PLAY = """---
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - quantumsafe.agility.crypto_ledger_info:
        paths: ["{{ ledger }}"]
        public_keys: ["{{ ledger }}/keys/ed25519.pub", "{{ ledger }}/keys/ml-dsa-65.pub"]
        expected_head: "{{ kept }}"
      register: found
      ignore_errors: true
    - ansible.builtin.copy: {content: "{{ found | to_json }}", dest: "{{ out }}"}
"""


def asked(tmp: Path, ledger: Path, *kept: str) -> dict[str, Any]:
    play, out = tmp / "ask.yml", tmp / "found.json"
    play.write_text(PLAY, encoding="utf-8")
    told = json.dumps({"ledger": str(ledger), "out": str(out), "kept": kept})
    subprocess.run(["ansible-playbook", str(play), "-e", told], cwd=TOP, capture_output=True, check=True, timeout=120)
    return json.loads(out.read_text(encoding="utf-8"))


def test_a_change_its_undoing_and_the_end_of_its_old_files_are_told_and_a_changed_byte_is_found(lab: Lab, tmp_path: Path) -> None:
    on("web-new", f"rm -rf {TX}")
    ledger = lab.tmp / "ledger"
    ran = lab.play("enforce", "web-new", agility_campaign="told", agility_ticket="CHG-7", agility_operator="alice")
    assert ran.rc == 0 and "its head, to be kept elsewhere: " in ran.text, ran.text
    kept = ran.text.partition("its head, to be kept elsewhere: ")[2].split()[0]
    for name, more in (("rollback", {"agility_campaign": "told"}), ("recover", {"agility_keep_days": 0, "agility_keep": 0})):
        assert lab.play(name, "web-new", agility_ledger_keys=str(ledger / "keys"), **more).rc == 0

    found = asked(tmp_path, ledger, kept)
    assert found["whole"] and found["notes"] == [] and [one["signed"] for one in found["chains"]] == [["Ed25519", "ML-DSA-65"]] * 3
    change, undo = found["changes"]
    assert (change["host"], change["result"], change["why"]) == ("web-new", "changed", "CHG-7") and change["who"].startswith("alice (")
    assert change["what"] and change["policy"]
    assert any("X25519MLKEM768" in proof for proof in change["proved"])
    assert change["undone"] and change["undone_by"]["by"] == undo["transaction"] and undo["result"] == "rolled-back"
    assert {id_ for entry in found["entries"] for id_ in entry.get("forgotten", ())} == {change["transaction"], undo["transaction"]}
    gone = [key for entry in found["entries"] for key in entry.get("keys", ()) if key["did"] in ("shredded", "removed")]
    assert {key["transaction"] for key in gone} >= {undo["transaction"]}

    chain = next(path for path in ledger.glob("*.jsonl") if b'"event":"confirm"' in path.read_bytes())
    number = next(n for n, line in enumerate(chain.read_bytes().splitlines(), 1) if b'"event":"confirm"' in line)
    chain.write_bytes(chain.read_bytes().replace(b'"result":"changed"', b'"result":"changer"'))
    broken = asked(tmp_path, ledger, kept)
    assert broken["failed"] and [(fault["chain"], fault["entry"]) for fault in broken["faults"]][:1] == [(chain.stem, number)]


def test_no_change_begins_where_the_ledger_cannot_be_kept(lab: Lab, tmp_path: Path) -> None:
    before = configuration("web-new")
    blocked = tmp_path / "a-file"
    blocked.write_text("", encoding="utf-8")
    ran = lab.play("enforce", "web-new", agility_campaign="untold", agility_ledger=str(blocked))
    assert ran.rc != 0 and "the ledger cannot be written" in ran.text and configuration("web-new") == before
    ran = lab.play("audit", "web-new", agility_ledger=str(blocked))
    assert ran.rc == 0 and "NOT IN THE LEDGER" in ran.text
