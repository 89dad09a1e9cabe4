# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one step of a hub, of a spoke, or of a host with several tunnels: one transaction, whose proof covers all of them.

Its other ends stand still meanwhile, and have their own step in another batch: every mix of neighbouring stages is a tunnel (docs/links.md), so
nobody waits for anybody.  What they list is asked over connections of this task's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ._core.links.aim import Aim
from ._core.links.move import proved
from ._core.links.planned import Step
from ._core.model import Plan, Probe, Problem
from ._core.services.strongswan_sas import IkeSa, sas
from ._core.targets.survey import Survey
from ._ends import CONTRACTING, STAGE, Ends
from ._linking import reached
from ._losing import Losing, addresses
from ._proving import prove, reachable
from ._reaching import other
from ._run import Run
from ._stepping import SPARE, Proofs, Stepping, names_its_peer, rows, settled, stands
from ._tied import Here
from ._tunnel import Tunnel

EACH = 5  # seconds that it takes to make one tunnel anew, to rekey it, and to see both lists
NOT_YET = "its other end, {}, offers no ML-KEM yet, and proves it when it does"


class Tie:
    """One tunnel.  begins: this end knows an address to begin with; else the other end has to."""

    def __init__(self, run: Run, far: Run, here: Here, begins: bool, aim: Aim) -> None:
        self.far, self.here, self.begins, self.aim = far, here, begins, aim
        self.mine, self.theirs = Tunnel(run, here.connection, aim=aim), Tunnel(far, here.there, aim=aim)
        self.before: tuple[IkeSa, ...] = ()
        self.moved = False

    @property
    def title(self) -> str:
        return f"the tunnel {self.here.connection} with {self.here.other}"

    def remember(self) -> None:
        """What is there before the change.  Raises Problem, also for a charon that does not answer."""
        found, wrong = self.look()
        self.before, self.moved = sas(self.mine.heard, self.here.connection), found is not None and not wrong

    def look(self) -> tuple[IkeSa | None, list[str]]:
        for tunnel in (self.mine, self.theirs):
            tunnel.listed()
        return self._both()

    def _both(self) -> tuple[IkeSa | None, list[str]]:
        """What both lists prove together, as they were heard last."""
        return proved(sas(self.mine.heard, self.here.connection), sas(self.theirs.heard, self.here.there), self.here.children, self.aim)

    def renew(self, changed: bool) -> tuple[IkeSa | None, list[str]]:
        """The same of an SA that is made now, in the place of those of this tunnel that are there.  Raises Problem.

        changed: this end has another configuration than before.  The one that begins with the configuration of before may have an SA with ML-KEM
        that came of it, beside which charon makes no other: that is rekeyed and counts.
        """
        start, answer = (self.mine, self.theirs) if self.begins else (self.theirs, self.mine)
        names = self.here.children if self.begins else self.here.children.values()
        made = start.anew(self.before if self.begins and changed else (), tuple(names))
        answer.awaited(made.spis, [child.spis for child in made.children])
        found, wrong = self._both()
        if found is None or wrong:
            return found, wrong
        start.end_others(found)  # never at the other one, whose connection may be that of all spokes
        answer.listed()
        return self._both()


