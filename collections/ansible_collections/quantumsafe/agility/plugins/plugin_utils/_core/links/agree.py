"""What two ends would agree on, each of them beginning in turn.

IKE and ESP as strongSwan does it, and libreswan: the responder takes the first of its own proposals that fits one of the other's, and of each kind
its own first algorithm (proposal.c, ike_cfg.c of 6.0.6, the default of prefer_configured_proposals; ikev2_proposals.c of libreswan 4 and 5).
OpenVPN: TLS, a client sends a key share for its first group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..peers import Peer, negotiate, quantum_safe
from .end import End

Offer = Mapping[str, tuple[str, ...]]
NONE = ("none",)
PLAIN, AUGMENTED = "Noise_IKpsk2_25519", "Noise_IKpsk2_25519+psk"


@dataclass(frozen=True, slots=True)
class Agreement:
    """begins: the host that begins.  exchange "" = none of its own, or nobody knows; fails: why they would not come together, "" = they would."""

    begins: str
    exchange: str
    fails: str = ""


def agreements(a: End, b: End) -> tuple[Agreement, ...]:
    """One, where it does not matter who begins; () = nobody knows."""
    if a.protocol == "wireguard":
        return _wireguard(a, b)
    if a.protocol == "openvpn":
        client, server = (a, b) if a.role == "client" else (b, a)
        return _openvpn(client, server)
    if "offer" not in a.settings or "offer" not in b.settings:
        return ()
    found = (_ike(a, b), _ike(b, a))
    return found[:1] if (found[0].exchange, found[0].fails) == (found[1].exchange, found[1].fails) else found


def _ike(begins: End, responds: End) -> Agreement:
    for own in map(_offer, responds.settings["offer"]):
        for other in map(_offer, begins.settings["offer"]):
            exchange = _chosen(own, other)
            if exchange is not None:
                lacks = [end for end in (begins, responds) if quantum_safe(end.protocol, exchange) and exchange not in (end.able or (exchange,))]
                fails = f"{lacks[0].host} reads it and cannot do it ({lacks[0].source}): it would agree, and then fail" if lacks else ""
                return Agreement(begins.host, exchange, fails)
    what = "no proposal in common" + (": the tunnel stands until its first rekeying" if begins.protocol == "esp" else "")
    return Agreement(begins.host, "", what)


def _offer(told: str) -> Offer:
    return {kind: tuple(names.split(",")) for kind, dummy, names in (word.partition("=") for word in told.split())}


def _chosen(own: Offer, other: Offer) -> str | None:
    """The exchange that comes of two proposals; None: they do not fit.  A kind that one of them leaves open (a default) fits."""
    for kind in ("cipher", "mac", "prf"):
        if kind in own and kind in other and not set(own[kind]) & set(other[kind]):
            return None
    rounds = sorted(kind for kind in {*own, *other} if kind.startswith("ke") and kind != "key_exchange")
    words = []
    for kind in ("key_exchange", *rounds):
        both = [name for name in own.get(kind, NONE) if name in other.get(kind, NONE)]
        if not both:
            return None
        words += [both[0] if kind == "key_exchange" else f"{kind}_{both[0]}"] if both[0] != "none" else []
    return "-".join(words)


def _wireguard(a: End, b: End) -> tuple[Agreement, ...]:
    keyed = [_keyed(end) for end in (a, b)]
    if None in keyed:
        return ()
    if keyed[0] != keyed[1]:
        has, lacks = (a, b) if keyed[0] else (b, a)
        return (Agreement(a.host, "", f"{has.host} has a preshared key and {lacks.host} has none: no handshake"),)
    return (Agreement(a.host, AUGMENTED if keyed[0] else PLAIN),)


def _keyed(end: End) -> bool | None:
    """Whether it mixes a preshared key in; what is in effect counts, else what is configured."""
    facts = dict(fact.partition("=")[::2] for fact in end.settings.get("psk", ()))
    said = next((facts[name] for name in ("effective", "configured") if facts.get(name, "unknown") != "unknown"), "")
    return said == "required" if said else None


def _openvpn(client: End, server: End) -> tuple[Agreement, ...]:
    if not client.offers or not server.offers:
        return ()
    found = negotiate(Peer(client.host, "openvpn", client.offers, client.offers[:1]), server.offers, ())
    return (Agreement(client.host, found, "" if found else "no group in common"),)
