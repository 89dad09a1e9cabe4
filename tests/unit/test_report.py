"""Results on disk and what is rebuilt from them."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.inventory import COLUMNS, inventory
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import file_name, output_folder, run_id
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain, read_hosts, shown, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.summary import summarise
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table, closing
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES

from .conftest import HOSTS, TODAY, captured, policy_of, requirements


def result(host: str) -> HostResult:
    endpoints = tuple(e for service in SERVICES.values() for e in service.read(captured(host)))
    found = assess(endpoints, lambda e: requirements(policy_of("hybrid-transition@1"), e.protocol), TODAY)
    return HostResult(host, "audit", "ok", endpoints=tuple(plain(e) for e in endpoints), findings=tuple(plain(f) for f in found))


def folder(tmp_path: Path) -> Path:
    return output_folder(str(tmp_path / "out"), "r")


def test_results_are_private_and_survive_their_file(tmp_path: Path) -> None:
    out = folder(tmp_path)
    path = write_host(out, result("web-new"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    (read,), complaints = read_hosts(out)
    assert complaints == ()
    assert json.loads(json.dumps(plain(read))) == json.loads(json.dumps(plain(result("web-new"))))


def test_a_broken_file_is_told_of_and_the_others_count(tmp_path: Path) -> None:
    out = folder(tmp_path)
    write_host(out, result("web-new"))
    (out / "hosts" / "x.json").write_text("{", encoding="utf-8")
    summary, _, _ = rebuild(out)
    assert summary["hosts"] == 1
    assert "x.json" in summary["unreadable"][0]


def test_rebuilding_twice_changes_nothing(tmp_path: Path) -> None:
    out = folder(tmp_path)
    write_host(out, result("web-new"))
    assert rebuild(out)[2] is True
    assert rebuild(out)[2] is False


def test_host_names_never_leave_the_folder_nor_collide() -> None:
    names = ["../x", "a/b", "a%2Fb", "a b", "..", "web-1"]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert not any("/" in f or f.startswith("..") for f in files)


def test_the_run_is_the_same_for_all_who_name_one_process() -> None:
    assert run_id(os.getpid()) == run_id(os.getpid())
    assert run_id(os.getpid()).endswith(f"-{os.getpid()}")


def test_the_inventory_has_a_row_for_each_endpoint_and_the_way_out() -> None:
    rows = list(csv.DictReader(io.StringIO(inventory(tuple(result(h) for h in HOSTS)))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == sum(len(result(h).endpoints) for h in HOSTS)
    old = next(r for r in rows if r["host"] == "web-old" and r["protocol"] == "tls")
    assert (old["version_with_pqc"], old["quantum_safe"]) == ("OpenSSL 3.5", "no")
    assert old["target_path"] == "upgrade to OpenSSL 3.5, or a gateway"
    assert next(r for r in rows if r["host"] == "web-new" and r["protocol"] == "tls")["target_path"] == "configure now"


def test_a_cell_cannot_become_a_formula() -> None:
    evil = HostResult("=cmd()", "audit", "ok", endpoints=result("web-new").endpoints)
    assert "'=cmd()" in inventory((evil,))


def test_the_worst_comes_first_and_nothing_is_wider_than_the_terminal() -> None:
    shown = audit_table([result(h) for h in HOSTS], width=100)
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert "forbidden" in shown.splitlines()[1]


def test_many_hosts_are_counted_not_listed() -> None:
    many = [HostResult(f"h{i}", "audit", "ok", findings=result("web-new").findings) for i in range(30)]
    assert len(audit_table(many).splitlines()) < 20


def test_the_closing_names_what_failed_and_the_folder_last(tmp_path: Path) -> None:
    out = folder(tmp_path)
    write_host(out, HostResult("a", "enforce", "reverted", problem={"message": "nginx died", "where": "a", "remedy": "mend it"}))
    lines = closing(rebuild(out)[0], str(out)).splitlines()
    assert "nginx died" in lines[0]
    assert lines[-1] == f"results: {out}"


def test_hosts_that_share_a_host_key_are_named_together() -> None:
    keys = {"a": "SHA256:x SHA256:own", "b": "SHA256:x", "c": "SHA256:other", "d": ""}
    results = tuple(HostResult(host, "audit", "ok", target={"host_keys": found}) for host, found in keys.items())
    (warning,) = summarise(results)["warnings"]
    assert warning["host"] == "a, b" and "SHA256:x" in warning["message"]


def test_a_result_has_a_line_for_each_key_and_each_item() -> None:
    data = {"host": "a\nb", "findings": ({"b": 1, "a": [1, 2]}, {"é": None}), "notes": {"x": {"y": True}}, "none": ()}
    text = shown(data)
    assert json.loads(text) == json.loads(json.dumps(data))
    assert (
        text == '{\n "findings": [\n  {"a": [1, 2], "b": 1},\n  {"é": null}\n ],\n "host": "a\\nb",\n "none": [],\n "notes": {"x": {"y": true}}\n}\n'
    )
