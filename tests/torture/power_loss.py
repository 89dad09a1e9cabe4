"""Record good runs call by call, take the power away after every call, and let the next boot and `recover` put it right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import invariant, storage
from .inject import Tally, spread_evenly
from .machine import Machine
from .scenario import FIRST, PHASES, Bench, Phase
from .tracing import Fault, read_log

TREES = ("etc", "var")
SYNCS = ("fsync", "fdatasync", "syncfs", "sync")
PHASE = {phase.name: phase for phase in PHASES}
# A story is what is sent one after the other on one disk.
STORIES = {
    "apply, confirm": ("apply", "confirm"),
    "apply, revert": ("apply", "revert"),
    "rollback": ("rollback", "confirm the rollback"),
    "deadline": ("deadline",),
    "boot": ("boot",),
    "recover": ("recover",),
}
FAULT = "power loss"


@dataclass(frozen=True, slots=True)
class Crash:
    story: str
    step: int
    call: str
    id: str
    disk: storage.Disk


def record(bench: Bench, story: str) -> Iterator[Crash]:
    """Every state that a crash may leave, after each call."""
    machine = bench.machine
    out: list[Crash] = []
    log = machine.root / "calls"
    first = PHASE[STORIES[story][0]]
    bench.begin(first)
    trace = storage.Trace.start(storage.look(machine.root, TREES))
    step = itertools.count(1)

    def after_call(_: str) -> None:
        call = read_log(log)[-1]
        trace.see(storage.look(machine.root, TREES))
        if call.name in SYNCS:
            try:
                trace.sync(None if call.name in ("sync", "syncfs") else Path(call.path).stat().st_ino)
            except FileNotFoundError:
                return
        number = next(step)
        out.extend(Crash(story, number, f"{call.program} {call.name} {call.path}", first.id, disk) for disk in trace.crashes())

    for name in STORIES[story]:
        confirm = Phase(name, "", first.id, lambda machine: bench.confirm_text(first.id))
        phase = confirm if name == "confirm the rollback" else PHASE[name]
        outcome = bench.run(phase, Fault(), after_call)
        states = invariant.journal(machine, first.id)
        assert states and states[-1] in ("RELOADED", "CLEANED", "REVERTED"), f"{story}, {name}: {states} {outcome.output[-300:]}"
    yield from out


def judge(bench: Bench, crash: Crash) -> list[str]:
    """The machine boots on that disk."""
    machine = bench.machine
    old, new = bench.states(PHASE["apply" if crash.id == FIRST else "rollback"])
    machine.stop()
    storage.write(crash.disk, machine.root)
    machine.boot()
    bad = invariant.settled(machine, crash.id, old, new)
    bench.recover()
    return list(dict.fromkeys(bad + invariant.ended(machine, crash.id, old, new)))


def crashes(bench: Bench, stories: Iterable[str]) -> tuple[int, list[Crash]]:
    """How many there are, and those that differ."""
    count = 0
    different: dict[tuple[str, str], Crash] = {}
    for story in stories:
        for crash in record(bench, story):
            count += 1
            different.setdefault((crash.id, storage.digest(crash.disk)), crash)
    return count, list(different.values())


def run(
    folder: Path,
    make: Callable[[Path], Machine],
    count: int,
    tally: Tally,
    stories: Iterable[str] = tuple(STORIES),
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[int, int]:
    """(crashes, different disks among them); `count` of the disks are tried, 0 = all."""

    # A disk holds paths of the machine that it comes from, so each worker records its own, and takes every n-th.
    done = itertools.count(1)

    def part(number: int) -> tuple[int, int]:
        bench = Bench.make(folder / f"disks{number}", make(folder / f"m{number}"))
        try:
            total, found = crashes(bench, stories)
            for crash in spread_evenly(found, count)[number::workers]:
                tally.add(FAULT, crash.story, judge(bench, crash), f"{FAULT} / {crash.story} / after call {crash.step}: {crash.call}")
                progress(next(done))
            return total, len(found)
        finally:
            bench.close()

    with ThreadPoolExecutor(workers) as pool:
        return next(iter(list(pool.map(part, range(workers)))))
