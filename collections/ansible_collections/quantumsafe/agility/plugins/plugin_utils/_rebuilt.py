# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: whether the host that answers is the one that a campaign changed.  The campaign's own marks tell, beside the results."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from ._campaign import ENDED, ended
from ._core.report.output import file_name
from ._run import Run
from ._standing import folder_of

LEAVE = "what was changed is not there any more: enforce anew; to leave the old change out delete {}; nothing was changed"


def replaced(run: Run, campaign: str, since: datetime | None, ids: Collection[str], machine: str = "") -> dict[str, Any]:
    """The problem of a host that a campaign (or any since then) changed, and that knows nothing of it, or is another machine by now; {} = none.

    ids: of all transactions that the host knows.
    """
    name = file_name(run.host)
    folders = [folder_of(run.output, campaign)] if campaign else sorted((run.output.parent / "campaigns").glob("*"))
    for one in folders:
        mark = ended(one, name)
        if mark.get("status") != "changed" or not mark["transaction"] or (since and datetime.fromisoformat(mark["at"]) < since):
            continue
        told = f"replaced: {run.host} was changed by the campaign {unquote(one.name)} at {mark['at']} ({mark['transaction']}), "
        why = "and knows nothing of it: it was rebuilt, or has forgotten it (agility_keep_days)" if mark["transaction"] not in ids else ""
        if machine and mark["machine"] and machine != mark["machine"]:
            why = "and is another machine by now, by its machine-id"
        if why:
            return {"message": told + why, "where": run.host, "remedy": LEAVE.format(one / ENDED / name), "code": "replaced"}
    return {}
