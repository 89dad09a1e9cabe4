# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one change at both ends of a link whose two states do not work with each other, as that of a preshared key.

Two hosts cannot be told at one moment, so one end decides and the other follows.  Both are armed and both have changed; then the follower is told to
follow, then the end that decides is confirmed, then the follower.  Whoever is lost on the way: the end that decides is confirmed or goes back at its
deadline, and the follower, whose deadline is later, finds out which by shaking hands with it (agent/psk.sh, ca_follows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ._campaign import Gate
from ._core.model import Problem, Snapshot
from ._core.services.wireguard_key import KeyEnd
from ._core.targets import psk
from ._core.targets.answer import parse_transaction
from ._core.targets.host import Unreachable
from ._core.targets.script import AnyChange, Message
from ._core.targets.survey import Survey
from ._core.targets.transact import DONE, Outcome
from ._outcome import carry_out, settle
from ._run import Run

T = TypeVar("T")

BACK = 60  # seconds that the end that decides may take to go back
SLACK = 60  # seconds until it is armed and proved
BY_ITSELF = "it does as the other end does, by itself; run the recover playbook when it answers again"


@dataclass(frozen=True, slots=True)
class Side:
    """One host in this task."""

    run: Run
    gate: Gate
    found: Survey
    end: KeyEnd

    @property
    def host(self) -> str:
        return self.run.host

    def seen(self, salt: str, meet: bool = False) -> psk.Seen:
        return self.run.channel.ask(
            lambda nonce: psk.compose_seen(self.end.interface, self.end.peer, salt, meet, nonce),
            lambda output, nonce: psk.parse_seen(output, nonce, self.host),
        )

    def carry_out(self, id_: str, why: str, changes: Sequence[AnyChange], proof: Any) -> Outcome:
        found = self.found
        return carry_out(self.run, id_, why, found.snapshot.identity, changes, (self.end.activation,), found.extra, proof)


def swap(decides: Side, follows: Side, id_: str, why: str, salt: str, changes: Callable[[Side], Sequence[AnyChange]], digest: str) -> None:
    """Put it in place at both ends.  digest: of the key that must be in use afterwards, "" = the same at both ends is enough."""
    seconds = int(decides.run.args["confirm_timeout"])
    follows.run.args["confirm_timeout"] = seconds + BACK + SLACK
    met: list[dict[str, Any]] = []

    def decide(dummy: Snapshot) -> Any:
        """While the follower waits: the other end, from its apply to its confirmation."""

        def prove(dummy2: Snapshot) -> Any:
            try:
                proofs, wrong = _shake_hands(decides, follows, salt, digest)
                met.extend(proofs[1:])
                return proofs[:1], wrong or _told_to_follow(follows, id_, seconds + BACK)
            except Problem as problem:  # nobody was told yet, so both go back
                return (), [str(problem)]

        try:
            outcome = decides.carry_out(id_, why, changes(decides), prove)
        except Problem as problem:
            return (), [str(problem)]
        settle(decides.run, outcome)
        if outcome.state in DONE:
            return tuple(met), []
        if outcome.state in ("REVERTED", "REFUSED"):
            return tuple(met), [f"{decides.host}: {outcome.why}"]
        return tuple(met), None

    outcome = follows.carry_out(id_, why, changes(follows), decide)
    settle(follows.run, outcome)
    if outcome.state == "UNKNOWN":
        follows.run.note(problem={**follows.run.result.problem, "remedy": BY_ITSELF})


def _shake_hands(decides: Side, follows: Side, salt: str, digest: str) -> tuple[tuple[dict[str, Any], ...], list[str]]:
    """A handshake that is newer than both changes, seen at both ends, and the same key in both files and in use at both.  Raises Problem."""
    since = follows.seen(salt).now
    here = decides.seen(salt, meet=True)
    for dummy in range(5):
        there = follows.seen(salt)
        if there.met >= since:
            break
        time.sleep(1)
    wrong = [f"{side.host}: no handshake since the change" for side, met in ((decides, here.met > 0), (follows, there.met >= since)) if not met]
    keys = {f"{side.host}, {where}": key for side, seen in ((decides, here), (follows, there)) for where, key in _keys(side, seen)}
    wanted = digest or here.live
    wrong += [f"{where}: it is not the key that was to come" for where, key in keys.items() if key != wanted]
    proof = {"kind": "wireguard", "proved": not wrong, "handshake": True, "key_digest": wanted[:16], "salt": salt}
    return tuple({"endpoint": f"wireguard {side.end.interface} {side.end.peer}", **proof} for side in (decides, follows)), wrong


def _keys(side: Side, seen: psk.Seen) -> tuple[tuple[str, str], ...]:
    return (f"{side.end.interface} in use", seen.live), (side.end.path, seen.file)


def _told_to_follow(side: Side, id_: str, seconds: int) -> list[str]:
    report = side.run.channel.ask(lambda nonce: psk.compose_follow(id_, seconds, side.end.interface, side.end.peer, nonce), parse_transaction)
    return [f"{side.host}: {report.message}"] if report.error else []


def deliver(makes: Side, takes: Side, id_: str, salt: str) -> tuple[str, str]:
    """A new key on both hosts, each in its own waiting place: (its digest, what it was sealed with).  Raises Problem."""

    def ask(side: Side, compose: Callable[[str], Message], parse: Callable[[str, str, str], T]) -> T:
        with _unseen(side.run):
            return side.run.channel.ask(compose, lambda output, nonce: parse(output, nonce, side.host))

    to = ask(takes, lambda nonce: psk.compose_receiver(id_, nonce), psk.parse_receiver)
    sealed = ask(makes, lambda nonce: psk.compose_make(id_, salt, to, nonce), psk.parse_make)
    digest = ask(takes, lambda nonce: psk.compose_take(id_, salt, sealed, nonce), psk.parse_take)
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
