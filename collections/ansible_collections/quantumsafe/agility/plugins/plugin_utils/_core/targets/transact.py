"""One plan on one host, from apply to the state that is read back.  Whatever happens on the way, the answer is what the host itself says.

Once the script was sent the host may be armed, so a lost connection is no longer an error here: it is waited out, and the journal is read
over a new connection, after the deadline if need be.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..model import Collect, Problem, Snapshot
from ..probe.ssh import parse_ssh_debug
from .answer import NoAnswer, TransactionReport, parse_snapshot, parse_transaction
from .host import Channel, Unreachable
from .retired import Retired, parse_retired
from .script import Transaction, compose_apply, compose_confirm, compose_revert, compose_status

GRACE = 15  # seconds after the deadline within which a host must have reverted
VERB = 60  # seconds for one verb; the lock alone may be waited for that long
HUNG = 3 * VERB  # further seconds for a host that answers, but where somebody hangs with the lock: he is ended, then services are reloaded
RETRY = 3  # seconds between two tries to read a host that does not answer
DONE = ("CONFIRMED", "CLEANED")


def longest(seconds: int) -> int:
    """Seconds after which a change that was sent has ended, its way back included, whatever happens; seconds: until it reverts unconfirmed."""
    return VERB + seconds + GRACE + HUNG


@dataclass(frozen=True, slots=True)
class Outcome:
    """state: the last of the host's journal, e.g. "CONFIRMED", "REVERTED", "REVERT_FAILED", "REFUSED", "UNKNOWN".

    why: one sentence when it is not CONFIRMED.  evidence: what the confirming connection was and what it negotiated.
    retired: keys that stay at their paths until this transaction is forgotten, as the host wrote them down.
    """

    state: str
    why: str = ""
    report: TransactionReport | None = None
    after: Snapshot | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    proofs: tuple[Mapping[str, object], ...] = ()
    retired: tuple[Retired, ...] = ()


# after-snapshot → (proofs, what is wrong); runs between reload and confirm, must not raise for a failed proof.  None in the place of what is
# wrong: nobody here can tell, and the host itself finds out (ca_follows).
Prove = Callable[[Snapshot], tuple[tuple[Mapping[str, object], ...], list[str] | None]]
Retires = Callable[[Snapshot], tuple[str, ...]]  # after-snapshot → paths of keys that nothing names any more


def transact(
    channel: Channel,
    transaction: Transaction,
    requests: Mapping[str, Collect],
    extra: tuple[str, ...],
    prove: Prove,
    host: str,
    taken: str,
    retires: Retires = lambda after: (),
) -> Outcome:
    """Apply, look again (`extra`: what the survey needed besides the requests), prove, confirm.

    Never raises once the script was sent; Problem before that only for a transaction that cannot be composed.
    """
    token = secrets.token_hex(16)
    transaction = transaction.with_token(hashlib.sha256(token.encode()).hexdigest())
    sent = time.monotonic()
    try:
        report, after = channel.ask(
            lambda nonce: compose_apply(transaction, requests, nonce, extra),
            lambda output, nonce: (parse_transaction(output, nonce), parse_snapshot(output, nonce, host, taken)),
            within=VERB + transaction.seconds + GRACE,
        )
    except (Unreachable, NoAnswer) as lost:
        return settle(channel, transaction, sent, f"the connection was lost while applying: {lost}")
    if report.state != "RELOADED":
        if not report.final:  # the same script is still at work there, from a connection that was lost
            return settle(channel, transaction, sent, report.message or f"it stopped at {report.state}")
        return Outcome(report.state, report.message, report)  # the message has the recipe of one that could not be taken back
    proofs: tuple[Mapping[str, object], ...] = ()
    try:
        proofs, wrong = prove(after)
        if wrong is None:
            return settle(channel, transaction, sent, "what became of the other end is not known")
        if not wrong:
            return _confirm(channel, transaction, token, sent, after, proofs, retires(after))
        why = "; ".join(wrong)
    except Exception as error:  # a fault of ours must not leave a host pending until its deadline
        why = f"internal error while proving it: {type(error).__name__}: {error}"
    return _revert(channel, transaction, sent, after, proofs, why)


def _confirm(
    channel: Channel,
    transaction: Transaction,
    token: str,
    sent: float,
    after: Snapshot,
    proofs: tuple[Mapping[str, object], ...],
    retired: tuple[str, ...],
) -> Outcome:
    """Deliver the token over a connection that shares nothing with the one that changed the host."""
    try:
        with channel.fresh() as fresh:
            report, kept = fresh.ask(
                lambda nonce: compose_confirm(transaction.id, token, nonce, retired),
                lambda out, nonce: (parse_transaction(out, nonce), parse_retired(out, nonce)),
                within=VERB,
            )
            evidence = {"connection": channel.proof(), **parse_ssh_debug(fresh.stderr)}
    except (Unreachable, NoAnswer) as lost:
        return settle(channel, transaction, sent, f"no new connection after the change: {lost}")
    if report.state not in DONE and not report.final:
        return settle(channel, transaction, sent, report.message or f"it was not confirmed, but stays {report.state}")
    return Outcome(report.state, report.message, report, after, evidence, proofs, kept)


def _revert(channel: Channel, transaction: Transaction, sent: float, after: Snapshot, proofs: tuple[Mapping[str, object], ...], why: str) -> Outcome:
    try:
        report = channel.ask(lambda nonce: compose_revert(transaction.id, why, nonce), parse_transaction, within=2 * VERB)
    except (Unreachable, NoAnswer):
        return settle(channel, transaction, sent, why)
    if not report.final:
        return settle(channel, transaction, sent, f"{why}; {report.message}" if report.message else why)
    return Outcome(report.state, _with_recipe(why, report), report, after, proofs=proofs)


def _with_recipe(why: str, report: TransactionReport) -> str:
    """What could not be taken back must be mended by hand, and the host says how."""
    return f"{why}; {report.message}" if report.state == "REVERT_FAILED" and report.message else why


def settle(channel: Channel, transaction: Transaction, sent: float, why: str) -> Outcome:
    """Read the final state over new connections: as soon as the host answers with a final one, else until the deadline has passed.

    The host counts from the moment it had the lock, so what it has left counts for more than our own clock.
    """
    until = sent + VERB + transaction.seconds + GRACE
    hung = sent + longest(transaction.seconds)
    while True:
        found = None
        try:
            with channel.fresh() as fresh:
                found = fresh.ask(lambda nonce: compose_status(transaction.id, nonce), parse_transaction, within=VERB)
            if found.state in DONE or (found.final and found.state != "ABSENT"):
                return Outcome(found.state, _with_recipe(why, found), found)
            if found.state == "ABSENT" and time.monotonic() > until:
                return Outcome("REFUSED", f"{why}; the host never began", found)
        except (Unreachable, NoAnswer, Problem) as error:
            why = why if str(error) in why else f"{why}; then: {error}"
        if time.monotonic() > (hung if found else until):
            stays = f"the host stays {found.state}" if found else "the host did not answer until after its deadline, when it reverts by itself"
            return Outcome("UNKNOWN", f"{why}; {stays}: run recover", found)
        time.sleep(RETRY)
