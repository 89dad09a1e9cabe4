# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the waves of a campaign on disk, in its folder: how it is divided, who has rehearsed, and what stopped it.

What became of the hosts is told by the marks of the gate.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ._campaign import ENDED, FAILED, UNPLANNED, budget, ended
from ._core.model import Problem
from ._core.report.campaigns import DONE
from ._core.report.output import file_name, write_whole
from ._core.report.waves import FILE, waves_from
from ._core.waves.cut import Wave
from ._core.waves.judge import Stop, stop, unrehearsed

BREACH, REHEARSED = "breach.json", "rehearsed"
CHANGED = ("changed", "failed", "unknown", "unreachable", "revert-failed")  # what may have something to be taken back


class Waves:
    """folder: of the campaign.  waves: () = nobody divided it.  due: who has to rehearse in this run.  spoiled: why they cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waves: tuple[Wave, ...] = ()
        self.due: tuple[str, ...] = ()
        self.spoiled: Problem | None = None
        try:
            told = json.loads((folder / FILE).read_text(encoding="utf-8"))
            self.waves = waves_from(told)
            self.due = tuple(map(str, told["due"]))
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as error:
            self.spoiled = Problem(
                f"it does not say the waves of the campaign any more ({type(error).__name__})",
                str(folder / FILE),
                "remove it, and the campaign is divided anew; nothing was changed",
            )

    # -- written

    def divide(self, waves: tuple[Wave, ...], due: Iterable[str], play: Iterable[str]) -> None:
        """A run begins.  What stopped the last one, and who failed then, is tried again, in the order of the waves."""
        self.waves, self.due = waves, tuple(due)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / FILE, json.dumps({"waves": [asdict(wave) for wave in waves], "due": self.due}, sort_keys=True))
        (self.folder / BREACH).unlink(missing_ok=True)
        for host in play:
            for fact in (FAILED, UNPLANNED):
                (self.folder / fact / file_name(host)).unlink(missing_ok=True)

    def breach(self, found: Stop) -> Stop:
        """The first word counts: later ones follow from it."""
        if not self.breached():
            write_whole(self.folder / BREACH, json.dumps({"wave": found.wave, "why": found.why}, sort_keys=True))
        return found

    def rehearsed(self, host: str) -> None:
        path = self.folder / REHEARSED / file_name(host)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch()

    # -- read

    def hosts(self) -> tuple[str, ...]:
        return tuple(host for wave in self.waves for host in wave.hosts)

    def number(self, host: str) -> int:
        """0 = it is in none."""
        return next((number for number, wave in enumerate(self.waves, 1) if host in wave.hosts), 0)

    def marked(self, fact: str, hosts: Collection[str]) -> set[str]:
        names = {path.name for path in (self.folder / fact).glob("*.json")}
        return {host for host in hosts if file_name(host) in names}

    def became(self, hosts: Iterable[str]) -> dict[str, str]:
        """Host → what became of it at last; only those that were come to."""
        found = {host: ended(self.folder, file_name(host)).get("status", "") for host in self.marked(ENDED, tuple(hosts))}
        return {host: status for host, status in found.items() if status}

    def breached(self) -> Stop | None:
        path = self.folder / BREACH
        if not path.exists():
            return None
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return Stop(int(told["wave"]), str(told["why"]), breach=True)
        except (OSError, ValueError, KeyError, TypeError):
            return Stop(1, f"{path} cannot be read", breach=True)

    def stopped(self, before: int, error_budget: str) -> Stop | None:
        """Why the wave of this number must not begin; None = it may.  A breach is written down, so that it outlives what follows from it."""
        if found := self.breached():
            return found
        hosts = [host for wave in self.waves[: max(before - 1, 1)] for host in wave.hosts]
        statuses, failed = self.became(hosts), self.marked(FAILED, hosts) | self.marked(UNPLANNED, hosts)
        changed = {host for host, status in statuses.items() if status == "changed"}
        there = failed if before == 1 else set()  # later it is the wave that they failed in, and its budget counts
        back = self.marked(REHEARSED, hosts)
        done = {host for host, status in statuses.items() if status in DONE}
        wrong = unrehearsed(self.due, back, changed, there) or stop(
            self.waves[: before - 1], done, failed, lambda number: budget(error_budget, number)
        )
        return self.breach(wrong) if wrong and wrong.breach else wrong

    def to_undo(self) -> set[str]:
        return {host for host, status in self.became(self.hosts()).items() if status in CHANGED}
