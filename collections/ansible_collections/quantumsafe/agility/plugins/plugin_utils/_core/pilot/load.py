"""Many handshakes under load → a few figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..peers import quantum_safe

CLIENTS = ("classical", "hybrid")  # who knows no hybrid, and who prefers one and takes both


@dataclass(frozen=True, slots=True)
class Handshake:
    """One, by a client of that kind.  size: its bytes, both ways.  failure: its kind (probe/failure.py), "" = it was made.  certificate: SHA-256."""

    client: str
    seconds: float = 0.0
    size: int = 0
    group: str = ""
    failure: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """What the clients of one kind met.  p50, p95: milliseconds, and size: bytes on average, of the handshakes that were made."""

    asked: int = 0
    made: int = 0
    p50: float = 0.0
    p95: float = 0.0
    size: int = 0
    groups: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Per cent that got a handshake."""
        return 100 * self.made / self.asked if self.asked else 0.0

    @property
    def failure(self) -> str:
        """The commonest kind, "" = none failed."""
        return max(self.failures, key=lambda kind: self.failures[kind], default="")

    @property
    def hybrids(self) -> int:
        return sum(count for group, count in self.groups.items() if quantum_safe("tls", group))


@dataclass(frozen=True, slots=True)
class Load:
    """met: kind of client → what it met.  cpu: milliseconds of the host's processors for one handshake, None = not known.
    certificates: SHA-256 of those that were served."""

    met: Mapping[str, Met]
    cpu: float | None = None
    certificates: tuple[str, ...] = ()


def counted(handshakes: Sequence[Handshake], cpu_ms: float | None) -> Load:
    """cpu_ms: of the host, for all of them."""
    met = {client: _met([one for one in handshakes if one.client == client]) for client in CLIENTS}
    made = sum(one.made for one in met.values())
    served = tuple(sorted({one.certificate for one in handshakes if one.certificate}))
    return Load(met, round(cpu_ms / made, 3) if made and cpu_ms is not None else None, served)


def _met(mine: Sequence[Handshake]) -> Met:
    made = [one for one in mine if not one.failure]
    times = sorted(1000 * one.seconds for one in made)
    size = sum(one.size for one in made) // len(made) if made else 0
    failures = Counter(one.failure for one in mine if one.failure)
    return Met(len(mine), len(made), _rank(times, 0.5), _rank(times, 0.95), size, _sorted(Counter(one.group for one in made)), _sorted(failures))


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts)}


def _rank(times: Sequence[float], share: float) -> float:
    """The nearest rank: a time that was measured, not one between two."""
    return round(times[math.ceil(share * len(times)) - 1], 1) if times else 0.0


def load_from(data: Mapping[str, Any]) -> Load:
    """What was written of one."""
    return Load({client: Met(**met) for client, met in data["met"].items()}, data["cpu"], tuple(data["certificates"]))


def cpu_used(cgroup: Iterable[str], stat: Iterable[str]) -> float | None:
    """Milliseconds of processors that a host, or the container that it is, has used so far: the lines of cpu.stat of its topmost cgroup (cgroups(7)),
    else the first one of /proc/stat (proc(5): user, nice, system, idle, iowait, irq, softirq, steal, in hundredths of a second)."""
    for line in cgroup:
        name, dummy, value = line.partition(" ")
        if name == "usage_usec" and value.strip().isdigit():
            return int(value) / 1000
    words = next((line.split() for line in stat if line.startswith("cpu ")), [])
    ticks = [int(word) for word in words[1:9] if word.isdigit()]
    return 10.0 * (sum(ticks) - sum(ticks[3:5])) if len(ticks) >= 5 else None
