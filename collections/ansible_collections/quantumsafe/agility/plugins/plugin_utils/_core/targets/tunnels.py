"""One tunnel of strongSwan, libreswan or OpenVPN as its own host sees it, and what may be done to it: agent/tunnels.sh.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .answer import NoAnswer, heard
from .script import Message, Words, script_of


@dataclass(frozen=True, slots=True)
class Verbs:
    """What a daemon can be asked to do to one connection; numbers are those that its host gave the SAs.

    lists: its SAs.  start(connection, child): made anew; said: the command, as a person would give it.  rekey("ike" or "child", connection, number).
    renew(connection, number): one IKE SA made anew, of what it was made of.  end(connection, number): one IKE SA, and no other; end_child: one child.
    """

    lists: str
    said: str
    start: Callable[[str, str], Words]
    rekey: Callable[[str, str, str], Words]
    renew: Callable[[str, str], Words]
    end: Callable[[str, str], Words]
    end_child: Callable[[str, str], Words]


VERBS = {
    "strongswan": Verbs(
        "ca_tunnels",
        "swanctl --initiate --child {1}",
        lambda connection, child: ("ca_tunnel_start", connection, child),
        lambda what, connection, number: ("ca_tunnel_rekey", what, number),
        lambda connection, number: ("ca_tunnel_renew", number),
        lambda connection, number: ("ca_tunnel_end", "ike", number),
        lambda connection, number: ("ca_tunnel_end", "child", number),
    ),
    "libreswan": Verbs(  # the newest SA of a connection is rekeyed; one that is asked to come anew ends what it had
        "ca_plutos",
        "ipsec up {0}",
        lambda connection, child: ("ca_pluto_up", connection),
        lambda what, connection, number: ("ca_pluto_rekey", what, connection),
        lambda connection, number: ("ca_pluto_up", connection),
        lambda connection, number: ("ca_pluto_end", number),
        lambda connection, number: ("ca_pluto_end", number),
    ),
    "strongswan-legacy": Verbs(
        "ca_strokes",
        "ipsec up {0}",
        lambda connection, child: ("ca_stroke_up", connection),
        lambda what, connection, number: ("ca_stroke_rekey", what, connection, number),
        lambda connection, number: ("ca_stroke_renew", connection, number),
        lambda connection, number: ("ca_stroke_end", "ike", connection, number),
        lambda connection, number: ("ca_stroke_end", "child", connection, number),
    ),
}


def compose_tunnels(verbs: Sequence[Words], nonce: str, daemon: str = "strongswan") -> Message:
    """These, one after another, and the list of SAs behind them."""
    return script_of(nonce, [*verbs, (VERBS[daemon].lists,)])


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
