# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the gate between the batches of a campaign.  It reads the campaign's state on disk, so neither a rescue, nor
another strategy, nor max_fail_percentage gets around it.

One file a host and fact, in campaigns/<campaign>/<fact>/<host>.json beside the results folder, so that every run of a campaign
finds it; counting is listing a folder.  Check mode writes none.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ._core.model import Problem
from ._core.report.campaigns import DONE
from ._core.report.output import file_name, write_whole
from ._core.report.results import BAD
from ._core.report.waves import FILE, waves_from
from ._entries import ready
from ._run import Run, guarded
from ._standing import ABORTED, PAUSED, folder_of, said, standing
from ._windows import WINDOW, not_now

GATED: dict[str, Any] = {**WINDOW, "error_budget": {"type": "str", "default": "0"}}  # options of every task that changes a host
FAILED, UNPLANNED, ENDED, CLUSTERS = "failed", "not-planned", "ended", "clusters"
PLANNED, TIGHTENED = "tightens-ssh", "tightened-ssh"
HELD = {
    PAUSED: ("paused", "go on with the playbook campaign, -e agility_campaign={} -e agility_verb=resume, then run this again; nothing was changed"),
    ABORTED: ("refused", "take it back with the playbook rollback, -e agility_campaign={}; what is still wanted needs another campaign"),
}
NOT_NOW = "run it again then; in an emergency agility_window_override takes a reason and an approver; nothing was changed"


