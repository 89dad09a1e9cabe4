"""Files of trust anchors: which they hold, and the fewest line edits that add one or take one away.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ..documents import lines
from ..model import Edit
from .chain import issued

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Block:
    """One certificate of a file: its first line, how many it takes, and what it is (None: it cannot be read)."""

    line: int
    count: int
    certificate: x509.Certificate | None


def blocks(text: str) -> Iterator[Block]:
    found, start = lines.split(text), 0
    for number, line in enumerate(found, 1):
        if line.strip() == BEGIN:
            start = number
        elif line.strip() == END and start:
            yield Block(start, number - start + 1, _read("".join(found[start - 1 : number])))
            start = 0


def _read(text: str) -> x509.Certificate | None:
    with suppress(ValueError):
        return x509.load_pem_x509_certificate(text.encode("ascii", "replace"))
    return None


def holds(text: str, one: x509.Certificate) -> bool:
    return any(block.certificate == one for block in blocks(text))


def with_anchor(text: str, pem: str) -> tuple[Edit, ...]:
    """It comes behind all that is there."""
    found = lines.split(text)
    if found and not found[-1].endswith("\n"):
        return (Edit(len(found), 1, (found[-1] + "\n", pem)),)
    return (Edit(len(found) + 1, 0, (pem,)),)


def without(text: str, one: x509.Certificate) -> tuple[Edit, ...]:
    return tuple(Edit(block.line, block.count, ()) for block in blocks(text) if block.certificate == one)


def ends_below(chain: str, anchor: x509.Certificate) -> bool:
    """Whether one of these certificates (PEM) was issued by that anchor."""
    found = (block.certificate for block in blocks(chain))
    return any(one is not None and one != anchor and issued(one, anchor) for one in found)
