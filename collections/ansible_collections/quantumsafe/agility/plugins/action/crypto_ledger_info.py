# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify the ledger and ask it; writes nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.ledger.answers import Question, changes, decisions, merged, report
from ..plugin_utils._core.ledger.signing import public
from ..plugin_utils._core.ledger.verify import Verdict, verify
from ..plugin_utils._core.model import Problem
from ..plugin_utils._ledger import read

ASKS = ("host", "endpoint", "campaign", "event", "since", "until")
SPEC: dict[str, dict[str, Any]] = {
    "paths": {"type": "list", "elements": "path", "default": ["agility-results/ledger"]},
    "public_keys": {"type": "list", "elements": "path", "default": []},
    "expected_head": {"type": "list", "elements": "str", "default": []},
    **{name: {"type": "str", "default": ""} for name in ASKS},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, args = self.validate_argument_spec(argument_spec=SPEC)
        try:
            pinned = [public(Path(path).read_bytes(), str(path)) for path in args["public_keys"]]
            verdict = verify(read(map(Path, args["paths"])), pinned, args["expected_head"])
        except Problem as problem:
            return {"failed": True, "changed": False, "msg": str(problem)}
        except OSError as error:
            return {"failed": True, "changed": False, "msg": f"{error.filename}: {error.strerror}"}
        question = Question(**{name: str(args[name]) for name in ASKS})
        entries = merged(verdict.chains)
        asked = [entry for entry in entries if question.asks(entry)]
        mine = {(entry.get("host"), entry.get("transaction")) for entry in asked}
        rows = [row for row in changes(entries) if (row["host"], row["transaction"]) in mine]
        decided = decisions(asked)
        return _told(verdict) | {"entries": asked, "changes": rows, "decisions": decided, "report": [*decided, *report(rows)]}


def _told(verdict: Verdict) -> dict[str, Any]:
    chains = [
        {
            "chain": one.name,
            "entries": len(one.entries),
            "head": one.digests[-1] if one.digests else "",
            "whole": not one.faults,
            "signed": [signature.algorithm for signature in one.head.signatures] if one.head else [],
        }
        for one in verdict.chains
    ]
    out: dict[str, Any] = {"changed": False, "whole": verdict.whole, "chains": chains, "notes": list(verdict.notes)}
    out["faults"] = [{**asdict(fault), "message": str(fault)} for fault in verdict.faults]
    if not verdict.whole:
        out |= {"failed": True, "msg": f"the ledger is BROKEN: {'; '.join(map(str, verdict.faults))}"}
    return out
