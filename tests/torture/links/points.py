"""Every point at which something can be lost while both ends of a tunnel move: play × step × what is lost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

A, B = HOSTS = ("vpn-a", "vpn-b")  # A begins, B responds
CAMPAIGN = "torture"
Stage = Literal["old", "both", "new", "neither"]
JOURNAL = ("STAGED", "ARMED", "SWAPPED", "RELOADED", "CONFIRMED")
LOSSES = ("controller", f"daemon of {A}", f"daemon of {B}", f"host {A}", f"host {B}", "path between", f"path to {A}", f"path to {B}")


@dataclass(frozen=True, slots=True)
class Play:
    """before, after: the stage of both ends.  takes: ids of its transactions, as a pattern.  further: plays that must bring both together after it."""

    playbook: str
    before: Stage
    after: Stage
    takes: tuple[str, ...]
    further: tuple[str, ...]
    step: str = ""


PLAYS: Mapping[str, Play] = {
    "expand": Play("migrate_links", "old", "both", (f"{CAMPAIGN}-expand-??????",), ("expand", "rollback"), "expand"),
    "contract": Play("migrate_links", "both", "new", (f"{CAMPAIGN}-contract-??????",), ("contract", "rollback"), "contract"),
    "rollback": Play("rollback_links", "new", "old", (f"{CAMPAIGN}-contract-*-undo-*", f"{CAMPAIGN}-expand-*-undo-*"), ("rollback",)),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An end has written something down: in its file beside the campaign (`takes` ""), or in the journal of a transaction of that name."""

    host: str
    word: str
    takes: str = ""

    def __str__(self) -> str:
        part = self.takes.removeprefix(f"{CAMPAIGN}-").partition("-")[0]
        return f"{self.host} {self.word}" + (f" ({part})" if "undo" in self.takes else "")


@dataclass(frozen=True, slots=True)
class Point:
    play: str
    step: Step
    loss: str
    further: str

    def __str__(self) -> str:
        return f"{self.play}: {self.loss} lost at {self.step}, then {self.further}"


def steps(play: str) -> list[Step]:
    """In the order in which they come."""
    takes = PLAYS[play].takes
    if play == "rollback":  # the ends do not wait for each other, but each of them for both parts
        return [Step(host, word, part) for part in takes for word in JOURNAL for host in HOSTS]
    journal = {host: [Step(host, word, takes[0]) for word in JOURNAL] for host in HOSTS}
    return [
        *(Step(host, "ready") for host in HOSTS),
        *journal[B][:4],
        Step(B, "armed"),
        *journal[A][:4],
        *(Step(host, word) for host, word in ((A, "armed"), (A, "moved"), (B, "listed"), (A, "ended"))),
        *journal[B][4:],
        Step(B, "confirmed"),
        *journal[A][4:],
        Step(A, "confirmed"),
    ]


def every_point() -> list[Point]:
    """By what is lost, so that a sample has its share of each.  What is run afterwards takes turns: the same again, or all the way back."""
    return [
        Point(name, step, loss, play.further[(number + turn) % len(play.further)])
        for turn, loss in enumerate(LOSSES)
        for name, play in PLAYS.items()
        for number, step in enumerate(steps(name))
    ]


def some(everything: Sequence[Point], count: int, seed: int) -> list[Point]:
    """One of each of `count` equal parts, by chance; all when count is 0.  Mixed, so that a run that is ended early saw some of each."""
    chance, count = random.Random(seed), min(count or len(everything), len(everything))
    width = len(everything) / count
    chosen = [everything[int((part + chance.random()) * width)] for part in range(count)]
    return chance.sample(chosen, count)
