# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the steps of a campaign in waves, each on the controller: divide, begin, soak, judge, take back, conclude.

The campaign's state on disk decides, never Ansible's own idea of who failed: the playbook ignores that, for else a wave that failed as a whole
would end the run before its changes are taken back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display

from ._campaign import budget
from ._core.model import Problem
from ._core.policy.model import Policy
from ._core.policy.zones import zones_of
from ._core.report.campaigns import DONE
from ._core.report.output import write_whole
from ._core.report.waves import FILE, wave_lines
from ._core.waves.cut import STEPS, Wave, continued, size, within
from ._core.waves.judge import BREACHES, Stop, named, to_take_back
from ._core.waves.order import DOMAINS, Member, zone_of
from ._entries import noted
from ._health import checks, unwell
from ._policies import groups_of
from ._run import COMMON, Run
from ._standing import folder_of, said, standing
from ._wavestate import REHEARSED, Waves

SPEC: dict[str, Any] = {
    **COMMON,
    "step": {"type": "str", "required": True, "choices": ["show", "divide", "begin", "rehearsed", "soak", "prove", "judge", "conclude", "back"]},
    "campaign": {"type": "str"},
    "waves": {"type": "list", "elements": "str", "default": list(STEPS)},
    "rehearse": {"type": "bool", "default": True},
    "soak": {"type": "int", "default": 60},
    "health": {"type": "list", "elements": "raw", "default": []},
    "error_budget": {"type": "str", "default": "0"},
    "on_breach": {"type": "str", "choices": list(BREACHES), "default": BREACHES[0]},
}
EVERY = 10  # seconds between two rounds of checks while a wave soaks


