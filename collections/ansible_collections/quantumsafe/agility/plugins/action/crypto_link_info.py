# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put both ends of every tunnel side by side, from the results of audits; asks no host."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.links.order import SIZES, batches, early
from ..plugin_utils._core.links.planned import STAGES, Step
from ..plugin_utils._core.model import Problem
from ..plugin_utils._core.report.links import hubs_of, links, links_table, plain_links
from ..plugin_utils._core.report.output import output_folder, run_id, utf8, write_whole
from ..plugin_utils._core.report.results import read_hosts
from ..plugin_utils._run import arguments

SPEC = {
    "output": {"type": "path"},
    "results": {"type": "list", "elements": "path", "default": []},
    "serial": {"type": "list", "elements": "str", "default": list(SIZES)},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        known = task_vars or {}
        args = arguments(self, known, SPEC)
        folders = [Path(one) for one in args["results"]]
        if none := [str(one) for one in folders if not (one / "hosts").is_dir()]:
            return {"failed": True, "changed": False, "msg": f"{none[0]} is no results folder: it has no hosts/; nothing was written"}
        output = output_folder(str(args["output"] or ""), run_id(os.getppid()))
        read = [read_hosts(folder) for folder in folders or [output]]
        results, complaints = [one for some, dummy in read for one in some], [text for dummy, some in read for text in some]
        found = links(results, self._addresses(known))
        said = plain_links(found, results, complaints)
        write_whole(output / "links.json", utf8(json.dumps(said, ensure_ascii=False, indent=1) + "\n"))
        report = [
            *links_table(found, 140, hubs_of(results), said["packets"]).splitlines(),
            *(f"unreadable: {text}" for text in complaints),
            f"links: {output / 'links.json'}",
        ]
        try:
            order = {step: self._order(known, said["links"], step, args["serial"]) for step in STAGES}
        except Problem as problem:
            return {"failed": True, "changed": False, "msg": str(problem)}
        return {"changed": False, "links": said["links"], "hubs": said["hubs"], "order": order, "report": report, "agility_output": str(output)}

    def _order(self, known: Mapping[str, Any], links: Sequence[Mapping[str, Any]], step: Step, sizes: Sequence[str]) -> dict[str, Any]:
        """What a play of migrate_links needs to go through the hosts that are left in this one."""
        found = batches(links, [str(host) for host in known.get("ansible_play_hosts", ())], step, sizes)
        return {"hosts": [host for batch in found for host in batch], "serial": [len(batch) for batch in found], "early": early(links, found)}

    def _addresses(self, known: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """What the inventory says of where its hosts are."""
        hosts = known.get("hostvars", {})
        said = {str(host): hosts[host].get("ansible_host") for host in known.get("groups", {}).get("all", ())}
        return {host: (str(address),) for host, address in said.items() if address}
