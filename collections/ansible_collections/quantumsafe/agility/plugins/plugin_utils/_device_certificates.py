# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: the certificates of one network device that are due: its keys are made there, its issuer is that of hosts.

A new certificate has a new name, which nothing names, until the device holds it and has saved it.  Only then the line that names it is changed, as
any line is (_devices.py): with the timer of the device as the way back.  The old certificate and its key stay.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ._campaign import Gate, id_prefix
from ._core.appliances.keeping import Keeping
from ._core.appliances.lists import changed, unread, within
from ._core.certificates.issued import Asked, request_key, with_anchor
from ._core.certificates.keys import kind
from ._core.certificates.read import describe, is_it, leaf
from ._core.certificates.request import alternative
from ._core.certificates.rotate import Rotation, Terms, due, rotation
from ._core.credentials import Certificate, Pair
from ._core.documents.lines import split
from ._core.model import Change, Plan, Probe, Problem, Snapshot
from ._core.plan import diff
from ._core.policy.escrowed import escrow_of
from ._core.report.results import plain
from ._core.targets.device import PATH, Device
from ._core.targets.device_api import ApiDevice
from ._core.targets.survey import Survey
from ._device_bindings import looked, patient
from ._device_door import opens
from ._device_records import Records
from ._devices import carried, device, saved, sent
from ._issuers import Issuer, answered, fits, issuer_of
from ._lifecycle import issued, told
from ._outcome import settle
from ._proving import reachable
from ._run import Run, target
from ._waiting import Memory, Waiting, remembered

ELSEWHERE = (
    ("key_store", "pkcs11", "the key of a device is made on the device"),
    ("acme_webroot", "", "a device serves no webroot: dns-01 proves a name"),
)


def rotate(run: Run, gate: Gate, warnings: list[str]) -> bool:
    """As for a host.  Whether an issuer was asked for the first time, and has not answered yet."""
    for option, value, why in ELSEWHERE:
        if run.args[option] and value in ("", run.args[option]):
            raise Problem(why, run.host, f"leave agility_{option} out for devices; nothing was changed")
    issuer = issuer_of(run)
    memory = Memory(issuer.folder, run.host)
    with device(run) as one:
        return _Rotating(run, one, issuer, memory, warnings, memory.read()).work(gate)


def mark_of(keeping: Keeping, snapshot: Snapshot, issuer: Issuer, *asked: str) -> str:
    """The same plan is the same name, so what a run has left that was killed is found by the next one."""
    held = keeping.held(snapshot)
    shown = [held[b.pair.certificate].fingerprint for one in keeping.servings(snapshot) for b in one.bindings if b.pair.certificate in held]
    signed = [describe(one).sha256 for one in issuer.anchors]
    return hashlib.sha256("\n".join([snapshot.identity.machine_id, *shown, *signed, *asked]).encode()).hexdigest()[:6]


