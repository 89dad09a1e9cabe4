"""A key in a key management service, and what a quantum computer means for it.  Pure; how a service tells of its keys: transit.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..algorithms.lookup import named

Quantum = Literal["safe", "vulnerable", "symmetric", "unknown"]
_MEANS: dict[str, Quantum] = {"post-quantum": "safe", "hybrid": "safe", "classical": "vulnerable", "symmetric": "symmetric"}
_SYMMETRIC = ("AES-", "CHACHA20-", "XCHACHA20-", "HMAC")  # modes that no protocol of the catalogue uses


@dataclass(frozen=True, slots=True)
class KmsKey:
    """kinds: as policies name them, two of a hybrid; made: the day of its newest version, "" = it does not say; age: days since; rotates: it is
    renewed by itself after so many days, 0 = by nobody.  loose: it can be taken out in the clear; deletable: it may be deleted.
    users: the policies that grant its use; None = the token may not see them."""

    name: str
    kinds: tuple[str, ...]
    uses: tuple[str, ...]
    versions: int
    made: str
    age: int | None
    rotates: int
    loose: bool
    deletable: bool
    users: tuple[str, ...] | None = None

    @property
    def kind(self) -> str:
        return " + ".join(self.kinds)


def quantum(key: KmsKey) -> Quantum:
    """As the catalogue has it; of a hybrid its better half counts."""
    halves = {_of(kind) for kind in key.kinds}
    return next((one for one in ("safe", "vulnerable", "symmetric") if one in halves), "unknown")


def remarks(key: KmsKey) -> tuple[str, ...]:
    """Sentences for a person."""
    said = []
    if quantum(key) == "vulnerable":
        encrypts = "what it encrypted can be opened later: encrypt anew, first of all"
        said.append(encrypts if "encrypt" in key.uses else "its signatures can be forged later: sign anew with ML-DSA")
    if key.kind.startswith("AES-128"):
        said.append("128 bits: NIST allows them, CNSA 2.0 does not")
    if key.loose:
        said.append("it can be taken out in the clear")
    if key.deletable:
        said.append("it may be deleted, and all that it encrypted with it")
    return tuple(said)


def _of(kind: str) -> Quantum:
    if kind.startswith(_SYMMETRIC):
        return "symmetric"
    family = next((row for row in named(kind)), None)
    return _MEANS.get(family.construction, "unknown") if family else "unknown"
