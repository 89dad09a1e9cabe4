# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one end of a tunnel in its move: a transaction whose proof needs the other end, which is in one of its own.

One end begins the new SA and the other responds.  Whoever responds is armed first and confirmed first, so every mix of stages on the way, and
after any loss, is a working tunnel (docs/links.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ._core.links.aim import Aim
from ._core.links.move import proved, said, twin
from ._core.model import Plan, Problem
from ._core.peers import names_its_peer
from ._core.services.strongswan_sas import IkeSa
from ._core.targets.survey import Survey
from ._ends import CONTRACTING, STAGE, Ends
from ._losing import Losing, addresses, within
from ._proving import prove, reachable
from ._run import Run
from ._stepping import SPARE, Proofs, Stepping, rows, stands
from ._tied import Here
from ._tunnel import READERS, Tunnel

MEET = 60  # seconds for the other end to be looked at and planned, and to come


class Move:
    """What one end does, from the moment when both are planned."""

    def __init__(self, run: Run, here: Here, found: Survey, plan: Plan, ends: Ends, again: Callable[[Survey], Plan], aim: Aim) -> None:
        self.run, self.here, self.plan, self.ends = run, here, plan, ends
        self.step = Stepping(run, found, plan, again)
        self.found = found
        self.mine = here.endpoints(found.endpoints)
        self.aim, self.tunnel = aim, Tunnel(run, here.connection, here.daemon, aim)
        self.before: tuple[IkeSa, ...] = ()
        self.until = 0.0

    def go(self, step: str) -> None:
        """Meet, change, prove, confirm.  The result says what became of this end, and so does its file."""
        listed = self.tunnel.listed()  # a charon that does not answer stops it here
        self.before = listed if self.plan.changes else ()
        # a stranger's classical offer must be refused, where he is answered at all
        probes = tuple(one for one in self.plan.probes if one.expect) if step == "contract" else ()
        answered = reachable(self.run, probes)
        idle = not self.plan.changes and self._met(listed)
        here = () if idle else within(addresses(self.run), self.found, self.here)
        self.ends.say("ready", order=self._order(), inner=here, idle=idle)
        told = self.ends.wait("ready", MEET)
        mine, theirs = self._order(), list(told["order"])
        if not mine[0] and not theirs[0]:
            raise Problem(
                "neither end names an address of the other, so none can begin", self.run.host, "set remote_addrs at one end; nothing was changed"
            )
        if idle and told["idle"]:
            self.ends.say("confirmed", stage=stands(self.mine, self.aim))
            self.run.note(status="ok")
            return
        begins = (mine, self.here.first) > (theirs, not self.here.first)
        losing = Losing(self.run, self.found, self.here, 0, here, told.get("inner", ())) if begins else None
        if losing:
            losing.start(any(one.children for one in listed))
            self.ends.wait("armed", MEET)
            if "libreswan" in (self.here.daemon, self.here.theirs):  # which makes its SAs anew when it takes up its connection
                self.before = self.tunnel.listed() if self.plan.changes else ()
        self.until = time.monotonic() + int(self.run.args["confirm_timeout"]) - SPARE
        was = self.ends.said["stage"] if self.plan.changes else stands(self.mine, self.aim)
        if step == "contract":
            self.ends.say("changing", stage=CONTRACTING if self.plan.changes else was)
        self.step.carry_out(self._begin if begins else self._respond, partial(prove, self.run, probes, answered))
        if losing:
            losing.stop()
            self.run.note(packets=(losing.row,))
        self.step.tell(self.ends, was, STAGE[step] if self.plan.changes else was, losing.row if losing else None)

    def _met(self, listed: Sequence[IkeSa]) -> bool:
        """Whether each SA is where this pair goes: of two strongSwan as both ends were audited, and now where it is asked for more than exchanges."""
        named = [one for sa in listed for one in (sa, *sa.children)]
        met = all(self.aim.met(one) for one in named)
        return (self.here.state == "moved" and (met or not self.aim.left)) or (self.here.mixed and bool(named) and met)

    def _order(self) -> list[bool]:
        """Who can begin does; of both that can whose configuration changes, for charon makes a new IKE SA of a new configuration alone."""
        return [names_its_peer(self.mine), bool(self.plan.changes)]

    # -- between the reload and the confirmation

    def _wait(self, reached: str) -> Mapping[str, Any]:
        return self.ends.wait(reached, max(1.0, self.until - time.monotonic()))

    def _begin(self) -> Proofs:
        self.ends.say("armed")
        made = self.tunnel.anew(self.before, tuple(self.here.children))
        mine = self.tunnel.said()
        self.ends.say("moved", made=made.spis, children=[child.spis for child in made.children])
        theirs = READERS[self.here.theirs](str(self._wait("listed")["sas"]), self.here.there)
        found, wrong = proved(mine, theirs, self.here.children, self.aim)
        if found is None or wrong:
            return (), wrong
        left = self.tunnel.end_others(found)
        self.ends.say("ended", kept=left.spis, children=[child.spis for child in left.children])
        self._wait("confirmed")
        return rows(self.here.connection, left, self.here.daemon), []

    def _respond(self) -> Proofs:
        self.ends.say("armed")
        told = self._wait("moved")
        self.tunnel.awaited(told["made"], told["children"])
        self.ends.say("listed", sas=self.tunnel.heard)
        kept = self._wait("ended")
        left = self.tunnel.listed()
        found = twin(left, kept["kept"], kept["children"])
        if found is None:
            return (), [f"the SA that both ends listed is gone: {said(left)}"]
        return rows(self.here.connection, found, self.here.daemon), []
