"""Where a campaign is: what became of each host, and what is not yet as it was promised.  Pure: marks of the gate in, lines out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .table import columns, one_line

NOT_YET, UNPLANNED = "not yet", "not planned"
DONE = ("ok", "changed")
AS_BEFORE = (NOT_YET, UNPLANNED, "ok", "refused", "reverted", "rolled-back")  # what an aborted campaign left, or put back, as it found it

Marks = Mapping[str, Mapping[str, Any]]  # host → {status, at, transaction}


def outstanding(hosts: Marks, aborted: bool) -> tuple[str, ...]:
    """Hosts that are not in the promised state: changed and proved, or needing nothing; after an abort as they were before."""
    return tuple(sorted(host for host, mark in hosts.items() if mark["status"] not in (AS_BEFORE if aborted else DONE)))


def campaign_lines(campaign: str, stands: str, hosts: Marks, width: int = 140) -> list[str]:
    """One line for the campaign, one of counts, and a table with the hosts that need a look on top; with their waves, where it has any."""
    counts = Counter("done" if mark["status"] in DONE else str(mark["status"]) for mark in hosts.values())
    order = sorted(hosts, key=lambda host: (hosts[host]["status"] in DONE, hosts[host]["status"] == NOT_YET, hosts[host].get("wave", 0), host))
    names = ["status", "at", "transaction", *(["wave"] if any(mark.get("wave") for mark in hosts.values()) else [])]
    rows = [("HOST", "STATE", "SINCE", "TRANSACTION", "WAVE")[: len(names) + 1]]
    rows += [(one_line(host), *(one_line(str(hosts[host].get(name) or "-")) for name in names)) for host in order]
    return [
        f"campaign {one_line(campaign)}: {stands or 'it goes on'}",
        f"{len(hosts)} hosts: {', '.join(f'{number} {word}' for word, number in sorted(counts.items()))}",
        *columns(rows, [""] * len(rows), width, False).splitlines(),
    ]
