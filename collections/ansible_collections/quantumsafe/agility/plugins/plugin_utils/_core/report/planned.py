"""plan.json: what one run would do to every host of it, as one text that is read, signed and then applied exactly.

It is made from the hosts' results and holds neither a clock nor the name of the run: the same hosts under the same policy give the same bytes.
Edits are ranges of lines and texts were redacted on the host, so there are no secrets in it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..ledger.canonical import canonical
from .entered import clean
from .results import BAD, HostResult, plan_from

FORMAT = 2
KIND = "quantumsafe.agility plan"
TAKEN = ("as_of", "owner", "policy", "target")  # of a host's result, beside its plan
PLAN = frozenset(
    ("host", "policy", "changes", "activations", "probes", "reasons", "aspects", "tightens_ssh", "warnings", "route", "extra", "abilities")
)
OUTAGE = {
    "reload": "{service} is reloaded: no outage is expected, what is connected stays connected",
    "restart": "{service} is restarted: what is connected to it is cut off, and it is away until it listens again: seconds, not measured",
    "refresh": "{service} is told to read its files anew: no outage is expected",
}
BYTES = "a path or a line of its plan is no UTF-8, so the text of the plan cannot say it"


def document(results: Iterable[HostResult]) -> dict[str, Any]:
    """hosts: those that were planned, also those that need nothing; left_out: why not, host by host."""
    hosts, left_out = {}, {}
    for result in results:
        why = _unplanned(result)
        if why:
            left_out[clean(result.host)] = clean(why)
        else:
            hosts[clean(result.host)] = _entry(result)
    return {"format": FORMAT, "kind": KIND, "hosts": hosts, "left_out": left_out}


def _unplanned(result: HostResult) -> str:
    if result.status in BAD or result.plan is None:
        return result.problem.get("message") or result.status
    return "" if plan_from(clean(result.plan)) == plan_from(result.plan) else BYTES


def _entry(result: HostResult) -> dict[str, Any]:
    plan = result.plan or {}
    identity = {name: plan["identity"][name] for name in ("machine_id", "host_key")}  # not the boot: a plan outlives one
    entry = {
        **{name: getattr(result, name) for name in TAKEN},
        "plan": {**{name: plan[name] for name in PLAN}, "identity": identity},
        "diff": [line for one in plan["diff"] for line in _unified(one)],
        "outage": [OUTAGE[a["action"]].format(service=a["service"]) for a in plan["activations"]],
    }
    return dict(clean(entry))


def _unified(one: Mapping[str, str]) -> list[str]:
    before, after = (one[side].splitlines() for side in ("before", "after"))
    return list(difflib.unified_diff(before, after, one["before_header"], one["after_header"], lineterm=""))


def spelled(plan: Mapping[str, Any]) -> bytes:
    """The only spelling of it.  Raises ValueError for what has none."""
    canonical(plan)
    return (json.dumps(plan, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def read_plan(data: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no plan, or spelled in another way than we do."""
    try:
        plan = json.loads(data)
        if not isinstance(plan, dict) or (plan["format"], plan["kind"]) != (FORMAT, KIND):
            raise ValueError(f"it is no plan of format {FORMAT}")
        for host, entry in plan["hosts"].items():
            if plan_from(entry["plan"]).host != host or not set(entry["plan"]) >= PLAN:
                raise ValueError(f"what it has for {host} is the plan of another host, or only a part of one")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if spelled(plan) != data:
        raise ValueError("it is not spelled as the plan task writes it: somebody edited it")
    return plan


def fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a host's result that its plan brings, as if it had just been planned."""
    shown = [{"prepared": "".join(f"{line}\n" for line in entry["diff"])}] if entry["diff"] else []
    return {**{name: entry[name] for name in TAKEN}, "plan": {**entry["plan"], "diff": shown}}
