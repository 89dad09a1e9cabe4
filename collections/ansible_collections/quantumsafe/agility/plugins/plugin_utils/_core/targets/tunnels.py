"""One tunnel of strongSwan, libreswan or OpenVPN as its own host sees it, and what may be done to it: agent/tunnels.sh.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .answer import NoAnswer, heard
from .script import Message, Words, script_of


def start(connection: str, child: str) -> Words:
    return ("ca_tunnel_start", connection, child)


def rekey(what: Literal["ike", "child"], number: str) -> Words:
    return ("ca_tunnel_rekey", what, number)


def renew(number: str) -> Words:
    return ("ca_tunnel_renew", number)


def end(number: str) -> Words:
    return ("ca_tunnel_end", number)


def pluto_up(connection: str) -> Words:
    return ("ca_pluto_up", connection)


def pluto_rekey(what: Literal["ike", "child"], connection: str) -> Words:
    return ("ca_pluto_rekey", what, connection)


def pluto_end(number: str) -> Words:
    return ("ca_pluto_end", number)


LISTS = {"strongswan": "ca_tunnels", "libreswan": "ca_plutos"}


def compose_tunnels(verbs: Sequence[Words], nonce: str, daemon: str = "strongswan") -> Message:
    """These, one after another, and the list of SAs behind them."""
    return script_of(nonce, [*verbs, (LISTS[daemon],)])


def parse_tunnels(output: str, nonce: str) -> tuple[tuple[str, ...], str]:
    """(why a verb may have failed, "" = it says that it did not, for each; the list as the daemon printed it).  Raises NoAnswer."""
    whys: list[str] = []
    listed = None
    for letter, rest, content in heard(output, nonce):
        if letter == "J":
            code, dummy, said = rest.partition(" ")
            whys.append("" if code == "0" else said.strip() or f"it ended with {code}")
        elif letter == "M":
            listed = "\n".join(content)
    if listed is None:
        raise NoAnswer("the host did not list its SAs")
    return tuple(whys), listed


def compose_now(nonce: str) -> Message:
    """Where the journal of the host ends."""
    return script_of(nonce, [("ca_vpn_now",)])


def compose_session(unit: str, since: str, name: str, nonce: str) -> Message:
    """The newest session of an OpenVPN.  since: an end of the journal, "" = whenever; name: of a client, at its server; "" at the client."""
    return script_of(nonce, [("ca_vpn_session", unit, since, name)])


def parse_line(output: str, nonce: str) -> str:
    """What one of these two printed, "" = nothing.  Raises NoAnswer."""
    for letter, dummy, content in heard(output, nonce):
        if letter == "M":
            return next((line for line in content if line), "")
    raise NoAnswer("the host did not tell of its OpenVPN")
