"""What the ledger is told of one host's task: names, digests and verdicts of its result, never a text of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..ledger.canonical import canonical, digest
from .output import utf8
from .results import HostResult

# What a task came to.  Tasks that only look are called by their verb.
EVENTS = {
    "changed": "confirm",
    "rolled-back": "rollback",
    "reverted": "revert",
    "refused": "refuse",
    "out-of-window": "refuse",
    "paused": "refuse",
    "revert-failed": "fail",
    "unknown": "fail",
    "failed": "fail",
    "unreachable": "fail",
    "pending": "wait",
    "ok": "nothing",
    "skipped": "nothing",
}
LOOKS = {"audit": "audit", "certificates": "inventory", "plan": "plan", "recover": "recover"}
QUIET = ("transactions", "policy")  # they answer a question and judge nothing
SEEN = ("version", "group", "cipher", "signature", "certificate_sha256")  # of a proof by handshake
FINE = ("compliant", "not-applicable")


def event_of(result: HostResult) -> str:
    return LOOKS.get(result.verb) or EVENTS[result.status]


def facts(result: HostResult, event: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """The entry, without its place in a chain.  more: who, why, time, and what only the task knows.  What is empty is left out."""
    plan = result.plan or {}
    told = {
        "event": event,
        "verb": result.verb,
        "host": result.host,
        "run": result.run,
        "campaign": result.campaign,
        "transaction": result.transaction,
        "policy": dict(result.policy) or ({"digest": plan["policy"]} if plan.get("policy") else {}),
        "endpoints": _endpoints(result),
        "aspects": sorted({f["aspect"] for f in result.findings if f["state"] not in FINE}),
        "findings": _counted([f["state"] for f in result.findings]),
        "exceptions": sorted({id_ for f in result.findings for id_ in str(f.get("exception", "")).split(", ") if id_}),
        "changes": list(plan.get("reasons", ())) if event in ("plan", "apply") else [],
        "files": [{name: kept[name] for name in ("path", "kind", "before", "after")} for kept in result.files],
        "prior": _prior(result),
        "proofs": [_proof(proof) for proof in result.proofs],
        "connection": result.evidence.get("connection", ""),
        "result": "" if event == "apply" else result.status,
        "code": result.problem.get("code", ""),
        **more,
    }
    return {key: _clean(value) for key, value in told.items() if value not in ("", [], {}, ())}


def _endpoints(result: HostResult) -> list[str]:
    """Those that change, or were proved; of a look that changes none, all."""
    changed = [probe["endpoint"] for probe in (result.plan or {}).get("probes", ())] + [proof["endpoint"] for proof in result.proofs]
    return list(dict.fromkeys(changed or [endpoint["id"] for endpoint in result.endpoints]))


def _counted(states: list[str]) -> dict[str, int]:
    return {state: states.count(state) for state in sorted(set(states))}


def _prior(result: HostResult) -> str:
    """One digest for all files as they were before."""
    before = {kept["path"]: kept["before"] for kept in result.files}
    return digest(canonical(_clean(before))) if before else ""


def _proof(proof: Mapping[str, Any]) -> dict[str, Any]:
    seen = " ".join(str(proof[name]) for name in SEEN if proof.get(name)) or " ".join(map(str, proof.get("offered", ())))
    told = {"endpoint": proof["endpoint"], "proved": bool(proof["proved"]), "seen": seen, "why": "" if proof["proved"] else proof.get("why", "")}
    return {key: value for key, value in told.items() if value != ""}


def _clean(value: Any) -> Any:
    """Plain data that has a canonical form: a byte of the host that was no UTF-8 is written as an escape."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, Mapping):
        return {utf8(str(key)): _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value
