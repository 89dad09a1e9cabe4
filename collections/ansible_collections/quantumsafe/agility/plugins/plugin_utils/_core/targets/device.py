"""A network device that is logged in to: one look, and one change with the device's own timer as the way back.

A change is arm → apply → verify → confirm, each told by what is read back and not by what a reply says.  Before the verifying login the first one is
closed: the timer is the rescue, not an old session.  Whatever happens after arming, the answer is what the device itself says in the end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..appliances import snapshot_of
from ..appliances.appliance import Appliance, Live
from ..documents.lines import split
from ..model import Change, Endpoint, Identity, Problem, Snapshot
from .cli import Rejected, Terminal
from .host import Unreachable
from .survey import Survey, read
from .transact import Outcome, Prove

PATH = "running-config"
ENABLE = "log in at level 15, or become: true with become_method: enable"
GRACE = 60  # seconds after the timer within which a device must have gone back
RETRY = 3  # seconds between two tries to log in
HEAD = 5  # words of a line that say which list it is
STARTUP = "startup-config"  # in the evidence: what became of it


def minutes_of(seconds: int) -> int:
    """The device's timer knows whole minutes."""
    return max(1, -(-seconds // 60))


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
    def head(self) -> int:
        return HEAD

    # ------------------------------------------------------------ looking

    def look(self) -> Survey:
        """Raises Problem, Unreachable, Unparsable; two commands, three where the device does not tell its defaults."""
        release, serial = self.live.identify(self._shown(self.live.version))
        said = self._running()  # what is not whole is refused by its parser, with the line
        snapshot = snapshot_of((self.live.cut(said) or said).encode(), PATH, self.host, self.taken)
        if snapshot.facts["appliance"] != self.platform.name:
            raise Problem(f"it is {snapshot.facts['os_PRETTY_NAME']}", self.host, f"ansible_network_os says {self.terminal.system}")
        facts = {**snapshot.facts, "release": release, "os_VERSION_ID": release}
        snapshot = replace(snapshot, identity=Identity(machine_id=serial), facts=facts)
        return Survey(snapshot, tuple(self._reached(one) for one in read(snapshot, {})))

    def _reached(self, endpoint: Endpoint) -> Endpoint:
        """Its SSH server answers where this very login came in."""
        return replace(endpoint, addresses=(("*", self.terminal.port),)) if endpoint.protocol == "ssh" else endpoint

    def _running(self) -> str:
        for command in self.live.running:
            said = self.terminal.ask(command)
            if not self._refusal(said) or self.live.cut(said):
                return said
        raise Rejected(f"`{command}`: {self._refusal(said)}", self.host, ENABLE)

    def _shown(self, command: str) -> str:
        """What it shows.  Raises Rejected."""
        said = self.terminal.ask(command)
        if (why := self._refusal(said)) and not self.live.cut(said):
            raise Rejected(f"`{command}`: {why}", self.host, ENABLE)
        return said

    def _refusal(self, said: str) -> str:
        found = self.live.refused.search(said)
        return found[0].strip() if found else ""

    def _plain(self, command: str = "") -> tuple[str, ...]:
        """What runs, or what starts.  Raises Unreachable for half of it: with libssh a connection that ends looks like an answer that does."""
        if not (found := self.live.comparable(self._shown(command or self.live.plain))):
            raise Unreachable(f"no whole configuration was shown by `{command or self.live.plain}`", self.host, "look at the device")
        return found

    def _timer(self) -> str:
        """Who waits to confirm a change, "" = nobody."""
        found = self.live.timer(self.terminal.ask(self.live.pending))
        return found.user if found else ""


@dataclass(slots=True)
class Changing:
    """One change on one device.  prove: as for a host, between reload and confirm."""

    device: Device
    change: Change
    machine: str
    seconds: int
    prove: Prove
    lines: tuple[str, ...] = ()  # what is written, and what it takes the place of
    olds: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    armed: float = 0.0
    ours: bool = False
    applying: bool = False
    confirming: bool = False
    after: Snapshot | None = None
    proofs: tuple[Mapping[str, object], ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)

    def run(self) -> Outcome:
        """Never raises once the timer was asked for."""
        try:
            why = self._unfit()
        except Problem as problem:
            why = str(problem)
        if why:
            return Outcome("REFUSED", why)
        try:
            why = self._arm() or self._apply() or self._verify() or self._confirm()
        except (Unreachable, Rejected) as lost:
            why = str(lost)
        except Exception as error:  # a fault of ours must not leave a device pending in silence
            why = f"internal error: {type(error).__name__}: {error}"
        return self._settle(why)

    # ------------------------------------------------------------ the steps: each says why it did not come about, "" = it did

    def _unfit(self) -> str:
        device = self.device
        self.before = device._plain()
        if somebody := device._timer():
            return f"a change of {somebody} waits to be confirmed there"
        if self.before != device._plain(device.live.startup):
            return "what runs is not what would start: somebody has not saved, or has not finished"
        seen = device.look().snapshot
        if seen.identity.machine_id != self.machine:
            return "another device answers there than was planned for: its serial number is another one"
        if seen.files[PATH].sha256 != self.change.sha256:
            return "its configuration changed since the plan was made"
        text = split(seen.files[PATH].text or "")
        self.lines = tuple(line.rstrip() for edit in self.change.edits for line in edit.insert)
        self.olds = tuple(text[edit.line - 1].rstrip() for edit in self.change.edits)
        return ""

    def _arm(self) -> str:
        live, terminal = self.device.live, self.device.terminal
        self.armed, self.ours = time.monotonic(), True
        if why := self.device._refusal(terminal.ask(live.arm(minutes_of(self.seconds)))):
            self.ours = False
            return f"its timer was not armed: {why}"
        terminal.ask(live.leave)
        if not self._waits():
            return "its timer was not armed: it says that none of ours runs"
        return "" if self.device._plain() == self.before else "somebody changed it while the timer was armed"

    def _apply(self) -> str:
        live, terminal = self.device.live, self.device.terminal
        self.applying = True
        terminal.ask(live.enter)
        refused = [f"it does not take `{line}`: {why}" for line in self.lines if (why := self.device._refusal(terminal.ask(line)))]
        terminal.ask(live.leave)
        self.wanted = self.device._plain()
        gone, come = set(self.before) - set(self.wanted) - set(self.olds), set(self.wanted) - set(self.before) - set(self.lines)
        if not refused and (gone or come):
            return f"{len(gone | come)} lines changed that this change does not touch: somebody else is at work there, and that went back with it"
        return "; ".join(refused)

    def _verify(self) -> str:
        """Over a new login, whose algorithms are the new ones."""
        try:
            self.device.terminal.open()
        except Unreachable as locked:
            return f"no new login after the change: {locked.message}"
        self.after = self.device.look().snapshot
        self.proofs, wrong = self.prove(self.after)
        return "; ".join(["nobody can tell whether it came about"] if wrong is None else wrong)

    def _confirm(self) -> str:
        """Over the login that came after the change, and only what is still there."""
        if self.device._plain() != self.wanted:
            return "somebody changed it while it was proved, and that went back with it"
        self.evidence = {"connection": "fresh connection", **self.device.terminal.negotiated()}
        self.confirming = True
        self.device.terminal.ask(self.device.live.confirm)
        return ""

    def undo(self) -> list[dict[str, object]]:
        """What a rollback needs."""
        return [{"new": new, "old": old, "explicit": old in self.before} for new, old in zip(self.lines, self.olds, strict=True)]

    # ------------------------------------------------------------ what became of it

    def _settle(self, why: str) -> Outcome:
        """What the device says in the end: as soon as it says it, else when its timer must have run out."""
        until = self.armed + 60 * minutes_of(self.seconds) + GRACE
        while True:
            try:
                self.device.terminal.open()
                if outcome := self._state(why):
                    return outcome
            except (Unreachable, Rejected) as error:
                why = why if str(error) in why else "; then: ".join(filter(None, (why, str(error))))
            if time.monotonic() > until:
                return Outcome("UNKNOWN", f"{why}; the device did not say what became of it until after its timer", None, self.after)
            time.sleep(RETRY)

    def _waits(self) -> bool:
        """Whether our change waits there: nothing of anybody else is taken back."""
        user = self.device._timer()
        return self.ours and user != "" and user in (self.device.terminal.user or user, "somebody")

    def _state(self, why: str) -> Outcome | None:
        """The outcome; None while our change still waits there, which is taken back unless it was taken back already."""
        device = self.device
        if self._waits():
            device.terminal.ask(device.live.revert)
            if self._waits():
                return None
        now = device._plain()
        if now == self.before:
            why = why or "its timer took the change back"
            return Outcome("REVERTED" if self.applying else "REFUSED", why, None, self.after, proofs=self.proofs)
        if self.confirming and now == self.wanted:
            return self._saved(now)
        what = "the new configuration, which somebody else confirmed" if now == self.wanted else "neither the old nor the new configuration"
        recipe = f"what runs there is {what}; look at it, and at `{device.live.pending}`"
        return Outcome("REVERT_FAILED", f"{why}; {recipe}" if why else recipe, None, self.after)

    def _saved(self, now: tuple[str, ...]) -> Outcome:
        """Confirmed, so it may be what starts; that is read back as well.  A device that is lost here is asked again what it is."""
        device = self.device
        device.terminal.ask(device.live.save)
        same = device._plain(device.live.startup) == now
        self.evidence[STARTUP] = "written and compared" if same else "not written"
        return Outcome("CONFIRMED", "", None, self.after, self.evidence, self.proofs)
