# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Move one host's side of mTLS to another authority of clients: whom it lets in, or what it shows, each as a transaction that is proved."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import GATED, Gate, id_prefix, in_campaign
from ..plugin_utils._certifying import changes, make_keys
from ..plugin_utils._core.certificates.bundle import ends_below, holds, with_anchor, without
from ..plugin_utils._core.certificates.issued import Asked
from ..plugin_utils._core.certificates.rotate import Order, Rotation, new_pair
from ..plugin_utils._core.credentials import Asking, Pair, Showing
from ..plugin_utils._core.documents import lines
from ..plugin_utils._core.model import Activation, Change, Plan, Problem, Snapshot
from ..plugin_utils._core.plan import diff
from ..plugin_utils._core.policy.escrowed import escrow_of
from ..plugin_utils._core.report.results import plain
from ..plugin_utils._core.services import SERVICES
from ..plugin_utils._core.targets.answer import parse_keys
from ..plugin_utils._core.targets.script import AnyChange, compose_drop_keys
from ..plugin_utils._issuers import SPEC as ISSUER
from ..plugin_utils._issuers import Issuer, answered, issuer_of
from ..plugin_utils._lifecycle import issued, retires, switched
from ..plugin_utils._mutual import Move, Sides, able, both, move_of, record, remembered, sides, still_shown
from ..plugin_utils._mutual_proof import Proofs, gets_in, lets_in
from ..plugin_utils._outcome import carry_out, settle
from ..plugin_utils._run import COMMON, Run, target
from ..plugin_utils._undoing import CAMPAIGN

