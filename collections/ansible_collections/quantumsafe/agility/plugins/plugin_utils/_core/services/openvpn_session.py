"""One session of an OpenVPN as the log of one of its ends tells it (agent/tunnels.sh), and what the logs of both ends prove together."""

from __future__ import annotations

from dataclasses import dataclass

from ..peers import quantum_safe
from .openvpn_log import exchange_of, same


@dataclass(frozen=True, slots=True)
class Session:
    """up: packets may go through it.  exchange, cipher: in the catalogue's spelling, "" = not told."""

    up: bool
    version: str
    exchange: str
    cipher: str

    @property
    def said(self) -> str:
        what = f"{self.version} with {self.exchange or 'an exchange that this log does not name'}"
        return f"{what}, {self.cipher or 'no data channel'}{'' if self.up else ', and it is not up'}"


def session(line: str) -> Session | None:
    """What the host printed; None = no session."""
    state, *rest = line.split("\t")
    if state not in ("up", "down") or len(rest) != 3:
        return None
    version, exchange, cipher = rest
    return Session(state == "up", version, exchange_of(exchange), same("cipher", cipher))


def agreed(tellers: dict[str, Session | None]) -> tuple[Session | None, list[str]]:
    """(the session that counts, what is wrong with it).  tellers: host → what its log tells; of a log that names no exchange another one counts."""
    if gone := [host for host, one in tellers.items() if one is None or not one.up]:
        whys = (f"the log of {host} names {'a session that is not up' if tellers[host] else 'no new session'}" for host in gone)
        return None, ["; ".join(whys)]
    found = [one for one in tellers.values() if one]
    named = next((one for one in found if one.exchange), None)
    if named is None:
        return None, [f"no log names what was agreed on: {', '.join(tellers)}"]
    if classical := [f"{host}: {one.said}" for host, one in tellers.items() if one and one.exchange and not quantum_safe("openvpn", one.exchange)]:
        return named, [f"the tunnel came up without ML-KEM: {'; '.join(classical)}"]
    return named, []
