"""Host files that are strange, damaged or hostile: one of them never takes the others with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import file_name
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import read_host, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table, closing

from .results_of import folder, tls


@pytest.mark.parametrize(
    "damage",
    [{"status": "bogus"}, {"findings": [{}]}, {"findings": None}, {"endpoints": [{}]}, {"endpoints": [7]}, {"problem": None}, {"surprise": 1}],
    ids=str,
)
def test_a_damaged_file_is_named_and_the_other_hosts_are_reported(tmp_path: Path, damage: dict[str, Any]) -> None:
    out = folder(tmp_path)
    write_host(out, tls(("X25519",), host="good"))
    (out / "hosts" / "bad.json").write_text(json.dumps({"format": 1, "host": "bad", "verb": "audit", "status": "failed", **damage}), encoding="utf-8")
    summary, results, _ = rebuild(out)
    assert [r.host for r in results] == ["good"]
    assert "bad.json" in summary["unreadable"][0]
    assert "bad.json" in closing(summary, "out")
    assert "good" in audit_table(results)


def test_a_host_whose_file_names_are_no_utf8_stays_in_the_reports(tmp_path: Path) -> None:
    out = folder(tmp_path)
    strange = "/etc/nginx/conf.d/caf\udce9.conf"  # how Python holds the byte E9
    result = replace(tls(("X25519",)), host="caf\u00e9", status="failed", problem={"message": strange, "where": "h", "remedy": ""})
    path = write_host(out, result)
    summary, _, _ = rebuild(out)
    assert summary["unreadable"] == []
    assert read_host(path).problem["message"] == strange
    for made in (path, out / "summary.json", out / "inventory.csv"):
        assert "caf\u00e9" in made.read_text(encoding="utf-8")


def test_names_that_differ_only_after_what_a_file_system_holds_have_files_of_their_own() -> None:
    long = [file_name("a" * 240 + end) for end in ("1", "2")]
    assert long[0] != long[1]
    assert all(len(name.encode()) < 240 for name in long)
