"""Both ends of a tunnel on their way to what they aim at: what is missing still, and what the SA lists of both ends prove together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from ..services.strongswan_sas import ChildSa, IkeSa
from .aim import QUANTUM, Aim


def fresh(listed: Sequence[IkeSa], before: Sequence[IkeSa], aim: Aim = QUANTUM) -> IkeSa | None:
    """The newest of the aim that was not there before."""
    known = {one.spis for one in before}
    return next((one for one in reversed(listed) if aim.met(one) and one.spis not in known), None)


def twin(listed: Sequence[IkeSa], spis: str, children: Collection[str]) -> IkeSa | None:
    """The IKE SA with these numbers and all of these children; where an end does not tell the numbers of IKE SAs ("#4") the children decide."""
    found = (one for one in listed if set(children) <= {child.spis for child in one.children})
    return next((one for one in found if one.spis == spis or (children and "#" in (one.spis[:1], spis[:1]))), None)


def duplicate(listed: Sequence[IkeSa], why: str) -> IkeSa | None:
    """The IKE SA whose child is why charon made no other; None = that is not why.  It says the child's number: `existing duplicate {2} with SPIs`."""
    told = re.search(r"existing duplicate \{([0-9]+)\}", why)
    return next((one for one in listed for child in one.children if told and child.number == told[1]), None)


def absent(found: IkeSa | None, children: Sequence[str]) -> tuple[str, ...]:
    """Children that this IKE SA does not have."""
    there = {one.name for one in found.children} if found else set()
    return tuple(name for name in children if name not in there)


def outdated(listed: Sequence[IkeSa], before: Sequence[IkeSa], name: str) -> tuple[ChildSa, ...]:
    """Children of that name in an IKE SA that was there before, beside a newer one: where nothing of IKE has changed charon makes no other IKE SA."""
    known = {child.spis for one in before for child in one.children}
    mine = [child for one in listed if one.spis in {old.spis for old in before} for child in one.children if child.name == name]
    return tuple(child for child in mine if child.spis in known) if any(child.spis not in known for child in mine) else ()


def older(found: IkeSa, aim: Aim = QUANTUM) -> tuple[ChildSa, ...]:
    """Its children without an exchange of their own, with another than is wanted, or with one that is not told: a rekeying is due."""
    return tuple(one for one in found.children if one.exchange.startswith("?") or not aim.met(one))


def proved(mine: Sequence[IkeSa], theirs: Sequence[IkeSa], children: Mapping[str, str], aim: Aim = QUANTUM) -> tuple[IkeSa | None, list[str]]:
    """(the IKE SA that both ends list and that counts, what is wrong with it).  children: name here → name there.

    The same SPIs at both ends make it one SA (see twin); an exchange of the aim has to stand in the list of each, as far as that tells exchanges.
    """
    both = [(one, two) for one in reversed(mine) if aim.met(one) and (two := other(one, theirs)) and aim.told(one, two)]
    if not both:
        return None, [f"no IKE SA with {aim.said} is in the lists of both ends: {said(mine)} here, {said(theirs)} there"]
    found, there = both[0]
    mates = {one.spis: one for one in there.children}
    wrong = [f"child {name}: the IKE SA with {aim.said} does not have it" for name in absent(found, tuple(children))]
    for one in found.children:
        mate = mates.get(one.spis)
        if mate is None or mate.name != children.get(one.name, mate.name):
            wrong.append(f"child {one.name}: the other end does not list this SA ({one.spis})")
        elif not aim.told(one, mate):
            wrong.append(f"child {one.name}: {one.suite} here, {mate.suite} there: no {aim.said} of its own")
    return found, wrong


def common(mine: Sequence[IkeSa], theirs: Sequence[IkeSa]) -> IkeSa | None:
    """The newest here that the other end lists as well."""
    return next((one for one in reversed(mine) if other(one, theirs)), None)


def other(one: IkeSa, theirs: Sequence[IkeSa]) -> IkeSa | None:
    """The same SA in the list of the other end.  Of two lists that tell its numbers those decide, whatever became of its children meanwhile."""
    same = next((their for their in theirs if their.spis == one.spis and not one.spis.startswith("#")), None)
    return same or twin([their for their in theirs if "#" in (one.spis[:1], their.spis[:1])], one.spis, [child.spis for child in one.children])


def said(listed: Sequence[IkeSa]) -> str:
    return ", ".join(one.suite or one.spis for one in listed) or "none"
