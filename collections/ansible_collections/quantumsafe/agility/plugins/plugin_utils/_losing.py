# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: how many packets are lost in a tunnel while its ends move: a ping from this end's host to the other's inner address.

It is told and decides nothing: whatever goes wrong with it is why it is not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ._core.model import Problem
from ._core.targets.answer import NoAnswer
from ._core.targets.host import Unreachable
from ._core.targets.packets import Packets, compose_inner, compose_start, compose_stop, inner, parse_inner, parse_packets
from ._core.targets.survey import Survey
from ._run import Run
from ._tied import Here

MOST = 4  # tunnels of a host that are measured at once
BEYOND = 60  # seconds behind the deadline of the host, at which the ping ends by itself
OFF = "agility_packets is false"


def addresses(run: Run) -> tuple[str, ...]:
    """Of its host; () where it does not tell, or nobody wants to know."""
    if not run.args["packets"]:
        return ()
    try:
        return tuple(run.channel.ask(compose_inner, parse_inner))
    except (NoAnswer, Problem, Unreachable):
        return ()


def selected(found: Survey, here: Here, which: str) -> tuple[tuple[str, ...], ...]:
    """The selectors (local_ts or remote_ts) of each of its children, in their order."""
    mine = [one for one in here.endpoints(found.endpoints) if one.protocol == "esp"]
    return tuple(tuple(fact.partition("=")[2] for fact in one.settings["link"].values if fact.startswith(f"{which}=")) for one in mine)


def within(found: Sequence[str], look: Survey, here: Here) -> tuple[str, ...]:
    """Those that a child has for its own."""
    own = [one for some in selected(look, here, "local_ts") for one in some]
    return tuple(address for address in found if inner((address,), own))


class Losing:
    """One tunnel.  number: of those of this host.  mine, theirs: addresses of both hosts."""

    def __init__(self, run: Run, found: Survey, here: Here, number: int, mine: Sequence[str], theirs: Sequence[str]) -> None:
        self.run, self.here, self.number = run, here, number
        pairs = zip(selected(found, here, "local_ts"), selected(found, here, "remote_ts"), strict=True)
        both = [(inner(mine, local), inner(theirs, remote)) for local, remote in pairs]
        self.way = next((pair for pair in both if all(pair)), ("", ""))
        self.came = Packets(why=self._unable())

    def _unable(self) -> str:
        if not self.run.args["packets"]:
            return OFF
        if self.number >= MOST:
            return f"{MOST} tunnels of a host are measured at once"
        return "" if all(self.way) else "no inner address of both ends is known"

    def start(self, stood: bool) -> None:
        """stood: whether the tunnel has an SA with a child."""
        if not self.came.why and not stood:
            self.came = Packets(why="it had no SA with a child before")
        if not self.came.why:
            seconds = int(self.run.args["confirm_timeout"]) + BEYOND
            self.came = self._ask(lambda nonce: compose_start(self.number, *self.way, seconds, nonce))

    def stop(self) -> None:
        if not self.came.why:
            self.came = self._ask(lambda nonce: compose_stop(self.number, nonce))
            if not self.came.why and not self.came.sent:
                self.came = Packets(why="ping told nothing")

    def _ask(self, compose: Any) -> Packets:
        try:
            return self.run.channel.ask(compose, parse_packets)
        except (NoAnswer, Problem, Unreachable) as problem:
            return Packets(why=str(problem))

    @property
    def row(self) -> dict[str, Any]:
        """As the result of the host and the file of the link have it."""
        return {"endpoint": self.here.connection, "with": self.here.other, **asdict(self.came), "said": self.came.said}
