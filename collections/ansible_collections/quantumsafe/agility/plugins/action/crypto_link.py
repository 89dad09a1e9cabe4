# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Move one end of a tunnel a step, together with the task of the other end, each as a transaction that the SA lists of both ends prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import GATED, Gate, in_campaign
from ..plugin_utils._core.model import Plan, Problem
from ..plugin_utils._core.plan import diff
from ..plugin_utils._core.report.output import file_name
from ..plugin_utils._core.report.results import plain
from ..plugin_utils._core.targets.survey import Survey
from ..plugin_utils._ends import CONTRACTING, STAGE, Ends, others
from ..plugin_utils._migrating import Move
from ..plugin_utils._run import COMMON, Run, described
from ..plugin_utils._several import Several
from ..plugin_utils._several_openvpn import cut_off
from ..plugin_utils._stepping import settled
from ..plugin_utils._tied import Here, Tied, aim, barred, plan, tied

SPEC = {
    **{name: how for name, how in COMMON.items() if name != "services"},
    "campaign": {"type": "str"},
    "step": {"type": "str", "choices": ["expand", "contract"], "default": "expand"},
    "confirm_timeout": {"type": "int", "default": 120},
    "packets": {"type": "bool", "default": True},
    **GATED,
}
NO_TUNNEL = {"message": "no tunnel of strongSwan, libreswan or OpenVPN was found", "remedy": ""}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        return in_campaign(Run(self, task_vars or {}, "links", SPEC), self._move)

    def _move(self, run: Run, gate: Gate) -> None:
        """The transactions of each step have a name of their own below the campaign, so that they can be undone in the order backwards."""
        step = run.args["step"]
        run.note(campaign=f"{run.args.get('campaign') or run.run}-{step}")
        try:
            mine = tied(run)
            if mine and step == "contract" and (holding := (*mine.holding(), *_unseen(gate, run.host, mine))):
                raise Problem(f"somebody would be cut off: {'; '.join(holding)}", run.host, "leave its stage at prefer; nothing was changed")
        except Problem as problem:
            gate.refused = True  # the other tunnels of the campaign go on
            run.note(status="refused", problem=described(problem))
            return
        if mine is None:
            run.note(status="skipped", problem={**NO_TUNNEL, "where": run.host})
            return
        run.args["services"] = ["openvpn"] if mine.ends[0].daemon == "openvpn" else ["strongswan", "libreswan", "strongswan-legacy"]
        ends = [Ends(gate.folder, here.link, run.host, here.other, run.run, step) for here in mine.ends]
        try:
            self._end(run, gate, mine.ends, ends)
        except BaseException as error:
            self._give_up(ends, error)
            raise

    def _end(self, run: Run, gate: Gate, heres: Sequence[Here], ends: Sequence[Ends]) -> None:
        step = run.args["step"]
        policy, found = run.policy(), run.look()
        run.judge(found, policy)
        whys = {here.link: why for here in heres if (why := barred(run, here, found, policy))}
        self._give_up([end for here, end in zip(heres, ends, strict=True) if here.link in whys], "; ".join(whys.values()))
        if len(whys) == len(heres):
            gate.refused = True  # the other tunnels of the campaign go on
            remedy = "this tunnel stays as it is, and its stage at prefer, until both ends can; nothing was changed"
            run.note(status="refused", problem={"message": "; ".join(whys.values()), "where": run.host, "remedy": remedy})
            return
        ends = [end for here, end in zip(heres, ends, strict=True) if here.link not in whys]
        heres = [here for here in heres if here.link not in whys]
        again = partial(plan, run, heres, policy=policy, step=step)
        made = again(found=found)
        if heres[0].daemon == "openvpn":
            cut_off(run, heres, found, made)
        self._tell(run, found, replace(made, warnings=(*made.warnings, *whys.values())))
        if self._task.check_mode:
            run.note(status="would-change" if made.changes else "ok")
            return
        gate.together = frozenset(file_name(here.other) for here in heres)
        toward = partial(aim, run, found=found, policy=policy, step=step)
        several = None if heres[0].pair else Several(run, heres, ends, found, made, step, lambda then: again(found=then), SPEC, toward)
        if several and several.done:
            several.confirmed()
            return
        if stop := gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            self._give_up(ends, stop)
            return
        if several:
            several.allowed()
            several.go()
        else:
            _together(run, heres[0], ends[0])
            Move(run, heres[0], found, made, ends[0], lambda then: again(found=then), toward(heres[0])).go(step)
        if run.result.status == "changed":
            run.judge(run.look(), policy)

    def _give_up(self, ends: Sequence[Ends], why: object) -> None:
        """So that the other end does not wait for us."""
        for end in ends:
            if not self._task.check_mode and not {"confirmed", "failed"} & set(end.said["reached"]):
                end.say("failed", why=str(why))

    def _tell(self, run: Run, found: Survey, made: Plan) -> None:
        if found.snapshot.facts.get("uid") != "0":
            raise Problem("changing tunnels needs root", run.host, "add become: true, or -b")
        run.note(plan={**plain(made), "diff": diff(found.snapshot, made.changes), "route": run.channel.route, "extra": list(found.extra)})


def _unseen(gate: Gate, host: str, mine: Tied) -> tuple[str, ...]:
    """Clients of an OpenVPN server that this campaign knows, and that nobody looked at in this run: their server does not name them."""
    known = others(gate.folder, host) if mine.ends[0].daemon == "openvpn" else {}
    met = {here.other for here in mine.ends}
    return tuple(f"{other} is an end in this campaign, and was not looked at ({path})" for other, path in sorted(known.items()) if other not in met)


def _together(run: Run, here: Here, ends: Ends) -> None:
    """Whether both ends can move now.  Raises Problem; nothing was touched then."""
    batch = [str(host) for host in run.vars.get("ansible_play_batch", ())]
    if here.other not in batch:
        raise Problem(f"{here.other} is not in this batch of the play, or has failed", run.host, "both ends move in one batch; nothing was changed")
    forks = int(context.CLIARGS.get("forks") or 1)
    if len(batch) > forks:
        raise Problem(
            f"{len(batch)} hosts move at once and {forks} tasks run at once (forks), so an end could wait for one that cannot begin",
            run.host,
            f"-f {len(batch)}, or fewer hosts (-l); nothing was changed",
        )
    settled(run)
    stages = ends.stages()
    if run.args["step"] == "contract" and not set(stages) <= {*STAGE.values(), CONTRACTING}:
        now = ", ".join(f"{host} is {stage or 'not'}" for host, stage in zip((run.host, here.other), stages, strict=True))
        raise Problem(f"both ends have to be expanded first: {now}", run.host, "run the step expand of this campaign; nothing was changed")