def id_prefix(campaign: str) -> str:
    """What the ids of a campaign's transactions begin with: its name, or what is left of one that is long or has other characters, and a digest."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}", campaign):
        return campaign
    digest = hashlib.sha256(campaign.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', campaign).strip('-')[:41]}-{digest}".lstrip("-")


def in_campaign(run: Run, work: Callable[[Run, Gate], None]) -> dict[str, Any]:
    """One change of a host behind the gate of its campaign, as its task returns it."""
    gate = Gate(run)
    out = guarded(run, lambda run: _entered(run, gate, work))
    gate.ended(run.result.status)
    out["transaction"] = run.result.transaction
    if run.action._task.diff and run.result.plan and run.result.plan.get("diff"):
        out["diff"] = run.result.plan["diff"]
    return out


def _entered(run: Run, gate: Gate, work: Callable[[Run, Gate], None]) -> None:
    gate.refused = True  # by the ledger, until it can be written: that says nothing about the host
    ready(run)
    gate.refused = False
    work(run, gate)


def budget(text: str, hosts: int) -> int:
    """How many of so many hosts may have failed.  Raises Problem."""
    if not (found := re.fullmatch(r"([0-9]{1,6}) ?(%?)", text.strip())):
        raise Problem(
            f"{text} is no error budget", "agility_error_budget", "write a number of hosts, e.g. 2, or per cent, e.g. 5%; nothing was changed"
        )
    return hosts * int(found[1]) // 100 if found[2] else int(found[1])


def ended(folder: Path, name: str) -> dict[str, str]:
    """What became of a host at last: {status, at, transaction, machine}; {} = nothing yet."""
    try:
        return dict(json.loads((folder / ENDED / name).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


class Gate:
    def __init__(self, run: Run, campaign: str = "") -> None:
        self.run = run
        self.name = file_name(run.host)
        self.campaign = campaign or str(run.args.get("campaign") or run.run)
        self.folder = folder_of(run.output, self.campaign)
        self.remedy, self.status = "", "refused"
        self.refused = self.reserved = False
        self.together: frozenset[str] = frozenset()  # files of hosts that this one moves with: it mends their failures, too

    def _mark(self, fact: str, present: bool, note: str = "") -> None:
        if self.run.action._task.check_mode:
            return
        path = self.folder / fact / self.name
        if present:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(note, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)

    def _marked(self, fact: str) -> set[str]:
        return {path.name for path in (self.folder / fact).glob("*.json")}

    # -- what became of this host, for the hosts that come after it

    def planned(self, status: str, tightens: bool) -> None:
        """Before any host of this batch is enforced, so that the batch can be counted.  Who needs nothing any more has been mended."""
        bad = status in BAD
        self._mark(UNPLANNED, bad, "\n".join([self.run.run, *self._batch()]) if bad else "")
        self._mark(PLANNED, tightens)
        if fact := self._cluster():
            self._mark(fact, status == "would-change")
        if status == "ok":
            self._mark(FAILED, present=False)
            if self.run.args.get("campaign"):
                self._end(status)

    def ended(self, status: str) -> None:
        if self.refused:
            return  # by this gate: nothing was learnt about the host
        self._mark(FAILED, status in BAD)
        self._end(status)
        if self.reserved and status in ("reverted", "refused"):
            self._mark(TIGHTENED, present=False)

    def rolled_back(self, undone: Collection[str]) -> None:
        """undone: transactions; who did more since in this campaign is still changed."""
        if ended(self.folder, self.name).get("transaction", "") in ("", *undone):
            self._mark(TIGHTENED, present=False)
            self._end("rolled-back")

    def _end(self, status: str) -> None:
        """For whoever asks where the campaign is, and for a way back that finds another machine under this name: so who needs nothing any more
        stays changed."""
        needless = status == "ok" and ended(self.folder, self.name).get("status") in DONE
        if not needless and not self.run.action._task.check_mode:
            result, path = self.run.result, self.folder / ENDED / self.name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            facts = {"status": status, "at": self.run.taken, "transaction": result.transaction, "machine": result.target.get("machine_id", "")}
            write_whole(path, json.dumps(facts, sort_keys=True))

    # -- may this host be changed now?

    def closed(self, ssh_batch_limit: int, tightens_ssh: bool, only_way: bool) -> str:
        """Why this host must not be changed now, "" when it may."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # from now on the campaign is known, and can be paused
        self.refused = True  # also by a word of the operator that says nothing: none of this tells about the host
        why = self._held() or self._not_from_here(tightens_ssh, only_way) or self._stopped() or self._beside() or self._not_now()
        why = why or (self._too_many(ssh_batch_limit) if tightens_ssh else "")
        self.refused = bool(why)
        return why

    def late(self) -> bool:
        """Whether the window closed, or somebody paused the campaign, while keys were made and certificates were waited for; then the host is
        left as it is, and told so."""
        if why := self._held() or self._not_now():
            self.refused = True
            if self.reserved:
                self._mark(TIGHTENED, present=False)
            self.run.note(status=self.status, problem={"message": why, "where": self.run.host, "remedy": self.remedy})
        return self.refused

    def _held(self) -> str:
        if not (now := standing(self.folder)):
            return ""
        self.status, remedy = HELD[now["state"]]
        self.remedy = remedy.format(self.campaign)
        return f"the campaign is {said(now)}"

    def _not_now(self) -> str:
        if why := not_now(self.run):
            self.status, self.remedy = "out-of-window", NOT_NOW
        return why

    def _not_from_here(self, tightens_ssh: bool, only_way: bool) -> str:
        if only_way:
            self.remedy = "say how you get in without ssh, e.g. agility_out_of_band='console of hypervisor-3' in the inventory or with -e"
            return "this change closes part of ssh, the only way in that is known"
        if tightens_ssh and self.run.channel.transport == "local":
            self.remedy = "run it from a controller that logs in over ssh"
            return "a loopback handshake cannot prove that anybody still gets in; tightening SSH over a local connection is refused"
        return ""

    def _stopped(self) -> str:
        """A host that failed itself may try again: else two that failed would wait for each other."""
        failed = self._marked(FAILED)
        if self.name in failed:
            return ""
        wrong = sorted((failed | {name for name in self._marked(UNPLANNED) if not self._with_me(name)}) - self.together)
        allowed = budget(str(self.run.args.get("error_budget") or "0"), len(self._names("ansible_play_hosts_all") | failed))
        if len(wrong) <= allowed:
            return ""
        named = [unquote(name.removesuffix(".json")) for name in wrong[:3]]
        self.remedy = f"mend it and run the campaign with -l {named[0]}, then for all; nothing was changed here (the campaign's state: {self.folder})"
        more = f" and {len(wrong) - len(named)} more" if len(wrong) > len(named) else ""
        return f"the campaign stopped: {', '.join(named)}{more} failed before" + (f", over its error budget of {allowed}" if allowed else "")

    def _beside(self) -> str:
        """Of a cluster one member at a time, and none while another is not well."""
        others = self._marked(fact) - {self.name} if (fact := self._cluster()) else set()
        for bad, what in ((others & self._batch(), "is in the same batch"), (others & self._marked(FAILED), "failed before")):
            if bad and self.name not in self._marked(FAILED):
                self.remedy = "use the playbook waves, or smaller batches (agility_serial), and mend what failed; nothing was changed here"
                return f"{unquote(min(bad).removesuffix('.json'))}, of its cluster {unquote(Path(fact).name)}, {what}"
        return ""

    def _cluster(self) -> str:
        """The folder of the marks of its cluster, "" = it stands alone."""
        name = self.run.variable("agility_cluster") if "agility_cluster" in self.run.vars else ""
        return f"{CLUSTERS}/{file_name(name).removesuffix('.json')}" if name else ""

    def _with_me(self, name: str) -> bool:
        """Whether that host could not be planned in this very batch: it fails alone.  Ansible has already struck it off its own list."""
        path = self.folder / UNPLANNED / name
        run, *batch = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [""]
        return name == self.name or (run == self.run.run and self.name in batch)

    def _too_many(self, limit: int) -> str:
        """What the campaign has tightened so far and this batch, against all hosts.  Counted and noted under a lock, for hosts come at once."""
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self._marked(TIGHTENED)
            would = done | self._marked(PLANNED) & self._batch() | {self.name}
            total = len(done | self._names("ansible_play_hosts_all") | self._divided() | {self.name})
            share = 100 * len(would) / total
            if share <= limit:
                self.reserved = self.name not in done
                self._mark(TIGHTENED, present=True)
                return ""
        self.remedy = f"smaller batches (agility_serial), or acknowledge with -e agility_ssh_batch_limit={math.ceil(share)}"
        before = f", {len(done)} of them before" if done else ""
        return f"this batch would tighten SSH on {share:.0f} % of the hosts of the play ({len(would)} of {total}{before}), more than {limit} %"

    def _divided(self) -> set[str]:
        """The hosts of a campaign in waves, of which the play of its canary has but one."""
        try:
            waves = waves_from(json.loads((self.folder / FILE).read_text(encoding="utf-8")))
            return {file_name(host) for wave in waves for host in wave.hosts}
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def _batch(self) -> set[str]:
        return self._names("ansible_play_batch")

    def _names(self, variable: str) -> set[str]:
        return {file_name(str(host)) for host in self.run.vars.get(variable, ())}
