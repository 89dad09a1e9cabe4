"""An approval: who says that one plan, named by its digest, may be applied until when.  Sealed with the approver's own key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ..algorithms.lookup import USES
from .canonical import MOMENT, canonical
from .seal import read_seal, unsound
from .signing import Public

KIND = "quantumsafe.agility approval"
FORMAT = 1
KNOWN = {aspect for dummy, aspect in USES}


@dataclass(frozen=True, slots=True)
class Approval:
    """plan: SHA-256 of plan.json.  given, until: UTC, as MOMENT spells it."""

    approver: str
    plan: str
    given: str
    until: str

    @property
    def text(self) -> bytes:
        return canonical({"format": FORMAT, **asdict(self)}) + b"\n"


def read_approval(data: bytes) -> Approval:
    """Raises ValueError."""
    try:
        said = json.loads(data)
        approval = Approval(*(said[name] for name in ("approver", "plan", "given", "until")))
        sound = approval.text == data
        ends(approval.until)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not sound:
        raise ValueError("it is not spelled as approve writes it")
    return approval


def ends(until: str) -> datetime:
    """Raises ValueError."""
    return datetime.strptime(until, MOMENT).replace(tzinfo=UTC)


def owners(aspects: Iterable[str], named: Mapping[str, Sequence[str]], others: Sequence[str]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Key files, one of whose holders must approve → the aspects that they answer for, () = for whatever it is.

    named: the keys of the owner of an aspect; others: those of whoever may approve what nobody owns.  Raises ValueError for an aspect that
    nobody can approve, and for one that does not exist.
    """
    if unknown := sorted(set(named) - KNOWN):
        raise ValueError(f"no plan changes an aspect that is called {', '.join(unknown)}")
    if not named:
        return {tuple(others): ()} if others else {}
    out: dict[tuple[str, ...], tuple[str, ...]] = {}
    for aspect in aspects:
        keys = tuple(named.get(aspect) or others)
        if not keys:
            raise ValueError(f"nobody is named who may approve a change of {aspect}")
        out[keys] = (*out.get(keys, ()), aspect)
    return out


def refusal(approval: bytes, seal: bytes, plan: str, planner: bytes, approvers: Sequence[Public], now: datetime) -> str:
    """Why this approval does not allow this plan now, "" = it does.  plan: its digest; planner: its seal; approvers: whose approval counts."""
    try:
        said = read_approval(approval)
        own = {one.key for one in read_seal(planner).signatures} & {one.key for one in read_seal(seal).signatures}
    except ValueError as error:
        return f"it is damaged, or the signature of the plan is: {error}"
    if own:
        return "it is signed with the planner's own key"
    if why := unsound(KIND, approval, seal, approvers):
        return why
    if said.plan != plan:
        return f"it approves another plan ({said.plan[:12]})"
    return f"it expired at {said.until}" if now >= ends(said.until) else ""
