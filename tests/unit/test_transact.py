"""What the controller makes of a transaction when answers are lost, late or bad: never a guess, always the host's own last word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Identity
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import transact as module
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import NoAnswer, TransactionReport
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.script import Transaction
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.transact import Outcome, transact

from .conftest import captured

AFTER = captured("web-new")
GONE = NoAnswer("cut off")


class Host:
    """Answers in order what it was told to; remembers which verb each script called."""

    stderr = "debug1: kex: algorithm: mlkem768x25519-sha256"

    def __init__(self, *answers: Any) -> None:
        self.answers, self.verbs = list(answers), []

    def ask(self, compose: Callable[[str], str], parse: object, within: float = 0) -> Any:
        body = compose("n").rpartition("ca_request() {")[2]
        self.verbs.append(next(v for v in ("ca_apply", "ca_confirm", "ca_revert", "ca_status") if v in body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        more = {"ca_apply": AFTER, "ca_confirm": ()}
        return (answer, more[self.verbs[-1]]) if self.verbs[-1] in more else answer

    @contextmanager
    def fresh(self) -> Iterator[Host]:
        yield self

    def proof(self) -> str:
        return "fresh connection"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes only by waiting."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def run(host: Host, prove: Callable[[Any], Any] = lambda after: ((), [])) -> Outcome:
    return transact(host, Transaction("t", 30, Identity(), "me", (), ()), {}, (), prove, "h", "now")  # type: ignore[arg-type]


def says(state: str, **more: Any) -> TransactionReport:
    return TransactionReport("t", state, **more)


def test_a_proved_change_is_confirmed_over_a_fresh_connection() -> None:
    host = Host(says("RELOADED"), says("CLEANED"))
    outcome = run(host)
    assert (outcome.state, host.verbs) == ("CLEANED", ["ca_apply", "ca_confirm"])
    assert outcome.evidence == {"connection": "fresh connection", "kex": "mlkem768x25519-sha256"}


def test_a_failed_proof_is_reverted_at_once_and_says_why() -> None:
    host = Host(says("RELOADED"), says("REVERTED"))
    outcome = run(host, lambda after: ((), ["no handshake any more"]))
    assert (outcome.state, outcome.why, host.verbs) == ("REVERTED", "no handshake any more", ["ca_apply", "ca_revert"])


def test_a_fault_of_our_own_while_proving_reverts() -> None:
    def broken(after: Any) -> Any:
        raise ZeroDivisionError("oops")

    host = Host(says("RELOADED"), says("REVERTED"))
    outcome = run(host, broken)
    assert (outcome.state, host.verbs[-1]) == ("REVERTED", "ca_revert")
    assert "ZeroDivisionError" in outcome.why


def test_a_lost_confirmation_is_settled_by_what_the_host_says() -> None:
    assert run(Host(says("RELOADED"), GONE, says("CLEANED"))).state == "CLEANED"
    assert run(Host(says("RELOADED"), GONE, says("RELOADED"), says("REVERTED"))).state == "REVERTED"


def test_a_host_that_still_works_on_a_script_sent_twice_is_waited_for() -> None:
    assert run(Host(says("SWAPPING", error="refused-lock", message="busy"), says("RELOADED"), says("REVERTED"))).state == "REVERTED"


def test_a_script_that_may_still_be_on_its_way_is_waited_for() -> None:
    """ABSENT right after a lost answer proves nothing: the host may begin a moment later."""
    assert run(Host(GONE, says("ABSENT"), says("RELOADED"), says("REVERTED"))).state == "REVERTED"


def test_a_script_that_never_arrived_changed_nothing() -> None:
    outcome = run(Host(GONE, says("ABSENT")))
    assert outcome.state == "REFUSED"
    assert "never began" in outcome.why


def test_a_verb_that_could_not_act_is_settled_by_what_the_host_says_later() -> None:
    """Another verb may hold the lock, or the token come late: the host still goes back by itself."""
    busy = says("RELOADED", error="refused-lock", message="another verb runs on this host")
    confirmed = run(Host(says("RELOADED"), busy, says("REVERTING"), says("REVERTED")))
    assert (confirmed.state, "another verb" in confirmed.why) == ("REVERTED", True)
    reverted = run(Host(says("RELOADED"), busy, says("REVERTED")), lambda after: ((), ["no handshake any more"]))
    assert (reverted.state, reverted.why) == ("REVERTED", "no handshake any more; another verb runs on this host")
    assert run(Host(says("RELOADED"), says("RELOADED", error="late", message="late"), says("REVERTED"))).state == "REVERTED"


def test_a_host_that_answers_is_waited_for_longer_than_one_that_is_silent() -> None:
    """Somebody hangs with the lock: a minute after the deadline he is ended, and the host goes back."""
    busy = [says("RELOADED") for _ in range(60)]
    assert run(Host(GONE, *busy, says("REVERTED"))).state == "REVERTED"


def test_the_recipe_of_what_could_not_be_taken_back_is_told_however_it_is_learnt() -> None:
    failed = says("REVERT_FAILED", error="revert-failed", message="By hand: cp -a a b")
    for answers in ((GONE, failed), (says("RELOADED"), failed), (says("RELOADED"), GONE, failed)):
        assert "By hand" in run(Host(*answers), lambda after: ((), ["wrong"])).why


def test_a_host_that_stays_silent_is_unknown_and_recover_is_named() -> None:
    outcome = run(Host(GONE))
    assert outcome.state == "UNKNOWN"
    assert "run recover" in outcome.why
