# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the SAs of one tunnel, listed and made anew over the connection of this task.  What counts is the list, read again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

from ._core.links.aim import QUANTUM, Aim
from ._core.links.move import absent, common, duplicate, fresh, older, outdated, twin
from ._core.model import Activation, Problem, Snapshot
from ._core.services import libreswan, libreswan_sas, stroke_sas, strongswan_sas
from ._core.services.strongswan_sas import IkeSa
from ._core.targets.script import Words
from ._core.targets.tunnels import VERBS, compose_tunnels, parse_tunnels
from ._run import Run

PATIENCE, PAUSE = 20, 0.5  # seconds: for charon to come to what was asked of it, and between two looks
READERS = {"strongswan": strongswan_sas.sas, "libreswan": libreswan_sas.sas, "strongswan-legacy": stroke_sas.sas}
ANSWER, VERB = 25, 30  # seconds for the host to list its SAs, and for each verb before; it may be reached through the very tunnel that went


class Tunnel:
    """connection: its name here.  daemon: whose it is.  aim: where it goes.  heard: the last list as it came."""

    def __init__(self, run: Run, connection: str, daemon: str = "strongswan", aim: Aim = QUANTUM) -> None:
        self.run, self.connection, self.daemon, self.aim, self.heard = run, connection, daemon, aim, ""
        self.how = VERBS[daemon]

    def ask(self, *verbs: Words) -> tuple[tuple[str, ...], tuple[IkeSa, ...]]:
        """(why a verb may have failed, the SAs behind them)."""
        within = ANSWER + VERB * len(verbs)
        whys, self.heard = self.run.channel.ask(lambda nonce: compose_tunnels(verbs, nonce, self.daemon), parse_tunnels, within=within)
        return whys, READERS[self.daemon](self.heard, self.connection)

    def listed(self) -> tuple[IkeSa, ...]:
        return self.ask()[1]

    def said(self) -> tuple[IkeSa, ...]:
        """What it listed when it was heard last."""
        return READERS[self.daemon](self.heard, self.connection)

    def _until(self, come: Callable[[Sequence[IkeSa]], IkeSa | None], what: str) -> IkeSa:
        """The SA that was waited for.  Raises Problem."""
        until = time.monotonic() + PATIENCE
        while (found := come(self.listed())) is None:
            if time.monotonic() > until:
                raise Problem(f"{what} within {PATIENCE} s")
            time.sleep(PAUSE)
        return found

    def anew(self, before: Sequence[IkeSa], children: Sequence[str]) -> IkeSa:
        """A new IKE SA of the aim with all children, beside what was there before, each of them rekeyed.  Raises Problem.

        One that was made of the very configuration of now (by a move that went back) counts as well: charon makes no other beside it.  Where that
        came out classical, for the other end was at the old by then, it is re-authenticated: what it was made of is offered anew.
        Where nothing of IKE has changed, new children come beside the old ones in the IKE SA that is there, and the old ones end.
        """
        if self.daemon == "libreswan":

            def come(listed: Sequence[IkeSa]) -> IkeSa | None:
                now = fresh(listed, before, self.aim)
                return now if now and now.children else None

            return self._rekeyed(self.up(come, f"with {self.aim.said}"), before)
        if not before:
            self._renewed_children(children)
        return self._rekeyed(*self.made(before, children, partial(fresh, aim=self.aim), f"with {self.aim.said}"))

    def _renewed_children(self, children: Sequence[str]) -> None:
        """Of an IKE SA that counts as it is those that do not: what was loaded since may have other proposals for them alone."""
        was = self.listed()
        found = fresh(was, (), self.aim)
        for name in dict.fromkeys(one.name for one in older(found, self.aim) if one.name in children) if found else ():
            self._started(name, was)

    def _started(self, child: str, was: Sequence[IkeSa]) -> tuple[str, tuple[IkeSa, ...], bool]:
        """(what it said, the SAs behind it, whether it came beside one of before, which is ended, in the IKE SA that was there)."""
        whys, listed = self.ask(self.how.start(self.connection, child))
        old = outdated(listed, was, child)
        if old:
            dummy, listed = self.ask(*(self.how.end_child(self.connection, one.number) for one in old))
        return whys[0], listed, bool(old)

    def up(self, come: Callable[[Sequence[IkeSa]], IkeSa | None], what: str) -> IkeSa:
        """The SA that counts.  pluto makes it itself when it takes up the connection; what it has of before ends, where it is asked for another."""
        if not come(self.listed()):
            time.sleep(1)
        if not come(self.listed()):
            whys, dummy = self.ask(self.how.start(self.connection, ""))
            return self._until(come, f"no new SA {what} came of ipsec up {self.connection} ({whys[0] or 'it says nothing'})")
        return self._until(come, "the new SA is gone")

    def made(
        self, before: Sequence[IkeSa], children: Sequence[str], fresh: Callable[..., IkeSa | None] = fresh, what: str = "with ML-KEM"
    ) -> tuple[IkeSa, Sequence[IkeSa]]:
        """That SA as it is established, and those that were there before it.  fresh: the newest that counts and is none of those before."""
        was = self.listed()
        found = fresh(was, before)  # charon makes it itself where a child has start_action = start
        for child in absent(found, children):
            why, listed, beside = self._started(child, was)
            if beside:
                before = ()
            elif there := duplicate(listed, why):
                before = ()
                if not fresh(listed, before):
                    self.ask(self.how.renew(self.connection, there.number))
                    listed = (self._until(lambda listed: fresh(listed, ()), f"making the SA that is there anew brought none {what}"),)
            found = fresh(listed, before)
            if child in absent(found, children):
                said = self.how.said.format(self.connection, child)
                raise Problem(f"no new SA {what} came of {said}: {why or 'both ends agreed on something else'}")
        return found or self._until(lambda listed: fresh(listed, before), f"no new IKE SA {what} came"), before

    def shared(self, other: Tunnel) -> IkeSa:
        """The newest SA that both list.  Raises Problem."""
        return self._until(lambda listed: common(listed, other.listed()), "no IKE SA came into the lists of both ends")

    def _rekeyed(self, found: IkeSa, before: Sequence[IkeSa]) -> IkeSa:
        """A child that was born with its IKE SA has no exchange of its own before; the IKE SA follows, for that is what its own rekeying will do."""
        due = older(found, self.aim)
        if due:
            self.ask(*dict.fromkeys(self.how.rekey("child", self.connection, child.number) for child in due))
        gone = {child.spis for child in due}

        def exchanged(listed: Sequence[IkeSa]) -> IkeSa | None:
            now = fresh(listed, before, self.aim)
            return now if now and now.children and all(self.aim.met(one) and one.spis not in gone for one in now.children) else None

        found = self._until(exchanged, f"rekeying its children brought no {self.aim.said}")
        self.ask(self.how.rekey("ike", self.connection, found.number))

        def renewed(listed: Sequence[IkeSa]) -> IkeSa | None:
            now = fresh(listed, (*before, found), self.aim)
            return now if now and len(now.children) >= len(found.children) else None

        return self._until(renewed, f"rekeying its IKE SA brought no {self.aim.said}")

    def awaited(self, spis: str, children: Collection[str]) -> IkeSa:
        """The SA that the other end made, once it is here, too, with these children.  Raises Problem."""
        return self._until(lambda listed: twin(listed, spis, children), "the new IKE SA of the other end did not come here, with its children,")

    def stands(self) -> None:
        """Until it has an SA with a child.  Raises Problem."""
        self._until(lambda listed: next((one for one in listed if one.children), None), f"no SA of {self.connection} came back")

    def end_others(self, kept: IkeSa) -> IkeSa:
        """Each by its number, also one that the other end makes meanwhile; what is left.  Raises Problem."""
        until, listed = time.monotonic() + PATIENCE, self.listed()
        while [one.spis for one in listed] != [kept.spis]:
            if time.monotonic() > until:
                raise Problem(f"the old SA did not end within {PATIENCE} s: {', '.join(one.spis for one in listed) or 'no SA'} beside {kept.spis}")
            # Where what shall stay is not there, the others are all there is: none is ended then.
            others = [one for one in listed if one.spis != kept.spis] if any(one.spis == kept.spis for one in listed) else []
            dummy, listed = self.ask(*(self.how.end(self.connection, one.number) for one in others))
            time.sleep(PAUSE if len(listed) != 1 else 0)
        return listed[0]


