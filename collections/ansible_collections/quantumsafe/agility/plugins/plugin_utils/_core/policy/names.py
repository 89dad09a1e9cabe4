"""What a name in a policy stands for, across protocols: one line retires an algorithm wherever it goes by that name."""

from __future__ import annotations

from functools import lru_cache

from ..algorithms.lookup import ALL, Algorithm, find


def _names(algorithm: Algorithm) -> set[str]:
    return {name.lower() for name in (algorithm.id, *(s for spellings in algorithm.names.values() for s in spellings))}


@lru_cache(maxsize=4096)
def akin(name: str) -> tuple[str, ...]:
    """Ids of all algorithms that go by this name, and by any name of those: which of their names was written makes no difference."""
    reached, fresh, ids = {name.lower()}, True, dict[str, None]()
    while fresh:
        hits = [a for a in ALL if a.id not in ids and _names(a) & reached]
        ids |= dict.fromkeys(a.id for a in hits)
        reached |= {each for a in hits for each in _names(a)}
        fresh = bool(hits)
    suite = find("tls", "cipher", name)  # suites of TLS 1.2 have no rows
    return tuple(ids) or ((suite.id,) if suite else ())


def parts_known() -> tuple[str, ...]:
    """Every name of a part that the catalogue uses."""
    return tuple(sorted({part for a in ALL for part in a.parts}))


def with_part(name: str) -> tuple[str, ...]:
    """Ids of every composition that has this part."""
    folded = name.lower()
    return tuple(dict.fromkeys(id_ for a in ALL if folded in (part.lower() for part in a.parts) for id_ in akin(a.id)))
