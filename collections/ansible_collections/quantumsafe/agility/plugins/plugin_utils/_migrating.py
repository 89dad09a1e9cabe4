# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one end of a tunnel in its move: a transaction whose proof needs the other end, which is in one of its own.

One end begins the new SA and the other responds.  Whoever responds is armed first and confirmed first, so every mix of stages on the way, and
after any loss, is a working tunnel (docs/links.md).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ._campaign import id_prefix
from ._core.links.move import proved, said
from ._core.links.planned import Step, plan_end
from ._core.model import Endpoint, Plan, Problem, Snapshot
from ._core.peers import quantum_safe
from ._core.policy.model import Policy
from ._core.services import SERVICES
from ._core.services.strongswan_sas import ChildSa, IkeSa, sas
from ._core.targets.survey import Survey, read
from ._ends import CONTRACTING, STAGE, Ends
from ._outcome import carry_out, settle
from ._proving import prove, reachable
from ._run import Run
from ._tunnel import Tunnel
from ._undoing import CAMPAIGN

SERVICE = {"strongswan": SERVICES["strongswan"]}
MOVABLE = ("able", "agreed", "moved")
MEET = 60  # seconds for the other end to be looked at and planned, and to come
SPARE = 15  # seconds before the deadline of the host at which the other end is waited for no longer
Proofs = tuple[tuple[Mapping[str, object], ...], list[str]]


