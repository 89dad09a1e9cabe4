"""A key that both ends of a link share: how it travels sealed from the one host to the other, and how its use is seen.  The other side of
agent/psk.sh.  Pure; what passes here are public keys, a sealed text and digests."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Problem
from .answer import heard, parse_keys
from .script import Message, script_of

KEM = "-----BEGIN PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class Receiver:
    """certificate: of a P-384 key that was made for this one delivery; kem: an ML-KEM-768 public key, "" = that host's openssl has none."""

    certificate: str
    kem: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """digest: of the key within, under the salt; kem: what ML-KEM encapsulated, "" = both ends cannot do it, so P-384 stands alone."""

    digest: str
    kem: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """now, met: by the host's own clock, met 0 = no handshake; live, file: digests of the key in effect and of the one in the file."""

    now: int
    met: int
    live: str
    file: str


def compose_receiver(id_: str, nonce: str) -> Message:
    return script_of(nonce, [("ca_psk_receiver", id_)])


def parse_receiver(output: str, nonce: str, host: str) -> Receiver:
    certificate, found, kem = _text(output, nonce, host).partition(KEM)
    return Receiver(certificate, found + kem)


def compose_make(id_: str, salt: str, to: Receiver, nonce: str) -> Message:
    return script_of(nonce, [("ca_psk_make", id_, salt, to.certificate, to.kem)])


def parse_make(output: str, nonce: str, host: str) -> Sealed:
    told, dummy, text = _text(output, nonce, host).partition("-----BEGIN")
    words = dict(line.partition(" ")[::2] for line in told.splitlines())
    return Sealed(words["digest"], words.get("kem", ""), f"-----BEGIN{text}")


def compose_take(id_: str, salt: str, sealed: Sealed, nonce: str) -> Message:
    return script_of(nonce, [("ca_psk_take", id_, salt, sealed.kem, sealed.text)])


def parse_take(output: str, nonce: str, host: str) -> str:
    """The digest of what was opened."""
    return _text(output, nonce, host).removeprefix("digest ").strip()


def _text(output: str, nonce: str, host: str) -> str:
    """Raises NoAnswer, and Problem in the host's words."""
    return parse_keys(output, nonce, host)[0].request


def compose_seen(interface: str, peer: str, salt: str, meet: bool, nonce: str) -> Message:
    """meet: have them shake hands anew, before."""
    calls = [("ca_psk_meet", interface, peer)] if meet else []
    return script_of(nonce, [*calls, ("ca_psk_seen", interface, peer, salt)])


def parse_seen(output: str, nonce: str, host: str) -> Seen:
    for letter, dummy, content in heard(output, nonce, host):
        if letter == "Q":
            words = dict(line.partition(" ")[::2] for line in content)
            return Seen(int(words["now"]), int(words["met"] or 0), words["live"], words["file"])
    raise Problem("it does not tell what WireGuard does there", host, "look at wg show")


def compose_follow(id_: str, seconds: int, interface: str, peer: str, nonce: str) -> Message:
    """From now on that host does as the other end does; it must have so many seconds left."""
    return script_of(nonce, [("ca_follow", id_, str(seconds), interface, peer)])
