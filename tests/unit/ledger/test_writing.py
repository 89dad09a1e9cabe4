"""The ledger on disk: workers that write at once, writers that are killed, and places that cannot be written."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _ledger, _ledgerkeys
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.answers import merged
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.chain import read_head
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.signing import Public, public
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.verify import Verdict, verify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._ledger import Ledger, read

FORK = multiprocessing.get_context("fork")  # as Ansible makes its workers


def ledger(tmp_path: Path, chain: str = "run-1") -> Ledger:
    return Ledger(tmp_path / "ledger", tmp_path / "keys", chain)


def fact(host: str, number: int = 0) -> dict[str, Any]:
    return {"event": "audit", "time": f"2026-11-27T07:{number // 60:02}:{number % 60:02}Z", "host": host}


def pinned(tmp_path: Path) -> list[Public]:
    return [public(path.read_bytes(), str(path)) for path in sorted((tmp_path / "keys").glob("*.pub"))]


def judged(tmp_path: Path) -> Verdict:
    return verify(read([tmp_path / "ledger"]), pinned(tmp_path))


def together(*work: Any) -> None:
    workers = [FORK.Process(target=one, args=args) for one, *args in work]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


def write(tmp_path: Path, chain: str, who: str, times: int) -> None:
    for number in range(times):
        ledger(tmp_path, chain).append(fact(f"{who}-{number}"), durable=False)


def test_workers_that_write_at_once_make_one_whole_chain(tmp_path: Path) -> None:
    together(*((write, tmp_path, "run-1", who, 25) for who in "abcd"))
    verdict = judged(tmp_path)
    assert verdict.whole and not verdict.notes
    hosts = [entry["host"] for entry in verdict.chains[0].entries]
    assert sorted(hosts) == sorted(f"{who}-{n}" for who in "abcd" for n in range(25))
    assert [host for host in hosts if host.startswith("a")] == [f"a-{n}" for n in range(25)], "of one worker in its order"


def test_runs_at_once_have_a_chain_each_and_the_next_run_vouches_for_them(tmp_path: Path) -> None:
    together((write, tmp_path, "run-1", "a", 10), (write, tmp_path, "run-2", "b", 10))
    ledger(tmp_path, "run-3").append(fact("c"), durable=True)
    verdict = judged(tmp_path)
    assert verdict.whole and [len(one.entries) for one in verdict.chains] == [10, 10, 1]
    assert {link["chain"] for link in verdict.chains[2].entries[0]["saw"]} == {"run-1", "run-2"}
    for gone in ("jsonl", "head"):
        (tmp_path / f"ledger/run-1.{gone}").unlink()
    assert "whole chain is missing" in judged(tmp_path).faults[0].what


def killed_at(tmp_path: Path, times: int, *told: str) -> None:
    """A worker that dies by SIGKILL within its append: before it writes the head, or in the middle of its line."""
    real, calls = _ledger._put, iter(range(1, 9))

    def die(file: int, at: int, data: bytes, durable: bool) -> None:
        if (call := next(calls)) < times:
            real(file, at, data, durable)
            return
        if call == 2:
            os.pwrite(file, data[: len(data) // 2], at)
        os.kill(os.getpid(), signal.SIGKILL)

    _ledger._put = die  # in a process of its own
    ledger(tmp_path).append(*map(fact, told), durable=False)


@pytest.mark.parametrize("told", [["victim"], ["one", "two", "three"]], ids=["of one entry", "of several"])
@pytest.mark.parametrize(("times", "noted"), [(1, False), (2, True)], ids=["while its head is written", "while its lines are written"])
def test_a_killed_writer_loses_nothing_and_is_not_taken_for_a_forger(tmp_path: Path, times: int, noted: bool, told: list[str]) -> None:
    write(tmp_path, "run-1", "before", 1)
    victim = FORK.Process(target=killed_at, args=(tmp_path, times, *told))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    torn = judged(tmp_path)
    assert torn.whole and bool(torn.notes) == noted and len(torn.chains[0].entries) == 1 + noted * len(told)
    write(tmp_path, "run-1", "after", 1)
    verdict = judged(tmp_path)
    assert verdict.whole and not verdict.notes
    assert [e["host"] for e in verdict.chains[0].entries] == ["before-0", *told * noted, "after-0"]


def test_several_entries_are_signed_once_and_vouched_for_each(tmp_path: Path) -> None:
    ledger(tmp_path).append(fact("a"), fact("b"), fact("c"), durable=False)
    ledger(tmp_path).append(fact("d"), durable=False)
    verdict = judged(tmp_path)
    assert verdict.whole and [(e["host"], e["number"]) for e in verdict.chains[0].entries] == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    assert ["saw" in e for e in verdict.chains[0].entries] == [True, False, False, False]


def test_what_a_head_holds_of_several_is_not_believed_where_it_was_changed(tmp_path: Path) -> None:
    """The statement that is signed names the digest of the last of them alone; the others hang on it."""
    ledger(tmp_path).append(fact("a"), fact("b"), durable=False)
    chain, head = tmp_path / "ledger/run-1.jsonl", tmp_path / "ledger/run-1.head"
    head.write_bytes(head.read_bytes().replace(rb"\"host\":\"a\"", rb"\"host\":\"x\""))
    chain.write_bytes(b"")
    assert [(fault.entry, "is not what" in fault.what) for fault in judged(tmp_path).faults] == [(1, True)]


def test_nobody_signs_on_top_of_what_somebody_else_wrote(tmp_path: Path) -> None:
    write(tmp_path, "run-1", "a", 3)
    path = tmp_path / "ledger/run-1.jsonl"
    path.write_bytes(path.read_bytes() + b'{"event":"confirm"}\n')
    with pytest.raises(Problem, match="cannot be written: it is not what its head says"):
        ledger(tmp_path).append(fact("b"), durable=False)
    with pytest.raises(Problem, match="cannot be written"):
        ledger(tmp_path).ready()
    ledger(tmp_path, "run-2").append(fact("c"), durable=False)  # another run is not held up
    assert [fault.entry for fault in judged(tmp_path).faults] == [4]


def test_a_head_that_another_key_signed_is_not_built_upon(tmp_path: Path) -> None:
    write(tmp_path, "run-1", "a", 1)
    for path in (tmp_path / "keys").iterdir():
        path.unlink()
    with pytest.raises(Problem, match="no pinned Ed25519 nor ML-DSA-65 key"):
        ledger(tmp_path).ready()


def test_keys_and_chains_are_for_their_owner_alone(tmp_path: Path) -> None:
    os.umask(0)
    try:
        ledger(tmp_path).append(fact("a"), durable=True)
    finally:
        os.umask(0o022)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.name != ".lock"}
    assert {modes.pop(name) for name in ("ledger", "keys")} == {0o700}
    assert set(modes.values()) == {0o600} and set(modes) >= {
        "ed25519.key",
        "ed25519.pub",
        "ml-dsa-65.key",
        "ml-dsa-65.pub",
        "run-1.jsonl",
        "run-1.head",
    }


def test_a_controller_without_ml_dsa_signs_with_ed25519_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _ledgerkeys._maker
    monkeypatch.setattr(_ledgerkeys, "_maker", lambda name: real(name) if name == "Ed25519" else None)
    ledger(tmp_path).append(fact("a"), durable=False)
    head = read_head((tmp_path / "ledger/run-1.head").read_bytes())
    assert [one.algorithm for one in head.signatures] == ["Ed25519"] and "ML-DSA-65: the package cryptography" in head.lacking[0]
    assert judged(tmp_path).whole


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("")
    with pytest.raises(Problem, match="the ledger cannot be written: ") as caught:
        ledger(tmp_path).ready()
    assert "agility_ledger" in caught.value.remedy and str(tmp_path) in caught.value.where


def test_slices_are_read_as_one_by_time_and_each_chain_in_its_order(tmp_path: Path) -> None:
    for slice_, numbers in (("one", (10, 30, 20)), ("two", (15, 25))):
        here = Ledger(tmp_path / slice_, tmp_path / "keys", f"run-{slice_}")
        for number in numbers:
            here.append(fact(f"{slice_}-{number}", number), durable=False)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "one").glob("run*"):
        (copy / path.name).write_bytes(path.read_bytes())
    verdict = verify(read([tmp_path / "one", tmp_path / "two/run-two.jsonl", copy]), pinned(tmp_path))
    assert verdict.whole
    assert [entry["host"] for entry in merged(verdict.chains)] == ["one-10", "two-15", "two-25", "one-30", "one-20"]


def test_no_secret_key_is_in_what_is_passed_on(tmp_path: Path) -> None:
    write(tmp_path, "run-1", "a", 2)
    secret = json.dumps((tmp_path / "keys/ed25519.key").read_text().splitlines()[1])[1:-1]
    assert secret not in "".join(path.read_text() for path in (tmp_path / "ledger").iterdir() if path.is_file())
