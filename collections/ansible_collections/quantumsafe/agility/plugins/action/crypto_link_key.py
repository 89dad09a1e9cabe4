# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give both ends of a WireGuard tunnel another preshared key, in two transactions of which one follows the other."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import GATED, Gate, id_prefix, in_campaign
from ..plugin_utils._core.model import Plan, Problem
from ..plugin_utils._core.report.results import BAD, plain
from ..plugin_utils._core.services.wireguard_key import both_ends
from ..plugin_utils._core.targets.answer import TransactionReport, parse_keys, parse_transactions
from ..plugin_utils._core.targets.keyed import Keyed
from ..plugin_utils._core.targets.script import AnyChange, compose_drop_keys, compose_status
from ..plugin_utils._core.targets.transact import DONE
from ..plugin_utils._linking import Side, deliver, reached, swap
from ..plugin_utils._outcome import settle
from ..plugin_utils._reaching import other
from ..plugin_utils._run import COMMON, Run, described, target
from ..plugin_utils._undoing import LINK, OF, restores

SPEC = {
    "policy": COMMON["policy"],
    "output": {"type": "path"},
    "campaign": {"type": "str"},
    "link_peer": {"type": "str", "required": True},
    "link_interface": {"type": "str", "required": True},
    "link_step": {"type": "str", "choices": ["rotate", "back"], "default": "rotate"},
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
}
KIND = "WireGuard preshared key"
MOMENT = (
    "both ends shake hands anew: a moment without the tunnel, milliseconds where all goes well; where it does not, up to about half a minute, until "
    "both have gone back"
)


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "rotate", SPEC)
        told: dict[str, str] = {}
        return in_campaign(run, lambda run, gate: _both(run, gate, told)) | {"link": told}


def _both(run: Run, gate: Gate, told: dict[str, str]) -> None:
    there = other(run, str(run.args["link_peer"]), SPEC)
    for one in (run, there):
        one.args["services"] = ["wireguard"]
        one.note(campaign=str(run.args.get("campaign") or run.run))
    found = run.look()
    with reached(there):
        beyond = there.look()
    mine, theirs = both_ends(found.snapshot, beyond.snapshot, str(run.args["link_interface"]))
    decides, follows = Side(run, gate, found, mine), Side(there, Gate(there), beyond, theirs)
    try:
        (_back if run.args["link_step"] == "back" else _rotate)(decides, follows)
    except Problem as problem:
        there.note(status="failed", problem=described(problem))
        raise
    finally:
        _told_both(decides, follows, told)


def _rotate(decides: Side, follows: Side) -> None:
    what = "another" if decides.end.keyed else "a"
    if not _may(decides, follows, f"{what} preshared key, made on {decides.host} and sealed for {follows.host}"):
        return
    id_, salt = f"link-{id_prefix(decides.run.result.campaign)[:40]}-{secrets.token_hex(3)}", secrets.token_hex(16)
    try:
        with reached(follows.run):
            digest, sealed = deliver(decides, follows, id_, salt)
        if decides.gate.late():
            return
        decides.run.note(evidence={"sealed": sealed})

        def changes(side: Side) -> Sequence[AnyChange]:
            return (Keyed(side.end.path, side.end.sha256, side.end.line, side.end.delete, side.end.lead),)

        swap(decides, follows, id_, f"{LINK}{decides.host} {follows.host}", salt, changes, digest)
        _agree(decides, follows, id_)
        for side in (decides, follows):
            side.run.note(evidence={**side.run.result.evidence, "sealed": sealed})
    finally:
        for one in (decides.run, follows.run):
            if one.result.status not in ("changed", "unknown"):  # of those the host itself puts the keys away
                _drop(one, id_)


def _drop(run: Run, id_: str) -> None:
    with contextlib.suppress(Problem):
        run.channel.ask(lambda nonce: compose_drop_keys(id_, nonce), lambda out, nonce: parse_keys(out, nonce, run.host))


def _back(decides: Side, follows: Side) -> None:
    """To the key of before, which both hosts keep until they forget the rotation."""
    here, there = (_remembered(side) for side in (decides, follows))
    undone = {id_ for one in here.values() for id_ in one.started_by.partition(OF)[2].split(",")}
    both = [one for id_, one in here.items() if one.state in DONE and OF not in one.started_by and id_ not in undone and id_ in there]
    both = [one for one in both if one.files[0].path == decides.end.path and there[one.id].state in DONE]
    if not both:
        raise Problem(
            f"no rotation of this key with {follows.host} is remembered at both ends", decides.host, "rotate it instead; nothing was changed"
        )
    last = max(both, key=lambda one: one.serial)
    if not _may(decides, follows, f"the preshared key of before {last.id}"):
        return
    kept = {decides.host: last, follows.host: there[last.id]}
    why = f"{LINK}{decides.host} {follows.host}{OF}{last.id}"
    id_ = f"{last.id[:48]}-undo-{secrets.token_hex(2)}"
    swap(decides, follows, id_, why, secrets.token_hex(16), lambda side: restores([kept[side.host]], False), "")
    _agree(decides, follows, id_)


def _remembered(side: Side) -> dict[str, TransactionReport]:
    with reached(side.run):
        reports = side.run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions)
    return {one.id: one for one in reports if LINK in one.started_by}


def _may(decides: Side, follows: Side, what: str) -> bool:
    """The plan is told at both ends; whether it may be carried out."""
    for side, end in ((decides, follows), (follows, decides)):
        snapshot = side.found.snapshot
        reasons = (f"{side.end.interface} with {end.host}: {what} ({side.end.where})",)
        plan = Plan(side.host, snapshot.identity, "", (), (side.end.activation,), reasons=reasons, warnings=(MOMENT,) if side is decides else ())
        side.run.note(target=target(snapshot), plan=plain(plan))
        if snapshot.facts.get("uid") != "0":
            raise Problem("changing keys needs root", side.host, "add become: true, or -b")
    if decides.run.action._task.check_mode:
        for side in (decides, follows):
            side.run.note(status="would-change")
        return False
    for side in (follows, decides):
        if stop := side.gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            problem = {"message": stop, "where": side.host, "remedy": side.gate.remedy}
            for one in (decides, follows):
                one.run.note(status=side.gate.status, problem=problem)
            decides.gate.refused = follows.gate.refused = True
            return False
    return True


def _agree(decides: Side, follows: Side, id_: str) -> None:
    """What became of both is one thing.  Where the follower went back by itself, for it was booted, what was confirmed goes back, too."""
    here, there = decides.run, follows.run
    if there.result.status not in BAD:
        return
    if here.result.status == "changed" and there.result.status == "reverted":
        why = f"{LINK}{decides.host} {follows.host}{OF}{id_}"
        changes = restores([_remembered(decides)[id_]], False)
        settle(here, decides.carry_out(f"{id_[:48]}-undo-{secrets.token_hex(2)}", why, changes, lambda dummy: ((), [])), "reverted")
    if here.result.status in ("changed", "ok", "reverted") and not here.result.problem:
        here.note(status=there.result.status, problem={**there.result.problem, "where": follows.host})


def _told_both(decides: Side, follows: Side, told: dict[str, str]) -> None:
    """The other end's result is written here, for no task of its own does it."""
    for side in (decides, follows):
        if side.run.result.status == "changed":
            side.run.told["keys"] = [{"did": "installed", "path": side.end.path, "kind": KIND}]
    follows.gate.ended(follows.run.result.status)
    follows.run.finish()
    told |= {"decides": decides.run.result.status, "follows": follows.run.result.status}
