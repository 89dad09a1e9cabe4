# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: one step of one host that is an end of tunnels: its transaction, and what the files of these tunnels say of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ._campaign import id_prefix
from ._core.links.aim import QUANTUM, Aim
from ._core.links.end import spelled
from ._core.model import Endpoint, Plan, Problem, Snapshot
from ._core.services.strongswan_sas import ChildSa, IkeSa
from ._core.targets.answer import parse_transactions
from ._core.targets.script import compose_status
from ._core.targets.survey import Survey, read
from ._ends import STAGE, Ends
from ._outcome import carry_out, settle
from ._run import Run
from ._tied import SERVICE
from ._undoing import CAMPAIGN

SPARE = 15  # seconds before the deadline of the host at which nothing is waited for any longer
Proofs = tuple[tuple[Mapping[str, object], ...], list[str]]


@dataclass(frozen=True, slots=True)
class Stepping:
    """again: what would still have to be changed at that look."""

    run: Run
    found: Survey
    plan: Plan
    again: Callable[[Survey], Plan]

    def carry_out(self, meet: Callable[[], Proofs], live: Callable[[], Proofs]) -> None:
        """live: handshakes from the controller; meet: what the ends of the tunnels say, where those were well."""
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
        services = {name: SERVICE[name] for name in self.run.args["services"]}
        try:
            again = self.again(Survey(after, read(after, services, self.found.extra), self.found.extra))
        except Problem as problem:
            return [f"after the reload: {problem}"]
        return [f"after the reload it is still not so: {reason}" for reason in again.reasons]

    def tell(self, ends: Ends, was: str, stage: str, packets: Mapping[str, object] | None = None) -> None:
        """was: the stage of this end before; stage: what it is if all went well.  packets: lost meanwhile, None = the other end says."""
        result = self.run.result
        facts = {"transaction": result.transaction, **({"packets": packets} if packets else {})}
        if result.status == "changed":
            ends.say("confirmed", stage=stage, **facts)
        else:
            left = ends.said["stage"] if result.status in ("unknown", "revert-failed") else was
            ends.say("failed", why=result.problem.get("message", ""), stage=left, **facts)


def settled(run: Run) -> None:
    """Raises Problem while a change of this host may go back yet; nothing was touched then."""
    if waiting := [one for one in run.channel.ask(lambda nonce: compose_status("", nonce), parse_transactions) if one.left]:
        why = f"{waiting[0].id} is pending, {waiting[0].left} s left, started by {waiting[0].started_by}"
        raise Problem(f"{why}: this end may go back yet", run.host, "it resolves itself by then; nothing was changed")


def stands(endpoints: Iterable[Endpoint], aim: Aim = QUANTUM) -> str:
    """The stage of an end by what is loaded there."""
    offers = [(one.protocol, name) for one in endpoints for name in spelled(one.protocol, one.settings["key_exchange"].values)]
    return STAGE["contract" if all(aim.wants(protocol, name) for protocol, name in offers) else "expand"]


def rows(connection: str, found: IkeSa, daemon: str = "strongswan") -> tuple[Mapping[str, object], ...]:
    """What the lists of both ends name, and whether packets went through each child, as this end has counted them."""
    named: list[tuple[str, IkeSa | ChildSa]] = [(connection, found), *((f"{connection}/{one.name}", one) for one in found.children)]
    return tuple(
        {"endpoint": f"{daemon} {name}", "proved": True, "group": one.exchange.removeprefix("?"), "cipher": one.suite, "sa": one.spis}
        | ({"traffic": one.traffic} if isinstance(one, ChildSa) else {})
        for name, one in named
    )
