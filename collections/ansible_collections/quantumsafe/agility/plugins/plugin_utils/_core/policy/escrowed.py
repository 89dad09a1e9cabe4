"""Whether the private key of a certificate may be kept for its recovery, and for whom: never, unless the policy says so.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .model import Escrow, Match, Policy
from .resolve import Target, applies
from .zones import zones_of

NEVER = Escrow("", Match(), "never")


def escrow_of(policy: Policy, host: str, groups: tuple[str, ...], services: Iterable[str]) -> Escrow:
    """For a key that these services use: where they differ, the one that says never."""
    zones = zones_of(policy, host, groups)
    said = [_of(policy, Target(host, groups, "tls", service=service), zones) for service in services]
    alike = {(one.mode, one.recipient, one.classical, one.kem) for one in said}
    return said[0] if len(alike) == 1 else NEVER


def _of(policy: Policy, target: Target, zones: tuple[str, ...]) -> Escrow:
    """The most specific entry; of two alike the first, which is the policy's own."""
    mine = [one for one in policy.escrow if applies(one.match, target, zones)]
    return max(mine, key=lambda one: one.match.rank, default=NEVER)
