# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give both ends of a tunnel another key that they share: the preshared key of WireGuard, or the PPK of strongSwan and libreswan."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._campaign import GATED, Gate, in_campaign
from ..plugin_utils._core.model import Problem, Snapshot
from ..plugin_utils._core.services import libreswan, strongswan, wireguard
from ..plugin_utils._linking import Kind, Looked, Side, reached, turn
from ..plugin_utils._linking_ppk import PPK
from ..plugin_utils._linking_wireguard import WIREGUARD
from ..plugin_utils._reaching import other
from ..plugin_utils._run import COMMON, Run, described

SPEC = {
    "policy": COMMON["policy"],
    "output": {"type": "path"},
    "campaign": {"type": "str"},
    "link_peer": {"type": "str", "required": True},
    "link_interface": {"type": "str", "required": True},
    "link_step": {"type": "str", "choices": ["rotate", "contract", "back"], "default": "rotate"},
    "confirm_timeout": {"type": "int", "default": 120},
    **GATED,
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        run = Run(self, task_vars or {}, "rotate", SPEC)
        told: dict[str, str] = {}
        return in_campaign(run, lambda run, gate: _both(run, gate, told)) | {"link": told}


def _both(run: Run, gate: Gate, told: dict[str, str]) -> None:
    there = other(run, str(run.args["link_peer"]), SPEC)
    with turn(run, there):
        _turned(run, there, gate, told)


def _turned(run: Run, there: Run, gate: Gate, told: dict[str, str]) -> None:
    for one in (run, there):
        one.args["services"] = ["wireguard", "strongswan", "libreswan"]
        one.note(campaign=str(run.args.get("campaign") or run.run))
    found = Looked(run, gate, run.look())
    with reached(there):
        beyond = Looked(there, Gate(there), there.look())
    name = str(run.args["link_interface"])
    kind = _kind(found.found.snapshot, name)
    sides = kind.sides(found, beyond, name)
    try:
        kind.steps[str(run.args["link_step"])](*sides)
    except Problem as problem:
        there.note(status="failed", problem=described(problem))
        raise
    finally:
        _told_both(*sides, kind.name, told)


def _kind(snapshot: Snapshot, name: str) -> Kind:
    """What turns the key of this tunnel.  Raises Problem."""
    interfaces, dummy = wireguard.of(snapshot)
    fit = [WIREGUARD] if any(one.name[0] == name for one in interfaces) else []
    names = (*(one.name for one in strongswan.of(snapshot)), *(one.conn.name for one in libreswan.of(snapshot)))
    fit += [PPK] if name in names else []
    if len(fit) != 1:
        what = "an interface of WireGuard and a connection of IPsec" if fit else "no interface of WireGuard and no connection of swanctl or libreswan"
        raise Problem(f"{name} is {what}", snapshot.host, "name one in agility_link_interface; nothing was changed")
    return fit[0]


def _told_both(here: Side, there: Side, kind: str, told: dict[str, str]) -> None:
    """The other end's result is written here, for no task of its own does it."""
    for side in (here, there):
        if side.run.result.status == "changed":
            side.run.told["keys"] = [{"did": "installed", "path": side.path, "kind": kind}]
    there.gate.ended(there.run.result.status)
    there.run.finish()
    told |= {"decides": here.run.result.status, "follows": there.run.result.status}
