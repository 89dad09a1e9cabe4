"""How products that no test can ask write the catalogue's algorithms: data/spelled/, one file a product.

A group of spellings names the place where a reader finds them: document (that of the file unless it says another) and section.
`words` are those of another implementation in the same sense (`as`), `names` are its own: catalogue id → spelling, the one to write first.
`unlisted` are words that the product takes and the catalogue has no row for, with the reason.
grade, as in the tables of truth: P read in the vendor's own source, schema or manual (unless it says otherwise), S in somebody's who uses it,
U not checked: good enough to read a configuration by, never to write one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

SPELLED = Path(__file__).parent / "data" / "spelled"
PRODUCTS = frozenset(path.stem for path in SPELLED.glob("*.json"))
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Spellings:
    """Those of one product (implementation) in one use that stand in one place.  words: spelling → how `as_` spells it."""

    implementation: str
    use: tuple[str, str]
    source: str
    section: str
    grade: str
    as_: str
    words: tuple[str, ...]
    names: Names
    unlisted: Mapping[str, str]

    def of(self, id_: str, known: Names) -> tuple[str, ...]:
        """What it says of the algorithm of this id, which others spell in these ways."""
        return (*(word for word in known.get(self.as_, ()) if word in self.words), *self.names.get(id_, ()))


@lru_cache(maxsize=1)
def spellings() -> tuple[Spellings, ...]:
    return tuple(_read())


def _read() -> Iterator[Spellings]:
    for path in sorted(SPELLED.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for group in data["groups"]:
            for use in group["uses"]:
                yield _group(path.stem, use, {"source": data["source"], **group})


def _group(implementation: str, use: str, group: Mapping[str, Any]) -> Spellings:
    protocol, aspect = use.split()
    return Spellings(
        implementation,
        (protocol, aspect),
        group["source"],
        group["section"],
        group.get("grade", "P"),
        group.get("as", ""),
        tuple(group.get("words", ())),
        {id_: (said,) if isinstance(said, str) else tuple(said) for id_, said in group.get("names", {}).items()},
        group.get("unlisted", {}),
    )


def with_vendors(use: tuple[str, str], id_: str, known: Names) -> Names:
    """These spellings of an algorithm, and those of the products."""
    out = dict(known)
    for group in _of_use().get(use, ()):
        said = group.of(id_, known)
        if said:
            out[group.implementation] = (*out.get(group.implementation, ()), *said)
    return out


@lru_cache(maxsize=64)
def unchecked(implementation: str, use: tuple[str, str]) -> frozenset[str]:
    """Words of a product in a use that nobody has checked: good enough to read by."""
    mine = [group for group in _of_use().get(use, ()) if group.implementation == implementation and group.grade == "U"]
    return frozenset(word for group in mine for word in (*group.words, *(name for names in group.names.values() for name in names)))


@lru_cache(maxsize=1)
def _of_use() -> Mapping[tuple[str, str], tuple[Spellings, ...]]:
    out: dict[tuple[str, str], tuple[Spellings, ...]] = {}
    for group in spellings():
        out[group.use] = (*out.get(group.use, ()), group)
    return out
