"""Kinds of keys: how a policy names them, how OpenSSL on the host makes them, and since when it can.  Pure data and lookups.

Sources: openssl-genpkey(1) for the options; OpenSSL CHANGES 1.1.0 (X25519, later Ed25519 1.1.1) and 3.5.0 (ML-DSA).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Problem


@dataclass(frozen=True, slots=True)
class Kind:
    """options: of `openssl genpkey`.  since: the first OpenSSL that can."""

    options: tuple[str, ...]
    since: tuple[int, ...]


KINDS: Mapping[str, Kind] = {
    **{f"ECDSA-P{n}": Kind(("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:P-{n}"), (1, 0, 2)) for n in (256, 384, 521)},
    **{f"RSA-{n}": Kind(("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{n}"), (1, 0, 2)) for n in (2048, 3072, 4096)},
    "ED25519": Kind(("-algorithm", "ED25519"), (1, 1, 1)),
    **{f"ML-DSA-{n}": Kind(("-algorithm", f"ML-DSA-{n}"), (3, 5)) for n in (44, 65, 87)},
}


def kind(name: str) -> Kind:
    """Raises Problem with the names that there are."""
    if name not in KINDS:
        raise Problem(f"no kind of key is called {name}", remedy=f"use one of {', '.join(KINDS)}")
    return KINDS[name]


def lacking(names: tuple[str, ...], version: tuple[int, ...]) -> tuple[str, ...]:
    """Which of these kinds an OpenSSL of that version cannot make; () version = unknown, and then only what every one can is sure."""
    return tuple(name for name in names if version < kind(name).since and (version or kind(name).since > (1, 0, 2)))
