# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the tunnels of an OpenVPN server or client whose restart ends them: they come back by themselves, and the logs of both
ends tell what they agreed on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ._core.links.end import End, ends
from ._core.links.mixes import apart
from ._core.model import Endpoint, Plan, Problem
from ._core.report.output import file_name
from ._core.report.results import plain, read_host
from ._core.services import SERVICES
from ._core.services.openvpn_session import Session, agreed, session
from ._core.services.read_back import after
from ._core.targets.survey import Survey
from ._core.targets.tunnels import compose_now, compose_session, parse_line
from ._run import Run
from ._stepping import Proofs
from ._tied import Here

COMES = 10  # seconds in which a client is back that knows that its server has gone
PAUSE = 1  # between two looks
ANSWER = 25  # seconds for a host to tell; it may be reached through the very tunnel that went
CUT = "with this change both ends would have {}, and no tunnel"
APART = "take the step expand at both ends first, or let the policy allow what both have; nothing was changed"


def own(run: Run, here: Here, found: Sequence[Endpoint]) -> End:
    """This end of the tunnel."""
    return _end(run.host, here.connection, [plain(one) for one in found])


def far_end(run: Run, here: Here) -> End:
    """The other end, as this run saw it last.  Raises Problem."""
    path = run.output / "hosts" / file_name(here.other)
    try:
        return _end(here.other, here.there, read_host(path).endpoints)
    except (OSError, ValueError) as error:
        raise Problem(f"what {here.other} has is not known: {error}", str(path), "run migrate_links for both ends; nothing was changed") from error


def _end(host: str, name: str, endpoints: Sequence[Mapping[str, object]]) -> End:
    there = (one for one in ends(host, (), tuple(endpoints)) if one.id == f"openvpn {name}")
    if (found := next(there, None)) is None:
        raise Problem(f"openvpn {name} was not seen in this run", host, "run migrate_links for both ends; nothing was changed")
    return found


def cut_off(run: Run, heres: Sequence[Here], found: Survey, made: Plan) -> None:
    """Raises Problem where this host would have nothing in common with one of the other ends, as those are now."""
    then = SERVICES["openvpn"].read(after(found.snapshot, made.changes))
    for here in heres:
        mine, theirs = own(run, here, then), far_end(run, here)
        if why := "; ".join(apart(mine.settings, theirs.settings)):
            raise Problem(f"{here.link}: {CUT.format(why)}", run.host, APART)


def comes_back(run: Run, heres: Sequence[Here], found: Survey) -> int:
    """Seconds until the tunnels of this host may be back behind a restart of it."""
    return COMES + max(int(own(run, here, found.endpoints).one("back") or 0) for here in heres)


class Log:
    """What one end tells of one tunnel.  name: at a server, of the client."""

    def __init__(self, run: Run, end: End, name: str = "") -> None:
        self.run, self.unit, self.name, self.since = run, end.one("unit"), name, ""

    def mark(self) -> None:
        """From now on a session has to be newer.  Raises Problem."""
        self.since = self.run.channel.ask(compose_now, parse_line, within=ANSWER)
        if not self.since:
            raise Problem("its journal does not tell where it ends", self.run.host, "see journalctl --show-cursor there; nothing was changed")

    def newest(self) -> Session | None:
        """Of the process of now, since the mark.  Raises Problem."""
        return session(self.run.channel.ask(lambda nonce: compose_session(self.unit, self.since, self.name, nonce), parse_line, within=ANSWER))


class Called:
    """One tunnel whose other end may have the new."""

    def __init__(self, run: Run, far: Run, here: Here, found: Survey) -> None:
        self.far, self.here, self.moved = far, here, False
        both = (run, own(run, here, found.endpoints)), (far, far_end(run, here))
        (to, client), (at, server) = sorted(both, key=lambda one: one[1].role != "client")
        self.logs = [] if client.all("silent") else [Log(to, client)]  # it is up there first
        why = server.one("silent") or server.one("shared") or ("" if client.one("name") else f"the name of {to.host} in its log is not known")
        if not why:
            self.logs.append(Log(at, server, client.one("name")))
        elif unnamed := client.one("silent") or client.one("mute"):
            raise Problem(f"no log would tell what {self.title} agrees on: {at.host}: {why}; {to.host}: {unnamed}", run.host, "nothing was changed")

    @property
    def title(self) -> str:
        return f"the tunnel {self.here.connection} with {self.here.other}"

    def remember(self) -> None:
        """What is there before the change.  Raises Problem."""
        self.moved = not self._agreed()[1]
        for log in self.logs:
            log.mark()

    def _agreed(self) -> tuple[Session | None, list[str]]:
        return agreed({log.run.host: log.newest() for log in self.logs})

    def prove(self, changed: bool, dummy: str, until: float) -> Proofs:
        """A session that is newer than the change, in the logs of both.  One that is there counts where this host was left as it is."""
        for log in self.logs if not changed else ():
            log.since = ""
        while True:
            try:
                found, wrong = self._agreed()
            except Problem as problem:  # the way to that host may be the tunnel
                found, wrong = None, [str(problem)]
            if found and not wrong:
                return (self._row(found),), []
            if not changed or time.monotonic() > until:
                return (), wrong
            time.sleep(PAUSE)

    def _row(self, found: Session) -> Mapping[str, object]:
        told = {"version": found.version, "group": found.exchange, "cipher": found.cipher, "logs": [log.run.host for log in self.logs]}
        return {"endpoint": f"openvpn {self.here.connection}", "with": self.here.other, "proved": True, **told}


class Returning:
    """Tunnels whose other ends are not ready: those that are up come back as they were."""

    def __init__(self, run: Run, heres: Sequence[Here], found: Survey) -> None:
        self.up: list[tuple[Here, Log]] = []
        for here in heres:
            mine = own(run, here, found.endpoints)
            name = "" if mine.role == "client" else far_end(run, here).one("name")
            log = Log(run, mine, name)
            tells = not mine.all("silent") and (mine.role == "client" or (name and not mine.all("shared")))
            if tells and (now := log.newest()) and now.up:
                self.up.append((here, log))
        for dummy, log in self.up:
            log.mark()

    def wait(self, until: float) -> None:
        """Raises Problem."""
        for here, log in self.up:
            while not ((now := log.newest()) and now.up):
                if time.monotonic() > until:
                    raise Problem(f"the tunnel {here.connection} with {here.other} did not come back")
                time.sleep(PAUSE)
