# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Undo what a campaign or a transaction did on one host, as a transaction of its own; or resolve what was left open."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils import _device_recover, _device_undo
from ..plugin_utils._campaign import Gate
from ..plugin_utils._core.model import Problem, Snapshot
from ..plugin_utils._core.targets.answer import TransactionReport, notes, parse_transactions
from ..plugin_utils._core.targets.host import close_shared
from ..plugin_utils._core.targets.retired import parse_retired
from ..plugin_utils._core.targets.script import compose_recover, compose_status
from ..plugin_utils._core.targets.transact import Prove
from ..plugin_utils._ends import held_back, went_back
from ..plugin_utils._lifecycle import shredded, switched
from ..plugin_utils._outcome import carry_out, settle
from ..plugin_utils._proving import prove, reachable
from ..plugin_utils._rebuilt import replaced
from ..plugin_utils._retiring import end
from ..plugin_utils._run import COMMON, Run, guarded, target
from ..plugin_utils._undoing import OF, Look, activations, campaigns, diff, look, parts, probes, restores, to_undo, took_part, unreadable
from ..plugin_utils._windows import moment, now

SPEC = {
    **COMMON,
    "campaign": {"type": "str"},
    "transaction": {"type": "str"},
    "before": {"type": "str"},
    "recover": {"type": "bool", "default": False},
    "keep_days": {"type": "int"},
    "keep": {"type": "int", "default": 3},
    "adopt": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "confirm_timeout": {"type": "int", "default": 120},
}
FINISHED = ("CLEANED", "REVERTED")  # nothing is left to do, and they may be forgotten; so may REFUSED, which is a line or two

WAITS = "it resolves itself by then"
STRANGE = "it is not this machine's own, or cannot be read: look at it; agility_adopt=true takes a clone's for its own"

TOGETHER = "take both ends back with rollback_links; agility_force=true where the other end is gone for good"


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "rollback", SPEC)
        told: dict[str, Any] = {}
        out = guarded(run, lambda run: told.update(self._verb(run)(run)))
        return out | {"transaction": run.result.transaction} | told

    def _verb(self, run: Run) -> Callable[[Run], dict[str, Any]]:
        if run.channel.is_device:
            return _device_recover.recover if run.args["recover"] else _device_undo.rollback
        return self._recover if run.args["recover"] else self._rollback

    def _recover(self, run: Run) -> dict[str, Any]:
        run.note(verb="recover")
        days, keep = run.args["keep_days"], run.args["keep"]
        if min(days or 0, keep) < 0:
            raise Problem("keep and keep_days cannot be negative", "agility_keep_days")
        before = reports = _reports(run)
        said: tuple[str, ...] = ()
        ended: list[dict[str, Any]] = []
        if self._task.check_mode:
            resolved = [r.id for r in before if not r.final and not r.left]
            forgotten = _old(before, days, keep)
        else:
            reports, said, due = run.channel.ask(
                lambda nonce: compose_recover(nonce, days, keep, bool(run.args["adopt"])),
                lambda output, nonce: (parse_transactions(output, nonce), notes(output, nonce), parse_retired(output, nonce)),
            )
            ended, stays = end(run, due)
            for note in (*said, *stays):
                Display().warning(f"{run.host}: {note}")
            left = {r.id: r.state for r in reports}
            resolved = [r.id for r in before if left.get(r.id, r.state) != r.state]
            forgotten = [r.id for r in before if r.id not in left]
        states = {r.id: r.state for r in reports}
        resolutions = {id_: states.get(id_, "ABSENT") for id_ in resolved}
        run.told |= {"resolved": resolutions, "forgotten": forgotten, "keys": [*shredded(before, forgotten, said), *ended]}
        newest = sorted(reports, key=lambda r: -r.serial)
        run.note(journal=tuple({"id": r.id, "state": r.state, "left": r.left, "age": r.age, "size": r.size, "by": r.started_by} for r in newest))
        changed = bool(resolved or forgotten or ended)
        if changed:
            run.note(status="would-change" if self._task.check_mode else "changed")
        _still_open(run, reports, resolved)
        return {"changed": changed, "resolved": resolved, "forgotten": forgotten, "shredded": [one["path"] for one in ended]}

    def _rollback(self, run: Run) -> dict[str, Any]:
        campaign, wanted, before = (str(run.args.get(name) or "") for name in ("campaign", "transaction", "before"))
        if [bool(campaign), bool(wanted), bool(before)].count(True) != 1:
            raise Problem("name a campaign, a transaction or a moment", run.host, "-e agility_campaign=…, agility_transaction=… or agility_before=…")
        at = now()
        since = moment(before, at, "agility_before") if before else None
        reports = _reports(run)
        run.note(campaign=campaign)
        told: dict[str, Any] = {"known": not campaign or took_part(campaign, reports), "campaigns": campaigns(reports)}
        undo = to_undo(run, campaign, wanted, reports, (at - since).total_seconds() if since else None)
        if _replaced(run, campaign, since, reports):
            return told | {"known": True}
        if not undo:
            if not told["known"]:
                run.note(status="skipped", problem={"message": f"took no part in campaign {campaign}", "where": run.host, "remedy": ""})
            if campaign and not self._task.check_mode and not any(r.left for r in reports):
                went_back(run.output, run.host, {campaign}, told["known"])
            return told
        if pending := next((r for r in reports if r.left), None):  # its files would look as if somebody had changed them
            raise Problem(f"{pending.id} is pending, {pending.left} s left, started by {pending.started_by}", run.host, WAITS)
        if not run.args["force"] and (why := held_back(run.output, run.host, parts(undo))):
            run.note(status="refused", problem={"message": why, "where": run.host, "remedy": TOGETHER})
            return told
        changes = restores(undo, bool(run.args["force"]))
        found = look(run, changes, self._task.diff)
        run.note(target=target(found.survey.snapshot))
        if _replaced(run, campaign, since, reports, found.survey.snapshot.identity.machine_id):
            return told
        if self._task.diff:
            told["diff"] = diff(found, changes)
        if self._task.check_mode:
            run.note(status="would-change")
            return told
        run.told["undoes"] = [r.id for r in undo]
        id_, why = f"{undo[0].id[:48]}-undo-{secrets.token_hex(2)}", f"{OF}{','.join(r.id for r in undo)}"
        survey = found.survey
        outcome = carry_out(run, id_, why, survey.snapshot.identity, changes, activations(survey, undo), survey.extra, _proof(run, found))
        run.told["keys"] = switched(survey.snapshot, outcome)
        settle(run, outcome, "rolled-back")
        if run.result.status == "rolled-back":
            went_back(run.output, run.host, parts(undo))
            for name, undone in parts(undo).items():
                Gate(run, name).rolled_back(undone)
        close_shared(self)
        return told


