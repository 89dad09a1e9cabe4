"""Every counted call of every phase, with every fault: run, go on as a host and a controller would, recover, judge."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Literal, TypeVar

from . import invariant
from .machine import Machine, Outcome
from .scenario import EDITS, Bench, Phase, Story
from .tracing import Call, Fault

End = Literal["deadline", "boot"]
DONE, BACK = ("CLEANED", "CONFIRMED"), ("REVERTED", "REFUSED")


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault as the table names it.  kinds: the calls that it can happen to; ends: how the host goes on, one after the other."""

    name: str
    fault: str
    kinds: str
    ends: tuple[End, ...] = ("deadline", "boot")
    only: str = ""


KINDS = (
    Kind("ENOSPC", "enospc", "a"),
    Kind("disk stays full", "full", "a"),
    Kind("torn write, ENOSPC", "torn", "a", only="write"),
    Kind("EIO", "eio", "am"),
    Kind("EIO on reading", "eio", "r"),
    Kind("KILL, then deadline", "kill", "am", ("deadline",)),
    Kind("KILL, then boot", "kill", "am", ("boot",)),
)


@dataclass(frozen=True, slots=True)
class Point:
    kind: Kind
    phase: Phase
    at: int
    end: End

    def __str__(self) -> str:
        return f"{self.kind.name} / {self.phase.name} / {self.at} / {self.end}"


@dataclass
class Tally:
    """runs and violations by (fault, phase); missed: points that a run did not reach, because two processes took turns in another way."""

    runs: Counter[tuple[str, str]] = field(default_factory=Counter)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: int = 0
    said: list[str] = field(default_factory=list)
    loud: bool = False

    def add(self, fault: str, phase: str, found: Iterable[str], where: str) -> None:
        self.runs[fault, phase] += 1
        if found := list(found):
            self.bad[fault, phase] += 1
            self.said.append(f"{where}\n    " + "\n    ".join(found))
            if self.loud:
                print(self.said[-1], flush=True)

    @property
    def total(self) -> int:
        return sum(self.runs.values())

    @property
    def violations(self) -> int:
        return sum(self.bad.values())


def good_calls(bench: Bench, phase: Phase, kinds: str) -> list[Call]:
    bench.begin(phase)
    return bench.run(phase, Fault(kinds=kinds)).calls


def points(bench: Bench, kinds: Iterable[Kind] = KINDS) -> list[Point]:
    """All of them, from one good run a phase and set of calls."""
    kinds, out = list(kinds), []
    for letters in sorted({kind.kinds for kind in kinds}):
        for phase in bench.story.phases:
            calls = good_calls(bench, phase, letters)
            for kind in kinds:
                if kind.kinds == letters:
                    chosen = [call.number for call in calls if not kind.only or call.name == kind.only]
                    out += [Point(kind, phase, at, kind.ends[at % len(kind.ends)]) for at in chosen]
    return out


def judge(bench: Bench, point: Point) -> tuple[bool, list[str], str]:
    """Whether the fault was reached, what is wrong afterwards, and which call it was."""
    machine, phase = bench.machine, point.phase
    old, new = bench.states(phase)
    bench.begin(phase)
    fault = Fault(point.kind.fault, point.at, point.kind.kinds)
    machine.endless = fault.name == "full" and phase.verb == "watch"  # the poller tries again until there is room
    outcome = bench.run(phase, fault)
    machine.endless = False
    hit = next((call for call in outcome.calls if call.number == point.at), None)
    bad = told_truth(machine, phase, outcome, old, new)
    state = outcome.report.state if outcome.report else ""
    if state == "RELOADED" and phase.text and point.at % 4 < 2:
        confirmed = bench.confirm(phase.id)
        bad += told_truth(machine, phase, confirmed, old, new)
    bad += go_on(bench, phase, point.end)
    if state in DONE and invariant.is_new(invariant.look(machine), new):
        bad.append(f"{state} was reported, and then it went back")
    return hit is not None, list(dict.fromkeys(bad)), str(hit)


def told_truth(machine: Machine, phase: Phase, outcome: Outcome, old: invariant.Facts, new: invariant.Facts) -> list[str]:
    """What was reported as final is true at that moment."""
    if not outcome.report or outcome.report.id != phase.id:
        return []
    state, now = outcome.report.state, invariant.look(machine)
    if state in BACK and (wrong := invariant.is_old(now, old)):
        return [f"{state} was reported, but {wrong} is not as it was"]
    if state in DONE and (wrong := invariant.is_new(now, new)):
        return [f"{state} was reported, but {wrong} is not as planned"]
    return []


def go_on(bench: Bench, phase: Phase, end: End) -> list[str]:
    """The host alone first: its poller at the deadline, or the hooks of the next boot.  Then `recover`."""
    machine = bench.machine
    old, new = bench.states(phase)
    if phase.booted:  # the services start after our unit
        machine.load()
    if end == "boot" or phase.booted:  # what failed at one boot is tried again at the next
        machine.boot()
    else:
        machine.pass_the_deadline()
        if not machine.await_pollers():
            return ["the poller does not come to an end"]
    # A poller without a service manager ends with the tracer; that is no fault of the agent's.
    alone = end == "boot" or phase.booted or not (phase.late or machine.init == "cron")
    bad = [] if not alone else invariant.settled(machine, phase.id, old, new)
    bench.recover()
    machine.await_pollers(5)
    return bad + invariant.ended(machine, phase.id, old, new)


T = TypeVar("T")


def spread_evenly(everything: list[T], count: int) -> list[T]:
    """`count` of them, in equal steps; all when count is 0."""
    if not count or count >= len(everything):
        return everything
    step = len(everything) / count
    return [everything[int((i + 0.5) * step)] for i in range(count)]


def work(
    folder: Path,
    chosen: list[Point],
    workers: int,
    tally: Tally,
    make: Callable[[Path], Machine],
    progress: Callable[[int], None] = lambda done: None,
    story: Story = EDITS,
) -> None:
    """Judge them on machines of their own; a point that goes wrong is told with all that is needed to see it again."""
    idle: SimpleQueue[Bench] = SimpleQueue()
    benches = [Bench.make(folder / f"disks{number}", make(folder / f"m{number}"), story) for number in range(workers)]
    for bench in benches:
        idle.put(bench)
    finished = itertools.count(1)

    def take(point: Point) -> tuple[Point, bool, list[str], str]:
        bench = idle.get()
        try:
            return point, *judge(bench, point)
        except (OSError, TimeoutError, AssertionError) as error:
            return point, True, [f"the run itself failed: {error!r}"], ""
        finally:
            idle.put(bench)

    try:
        with ThreadPoolExecutor(workers) as pool:
            for point, hit, bad, call in pool.map(take, chosen):
                if hit:
                    tally.add(point.kind.name, point.phase.name, bad, f"{point}: {call}")
                else:
                    tally.missed += 1
                progress(next(finished))
    finally:
        for bench in benches:
            bench.close()


def machines(shell: str = "dash", init: str = "systemd", story: Story = EDITS) -> Callable[[Path], Machine]:
    return lambda root: Machine(root, shell, "cron" if init == "cron" else "systemd", story.files)


def all_points(folder: Path, make: Callable[[Path], Machine], kinds: Iterable[Kind] = KINDS, story: Story = EDITS) -> Iterator[Point]:
    bench = Bench.make(folder / "disks", make(folder / "good"), story)
    try:
        yield from points(bench, kinds)
    finally:
        bench.close()
