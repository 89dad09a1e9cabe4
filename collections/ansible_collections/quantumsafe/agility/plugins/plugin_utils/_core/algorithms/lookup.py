"""Find an algorithm by any of its names.  What a row says, and where it comes from: rows.py."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from .rows import Algorithm, load, read, suite
from .suites import parse_suite

__all__ = ["ALL", "OVER_TLS", "USES", "Algorithm", "all_of", "find", "named", "near", "speaks_13", "spelling"]

ALL = load()
_BY_USE: dict[tuple[str, str], list[Algorithm]] = defaultdict(list)
_NAMED: dict[str, list[Algorithm]] = defaultdict(list)
for _row in ALL:
    _BY_USE[_row.protocol, _row.aspect].append(_row)
    for _name in _row.known_as:
        _NAMED[_name].append(_row)
OVER_TLS = ("tls", "openvpn")  # whose handshake is that of TLS: its groups, versions and signatures
USES = tuple(_BY_USE)  # every (protocol, aspect) that has algorithms
_BY_NAME = {(a.protocol, a.aspect, name): a for name, rows in _NAMED.items() for a in reversed(rows)}


def find(protocol: str, aspect: str, name: str) -> Algorithm | None:
    """The algorithm of this name in any spelling (letter case ignored), None when the catalogue does not know it."""
    known = _BY_NAME.get((protocol, aspect, name.lower()))
    if known is None and (protocol, aspect) == ("tls", "cipher"):
        return _suite(name.upper())
    return known


def speaks_13(versions: Iterable[str]) -> bool:
    """Whether TLS 1.3 is among these versions, whatever a product calls it."""
    return any((known := find("tls", "version", name)) and known.id == "TLSv1.3" for name in versions)


@lru_cache(maxsize=1024)  # an expression stands for fifty of them, and every socket asks for each several times
def _suite(id_: str) -> Algorithm | None:
    """A suite of TLS 1.2 that has no row, by its name in capitals: one suite is one algorithm, however it was typed."""
    return suite(id_, read("documents"), {"openssl": (id_,)}) if parse_suite(id_) else None


def all_of(protocol: str, aspect: str) -> tuple[Algorithm, ...]:
    """Every algorithm that the catalogue lists for an aspect, in its order."""
    return tuple(_BY_USE.get((protocol, aspect), ()))


def named(name: str) -> tuple[Algorithm, ...]:
    """Every algorithm that goes by this name, in whatever use; what only a product calls so gives way to what is called so in the same aspect."""
    known = _NAMED.get(name.lower(), ())
    owned = {a.aspect for a in known if name.lower() in a.own}
    return tuple(a for a in known if a.aspect not in owned or name.lower() in a.own)


def spelling(algorithm: Algorithm, implementation: str, available: tuple[str, ...] | None) -> tuple[str, ...]:
    """How this implementation writes it, only the spellings that this binary knows when `available` is given; () = it cannot."""
    spellings = algorithm.names.get(implementation, ())
    return spellings if available is None else tuple(name for name in spellings if name in available)


def near(name: str) -> tuple[str, ...]:
    """Up to three names that look like this one, for error messages."""
    names = sorted({n for a in ALL for n in (a.id, *(s for spellings in a.names.values() for s in spellings))})
    by_folded = {n.lower(): n for n in names} | {a.id.lower(): a.id for a in ALL}  # the catalogue's spelling before a product's
    return tuple(by_folded[n] for n in difflib.get_close_matches(name.lower(), by_folded, n=3, cutoff=0.7))
