"""summary.json: one run in numbers, rebuilt from the host files only; what they needed of the policy is in register.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .results import BAD, HostResult
from .safety import key_exchange_safety


def summarise(results: Iterable[HostResult], complaints: Sequence[str] = ()) -> dict[str, Any]:
    tally = Tally()
    for result in results:
        tally.add(result)
    return tally.told(complaints)


class Tally:
    """It is told one host after the other: counts by status, state, severity, aspect; quantum-safe endpoints (see safety.py); what went wrong."""

    def __init__(self) -> None:
        self.hosts, self.done, self.proved, self.deadline = 0, 0, 0, ""
        self.status, self.state, self.severity, self.safety = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        self.aspects: dict[str, Counter[str]] = {}
        self.policies: set[tuple[tuple[str, str], ...]] = set()
        self.campaigns: set[str] = set()
        self.verbs: set[str] = set()
        self.keys: dict[str, list[str]] = {}  # host key → its hosts
        self.failed: list[dict[str, str]] = []
        self.unproved: list[dict[str, str]] = []
        self.warnings: list[dict[str, str]] = []
        self.overrides: list[dict[str, str]] = []
        self.changed: list[str] = []

    def add(self, r: HostResult) -> None:
        good = r.status not in BAD
        self.hosts, self.done = self.hosts + 1, self.done + good
        self.status[r.status] += 1
        self.verbs.add(r.verb)
        self.campaigns |= {r.campaign} - {""}
        self.policies |= {tuple(sorted(r.policy.items()))} - {()}
        self.safety.update(key_exchange_safety(endpoint) for endpoint in r.endpoints)
        for finding in r.findings:
            self._count(finding)
        if not good:
            self.failed.append({"host": r.host, "status": r.status, **r.problem})
        for proof in r.proofs if good else ():
            self._prove(r.host, proof)
        self.warnings += ({"host": r.host, "message": text} for text in (r.plan or {}).get("warnings", ()))
        self.overrides += [{"host": r.host, "status": r.status, **r.window_override}] if r.window_override else []
        self.changed += [r.host] if r.status in ("changed", "rolled-back") else []
        for key in r.target.get("host_keys", "").split():
            self.keys.setdefault(key, []).append(r.host)

    def _count(self, finding: Mapping[str, Any]) -> None:
        self.state[finding["state"]] += 1
        self.severity[finding["severity"]] += 1
        self.aspects.setdefault(finding["aspect"], Counter())[finding["state"]] += 1
        self.deadline = min(filter(None, (self.deadline, finding["deadline"])), default="")

    def _prove(self, host: str, proof: Mapping[str, Any]) -> None:
        """Of the endpoints that were changed: how many a live handshake proved, and which nobody could ask."""
        self.proved += bool(proof["proved"])
        if not proof["proved"]:
            self.unproved.append({"host": host, "endpoint": proof["endpoint"], "why": proof.get("why", "")})

    def _twins(self) -> list[dict[str, str]]:
        """Hosts that share a host key, as clones of one image do: whoever has one of them can be all of them."""
        groups = {tuple(hosts): key for key, hosts in self.keys.items() if len(hosts) > 1}
        return [{"host": ", ".join(hosts), "message": f"they share the host key {key}: run rotate_host_keys"} for hosts, key in groups.items()]

    def told(self, complaints: Sequence[str]) -> dict[str, Any]:
        return {
            "format": 1,
            "hosts": self.hosts,
            "status": _sorted(self.status),
            "done": self.done,
            "failed": self.failed,
            "findings": {
                "by_state": _sorted(self.state),
                "by_severity": _sorted(self.severity),
                "by_aspect": {aspect: _sorted(counts) for aspect, counts in sorted(self.aspects.items())},
            },
            "endpoints": {"with_key_exchange": self.safety.total(), "quantum_safe": self.safety["yes"], "unknown": self.safety["unknown"]},
            "proofs": {"proved": self.proved, "unproved": self.unproved},
            "earliest_deadline": self.deadline,
            "campaigns": sorted(self.campaigns),
            "policies": [dict(p) for p in sorted(self.policies)],
            "verbs": sorted(self.verbs),
            "warnings": [*self.warnings, *self._twins()],
            "window_overrides": self.overrides,
            "changed": sorted(self.changed),
            "unreadable": list(complaints),
        }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
