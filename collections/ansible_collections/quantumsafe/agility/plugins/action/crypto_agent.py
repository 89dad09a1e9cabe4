# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install the agent for an account of least privilege on one host, with its line for sudo, or remove both."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._core.model import Problem
from ..plugin_utils._core.targets.installed import PATH, RULE, Placed, compose_agent, digest, parse_placed, rule, rule_digest
from ..plugin_utils._run import Run, guarded

SPEC = {
    "output": {"type": "path"},
    "agent_user": {"type": "str"},
    "agent_state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "agent", SPEC)
        shown: list[dict[str, str]] = []
        out = guarded(run, lambda run: self._settle(run, shown))
        return out | {"path": PATH, "sha256": digest()} | ({"diff": shown} if self._task.diff and shown else {})

    def _settle(self, run: Run, shown: list[dict[str, str]]) -> None:
        user, state = str(run.args["agent_user"] or ""), str(run.args["agent_state"])
        wanted = {PATH: (digest(), "755", "root:root"), RULE: (rule_digest(user), "440", "root:root")} if state == "present" else {}

        def ask(look: bool) -> dict[str, Placed]:
            found = run.channel.ask(lambda nonce: compose_agent(state, user, nonce, look), lambda out, nonce: parse_placed(out, nonce, run.host))
            return {one.path: one for one in found}

        now = ask(True)
        due = [one for path, one in now.items() if _differs(one, wanted.get(path))]
        shown += [_diff(one, rule(user) if one.path == RULE and wanted else f"sha256 {digest()}\n" if wanted else "") for one in due]
        if not due:
            return
        if not self._task.check_mode:
            left = [path for path, one in ask(False).items() if _differs(one, wanted.get(path))]
            if left:
                raise Problem(f"{', '.join(left)} is not what was put there", run.host, "somebody else writes to it")
        run.note(status="would-change" if self._task.check_mode else "changed")


def _differs(one: Placed, wanted: tuple[str, str, str] | None) -> bool:
    return (one.sha256, one.mode, one.owner) != (wanted or ("", "", ""))


def _diff(one: Placed, after: str) -> dict[str, str]:
    before = f"sha256 {one.sha256}, mode {one.mode}, {one.owner}\n" if one.sha256 else ""
    return {"before_header": one.path, "after_header": one.path, "before": before, "after": after}
