"""What is the same of every change on a network device: its steps, and that each of them says why it did not come about.

Whatever happens after arming, the answer is what the device itself says in the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from ..appliances.lists import changed
from ..documents.lines import split
from ..model import Change, Problem, Snapshot
from .cli import Rejected
from .device import PATH
from .host import Unreachable
from .survey import Survey
from .transact import Outcome, Prove

RETRY = 3  # seconds between two tries to log in


class Looked(Protocol):
    def look(self) -> Survey: ...


D = TypeVar("D", bound=Looked)


@dataclass(slots=True)
class Steps(ABC, Generic[D]):
    """One change on one device.  prove: as for a host, between reload and confirm.  old, new: the statements of the lists that it touches."""

    device: D
    change: Change
    machine: str
    seconds: int
    prove: Prove
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    armed: float = 0.0
    applying: bool = False
    confirming: bool = False
    after: Snapshot | None = None
    proofs: tuple[Mapping[str, object], ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)
    noted: Callable[[bool], None] = lambda proved: None  # before it is armed, and before it is confirmed: for whoever finds it when we have died

    def run(self) -> Outcome:
        """Never raises once the timer was asked for; OSError before, where it cannot be noted."""
        try:
            why = self._unfit()
        except Problem as problem:
            why = str(problem)
        if why:
            return Outcome("REFUSED", why)
        self.noted(False)
        try:
            why = self._arm() or self._apply() or self._verify()
            if not why:
                self.noted(True)
                why = self._confirm()
        except (Unreachable, Rejected) as lost:
            why = str(lost)
        except Exception as error:  # a fault of ours must not leave a device pending in silence
            why = f"internal error: {type(error).__name__}: {error}"
        return self._settle(why)

    def _not_planned(self) -> str:
        """Why this is not what the plan was made for, "" = it is."""
        seen = self.device.look().snapshot
        if seen.identity.machine_id != self.machine:
            return "another device answers there than was planned for: its serial number is another one"
        if seen.files[PATH].sha256 != self.change.sha256:
            return "its configuration changed since the plan was made"
        self.old, self.new = changed(split(seen.files[PATH].text or ""), self.change.edits)
        return ""

    def _proved(self) -> str:
        """Reads it again, and proves it."""
        self.after = self.device.look().snapshot
        self.proofs, wrong = self.prove(self.after)
        return "; ".join(["nobody can tell whether it came about"] if wrong is None else wrong)

    # ------------------------------------------------------------ the steps: each says why it did not come about, "" = it did

    @abstractmethod
    def _unfit(self) -> str: ...

    @abstractmethod
    def _arm(self) -> str: ...

    @abstractmethod
    def _apply(self) -> str: ...

    @abstractmethod
    def _verify(self) -> str: ...

    @abstractmethod
    def _confirm(self) -> str: ...

    @abstractmethod
    def _settle(self, why: str) -> Outcome:
        """What became of it: what the device says."""


def joined(why: str, more: object) -> str:
    """Said once, however often it happens."""
    return why if str(more) in why else "; then: ".join(filter(None, (why, str(more))))