def _replaced(run: Run, campaign: str, since: datetime | None, reports: tuple[TransactionReport, ...], machine: str = "") -> bool:
    """Whether the host is refused for it.  A transaction that is asked for by its name is found on the host, or not."""
    asked = (campaign or since) and not run.args["force"]
    other = replaced(run, campaign, since, {r.id for r in reports}, machine) if asked else {}
    if other:
        run.note(status="refused", problem=other)
    return bool(other)


def _reports(run: Run) -> tuple[TransactionReport, ...]:
    return run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions)


def _old(reports: tuple[TransactionReport, ...], days: int | None, keep: int) -> list[str]:
    """What the host would forget, as ca_forget decides it."""
    finished = [r for r in sorted(reports, key=lambda r: -r.serial) if r.state in FINISHED]
    spare = [*finished[keep:], *(r for r in reports if r.state == "REFUSED")]
    return [r.id for r in spare if days is not None and r.age > days * 86400]


def _still_open(run: Run, reports: tuple[TransactionReport, ...], resolved: list[str]) -> None:
    """Say of the worst that is left what to do about it."""
    for r in reports:
        if r.state == "REVERT_FAILED":
            problem = {"message": f"{r.id} could not be taken back; {r.message}", "where": run.host, "remedy": "look at the host now"}
            run.note(status="revert-failed", problem=problem)
            return
    for r in reports:
        if not r.final and r.id not in resolved:
            text = f"{r.id} is pending, {r.left} s left, started by {r.started_by}"
            run.note(status="skipped", problem={"message": text, "where": run.host, "remedy": WAITS if r.left else STRANGE})


def _proof(run: Run, found: Look) -> Prove:
    """Every endpoint that answered answers again, and what could be read can still be read."""
    asked = probes(found.survey)
    answered = reachable(run, asked)

    def proof(after: Snapshot) -> Any:
        proofs, wrong = prove(run, asked, answered)
        return proofs, [*wrong, *(why for name, why in unreadable(after, found.survey.extra).items() if name not in found.blind)]

    return proof
