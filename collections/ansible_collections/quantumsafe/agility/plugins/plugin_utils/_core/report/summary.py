"""summary.json: one run in numbers, rebuilt from the host files only; what they needed of the policy is in register.py."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .results import BAD, HostResult
from .safety import key_exchange_safety


def summarise(results: tuple[HostResult, ...], complaints: tuple[str, ...] = ()) -> dict[str, Any]:
    """Counts by status, state, severity, aspect; quantum-safe endpoints (see safety.py); what went wrong, host by host."""
    findings = [f for r in results for f in r.findings]
    safety = Counter(key_exchange_safety(endpoint) for r in results for endpoint in r.endpoints)
    aspects = sorted({f["aspect"] for f in findings})
    deadlines = sorted(f["deadline"] for f in findings if f["deadline"])
    return {
        "format": 1,
        "hosts": len(results),
        "status": dict(sorted(Counter(r.status for r in results).items())),
        "done": sum(r.status not in BAD for r in results),
        "failed": [{"host": r.host, "status": r.status, **r.problem} for r in results if r.status in BAD],
        "findings": {
            "by_state": dict(sorted(Counter(f["state"] for f in findings).items())),
            "by_severity": dict(sorted(Counter(f["severity"] for f in findings).items())),
            "by_aspect": {a: dict(sorted(Counter(f["state"] for f in findings if f["aspect"] == a).items())) for a in aspects},
        },
        "endpoints": {"with_key_exchange": safety.total(), "quantum_safe": safety["yes"], "unknown": safety["unknown"]},
        "proofs": _proofs(results),
        "earliest_deadline": deadlines[0] if deadlines else "",
        "campaigns": sorted({r.campaign for r in results if r.campaign}),
        "policies": [dict(p) for p in sorted({tuple(sorted(r.policy.items())) for r in results if r.policy})],
        "verbs": sorted({r.verb for r in results}),
        "warnings": [*({"host": r.host, "message": text} for r in results for text in (r.plan or {}).get("warnings", ())), *_twins(results)],
        "window_overrides": [{"host": r.host, "status": r.status, **r.window_override} for r in results if r.window_override],
        "changed": sorted(r.host for r in results if r.status in ("changed", "rolled-back")),
        "unreadable": list(complaints),
    }


def _proofs(results: tuple[HostResult, ...]) -> dict[str, Any]:
    """Of the endpoints that were changed: how many a live handshake proved, and which nobody could ask."""
    done = [(r.host, proof) for r in results if r.status not in BAD for proof in r.proofs]
    unproved = [{"host": host, "endpoint": proof["endpoint"], "why": proof.get("why", "")} for host, proof in done if not proof["proved"]]
    return {"proved": len(done) - len(unproved), "unproved": unproved}


def _twins(results: tuple[HostResult, ...]) -> list[dict[str, str]]:
    """Hosts that share a host key, as clones of one image do: whoever has one of them can be all of them."""
    owners: dict[str, list[str]] = {}
    for r in results:
        for key in r.target.get("host_keys", "").split():
            owners.setdefault(key, []).append(r.host)
    groups = {tuple(hosts): key for key, hosts in owners.items() if len(hosts) > 1}
    return [{"host": ", ".join(hosts), "message": f"they share the host key {key}: run rotate_host_keys"} for hosts, key in groups.items()]
