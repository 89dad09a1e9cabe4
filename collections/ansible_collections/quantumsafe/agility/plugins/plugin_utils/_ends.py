# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: two ends of one tunnel that move together, each in the task of its own host, and meet over files on the controller.

A folder a link beside the state of the campaign, a file an end, which that end alone writes: its stage, its transaction, and how far it is in this
run, each said before what follows it.  They say what comes next and prove nothing: what counts is what both hosts say.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ._core.model import Problem
from ._core.report.output import file_name, write_whole
from ._standing import folder_of

LINKS = "links"
LOOK = 0.2  # seconds between two looks at what the other end says
STAGE = {"expand": "expanded", "contract": "contracted"}  # of an end, once that step is confirmed there
CONTRACTING = "contracting"  # begun, and nobody has written down what came of it: it is one or the other


class Ends:
    """One end, and what the other one says.  step, run: what is said of another step or in another run does not count, but for its stage."""

    def __init__(self, campaign: Path, link: str, mine: str, other: str, run: str, step: str) -> None:
        self.folder = campaign / LINKS / file_name(link).removesuffix(".json")
        self.mine, self.other, self.key = mine, other, {"run": run, "step": step}
        self.said: dict[str, Any] = {"stage": self._read(mine).get("stage", ""), **self.key, "reached": []}

    def _read(self, host: str) -> Mapping[str, Any]:
        try:
            return dict(json.loads((self.folder / file_name(host)).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Problem(
                f"what {host} said of this tunnel cannot be read: {error}", str(self.folder), "take that file away, and run it again"
            ) from error

    def stages(self) -> tuple[str, str]:
        """How far each end is known to have come."""
        return str(self.said["stage"]), str(self._read(self.other).get("stage", ""))

    def say(self, reached: str, **facts: Any) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.said = {**self.said, **facts, "reached": [*self.said["reached"], reached]}
        write_whole(self.folder / file_name(self.mine), json.dumps(self.said, indent=1, sort_keys=True))

    def wait(self, reached: str, seconds: float) -> Mapping[str, Any]:
        """What the other end says once it has come so far.  Raises Problem when it gave up, or has not come in time."""
        until = time.monotonic() + seconds
        while True:
            told = self._read(self.other)
            now = told.get("reached", []) if self.key.items() <= told.items() else []
            if reached in now:
                return told
            if "failed" in now:
                raise Problem(f"the other end, {self.other}, did not come along: {told.get('why', 'nobody knows why')}")
            if time.monotonic() > until:
                raise Problem(f"the other end, {self.other}, was not {reached} within {seconds:.0f} s")
            time.sleep(LOOK)


def held_back(output: Path, host: str, campaigns: Iterable[str]) -> str:
    """Why this host must not undo these: its end would have the old exchange alone while the other may have the new alone.  "" = it may."""
    for folder in _folders(output, host, campaigns, "expand"):
        for path in folder.glob("*.json"):
            if path.name != file_name(host) and _stage(path) in (STAGE["contract"], CONTRACTING):
                return f"its tunnel would end: the other end, {unquote(path.stem)}, may take the new exchange alone ({path})"
    return ""


def went_back(output: Path, host: str, campaigns: Collection[str], known: bool = True) -> None:
    """Write down that nothing of these stands at this end: it was taken back now, or before, and whoever was to write that down was lost.

    known: whether the host remembers the campaign.  One that does not was never told of the change that its file says was about to begin.
    """
    for step, left in (("contract", STAGE["expand"]), ("expand", "")):
        for folder in _folders(output, host, campaigns, step):
            path = folder / file_name(host)
            told = json.loads(path.read_text(encoding="utf-8"))
            taken = (CONTRACTING, STAGE["contract"]) if known else (CONTRACTING,)
            due = told.get("stage") in taken if step == "contract" else known
            if due:
                write_whole(path, json.dumps({**told, "stage": left}, indent=1, sort_keys=True))


def others(campaign: Path, host: str) -> dict[str, Path]:
    """The other ends of all tunnels of this host that the campaign knows, and where."""
    folders = [path.parent for path in (campaign / LINKS).glob(f"*/{file_name(host)}")]
    return {unquote(path.stem): path for folder in folders for path in folder.glob("*.json") if path.name != file_name(host)}


def _folders(output: Path, host: str, campaigns: Iterable[str], step: str) -> Iterator[Path]:
    """Of the tunnels of which this host is an end, in campaigns of this step."""
    for name in campaigns:
        if name.endswith(f"-{step}"):
            yield from (path.parent for path in (folder_of(output, name.removesuffix(f"-{step}")) / LINKS).glob(f"*/{file_name(host)}"))


def _stage(path: Path) -> str:
    """Of an end whose file cannot be read nobody knows it."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("stage", ""))
    except (OSError, ValueError):
        return CONTRACTING
