# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the certificates of one host that are due, as a transaction that is proved by what clients are served."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils import _device_certificates
from ..plugin_utils._campaign import GATED, Gate, id_prefix, in_campaign
from ..plugin_utils._certifying import changes, left_in_tokens, make_keys, probes, servings, unserved, wanted
from ..plugin_utils._core.certificates.issued import Asked
from ..plugin_utils._core.certificates.rotate import Rotation
from ..plugin_utils._core.credentials import Pair
from ..plugin_utils._core.model import Change, Plan, Problem, Snapshot
from ..plugin_utils._core.plan import diff
from ..plugin_utils._core.report.results import plain
from ..plugin_utils._core.services import SERVICES
from ..plugin_utils._core.services.openssl import loaded
from ..plugin_utils._core.targets.answer import NewKey, parse_keys
from ..plugin_utils._core.targets.script import compose_drop_keys
from ..plugin_utils._core.targets.survey import Survey
from ..plugin_utils._core.targets.transact import Outcome
from ..plugin_utils._escrowing import SPEC as ESCROW
from ..plugin_utils._escrowing import Escrows
from ..plugin_utils._issuers import SPEC as ISSUER
from ..plugin_utils._issuers import Issuer, answered, fits, issuer_of
from ..plugin_utils._lifecycle import issued, retires, switched
from ..plugin_utils._outcome import carry_out, settle
from ..plugin_utils._proving import prove, reachable
from ..plugin_utils._run import COMMON, Run, target
from ..plugin_utils._undoing import CAMPAIGN
from ..plugin_utils._waiting import Memory, same, wait

SPEC = {
    **COMMON,
    "campaign": {"type": "str"},
    "keys": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "days": {"type": "int", "default": 47},
    "renew_before": {"type": "int", "default": 16},
    "renew_jitter": {"type": "int", "default": 0},
    "key_store": {"type": "str", "choices": ["file", "pkcs11"], "default": "file"},
    "pkcs11_token": {"type": "str"},
    "pkcs11_pin_file": {"type": "str"},
    **ISSUER,
    **ESCROW,
    "anchor_check": {"type": "str", "choices": ["warn", "refuse"], "default": "warn"},
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
}


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "rotate", SPEC)
        self.asked, self.warnings, self.kept = False, list[str](), list[Path]()
        out = in_campaign(run, self._work)
        more = {"warnings": self.warnings} if self.warnings else {}
        return out | {"changed": out["changed"] or self.asked, "escrow": [str(file) for file in self.kept]} | more

    def _work(self, run: Run, gate: Gate) -> None:
        if min(int(run.args["days"]), int(run.args["renew_before"]) + 1, int(run.args["renew_jitter"]) + 1) < 1:
            raise Problem("days, renew_before and renew_jitter cannot be negative", "agility_days")
        run.note(campaign=str(run.args.get("campaign") or run.run))
        if run.channel.is_device:
            self.asked = _device_certificates.rotate(run, gate, self.warnings)
        else:
            self._rotate(run, gate)

    def _rotate(self, run: Run, gate: Gate) -> None:
        issuer = issuer_of(run)
        memory = Memory(issuer.folder, run.host)
        before = memory.read()
        found = run.look()
        mark = before.mark if before else secrets.token_hex(3)
        plan = wanted(run, found, mark)
        escrows = Escrows(run, run.policy(), plan, servings(found.snapshot), loaded(found.snapshot.answers))
        plan = replace(plan, reasons=(*plan.reasons, *escrows.reasons))
        run.note(target=target(found.snapshot), plan={**plain(_plan(found, plan)), "diff": diff(found.snapshot, _references(found, plan))})
        if plan.left:
            run.note(status="skipped", problem={"message": "; ".join(plan.left), "where": run.host, "remedy": "renew these where they come from"})
        if not plan.orders:
            return
        fits(run, plan.orders)
        if found.snapshot.facts.get("uid") != "0":
            raise Problem("replacing certificates needs root", run.host, "add become: true, or -b")
        if self._task.check_mode:
            run.note(status="would-change")
            return
        if stop := gate.closed(ssh_batch_limit=100, tightens_ssh=False, only_way=False):
            run.note(status=gate.status, problem={"message": stop, "where": run.host, "remedy": gate.remedy})
            return
        if before and not before.fits(plan.orders):  # something else is due by now
            memory.forget()
            _drop(run, before.id)
            before = None
        if before:
            run.note(campaign=before.campaign)
        id_ = before.id if before else f"{id_prefix(run.result.campaign)}-{secrets.token_hex(3)}"
        try:
            keys, distrust, sealed = make_keys(run, id_, plan.orders, unserved(found, issuer.anchors), escrows.calls)
            self._warn(run, issuer, distrust)
            made = [Asked(key.request, order.kind, order.names, int(run.args["days"])) for order, key in zip(plan.orders, keys, strict=True)]
            asked = same(before, made)
            chains, whys = answered(issuer, asked)
            if whys:
                self.asked = wait(run, memory, id_, mark, plan.orders, asked, whys)
                return
            if gate.late():
                return
            pairs = {order.new: chain for order, chain in zip(plan.orders, chains, strict=True)}
            escrows.keep(keys, sealed, pairs, id_)
            settle(run, self._replace(run, found, plan, keys, id_, pairs))
            memory.forget()
            self.kept = escrows.files
        finally:
            self.warnings += [f"{run.host}: {said}" for said in escrows.said]
            if run.result.status not in ("changed", "unknown") and not memory.path.exists():  # of those the host itself puts the keys away
                _drop(run, id_)
                escrows.forget()
                self.warnings += [f"{run.host}: {left}" for left in left_in_tokens(plan.orders)]

    def _warn(self, run: Run, issuer: Issuer, distrust: tuple[str, ...]) -> None:
        """Of a new hierarchy that this host, and so perhaps its peers, does not trust.  Raises Problem when that is to stop it."""
        if not any(distrust):
            return
        said = f"the host does not trust what the new certificates end at ({issuer.where}): {'; '.join(filter(None, distrust))}"
        if run.args["anchor_check"] == "refuse":
            raise Problem(said, run.host, "run distribute_anchors first; nothing was changed")
        self.warnings.append(f"{run.host}: {said}. Peers that do not either will be cut off: run distribute_anchors first")

    def _replace(self, run: Run, found: Survey, plan: Rotation, keys: tuple[NewKey, ...], id_: str, chains: dict[Pair, str]) -> Outcome:
        run.told["keys"] = issued(chains)
        asked = probes(found, plan, chains)
        answered = reachable(run, asked)

        def proof(after: Snapshot) -> Any:
            proofs, wrong = prove(run, asked, answered)
            return proofs, [*_unswitched(after, plan), *wrong]

        why, snapshot, retire = f"{CAMPAIGN}{run.result.campaign}", found.snapshot, partial(retires, found.snapshot)
        outcome = carry_out(
            run, id_, why, snapshot.identity, changes(found, plan, keys, chains), _activations(found, plan), found.extra, proof, retire
        )
        run.told["keys"] = switched(snapshot, outcome)
        return outcome


