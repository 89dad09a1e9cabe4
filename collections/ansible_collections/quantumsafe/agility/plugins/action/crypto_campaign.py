# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pause, resume or abort a campaign from another terminal, or tell where it is; no host is contacted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import ENDED, UNPLANNED, ended
from ..plugin_utils._core.ledger.canonical import MOMENT
from ..plugin_utils._core.model import Problem
from ..plugin_utils._core.report import campaigns
from ..plugin_utils._core.report.output import file_name, run_id
from ..plugin_utils._entries import account, noted
from ..plugin_utils._run import arguments
from ..plugin_utils._standing import ABORTED, WILL, folder_of, said, stand, standing
from ..plugin_utils._wavestate import Waves
from ..plugin_utils._windows import now

SPEC: dict[str, Any] = {
    "campaign": {"type": "str", "required": True},
    "verb": {"type": "str", "choices": ["status", "pause", "resume", "abort"], "default": "status"},
    "reason": {"type": "str", "default": ""},
    "output": {"type": "path"},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self.vars = task_vars or {}
        args = arguments(self, self.vars, SPEC)
        try:
            folder = self._folder(args)
            changed = args["verb"] != "status" and self._decide(folder, args)
        except Problem as problem:
            return {"failed": True, "changed": False, "msg": str(problem)}
        except OSError as error:
            return {"failed": True, "changed": False, "msg": f"{error.filename}: {error.strerror}; nothing was changed"}
        return {"changed": changed, **self._where(folder, args["campaign"])}

    def _folder(self, args: dict[str, Any]) -> Path:
        """Raises Problem for a campaign that was never begun from here: who wants to stop one must not believe that a mistyped name did."""
        output = Path(args["output"] or f"agility-results/{run_id(os.getppid())}").absolute()
        folder = folder_of(output, args["campaign"])
        if not folder.is_dir():
            known = sorted(unquote(path.name) for path in folder.parent.glob("*") if path.is_dir())
            remedy = "run it where the campaign runs, in the same directory or with an agility_output beside its own; known here: "
            raise Problem(f"no campaign {args['campaign']} was begun here", str(folder.parent), remedy + (", ".join(known) or "none"))
        return folder

    def _decide(self, folder: Path, args: dict[str, Any]) -> bool:
        who, at = account(), now().strftime(MOMENT)
        dry = self._task.check_mode
        changed = stand(folder, args["verb"], f"{who['user']}@{who['controller']}", at, args["reason"], dry)
        if changed and not dry:
            told = {"event": args["verb"], "verb": "campaign", "campaign": args["campaign"], "result": WILL[args["verb"]] or "resumed"}
            noted(self, self.vars, told)
        return changed

    def _where(self, folder: Path, campaign: str) -> dict[str, Any]:
        waves = Waves(folder)
        hosts = {host: mark | ({"wave": number} if (number := waves.number(host)) else {}) for host, mark in self._hosts(folder).items()}
        found, stop = standing(folder), waves.breached()
        left = campaigns.outstanding(hosts, found.get("state") == ABORTED)
        rows = [
            {"host": host, **{name: str(mark.get(name, "")) for name in ("status", "at", "transaction", "wave")}}
            for host, mark in sorted(hosts.items())
        ]
        stands = said(found) if found else f"stopped in wave {stop.wave}: {stop.why}" if stop else ""
        lines = campaigns.campaign_lines(campaign, stands, hosts)
        return {"state": found.get("state", "open"), "standing": found, "hosts": rows, "outstanding": list(left), "report": lines}

    def _hosts(self, folder: Path) -> dict[str, dict[str, Any]]:
        """The hosts of this play, and whoever left a mark."""
        names = {file_name(str(host)): str(host) for host in self.vars.get("ansible_play_hosts_all", ())}
        marked = {path.name for fact in (ENDED, UNPLANNED) for path in (folder / fact).glob("*.json")}
        names = {name: unquote(name.removesuffix(".json")) for name in marked} | names
        unplanned = {"status": campaigns.UNPLANNED}
        return {
            host: ended(folder, name) | (unplanned if (folder / UNPLANNED / name).exists() else {}) or {"status": campaigns.NOT_YET}
            for name, host in names.items()
        }