class Several:
    """What this host does.  ends: the files of its tunnels, in the order of heres.  spec: of the task, for questions to other hosts."""

    def __init__(
        self,
        run: Run,
        heres: Sequence[Here],
        ends: Sequence[Ends],
        found: Survey,
        plan: Plan,
        step: Step,
        again: Callable[[Survey], Plan],
        spec: Mapping[str, Any],
        aim: Aim,
    ) -> None:
        self.run, self.heres, self.ends, self.found, self.plan, self.step = run, heres, ends, found, plan, step
        self.stepping = Stepping(run, found, plan, again)
        far: dict[str, Run] = {}
        self.ties: list[Tie] = []
        self.later: list[Here] = []
        for here, end in zip(heres, ends, strict=True):
            ready = here.offered or end.stages()[1] in STAGE.values()
            if not ready:
                self.later.append(here)
            elif plan.changes or here.state != "moved":
                if here.other not in far:
                    far[here.other] = other(run, here.other, spec)
                self.ties.append(Tie(run, far[here.other], here, names_its_peer(here.endpoints(found.endpoints)), aim))
        self.far = tuple(far.values())

    @property
    def done(self) -> bool:
        """Whether this host has nothing to change, nor any other end that waits for its proof."""
        return not self.plan.changes and not self.ties

    def confirmed(self) -> None:
        """Written down, with nothing to change."""
        self.run.note(status="ok")
        for here, end in zip(self.heres, self.ends, strict=True):
            end.say("confirmed", stage=self._stands(here))

    def _stands(self, here: Here) -> str:
        return stands(here.endpoints(self.found.endpoints))

    def allowed(self) -> None:
        """Raises Problem where it must not begin; nothing was touched then."""
        settled(self.run)
        for far in self.far:
            with reached(far):
                settled(far)
        if self.step == "contract":
            known = {*STAGE.values(), CONTRACTING}
            stages = {name: stage for end in self.ends for name, stage in zip((end.mine, end.other), end.stages(), strict=True) if stage not in known}
            if stages or self.later:
                names = {here.other: "without ML-KEM" for here in self.later} | {name: stage or "not" for name, stage in stages.items()}
                now = ", ".join(f"{name} is {stage}" for name, stage in sorted(names.items()))
                raise Problem(
                    f"all ends have to be expanded first: {now}", self.run.host, "run the step expand of this campaign; nothing was changed"
                )
        room = int(self.run.args["confirm_timeout"]) - SPARE
        if EACH * len(self.ties) > room:
            raise Problem(
                f"{len(self.ties)} tunnels are made anew one after another, {EACH} s each, and its deadline leaves {room} s",
                self.run.host,
                f"agility_confirm_timeout={EACH * len(self.ties) + SPARE}; nothing was changed",
            )

    def go(self) -> None:
        """Change, prove all tunnels, confirm.  The result says what became of this host, and so do the files of its tunnels."""
        probes = self._probes()
        answered = reachable(self.run, probes)
        for tie in self.ties:
            with reached(tie.far):
                tie.remember()
        if not self.plan.changes and all(tie.moved for tie in self.ties):  # since it was audited
            self.confirmed()
            return
        carried, losing = self._carried(), self._losing()
        until = time.monotonic() + int(self.run.args["confirm_timeout"]) - SPARE
        was = [end.said["stage"] if self.plan.changes else self._stands(here) for here, end in zip(self.heres, self.ends, strict=True)]
        if self.step == "contract":
            for end, before in zip(self.ends, was, strict=True):
                end.say("changing", stage=CONTRACTING if self.plan.changes else before)
        self.stepping.carry_out(partial(self._prove, carried, until), partial(prove, self.run, probes, answered))
        for one in losing:
            one.stop()
        rows_of = {one.here.link: one.row for one in losing}
        self.run.note(packets=tuple(rows_of.values()))
        for here, end, before in zip(self.heres, self.ends, was, strict=True):
            self.stepping.tell(end, before, STAGE[self.step] if self.plan.changes else before, rows_of.get(here.link))

    def _losing(self) -> list[Losing]:
        """A ping through each tunnel that is made anew, up to as many as are measured at once."""
        mine = addresses(self.run) if self.ties else ()
        theirs = {far.host: addresses(far) for far in self.far} if mine else {}
        made = [Losing(self.run, self.found, tie.here, number, mine, theirs.get(tie.here.other, ())) for number, tie in enumerate(self.ties)]
        for one, tie in zip(made, self.ties, strict=True):
            one.start(any(sa.children for sa in tie.before))
        return made

    def _one(self, tie: Tie) -> tuple[IkeSa | None, list[str]]:
        """What moved before the new was put in front of something else is left as it is."""
        try:
            with reached(tie.far):
                if tie.moved and self.step == "expand":
                    found, wrong = tie.look()
                    if found and not wrong:
                        return found, []
                return tie.renew(bool(self.plan.changes))
        except Problem as problem:
            return None, [str(problem)]

    def _probes(self) -> tuple[Probe, ...]:
        """A stranger is answered by all connections for any address, so one is asked, and only where all of them are changed now."""
        anybody = {one.id for one in self.found.endpoints if one.protocol == "ikev2" and not names_its_peer((one,))}
        asked = tuple(probe for probe in self.plan.probes if probe.endpoint in anybody)
        return asked[:1] if len(asked) == len(anybody) else ()

    def _carried(self) -> set[str]:
        """The connections of tunnels whose other end is not ready that have an SA with a child now: by one list, for there may be many."""
        names = {here.connection for here in self.later}
        all_of_them = Tunnel(self.run, "")
        if names:
            all_of_them.listed()
        return {name for name in names if any(one.children for one in sas(all_of_them.heard, name))}

    def _prove(self, carried: set[str], until: float) -> Proofs:
        """Of each tunnel whose other end is ready what both ends list; of the others that what was there is there, or comes back."""
        for name in sorted(carried - self._carried()):
            Tunnel(self.run, name).stands()
        out: list[Mapping[str, object]] = [
            {"endpoint": f"strongswan {here.connection}", "with": here.other, "proved": False, "why": NOT_YET.format(here.other)}
            for here in self.later
        ]
        for tie in self.ties:
            if time.monotonic() > until:
                return tuple(out), [f"no time was left for {tie.title}: a longer agility_confirm_timeout"]
            found, wrong = self._one(tie)
            if found is None or wrong:
                return tuple(out), [f"{tie.title}: {one}" for one in wrong]
            out += [{**row, "with": tie.here.other} for row in rows(tie.here.connection, found)]
        return tuple(out), []
