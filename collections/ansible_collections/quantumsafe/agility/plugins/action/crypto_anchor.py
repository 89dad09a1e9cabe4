# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Place or withdraw one trust anchor on one host, as a transaction that is proved by the host's own openssl."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._anchoring import Standing, change, standing, still_needed, wanted
from ..plugin_utils._campaign import GATED, Gate, id_prefix, in_campaign
from ..plugin_utils._core.certificates.anchors import Anchor
from ..plugin_utils._core.model import Plan, Problem, Snapshot
from ..plugin_utils._core.report.results import plain
from ..plugin_utils._outcome import carry_out, settle
from ..plugin_utils._run import COMMON, Run, target
from ..plugin_utils._undoing import CAMPAIGN

SPEC = {
    "policy": COMMON["policy"],
    "output": {"type": "path"},
    "campaign": {"type": "str"},
    "anchor": {"type": "path"},
    "anchor_state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        return in_campaign(Run(self, task_vars or {}, "anchor", SPEC), self._settle)

    def _settle(self, run: Run, gate: Gate) -> None:
        run.note(campaign=str(run.args.get("campaign") or run.run))
        one, present = wanted(run), run.args["anchor_state"] == "present"
        now = standing(run, one)
        run.note(target=target(now.snapshot))
        if not _due(run, now, one, present):
            return
        if now.snapshot.facts.get("uid") != "0":
            raise Problem("changing the trust store needs root", run.host, "add become: true, or -b")
        if not present and not run.args["force"] and (why := still_needed(run, one)):
            run.note(status="refused", problem={"message": f"{one.subject} stays: {why}", "where": run.host, "remedy": STAYS})
            return
        run.note(plan=_plan(run, now, one, present))
        if self._task.check_mode:
            run.note(status="would-change")
            return
        if stop := gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            return
        id_ = f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}"
        changes, activations = [change(now, one, id_, present)], [now.store.activation(now.name)]

        def proof(dummy: Snapshot) -> tuple[tuple[Mapping[str, object], ...], list[str]]:
            after = standing(run, one)
            proved = after.trusted == present
            wrong = [] if proved else [f"the host does not trust it all the same: {after.why}" if present else "the host still trusts it"]
            return ({"endpoint": f"trust store {now.name}", "proved": proved, "anchor": one.subject, "trusted": after.trusted},), wrong

        settle(run, carry_out(run, id_, f"{CAMPAIGN}{run.result.campaign}", now.snapshot.identity, changes, activations, (), proof))
        if run.result.status == "changed":
            run.told["keys"] = [{"did": "trusted" if present else "withdrawn", "name": one.name, "subject": one.subject}]


STAYS = "rotate those first, and run it for the whole inventory; -e agility_force=true withdraws it all the same"


def _due(run: Run, now: Standing, one: Anchor, present: bool) -> bool:
    """Whether anything is to be done.  Raises Problem for a store that says one thing and has another."""
    if present and now.path and not now.trusted:
        raise Problem(
            f"{now.path} holds it and the store does not have it: {now.why}", run.host, f"run {now.store.command} there, and look at what it says"
        )
    if not present and now.trusted and not now.path:
        raise Problem(f"{one.subject} is trusted, but is none of the host's own anchors in {now.store.folder}", run.host, "it came with a package")
    due = not now.trusted if present else bool(now.path)
    if due and now.untaken:
        what = f"{', '.join(now.untaken)} would be taken up along: it lies there, and the store does not have it"
        raise Problem(what, run.host, f"run {now.store.command} there, or remove it; nothing was changed")
    return due


def _plan(run: Run, now: Standing, one: Anchor, present: bool) -> dict[str, Any]:
    """As a plan of the house, so that reports read it like any other."""
    path = f"{now.store.folder}/{one.name}" if present else now.path
    reason = f"{one.subject} is {'' if present else 'no longer '}to be trusted: {path}, {now.store.command}"
    before, after = ("", one.pem) if present else (one.pem, "")
    shown = {"before_header": path, "after_header": path, "before": before, "after": after}
    return {**plain(Plan(run.host, now.snapshot.identity, "", reasons=(reason,))), "diff": [shown]}
