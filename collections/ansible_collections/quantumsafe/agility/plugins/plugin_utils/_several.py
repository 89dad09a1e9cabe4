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
from ._core.peers import names_its_peer
from ._core.services.strongswan_sas import IkeSa
from ._core.targets.survey import Survey
from ._ends import CONTRACTING, STAGE, Ends
from ._linking import reached
from ._losing import Losing, addresses
from ._proving import prove, reachable
from ._reaching import other
from ._run import Run
from ._several_openvpn import Called, Returning, comes_back
from ._stepping import SPARE, Proofs, Stepping, rows, settled, stands
from ._tied import Here
from ._tunnel import Carried, Tunnel

EACH = {"strongswan": 5, "libreswan": 10, "strongswan-legacy": 5, "openvpn": 3}  # seconds to see one tunnel anew, and rekeyed, at both ends
NOT_YET = "its other end, {}, offers no {} yet, and proves it when it does"


class Tie:
    """One tunnel of IPsec.  begins: this end knows an address to begin with; else the other end has to."""

    def __init__(self, run: Run, far: Run, here: Here, found: Survey, aim: Aim) -> None:
        self.far, self.here, self.begins, self.aim = far, here, names_its_peer(here.endpoints(found.endpoints)), aim
        self.mine, self.theirs = Tunnel(run, here.connection, here.daemon, aim), Tunnel(far, here.there, here.theirs, aim)
        self.before: tuple[IkeSa, ...] = ()
        self.moved = False

    @property
    def title(self) -> str:
        return f"the tunnel {self.here.connection} with {self.here.other}"

    def remember(self) -> None:
        """What is there before the change.  Raises Problem, also for a charon that does not answer."""
        found, wrong = self.look()
        self.before, self.moved = self.mine.said(), found is not None and not wrong

    def look(self) -> tuple[IkeSa | None, list[str]]:
        for tunnel in (self.mine, self.theirs):
            tunnel.listed()
        return self._both()

    def _both(self) -> tuple[IkeSa | None, list[str]]:
        """What both lists prove together, as they were heard last."""
        return proved(self.mine.said(), self.theirs.said(), self.here.children, self.aim)

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

    def prove(self, changed: bool, step: Step, dummy: float) -> Proofs:
        """What moved before the new was put in front of something else is left as it is."""
        found, wrong = self.look() if self.moved and step == "expand" else (None, [])
        if found is None or wrong:
            found, wrong = self.renew(changed)
        if found is None or wrong:
            return (), wrong
        return tuple({**row, "with": self.here.other} for row in rows(self.here.connection, found, self.here.daemon)), []


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
        aim: Callable[[Here], Aim],
    ) -> None:
        self.aim = aim
        self.run, self.heres, self.ends, self.found, self.plan, self.step = run, heres, ends, found, plan, step
        self.stepping = Stepping(run, found, plan, again)
        far: dict[str, Run] = {}
        self.daemon = heres[0].daemon
        self.ties: list[Tie | Called] = []
        self.later: list[Here] = []
        for here, end in zip(heres, ends, strict=True):
            ready = here.offered or end.stages()[1] in STAGE.values()
            if not ready:
                self.later.append(here)
            elif plan.changes or here.state != "moved":
                if here.other not in far:
                    far[here.other] = other(run, here.other, spec)
                far_end = far[here.other]
                self.ties.append(Called(run, far_end, here, found) if self.daemon == "openvpn" else Tie(run, far_end, here, found, aim(here)))
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
        return stands(here.endpoints(self.found.endpoints), self.aim(here))

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
                names = {here.other: f"without {self.aim(here).exchanges}" for here in self.later} | {
                    name: stage or "not" for name, stage in stages.items()
                }
                now = ", ".join(f"{name} is {stage}" for name, stage in sorted(names.items()))
                raise Problem(
                    f"all ends have to be expanded first: {now}", self.run.host, "run the step expand of this campaign; nothing was changed"
                )
        self._in_time()

    def _in_time(self) -> None:
        """Raises Problem where its deadline comes before all of them can be there."""
        room, each = int(self.run.args["confirm_timeout"]) - SPARE, max(EACH[one] for here in self.heres for one in (here.daemon, here.theirs))
        back = comes_back(self.run, self.heres, self.found) if self.daemon == "openvpn" and self.plan.changes else 0
        if (needs := back + each * len(self.ties)) > room:
            first = f"its peers may be back after {back} s only, and " if back else ""
            raise Problem(
                f"{first}{len(self.ties)} tunnels are made anew one after another, {each} s each, and its deadline leaves {room} s",
                self.run.host,
                f"agility_confirm_timeout={needs + SPARE}; nothing was changed",
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
        ipsec = self.daemon != "openvpn"
        carried = Carried(self.run, [here.connection for here in self.later], self.daemon) if ipsec else Returning(self.run, self.later, self.found)
        losing = self._losing()
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
            self.stepping.tell(end, before, self._after(before), rows_of.get(here.link))

    def _after(self, before: str) -> str:
        """Who has the new alone still has it when something newer comes in front."""
        stays = not self.plan.changes or (self.step == "expand" and before in (STAGE["contract"], CONTRACTING))
        return before if stays else STAGE[self.step]

    def _losing(self) -> list[Losing]:
        """A ping through each tunnel that is made anew beside the old one, up to as many as are measured at once."""
        ties = [tie for tie in self.ties if isinstance(tie, Tie)]
        mine = addresses(self.run) if ties else ()
        theirs = {far.host: addresses(far) for far in self.far} if mine else {}
        made = [Losing(self.run, self.found, tie.here, number, mine, theirs.get(tie.here.other, ())) for number, tie in enumerate(ties)]
        for one, tie in zip(made, ties, strict=True):
            one.start(any(sa.children for sa in tie.before))
        return made

    def _probes(self) -> tuple[Probe, ...]:
        """A stranger is answered by all connections for any address, so one is asked, and only where all of them are changed now.  What its
        daemon has not loaded answers nobody."""
        loaded = [one for one in self.found.endpoints if one.protocol == "ikev2" and "link" in one.settings]
        anybody = {one.id for one in loaded if not names_its_peer((one,))}
        asked = tuple(probe for probe in self.plan.probes if probe.endpoint in anybody)
        return asked[:1] if len(asked) == len(anybody) else ()

    def _prove(self, carried: Carried | Returning, until: float) -> Proofs:
        """Of each tunnel whose other end is ready what both ends list; of the others that what was there is there, or comes back."""
        carried.wait(until)
        out: list[Mapping[str, object]] = [
            {
                "endpoint": f"{self.daemon} {here.connection}",
                "with": here.other,
                "proved": False,
                "why": NOT_YET.format(here.other, self.aim(here).exchanges),
            }
            for here in self.later
        ]
        for tie in self.ties:
            if time.monotonic() > until:
                return tuple(out), [f"no time was left for {tie.title}: a longer agility_confirm_timeout"]
            try:
                with reached(tie.far):
                    found, wrong = tie.prove(bool(self.plan.changes), self.step, until)
            except Problem as problem:
                found, wrong = (), [str(problem)]
            if wrong:
                return tuple(out), [f"{tie.title}: {one}" for one in wrong]
            out += found
        return tuple(out), []
