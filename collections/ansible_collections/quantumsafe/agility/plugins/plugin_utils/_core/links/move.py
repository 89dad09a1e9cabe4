"""Both ends of a tunnel of strongSwan on their way to ML-KEM: what is missing still, and what the SA lists of both ends prove together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..peers import quantum_safe
from ..services.strongswan_sas import ChildSa, IkeSa


def safe(one: IkeSa | ChildSa) -> bool:
    return quantum_safe("ikev2" if isinstance(one, IkeSa) else "esp", one.exchange)


def fresh(listed: Sequence[IkeSa], before: Sequence[IkeSa]) -> IkeSa | None:
    """The newest with ML-KEM that was not there before."""
    known = {one.spis for one in before}
    return next((one for one in reversed(listed) if safe(one) and one.spis not in known), None)


def duplicate(listed: Sequence[IkeSa], why: str) -> IkeSa | None:
    """The IKE SA whose child is why charon made no other; None = that is not why.  It says the child's number: `existing duplicate {2} with SPIs`."""
    told = re.search(r"existing duplicate \{([0-9]+)\}", why)
    return next((one for one in listed for child in one.children if told and child.number == told[1]), None)


def absent(found: IkeSa | None, children: Sequence[str]) -> tuple[str, ...]:
    """Children that this IKE SA does not have."""
    there = {one.name for one in found.children} if found else set()
    return tuple(name for name in children if name not in there)


def older(found: IkeSa) -> tuple[ChildSa, ...]:
    """Its children without an exchange of their own, or with a classical one: a rekeying is due."""
    return tuple(one for one in found.children if not safe(one))


def proved(mine: Sequence[IkeSa], theirs: Sequence[IkeSa], children: Mapping[str, str]) -> tuple[IkeSa | None, list[str]]:
    """(the IKE SA that both ends list and that counts, what is wrong with it).  children: name here → name there.

    The same SPIs at both ends make it one SA; ML-KEM has to stand in the list of each.
    """
    known = {one.spis: one for one in theirs if safe(one)}
    found = next((one for one in reversed(mine) if safe(one) and one.spis in known), None)
    if found is None:
        return None, [f"no IKE SA with ML-KEM is in the lists of both ends: {said(mine)} here, {said(theirs)} there"]
    other = {one.spis: one for one in known[found.spis].children}
    wrong = [f"child {name}: the IKE SA with ML-KEM does not have it" for name in absent(found, tuple(children))]
    for one in found.children:
        twin = other.get(one.spis)
        if twin is None or twin.name != children.get(one.name, twin.name):
            wrong.append(f"child {one.name}: the other end does not list this SA ({one.spis})")
        elif not (safe(one) and safe(twin)):
            wrong.append(f"child {one.name}: {one.suite} here, {twin.suite} there: no ML-KEM of its own")
    return found, wrong


def said(listed: Sequence[IkeSa]) -> str:
    return ", ".join(one.suite for one in listed) or "none"
