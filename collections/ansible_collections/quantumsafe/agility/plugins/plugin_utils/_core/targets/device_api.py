"""A network device that has an API: one look, and one change with what it does by itself, when nobody saves in time, as the way back.

As for one with a terminal: arm → apply → verify → confirm, each told by what is read back, the confirming one over a new session.  But who is locked
out of SSH here still has the API, and to go back by itself a device restarts, which cuts all its traffic.  So what is not proved is taken back by
writing the old lists, and the restart is for when nobody can reach it any more, or it does not do as it is told.  Then nothing is asked of it until
its time is over, for its clock may count from our last word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from ..appliances.appliance import Api, Appliance, Request
from ..appliances.keeping import Keeping, Talk
from ..appliances.kept import said
from ..appliances.lists import statements, within
from ..documents.lines import split
from ..model import Problem
from .api import Session
from .cli import Rejected
from .device import PATH, identified
from .host import Unreachable
from .steps import RETRY, Steps, joined
from .survey import Survey, read
from .transact import Outcome

RESTARTED = "it restarted, and what was not saved is gone"
NOT_SAFE = "its changes are not saved by themselves (cfg-save is {}): somebody has not finished, or it is kept so"
GRACE = 300  # seconds after its time within which a device must have restarted
STARTS = 20  # seconds within which its HTTPS server answers again after it has started anew
RIGHTS = "an account whose access profile may read and write the configuration of the system"


@dataclass(slots=True)
class ApiDevice:
    """One device.  close what it opened.  whole: the configuration that the last look saw."""

    platform: Appliance
    api: Api
    session: Session
    host: str
    taken: str
    whole: str = ""
    release: str = ""

    @property
    def writes(self) -> tuple[str, ...]:
        return self.api.writes

    @property
    def keeping(self) -> Keeping:
        return self.api.keeping

    def certified(self, found: Survey) -> Survey:
        """As of Device: its backup holds them."""
        return found

    def look(self) -> Survey:
        """Raises Problem, Unreachable, Unparsable; two requests, three where the release has the lists of SSH in a table."""
        told = self.answer(self.api.status)
        self.release, serial = self.api.identify(told)
        self.whole = self.text(told)
        snapshot = identified(self, self.whole, self.release, serial, self.api.systems[0])
        return Survey(snapshot, read(snapshot, {}))

    def text(self, told: str = "") -> str:
        """told: the answer to status, when it was asked just now."""
        table = self.api.lists(self.release)
        backup = self.answer(self.api.backup(self.release))
        held = (self.answer(table),) if table else ()
        return self.api.text(backup, (*held, told or self.answer(self.api.status)), self.release)

    def answer(self, request: Request) -> str:
        """Raises Rejected, Unreachable."""
        status, said = self.session.ask(request)
        if why := self.api.refused(status, said):
            raise Rejected(f"{request.method} {request.path.partition('?')[0]}: {why}", self.host, RIGHTS)
        return said

    def change(self, request: Request) -> None:
        """As answer().  One that takes the connection along by which it comes needs none: what came of it is read back."""
        try:
            self.answer(request)
        except Unreachable:
            if not self.api.cuts(request):
                raise
            self._again()

    def _again(self) -> None:
        """A new session, once its server has started."""
        until = time.monotonic() + STARTS
        while True:
            try:
                self.session.open()
                return
            except Unreachable:
                if time.monotonic() > until:
                    raise
            time.sleep(RETRY)

    def saving(self) -> tuple[str, int]:
        return self.api.saving(self.answer(self.api.mode))

    def unsettled(self, runs: tuple[str, ...] = (), besides: tuple[str, ...] = ()) -> str:
        """As of a device with a terminal."""
        mode, dummy = self.saving()
        return "" if mode == self.api.safe else NOT_SAFE.format(mode or "not told")

    def save_only(self, paths: tuple[str, ...]) -> bool:
        """What is changed here outside of a change is saved at once."""
        return not self.unsettled()

    def stated(self) -> tuple[str, ...]:
        """As of a device with a terminal."""
        return tuple(said(one) for one in self.api.others(self.text(), ()))

    def carry(self, steps: Iterable[Talk | Request]) -> str:
        """As of a device with a terminal."""
        said = list[str]()
        for step in steps:
            if not isinstance(step, Request):
                raise TypeError("a command of a terminal")
            said.append(self.answer(step))
        return "\n".join(said)


@dataclass(slots=True)
class ApiChanging(Steps[ApiDevice]):
    """One change on one device with an API.  before: all that it says but the lists; idle: the seconds that were set before."""

    before: tuple[tuple[str, ...], ...] = ()
    idle: int = 0

    def _unfit(self) -> str:
        device, api = self.device, self.device.api
        mode, self.idle = device.saving()
        if mode != api.safe:
            return NOT_SAFE.format(mode or "not told")
        why = self._not_planned()
        self.before = api.others(device.whole, self.both)
        return why

    def _arm(self) -> str:
        device, api = self.device, self.device.api
        self.armed = time.monotonic()
        device.answer(api.arm(self.seconds))
        mode, self.seconds = device.saving()  # as the device has it
        if mode != api.waits:
            return f"its timer was not armed: cfg-save is {mode or 'not told'}"
        return "somebody changed it while the timer was armed" if self._others(device.text()) else ""

    def _apply(self) -> str:
        """Request by request; one that is refused ends it, and what was done goes back."""
        device, api = self.device, self.device.api
        self.applying = True
        for request in api.put(self.new, self.old):
            device.change(request)
        now = device.text()
        if not self._has(now):
            return "it took the lists, and does not have them"
        return f"{count} settings changed that this change does not touch: somebody else is at work there" if (count := self._others(now)) else ""

    def _verify(self) -> str:
        """Over a new session; the handshake is with the new lists.  They are remembered as the device shows them."""
        self.device.session.open()
        return self._proved()

    def _confirm(self) -> str:
        """Over the session that came after the change, and only what is still there."""
        now = self.device.text()
        if self._others(now) or not self._has(now):
            return "what was proved is no longer what runs"
        self.evidence = {"connection": "fresh connection"}
        self.confirming = True
        self.confirming = not (why := self._save())
        return why

    def undo(self) -> dict[str, dict[str, list[str]]]:
        """For each list what it is now, as the device shows it, and what it was: one that was a default is put back by its values, too."""
        shown = [one for line in split(self.after.files[PATH].text or "") for one in statements(line)] if self.after else []
        paths = dict.fromkeys(self.device.api.path(one) for one in self.both)
        return {path: {name: [one for one in said if within(one, path)] for name, said in (("new", shown), ("old", self.old))} for path in paths}

    def _save(self) -> str:
        why = self.device.api.refused(*self.device.session.ask(self.device.api.save))
        return f"it does not save: {why}" if why else ""

    @property
    def both(self) -> tuple[str, ...]:
        return (*self.old, *self.new)

    def _has(self, whole: str) -> bool:
        return self.device.api.holds(whole, self.new, self.old)

    def _others(self, whole: str) -> int:
        """How many settings are not what they were, or where they were, without those of this change."""
        now = self.device.api.others(whole, self.both)
        return 0 if now == self.before else max(1, len(set(self.before) ^ set(now)))

    def _way_back(self, whole: str) -> tuple[Request, ...]:
        """Of those lists that are as this change left them; what somebody else made of one is his."""
        api = self.device.api
        back: list[str] = []
        beside: list[str] = []
        for path in dict.fromkeys(api.path(one) for one in self.both):
            old, new = (tuple(one for one in said if api.path(one) == path) for said in (self.old, self.new))
            if api.holds(whole, new, old):
                back += old
                beside += new
        return api.put(tuple(back), tuple(beside))

    # ------------------------------------------------------------ what became of it

    def resumed(self) -> Outcome:
        """Of a change whose controller died: applying, confirming, before and idle are set.  Raises Problem, Unreachable."""
        return self._state("its controller died")

    def _settle(self, why: str) -> Outcome:
        """What the device says in the end: as soon as it says it, else when it must have restarted."""
        ends = self.armed + self.seconds
        while True:
            pause = float(RETRY)
            try:
                self.device.session.open()
                return self._state(why)
            except Unreachable as error:
                why = joined(why, error)
            except Problem as error:  # it is there, but does not do as it is told: only its restart is left
                why = joined(why, error)
                pause = max(pause, ends - time.monotonic())
            if time.monotonic() > ends + GRACE:
                return Outcome("UNKNOWN", f"{why}; the device did not say what became of it until after its timer", None, self.after)
            time.sleep(pause)

    def _state(self, why: str) -> Outcome:
        """The outcome, once changes are saved by themselves again.  Raises Rejected when the device does not take what ends it."""
        device, api = self.device, self.device.api
        now = device.text()
        if self.confirming and self._has(now):
            unsaved = device.saving()[0] != api.safe and self._save()
            if not unsaved:
                self._end()
                return Outcome("CONFIRMED", "", None, self.after, self.evidence, self.proofs)
            why, self.confirming = joined(why, unsaved), False
        if self.applying and (back := self._way_back(now)):
            for request in back:
                device.change(request)
            now = device.text()
        old, others = api.holds(now, self.old, self.new), self._others(now)
        self._end()
        if not self.applying or (old and not others):
            return Outcome("REVERTED" if self.applying else "REFUSED", why or RESTARTED, None, self.after, proofs=self.proofs)
        as_told = f"the old lists are back, and {others} other settings are not what they were"
        what = as_told if old else "its lists are neither the old nor the new ones"
        return Outcome("REVERT_FAILED", joined(why, f"{what}: somebody else's, left as they are; look at it"), None, self.after)

    def _end(self) -> None:
        """Back to what was: changes are saved by themselves.  Saved once more, for nobody says whether that itself is one that waits."""
        device, api = self.device, self.device.api
        if device.saving() != (api.safe, self.idle):
            device.answer(api.disarm(self.idle))
            device.session.ask(api.save)
            if device.saving() != (api.safe, self.idle):
                raise Rejected("it does not save changes by itself again", device.host, "set cfg-save automatic")
