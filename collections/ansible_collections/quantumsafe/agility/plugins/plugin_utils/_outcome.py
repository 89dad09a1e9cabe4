# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: a transaction, its outcome, and the words of a host's result; what enforce, rollback and rotate share."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterable

from ._core.model import Activation, Identity
from ._core.report.results import plain
from ._core.services import SERVICES
from ._core.targets.script import AnyChange, Transaction
from ._core.targets.transact import Outcome, Prove, Retires, transact
from ._entries import begin
from ._run import Run

STATUS = {"CLEANED": "changed", "CONFIRMED": "changed", "REVERTED": "reverted", "REVERT_FAILED": "revert-failed", "REFUSED": "refused"}


def carry_out(
    run: Run,
    id_: str,
    why: str,
    identity: Identity,
    changes: Iterable[AnyChange],
    activations: Iterable[Activation],
    extra: tuple[str, ...],
    proof: Prove,
    retires: Retires = lambda after: (),
) -> Outcome:
    """One transaction on this host.  why: behind who started it, for whoever finds it pending; extra: globs to look at besides afterwards."""
    started_by = f"{getpass.getuser()}@{socket.gethostname()}{why}"
    transaction = Transaction(id_, int(run.args["confirm_timeout"]), identity, started_by, tuple(changes), tuple(activations))
    run.note(transaction=id_)
    begin(run)
    requests = {name: service.collect for name, service in SERVICES.items()}
    return transact(run.channel, transaction, requests, extra, proof, run.host, run.taken, retires)


def settle(run: Run, outcome: Outcome, done: str = "changed") -> None:
    """Put what the host says became of it into the result; the words follow the journal, never our hopes."""
    report = outcome.report
    status = STATUS.get(outcome.state, "unknown")
    run.note(
        status=done if status == "changed" else status,
        proofs=tuple(dict(p) for p in outcome.proofs),
        evidence=dict(outcome.evidence),
        journal=tuple(plain(line) for line in report.journal) if report else (),
        files=tuple(plain(kept) for kept in report.files) if report else (),
    )
    strayed = [kept["path"] for kept in run.result.files if kept["after"] and kept["now"] != kept["after"]]
    if status == "changed" and strayed:
        problem = {
            "message": f"confirmed, but {', '.join(strayed)} is not what was put there",
            "where": run.host,
            "remedy": "somebody wrote to it since",
        }
        run.note(status="failed", problem=problem)
    if status != "changed":
        left = {"reverted": "the host is byte for byte as it was", "refused": "nothing was changed"}.get(status, "")
        message = f"{outcome.why}{'; ' if outcome.why and left else ''}{left}"
        code = report.error if report else ""
        run.note(problem={"message": message, "where": run.host, "remedy": _remedy(status), "code": code})


def _remedy(status: str) -> str:
    return {
        "reverted": "mend the cause, then enforce again",
        "revert-failed": "look at the host now: its journal names the files and holds the old ones",
        "unknown": "run the recover playbook when the host answers again",
    }.get(status, "")
