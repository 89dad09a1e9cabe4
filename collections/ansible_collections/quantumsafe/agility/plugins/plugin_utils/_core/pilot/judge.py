"""Whether an endpoint passed its pilot, check by check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .layers import STAYED, Evidence, layer_of
from .load import CLIENTS, Load, Met

NAMES = ("handshakes", "hybrid", "latency", "cpu", "logging", "certificate", "issuance", "rollback")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    outcome: Literal["pass", "fail", "not checked"]
    said: str


def check(name: str, good: bool | None, said: str) -> Check:
    """good: None = nobody knows."""
    return Check(name, "not checked" if good is None else "pass" if good else "fail", said)


@dataclass(frozen=True, slots=True)
class Limits:
    """success: per cent of the handshakes of each kind of client.  latency: milliseconds by which the 95th percentile may grow;
    cpu: by which the processor time of a handshake may."""

    success: float = 100.0
    latency: float = 50.0
    cpu: float = 5.0


@dataclass(frozen=True, slots=True)
class Piloted:
    """What is known of one endpoint.  problem: why it was not measured, or why the change did not stay.  The rest: layers.py, Evidence.
    checks: those that were made where they were seen."""

    host: str
    role: str
    endpoint: str = ""
    status: str = ""
    problem: str = ""
    can: bool | None = None
    offers: bool | None = None
    at_home: bool | None = None
    before: Load | None = None
    after: Load | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """layer, why: "" when it passed.  checks: in the order of NAMES."""

    piloted: Piloted
    layer: str
    why: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return not self.layer


def judged(one: Piloted, limits: Limits) -> Verdict:
    checks = [*_measured(one, limits), *one.checks]
    made = {found.name for found in checks}
    checks += [check(name, None, one.problem or "it did not come to that") for name in NAMES if name not in made]
    checks.sort(key=lambda found: NAMES.index(found.name))
    failed = frozenset(found.name for found in checks if found.outcome == "fail")
    if not failed and one.after and one.status in STAYED:
        return Verdict(one, "", "", tuple(checks))
    layer, why = layer_of(_evidence(one, limits, failed))
    return Verdict(one, layer, f"{why}: {one.problem}" if one.problem and one.status not in STAYED else why, tuple(checks))


def _evidence(one: Piloted, limits: Limits, failed: frozenset[str]) -> Evidence:
    met = one.after.met if one.after else {}
    how = {client: found.failure if found.share < limits.success else "" for client, found in met.items()}
    agreed = "hybrid" not in failed
    return Evidence(one.status, one.can, one.offers, how.get("classical", ""), how.get("hybrid", ""), agreed, one.at_home, failed)


def _measured(one: Piloted, limits: Limits) -> Iterable[Check]:
    if not one.after:
        return
    after, before = one.after, one.before
    wrong = [client for client in CLIENTS if after.met[client].share < limits.success]
    yield check("handshakes", not wrong, "; ".join(_made(client, after.met[client]) for client in CLIENTS))
    hybrid = after.met["hybrid"]
    if hybrid.made:
        groups = ", ".join(f"{count} {group or 'without a group'}" for group, count in hybrid.groups.items())
        yield check("hybrid", hybrid.hybrids == hybrid.made, f"hybrid clients agreed on {groups}")
    if not before:
        return
    grown = {client: (before.met[client], after.met[client]) for client in CLIENTS if before.met[client].made and after.met[client].made}
    if grown:
        late = [client for client, (then, now) in grown.items() if now.p95 - then.p95 > limits.latency]
        said = "; ".join(f"{client} {then.p95:g} → {now.p95:g} ms" for client, (then, now) in grown.items())
        yield check("latency", not late, f"95th percentile: {said}; may grow by {limits.latency:g} ms")
    if before.cpu is None or after.cpu is None:
        yield check("cpu", None, "the host did not say what its processors did")
    else:
        said = f"{before.cpu:g} → {after.cpu:g} ms a handshake; may grow by {limits.cpu:g} ms"
        yield check("cpu", after.cpu - before.cpu <= limits.cpu, said)


def _made(client: str, met: Met) -> str:
    failed = ", ".join(f"{count} {kind}" for kind, count in met.failures.items())
    return f"{client} {met.made} of {met.asked}{f' ({failed})' if failed else ''}"
