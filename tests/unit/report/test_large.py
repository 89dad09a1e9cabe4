"""A fleet that does not fit into memory: its report is that of any other, in slices or at once."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.held import Inventory, Item, Key
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.plain import to_plain
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.credentials import look_at
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.merge import merge
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import output_folder
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.rebuild import rebuild
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain, read_hosts, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.table import audit_table, transaction_table

from ..policy.texts import HEAD, RULES, exception, of, rule
from .results_of import HYBRID, tls

POLICY = of(HEAD + RULES + rule(id="kex-tls") + "exceptions:\n" + exception(id="NEEDED", match="{host: web-7, rule: kex-tls}"))
STATUSES = ("ok", "ok", "failed", "changed", "unreachable")


def fleet(size: int) -> Iterator[HostResult]:
    """No two alike; some failed, some were changed, some share a key."""
    for n in range(size):
        one = tls(("X25519",) if n % 3 else (HYBRID,), state="missing" if n % 3 else "compliant", host=f"web-{n}", message=f"web-{n} has none")
        findings = tuple({**f, "deadline": f"20{30 + n % 5}-01-01", "exception": "NEEDED" if n == 7 else ""} for f in one.findings)
        key = Item(
            "/k", 1, "root", "root", "0600", "ab" * 32, kinds=("key",), key=Key("ECDSA-P256", False, f"{n % 200}", "PEM"), roles=("orphan-key",)
        )
        yield replace(
            one,
            status=STATUSES[n % 5],
            taken=f"2026-11-27T02:{n % 60:02}:00Z",
            as_of="2026-11-27",
            policy={"name": POLICY.name, "version": str(POLICY.version), "digest": POLICY.digest},
            findings=findings,
            target={"host_keys": f"SHA256:{n % 250}", "groups": "web"},
            problem={"message": f"web-{n} failed", "where": "", "remedy": ""} if STATUSES[n % 5] in ("failed", "unreachable") else {},
            credentials=plain(Inventory((key,), ())) if n % 2 else {},
        )


def run(folder: Path, *hosts: HostResult) -> Path:
    output_folder(str(folder), "")
    (folder / "policy-a-b.json").write_text(json.dumps(to_plain(POLICY)), encoding="utf-8")
    for one in hosts:
        write_host(folder, one)
    rebuild(folder)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_slices_of_a_large_fleet_give_every_file_of_one_run(tmp_path: Path) -> None:
    hosts = list(fleet(300))
    whole = run(tmp_path / "whole", *hosts)
    slices = [run(tmp_path / f"slice-{n}", *hosts[n::7]) for n in range(7)]
    assert merge(slices, tmp_path / "merged")
    summary, *dummy = rebuild(tmp_path / "merged")
    assert files(tmp_path / "merged") == files(whole)
    assert (summary["hosts"], len(summary["failed"]), len(summary["changed"]), summary["exceptions"]["used"]) == (300, 120, 60, ["NEEDED"])
    assert len(summary["credentials"]["shared_keys"]) == 50  # web-1 and web-201 and so on, of which no slice knew both
    assert len(summary["warnings"]) == 50
    assert not merge(slices, tmp_path / "merged")


def test_the_tables_of_a_large_fleet_are_those_of_all_that_was_found(tmp_path: Path) -> None:
    hosts = list(fleet(50))
    hosts[3] = replace(hosts[3], verb="recover", journal=({"id": "T1", "state": "RELOADED", "left": 9, "by": "ann"},))
    out = run(tmp_path / "out", *hosts)
    shown = rebuild(out)[1]
    whole = read_hosts(out)[0]
    for table in (audit_table, transaction_table, look_at):
        assert table(shown, 120) == table(whole, 120)
    assert "RELOADED" in transaction_table(shown, 120)
    assert look_at(shown, 120) == "", "25 hosts with keys are told in numbers"
    few = run(tmp_path / "few", *(replace(one, credentials=one.credentials if n < 10 else {}) for n, one in enumerate(hosts)))
    assert "orphan-key" in look_at(rebuild(few)[1], 120), "five of fifty are told one by one"


def test_a_fleet_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    size, each = 40, 500_000
    long = tuple({**finding, "remedy": "x" * each} for finding in tls(("X25519",)).findings)
    for n in range(size):
        one = replace(tls(("X25519",), host=f"h{n}"), findings=long, taken="2026-11-27T02:00:00Z")
        write_host(Path(output_folder(str(tmp_path / f"slice-{n % 2}"), "")), one)
    tracemalloc.start()
    try:
        merge([tmp_path / "slice-0", tmp_path / "slice-1"], tmp_path / "merged")
        kept = rebuild(tmp_path / "merged")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept[0]["hosts"] == size
    assert peak < size * each / 2, f"{peak} bytes at once, of {size * each}"