@dataclass(slots=True)
class _Rotating:
    run: Run
    one: Device | ApiDevice
    issuer: Issuer
    memory: Memory
    warnings: list[str]
    before: Waiting | None
    names: tuple[str, ...] = ()
    brought: bool = False
    leaves: dict[str, Certificate] = field(default_factory=dict)  # those that this run has brought
    keeping: Keeping = field(init=False)
    terms: Terms = field(init=False)

    def work(self, gate: Gate) -> bool:
        run, found = self.run, looked(self.one)
        plan, mark = self._planned(found)
        if plan.left:
            run.note(status="skipped", problem={"message": "; ".join(plan.left), "where": run.host, "remedy": "renew these where they come from"})
        if not plan.orders:
            return False
        fits(run, plan.orders)
        self._may(found)
        if isinstance(self.one, ApiDevice):
            opens(self.one.session, self.issuer.anchors, plan.orders, run.host)
        if run.action._task.check_mode:
            run.note(status="would-change")
            return False
        if stop := gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            return False
        return self._done(gate, found, plan, mark)

    # ------------------------------------------------------------ the plan

    def _planned(self, found: Survey) -> tuple[Rotation, str]:
        """Raises Problem for what this platform does not make."""
        run, platform = self.run, self.one.platform
        run.note(target=target(found.snapshot))
        self.keeping = keeping = self.one.keeping
        args, snapshot = run.args, found.snapshot
        kinds, names = tuple(args["keys"]), tuple(args["names"])
        for name in kinds:
            kind(name)
        mark = self.before.mark if self.before else mark_of(keeping, snapshot, self.issuer, *kinds, "", *names)
        self.terms = Terms(kinds, names, int(args["renew_before"]), run.as_of, mark, int(args["renew_jitter"]))
        plan = rotation(keeping.servings(snapshot), keeping.held(snapshot), self.terms)
        for name in dict.fromkeys(name for order in plan.orders for name in order.names):
            alternative(name)
        if cannot := sorted({order.kind for order in plan.orders} - set(keeping.kinds)):
            made = f"it makes {', '.join(keeping.kinds)}; nothing was changed"
            raise Problem(f"{platform.label} makes no keys of kind {', '.join(cannot)}", run.host, made)
        for order in plan.orders:
            keeping.make(snapshot, order.new.certificate, order.kind, order.names)  # what it cannot ask for is refused before anything is done
        run.note(plan=_told(self.one, found, plan, self._rebind(found.snapshot, found.snapshot, plan)))
        return plan, mark

    def _may(self, found: Survey) -> None:
        """Raises Problem for what cannot be done here, before anything is."""
        run, way, release = self.run, self.one.platform.changes, found.snapshot.facts["release"]
        if way and (others := unread(release, way.known)):
            said = f"{self.one.platform.label} {release or '(release unknown)'}"
            raise Problem(f"{said} is no release whose commands are known here", run.host, others)
        entry = escrow_of(run.policy(), run.host, run.groups, (self.one.platform.name,))
        if entry.mode == "required":
            raise Problem(f"the policy requires escrow ({entry.origin}), and a key never leaves its device", run.host, "no new key was made")

    def _rebind(self, planned: Snapshot, now: Snapshot, plan: Rotation) -> tuple[Change, ...]:
        """planned: for what the plan was made, whose lines may have moved since."""
        wished = {b.pair: plan.bindings[b.origin][0] for one in self.keeping.servings(planned) for b in one.bindings if b.origin in plan.bindings}
        bindings = {b.origin: wished[b.pair] for one in self.keeping.servings(now) for b in one.bindings if b.pair in wished}
        return self.keeping.rebind(now, bindings) if bindings else ()

    # ------------------------------------------------------------ what is made

    def _done(self, gate: Gate, found: Survey, plan: Rotation, mark: str) -> bool:
        run, memory = self.run, self.memory
        Records(run).free()
        self.names = tuple(order.new.certificate for order in plan.orders)
        if why := self.one.unsettled(besides=self._heads()):
            raise Problem(f"{why}; nothing was changed", run.host, "let it end, or save it; then run this again")
        if self.before:
            run.note(campaign=self.before.campaign)
        id_ = self.before.id if self.before else f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}"
        if self._ready(found, plan):
            self._save()
            self._bind(id_, found, looked(self.one), plan)
            memory.forget()
            return False
        try:
            asked = self._asked(found.snapshot, plan)
            chains, whys = answered(self.issuer, asked)
            if whys:
                self._save()
                new = remembered(run, memory, id_, mark, plan.orders, asked)
                remedy = "run it again then; the key waits on the device"
                run.note(status="pending", problem={"message": "; ".join(whys), "where": run.host, "remedy": remedy})
                return new
            if gate.late():
                return False
            pairs = {order.new: chain for order, chain in zip(plan.orders, chains, strict=True)}
            run.told["keys"] = issued(pairs)
            seen = self._placed(pairs)
            self.brought = True
            self._bind(id_, found, seen, plan)
            memory.forget()
            return False
        finally:
            if not self.brought and not memory.path.exists():
                self._drop()

    def _ready(self, found: Survey, plan: Rotation) -> bool:
        """Whether all of it was brought by a run that could not name it in the end."""
        held = self.keeping.held(found.snapshot)
        there = [(order, held.get(order.new.certificate)) for order in plan.orders]
        return all(one and not due(one, self.terms) and (one.key, set(one.names)) == (order.kind, set(order.names)) for order, one in there)

    def _asked(self, found: Snapshot, plan: Rotation) -> tuple[Asked, ...]:
        """The requests of before, where their keys wait; else each is made."""
        if self.before and self.before.fits(plan.orders) and all(self._stated(name) for name in self.names):
            return self.before.requests
        self.memory.forget()
        for name in self.names:
            self._clear(name)
        return tuple(self._made(found, order.new.certificate, order.kind, order.names) for order in plan.orders)

    def _made(self, found: Snapshot, name: str, kind: str, names: tuple[str, ...]) -> Asked:
        text = self.keeping.request(self.one.carry(self.keeping.make(found, name, kind, names)))
        request_key(text)
        return Asked(text, kind, names, int(self.run.args["days"]))

    def _placed(self, chains: Mapping[Pair, str]) -> Survey:
        """How it looks with them.  Raises Problem where it does not hold them."""
        for pair, text in chains.items():
            self.one.carry(self.keeping.place(pair.certificate, with_anchor(text, self.issuer.anchors)))
        seen = looked(self.one)
        held = self.keeping.held(seen.snapshot)
        for pair, text in chains.items():
            new, there = leaf(text, ""), held.get(pair.certificate)
            if new is None or there is None or not is_it(there, text):
                raise Problem(f"it does not hold the certificate that was brought to it as {pair.certificate}", self.run.host, "nothing names it")
            self.leaves[pair.certificate] = new
        self._save()
        return seen

    def _save(self) -> None:
        if not self.one.save_only(self._heads()):
            why = "the new key and certificate are not saved there; nothing names them"
            raise Problem(why, self.run.host, "free space there, and run this again")

    # ------------------------------------------------------------ the change

    def _bind(self, id_: str, found: Survey, seen: Survey, plan: Rotation) -> None:
        """found: for what the plan was made; seen: with the new certificates."""
        run, machine = self.run, found.snapshot.identity.machine_id
        changes = self._rebind(found.snapshot, seen.snapshot, plan)
        if len(changes) != 1 or seen.snapshot.identity.machine_id != machine:
            raise Problem("it names another certificate than before, or is another device", run.host, "look at it, and run this again")
        held = {**{name: one for name, one in self.keeping.held(seen.snapshot).items() if name in self.names}, **self.leaves}
        probes = _probes(found, plan, held)
        before = reachable(run, probes)

        def proof(after: Snapshot) -> Any:
            proofs, wrong = patient(run, probes, before)
            return proofs, [*self._unnamed(after, plan), *wrong]

        run.note(transaction=id_)
        entry = {"transaction": id_, "campaign": run.result.campaign or run.run, "machine": machine}
        outcome = carried(run, self.one, changes[0], proof, entry)
        settle(run, outcome)
        saved(run, outcome)
        if outcome.state == "CONFIRMED":
            old = {order.like.certificate: one for order in plan.orders if (one := self.keeping.held(found.snapshot).get(order.like.certificate))}
            run.told["keys"] = [*run.told.get("keys", ()), *_facts("installed", held), *({**one, "stays": "there"} for one in _facts("retired", old))]
        else:
            self.warnings.append(
                f"{run.host}: {', '.join(self.names)} stays there and serves nothing; the next run names it again while it is not due"
            )

    def _unnamed(self, after: Snapshot, plan: Rotation) -> list[str]:
        now = {b.pair for one in self.keeping.servings(after) for b in one.bindings}
        return [f"it does not name {new.certificate}" for pairs in plan.bindings.values() for new in pairs if new not in now]

    # ------------------------------------------------------------ what is left of it

    def _heads(self) -> tuple[str, ...]:
        return tuple(head for name in self.names for head in self.keeping.heads(name))

    def _stated(self, name: str) -> bool:
        return any(within(one, head) for one in self.one.stated() for head in self.keeping.heads(name))

    def _clear(self, name: str) -> None:
        """What a run has left that was killed.  Raises Problem where somebody has taken it into use."""
        mine, said = self.keeping.heads(name), self.one.stated()
        ours = [one for one in said if any(within(one, head) for head in mine)]
        if others := [one for one in said if name in one.split() and one not in ours]:
            raise Problem(f"`{others[0]}` names {name}, as the new certificate would be called; nothing was changed", self.run.host, "look at it")
        if not ours:
            return
        self.one.carry(self.keeping.drop(name))
        if self._stated(name):
            raise Problem(f"{name}, which nothing names, does not go away", self.run.host, "remove it there")
        self._save()

    def _drop(self) -> None:
        """Nobody will use them; what stays behind is no harm, and the next run removes it."""
        try:
            for name in self.names:
                self._clear(name)
        except Problem as problem:
            names = ", ".join(self.names)
            self.warnings.append(f"{self.run.host}: {names}, which serves nothing, may be there still: the next run removes it ({problem.message})")


