# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the keys of a key management service, from the controller."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.certificates.kms import KmsKey, quantum, remarks
from ..plugin_utils._core.model import Problem
from ..plugin_utils._core.report.table import kms_table
from ..plugin_utils._kms import keys
from ..plugin_utils._run import arguments
from ..plugin_utils._web import Web, vault_headers

SPEC = {
    "kms_url": {"type": "str", "required": True},
    "kms_token": {"type": "str", "required": True, "no_log": True},
    "kms_ca": {"type": "path"},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        args = arguments(self, task_vars or {}, SPEC)
        token = str(args["kms_token"])
        try:
            headers = vault_headers(token, "agility_kms_token")
            web = Web(str(args["kms_url"]).rstrip("/"), str(args["kms_ca"] or ""), ("", ""), headers, (token,), "agility_kms_url")
            found = keys(web, datetime.now(UTC).date())
        except Problem as problem:
            return {"failed": True, "changed": False, "msg": str(problem)}
        return {"changed": False, "keys": [_told(one) for one in found], "report": kms_table(found).splitlines()}


def _told(key: KmsKey) -> dict[str, Any]:
    facts = asdict(key)
    del facts["kinds"]
    return {**facts, "kind": key.kind, "quantum": quantum(key), "remarks": remarks(key)}