def _references(found: Survey, plan: Rotation) -> tuple[Change, ...]:
    """The lines that will name the new files; the files themselves do not exist yet."""
    return tuple(one for one in changes(found, Rotation(bindings=plan.bindings), (), {}) if isinstance(one, Change))


def _plan(found: Survey, plan: Rotation) -> Plan:
    """As a plan of the house, so that reports read it like any other."""
    return Plan(found.snapshot.host, found.snapshot.identity, "", _references(found, plan), reasons=plan.reasons, warnings=plan.left)


def _activations(found: Survey, plan: Rotation) -> tuple[Any, ...]:
    mine = tuple(e for e in found.endpoints if e.id in plan.endpoints)
    names = dict.fromkeys(e.service for e in mine)
    return tuple(SERVICES[name].activation(found.snapshot, tuple(e for e in found.endpoints if e.service == name)) for name in names)


def _unswitched(after: Snapshot, plan: Rotation) -> list[str]:
    """Every new pair is named by the configuration as it is read again."""
    now = {binding.pair for serving in servings(after) for binding in serving.bindings}
    wished = [(origin, pair) for origin, pairs in plan.bindings.items() for pair in pairs]
    return [f"after the reload {origin} does not name {pair.certificate}" for origin, pair in wished if pair not in now]


def _drop(run: Run, id_: str) -> None:
    """The keys that nobody will use; one that stays behind is no harm, `recover` removes it."""
    with contextlib.suppress(Problem):
        run.channel.ask(lambda nonce: compose_drop_keys(id_, nonce), lambda output, nonce: parse_keys(output, nonce, run.host))
