"""Objects that others refer to by name (a proposal, a transform set), and how one gives way to another without a moment at which nothing is offered.

A live object is never edited.  Two transactions, each proved and confirmed alone:
- expand: the successor is added, and stands in front of the old one wherever that is named.  A peer that knows only the old one gets that.
- contract: the old one is named no more, and removed.  Only when both ends are known to have the new: the other end is not ours.

The name of a successor follows from what it holds, so the same plan is the same object, and one that was added stays what it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

Places = Mapping[str, tuple[str, ...]]  # where objects of one kind are named → their names, in their order
_MARK = re.compile(r"-ag[0-9a-f]{6}$")


def family(name: str) -> str:
    """What the administrator called it."""
    return _MARK.sub("", name)


def successor(name: str, holds: Iterable[str], most: int = 63) -> str:
    """holds: its statements, without its name.  most: letters that the platform takes."""
    mark = hashlib.sha256("\n".join(holds).encode()).hexdigest()[:6]
    return f"{family(name)[: most - 9]}-ag{mark}"


def named(places: Places, name: str) -> tuple[str, ...]:
    """Where an object is named."""
    return tuple(place for place, names in places.items() if name in names)


def succeeded(places: Places, name: str) -> bool:
    """Whether one of its family stands in front of it wherever it is named."""
    return all(any(family(one) == family(name) for one in places[place][: places[place].index(name)]) for place in named(places, name))


def expanded(places: Places, old: str, new: str) -> dict[str, tuple[str, ...]]:
    """The lists that change: the new one in front of the old one."""
    return {place: _before(tuple(name for name in places[place] if name != new), old, new) for place in named(places, old)}


def contracted(places: Places, old: str) -> dict[str, tuple[str, ...]]:
    """The lists that change: without the old one, whose successor stays."""
    return {place: tuple(name for name in places[place] if name != old) for place in named(places, old)}


def moves(now: tuple[str, ...], wanted: tuple[str, ...]) -> Iterator[tuple[bool, str]]:
    """(added or taken away, name), one by one, where a list grows at its end alone: what is new comes first, and it is never empty."""
    have = [*now, *(name for name in wanted if name not in now)]
    yield from ((True, name) for name in have[len(now) :])
    yield from ((False, name) for name in now if name not in wanted)
    have = [name for name in have if name in wanted]
    for place, name in enumerate(wanted):
        if have[place] != name:
            later = [one for one in have[place:] if one != name]
            for one in later:
                yield from ((False, one), (True, one))
            have = [*have[:place], name, *later]


def _before(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    at = names.index(old)
    return (*names[:at], new, *names[at:])
