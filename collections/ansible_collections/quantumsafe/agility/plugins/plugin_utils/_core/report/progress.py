"""How a run goes, while it goes, in one line.  Pure: moments in, text out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from .results import BAD

OPEN = "would-change"  # planned: nothing that can be counted as done yet
# every other bad end is a failure
SHOWN = {"reverted": "reverted", "unreachable": "unreachable", "out-of-window": "not now", "paused": "not now"}


@dataclass(slots=True)
class Progress:
    """One play, over all its batches.  hosts: of all batches.  wave: which this one is, "" = it has no name.  closes: when the first window
    ends that a host told of."""

    hosts: int
    began: datetime
    batch: int = 0
    wave: str = ""
    statuses: dict[str, str] = field(default_factory=dict)
    closes: datetime | None = None

    def heard(self, host: str, status: str, closes: datetime | None = None) -> None:
        self.statuses[host] = status
        if closes and (self.closes is None or closes < self.closes):
            self.closes = closes

    def line(self, now: datetime) -> str:
        """ "batch 2: 12/30 done, 3 changed, 1 failed, 0 reverted, 1 unreachable | window closes in 71 min | 84 hosts/min, 12 s to go" """
        ends = Counter(SHOWN.get(status, "failed") if status in BAD else status for status in self.statuses.values())
        bad = sum(ends[name] for name in ("failed", "reverted", "unreachable", "not now"))
        done = ends.total() - bad - ends[OPEN]
        counts = [f"{done}/{self.hosts} done", f"{ends['changed'] + ends['rolled-back']} changed"]
        counts += [f"{ends[name]} {name}" for name in ("failed", "reverted", "unreachable")]
        counts += [f"{ends[name]} {said}" for name, said in (("not now", "not now"), (OPEN, "to change")) if ends[name]]
        parts = [f"{self.wave or f'batch {self.batch}'}: {', '.join(counts)}"]
        if self.closes:
            parts.append(f"window closes in {lasting((self.closes - now).total_seconds())}" if self.closes > now else "window closed")
        return " | ".join(filter(None, [*parts, self._rate(done + bad, now)]))

    def _rate(self, ended: int, now: datetime) -> str:
        seconds = (now - self.began).total_seconds()
        if not ended or seconds < 1:
            return ""
        left = max(self.hosts - ended, 0)
        return f"{60 * ended / seconds:.0f} hosts/min" + (f", {lasting(left * seconds / ended)} to go" if left else "")


def lasting(seconds: float) -> str:
    """So long, in the unit in which a person would say it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