def _told(one: Device | ApiDevice, found: Survey, plan: Rotation, changes: tuple[Change, ...]) -> dict[str, Any]:
    """As a plan of the house, so that reports read it like any other."""
    snapshot, way = found.snapshot, one.platform.changes
    said = list(plan.left)
    if changes and way:
        said += [outage] if (outage := way.outage(snapshot)) else []
        old, new = changed(split(snapshot.files[PATH].text or ""), changes[0].edits)
        said.append(f"is sent, once the certificate is there: {'; '.join(sent(way, old, new))}")
    made = Plan(snapshot.host, snapshot.identity, "", changes, reasons=plan.reasons, warnings=tuple(said))
    return {**plain(made), "diff": diff(snapshot, changes)}


def _probes(found: Survey, plan: Rotation, new: Mapping[str, Certificate]) -> tuple[Probe, ...]:
    """Each endpoint must serve the very certificate that it is to show."""
    ports = {one.id: one.addresses[0][1] for one in found.endpoints}
    return tuple(
        Probe("tls", one.endpoint, ports[one.endpoint], "", one.name, signer=one.kind, certificate=new[one.path].fingerprint)
        for one in plan.shown
        if one.path in new and one.endpoint in ports
    )


def _facts(did: str, certificates: Mapping[str, Certificate]) -> list[dict[str, Any]]:
    """For the ledger."""
    return [told(did, name, replace(one, path=name)) for name, one in certificates.items()]
