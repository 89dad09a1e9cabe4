"""One good change (two files in two folders, one new file), every verb that carries it on or back, and the rollback of it.

A phase starts from the disk as the verbs before it left it, and runs one verb; faults are put into that.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, Identity
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script

from .invariant import Facts, look
from .machine import NONCE, Machine, Outcome
from .tracing import Fault

TOKEN = "a token that only the controller knows"
FILES = ("etc/app/main.conf", "etc/with space/other.conf", "etc/app/added.conf")
FIRST, SECOND = "t-1", "t-2"
# user::rw- user:4711:r-- group::r-- mask::r-- other::---
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry) for entry in ((1, 6, 2**32 - 1), (2, 4, 4711), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1))
)


def install(machine: Machine) -> None:
    """The files as they are before anything."""
    machine.build()
    for name, text in zip(FILES[:2], ("first 1\nsecond 1\nthird 1\n", "alone 1"), strict=True):
        path = machine.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.chown(path, 1, 2)
        path.chmod(0o640)
        if machine.shell != "ash":  # the cp of busybox keeps neither: see README.md
            os.setxattr(path, "user.origin", b"kept")
            os.setxattr(path, "system.posix_acl_access", ACL)
        os.utime(path, ns=(10**18 + 1, 10**18 + 123456789))
    machine.load()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def transaction(machine: Machine, id_: str, *changes: Change | script.Restore) -> script.Transaction:
    service = Activation("demo", ("demo.service",), (), (str(machine.root / "stubs/check"),), "reload")
    return script.Transaction(id_, 60, Identity(), "the torture", changes, (service,), hashlib.sha256(TOKEN.encode()).hexdigest())


def apply(machine: Machine) -> str:
    main, other, added = machine.targets
    changes = (
        Change(str(main), sha256(main), (Edit(2, 1, ("second 2\n", "and more\n")),)),
        Change(str(other), sha256(other), (Edit(1, 1, ("alone 2",)),)),
        Change(str(added), "", (Edit(1, 0, ("added 2\n",)),), mode="0600"),
    )
    return script.compose_apply(transaction(machine, FIRST, *changes), {}, NONCE)


def rollback(machine: Machine) -> str:
    main, other, added = machine.targets
    changes = (
        script.Restore(str(main), sha256(main), FIRST, 1),
        script.Restore(str(other), sha256(other), FIRST, 2),
        script.Restore(str(added), sha256(added), FIRST, 3, kind="remove"),
    )
    return script.compose_apply(transaction(machine, SECOND, *changes), {}, NONCE)


@dataclass(frozen=True, slots=True)
class Phase:
    """image: the disk that it starts from; id: the transaction; text: what is sent, or the verb of the copy on the host."""

    name: str
    image: str
    id: str
    text: Callable[[Machine], str] | None = None
    verb: str = ""
    late: bool = False
    booted: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """files: what the daemon loads, relative to the machine's root; install: as it is before; apply, rollback: what is sent."""

    files: tuple[str, ...]
    install: Callable[[Machine], None]
    apply: Callable[[Machine], str]
    rollback: Callable[[Machine], str]

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("apply", "fresh", FIRST, self.apply),
            Phase("confirm", "applied", FIRST, lambda machine: Bench.confirm_text(FIRST)),
            Phase("revert", "applied", FIRST, lambda machine: script.compose_revert(FIRST, "asked for", NONCE)),
            Phase("deadline", "applied", FIRST, verb="watch", late=True),
            Phase("boot", "applied", FIRST, verb="boot", booted=True),
            Phase("recover", "applied", FIRST, lambda machine: script.compose_recover(NONCE), late=True),
            Phase("rollback", "cleaned", SECOND, self.rollback),
        )


EDITS = Story(FILES, install, apply, rollback)
PHASES = EDITS.phases


@dataclass
class Bench:
    """A machine and the disks from which its phases start."""

    machine: Machine
    images: Path
    story: Story = EDITS

    @classmethod
    def make(cls, folder: Path, machine: Machine, story: Story = EDITS) -> Bench:
        machine.root.mkdir(parents=True, exist_ok=True)
        bench = cls(machine, folder, story)
        bench.prepare()
        return bench

    def prepare(self) -> None:
        machine = self.machine
        self.story.install(machine)
        machine.keep(self.images / "fresh")
        self.old = look(machine)
        self._expect(machine.send(self.story.apply(machine)), "RELOADED")
        machine.keep(self.images / "applied")
        self._expect(self.confirm(FIRST), "CLEANED")
        machine.stop()  # a poller that ends just now would take its lock away while the disk is copied
        for number, path in enumerate(machine.targets):  # long ago, so that a rollback that is taken back must bring the times back
            os.utime(path, ns=(10**18 + 7, 10**18 + number))
        self.new = look(machine)
        machine.keep(self.images / "cleaned")
        machine.stop()

    @staticmethod
    def _expect(outcome: Outcome, state: str) -> None:
        if not outcome.report or outcome.report.state != state:
            raise AssertionError(f"without any fault: {state} expected, {outcome.report or outcome.output}")

    def states(self, phase: Phase) -> tuple[Facts, Facts]:
        """What the files are before that transaction, and after it."""
        return (self.new, self.old) if phase.id == SECOND else (self.old, self.new)

    def confirm(self, id_: str, token: str = TOKEN) -> Outcome:
        return self.machine.send(self.confirm_text(id_, token))

    @staticmethod
    def confirm_text(id_: str, token: str = TOKEN) -> str:
        return script.compose_confirm(id_, token, NONCE)

    def recover(self) -> Outcome:
        return self.machine.send(script.compose_recover(NONCE))

    def begin(self, phase: Phase) -> None:
        self.machine.restore(self.images / phase.image, pollers=not (phase.verb or phase.late))
        if phase.late:
            self.machine.pass_the_deadline()
        if phase.booted:
            self.machine.boot_id("second", "50.00 1.00\n")

    def run(self, phase: Phase, fault: Fault | None, answer_to: Callable[[str], None] | None = None) -> Outcome:
        machine = self.machine
        if phase.text:
            return machine.send(phase.text(machine), fault, answer_to)
        agent = machine.state / "tx" / phase.id / "agent.sh"
        return machine.run([str(machine.root / "bin/sh"), str(agent), phase.verb], None, fault, answer_to)

    def close(self) -> None:
        self.machine.stop()
        shutil.rmtree(self.machine.root, ignore_errors=True)
        shutil.rmtree(self.images, ignore_errors=True)
