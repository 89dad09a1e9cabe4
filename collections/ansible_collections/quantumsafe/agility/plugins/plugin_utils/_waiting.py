# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: what a run remembers of requests that an issuer has not answered yet, so that a later run goes on from there.

One file a host, without secrets.  The keys wait on the host under the transaction's id, and are known again by their public halves.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ._core.certificates.issued import Asked, request_key
from ._core.certificates.rotate import Order
from ._core.model import Problem
from ._core.report.output import file_name, write_whole
from ._core.targets.answer import body
from ._core.targets.script import compose_hold_keys
from ._run import Run

DAYS = 30  # that keys wait for their certificates on the host; then `recover` shreds them


@dataclass(frozen=True, slots=True)
class Waiting:
    """id, mark, campaign: of the transaction to come.  places: of the new certificates on the host, which say all about an order but its names."""

    host: str
    asked_at: str
    asked_by: str
    id: str
    mark: str
    campaign: str
    places: tuple[str, ...]
    requests: tuple[Asked, ...]

    def fits(self, orders: Sequence[Order]) -> bool:
        """Whether this is what is due now."""
        mine = [(place, one.kind, one.names) for place, one in zip(self.places, self.requests, strict=True)]
        return mine == [(order.new.certificate, order.kind, order.names) for order in orders]


@dataclass(frozen=True, slots=True)
class Memory:
    """The file of one host in that folder."""

    folder: Path
    host: str

    @property
    def path(self) -> Path:
        return self.folder / file_name(self.host)

    def read(self) -> Waiting | None:
        """Raises Problem for a file that was spoiled."""
        if not self.path.is_file():
            return None
        try:
            said: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            requests = tuple(
                Asked(one["request"], one["kind"], tuple(one["names"]), int(one["days"]), one.get("purpose", "server"))
                for one in said.pop("requests")
            )
            return Waiting(**{**said, "places": tuple(said["places"]), "requests": requests})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem("it does not say what was asked for any more", str(self.path), "remove it, and new requests are made") from error

    def write(self, waiting: Waiting) -> bool:
        """False when it already says this, but for the time."""
        before = self.read()
        if before == replace(waiting, asked_at=before.asked_at if before else ""):
            return False
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return write_whole(self.path, json.dumps(asdict(waiting), indent=1, sort_keys=True) + "\n")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def same(before: Waiting | None, asked: Sequence[Asked]) -> tuple[Asked, ...]:
    """The requests of before where the host still has their keys: an issuer knows them again byte for byte."""
    if before is None or len(before.requests) != len(asked):
        return tuple(asked)
    return tuple(old if request_key(old.request) == request_key(new.request) else new for old, new in zip(before.requests, asked, strict=True))


def wait(run: Run, memory: Memory, id_: str, mark: str, orders: Sequence[Order], asked: Sequence[Asked], whys: Sequence[str]) -> bool:
    """The keys are held on the host, what was asked for is written down, and the result says so.  Whether it was asked for only now."""
    new = remembered(run, memory, id_, mark, orders, asked)
    run.channel.ask(lambda nonce: compose_hold_keys(id_, DAYS, nonce), body)
    run.note(status="pending", problem={"message": "; ".join(whys), "where": run.host, "remedy": f"run it again then; keys wait {DAYS} days"})
    return new


def remembered(run: Run, memory: Memory, id_: str, mark: str, orders: Sequence[Order], asked: Sequence[Asked]) -> bool:
    """Whether it was asked for only now."""
    places = tuple(order.new.certificate for order in orders)
    return memory.write(Waiting(run.host, run.taken, getpass.getuser(), id_, mark, run.result.campaign, places, tuple(asked)))
