"""Which proposals of a tunnel's end stay when exchanges, ciphers, MACs or PRFs go: whole ones, for what is written is never put together anew.

What a proposal comes to is what its daemon has made of it, so that what it leaves to a default is judged, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model import Inexpressible, Wanted
from .ike_proposal import KINDS, Kind, Proposal

APART = "write what stays and what goes as proposals of their own, at both ends"


def staying(
    id_: str, where: str, written: Sequence[tuple[str, Proposal]], counts: Sequence[Proposal], wishes: Mapping[str, Wanted]
) -> tuple[str, ...]:
    """written: each proposal as the file has it, and what that says; counts: the same as the daemon has them.  wishes: aspect → what may stay.

    Raises Inexpressible: where nothing would stay, or where an exchange would go that nobody wants to go.
    """
    if strange := [aspect for aspect in wishes if aspect not in KINDS]:
        raise Inexpressible(f"{strange[0]} of {id_} is not written by this release", where, "mend it by hand, at both ends")
    others = [(kind, set(wishes[kind].names)) for kind in KINDS[1:] if kind in wishes]
    said = [one for one in written if not one[1].default]
    if said == list(written[: len(said)]) and said:  # what `default` stands for comes behind them, and goes
        counts = counts[: len(said)]
    if others and not _same([one for dummy, one in said], counts, [kind for kind, dummy in others]):
        raise Inexpressible(f"{id_} is loaded as other proposals than the file has", where, "write each as a proposal of its own, and load it")
    exchange = wishes.get("key_exchange")
    stay = [one for one in written if exchange is None or (one[1].always and set(one[1].exchanges) <= set(exchange.names))]
    if others:
        good = [all(set(one.of(kind)) <= names for kind, names in others) for one in counts]
        stay = [one for one, fits in zip(said, good, strict=True) if fits and one in stay]
    names = set(exchange.names) if exchange else {name for dummy, one in written for name in one.exchanges}
    if not stay or {name for dummy, one in stay for name in one.exchanges} != names:
        beside = "".join(f", {kind} {', '.join(sorted(kept)) or 'none'}" for kind, kept in others)
        raise Inexpressible(f"{id_} has no proposals that come to {', '.join(sorted(names)) or 'what stays'}{beside} and nothing else", where, APART)
    return tuple(text for text, dummy in stay)


def _same(written: Sequence[Proposal], counts: Sequence[Proposal], kinds: Sequence[Kind]) -> bool:
    """Whether each proposal of the daemon is that of the file, with whatever the file leaves to a default."""
    if len(written) != len(counts) or not written:
        return False
    return all(set(said.of(kind)) <= set(one.of(kind)) for said, one in zip(written, counts, strict=True) for kind in kinds)
