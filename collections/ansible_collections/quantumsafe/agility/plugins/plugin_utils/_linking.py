# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: two hosts in one task that share a key, whichever daemon takes it: how it gets from one to the other, whether both may
be changed, and what both remember."""

from __future__ import annotations

import contextlib
import fcntl
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ._campaign import Gate, id_prefix
from ._core.model import Activation, Plan, Problem
from ._core.report.output import file_name
from ._core.report.results import plain
from ._core.targets.answer import TransactionReport, parse_keys, parse_transactions
from ._core.targets.host import Unreachable
from ._core.targets.script import AnyChange, Message, compose_drop_keys, compose_status
from ._core.targets.sealed import compose_make, compose_receiver, compose_take, parse_make, parse_receiver, parse_take
from ._core.targets.survey import Survey
from ._core.targets.transact import Outcome, Prove
from ._outcome import carry_out
from ._run import Run, target
from ._undoing import LINK

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Looked:
    """One host in this task."""

    run: Run
    gate: Gate
    found: Survey

    @property
    def host(self) -> str:
        return self.run.host


@dataclass(frozen=True, slots=True)
class Side(Looked):
    """One end.  name: of it there; where: the line of a file that the key is about, path: of the file that holds it."""

    activation: Activation
    name: str
    where: str
    path: str

    def carry_out(self, id_: str, why: str, changes: Sequence[AnyChange], proof: Prove) -> Outcome:
        found = self.found
        return carry_out(self.run, id_, why, found.snapshot.identity, changes, (self.activation,), found.extra, proof)


@dataclass(frozen=True, slots=True)
class Kind:
    """What turns the key of a tunnel.  name: of the key; sides: of two hosts the ends of the tunnel of this name; steps: what may be asked for."""

    name: str
    sides: Callable[[Looked, Looked, str], tuple[Side, Side]]
    steps: Mapping[str, Callable[[Any, Any], None]]


def new_id(side: Side) -> str:
    """Of a transaction that both ends have."""
    return f"link-{id_prefix(side.run.result.campaign)[:40]}-{secrets.token_hex(3)}"


def deliver(makes: Side, takes: Side, id_: str, salt: str) -> tuple[str, str]:
    """A new key on both hosts, each in its own waiting place: (its digest, what it was sealed with).  Raises Problem."""

    def ask(side: Side, compose: Callable[[str], Message], parse: Callable[[str, str, str], T]) -> T:
        with _unseen(side.run):
            return side.run.channel.ask(compose, lambda output, nonce: parse(output, nonce, side.host))

    to = ask(takes, lambda nonce: compose_receiver(id_, nonce), parse_receiver)
    sealed = ask(makes, lambda nonce: compose_make(id_, salt, to, nonce), parse_make)
    digest = ask(takes, lambda nonce: compose_take(id_, salt, sealed, nonce), parse_take)
    if digest != sealed.digest:
        raise Problem("another key arrived than was sent", takes.host, "run it again; nothing was changed")
    return digest, "ML-KEM-768 and P-384" if sealed.kem else "P-384"


@contextmanager
def _unseen(run: Run) -> Iterator[None]:
    """What the host says meanwhile is in no -vvv."""
    context: Any = run.action._play_context
    before, context.no_log = context.no_log, True
    try:
        yield
    finally:
        context.no_log = before


@contextmanager
def reached(run: Run) -> Iterator[None]:
    """The other end that does not answer is no fault of this host's connection."""
    try:
        yield
    except Unreachable as problem:
        raise Problem(f"it does not answer: {problem.message}", run.host, f"{problem.remedy}; nothing was changed") from problem


@contextmanager
def turn(*runs: Run) -> Iterator[None]:
    """No other task of this controller is at one of these hosts meanwhile: spokes of one batch take turns at their hub."""
    with contextlib.ExitStack() as held:
        for run in sorted(runs, key=lambda one: one.host):  # everybody in this order, so that nobody waits in a circle
            path = run.output.parent / ".turns" / file_name(run.host)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fcntl.flock(held.enter_context(path.open("a")), fcntl.LOCK_EX)
        yield


def drop(side: Side, id_: str) -> None:
    """The key that waits there for a transaction that did not come."""
    with contextlib.suppress(Problem):
        side.run.channel.ask(lambda nonce: compose_drop_keys(id_, nonce), lambda out, nonce: parse_keys(out, nonce, side.host))


def remembered(side: Side) -> dict[str, TransactionReport]:
    with reached(side.run):
        reports = side.run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions)
    return {one.id: one for one in reports if LINK in one.started_by}


def may(here: Side, there: Side, what: str, warnings: Mapping[str, Sequence[str]]) -> bool:
    """The plan is told at both ends; whether it may be carried out.  warnings: by host."""
    for side, end in ((here, there), (there, here)):
        snapshot = side.found.snapshot
        reasons = (f"{side.name} with {end.host}: {what} ({side.where})",)
        told = tuple(warnings.get(side.host, ()))
        plan = Plan(side.host, snapshot.identity, "", (), (side.activation,), reasons=reasons, warnings=told)
        side.run.note(target=target(snapshot), plan=plain(plan))
        if snapshot.facts.get("uid") != "0":
            raise Problem("changing keys needs root", side.host, "add become: true, or -b")
    if here.run.action._task.check_mode:
        for side in (here, there):
            side.run.note(status="would-change")
        return False
    for side in (there, here):
        if stop := side.gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            side.run.note(status=side.gate.status, problem={"message": stop, "where": side.host, "remedy": side.gate.remedy})
            stopped(here, there, side)
            return False
    return True


def late(here: Side, there: Side) -> bool:
    """Whether the gate of one of them closed meanwhile."""
    for side in (there, here):
        if side.gate.late():
            stopped(here, there, side)
            return True
    return False


def stopped(here: Side, there: Side, by: Side) -> None:
    """The gate of one of them holds both; that says nothing about either."""
    for side in (here, there):
        side.gate.refused = True
        if side is not by:
            side.run.note(status=by.run.result.status, problem=of_other(by))


def of_other(side: Side) -> dict[str, str]:
    """What went wrong there, for the result of the host that has it from there."""
    problem = side.run.result.problem
    return {**problem, "where": "", "message": f"{side.host}, the other end: {problem.get('message', '')}"}
