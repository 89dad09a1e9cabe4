"""The live SAs of one connection, as `swanctl --list-sas --raw` prints them, with the numbers by which charon lets one be rekeyed or ended."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Answer, Problem
from . import strongswan_vici as vici
from .strongswan_link import numbers

WHOLE = "list-sas reply"  # the last line


@dataclass(frozen=True, slots=True)
class ChildSa:
    """number: charon's own, of this host alone.  spis: the same at both ends.  exchange "" = none of its own.  came, went: packets so far.

    words: kind → what it is protected with, as strongSwan spells that; () = not told.
    """

    number: str
    name: str
    spis: str
    exchange: str
    suite: str
    came: int = 0
    went: int = 0
    words: tuple[tuple[str, str], ...] = ()

    @property
    def traffic(self) -> str:
        seen = [what for what, count in (("in", self.came), ("out", self.went)) if count]
        return " and ".join(seen) or "no traffic seen"


@dataclass(frozen=True, slots=True)
class IkeSa:
    number: str
    spis: str
    exchange: str
    suite: str
    children: tuple[ChildSa, ...] = ()
    words: tuple[tuple[str, str], ...] = ()


def sas(listed: str, connection: str) -> tuple[IkeSa, ...]:
    """Those that are established, with their children that are installed; the oldest first.  Raises Problem for a list that is not whole."""
    if WHOLE not in listed:
        raise Problem("charon did not list its SAs (swanctl --list-sas --raw)", remedy="see whether it runs")
    found = vici.events(Answer((), 0, listed)).get(connection, [])
    return tuple(_ike(one) for one in vici.by_age(tree for tree in found if tree.values.get("state") == "ESTABLISHED"))


def _ike(tree: vici.Tree) -> IkeSa:
    children = vici.by_age(one for one in tree.under("child-sas").values() if one.values.get("state") == "INSTALLED")
    number = tree.values.get("uniqueid", "")
    return IkeSa(number, numbers(tree, child=False), vici.exchange(tree), vici.suite(tree), tuple(map(_child, children)), vici.words(tree))


def _child(tree: vici.Tree) -> ChildSa:
    came, went = (int(tree.values.get(name, "0")) for name in ("packets-in", "packets-out"))
    name, number = tree.values.get("name", ""), tree.values.get("uniqueid", "")
    return ChildSa(number, name, numbers(tree, child=True), vici.exchange(tree), vici.suite(tree), came, went, vici.words(tree))
