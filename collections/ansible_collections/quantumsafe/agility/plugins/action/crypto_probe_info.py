# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shake hands with a server from the controller and tell what was seen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.probe.ike import probe_ike
from ..plugin_utils._core.probe.ssh import probe_ssh
from ..plugin_utils._core.probe.starttls import PRELUDES
from ..plugin_utils._core.probe.tls import probe_tls, strictly_prefers

SPEC = {
    "address": {"type": "str"},
    "port": {"type": "int", "required": True},
    "kind": {"type": "str", "choices": ["tls", "ssh", "ikev2"], "default": "tls"},
    "server_name": {"type": "str", "default": ""},
    "starttls": {"type": "str", "choices": ["", *PRELUDES], "default": ""},
    "timeout": {"type": "int", "default": 10},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        known = {name: self._templar.template((task_vars or {}).get(name)) for name in ("ansible_host", "inventory_hostname")}
        dummy, args = self.validate_argument_spec(argument_spec=SPEC)
        where = str(args["address"] or known["ansible_host"] or known["inventory_hostname"])
        if args["kind"] == "ssh":
            seen: dict[str, Any] = asdict(probe_ssh(where, args["port"], timeout=args["timeout"]))
        elif args["kind"] == "ikev2":
            seen = asdict(probe_ike(where, args["port"], timeout=args["timeout"]))
        else:
            found = probe_tls(where, args["port"], args["server_name"], timeout=args["timeout"], starttls=args["starttls"])
            seen = asdict(found)
            if not found.failure:
                seen["strictly_prefers_hybrid"] = strictly_prefers(
                    where, args["port"], args["server_name"], timeout=args["timeout"], starttls=args["starttls"]
                )
        out: dict[str, Any] = {"changed": False, "probe": seen}
        if seen["failure"]:
            out |= {"failed": True, "msg": f"{where}:{args['port']}: {seen['failure']}"}
        return out
