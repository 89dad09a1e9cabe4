# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: whether this is the time to change this host.

The controller's clock decides, at the moment of the change: no host is asked for its time, so none that is wrong about it gets a change early,
or none.  agility_as_of does not move this clock.
"""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime
from typing import Any

from ansible.utils.display import Display

from ._core.model import Problem
from ._core.targets.transact import longest
from ._core.windows.standing import said, standing
from ._run import Run

WINDOW: dict[str, Any] = {
    "window_override": {"type": "dict", "options": {"reason": {"type": "str", "required": True}, "approver": {"type": "str", "required": True}}},
}


def now() -> datetime:
    return datetime.now(UTC)


def moment(text: str, until: datetime, variable: str) -> datetime:
    """A moment that has been by then, as somebody gave it in that variable.  Raises Problem."""
    remedy = "write e.g. 2027-01-10T01:30:00Z, or with +01:00 for the Z; nothing was changed"
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(f"{text} is no moment", variable, remedy) from error
    if found.tzinfo is None or found > until:
        raise Problem(f"{text} {'is to come' if found.tzinfo else 'has no time zone'}", variable, remedy)
    return found


def not_now(run: Run) -> str:
    """Why this host must not be changed at this moment, "" when it may be, or when somebody answers for it; that is recorded.

    Raises Problem for an override that does not say who, and why.
    """
    found = standing(run.policy(), run.host, run.groups, now(), longest(int(run.args["confirm_timeout"])))
    run.window_until = found.until if found.state == "open" else None
    why = said(found)
    given = run.args.get("window_override")
    if not why or not given:
        return why
    answers = {key: str(given[key]).strip() for key in ("reason", "approver")}
    if lacking := [key for key, text in answers.items() if not text]:
        raise Problem(f"it says no {' and no '.join(lacking)}", "agility_window_override", "say who answers for it, and why; nothing was changed")
    run.note(window_override={**answers, "by": f"{getpass.getuser()}@{socket.gethostname()}", "instead_of": why})
    Display().warning(f"{run.host}: {why}; it is changed all the same, as {answers['approver']} decided: {answers['reason']}")
    return ""
