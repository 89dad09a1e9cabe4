"""To which exchanges both ends of a tunnel move: to quantum-safe ones where both can, else to what the policy wants of what both can."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..peers import quantum_safe
from ..services.ike_proposal import keyword
from ..services.strongswan_sas import ChildSa, IkeSa
from .suites import Row


@dataclass(frozen=True, slots=True)
class Aim:
    """ikev2, esp: exchanges as strongSwan spells them; None = whatever is quantum-safe; () = none of its own is asked for.

    left: what beside its exchange an SA may be agreed on with; () = whatever comes.
    """

    ikev2: tuple[str, ...] | None = None
    esp: tuple[str, ...] | None = None
    left: tuple[Row, ...] = ()

    def of(self, protocol: str) -> tuple[str, ...] | None:
        return self.ikev2 if protocol == "ikev2" else self.esp

    def wants(self, protocol: str, exchange: str) -> bool:
        names = self.of(protocol)
        return quantum_safe(protocol, exchange) if names is None else not names or exchange in names

    def met(self, one: IkeSa | ChildSa) -> bool:
        """As far as the list tells: a group that is named alone is enough where an exchange of the aim begins with it."""
        protocol = "ikev2" if isinstance(one, IkeSa) else "esp"
        if not self._suits(one, protocol):
            return False
        if not one.exchange.startswith("?"):
            return self.wants(protocol, one.exchange)
        names = self.of(protocol)
        return not names or any(name.partition("-ke")[0] == one.exchange[1:] for name in names)

    def _suits(self, one: IkeSa | ChildSa, protocol: str) -> bool:
        """Whether its cipher, MAC and PRF may stay, as far as the list tells."""
        said = dict(one.words)
        return all(said[kind] in names for of, kind, names in self.left if of == protocol and kind in said)

    def told(self, one: IkeSa | ChildSa, twin: IkeSa | ChildSa) -> bool:
        """Whether the two lists of one SA, put together, name an exchange of the aim, and a cipher that may stay."""
        if self.left and not one.words and not twin.words:
            return False
        names = self.of("ikev2" if isinstance(one, IkeSa) else "esp")
        silent = one.exchange.startswith("?") and twin.exchange.startswith("?")
        return self.met(one) and self.met(twin) and not (silent and (names is None or any("-ke" in name for name in names)))

    def untold(self, *daemons: str) -> bool:
        """Whether neither end's list would name what a child is to agree on: stroke names the first exchange alone."""
        return self.esp is None and set(daemons) == {"strongswan-legacy"}

    @property
    def exchanges(self) -> str:
        return "ML-KEM" if self.ikev2 is None else " or ".join(self.ikev2)

    @property
    def said(self) -> str:
        kinds = ", ".join(dict.fromkeys(kind for dummy, kind, dummy2 in self.left))
        return f"{self.exchanges} and what the policy leaves of {kinds}" if kinds else self.exchanges


def aim_of(wanted: Iterable[tuple[str, Collection[str]]]) -> Aim:
    """wanted: protocol and the exchanges that shall be left there in the end, of the connection and of each child."""
    asked: dict[str, tuple[str, ...]] = {"ikev2": (), "esp": ()}
    for protocol, names in wanted:
        asked[protocol] = tuple(dict.fromkeys((*asked[protocol], *(keyword("key_exchange", name) for name in names))))
    ikev2, esp = (None if any(quantum_safe(protocol, name) for name in names) else names for protocol, names in asked.items())
    return Aim(ikev2, esp)


QUANTUM = Aim()
