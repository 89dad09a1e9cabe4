"""What a run has left on a device when its controller died: found by what stands there, and by what was written down before it began.

A change that was proved is finished; any other is taken back.  A timer or a candidate that is not surely ours is left alone, and so are lists that
somebody has changed since.  Whatever is asked twice comes to the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from ..appliances.appliance import Order, Timer
from ..appliances.lists import place_of, placed, within
from ..documents.lines import split
from ..model import Change, Problem, Snapshot
from . import steps
from .changing import STARTUP, minutes_of
from .device import PATH, Device
from .device_api import ApiChanging, ApiDevice
from .transact import Outcome

MARGIN = 300  # seconds that a run may take until the timer runs
TRIES = 20
Lists = Literal["old", "new", "other"]
Whose = Literal["", "ours", "theirs"]
# CONFIRMED and REVERTED are what became of it; undo: it stands and was never proved; waits, changed: somebody else's.
Step = Literal["CONFIRMED", "REVERTED", "confirm", "take back", "undo", "waits", "changed"]

# (lists, timer, whether it was proved) → what is to be done; the first row that fits, None = whatever it is.
STEPS: tuple[tuple[Lists | None, Whose, bool | None, Step], ...] = (
    (None, "theirs", None, "waits"),
    ("new", "ours", True, "confirm"),
    (None, "ours", None, "take back"),
    ("old", "", None, "REVERTED"),
    ("new", "", True, "CONFIRMED"),
    ("new", "", False, "undo"),
    ("other", "", None, "changed"),
)


@dataclass(frozen=True, slots=True)
class Left:
    """A change as it was written down.  name, user: by which the device knows it; seconds: until the device takes it back; since: when it was begun,
    in seconds of the controller's clock; old, new: the statements of its lists; idle: the timeout that was set before, where there is an API."""

    machine: str
    name: str
    user: str
    seconds: int
    since: float
    old: tuple[str, ...]
    new: tuple[str, ...]
    proved: bool
    idle: int = 0

    @property
    def order(self) -> Order:
        return Order(self.name, minutes_of(self.seconds), self.old, self.new)


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands there now.  seen: the configuration."""

    step: Step
    lists: Lists
    seen: Snapshot
    timers: tuple[Timer, ...] = ()


def step_of(lists: Lists, timer: Whose, proved: bool) -> Step:
    return next(step for one, whose, known, step in STEPS if one in (None, lists) and whose == timer and known in (None, proved))


def stand(device: Device | ApiDevice, left: Left) -> Stand:
    """Changes nothing.  Raises Problem for another device, Unreachable."""
    seen = device.look().snapshot
    if seen.identity.machine_id != left.machine:
        raise Problem("another device answers there than was changed: its serial number is another one", device.host, "look at it")
    if isinstance(device, ApiDevice):
        held, api = device.whole, device.api
        lists: Lists = "new" if api.holds(held, left.new, left.old) else "old" if api.holds(held, left.old, left.new) else "other"
        return Stand(step_of(lists, _mode(device, left), left.proved), lists, seen)
    lists, timers = _lists(device, seen, left), device.waiting()
    mine = [one for one in timers if _mine(device, one, left, lists)]
    return Stand(step_of(lists, "ours" if mine else "theirs" if timers else "", left.proved), lists, seen, timers)


def _mode(device: ApiDevice, left: Left) -> Whose:
    """A mode with the way back is ours when it is as we have asked for it."""
    mode, seconds = device.saving()
    if mode == device.api.safe:
        return ""
    return "ours" if mode == device.api.waits and f": {seconds}}}" in device.api.arm(left.seconds).body else "theirs"


def _lists(device: Device, seen: Snapshot, left: Left) -> Lists:
    now = [one for dummy, one in placed(split(seen.files[PATH].text or ""))]
    paths = _places(device, left)

    def of(said: tuple[str, ...] | list[str]) -> list[list[str]]:
        return [[one for one in said if within(one, path)] for path in paths]

    return "new" if of(now) == of(left.new) else "old" if of(now) == of(left.old) else "other"


def _places(device: Device, left: Left) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place_of(device.live, one) for one in (*left.old, *left.new)))


def _mine(device: Device, timer: Timer, left: Left, lists: Lists) -> bool:
    """By its name; where changes have none, by whose it is, and as long as ours can wait there."""
    if timer.name:
        return timer.name == left.name
    ends = left.since + 60 * left.order.minutes + device.live.slow + MARGIN
    whose = timer.user in ("", left.user) and time.time() < ends
    return whose and (lists != "other" or not device.live.stops)  # where lines count together, half of them are somebody else's


# ---------------------------------------------------------------- doing it


def resume(device: Device | ApiDevice, left: Left) -> tuple[Stand, Outcome]:
    """What stands in the end, and what became of it; "UNKNOWN" where it is not for us to end it.  Raises Problem, Unreachable."""
    found = stand(device, left)
    if isinstance(device, ApiDevice):
        if found.step not in ("confirm", "take back"):
            return found, Outcome(found.step if found.step in ("CONFIRMED", "REVERTED") else "UNKNOWN")
        return found, _ended(device, left)
    for again in range(TRIES):
        if found.step not in ("confirm", "take back"):
            break
        if again:
            time.sleep(steps.RETRY)
        _end(device, left, found)
        device.terminal.open()
        found = stand(device, left)
    if found.step == "CONFIRMED":
        return found, Outcome("CONFIRMED", evidence={STARTUP: _saved(device, left)})
    return found, Outcome("REVERTED" if found.step == "REVERTED" else "UNKNOWN")


def _end(device: Device, left: Left, found: Stand) -> None:
    """A timer without a name behind which nothing of ours stands is stopped, and what others did meanwhile stays."""
    live, order = device.live, left.order
    stopped = found.lists == "old" and not any(one.name for one in found.timers)
    if found.step == "confirm" or stopped:
        device.say(*live.confirm(order))
        return
    device.say(*live.revert(order))
    if live.stops and _lists(device, device.look().snapshot, left) == "old":
        device.say(*live.confirm(order))


def _saved(device: Device, left: Left) -> str:
    """What starts is what runs; it is saved only where nothing but our lists would be."""
    if not device.live.startup:
        return "is what is committed"
    return "written and compared" if device.save_only(_places(device, left)) else "not written"


def _ended(device: ApiDevice, left: Left) -> Outcome:
    changing = ApiChanging(device, Change(PATH, "", ()), left.machine, left.seconds, lambda after: ((), []), left.old, left.new)
    changing.before, changing.idle = device.api.others(device.whole, changing.both), left.idle
    changing.applying, changing.confirming = True, left.proved
    return changing.resumed()
