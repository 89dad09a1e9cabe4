# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo what a campaign or a transaction did on one host, as a transaction of its own; or resolve what was left open."""

from __future__ import annotations

import getpass
import secrets
import socket
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._core.model import Activation, Probe, Problem, Snapshot
from ..plugin_utils._core.services import SERVICES
from ..plugin_utils._core.targets.answer import TransactionReport, notes, parse_transactions
from ..plugin_utils._core.targets.host import close_shared
from ..plugin_utils._core.targets.script import Restore, Transaction, compose_recover, compose_status
from ..plugin_utils._core.targets.survey import Survey, read
from ..plugin_utils._core.targets.transact import transact
from ..plugin_utils._outcome import settle
from ..plugin_utils._proving import prove, reachable
from ..plugin_utils._run import COMMON, Run, guarded, target

SPEC = {
    **COMMON,
    "campaign": {"type": "str"},
    "transaction": {"type": "str"},
    "recover": {"type": "bool", "default": False},
    "keep_days": {"type": "int"},
    "keep": {"type": "int", "default": 3},
    "adopt": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "confirm_timeout": {"type": "int", "default": 120},
}
OF = ", rollback of "  # in the journal of an undo: what it undid


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "rollback", SPEC)
        out = guarded(run, self._recover if run.args["recover"] else self._rollback)
        return out | {"transaction": run.result.transaction}

    def _recover(self, run: Run) -> None:
        run.note(verb="recover")
        if self._task.check_mode:
            reports = run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions)
        else:
            days, keep = run.args["keep_days"], run.args["keep"]
            if min(days or 0, keep) < 0:
                raise Problem("keep and keep_days cannot be negative", "agility_keep_days")
            reports, said = run.channel.ask(
                lambda nonce: compose_recover(nonce, days, keep, bool(run.args["adopt"])),
                lambda output, nonce: (parse_transactions(output, nonce), notes(output, nonce)),
            )
            for note in said:
                Display().warning(f"{run.host}: {note}")
        pending = [r for r in reports if not r.final]
        broken = [r for r in reports if r.state == "REVERT_FAILED"]
        newest = sorted(reports, key=lambda r: -r.serial)
        run.note(journal=tuple({"id": r.id, "state": r.state, "left": r.left, "age": r.age, "size": r.size, "by": r.started_by} for r in newest))
        if broken:
            where = {"message": f"{broken[0].id} could not be taken back; {broken[0].message}", "where": run.host, "remedy": "look at the host now"}
            run.note(status="revert-failed", problem=where)
        elif pending:
            one = pending[0]
            text = f"{one.id} is pending, {one.left} s left, started by {one.started_by}"
            remedy = (
                "it resolves itself by then"
                if one.left
                else "it is not this machine's own, or cannot be read: look at it; agility_adopt=true takes a clone's for its own"
            )
            run.note(status="skipped", problem={"message": text, "where": run.host, "remedy": remedy})

    def _rollback(self, run: Run) -> None:
        reports = run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions)
        undo = _to_undo(run, reports)
        run.note(campaign=str(run.args.get("campaign") or ""))
        if not undo:
            return
        found = run.look()
        run.note(target=target(found.snapshot))
        changes = _restores(undo, bool(run.args["force"]))
        if self._task.check_mode:
            run.note(status="would-change")
            return
        activations = _activations(found, undo)
        transaction = Transaction(
            id=f"{undo[0].id[:48]}-undo-{secrets.token_hex(2)}",
            seconds=int(run.args["confirm_timeout"]),
            identity=found.snapshot.identity,
            started_by=f"{getpass.getuser()}@{socket.gethostname()}{OF}{','.join(r.id for r in undo)}",
            changes=changes,
            activations=activations,
        )
        run.note(transaction=transaction.id)
        probes = _probes(found)
        answered = reachable(run, probes)
        requests = {name: service.collect for name, service in SERVICES.items()}
        outcome = transact(run.channel, transaction, requests, lambda after: _proof(run, probes, answered, after), run.host, run.taken)
        settle(run, outcome, "rolled-back")
        close_shared(self)


def _to_undo(run: Run, reports: tuple[TransactionReport, ...]) -> list[TransactionReport]:
    """Confirmed ones of the campaign that were not undone yet, newest first.  Raises Problem for a transaction that cannot be undone."""
    campaign, wanted = str(run.args.get("campaign") or ""), str(run.args.get("transaction") or "")
    if bool(campaign) == bool(wanted):
        raise Problem("name either a campaign or a transaction", run.host, "-e agility_campaign=… or -e agility_transaction=…")
    done = [r for r in sorted(reports, key=lambda r: -r.serial) if r.state in ("CLEANED", "CONFIRMED")]
    undone = {id_ for r in done for id_ in r.started_by.partition(OF)[2].split(",")}
    mine = [r for r in done if OF not in r.started_by and r.id not in undone]
    if campaign:
        return [r for r in mine if r.id.rpartition("-")[0] == campaign[:50]]
    chosen = [r for r in mine if r.id == wanted]
    known = [r for r in reports if r.id == wanted]
    if not chosen and not known:
        raise Problem(f"the host knows no transaction {wanted}", run.host, "list them with crypto_transaction_info")
    if not chosen and known[0].state not in ("CLEANED", "CONFIRMED", "REVERTED"):
        raise Problem(f"{wanted} is {known[0].state}", run.host, "run the recover playbook")
    return chosen


def _restores(undo: list[TransactionReport], force: bool) -> tuple[Restore, ...]:
    """One restore a path: from the oldest transaction that touched it, expecting what the newest left there."""
    left: dict[str, str] = {}
    out: dict[str, Restore] = {}
    for report in undo:  # newest first: the last one that is written wins
        for number, kept in enumerate(report.files, 1):
            left.setdefault(kept.path, kept.after)
            expect = "" if force else left[kept.path]
            if not force and left[kept.path] != kept.now:
                raise Problem(f"{kept.path} changed since {report.id}", "", "look at it; -e agility_force=true restores all the same")
            out[kept.path] = Restore(kept.path, expect, report.id, number, "remove" if kept.kind == "create" else "restore", kept.before)
    return tuple(out.values())


def _activations(found: Survey, undo: list[TransactionReport]) -> tuple[Activation, ...]:
    names = dict.fromkeys(name for report in undo for name in report.services)
    return tuple(
        SERVICES[name].activation(found.snapshot, tuple(e for e in found.endpoints if e.service == name)) for name in names if name in SERVICES
    )


def _probes(found: Survey) -> tuple[Probe, ...]:
    """Each endpoint must still answer; what it negotiates is the past's business."""
    return tuple(
        Probe(e.protocol, e.id, port, "" if address == "*" else address, e.server_names[0] if e.server_names else "")
        for e in found.endpoints
        for address, port in e.addresses[:1]
    )


def _proof(run: Run, probes: tuple[Probe, ...], answered: tuple[str, ...], after: Snapshot) -> Any:
    proofs, wrong = prove(run, probes, answered)
    try:
        read(after, SERVICES)
    except Problem as problem:
        wrong.append(str(problem))
    return proofs, wrong
