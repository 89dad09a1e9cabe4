"""Both ends of a tunnel on their way from one PPK to another, one end a step, so that each mix of steps is a working tunnel.

What charon does with ids (ike_auth.c): who begins names the one that its connection asks for; who answers takes it if it is the one that its own
connection asks for, and refuses any other, required or not; a connection that asks for none takes whichever it has a secret for.  So the end that
answers asks for none from the moment when it has both until the other end uses the new one.  A hub that takes anybody always asks for none: each of
its spokes names its own id, whichever step the others are at, and its connection is not touched.

pluto takes whichever id it has a secret for, whatever it names itself (services/libreswan_ppk.py).  Beside a charon it is the one that begins, so
that the charon, which refuses names, is the one that asks for none meanwhile.  Two of them take what the other names: both may go on insisting, and
each tunnel on the way has a PPK, whichever end begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..model import Change, Problem
from ..services.ppk import NOTHING, End, Secret, Slot
from ..services.strongswan_sas import IkeSa

What = Literal["load", "use", "contract"]
Who = Literal[0, 1]
BEGINS, ANSWERS = 0, 1
ROTATE: tuple[tuple[Who, What], ...] = ((0, "load"), (1, "load"), (0, "use"), (1, "use"))
CONTRACT: tuple[tuple[Who, What], ...] = ((1, "contract"), (0, "contract"))
MEETS: tuple[tuple[Who, What], ...] = ((0, "use"), (0, "contract"))  # a new IKE SA proves these, and their way back


@dataclass(frozen=True, slots=True)
class Key:
    """id: of the new PPK; old: of the one that it takes the place of, "" = there was none."""

    id: str
    old: str


def begun(begins: End, answers: End) -> Key | None:
    """The rotation that both ends have the key of, and that is not through."""
    here, there = _newest(begins), _newest(answers)
    if here is None or there is None or here.ids != there.ids or _asked(begins, answers) == set(here.ids):
        return None
    return Key(here.ids[0], here.replaces or "")


def known(begins: End, answers: End) -> Key | None:
    """The newest key of ours that any of the two has."""
    found = _newest(begins) or _newest(answers)
    return Key(found.ids[0], found.replaces or "") if found else None


def _asked(begins: End, answers: End) -> set[str]:
    return {one.id for one in (begins, answers) if not one.shared}


def _newest(end: End) -> Secret | None:
    return next((one for one in reversed(end.mine) if one.replaces is not None and len(one.ids) == 1), None)


def replaced(begins: End, answers: End) -> str:
    """The id that a new key takes the place of, "" = none.  Raises Problem where no new one may come now."""
    if answers.id not in ("", begins.id):
        raise Problem(f"{begins.host} asks for the PPK {begins.id or '(none)'}, {answers.host} for {answers.id}", begins.where, f"mend it; {NOTHING}")
    key = known(begins, answers)
    if key and key.old and key.id == begins.id and (begins.writes.leaving(begins, key.old) or answers.writes.leaving(answers, key.old)):
        raise Problem(f"{key.old}, which {key.id} has replaced, is still there", begins.host, f"take it away first (step contract); {NOTHING}")
    return begins.id


def unused(id_: str, begins: End, answers: End) -> str:
    """That id, or it with a number behind it: who answers has the secrets of many, and an id is one secret."""
    taken = {one for end in (begins, answers) for secret in end.secrets for one in secret.ids}
    return next(one for one in (id_, *(f"{id_}-{number}" for number in range(2, len(taken) + 3))) if one not in taken)


def settled(begins: End, answers: End) -> Key:
    """The key of ours that both ends use.  Raises Problem."""
    key = known(begins, answers)
    if key is None or _asked(begins, answers) != {key.id}:
        raise Problem(f"{begins.host} and {answers.host} do not both use a PPK that was made here", begins.host, f"rotate it first; {NOTHING}")
    return key


def to_add(end: End, what: What, key: Key) -> Slot | None:
    """Where the new secret goes in this step; None = nowhere, or it is there."""
    there = {id_ for one in end.mine for id_ in one.ids}
    return end.writes.added(end, key.id, key.old) if what == "load" and key.id not in there else None


def to_ask(end: End, who: Who, what: What, key: Key, firm: bool = False) -> tuple[Change, ...]:
    """What the connection of this end asks for from this step on; () = it does.  Raises Problem.

    firm: both ends take any id that they have (two of libreswan); they insist as they did, and from its first use on who begins does.
    """
    asking = end.writes.asking
    if end.shared:
        return asking(end, "", end.required, without=key.old if what == "contract" else "")
    if what == "contract":
        return asking(end, key.id, True, without=key.old)
    if what == "use":
        return asking(end, key.id, end.required or (firm and who == BEGINS))
    if end.id == key.id:
        return ()  # it is further
    if firm:
        return asking(end, end.id or (key.id if who == ANSWERS else ""), end.required)
    return asking(end, end.id if who == BEGINS else "", False)


# ---------------------------------------------------------------- SA lists


def mixed(one: IkeSa) -> bool:
    """Whether a PPK went into its keys, as charon lists it: pluto does not tell."""
    return "PPK" in one.suite.split("/")


def fresh(listed: Sequence[IkeSa], before: Sequence[IkeSa], ppk: bool) -> IkeSa | None:
    """The newest that was not there before, with a PPK or without."""
    seen = {one.spis for one in before}
    return next((one for one in reversed(listed) if mixed(one) == ppk and one.spis not in seen), None)
