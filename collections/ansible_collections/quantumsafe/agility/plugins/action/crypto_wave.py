# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Divide a campaign into waves, and say before each whether it may begin; or prove a host again when its wave has soaked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import Gate
from ..plugin_utils._core.report.output import file_name
from ..plugin_utils._core.report.results import plan_from, read_host
from ..plugin_utils._proving import prove
from ..plugin_utils._run import Run, answered
from ..plugin_utils._waving import SPEC, Campaign


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "enforce", SPEC)
        step = str(run.args["step"])
        return answered(lambda: _proved(run) if step == "prove" else Campaign(run).take(step))


def _proved(run: Run) -> dict[str, Any]:
    """Whether what was proved when this host was changed still holds; a host that is not well any more has failed."""
    path = Path(run.output) / "hosts" / file_name(run.host)
    earlier = read_host(path) if path.is_file() else None
    if run.action._task.check_mode or earlier is None or earlier.status != "changed" or earlier.run != run.run:
        return {"proved": []}
    run.result, held = earlier, tuple(proof["endpoint"] for proof in earlier.proofs if proof["proved"])
    probes = tuple(probe for probe in plan_from(earlier.plan or {}).probes if probe.endpoint in held)
    proofs, wrong = prove(run, probes, held)
    if not wrong:
        return {"proved": list(held)}
    problem = {"message": f"not well any more since it was changed: {'; '.join(wrong)}", "where": run.host, "remedy": "it failed in its wave"}
    run.note(status="failed", proofs=proofs, problem=problem)
    Gate(run).ended("failed")
    return run.finish()
