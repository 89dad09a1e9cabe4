# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: whether a campaign goes on.  One small file in its folder, which another terminal writes and the gate reads before
every change; without it the campaign goes on.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path

from ._core.model import Problem
from ._core.report.output import file_name, write_whole
from ._core.report.table import one_line

PAUSED, ABORTED = "paused", "aborted"
WILL = {"pause": PAUSED, "abort": ABORTED, "resume": ""}  # what a campaign is after that verb
FILE = "standing.json"


def folder_of(output: Path, campaign: str) -> Path:
    """Beside the results folders, so that every run of the campaign finds it."""
    return output.parent / "campaigns" / file_name(campaign).removesuffix(".json")


def standing(folder: Path) -> dict[str, str]:
    """{state, by, at, reason}; {} = it goes on.  A file that cannot be read holds it, like a pause."""
    path = folder / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {"state": {PAUSED: PAUSED, ABORTED: ABORTED}[told["state"]], **{name: str(told[name]) for name in ("by", "at", "reason")}}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        return {"state": PAUSED, "by": "nobody knows whom", "at": "?", "reason": f"{path} cannot be read"}


def said(now: Mapping[str, str]) -> str:
    return one_line(f"{now['state']} since {now['at']} by {now['by']}: {now['reason'] or 'no reason was given'}")


def stand(folder: Path, verb: str, by: str, at: str, reason: str, dry: bool) -> bool:
    """Pause, resume or abort; whether that changes anything.  Raises Problem: an abort is for good."""
    will = WILL[verb]
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        now = standing(folder)
        if now.get("state", "") == will:
            return False
        if now and now["state"] == ABORTED:
            raise Problem(
                f"the campaign is {said(now)}",
                str(folder),
                "an abort is for good: take the campaign back with the playbook rollback, or begin another",
            )
        if not dry and will:
            write_whole(folder / FILE, json.dumps({"state": will, "by": by, "at": at, "reason": reason}, sort_keys=True))
        elif not dry:
            (folder / FILE).unlink()
    return True