SPEC = {
    "policy": COMMON["policy"],
    "output": {"type": "path"},
    "campaign": {"type": "str"},
    "step": {"type": "str", "choices": ["look", "trust", "key", "require", "prove"], "default": "look"},
    "client_anchor": {"type": "path"},
    "client_anchor_old": {"type": "path"},
    "client_certificates": {"type": "list", "elements": "str", "default": []},
    "keys": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "days": {"type": "int", "default": 47},
    **{name: how for name, how in ISSUER.items() if name != "issuer_folder" and not name.startswith("acme_")},
    "issuer": {"type": "str", "choices": ["local", "http", "est"], "default": "local"},  # those that sign at once, and for clients
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
}
STANDS = "servers trust both authorities meanwhile, which is harmless; run it again when that is done, for the whole inventory"
Work = Callable[[Run, Gate, Move, Sides], None]


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "clients", SPEC)
        self.warnings: list[str] = []
        out = in_campaign(run, self._step)
        return out | ({"warnings": self.warnings} if self.warnings else {})

    def _step(self, run: Run, gate: Gate) -> None:
        """The transactions of each step have a name of their own below the campaign, so that they can be undone in the order backwards."""
        step = str(run.args["step"])
        run.note(campaign=f"{run.args.get('campaign') or run.run}-{step}")
        move = move_of(run)
        here = sides(run)
        run.note(target=target(here.found.snapshot))
        steps: Mapping[str, Work] = {"look": _look, "trust": self._trust, "key": self._key, "require": self._require, "prove": _prove}
        steps[step](run, gate, move, here)

    def _trust(self, run: Run, gate: Gate, move: Move, here: Sides) -> None:
        able(run, here, move)
        asking = [one for one in here.trusting(move.old) if not _trusts(here, one, move)]
        self._bundles(run, gate, move, here, asking, require=False)

    def _require(self, run: Run, gate: Gate, move: Move, here: Sides) -> None:
        asking = list(here.trusting(move.old))
        if not asking:
            return
        why = "" if self._task.check_mode else still_shown(run, move)
        if not self._task.check_mode and (lacking := [one.endpoint for one in asking if not _trusts(here, one, move)]):
            why = f"{', '.join(lacking)} does not trust {move.new.subject} yet"
        if why:
            run.note(status="refused", problem={"message": f"{move.old.subject} stays: {why}", "where": run.host, "remedy": STANDS})
            return
        self._bundles(run, gate, move, here, asking, require=True)

    def _bundles(self, run: Run, gate: Gate, move: Move, here: Sides, asking: Sequence[Asking], require: bool) -> None:
        made = _edited(here, asking, move, require)
        if not made:
            return
        what = f"{move.old.subject} no longer lets" if require else f"{move.new.subject} lets, beside {move.old.subject},"
        reasons = tuple(f"{one.endpoint}: {what} clients in ({', '.join(one.bundles)})" for one in asking)
        if not self._may(run, gate, here, made, reasons):
            return

        def proof(after: Snapshot) -> Proofs:
            return lets_in(run, move, asking, after, require)

        self._carry_out(run, here, made, [one.endpoint for one in asking], proof, _id(run))

    def _key(self, run: Run, gate: Gate, move: Move, here: Sides) -> None:
        able(run, here, move)
        moving = here.showing_of(move.old)
        if not moving:
            return
        issuer = _issuer(run, move)
        pairs = {one.binding.pair: one for one in moving}  # files that several legs show are replaced once
        mark = secrets.token_hex(3)
        orders = [self._order(run, here, move, one, mark) for one in pairs.values()]
        bindings = {one.binding.origin: (new_pair(one.binding, _kind(here, move, one), mark),) for one in moving}
        reasons = tuple(f"{o.like.certificate} ends at {move.old.subject}; new: {o.kind} for {', '.join(o.names)}" for o in orders)
        lines_ = tuple(one for one in changes(here.found, Rotation(bindings=bindings), (), {}) if isinstance(one, Change))
        _unescrowed(run, moving)
        if not self._may(run, gate, here, lines_, reasons):
            return
        before, wrong = gets_in(run, [(one, one.binding.pair) for one in moving], True)
        if wrong:
            raise Problem(f"it is not let in with what it has: {'; '.join(wrong)}", run.host, f"mend that first; nothing was changed here; {STANDS}")
        id_ = _id(run)
        try:
            keys = make_keys(run, id_, orders, (), {})[0]
            asked = [Asked(key.request, order.kind, order.names, int(run.args["days"]), "client") for order, key in zip(orders, keys, strict=True)]
            chains, whys = answered(issuer, asked)
            if whys:
                raise Problem(f"the issuer has not signed: {'; '.join(whys)}", run.host, f"{WAITS}; {STANDS}")
            if not all(ends_below(chain, move.new.certificate) for chain in chains):
                raise Problem(f"{issuer.where} signed with another authority than {move.new.subject}", run.host, f"name that one's root; {STANDS}")
            if gate.late():
                return
            signed = {order.new: chain for order, chain in zip(orders, chains, strict=True)}
            run.told["keys"] = issued(signed)
            made = changes(here.found, Rotation(tuple(orders), bindings), keys, signed)
            shown = [(one, bindings[one.binding.origin][0]) for one in moving]

            def proof(after: Snapshot) -> Proofs:
                now = {one.binding.pair for one in both(after)[1]}
                unswitched = [f"after the reload {one.binding.origin} does not name {pair.certificate}" for one, pair in shown if pair not in now]
                proofs, faults = gets_in(run, shown, True)
                return (*before, *proofs), [*unswitched, *faults]

            self._carry_out(run, here, made, [one.endpoint for one in moving], proof, id_)
            if run.result.status == "changed":
                was = [{"certificate": o.like.certificate, "key": o.like.key, "chain": here.text(o.like.certificate)} for o in orders]
                record(run, sides(run), move, was)
            else:
                run.note(problem={**run.result.problem, "remedy": f"{run.result.problem.get('remedy', '')}; {STANDS}"})
        finally:
            if run.result.status not in ("changed", "unknown"):
                with contextlib.suppress(Problem):
                    run.channel.ask(lambda nonce: compose_drop_keys(id_, nonce), lambda out, nonce: parse_keys(out, nonce, run.host))

    def _order(self, run: Run, here: Sides, move: Move, one: Showing, mark: str) -> Order:
        found, kind = here.certificate(one), _kind(here, move, one)
        names = tuple(map(str, run.args["names"])) or (found.names if found else ()) or (run.host,)
        if found and found.subject != f"CN={names[0]}":
            self.warnings.append(
                f"{run.host}: {one.endpoint}: the subject changes from {found.subject} to CN={names[0]}: does a server decide by it?"
            )
        return Order(kind, names, one.binding.pair, new_pair(one.binding, kind, mark))

    def _may(self, run: Run, gate: Gate, here: Sides, made: tuple[Change, ...], reasons: tuple[str, ...]) -> bool:
        """The plan is told; whether it may be carried out."""
        snapshot = here.found.snapshot
        run.note(plan={**plain(Plan(run.host, snapshot.identity, "", made, reasons=reasons)), "diff": diff(snapshot, made)})
        if snapshot.facts.get("uid") != "0":
            raise Problem("changing certificates needs root", run.host, "add become: true, or -b")
        if self._task.check_mode:
            run.note(status="would-change")
            return False
        if stop := gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            return False
        return True

    def _carry_out(self, run: Run, here: Sides, made: Sequence[AnyChange], endpoints: Sequence[str], proof: Any, id_: str) -> None:
        snapshot = here.found.snapshot
        activations = _activations(here, endpoints)
        why = f"{CAMPAIGN}{run.result.campaign}"
        outcome = carry_out(run, id_, why, snapshot.identity, made, activations, here.found.extra, proof, partial(retires, snapshot))
        run.told["keys"] = switched(snapshot, outcome)
        settle(run, outcome)


