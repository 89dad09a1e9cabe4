"""Is the key exchange of an endpoint quantum-safe?  A question about facts: what a policy thinks of them is the finding's business.

A policy may allow classical algorithms or except an endpoint; that makes a finding compliant or excepted, and nothing quantum-safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ..algorithms.lookup import speaks_13
from ..peers import quantum_safe

Safety = Literal["yes", "no", "unknown"]


def key_exchange_safety(endpoint: Mapping[str, Any]) -> Safety:
    """Of an endpoint as a result file has it: would a peer that can do better than classical get it?

    SSH: one quantum-safe name is enough, the client's order decides (RFC 4253 §7.1).  TLS: hybrid groups exist in TLS 1.3 only, and the
    server's best tier must hold nothing classical, because inside a tier a client's key share decides (SSL_CTX_set1_groups(3)).
    IKE and ESP: what stands first is agreed on where the other end has it.
    """
    settings = endpoint["settings"]
    exchange, versions = settings.get("key_exchange"), settings.get("version")
    if not exchange:
        return "unknown"
    safe = [quantum_safe(endpoint["protocol"], name) for name in exchange["values"]]
    if endpoint["protocol"] == "ssh":
        return "yes" if any(safe) else "no"
    if not safe or (endpoint["protocol"] == "tls" and versions and not speaks_13(versions["values"])):
        return "no"
    tiers = exchange["tiers"] or [0] * len(safe)
    best = min(tiers)
    return "yes" if all(good for good, tier in zip(safe, tiers, strict=True) if tier == best) else "no"
