"""What a name in a policy stands for, across protocols: one line retires an algorithm wherever it goes by that name."""

from __future__ import annotations

from functools import lru_cache

from ..algorithms.lookup import ALL, find, named


@lru_cache(maxsize=4096)
def akin(name: str) -> tuple[str, ...]:
    """Ids of all algorithms that go by this name, and, in the same use, by any name of those: which of their names was written makes no difference.

    Only in the same use: "sha256" is a hash, a PRF and a MAC to IKE daemons, and who retires one of them means no other.  The word of one
    product leads nowhere further.
    """
    queue, seen = list(named(name)), set()
    while queue:
        algorithm = queue.pop()
        if algorithm not in seen:
            seen.add(algorithm)
            queue += (other for each in algorithm.own for other in named(each) if other.aspect == algorithm.aspect)
    ids = {a.id for a in seen}
    suite = find("tls", "cipher", name)  # one that has no row
    return tuple(dict.fromkeys(a.id for a in ALL if a.id in ids)) or ((suite.id,) if suite else ())


def parts_known() -> tuple[str, ...]:
    """Every name of a part that the catalogue uses."""
    return tuple(sorted({part for a in ALL for part in a.parts}))


def with_part(name: str) -> tuple[str, ...]:
    """Ids of every composition that has this part."""
    folded = name.lower()
    return tuple(dict.fromkeys(id_ for a in ALL if folded in (part.lower() for part in a.parts) for id_ in akin(a.id)))