WAITS = "client certificates are not waited for: have an issuer sign at once, or let it sign and run again"


def _look(run: Run, dummy: Gate, move: Move, here: Sides) -> None:
    """Whether this host could follow, before anything is touched anywhere; and what it shows today."""
    able(run, here, move)
    record(run, here, move, remembered(run, move))


def _prove(run: Run, dummy: Gate, move: Move, here: Sides) -> None:
    """Behind the last step, live, from the client's own host: the new certificate is let in, the old one is turned away."""
    was = remembered(run, move)
    if not was:
        return
    new = [(one, one.binding.pair) for one in here.showing_of(move.new)]
    old = [(one, Pair(each["certificate"], each["key"])) for one, dummy2 in new for each in was]
    proofs, wrong = gets_in(run, new, True)
    past, still = gets_in(run, old, False)
    run.note(proofs=(*proofs, *past))
    if wrong or still:
        raise Problem("; ".join([*wrong, *still]), run.host, "run rollback_client_certificates with the campaign, or mend the server")


def _trusts(here: Sides, one: Asking, move: Move) -> bool:
    return any(holds(here.text(path), move.new.certificate) for path in one.bundles)


def _edited(here: Sides, asking: Sequence[Asking], move: Move, require: bool) -> tuple[Change, ...]:
    """Each file that holds the old authority, once, whatever the paths that lead to it."""
    out: dict[str, Change] = {}
    for path in (path for one in asking for path in one.bundles):
        file, text = here.file(path), here.text(path)
        if file is None or not holds(text, move.old.certificate):
            continue
        edits = without(text, move.old.certificate) if require else with_anchor(text, move.new.pem)
        real = file.real or file.path
        out[real] = Change(real, file.sha256, edits, lines.sha256(lines.apply(text, edits)), file.owner, file.group, file.mode)
    return tuple(out.values())


def _kind(here: Sides, move: Move, one: Showing) -> str:
    found = here.certificate(one)
    return move.key or (found.key if found else "")


def _issuer(run: Run, move: Move) -> Issuer:
    issuer = issuer_of(run)
    if move.new.certificate not in issuer.anchors:
        raise Problem(f"what {issuer.where} signs does not end at {move.new.subject}", "agility_client_anchor", "name the root of that issuer")
    return issuer


def _unescrowed(run: Run, moving: Sequence[Showing]) -> None:
    """Raises Problem where the policy wants the new key kept: nothing keeps those of clients yet, and a rule is not gone past in silence."""
    entry = escrow_of(run.policy(), run.host, run.groups, dict.fromkeys(one.service for one in moving))
    if entry.mode == "required":
        why = f"the policy requires escrow ({entry.origin}), and keys of clients cannot be kept yet"
        raise Problem(why, run.host, f"an entry for this host may say allowed or never; no new key was put in place; {STANDS}")


def _id(run: Run) -> str:
    return f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}"


def _activations(here: Sides, endpoints: Sequence[str]) -> list[Activation]:
    found = here.found
    names = dict.fromkeys(e.service for e in found.endpoints if e.id in endpoints)
    return [SERVICES[name].activation(found.snapshot, tuple(e for e in found.endpoints if e.service == name)) for name in names]
