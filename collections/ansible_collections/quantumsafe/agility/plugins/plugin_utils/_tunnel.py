# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the SAs of one tunnel, listed and made anew over the connection of this task.  What counts is the list, read again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from ._core.links.move import absent, fresh, older, safe
from ._core.model import Problem
from ._core.services.strongswan_sas import IkeSa, sas
from ._core.targets.script import Words
from ._core.targets.tunnels import compose_tunnels, end, parse_tunnels, rekey, start
from ._run import Run

DUPLICATE = re.compile(r"existing duplicate \{(\d+)\}")  # what charon says when it has such a child in an IKE SA of the same configuration
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

        One that was made of the very configuration of now (by a move that went back) counts as well, for charon makes no other beside it.  If that
        came out classical, it has to end first: a moment without it.
        """
        found = fresh(self.listed(), before)  # charon makes it itself where a child has start_action = start
        for child in absent(found, children):
            whys, listed = self.ask(start(self.connection, child))
            if in_the_way := DUPLICATE.search(whys[0]):
                before = ()
                holds = [one.number for one in listed if in_the_way[1] in [inner.number for inner in one.children] and not safe(one)]
                if holds and not fresh(listed, before):
                    whys, listed = self.ask(end(holds[0]), start(self.connection, child))
            found = fresh(listed, before)
            if child in absent(found, children):
                why = whys[-1] or "both ends agreed on something else"
                raise Problem(f"no new SA with ML-KEM came of swanctl --initiate --child {child}: {why}")
        return self._rekeyed(found or self._until(lambda listed: fresh(listed, before), "no new IKE SA with ML-KEM came"), before)

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
