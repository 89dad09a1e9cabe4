"""May the next wave begin?  Every host of those before it is as promised, or they failed within the budget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ..model import Problem
from .cut import Wave

BREACHES = ("wave", "campaign", "nothing")  # what is taken back on a breach


@dataclass(frozen=True, slots=True)
class Stop:
    """breach: hosts failed or users noticed, so that changes are taken back; else the rest waits until somebody runs it again."""

    wave: int
    why: str
    breach: bool


def stop(waves: Iterable[Wave], done: Collection[str], failed: Collection[str], budget: Callable[[int], int]) -> Stop | None:
    """What the first of these waves that is not as promised means.  budget: of so many hosts so many may have failed."""
    for number, wave in enumerate(waves, 1):
        wrong = [host for host in wave.hosts if host in failed]
        allowed = budget(len(wave.hosts))
        if len(wrong) > allowed:
            over = f", over its error budget of {allowed}" if allowed else ""
            return Stop(number, f"{named(wrong)} failed{over}", breach=True)
        if left := [host for host in wave.hosts if host not in done and host not in failed]:
            return Stop(number, f"it is not complete: {named(left)} {'is' if len(left) == 1 else 'are'} not as promised yet", breach=False)
    return None


def unrehearsed(hosts: Iterable[str], came_back: Collection[str], changed: Collection[str], failed: Collection[str]) -> Stop | None:
    """hosts: who had to go there and back in this run.  Who needed nothing had nothing to rehearse."""
    bad = [host for host in hosts if host in failed or (host in changed and host not in came_back)]
    return Stop(1, f"the rehearsal failed on {named(bad)}", breach=True) if bad else None


def to_take_back(waves: Iterable[Wave], at: int, scope: str, changed: Collection[str]) -> tuple[Wave, ...]:
    """The last wave first, as far as that one.  Raises Problem for a scope that is none."""
    if scope not in BREACHES:
        raise Problem(f"{scope} is none of {', '.join(BREACHES)}", "agility_on_breach")
    mine = [(number, wave) for number, wave in enumerate(waves, 1) if (scope == "campaign" or (scope == "wave" and number == at))]
    hosts = [Wave(tuple(host for host in wave.hosts if host in changed), wave.about) for dummy, wave in reversed(mine)]
    return tuple(wave for wave in hosts if wave.hosts)


def named(hosts: Sequence[str]) -> str:
    """The first few of them."""
    return ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
