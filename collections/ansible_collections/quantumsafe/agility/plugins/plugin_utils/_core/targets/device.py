"""A network device that is logged in to, and one look at it.  A change of it: changing.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from ..appliances import snapshot_of
from ..appliances.appliance import Appliance, Live, Request, Timer
from ..appliances.keeping import Keeping, Talk
from ..appliances.lists import within
from ..model import Endpoint, Identity, Problem, Snapshot
from .cli import Rejected, Terminal
from .host import Unreachable
from .survey import Survey, read

PATH = "running-config"
ENABLE = "log in at level 15, or become: true with become_method: enable"


class Known(Protocol):
    """What a device is known by before it is asked."""

    platform: Appliance
    host: str
    taken: str


def identified(device: Known, text: str, release: str, serial: str, system: str) -> Snapshot:
    """What it shows, as that of this very device.  Raises Problem where another platform answers than ansible_network_os says, and Unparsable."""
    snapshot = snapshot_of(text.encode(errors="surrogateescape"), PATH, device.host, device.taken)
    if snapshot.facts["appliance"] != device.platform.name:
        raise Problem(f"it is {snapshot.facts['os_PRETTY_NAME']}", device.host, f"ansible_network_os says {system}")
    facts = {**snapshot.facts, "release": release, "os_VERSION_ID": release}
    return replace(snapshot, identity=Identity(machine_id=serial), facts=facts)


@dataclass(slots=True)
class Device:
    """One device.  close what it opened."""

    platform: Appliance
    live: Live
    terminal: Terminal
    host: str
    taken: str

    @property
    def writes(self) -> tuple[str, ...]:
        return self.live.writes

    @property
    def keeping(self) -> Keeping:
        return self.live.keeping

    # ------------------------------------------------------------ looking

    def look(self) -> Survey:
        """Raises Problem, Unreachable, Unparsable; two commands, three where it does not tell its defaults, or its serial number with its release."""
        release, serial = self.live.identify("\n".join(self.shown(command) for command in self.live.version))
        said = self._running()  # what is not whole is refused by its parser, with the line
        snapshot = identified(self, self.live.cut(said) or said, release, serial, self.terminal.system)
        return Survey(snapshot, tuple(self._reached(one) for one in read(snapshot, {})))

    def certified(self, found: Survey) -> Survey:
        """What was looked at, with its certificates: one command more, where its configuration does not hold them."""
        if not self.keeping.shows:
            return found
        file = found.snapshot.files[PATH]
        held = "".join(f"{one}\n" for one in self.keeping.told(self.shown(self.keeping.shows)))
        files = {PATH: replace(file, text=f"{(file.text or '').rstrip()}\n{held}")}
        return replace(found, snapshot=replace(found.snapshot, files=files))

    def _reached(self, endpoint: Endpoint) -> Endpoint:
        """Its SSH server answers where this very login came in."""
        return replace(endpoint, addresses=(("*", self.terminal.port),)) if endpoint.protocol == "ssh" else endpoint

    def _running(self) -> str:
        for command in self.live.running:
            said = self.terminal.ask(command)
            if not self._refusal(said) or self.live.cut(said):
                return said
        raise Rejected(f"`{command}`: {self._refusal(said)}", self.host, ENABLE)

    def shown(self, command: str) -> str:
        """What it shows.  Raises Rejected."""
        said = self.terminal.ask(command)
        if (why := self._refusal(said)) and not self.live.cut(said):
            raise Rejected(f"`{command}`: {why}", self.host, ENABLE)
        return said

    def _refusal(self, said: str) -> str:
        found = self.live.refused.search(said)
        return found[0].strip() if found else ""

    # ------------------------------------------------------------ what a change asks and says

    def say(self, *commands: str) -> str:
        """Why the first one was refused that was, "" = none; those behind it are not sent."""
        live, ask = self.live, self.terminal.ask
        return next((why for command in commands if (why := self._refusal(ask(command, live.question, live.answer)))), "")

    def plain(self, command: str = "") -> tuple[str, ...]:
        """What runs, or what starts.  Raises Unreachable for half of it: with libssh a connection that ends looks like an answer that does."""
        if not (found := self.live.comparable(self.shown(command or self.live.plain))):
            raise Unreachable(f"no whole configuration was shown by `{command or self.live.plain}`", self.host, "look at the device")
        return found

    def unsettled(self, runs: tuple[str, ...] = (), besides: tuple[str, ...] = ()) -> str:
        """Whose change is not finished there, "" = nobody's.  runs: plain(), where that is known; besides: paths of what may not have been saved."""
        runs = runs or self.plain()
        if found := self.waiting():
            return f"{_whose(found[0])} waits there, and is not confirmed"
        said = runs, self.plain(self.live.startup) if self.live.startup else runs
        mine, starts = ([one for one in each if not any(within(one, path) for path in besides)] for each in said)
        if mine != starts:
            return "what runs is not what would start: somebody has not saved, or has not finished"
        return ""

    def save_only(self, paths: tuple[str, ...]) -> bool:
        """Whether what starts is what runs: it is saved where nothing but these paths would be."""
        live = self.live
        if not live.startup:
            return True
        now, starts = self.plain(), self.plain(live.startup)
        if not all(any(within(line, path) or within(path, line) for path in paths) for line in set(now) ^ set(starts)):
            return False
        if now != starts:
            self.say(*live.save)
        return self.plain(live.startup) == now

    def stated(self) -> tuple[str, ...]:
        """What runs, as statements, with its certificates and what waits for one."""
        said = [self.shown(one) for one in (self.keeping.shows, self.keeping.waits) if one]
        return (*self.plain(), *self.keeping.told("\n".join(said)))

    def carry(self, steps: Iterable[Talk | Request]) -> str:
        """All that was said.  Raises Rejected at the first that was not done, and then leaves the mode in which that was; Unreachable."""
        asks, heard = self.keeping.asks, list[str]()
        for step in steps:
            if not isinstance(step, Talk):
                raise TypeError("a request of an API")
            heard.append(self.terminal.talk(step.command, asks, step.replies))
            why = self._refusal(heard[-1]) if not step.done else "" if re.search(step.done, heard[-1]) else heard[-1].strip()[-200:]
            if why:
                self.terminal.close()
                why = "what it says may hold a key, and is not told" if step.quiet else why
                raise Rejected(f"it does not do `{step.command}`: {why}", self.host, "look at the device; what it shows is what it was")
        return "\n".join(heard)

    def waiting(self) -> tuple[Timer, ...]:
        return self.live.waiting(self.terminal.ask(self.live.pending))


def _whose(timer: Timer) -> str:
    named = f" ({timer.name})" if timer.name else ""
    return f"a change of {timer.user or 'somebody'}{named}"
