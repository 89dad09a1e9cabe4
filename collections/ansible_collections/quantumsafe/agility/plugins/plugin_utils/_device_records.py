# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what is remembered of the changes of one network device, which keeps no journal of ours.

One file a campaign and device, in devices/ of the campaign's folder: an entry is open from before the device is armed until it is known what became
of it, so a controller that dies leaves one.  Who is at work holds a lock on it, which the kernel takes from a process that was killed.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ._campaign import Gate
from ._core.model import Problem
from ._core.report.output import file_name, write_whole
from ._run import Run
from ._standing import folder_of
from ._windows import now

FOLDER, OPEN, UNDONE = "devices", "open", "undone"
Entry = Mapping[str, Any]


class Records:
    """Of the device of this run, in all campaigns beside its results."""

    def __init__(self, run: Run) -> None:
        self.run, self.name = run, file_name(run.host)

    def all(self) -> list[Entry]:
        """Oldest first."""
        paths = folder_of(self.run.output, "any").parent.glob(f"*/{FOLDER}/{self.name}")
        told = [{"campaign": unquote(path.parents[1].name), **entry} for path in sorted(paths) for entry in _told(path)]
        return sorted(told, key=lambda entry: datetime.fromisoformat(entry["at"]))

    def left(self) -> list[Entry]:
        """Those of which nobody knows what became of them, newest first."""
        return [entry for entry in reversed(self.all()) if OPEN in entry]

    def free(self, besides: Collection[str] = ()) -> None:
        """Raises Problem while there is one of them, for nothing else may be changed there before."""
        if left := [entry for entry in self.left() if entry["transaction"] not in besides]:
            begun = f"{left[0]['transaction']} was begun by {left[0]['by']}, and nobody wrote down what became of it; nothing was changed"
            raise Problem(begun, self.run.host, "let it end, or run the recover playbook")

    @contextmanager
    def held(self, campaign: str) -> Iterator[bool]:
        """Whether nobody else of this controller is at work on it."""
        path = self._path(campaign)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (path.parent / f".{self.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mine = True
            except BlockingIOError:
                mine = False
            yield mine

    def write(self, entry: Entry) -> None:
        """In the place of what was said of this transaction."""
        said = {"by": f"{getpass.getuser()}@{socket.gethostname()}", **entry, "at": entry.get("at") or now().isoformat()}
        self._replace(entry, [said])

    def drop(self, entry: Entry) -> None:
        self._replace(entry, [])

    def confirmed(self, entry: Entry) -> None:
        """It stands.  Of an undo: what it undid does not stand any more."""
        if "undoes" not in entry:
            self.write({**_ended(entry), "at": now().isoformat()})
            return
        undone = [one for one in self.all() if one["transaction"] in entry["undoes"]]
        for one in undone:
            self.write({**_ended(one), UNDONE: entry["transaction"]})
        for campaign in dict.fromkeys(one["campaign"] for one in undone):
            Gate(self.run, campaign).rolled_back({one["transaction"] for one in undone if one["campaign"] == campaign})
        self.drop(entry)

    def _path(self, campaign: str) -> Path:
        return folder_of(self.run.output, campaign) / FOLDER / self.name

    def _replace(self, entry: Entry, put: list[Entry]) -> None:
        path = self._path(entry["campaign"])
        others = [one for one in _told(path) if one["transaction"] != entry["transaction"]]
        write_whole(path, json.dumps([*others, *put], sort_keys=True))


def _told(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def _ended(entry: Entry) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != OPEN}
