"""Signatures of heads and seals: Ed25519 (RFC 8032), and ML-DSA-65 (FIPS 204) beside it where the package `cryptography` knows it.
Either breaks alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ..model import Problem
from .chain import Signature

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, load_pem_public_key

ALGORITHMS = {"Ed25519": "ed25519", "ML-DSA-65": "ml-dsa-65"}  # and what their files are called
_CLASSES = {"Ed25519": "Ed25519", "MLDSA65": "ML-DSA-65"}


@dataclass(frozen=True, slots=True)
class Public:
    """A key to verify with.  id: SHA-256 of its SubjectPublicKeyInfo."""

    algorithm: str
    id: str
    key: Any


class Signable(Protocol):
    """A head or a seal."""

    @property
    def statement(self) -> bytes: ...

    @property
    def signatures(self) -> tuple[Signature, ...]: ...

    @property
    def lacking(self) -> tuple[str, ...]: ...


def private(pem: bytes, where: str) -> Any:
    """Raises Problem."""
    return _loaded(lambda: load_pem_private_key(pem, None), where)


def public(pem: bytes, where: str) -> Public:
    """A key that an auditor pins.  Raises Problem."""
    return public_of(_loaded(lambda: load_pem_public_key(pem), where), where)


def public_of(key: Any, where: str = "") -> Public:
    name = type(key).__name__.removesuffix("PublicKey")
    if name not in _CLASSES:
        raise Problem(f"ledgers and plans are signed with {' or '.join(ALGORITHMS)}, not with a key of kind {name}", where)
    return Public(_CLASSES[name], hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest(), key)


def _loaded(load: Any, where: str) -> Any:
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Problem(f"it is no key that can be read here: {error}", where, "give a PEM file without a password") from error


def signatures(head: Signable, keys: Iterable[Any]) -> tuple[Signature, ...]:
    """One by each private key."""
    made = ((public_of(key.public_key()), key.sign(head.statement)) for key in keys)
    return tuple(Signature(by.algorithm, by.id, value) for by, value in made)


def wrong(head: Signable, pinned: Iterable[Public]) -> str:
    """Why the pinned keys do not vouch for this head, "" = they do.  Of each algorithm that one of them has there must be one signature."""
    known = {one.id: one for one in pinned}
    good = set()
    for one in head.signatures:
        if one.key not in known:
            continue
        if one.algorithm != known[one.key].algorithm or not _valid(known[one.key], one.value, head.statement):
            return f"its {one.algorithm} signature is forged"
        good.add(known[one.key].algorithm)
    missing = sorted({one.algorithm for one in known.values()} - good)
    why = f" (it says: {'; '.join(head.lacking)})" if missing and head.lacking else ""
    return f"no pinned {' nor '.join(missing)} key has signed it{why}" if missing else ""


def _valid(by: Public, value: bytes, statement: bytes) -> bool:
    try:
        by.key.verify(value, statement)
    except InvalidSignature:
        return False
    return True
