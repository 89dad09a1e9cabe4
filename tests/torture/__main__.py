"""tests/torture/run [--sample N | --all]: every proof, a table of fault × phase × runs × violations, and `injected N, violations M`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HERE), str(HERE / "collections")]

from tests.torture import inject, lab, mutants, power_loss, properties, rivals, rotation  # noqa: E402 # the collection is not installed
from tests.torture.columns import columns  # noqa: E402
from tests.torture.inject import KINDS, Tally  # noqa: E402

WRITES = [kind for kind in KINDS if kind.kinds != "r"]
READS = [kind for kind in KINDS if kind.kinds == "r"]
PROOFS = ("inject", "reads", "power", "rivals", "rotation", "properties", "mutants", "lab")


def table(tally: Tally) -> str:
    rows = [(fault, phase, str(runs), str(tally.bad[fault, phase])) for (fault, phase), runs in sorted(tally.runs.items())]
    return columns([("fault", "phase", "runs", "violations"), *rows])


def scratch() -> Path:
    """In memory where that keeps attributes: what a real disk forgets is the business of the model, not of the runs."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="agility-torture-", dir=shm if os.access(shm, os.W_OK) else None))
    (folder / "try").touch()
    try:
        os.setxattr(folder / "try", "user.try", b"x")
    except OSError:
        shutil.rmtree(folder)
        folder = Path(tempfile.mkdtemp(prefix="agility-torture-"))
    return folder


def say(text: str) -> None:
    print(text, flush=True)


class Clock:
    """A line now and then, so that a long run is seen to live."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.next = what, total, time.monotonic() + 30.0

    def __call__(self, done: int) -> None:
        if time.monotonic() > self.next:
            self.next = time.monotonic() + 30
            say(f"  {self.what}: {done} of {self.total or '?'}")


def inject_plan(sample: int) -> list[tuple[str, str, list[inject.Kind], int]]:
    """Every write fault under dash and systemd, a share of them under the other shells and without systemd."""
    share = sample // 5 if sample else 200
    return [("dash", "systemd", WRITES, sample * 3 // 5), ("ash", "systemd", WRITES, share), ("mksh", "cron", WRITES, share)]


def reads_plan(sample: int) -> list[tuple[str, str, list[inject.Kind], int]]:
    """Every read that fails, under bash: it reads a line with one call where the others take one a byte."""
    return [("bash", "systemd", READS, sample)]


def run_inject(folder: Path, plan: list[tuple[str, str, list[inject.Kind], int]], workers: int, tally: Tally) -> None:
    for shell, init, kinds, count in plan:
        make = inject.machines(shell, init)
        every = list(inject.all_points(folder / "points", make, kinds))
        chosen = inject.spread_evenly(every, count)
        say(f"{shell}, {init}: {len(chosen)} of {len(every)} points")
        before = tally.total, tally.violations
        inject.work(folder / shell, chosen, workers, tally, make, Clock("points", len(chosen)))
        say(f"  runs {tally.total - before[0]}, violations {tally.violations - before[1]}")


def run_power(folder: Path, sample: int, workers: int, tally: Tally) -> None:
    """A sample is over sooner when its runs are recorded once."""
    plan = [("systemd", sample, tuple(power_loss.STORIES)), ("cron", sample // 3 if sample else 600, ("apply, confirm",))]
    for init, count, stories in plan:
        make, progress = inject.machines("dash", init), Clock("crashes", count)
        crashes, different = power_loss.run(folder / init, make, count, tally, stories, 1 if 0 < sample < 100 else workers, progress)
        say(f"{init}: {crashes} crashes of recorded runs, {different} different disks, {min(count, different) if count else different} booted")


def run_properties(folder: Path, count: int, tally: Tally) -> None:
    fault, phase = "revert(apply(x)) == x", "generated trees"
    try:
        trees, verdicts = properties.run(folder, inject.machines(), count)
        say(f"{trees} trees: " + ", ".join(f"{verdict} {number}" for verdict, number in sorted(Counter(verdicts).items())))
        tally.runs[fault, phase] += trees
    except AssertionError as error:
        tally.add(fault, phase, [str(error), *getattr(error, "__notes__", [])], "properties")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/torture/run", description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--sample", type=int, default=100, metavar="N", help="about that many points of each proof, evenly spread (default 100)")
    amount.add_argument("--all", action="store_true", help="every point; an hour or so")
    parser.add_argument("--proof", action="append", choices=PROOFS, help="only this one, and so on (default: each)")
    parser.add_argument("--workers", type=int, default=2, choices=(1, 2))
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.exit(2, "the torture needs root: the agent does\n")
    sample = 0 if given.all else max(given.sample, 10)
    proofs, tally, folder, started = given.proof or PROOFS, Tally(loud=True), scratch(), time.monotonic()
    broken: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # through the clean-up below, which ends the pollers
    try:
        if "inject" in proofs:
            run_inject(folder / "inject", inject_plan(sample), given.workers, tally)
        if "reads" in proofs:
            run_inject(folder / "reads", reads_plan(sample), given.workers, tally)
        if "power" in proofs:
            run_power(folder / "power", sample, given.workers, tally)
        if "rivals" in proofs:
            rivals.run(folder / "rivals", inject.machines(), sample // 5, tally)
        if "rotation" in proofs:
            rotation.run(folder / "rotation", sample // 2, given.workers, tally, say, Clock("points", sample // 2))
        if "properties" in proofs:
            run_properties(folder / "trees", sample or 1000, tally)
        if "lab" in proofs:
            taken, total = lab.run(sample // 8, tally, say)
            say(f"sshd and nginx: {taken} of {total} points")
        if "mutants" in proofs:
            broken = mutants.run(folder / "mutants", say, tuple(inject.spread_evenly(list(mutants.MUTANTS), sample // 8)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(table(tally))
    if broken:
        say(f"mutants that no proof caught: {', '.join(broken)}")
    if not Path("/sys/fs/selinux/enforce").exists():
        say("SKIPPED 1: SELinux labels; this kernel has no SELinux, so nothing here shows that a label comes back")
    say(f"{time.monotonic() - started:.0f} s, {tally.missed} points not reached")
    say(f"injected {tally.total}, violations {tally.violations}")
    return 1 if tally.violations or broken else 0


sys.exit(main())
