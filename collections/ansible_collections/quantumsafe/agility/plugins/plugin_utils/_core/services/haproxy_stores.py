"""crt-store sections (3.0 and later): certificates that are loaded once, by files of their own, and named elsewhere as "@STORE/NAME".

Source: configuration manual, 3.11 "crt-store"; tried on 3.0.11: an alias may hold what a path may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..credentials import Pair
from .haproxy_binds import Said
from .haproxy_config import Assembly, Line

_OPTIONS = ("crt", "key", "alias", "ocsp", "issuer", "sctl", "ocsp-update", "domains")


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """One `load` line.  name: how it is named elsewhere; pair: key "" where the line names none."""

    store: str
    line: Line
    options: tuple[Said, ...]
    pair: Pair

    def option(self, name: str) -> Said | None:
        return next((said for said in self.options if said.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        said = (self.option("alias"), self.option("crt"))
        return tuple(f"@{self.store}/{one.value}" for one in said if one)


def loads(assembly: Assembly) -> Iterator[Load]:
    for section in (one for one in assembly.sections if one.kind == "crt-store"):
        bases = {line.name: line.value(1) for line in section.named("crt-base", "key-base") if len(line.words) > 1}
        store = section.head.values[1] if len(section.head.words) > 1 else ""
        for line in section.named("load"):
            options = tuple(_options(line))
            files = {
                said.name: assembly.resolved(said.value, bases.get(f"{said.name}-base", ""), line) for said in options if said.name in ("crt", "key")
            }
            yield Load(store, line, options, Pair(files.get("crt", ""), files.get("key", "")))


def _options(line: Line) -> Iterator[Said]:
    values, at = line.values, 1
    while at + 1 < len(values):
        if values[at] in _OPTIONS:
            yield Said(values[at], values[at + 1], line, at)
            at += 1
        at += 1
