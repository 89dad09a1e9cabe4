"""What the retirement of an algorithm would mean, from plans that were made under the policy that has it; and what it was, once done.

Verdicts are told apart by the retirement alone: what today's policy says already is not its doing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..review.diff import Difference
from .progress import lasting
from .results import BAD, HostResult

LOST = {"pq-regression": "PQ REGRESSION", "unsatisfiable": "UNSATISFIABLE"}
SHOWN = 50  # lines of a kind; the answer as data has all


@dataclass(frozen=True, slots=True)
class Rate:
    """Of runs that changed hosts: how many, in how long by the clock; batches and forks are in it."""

    hosts: int = 0
    seconds: float = 0.0

    def needs(self, hosts: int) -> float | None:
        return hosts * self.seconds / self.hosts if self.hosts else None


def rate(runs: Iterable[Sequence[HostResult]]) -> Rate:
    """Measured on hosts that were changed, or back again: both took a transaction."""
    spans = [span for run in runs if (span := [_span(one) for one in run if one.status in ("changed", "reverted") and one.taken])]
    return Rate(sum(map(len, spans)), sum((max(end for start, end in span) - min(start for start, end in span)).total_seconds() for span in spans))


def _span(result: HostResult) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(result.taken)
    return start, start + timedelta(seconds=result.seconds)


def drilled(results: Sequence[HostResult], rows: Sequence[Difference], measured: Rate) -> dict[str, Any]:
    """results: the plans.  rows: the verdicts that the retirement changes."""
    touched = {row.host for row in rows}
    findings = {(r.host, f["endpoint"], f["aspect"]): f for r in results for f in r.findings}
    breaks, stays = [], []
    for row in rows:
        found = findings.get((row.host, row.endpoint, row.aspect), {})
        if row.worse and (row.after in LOST or found.get("remedy")):  # a remedy: this binary has nothing else that is allowed
            what = {"host": row.host, "endpoint": row.endpoint, "aspect": row.aspect, "state": row.after}
            breaks.append({**what, "message": found.get("message", row.message), "remedy": found.get("remedy", "")})
        elif row.worse and row.stage_after == "observe":
            stays.append({"host": row.host, "endpoint": row.endpoint, "aspect": row.aspect, "message": row.message})
    would = sorted(r.host for r in results if r.status == "would-change")
    seconds = measured.needs(len(would))
    out = {
        "hosts": len(results),
        "touched": sorted(touched),
        "would_change": [host for host in would if host in touched],
        "would_change_anyway": [host for host in would if host not in touched],
        "breaks": breaks,
        "stays": stays,
        "not_planned": [{"host": r.host, "status": r.status, **r.problem} for r in results if r.status in BAD],
        "seconds": None if seconds is None else round(seconds, 1),
        "measured_hosts": measured.hosts,
    }
    return {**out, "report": _said(out, results)}


def _said(out: dict[str, Any], results: Sequence[HostResult]) -> list[str]:
    plans = {r.host: (r.plan or {}).get("reasons", ()) for r in results}
    kinds = Counter(one["state"] for one in out["breaks"])
    changes = [f"WOULD CHANGE {host}: {reason}" for host in out["would_change"] for reason in plans[host]]
    anyway = out["would_change_anyway"]
    lines = [*_cut(changes)]
    lines += _cut([f"{_kind(one)} {one['host']} {one['endpoint']} {one['aspect']}: {_with_remedy(one)}" for one in out["breaks"]])
    lines += _cut([f"STAYS {one['host']} {one['endpoint']} {one['aspect']}: {one['message']}; the policy only observes it" for one in out["stays"]])
    lines += _cut([f"NOT PLANNED {one['host']} ({one['status']}): {_with_remedy(one)}" for one in out["not_planned"]])
    lines.append(f"verdicts change on {len(out['touched'])} of {out['hosts']} hosts; {len(out['would_change'])} of these would be changed")
    lines += [f"{len(anyway)} more would be changed by the policy as it is: {', '.join(anyway[:5])}"] if anyway else []
    lines.append("breaks: " + (", ".join(f"{n} {state}" for state, n in kinds.items()) or "nothing") + f"; stays in use: {len(out['stays'])}")
    return [*lines, _time(out)]


def _kind(one: dict[str, Any]) -> str:
    return LOST.get(one["state"], "NOTHING LEFT")


def _with_remedy(one: dict[str, Any]) -> str:
    return f"{one.get('message', '')} → {one['remedy']}" if one.get("remedy") else str(one.get("message", ""))


def _cut(lines: list[str]) -> list[str]:
    return [*lines[:SHOWN], *([f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])]


def _time(out: dict[str, Any]) -> str:
    if not out["would_change"] and not out["would_change_anyway"]:
        return "time: none, for no host would be changed"
    if out["seconds"] is None:
        return "time: no earlier run that changed hosts was given (agility_earlier), so there is no estimate"
    return f"time: about {lasting(out['seconds'])}, as fast as {out['measured_hosts']} hosts were changed before"


def done(results: Sequence[HostResult], retired: Iterable[Difference], seconds: float) -> dict[str, Any]:
    """After it was enforced.  retired: what the endpoints, as they are now, would still lose by it.  seconds: since the policy changed."""
    left = [f"{row.host} {row.endpoint} {row.aspect}: {row.message}" for row in retired if row.worse]
    left += [f"{r.host}: {r.status}: {r.problem.get('message', '')}" for r in results if r.status in BAD]
    proofs = [(r.host, proof) for r in results for proof in r.proofs]
    left += [f"{host} {p['endpoint']}: not proved: {p.get('why', '')}" for host, p in proofs if not p["proved"]]
    changed = [r.host for r in results if r.status == "changed"]
    lines = [f"LEFT {text}" for text in _cut(left)]
    proved = sum(bool(p["proved"]) for dummy, p in proofs)
    lines.append(
        f"{lasting(seconds)} from the policy's change to the proof: {len(changed)} of {len(results)} hosts changed, "
        f"{proved} endpoints proved by a live handshake, {len(left)} left"
    )
    return {"hosts": len(results), "changed_hosts": changed, "left": left, "seconds": round(seconds, 1), "proved": proved, "report": lines}
