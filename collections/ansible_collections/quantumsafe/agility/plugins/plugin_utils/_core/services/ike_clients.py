"""A connection that takes anybody, and who has an SA of it now: what its clients agreed on says whether anything could be taken away there.

An SA list knows nobody who is away, so it tells what would break for certain, and never that nothing would.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..peers import quantum_safe

ANYBODY = ("", "%any", "%any4", "%any6", "0.0.0.0/0", "::/0", "dynamic")
TOLD = 5  # names in a message


@dataclass(frozen=True, slots=True)
class Clients:
    """Who has an SA, by what its newest agreed on; untold: the daemon does not say."""

    safe: tuple[str, ...] = ()
    classical: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    def said(self, when: str = "now") -> str:
        count = len(self.safe) + len(self.classical) + len(self.untold)
        if not count:
            return f"no client with an SA of it {when}"
        told = [f"{len(self.safe)} agreed on ML-KEM"] if self.safe else []
        told += [f"{len(names)} {what} ({_some(names)})" for names, what in ((self.classical, "did not"), (self.untold, "is not told")) if names]
        return f"of {count} client{'s' * (count > 1)} with an SA of it {when} {', '.join(told)}"


def one_peer(addresses: Iterable[str], identities: Iterable[str]) -> bool:
    """Whether a connection is meant for one other end; else it takes anybody who is let in."""
    names = [one for one in identities if one not in ANYBODY]
    return any(one not in ANYBODY for one in addresses) or bool(names and not any("*" in one for one in names))


def clients(sas: Iterable[tuple[str, str]]) -> Clients:
    """(who, what was agreed on) of each, the newest last: "" = nothing of its own, "?" = not told."""
    newest = dict(sas)
    told = {who: "?" if exchange == "?" else "safe" if quantum_safe("ikev2", exchange) else "" for who, exchange in newest.items()}
    return Clients(*(tuple(who for who, kind in told.items() if kind == wanted) for wanted in ("safe", "", "?")))


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:TOLD]) + (f" and {len(names) - TOLD} more" if len(names) > TOLD else "")
