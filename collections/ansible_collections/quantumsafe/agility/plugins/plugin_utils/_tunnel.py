# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the SAs of one tunnel, listed and made anew over the connection of this task.  What counts is the list, read again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ._core.links.move import absent, duplicate, fresh, older
from ._core.model import Problem
from ._core.services.strongswan_sas import IkeSa, common, sas
from ._core.targets.script import Words
from ._core.targets.tunnels import compose_tunnels, end, parse_tunnels, rekey, renew, start
from ._run import Run

PATIENCE, PAUSE = 20, 0.5  # seconds: for charon to come to what was asked of it, and between two looks
ANSWER, VERB = 25, 30  # seconds for the host to list its SAs, and for each verb before; it may be reached through the very tunnel that went


class Tunnel:
    """connection: its name here.  heard: the last list as it came."""

    def __init__(self, run: Run, connection: str) -> None:
        self.run, self.connection, self.heard = run, connection, ""

    def ask(self, *verbs: Words) -> tuple[tuple[str, ...], tuple[IkeSa, ...]]:
        """(why a verb may have failed, the SAs behind them)."""
        within = ANSWER + VERB * len(verbs)
        whys, self.heard = self.run.channel.ask(lambda nonce: compose_tunnels(verbs, nonce), parse_tunnels, within=within)
        return whys, sas(self.heard, self.connection)

    def listed(self) -> tuple[IkeSa, ...]:
        return self.ask()[1]

    def _until(self, come: Callable[[Sequence[IkeSa]], IkeSa | None], what: str) -> IkeSa:
        """The SA that was waited for.  Raises Problem."""
        until = time.monotonic() + PATIENCE
        while (found := come(self.listed())) is None:
            if time.monotonic() > until:
                raise Problem(f"{what} within {PATIENCE} s")
            time.sleep(PAUSE)
        return found

    def anew(self, before: Sequence[IkeSa], children: Sequence[str]) -> IkeSa:
        """A new IKE SA with ML-KEM and all children, beside what was there before, each of them rekeyed.  Raises Problem.

        One that was made of the very configuration of now (by a move that went back) counts as well: charon makes no other beside it.  Where that
        came out classical, for the other end was at the old by then, it is re-authenticated: what it was made of is offered anew.
        """
        return self._rekeyed(*self.made(before, children))

    def made(
        self, before: Sequence[IkeSa], children: Sequence[str], fresh: Callable[..., IkeSa | None] = fresh, what: str = "with ML-KEM"
    ) -> tuple[IkeSa, Sequence[IkeSa]]:
        """That SA as it is established, and those that were there before it.  fresh: the newest that counts and is none of those before."""
        found = fresh(self.listed(), before)  # charon makes it itself where a child has start_action = start
        for child in absent(found, children):
            whys, listed = self.ask(start(self.connection, child))
            if there := duplicate(listed, whys[0]):
                before = ()
                if not fresh(listed, before):
                    self.ask(renew(there.number))
                    listed = (self._until(lambda listed: fresh(listed, ()), f"re-authenticating the SA that is there brought none {what}"),)
            found = fresh(listed, before)
            if child in absent(found, children):
                why = whys[-1] or "both ends agreed on something else"
                raise Problem(f"no new SA {what} came of swanctl --initiate --child {child}: {why}")
        return found or self._until(lambda listed: fresh(listed, before), f"no new IKE SA {what} came"), before

    def shared(self, other: Tunnel) -> IkeSa:
        """The newest SA that both list.  Raises Problem."""
        return self._until(lambda listed: common(listed, other.listed()), "no IKE SA came into the lists of both ends")

    def _rekeyed(self, found: IkeSa, before: Sequence[IkeSa]) -> IkeSa:
        """A child that was born with its IKE SA has no exchange of its own before; the IKE SA follows, for that is what its own rekeying will do."""
        if due := older(found):
            self.ask(*(rekey("child", child.number) for child in due))

        def exchanged(listed: Sequence[IkeSa]) -> IkeSa | None:
            now = fresh(listed, before)
            return now if now and now.children and not older(now) else None

        found = self._until(exchanged, "rekeying its children brought no ML-KEM")
        self.ask(rekey("ike", found.number))

        def renewed(listed: Sequence[IkeSa]) -> IkeSa | None:
            now = fresh(listed, (*before, found))
            return now if now and len(now.children) >= len(found.children) else None

        return self._until(renewed, "rekeying its IKE SA brought no ML-KEM")

    def awaited(self, spis: str, children: int) -> None:
        """Until the SA that the other end made is here, too, with so many children.  Raises Problem."""
        self._until(
            lambda listed: next((one for one in listed if one.spis == spis and len(one.children) >= children), None),
            "the new IKE SA of the other end did not come here, with its children,",
        )

    def stands(self) -> None:
        """Until it has an SA with a child.  Raises Problem."""
        self._until(lambda listed: next((one for one in listed if one.children), None), f"no SA of {self.connection} came back")

    def end_others(self, kept: IkeSa) -> IkeSa:
        """Each by its number; what is left.  Raises Problem."""
        if others := [one for one in self.listed() if one.spis != kept.spis]:
            self.ask(*(end(one.number) for one in others))
        return self._until(lambda listed: listed[0] if [one.spis for one in listed] == [kept.spis] else None, "the old SA did not end")
