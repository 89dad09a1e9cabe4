"""One end of a tunnel, read from an endpoint as a host's result holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..services.ike_proposal import keyword

SPOKEN = ("ikev2", "esp", "wireguard", "openvpn")


@dataclass(frozen=True, slots=True)
class Sa:
    """number: the same at both ends, "" = not told.  exchange "" = none of its own, "?" = not told; address, identity: the peer's."""

    number: str
    exchange: str
    address: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """names: what others may call its host by, addresses among them.  facts: what settings.link says, each key with all its values."""

    host: str
    names: tuple[str, ...]
    id: str
    service: str
    protocol: str
    version: str
    role: str
    ports: tuple[int, ...]
    settings: Mapping[str, tuple[str, ...]]
    able: tuple[str, ...] | None
    source: str
    facts: Mapping[str, tuple[str, ...]]

    def all(self, name: str) -> tuple[str, ...]:
        return self.facts.get(name, ())

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def name(self) -> str:
        """Without its service; a peer of WireGuard by the beginning of its key."""
        said = self.id.removeprefix(f"{self.service} ")
        interface, dummy, key = said.partition(" ")
        return f"{interface} {key[:8]}…" if self.protocol == "wireguard" and key else said

    @property
    def offers(self) -> tuple[str, ...]:
        """In one spelling, whichever daemon it is."""
        return tuple(spelled(self.protocol, self.settings.get("key_exchange", ())))

    @property
    def sas(self) -> tuple[Sa, ...]:
        """The newest last."""
        rows = (one.split(" ", 3) for one in self.all("sa"))
        return tuple(Sa(row[0].strip("-"), row[1].strip("-"), *row[2:]) for row in rows if len(row) > 1)

    @property
    def numbers(self) -> frozenset[str]:
        """Of its SAs, as far as they are told."""
        return frozenset(one.number for one in self.sas if one.number)


def spelled(protocol: str, names: Iterable[str]) -> Iterator[str]:
    """Exchanges once each, those of IPsec as strongSwan spells them."""
    yield from dict.fromkeys(keyword("key_exchange", name) if protocol in ("ikev2", "esp") else name for name in names)


def ends(host: str, names: tuple[str, ...], endpoints: tuple[Mapping[str, Any], ...]) -> Iterator[End]:
    """Those of a host that belong to a tunnel; a result of an older release does not tell, and has none."""
    for one in endpoints:
        settings = {aspect: tuple(said["values"]) for aspect, said in one["settings"].items()}
        if one["protocol"] not in SPOKEN or "link" not in settings:
            continue
        facts: dict[str, tuple[str, ...]] = {}
        for key, dummy, value in (fact.partition("=") for fact in settings["link"]):
            facts[key] = (*facts.get(key, ()), value)
        can = one["capabilities"].get("key_exchange", {})
        yield End(
            host=host,
            names=(host, *names),
            id=one["id"],
            service=one.get("service", ""),
            protocol=one["protocol"],
            version=one["version"],
            role=one.get("role", "server"),
            ports=tuple(port for dummy, port in one["addresses"]),
            settings=settings,
            able=tuple(spelled(one["protocol"], can["names"])) if can.get("names") is not None else None,
            source=str(can.get("source", "")),
            facts=facts,
        )