@dataclass(frozen=True, slots=True)
class Here:
    """This end.  children: name here → name there.  state: of the link, as both ends were audited."""

    link: str
    first: bool
    connection: str
    children: Mapping[str, str]
    other: str
    there: str
    state: str

    def endpoints(self, found: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        main = f"strongswan {self.connection}"
        return tuple(one for one in found if one.id == main or one.id.startswith(f"{main}/"))


def here_of(run: Run) -> Here | None:
    """From links.json of this run; None = no tunnel of strongSwan.  Raises Problem for a link that cannot be moved."""
    path = run.output / "links.json"
    if not path.is_file():
        raise Problem(
            "nobody has put both ends of the tunnels side by side in this run", str(path), "run crypto_link_info first, as migrate_links does"
        )
    links = [one for one in json.loads(path.read_text(encoding="utf-8"))["links"] if "strongswan" in one["service"].split(" and ")]
    mine = [one for one in links if run.host in [side["host"] for side in one["channels"][0]["sides"]]]
    if not mine:
        return None
    able = [one for one in mine if one["service"] == "strongswan" and one["verdict"]["state"] in MOVABLE]
    if not able:
        whys = "; ".join(f"{_title(one)} ({one['service']}) is {one['verdict']['state']}: {one['verdict']['why']}" for one in mine)
        raise Problem(whys, run.host, "two swanctl that are managed here move, together or not at all; nothing was changed")
    if len(able) > 1 or able[0]["hub"]:
        names = ", ".join(map(_title, able))
        raise Problem(
            f"a hub with spokes, or an end of several tunnels, is not moved yet: {names}", run.host, "see docs/links.md; nothing was changed"
        )
    return _here(run, able[0])


def _title(link: Mapping[str, Any]) -> str:
    return " ↔ ".join(f"{side['host']} {side['endpoint']}".strip() for side in link["channels"][0]["sides"])


def _here(run: Run, link: Mapping[str, Any]) -> Here:
    first = link["channels"][0]["sides"][0]["host"] == run.host
    pairs = [channel["sides"] if first else channel["sides"][::-1] for channel in link["channels"]]
    (own, other), *inner = [(one["endpoint"], two["endpoint"]) for one, two in pairs]
    children = {one.removeprefix(f"{own}/"): two.removeprefix(f"{other}/") for one, two in inner}
    return Here(_title(link), first, own, children, pairs[0][1]["host"], other, link["verdict"]["state"])


def plan(run: Run, here: Here, found: Survey, policy: Policy, step: Step) -> Plan:
    mine = here.endpoints(found.endpoints)
    asked = {one.id: run.requirements(policy, one) for one in mine}
    lone = {one.id.partition("/")[2] for one in mine if one.protocol == "esp"} - set(here.children)
    if lone:
        raise Problem(f"child {', '.join(sorted(lone))} has no other end at {here.other}", run.host, "see the playbook links; nothing was changed")
    return plan_end(found.snapshot, SERVICE["strongswan"], mine, asked, step, policy.digest, run.as_of)


class Move:
    """What one end does, from the moment when both are planned."""

    def __init__(self, run: Run, here: Here, found: Survey, plan: Plan, ends: Ends, again: Callable[[Survey], Plan]) -> None:
        self.run, self.here, self.found, self.plan, self.ends, self.again = run, here, found, plan, ends, again
        self.tunnel = Tunnel(run, here.connection)
        self.before: tuple[IkeSa, ...] = ()
        self.until = 0.0

    def go(self, step: str) -> None:
        """Meet, change, prove, confirm.  The result says what became of this end, and so does its file."""
        listed = self.tunnel.listed()  # a charon that does not answer stops it here
        self.before = listed if self.plan.changes else ()
        probes = self.plan.probes if step == "contract" else ()  # a stranger's classical offer must be refused, where he is answered at all
        answered = reachable(self.run, probes)
        self.ends.say("ready", order=self._order())
        mine, theirs = self._order(), list(self.ends.wait("ready", MEET)["order"])
        if not mine[0] and not theirs[0]:
            raise Problem(
                "neither end names an address of the other, so none can begin", self.run.host, "set remote_addrs at one end; nothing was changed"
            )
        if self.here.state == "moved" and not mine[1] and not theirs[1]:
            self.ends.say("confirmed", stage=self._stands())
            self.run.note(status="ok")
            return
        begins = (mine, self.here.first) > (theirs, not self.here.first)
        if begins:
            self.ends.wait("armed", MEET)
        self.until = time.monotonic() + int(self.run.args["confirm_timeout"]) - SPARE
        was = self.ends.said["stage"] if self.plan.changes else self._stands()
        if step == "contract":
            self.ends.say("changing", stage=CONTRACTING if self.plan.changes else was)
        self._carry_out(self._begin if begins else self._respond, partial(prove, self.run, probes, answered))
        status, facts = self.run.result.status, {"transaction": self.run.result.transaction}
        if status == "changed":
            self.ends.say("confirmed", stage=STAGE[step] if self.plan.changes else was, **facts)
        else:
            stage = self.ends.said["stage"] if status in ("unknown", "revert-failed") else was
            self.ends.say("failed", why=self.run.result.problem.get("message", ""), stage=stage, **facts)

    def _stands(self) -> str:
        """By what is loaded here now."""
        offers = [(one.protocol, name) for one in self.here.endpoints(self.found.endpoints) for name in one.settings["key_exchange"].values]
        return STAGE["contract" if all(quantum_safe(*one) for one in offers) else "expand"]

    def _order(self) -> list[bool]:
        """Who can begin does; of both that can whose configuration changes, for charon makes a new IKE SA of a new configuration alone."""
        named = any(one.id == f"strongswan {self.here.connection}" and _names_its_peer(one) for one in self.found.endpoints)
        return [named, bool(self.plan.changes)]

    def _carry_out(self, meet: Callable[[], Proofs], live: Callable[[], Proofs]) -> None:
        run, found = self.run, self.found

        def proof(after: Snapshot) -> Proofs:
            try:
                proofs, wrong = live()
                wrong = [*self._unsettled(after), *wrong]
                mine, wrong = meet() if not wrong else ((), wrong)
            except Problem as problem:
                return (), [str(problem)]
            return (*mine, *(one for one in proofs if one["proved"])), wrong

        if self.plan.changes:
            id_, why = f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}", f"{CAMPAIGN}{run.result.campaign}"
            outcome = carry_out(run, id_, why, found.snapshot.identity, self.plan.changes, self.plan.activations, found.extra, proof)
            settle(run, outcome)
            return
        proofs, wrong = proof(found.snapshot)
        run.note(status="failed" if wrong else "changed", proofs=proofs)
        if wrong:
            run.note(problem={"message": "; ".join(wrong), "where": run.host, "remedy": "nothing was changed in its files"})

    def _unsettled(self, after: Snapshot) -> list[str]:
        try:
            again = self.again(Survey(after, read(after, SERVICE, self.found.extra), self.found.extra))
        except Problem as problem:
            return [f"after the reload: {problem}"]
        return [f"after the reload it is still not so: {reason}" for reason in again.reasons]

    # -- between the reload and the confirmation

    def _wait(self, reached: str) -> Mapping[str, Any]:
        return self.ends.wait(reached, max(1.0, self.until - time.monotonic()))

    def _begin(self) -> Proofs:
        self.ends.say("armed")
        made = self.tunnel.anew(self.before, tuple(self.here.children))
        mine = sas(self.tunnel.heard, self.here.connection)
        self.ends.say("moved", made=made.spis, children=len(made.children))
        theirs = sas(str(self._wait("listed")["sas"]), self.here.there)
        found, wrong = proved(mine, theirs, self.here.children)
        if found is None or wrong:
            return (), wrong
        self.tunnel.end_others(found)
        self.ends.say("ended", kept=found.spis)
        self._wait("confirmed")
        return self._proofs(found), []

    def _respond(self) -> Proofs:
        self.ends.say("armed")
        told = self._wait("moved")
        self.tunnel.awaited(told["made"], told["children"])
        self.ends.say("listed", sas=self.tunnel.heard)
        kept = self._wait("ended")["kept"]
        left = self.tunnel.listed()
        found = next((one for one in left if one.spis == kept), None)
        if found is None:
            return (), [f"the SA that both ends listed is gone: {said(left)}"]
        return self._proofs(found), []

    def _proofs(self, found: IkeSa) -> tuple[Mapping[str, object], ...]:
        """What the lists of both ends name."""
        rows: list[tuple[str, IkeSa | ChildSa]] = [
            (self.here.connection, found),
            *((f"{self.here.connection}/{one.name}", one) for one in found.children),
        ]
        return tuple(
            {"endpoint": f"strongswan {name}", "proved": True, "group": one.exchange, "cipher": one.suite, "sa": one.spis} for name, one in rows
        )


def _names_its_peer(endpoint: Endpoint) -> bool:
    """Whether it knows an address to begin with."""
    known = [fact.partition("=")[2] for fact in endpoint.settings["link"].values if fact.startswith("remote_addrs=")]
    return any(not one.startswith("%any") and "/" not in one and one != "0.0.0.0" for one in known)
