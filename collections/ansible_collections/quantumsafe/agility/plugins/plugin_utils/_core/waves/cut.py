"""The waves of a fleet: the order of its hosts, cut where a step is full, where a zone or domain ends, and between members of one cluster."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ..model import Problem
from .order import Member, ordered

STEPS = ("1", "5%", "25%", "100%")  # the canary, and then ever more at once


@dataclass(frozen=True, slots=True)
class Wave:
    """about: what its hosts are, for a person."""

    hosts: tuple[str, ...]
    about: str = ""


def size(step: str, hosts: int, option: str = "agility_waves") -> int:
    """How many of so many hosts; at least one, as Ansible's serial has it.  Raises Problem."""
    found = re.fullmatch(r"([0-9]{1,6}) ?(%?)", step.strip())
    if not found or not int(found[1]) or (found[2] and int(found[1]) > 100):
        raise Problem(f"{step} is no size of a wave", option, "write numbers of hosts or per cent, e.g. [1, 5%, 25%, 100%]; nothing was changed")
    return max(1, hosts * int(found[1]) // 100) if found[2] else int(found[1])


def waves(members: Iterable[Member], steps: Sequence[str] = STEPS) -> tuple[Wave, ...]:
    """Every host in one wave, at least one in each.  A wave has hosts of one zone and domain, and of a cluster one.

    A step may take more than one wave; the last step is taken again until no host is left.  Canaries that somebody named take the place of the
    first step.  Raises Problem for a step that is none.
    """
    waiting = list(ordered(members))
    named = sum(member.canary for member in waiting)
    sizes = [size(step, len(waiting)) for step in steps or STEPS]
    if named:
        sizes = [named, *(sizes[1:] or sizes)]
    out: list[Wave] = []
    step, room = 0, sizes[0]
    while waiting:
        wave, waiting = _first(waiting, room)
        out.append(Wave(tuple(member.host for member in wave), wave[0].section))
        room -= len(wave)
        if not room:
            step = min(step + 1, len(sizes) - 1)
            room = sizes[step]
    return tuple(out)


def _first(waiting: Sequence[Member], room: int) -> tuple[list[Member], list[Member]]:
    """(the next wave, who waits on): who has a member of its cluster in the wave comes first in the next one."""
    wave: list[Member] = []
    rest: list[Member] = []
    clusters: set[str] = set()
    for member in waiting:
        fits = len(wave) < room and member.place == waiting[0].place and member.cluster not in clusters
        (wave if fits else rest).append(member)
        if fits and member.cluster:
            clusters.add(member.cluster)
    return wave, rest


def continued(before: Sequence[Wave], members: Sequence[Member], steps: Sequence[str], gone: Collection[str] = ()) -> tuple[Wave, ...]:
    """The waves of a campaign that goes on: as they were, without who is gone; hosts that are new to it come behind, in waves of their own.

    So a run of a few hosts, to mend them, makes no canary of them, and a way back knows the order of the way there.
    """
    kept = [Wave(tuple(host for host in wave.hosts if host not in gone), wave.about) for wave in before]
    known = {host for wave in before for host in wave.hosts}
    return (*(wave for wave in kept if wave.hosts), *waves([member for member in members if member.host not in known], steps))


def within(found: Iterable[Wave], hosts: Collection[str]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """(number from 1, hosts) of each wave that has any of these."""
    mine = ((number, tuple(host for host in wave.hosts if host in hosts)) for number, wave in enumerate(found, 1))
    return tuple((number, some) for number, some in mine if some)