class Carried:
    """Which of these connections have an SA with a child now: by one list, for there may be many."""

    def __init__(self, run: Run, names: Collection[str], daemon: str) -> None:
        self.run, self.names, self.daemon = run, names, daemon
        self.up = self._now(names)

    def _now(self, names: Collection[str]) -> set[str]:
        all_of_them = Tunnel(self.run, "", self.daemon)
        if names:
            all_of_them.listed()
        return {name for name in names if any(one.children for one in READERS[self.daemon](all_of_them.heard, name))}

    def lost(self) -> list[Tunnel]:
        """Those that were there and are not now."""
        return [Tunnel(self.run, name, self.daemon) for name in sorted(self.up - self._now(self.up))]

    def wait(self, dummy: float) -> None:
        """Until what was there is there, or comes back.  Raises Problem."""
        for one in self.lost():
            one.stands()


def replaced(run: Run, activations: Sequence[Activation]) -> Carried:
    """Of the connections that pluto is to take anew those that carry packets now: it ends their SAs."""
    named = [name for one in activations if one.action.startswith("replace:") for name in one.action.partition(":")[2].split(",") if name]
    return Carried(run, named, "libreswan")


def gone(carried: Carried, after: Snapshot) -> list[str]:
    """Which of these has not come again, the first that is seen.  Whoever comes to one that takes anybody comes when he does."""
    named = {seen.conn.name for seen in libreswan.of(after) if not seen.anybody}
    for tunnel in carried.lost():
        try:
            if tunnel.connection in named:
                tunnel.stands()
        except Problem as problem:
            return [f"libreswan {tunnel.connection} carried packets before: {problem}"]
    return []
