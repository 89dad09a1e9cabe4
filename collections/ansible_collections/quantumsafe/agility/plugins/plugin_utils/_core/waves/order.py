"""In which order hosts are changed: what the world sees first, what is hard to mend last.

internet, partner, internal, specialised; among those of one zone web, api, vpn, mesh; otherwise as the inventory has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..policy.model import Zone

ZONES = ("internet", "partner", "internal", "specialised")
DOMAINS = ("web", "api", "vpn", "mesh")
EXPOSURES = {"public": "internet", "partner": "partner", "internal": "internal", "restricted": "specialised", "isolated": "specialised"}
UNSAID = "internal"  # the zone of a host of which no policy says more


@dataclass(frozen=True, slots=True)
class Member:
    """One host.  cluster: which others must not be changed together with it, "" = it stands alone."""

    host: str
    zone: str = UNSAID
    domain: str = DOMAINS[0]
    cluster: str = ""
    canary: bool = False

    @property
    def place(self) -> tuple[int, int, int]:
        """Hosts of one place may share a wave.  Canaries come first, wherever they stand."""
        return (0, 0, 0) if self.canary else (1, ZONES.index(self.zone), DOMAINS.index(self.domain))

    @property
    def section(self) -> str:
        return "canary" if self.canary else f"{self.zone}, {self.domain}"


def zone_of(zones: Iterable[tuple[str, Zone]]) -> str:
    """Where a host stands that is in these zones of a policy: by exposure, else by a name that is one of ours; of several the most exposed."""
    said = [EXPOSURES.get(zone.exposure) or (name if name in ZONES else UNSAID) for name, zone in zones]
    return min(said, key=ZONES.index, default=UNSAID)


def ordered(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.place))
