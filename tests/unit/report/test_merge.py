"""Slices of one audit give the report of one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.merge import merge
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import output_folder
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, read_host, write_host

from .results_of import tls

TWIN = {"host_keys": "SHA256:same"}  # whoever sees one slice alone cannot see that two hosts share a key


def results() -> list[HostResult]:
    return [replace(tls(("X25519",), host=host), taken="2026-11-27T02:00:00Z", target=TWIN) for host in ("a", "b", "c")]


def run(folder: Path, hosts: list[HostResult]) -> Path:
    output_folder(str(folder), "")
    for one in hosts:
        write_host(folder, one)
    rebuild(folder)
    return folder


def test_slices_give_the_files_of_one_run(tmp_path: Path) -> None:
    a, b, c = results()
    whole, merged = run(tmp_path / "whole", [a, b, c]), tmp_path / "merged"
    assert merge([run(tmp_path / "1", [c]), run(tmp_path / "2", [a, b])], merged)
    rebuild(merged)
    for name in ("summary.json", "inventory.csv", "hosts/a.json", "hosts/b.json", "hosts/c.json"):
        assert (merged / name).read_bytes() == (whole / name).read_bytes()
    assert "they share the host key" in (merged / "summary.json").read_text(encoding="utf-8")


def test_of_a_host_in_two_slices_the_later_look_counts_in_any_order(tmp_path: Path) -> None:
    a = results()[0]
    old, new = run(tmp_path / "old", [a]), run(tmp_path / "new", [replace(a, taken="2026-11-27T03:00:00Z", status="failed")])
    for name, order in (("one", [old, new]), ("two", [new, old])):
        merge(order, tmp_path / name)
        assert read_host(tmp_path / name / "hosts/a.json").status == "failed"
    assert not merge([old], tmp_path / "one")  # a slice that comes late takes nothing back


def test_a_file_that_cannot_be_read_comes_along_and_is_named(tmp_path: Path) -> None:
    broken = run(tmp_path / "1", [])
    (broken / "hosts/a.json").write_text("{", encoding="utf-8")
    merge([broken], tmp_path / "merged")
    assert any("a.json" in text for text in rebuild(tmp_path / "merged")[0]["unreadable"])


def test_nothing_is_written_where_it_is_only_asked(tmp_path: Path) -> None:
    assert merge([run(tmp_path / "1", results())], tmp_path / "merged", write=False)
    assert not (tmp_path / "merged").exists()
