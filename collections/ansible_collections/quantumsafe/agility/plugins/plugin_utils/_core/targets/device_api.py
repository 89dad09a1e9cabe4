"""A network device that has an API: one look, and one change with what it does by itself, when nobody saves in time, as the way back.

As for one with a terminal: arm → apply → verify → confirm, each told by what is read back, the confirming one over a new session.  But who is locked
out of SSH here still has the API, and to go back by itself a device restarts, which cuts all its traffic.  So what is not proved is taken back by
writing the old lists, and the restart is for when nobody can reach it any more, or it does not do as it is told.  Then nothing is asked of it until
its time is over, for its clock may count from our last word.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..appliances import snapshot_of
from ..appliances.appliance import Api, Appliance, Request
from ..documents.lines import split
from ..model import Change, Identity, Problem, Snapshot
from .api import Session
from .cli import Rejected
from .device import PATH, RETRY
from .host import Unreachable
from .survey import Survey, read
from .transact import Outcome, Prove

RESTARTED = "it restarted, and what was not saved is gone"
GRACE = 300  # seconds after its time within which a device must have restarted
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
    def head(self) -> int:
        return self.api.head

    def look(self) -> Survey:
        """Raises Problem, Unreachable, Unparsable; two requests, three where the release has the lists in a table."""
        self.release, serial = self.api.identify(self.answer(self.api.status))
        self.whole = self.text()
        snapshot = snapshot_of(self.whole.encode(errors="surrogateescape"), PATH, self.host, self.taken)
        if snapshot.facts["appliance"] != self.platform.name:
            raise Problem(f"it is {snapshot.facts['os_PRETTY_NAME']}", self.host, f"ansible_network_os says {self.api.systems[0]}")
        facts = {**snapshot.facts, "release": self.release, "os_VERSION_ID": self.release}
        snapshot = replace(snapshot, identity=Identity(machine_id=serial), facts=facts)
        return Survey(snapshot, read(snapshot, {}))

    def text(self) -> str:
        return self.api.text(self.answer(self.api.backup(self.release)), self.lists(), self.release)

    def lists(self) -> str:
        table = self.api.lists(self.release)
        return self.answer(table) if table else ""

    def answer(self, request: Request) -> str:
        """Raises Rejected, Unreachable."""
        status, said = self.session.ask(request)
        if why := self.api.refused(status, said):
            raise Rejected(f"{request.method} {request.path.partition('?')[0]}: {why}", self.host, RIGHTS)
        return said

    def saving(self) -> tuple[str, int]:
        return self.api.saving(self.answer(self.api.mode))


@dataclass(slots=True)
class ApiChanging:
    """One change on one device.  prove: as for a host, between reload and confirm."""

    device: ApiDevice
    change: Change
    machine: str
    seconds: int
    prove: Prove
    lines: tuple[str, ...] = ()  # what is written, and what it takes the place of
    olds: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ()  # all but the lists
    idle: int = 0  # the seconds that were set before
    armed: float = 0.0
    applying: bool = False
    confirming: bool = False
    after: Snapshot | None = None
    proofs: tuple[Mapping[str, object], ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)

    def run(self) -> Outcome:
        """Never raises once the device was told to take back what is not saved."""
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
        device, api = self.device, self.device.api
        mode, self.idle = device.saving()
        if mode != api.safe:
            return f"its changes are not saved by themselves (cfg-save is {mode or 'not told'}): somebody has not finished, or it is kept so"
        seen = device.look().snapshot
        if seen.identity.machine_id != self.machine:
            return "another device answers there than was planned for: its serial number is another one"
        if seen.files[PATH].sha256 != self.change.sha256:
            return "its configuration changed since the plan was made"
        text = split(seen.files[PATH].text or "")
        self.lines = tuple(line.rstrip() for edit in self.change.edits for line in edit.insert)
        self.olds = tuple(text[edit.line - 1].rstrip() for edit in self.change.edits)
        self.before = api.others(device.whole)
        return ""

    def _arm(self) -> str:
        device, api = self.device, self.device.api
        self.armed = time.monotonic()
        device.answer(api.arm(self.seconds))
        mode, dummy = device.saving()
        if mode != api.waits:
            return f"its timer was not armed: cfg-save is {mode or 'not told'}"
        return "somebody changed it while the timer was armed" if self._others() else ""

    def _apply(self) -> str:
        device, api = self.device, self.device.api
        self.applying = True
        device.answer(api.put(self.lines))
        if not self._has(self.lines):
            return "it took the lists, and does not have them"
        return f"{count} settings changed that this change does not touch: somebody else is at work there" if (count := self._others()) else ""

    def _verify(self) -> str:
        """Over a new session; the handshake is with the new lists.  They are remembered as the device shows them."""
        self.device.session.open()
        self.after = self.device.look().snapshot
        shown = {self._head(line): line.rstrip() for line in split(self.after.files[PATH].text or "")}
        self.lines = tuple(shown.get(self._head(line), line) for line in self.lines)
        self.proofs, wrong = self.prove(self.after)
        return "; ".join(["nobody can tell whether it came about"] if wrong is None else wrong)

    def _head(self, line: str) -> tuple[str, ...]:
        return tuple(line.split()[: self.device.api.head])

    def _confirm(self) -> str:
        """Over the session that came after the change, and only what is still there."""
        if self._others() or not self._has(self.lines):
            return "what was proved is no longer what runs"
        self.evidence = {"connection": "fresh connection"}
        self.confirming = True
        self.confirming = not (why := self._save())
        return why

    def undo(self) -> list[dict[str, object]]:
        """What a rollback needs: a list that was a default is put back by its values, too."""
        return [{"new": new, "old": old, "explicit": True} for new, old in zip(self.lines, self.olds, strict=True)]

    def _save(self) -> str:
        why = self.device.api.refused(*self.device.session.ask(self.device.api.save))
        return f"it does not save: {why}" if why else ""

    def _has(self, lines: tuple[str, ...]) -> bool:
        return self.device.api.holds(self.device.lists(), lines)

    def _others(self) -> int:
        """How many settings are not what they were, without those of this change."""
        return len(set(self.before) ^ set(self.device.api.others(self.device.text())))

    # ------------------------------------------------------------ what became of it

    def _settle(self, why: str) -> Outcome:
        """What the device says in the end: as soon as it says it, else when it must have restarted."""
        ends = self.armed + self.seconds
        while True:
            pause = float(RETRY)
            try:
                self.device.session.open()
                return self._state(why)
            except Unreachable as error:
                why = _and(why, error)
            except Problem as error:  # it is there, but does not do as it is told: only its restart is left
                why = _and(why, error)
                pause = max(pause, ends - time.monotonic())
            if time.monotonic() > ends + GRACE:
                return Outcome("UNKNOWN", f"{why}; the device did not say what became of it until after its timer", None, self.after)
            time.sleep(pause)

    def _state(self, why: str) -> Outcome:
        """The outcome, once changes are saved by themselves again.  Raises Rejected when the device does not take what ends it."""
        device = self.device
        if self.confirming and self._has(self.lines):
            unsaved = device.saving()[0] != device.api.safe and self._save()
            if not unsaved:
                self._end()
                return Outcome("CONFIRMED", "", None, self.after, self.evidence, self.proofs)
            why, self.confirming = _and(why, unsaved), False
        if self.applying and self._has(self.lines):
            device.answer(device.api.put(self.olds))
        old, others = self._has(self.olds), self._others()
        self._end()
        if not self.applying or (old and not others):
            return Outcome("REVERTED" if self.applying else "REFUSED", why or RESTARTED, None, self.after, proofs=self.proofs)
        back = f"the old lists are back, and {others} other settings are not what they were"
        what = back if old else "its lists are neither the old nor the new ones"
        return Outcome("REVERT_FAILED", _and(why, f"{what}: somebody else's, left as they are; look at it"), None, self.after)

    def _end(self) -> None:
        """Back to what was: changes are saved by themselves.  Saved once more, for nobody says whether that itself is one that waits."""
        device, api = self.device, self.device.api
        if device.saving() != (api.safe, self.idle):
            device.answer(api.disarm(self.idle))
            device.session.ask(api.save)
            if device.saving() != (api.safe, self.idle):
                raise Rejected("it does not save changes by itself again", device.host, "set cfg-save automatic")


def _and(why: str, more: object) -> str:
    return why if str(more) in why else "; then: ".join(filter(None, (why, str(more))))
