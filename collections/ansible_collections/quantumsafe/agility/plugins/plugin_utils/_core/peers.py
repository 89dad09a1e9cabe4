"""Classes of peers and what they would negotiate.  The no-PQ-regression invariant is judged here, not on list membership.

Sources: OpenSSH release notes 7.4 … 10.0 and myproposal.h (client defaults); paramiko 5.1 transport.py; SSL_CTX_set1_groups(3) of
OpenSSL 1.1.1, 3.0 and 3.5; Go 1.24 crypto/tls release notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .algorithms.lookup import find
from .model import Endpoint, Protocol, Setting

CURVES = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
GROUPS = ("diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha256")
SNTRUP_OLD = "sntrup761x25519-sha512@openssh.com"
SNTRUP = ("sntrup761x25519-sha512", SNTRUP_OLD)
MLKEM = "mlkem768x25519-sha256"


@dataclass(frozen=True, slots=True)
class Peer:
    """A class of clients.  offers: key exchanges in its order.  shares: TLS groups for which it sends a key share at once."""

    name: str
    protocol: Protocol
    offers: tuple[str, ...]
    shares: tuple[str, ...] = ()


PEERS = (
    Peer("OpenSSH 7.4–8.9 clients", "ssh", (*CURVES, *GROUPS, "diffie-hellman-group14-sha1")),
    Peer("OpenSSH 9.0–9.8 clients", "ssh", (SNTRUP_OLD, *CURVES, *GROUPS)),
    Peer("OpenSSH 9.9 clients", "ssh", (*SNTRUP, MLKEM, *CURVES, *GROUPS)),
    Peer("OpenSSH 10 clients", "ssh", (MLKEM, *SNTRUP, *CURVES, *GROUPS)),
    Peer("paramiko 5.1 clients", "ssh", (MLKEM, *CURVES, *GROUPS)),
    Peer("paramiko before 5.1", "ssh", (*CURVES, *GROUPS)),
    Peer("OpenSSL 1.1.1 and 3.0 clients", "tls", ("X25519", "secp256r1", "X448", "secp521r1", "secp384r1"), ("X25519",)),
    Peer(
        "OpenSSL 3.5 clients",
        "tls",
        ("X25519MLKEM768", "X25519", "secp256r1", "X448", "secp384r1", "secp521r1"),
        ("X25519MLKEM768", "X25519"),
    ),
    Peer("browsers and Go 1.24 clients", "tls", ("X25519MLKEM768", "X25519", "secp256r1", "secp384r1"), ("X25519MLKEM768", "X25519")),
    Peer("OpenVPN with OpenSSL 1.1.1 or 3.0", "openvpn", ("X25519", "secp256r1", "X448", "secp521r1", "secp384r1"), ("X25519",)),
    Peer(
        "OpenVPN with OpenSSL 3.5",
        "openvpn",
        ("X25519MLKEM768", "X25519", "secp256r1", "X448", "secp384r1", "secp521r1"),
        ("X25519MLKEM768", "X25519"),
    ),
    Peer("clients that hold back the hybrid share", "tls", ("X25519MLKEM768", "X25519", "secp256r1"), ("X25519",)),
)


def negotiate(peer: Peer, names: Sequence[str], tiers: Sequence[int]) -> str:
    """The name that this peer and a server with these names (and tiers, see Setting) agree on; "" = they cannot.

    SSH: the client's first that the server has (RFC 4253 §7.1).  TLS as OpenSSL 3.5 servers do it: the lowest tier that has a common
    group; inside it one for which a key share came, then the server's order (SSL_CTX_set1_groups(3)).
    """
    if peer.protocol == "ssh":
        return next((name for name in peer.offers if name in names), "")
    offered = {_id("tls", name) for name in peer.offers}
    shared = {_id("tls", name) for name in peer.shares}
    common = [
        (tier, _id("tls", name) not in shared, place, name)
        for place, (name, tier) in enumerate(zip(names, tiers or (0,) * len(names), strict=True))
        if _id("tls", name) in offered
    ]
    return min(common)[3] if common else ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to peers.  regressed lose quantum safety (never allowed); given_up lose only what is retired as broken;
    cut_off can no longer connect at all."""

    gained: tuple[str, ...]
    regressed: tuple[str, ...]
    cut_off: tuple[str, ...]
    given_up: tuple[str, ...] = ()


def effect(protocol: str, before: Setting, names: Sequence[str], tiers: Sequence[int]) -> Effect:
    """Compare what every class of peers negotiates before and after a change of the key exchange."""
    gained, regressed, cut_off = [], [], []
    for peer in (p for p in PEERS if p.protocol == protocol):
        was = negotiate(peer, before.values, before.tiers)
        will = negotiate(peer, names, tiers)
        if quantum_safe(protocol, was) and not quantum_safe(protocol, will):
            regressed.append(peer.name)
        elif quantum_safe(protocol, will) and not quantum_safe(protocol, was):
            gained.append(peer.name)
        if was and not will:
            cut_off.append(peer.name)
    return Effect(tuple(gained), tuple(regressed), tuple(cut_off))


def quantum_safe(protocol: str, name: str) -> bool:
    """Whether this key exchange resists a quantum computer, broken and experimental ones excepted."""
    algorithm = find(protocol, "key_exchange", name) if name else None
    return bool(algorithm and algorithm.quantum_category and algorithm.status in ("current", "legacy"))


def _id(protocol: str, name: str) -> str:
    algorithm = find(protocol, "key_exchange", name)
    return algorithm.id if algorithm else name


def names_its_peer(endpoints: Iterable[Endpoint]) -> bool:
    """Whether the connection among these knows an address to begin with."""
    known = [
        fact.partition("=")[2]
        for one in endpoints
        if one.protocol == "ikev2"
        for fact in (one.settings["link"].values if "link" in one.settings else ())
        if fact.startswith("remote_addrs=")
    ]
    return any(not one.startswith("%any") and "/" not in one and one != "0.0.0.0" for one in known)
