"""What those who issue certificates can issue: no public CA signs post-quantum keys yet, the own one may.  Policies say so (`pki`)."""

from __future__ import annotations

from collections.abc import Iterable

from ..algorithms.lookup import find
from .model import Issuers, Rule, Zone

CERTIFIED = ("certificate", "signature")  # what a PKI has a say in
KEYS = (("tls", "signature"), ("x509", "key"), ("x509", "signature"))  # where the catalogue has what stands in a certificate


def issuers_of(zones: Iterable[Zone], rules: Iterable[Rule]) -> Issuers | None:
    """For a host of these zones under these rules; None when nothing is known to be beyond its PKI.

    What is exposed to the public needs certificates of a public PKI, unless its zone says otherwise.  Where zones name both, either will do.
    """
    kinds = dict.fromkeys(zone.pki or ("public" if zone.exposure == "public" else "") for zone in zones)
    said = {kind: [(rule, rule.pki[kind]) for rule in rules if rule.pki.get(kind)] for kind in kinds if kind}
    if not said or not all(said.values()):
        return None
    able = {kind: set.intersection(*(set(can) for dummy, can in told)) for kind, told in said.items()}
    texts = [
        f"a {kind} PKI issues {' and '.join(sorted(able[kind])) or 'no'} keys only ({', '.join(rule.id for rule, dummy in told)})"
        for kind, told in said.items()
    ]
    return Issuers(tuple(sorted(set.union(*able.values()))), "; ".join(texts))


def issues(issuers: Issuers | None, name: str) -> bool:
    """Whether a certificate can be had with this in it; what the catalogue does not know may be."""
    found = next((a for protocol, aspect in KEYS if (a := find(protocol, aspect, name))), None)
    return issuers is None or found is None or found.construction in issuers.constructions
