"""tests/torture/links/run [--sample N | --all] [--seed S]: what happens to a tunnel when somebody is lost while both of its ends move.

It needs the lab (tests/lab/lab up).  First good runs, whose packet loss is told.  It ends with a table play × what was lost, and
`injected N, split ends M`; the exit code is 1 when an end was split off, or a good run lost more than the packet that is on its way when ping ends
(OpenVPN restarts at each step, so there the loss is told and no more).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(HERE), str(HERE / "collections")]

from tests.torture.columns import columns  # noqa: E402 # the collection is not installed
from tests.torture.links.bench import Bench, Judged  # noqa: E402
from tests.torture.links.points import LAYOUTS, PLAYS, Point, every_point, some  # noqa: E402

COLUMNS = ("points", "as before", "between", "moved", "split")


def say(text: str) -> None:
    print(text, flush=True)


def outcome(point: Point, judged: Judged) -> str:
    """Of COLUMNS; between: a stage apart, or both on the way back."""
    play = PLAYS[point.play]
    stages = {*judged.stages}
    return "split" if judged.split else "as before" if stages == {play.before} else "moved" if stages == {play.after} else "between"


def table(seen: Counter[tuple[str, str, str, str]]) -> str:
    rows = [("", "play", "lost", *COLUMNS)]
    for layout in LAYOUTS.values():
        for play in PLAYS:
            for loss in layout.losses:
                found = [seen[layout.name, play, loss, column] for column in COLUMNS[1:]]
                rows += [(layout.name, play, loss, str(sum(found)), *map(str, found))] if any(found) else []
    return columns(rows)


def good_runs(bench: Bench) -> int:
    """How many lost packets."""
    bad = 0
    for name in PLAYS:
        sent, lost = bench.good(name)
        of = "" if bench.layout.name == "pair" else f" {bench.layout.name},"
        say(
            f"packets through the tunnel during{of} {name}: {lost} of {sent} lost"
            + (" (to the byte as it was)" if PLAYS[name].after == "old" else "")
            + ("" if bench.kind.lossless else " (each end restarts)")
        )
        bad += bench.kind.lossless and lost > 1
    return bad


def injected(bench: Bench, chosen: list[Point], seen: Counter[tuple[str, str, str, str]]) -> int:
    """How many points were not reached; what came of the others is counted in `seen`."""
    missed = 0
    for number, point in enumerate(chosen, 1):
        judged = bench.judge(point)
        if not judged.reached:
            missed += 1
            say(f"{number}/{len(chosen)}  {point}: not reached")
            continue
        said = outcome(point, judged)
        seen[point.layout, point.play, point.loss, said] += 1
        say(f"{number}/{len(chosen)}  {point}: {' and '.join(judged.stages)}, {said}" + "".join(f"\n    {why}" for why in judged.split))
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/torture/links/run", description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--sample", type=int, default=60, metavar="N", help="that many points, one of each of N equal parts (default 60; most of a minute each)"
    )
    amount.add_argument("--all", action="store_true", help="every point; a day")
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        action="append",
        help="a pair, a hub with two spokes and three tunnels, or an OpenVPN server with two clients; all unless given",
    )
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the chance that chooses them; it is printed")
    given = parser.parse_args()
    folder = HERE / "build/torture-links"
    shutil.rmtree(folder, ignore_errors=True)
    layouts = [LAYOUTS[name] for name in given.layout or LAYOUTS]
    everything, started = [point for point in every_point() if LAYOUTS[point.layout] in layouts], time.monotonic()
    chosen = some(everything, 0 if given.all else given.sample, given.seed)
    say(f"{len(chosen)} of {len(everything)} points, seed {given.seed}; the runs are in {folder.relative_to(HERE)}")
    seen, missed, lossy = Counter[tuple[str, str, str, str]](), 0, 0
    for layout in layouts:
        mine = [point for point in chosen if point.layout == layout.name]
        bench = Bench(folder / layout.name, layout)
        lossy += good_runs(bench)
        missed += injected(bench, mine, seen)
    split = sum(number for (*dummy, said), number in seen.items() if said == "split")
    say(table(seen))
    say(f"{time.monotonic() - started:.0f} s, {missed} points not reached")
    say(f"injected {seen.total()}, split ends {split}")
    return 1 if split or lossy or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
