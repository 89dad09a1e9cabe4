"""One change on one network device, with the device's own timer as the way back.

A change is arm → apply → verify → confirm, each told by what is read back and not by what a reply says; where lines are a candidate, what makes them
count arms the timer, too.  Before the verifying login the first one is closed: the timer is the rescue, not an old session.  Whatever happens after
arming, the answer is what the device itself says in the end.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field

from ..appliances.appliance import Live, Order, Timer
from ..appliances.lists import within
from .cli import Rejected
from .device import Device
from .host import Unreachable
from .steps import RETRY, Steps, joined
from .transact import Outcome

STARTUP = "startup-config"  # in the evidence: what became of it
_SIGNED = re.compile(r"^[-+](?![-+]{2} )(.*)", re.MULTILINE)


def minutes_of(seconds: int) -> int:
    """The device's timer knows whole minutes."""
    return max(1, -(-seconds // 60))


@dataclass(slots=True)
class Changing(Steps[Device]):
    """One change on one device with a terminal."""

    order: Order = field(init=False)
    before: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    ours: bool = False

    @property
    def live(self) -> Live:
        return self.device.live

    # ------------------------------------------------------------ the steps: each says why it did not come about, "" = it did

    def _unfit(self) -> str:
        device = self.device
        self.before = device.plain()
        if why := device.unsettled(self.before) or self._not_planned():
            return why
        self.order = Order(f"agility-{secrets.token_hex(4)}", minutes_of(self.seconds), self.old, self.new)
        return ""

    def _arm(self) -> str:
        """A candidate is armed by what makes it count."""
        self.armed, self.ours = time.monotonic(), True
        if self.live.drop:
            return ""
        if why := self.device.say(*self.live.arm(self.order)):
            self.ours = False
            return f"its timer was not armed: {why}"
        if not self._waits():
            return "its timer was not armed: it says that none of ours runs"
        return "" if self.device.plain() == self.before else "somebody changed it while the timer was armed"

    def _apply(self) -> str:
        """What stands behind a line that is refused is not sent: it could count in another mode.  What runs is read back all the same."""
        live, device = self.live, self.device
        self.applying = not live.drop
        if why := device.say(*live.enter(self.order)):
            return f"it lets nobody change it now: {why}"
        refused = next((f"it does not take `{line}`: {why}" for line in live.lines(self.order) if (why := device.say(line))), "")
        if live.drop and (why := refused or self._undoes()):
            device.say(*live.drop)
            return why
        self.applying = True
        counted = self._count()  # of a restart that was cut short by a refused line, its other half is missing
        return refused or counted

    def _undoes(self) -> str:
        """What others did since a candidate was begun: lines that are neither of our lists nor what those stand below."""
        ours = (*self.order.old, *self.order.new)
        said = _SIGNED.findall(self.device.shown(self.live.review)) if self.live.review else ()
        theirs = any(line.strip("!") and not any(one.endswith(line) or within(one, line) for one in ours) for line in map(str.strip, said))
        return "somebody changed other lines meanwhile, which this change would undo" if theirs else ""

    def _count(self) -> str:
        """Its end makes a candidate count, and arms the timer."""
        live, device = self.live, self.device
        if why := device.say(*live.close(self.order)):
            device.say(*live.drop)
            return f"it does not make them count: {why}"
        if live.drop and not self._waits():
            return "its timer was not armed: it says that none of ours runs"
        self.wanted = device.plain()
        gone, come = set(self.before) - set(self.wanted) - set(self.order.old), set(self.wanted) - set(self.before) - set(self.order.new)
        if not gone and not come:
            return ""
        return f"{len(gone | come)} lines changed that this change does not touch: somebody else is at work there, so it goes back as a whole"

    def _verify(self) -> str:
        """Over a new login, whose algorithms are the new ones."""
        try:
            self.device.terminal.open()
        except Unreachable as locked:
            return f"no new login after the change: {locked.message}"
        return self._proved()

    def _confirm(self) -> str:
        """Over the login that came after the change, and only what is still there."""
        if self.device.plain() != self.wanted:
            return "somebody changed it while it was proved, so it goes back as a whole"
        self.evidence = {"connection": "fresh connection", **self.device.terminal.negotiated()}
        self.confirming = True
        self.device.say(*self.live.confirm(self.order))
        return ""

    # ------------------------------------------------------------ what became of it

    def _settle(self, why: str) -> Outcome:
        """What the device says in the end: as soon as it says it, else when its timer must have run out."""
        until = self.armed + 60 * self.order.minutes + self.live.slow
        while True:
            try:
                self.device.terminal.open()
                if outcome := self._state(why):
                    return outcome
            except (Unreachable, Rejected) as error:
                why = joined(why, error)
            if time.monotonic() > until:
                return Outcome("UNKNOWN", f"{why}; the device did not say what became of it until after its timer", None, self.after)
            time.sleep(RETRY)

    def _waits(self) -> bool:
        """Whether our change waits there: nothing of anybody else is taken back."""
        return self.ours and any(self._mine(one) for one in self.device.waiting())

    def _mine(self, timer: Timer) -> bool:
        return timer.name == self.order.name if timer.name else timer.user in ("", self.device.terminal.user or timer.user)

    def _state(self, why: str) -> Outcome | None:
        """The outcome; None while our change still waits there, which is taken back unless it was taken back already."""
        device = self.device
        if self._waits():
            self._take_back()
            if self._waits():
                return None
        now = device.plain()
        if now == self.before or not self.applying:
            why = why or "its timer took the change back"
            return Outcome("REVERTED" if self.applying else "REFUSED", why, None, self.after, proofs=self.proofs)
        if self.confirming and now == self.wanted:
            return self._saved(now)
        what = "the new configuration, which somebody else confirmed" if now == self.wanted else "neither the old nor the new configuration"
        recipe = f"what runs there is {what}; look at it, and at `{self.live.pending}`"
        return Outcome("REVERT_FAILED", f"{why}; {recipe}" if why else recipe, None, self.after)

    def _take_back(self) -> None:
        """Where that does not stop the timer, it is stopped once the old configuration runs."""
        device, live = self.device, self.live
        if not live.stops:
            device.say(*live.revert(self.order))
            return
        if device.plain() != self.before:
            device.say(*live.revert(self.order))
        if device.plain() == self.before:
            device.say(*live.confirm(self.order))

    def _saved(self, now: tuple[str, ...]) -> Outcome:
        """Confirmed, so it may be what starts; that is read back as well.  A device that is lost here is asked again what it is."""
        device, live = self.device, self.live
        if live.startup:
            device.say(*live.save)
            self.evidence[STARTUP] = "written and compared" if device.plain(live.startup) == now else "not written"
        else:
            self.evidence[STARTUP] = "is what is committed"
        return Outcome("CONFIRMED", "", None, self.after, self.evidence, self.proofs)
