"""The life of algorithms: candidate → approved → preferred → deprecated → retired, one line for all protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import Lifecycle
from .names import akin, parts_known, with_part
from .page import Page, day, known

LIFE = {"approve": "approved", "prefer": "preferred", "deprecate": "deprecated", "retire": "retired"}
STATES = ("candidate", "approved", "preferred", "deprecated", "retired")


def lives_of(data: Mapping[str, Any], page: Page) -> dict[str, tuple[Lifecycle, ...]]:
    """Catalogue id → what is said of it.  A name stands for every algorithm that has it, in whatever protocol."""
    out: dict[str, tuple[Lifecycle, ...]] = {}
    for name, entries in data.items():
        for said in entries if isinstance(entries, list) else [entries]:
            origin = page.at("algorithms", name)
            life = _life(name, said, origin, page)
            for id_ in _meant(name, "hybrids" in said, origin, page):
                out[id_] = tuple(dict.fromkeys((*out.get(id_, ()), life)))
    return out


def _meant(name: str, part: bool, origin: str, page: Page) -> tuple[str, ...]:
    """Ids that this entry speaks of.  Whoever means a part says so: it takes along every hybrid that has it."""
    found = with_part(name) if part else akin(name)
    if found:
        return found
    if part:
        page.wrong(origin, f"no algorithm has the part {name}; parts: {', '.join(parts_known())}")
        return ()
    if with_part(name):
        page.wrong(origin, f"{name} is a part of other algorithms; say hybrids: any when every one of them is meant")
        return ()
    return (known(name, origin, page),)


def _life(name: str, said: Mapping[str, Any], origin: str, page: Page) -> Lifecycle:
    starts = [(said["state"], said["from"]), *((state, said[key]) for key, state in LIFE.items() if key in said)]
    states = sorted(((state, day(start, origin, page)) for state, start in starts), key=lambda s: STATES.index(s[0]))
    if [start for dummy, start in states] != sorted({start for dummy, start in states}) or len({s for s, dummy in states}) < len(states):
        page.wrong(origin, f"{name}: a life goes {' → '.join(STATES)}, each from a later day and once")
    broken = said.get("broken") == "true"
    if broken and (states[-1][0] != "retired" or not said.get("approver")):
        page.wrong(origin, f"{name}: broken needs a retirement and an approver: it may cost quantum safety")
    return Lifecycle(tuple(states), said.get("reason", ""), broken, said.get("approver", ""), tuple(said.get("regimes", page.regimes)), origin)
