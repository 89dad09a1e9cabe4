"""The waves of a campaign as a file has them, and as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..waves.cut import Wave

FILE = "waves.json"  # in the folder of a campaign, and beside a plan


def waves_from(told: Mapping[str, Any]) -> tuple[Wave, ...]:
    """What that file says.  Raises KeyError, TypeError for what is none."""
    return tuple(Wave(tuple(map(str, one["hosts"])), str(one["about"])) for one in told["waves"])


def wave_lines(waves: Sequence[Wave], mine: Iterable[tuple[int, tuple[str, ...]]]) -> list[str]:
    """mine: (number, hosts) of those that are told."""
    return [f"wave {number} of {len(waves)} ({waves[number - 1].about}), {_count(hosts)}: {', '.join(hosts)}" for number, hosts in mine]


def _count(hosts: Sequence[str]) -> str:
    return f"{len(hosts)} host{'s' * (len(hosts) != 1)}"