class Campaign:
    """One step of one run."""

    def __init__(self, run: Run) -> None:
        self.run, self.dry = run, bool(run.action._task.check_mode)
        self.name = str(run.args.get("campaign") or run.run)
        self.folder = folder_of(run.output, self.name)
        self.state = Waves(self.folder)
        if self.state.spoiled and run.args["step"] != "back":
            raise self.state.spoiled
        self.play = [str(host) for host in run.vars.get("ansible_play_hosts_all", ())]

    def take(self, step: str) -> dict[str, Any]:
        """One step.  A breach that it finds, or that a new run leaves behind, is entered into the ledger, whichever step it was."""
        before = self.state.breached()
        out: dict[str, Any] = getattr(self, step)()
        found = self.state.breached()
        if found and found != before:
            self._enter("breach", found)
        elif before and not found:
            self._enter("resume", before)
        return out

    def _enter(self, event: str, about: Stop, **more: Any) -> None:
        told = {"event": event, "verb": "waves", "campaign": self.name, "wave": about.wave, "cause": about.why, **more}
        noted(self.run.action, self.run.vars, told)

    # -- before any host is touched

    def show(self) -> dict[str, Any]:
        """The waves that a campaign would have; also for the ticket of a plan."""
        waves = self._waves()
        if not self.dry:
            write_whole(self.run.output / FILE, json.dumps({"waves": [asdict(wave) for wave in waves]}))
        return {"report": wave_lines(waves, within(waves, set(self.play)))}

    def divide(self) -> dict[str, Any]:
        """Raises Problem for anything that a later step would stumble over."""
        args = self.run.args
        checks(args["health"])
        budget(str(args["error_budget"]), 1)
        if args["soak"] < 0:
            raise Problem("a wave cannot soak for less than no time", "agility_soak", "write seconds; nothing was changed")
        waves = self._waves()
        mine = within(waves, set(self.play))
        canary = waves[0].hosts if waves and args["rehearse"] and not self.dry else ()
        back = self.state.marked(REHEARSED, canary)
        due = [host for host in canary if host not in back]
        if not self.dry:
            self.state.divide(waves, due, self.play)
        return {
            **_play(tuple(hosts for dummy, hosts in mine)),
            "campaign": self.name,
            "rehearse": [host for host in due if host in self.play],
            "report": wave_lines(waves, mine),
        }

    def _waves(self) -> tuple[Wave, ...]:
        policy, hostvars = self.run.policy(), self.run.vars["hostvars"]
        steps = [str(step) for step in self.run.args["waves"]]
        for step in steps:
            size(step, 1)
        gone = {host for host in self.state.hosts() if host not in hostvars}
        return continued(self.state.waves, [_member(host, policy, hostvars) for host in self.play], steps, gone)

    # -- around each wave

    def begin(self) -> dict[str, Any]:
        """Whether this batch of the play, which is a wave, may begin."""
        batch = [str(host) for host in self.run.vars.get("ansible_play_batch", ())]
        if self.dry:
            return {"stopped": False, "report": "check mode: nothing is changed"}
        number = self.state.number(batch[0]) if batch else 0
        if not number or not set(batch) <= set(self.state.waves[number - 1].hosts):
            raise Problem("this batch is no wave of the campaign", ", ".join(batch[:3]), "run the playbook waves; nothing was changed in this batch")
        wave = self.state.waves[number - 1]
        title = f"wave {number} of {len(self.state.waves)}"
        now = standing(self.folder)
        stop = None if now else self.state.stopped(number, str(self.run.args["error_budget"]))
        why = f"the campaign is {said(now)}" if now else _why(stop)
        return {
            "stopped": bool(why),
            "agility_wave": title,
            "report": f"{title} is not begun: {why}" if why else f"{title} ({wave.about}): {', '.join(batch)}",
        }

    def soak(self) -> dict[str, Any]:
        """Wait, and look all the while; somebody who pauses the campaign need not wait with it."""
        batch = (self.state.number(str(host)) for host in self.run.vars.get("ansible_play_batch", ()))
        number = next(filter(None, batch), 0)
        stop = None if self.dry or not number else self.state.stopped(number + 1, str(self.run.args["error_budget"]))
        if self.dry or not number or (stop and stop.breach):
            return {"report": "nothing to wait for"}
        given, until = checks(self.run.args["health"]), time.monotonic() + self.run.args["soak"]
        while True:
            if why := next(filter(None, map(unwell, given)), ""):
                self.state.breach(Stop(number, why, breach=True))
                return {"report": f"wave {number} is not well: {why}"}
            left = until - time.monotonic()
            if left <= 0 or standing(self.folder):
                return {"report": f"wave {number} has soaked for {self.run.args['soak']} s" if left <= 0 else "the campaign was stopped meanwhile"}
            time.sleep(min(EVERY, left))

    def rehearsed(self) -> dict[str, Any]:
        """This host has been there and back."""
        if not self.dry:
            self.state.rehearsed(self.run.host)
        return {}

    # -- behind the last wave that was begun

    def judge(self) -> dict[str, Any]:
        """What is to be taken back, the last wave first."""
        if self.dry:
            return _play(())
        last = max((self.state.number(host) for host in self.play), default=0)
        stop = self.state.stopped(last + 1, str(self.run.args["error_budget"]))
        if not stop:
            return _play(())
        if not stop.breach:  # a window that closed, a pause: somebody has to run it again
            self._enter("hold", stop)
            return _play(())
        waves = to_take_back(self.state.waves, stop.wave, str(self.run.args["on_breach"]), self.state.to_undo() & set(self.play))
        back = _play(tuple(wave.hosts for wave in waves))
        if back["hosts"]:
            self._enter("take-back", stop, hosts=back["hosts"])
        return back

    def conclude(self) -> dict[str, Any]:
        """Raises Problem unless every host of the play is as promised."""
        became = self.state.became(self.play)
        left = [host for host in self.play if became.get(host) not in DONE]
        now, stop = standing(self.folder), self.state.breached()
        if self.dry or not (left or stop):
            return {"report": f"campaign {self.name}: every host of the play is as promised"}
        taken = [host for host in left if became.get(host) == "rolled-back"]
        open_ = [host for host in left if host not in taken]
        whys = [said(now)] if now else []
        whys += [f"stopped in {_why(stop)}"] if stop else []
        whys += [f"taken back: {named(taken)}"] if taken else []
        whys += [f"not as promised: {named(open_)}"] if open_ else []
        raise Problem("; ".join(whys), f"campaign {self.name}", "mend the cause and run it again; host by host: the playbook campaign")

    def back(self) -> dict[str, Any]:
        """The way back of a whole campaign: the last wave first, and who is in none behind them.  Without waves nothing is said of an order."""
        if self.state.spoiled:  # a way back is never refused for that
            Display().warning(f"quantumsafe.agility: all hosts are taken back at once, for the order is lost: {self.state.spoiled}")
        mine = [hosts for dummy, hosts in reversed(within(self.state.waves, set(self.play)))]
        in_none = tuple(host for host in self.play if not self.state.number(host))
        return _play((*mine, in_none) if mine and in_none else tuple(mine))


def _play(batches: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    """What a play needs to go through these in this order."""
    return {"hosts": [host for hosts in batches for host in hosts], "serial": [len(hosts) for hosts in batches]}


def _why(stop: Stop | None) -> str:
    return f"wave {stop.wave}: {stop.why}" if stop else ""


def _member(host: str, policy: Policy, hostvars: Mapping[str, Any]) -> Member:
    """Raises Problem for a domain that is none."""
    mine = hostvars[host]
    domain = str(mine.get("agility_domain") or DOMAINS[0])
    if domain not in DOMAINS:
        raise Problem(f"{domain} is none of {', '.join(DOMAINS)}", f"agility_domain of {host}", "nothing was changed")
    zones = [(name, policy.zones[name]) for name in zones_of(policy, host, groups_of(host, hostvars))]
    return Member(host, zone_of(zones), domain, str(mine.get("agility_cluster") or ""), boolean(mine.get("agility_canary", False)))
