# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the gate between the batches of a campaign.  It reads the campaign's state on disk, so neither a rescue, nor
another strategy, nor max_fail_percentage gets around it.

One empty file a host and fact, in <results>/campaign/<fact>/<host>.json; counting is listing a folder.
"""

from __future__ import annotations

from pathlib import Path

from ._core.report.output import file_name
from ._core.report.results import BAD
from ._run import Run


class Gate:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = run.output / "campaign"
        self.remedy = ""

    def _mark(self, fact: str, present: bool) -> None:
        path = self.folder / fact / file_name(self.run.host)
        if present:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
        else:
            path.unlink(missing_ok=True)

    def record(self, status: str) -> None:
        """What became of this host, for the hosts that come after it."""
        self._mark("failed", status in BAD and status != "refused")

    def tightens(self, yes: bool) -> None:
        self._mark("tightens-ssh", yes)

    def _marked(self, fact: str) -> list[str]:
        folder: Path = self.folder / fact
        return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []

    def closed(self, ssh_batch_limit: int, tightens_ssh: bool, only_way: bool) -> str:
        """Why this host must not be changed now, "" when it may."""
        if only_way:
            self.remedy = "say how you get in without ssh, e.g. agility_out_of_band='console of hypervisor-3' in the inventory or with -e"
            return "this change closes part of ssh, the only way in that is known"
        if tightens_ssh and self.run.channel.transport == "local":
            self.remedy = "run it from a controller that logs in over ssh"
            return "a loopback handshake cannot prove that anybody still gets in; tightening SSH over a local connection is refused"
        failed = [name for name in self._marked("failed") if f"{name}.json" != file_name(self.run.host)]
        if failed:
            self.remedy = "mend that host, then run the campaign again; nothing was changed here"
            return f"the campaign stopped: {', '.join(failed[:3])} failed before"
        batch = {file_name(str(h)) for h in self.run.vars.get("ansible_play_batch", ())}
        tightened = [name for name in self._marked("tightens-ssh") if f"{name}.json" in batch]
        total = len(self.run.vars.get("ansible_play_hosts_all", ())) or 1
        share = 100 * len(tightened) / total
        if file_name(self.run.host)[:-5] in tightened and share > ssh_batch_limit:
            self.remedy = "smaller batches (agility_serial), or acknowledge with -e agility_ssh_batch_limit=100"
            return (
                f"this batch would tighten SSH on {share:.0f} % of the hosts of the play ({len(tightened)} of {total}), more than {ssh_batch_limit} %"
            )
        return ""
