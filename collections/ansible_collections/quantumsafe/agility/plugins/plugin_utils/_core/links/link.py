"""A link: two ends side by side, one of which may be a partner's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..services.ike_clients import Clients
from .agree import Agreement

State = Literal["moved", "agreed", "able", "one-end", "unable", "unknown"]


@dataclass(frozen=True, slots=True)
class Side:
    """One end.  managed: whether it was looked at; of a partner only `host` is known, and says what the other end calls it.

    did: what it says was agreed on, the newest last.  service: which daemon it is here.
    """

    host: str
    endpoint: str = ""
    version: str = ""
    managed: bool = True
    offers: tuple[str, ...] = ()
    did: tuple[str, ...] = ()
    service: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """What is negotiated by itself: of IPsec the connection, and each child.  would: () = not known; able: the exchanges that both can do."""

    protocol: str
    sides: tuple[Side, Side]
    would: tuple[Agreement, ...] = ()
    able: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """state: moved = ML-KEM (or a preshared key) is in use; agreed = it would come out, and their SAs are older; able = both ends can be moved."""

    state: State
    why: str


@dataclass(frozen=True, slots=True)
class Link:
    """The first channel is the one that both hosts name; hub: the host that has several of these, or takes anybody, "" = a pair."""

    service: str
    channels: tuple[Channel, ...]
    hub: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Hub:
    """A connection that takes anybody, and who was seen with an SA of it in so many looks since the first of them.

    came: what the journal of its host says of all that came, at the last look.
    """

    host: str
    endpoint: str
    since: str
    looks: int
    clients: Clients
    came: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        seen = self.clients.said("now" if self.looks == 1 else f"in {self.looks} audits since {self.since}")
        return f"{seen}; its journal: {'; '.join(self.came)}" if self.came else seen
