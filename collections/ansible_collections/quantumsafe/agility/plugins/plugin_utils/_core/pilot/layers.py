"""Which layer is to blame for a pilot that failed.  A table of what was seen: the first row that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LIBRARY, TERMINATOR, MIDDLEBOX, PKI, CLIENT, UNKNOWN = "library", "terminator", "middlebox", "PKI", "client", "unknown"

LOST = ("timed-out", "reset", "closed")  # what becomes of a hello that something on the way does not like
SILENT = (*LOST, "connection-refused", "no-route")
UNTRIED = ("unreachable", "out-of-window", "paused", "would-change", "")  # of a change: that says nothing about the endpoint
STAYED = ("changed", "ok")


@dataclass(frozen=True, slots=True)
class Evidence:
    """can: whether its library has a hybrid group.  status: what became of the change.  offers: whether the effective configuration has one now.
    classical, hybrid: how the clients of that kind failed, "" = they did not.  agreed: whether hybrid clients got a hybrid.
    at_home: whether a hybrid client on the host itself gets one.  failed: the checks that failed.  None = nobody knows.
    """

    status: str = "changed"
    can: bool | None = True
    offers: bool | None = True
    classical: str = ""
    hybrid: str = ""
    agreed: bool = True
    at_home: bool | None = None
    failed: frozenset[str] = frozenset()


def _lost_alone(e: Evidence) -> bool:
    return e.hybrid in LOST and not e.classical


_DROPS = "classical clients come through on the same way and hybrid ones get no answer: something there drops large ClientHellos"
RULES: tuple[tuple[str, str, Callable[[Evidence], bool]], ...] = (
    (LIBRARY, "it has no hybrid group: it needs a newer one, or a gateway in front of it", lambda e: e.can is False),
    (TERMINATOR, "hybrid clients get no answer, not even on the host itself", lambda e: _lost_alone(e) and e.at_home is False),
    (MIDDLEBOX, f"{_DROPS}; on the host itself the hybrid works", lambda e: _lost_alone(e) and e.at_home is True),
    (MIDDLEBOX, f"{_DROPS}; the host could not try it on itself", _lost_alone),
    (
        MIDDLEBOX,
        "nobody gets an answer from here, and on the host itself the hybrid works: something on the way lets nothing through",
        lambda e: e.hybrid in SILENT and e.classical in SILENT and e.at_home is True,
    ),
    (UNKNOWN, "the change was not tried", lambda e: e.status in UNTRIED),
    (TERMINATOR, "the change did not stay", lambda e: e.status not in STAYED),
    (TERMINATOR, "nobody gets a handshake any more", lambda e: bool(e.classical and e.hybrid)),
    (CLIENT, "clients that know no hybrid are refused: they have to learn one first, or a rule has to let them in", lambda e: bool(e.classical)),
    (TERMINATOR, "it ends the handshakes of hybrid clients, and classical ones get theirs", lambda e: bool(e.hybrid)),
    (TERMINATOR, "its effective configuration offers no hybrid: does the policy ask for one here?", lambda e: not e.agreed and e.offers is False),
    (TERMINATOR, "its effective configuration offers a hybrid, and hybrid clients get a classical exchange", lambda e: not e.agreed),
    (PKI, "no certificate was issued as it should be", lambda e: "issuance" in e.failed),
    (PKI, "the certificate is not the one that clients should be served, or they do not trust it", lambda e: "certificate" in e.failed),
    (TERMINATOR, "the way back was not proved: look at the host now", lambda e: "rollback" in e.failed),
    (TERMINATOR, "its log has new errors", lambda e: "logging" in e.failed),
    (LIBRARY, "its handshakes cost more processor time than allowed", lambda e: "cpu" in e.failed),
    (TERMINATOR, "its handshakes take longer than allowed; the way from here is in that time", lambda e: "latency" in e.failed),
)


def layer_of(evidence: Evidence) -> tuple[str, str]:
    """(layer, why) of an endpoint that did not pass."""
    return next(((layer, why) for layer, why, fits in RULES if fits(evidence)), (UNKNOWN, "nothing that was seen explains it"))
