"""Find an algorithm by any of its names.  The facts are rows of catalogue.json; each row names its source.

construction: classical | hybrid | post-quantum | psk-augmented | symmetric | none.  quantum_category: NIST's 1 to 5, 0 = none; of a hybrid
that of its post-quantum part.  classical_bits, key_bits: bits.  share: bytes of a client's key share.  since: first version by library.
status: current | legacy | obsolete | experimental | broken.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .suites import parse_suite


@dataclass(frozen=True, slots=True)
class Algorithm:
    id: str
    protocol: str
    aspect: str
    construction: str
    status: str
    source: str
    names: Mapping[str, tuple[str, ...]] = field(hash=False)
    parts: tuple[str, ...] = ()
    classical_bits: int = 0
    quantum_category: int = 0
    key_bits: int = 0
    aead: bool = False
    etm: bool = False
    forward_secret: bool = True
    share: int = 0
    code: int = -1
    since: Mapping[str, str] = field(default_factory=dict, hash=False)


def _load() -> tuple[Algorithm, ...]:
    rows = json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))
    return tuple(Algorithm(**{**row, "names": {k: tuple(v) for k, v in row["names"].items()}, "parts": tuple(row.get("parts", ()))}) for row in rows)


ALL = _load()
_BY_NAME = {
    (a.protocol, a.aspect, name.lower()): a for a in reversed(ALL) for name in (a.id, *(n for spellings in a.names.values() for n in spellings))
}


def find(protocol: str, aspect: str, name: str) -> Algorithm | None:
    """The algorithm of this name in any spelling (letter case ignored), None when the catalogue does not know it."""
    known = _BY_NAME.get((protocol, aspect, name.lower()))
    if known is None and (protocol, aspect) == ("tls", "cipher"):
        return _suite(name.upper())
    return known


@lru_cache(maxsize=1024)  # an expression stands for fifty of them, and every socket asks for each several times
def _suite(id_: str) -> Algorithm | None:
    """A suite of TLS 1.2 by its name in capitals: one suite is one algorithm, however it was typed."""
    facts = parse_suite(id_)
    return Algorithm(id_, "tls", "cipher", "symmetric", names={"openssl": (id_,)}, **facts) if facts else None


def all_of(protocol: str, aspect: str) -> tuple[Algorithm, ...]:
    """Every algorithm that the catalogue lists for an aspect, in its order."""
    return tuple(a for a in ALL if (a.protocol, a.aspect) == (protocol, aspect))


def spelling(algorithm: Algorithm, implementation: str, available: tuple[str, ...] | None) -> tuple[str, ...]:
    """How this implementation writes it, only the spellings that this binary knows when `available` is given; () = it cannot."""
    spellings = algorithm.names.get(implementation, ())
    return spellings if available is None else tuple(name for name in spellings if name in available)


def near(name: str) -> tuple[str, ...]:
    """Up to three names that look like this one, for error messages."""
    names = sorted({n for a in ALL for n in (a.id, *(s for spellings in a.names.values() for s in spellings))})
    by_folded = {n.lower(): n for n in names}
    return tuple(by_folded[n] for n in difflib.get_close_matches(name.lower(), by_folded, n=3, cutoff=0.7))
