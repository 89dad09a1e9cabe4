"""What looks as if it did something, and what breaks on a quantum-safe hello: sentences for the report."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .haproxy_binds import Bind, Said
from .haproxy_config import Assembly, Section
from .haproxy_lists import Entry
from .haproxy_versions import BOUNDS, WORDS

ENOUGH = 1.0  # seconds that a second packet of a hello may take
_SNI = re.compile(r"\breq[._]ssl_(sni|hello_type|ver|alpn|ec_ext|st_ext)\b")
_DELAY = re.compile(r"(\d+)(us|ms|s|m|h|d)?")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def listed_curves_are_void(version: tuple[int, ...]) -> bool:
    """Whether `curves` of a crt-list surely do nothing: tried on 2.6.12 and 3.0.11; on 3.2.26, which mends it, they count for their names."""
    return bool(version) and (version <= (3, 0, 11) or (3, 2) <= version < (3, 2, 26))


def of_bind(bind: Bind, entries: tuple[Entry, ...], version: tuple[int, ...]) -> Iterator[str]:
    curves = bind.own("curves") or bind.default("ssl-default-bind-curves")
    ecdhe = bind.own("ecdhe")
    if curves and ecdhe:
        yield f"ecdhe at {ecdhe.line.origin} is ignored: curves are set ({curves.line.origin})"
    if any(said.name in BOUNDS for said in (*bind.options, *bind.defaults)):
        yield from (_bound(said) for said in (*bind.defaults, *bind.options) if said.name in WORDS and said.name.startswith("no-"))
    for entry in entries:
        if entry.option("curves") is not None and listed_curves_are_void(version):
            yield f"curves at {entry.origin} has no effect: the bind at {bind.line.origin} governs"


def _bound(said: Said) -> str:
    return f"{said.name} at {said.line.origin} is ignored: ssl-min-ver or ssl-max-ver counts instead"


def of_routing(assembly: Assembly) -> Iterator[str]:
    """A hello with ML-KEM spans packets: who routes by it must wait for all of it (haproxy/haproxy#3148)."""
    for section in assembly.sections:
        if section.kind in ("frontend", "listen", "defaults") and (line := _by_hello(section)):
            delays = [_seconds(said.value(2)) for said in section.named("tcp-request") if len(said.words) > 2 and said.value(1) == "inspect-delay"]
            waits = any(said.value(1) == "content" for said in section.named("tcp-request") if len(said.words) > 2)
            if not delays or delays[-1] < ENOUGH or not waits:
                yield (
                    f"{section.label} looks into the hello ({line}) and does not wait for all of it: a hello with ML-KEM spans packets, so some"
                    " handshakes fail; set tcp-request inspect-delay 5s and tcp-request content accept if { req.ssl_hello_type 1 }"
                )


def _by_hello(section: Section) -> str:
    found = (line for line in section.lines if any(_SNI.search(word.raw) for word in line.words))
    return next((str(line.origin) for line in found), "")


def _seconds(text: str) -> float:
    found = _DELAY.fullmatch(text)
    return int(found[1]) * _UNITS[found[2] or "ms"] if found else 0.0
