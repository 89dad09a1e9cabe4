"""New sets of ciphers, MACs and PRFs for proposals of IPsec, made of the words that are wished, whichever daemon spells them.

Sources: proposal.c of strongSwan 6.0.6 and what pluto 5.2 refuses (AEAD and other ciphers never stand in one proposal; an AEAD needs a PRF in IKE,
and no MAC); RFC 8247 and RFC 8221, sections 3 to 5, for what others can be expected to have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..algorithms.lookup import find
from ..model import Inexpressible, Protocol, Setting, Wanted
from .ike_proposal import Kind

Texts = tuple[str, ...]
Suites = Mapping[Protocol, Mapping[str, Texts]]


def words(kind: Kind, wishes: Mapping[str, Wanted], said: Mapping[str, Setting], macs: Texts, prfs: Texts) -> Texts:
    """What is wished of it; where nobody asks for anything these PRFs, and of others what is there, else these MACs."""
    if kind in wishes:
        return wishes[kind].names
    if kind == "prf":
        return prfs
    return said[kind].values if kind in said else macs if kind == "mac" else ()


def apart(protocol: str, ciphers: Texts, macs: Texts, prfs: Texts, header: bool) -> Iterator[tuple[Texts, Texts, Texts]]:
    """(ciphers, MACs, PRFs) of proposals without exchanges: one of AEAD, and behind it one of other ciphers.  header: of AH, which has MACs alone."""
    aead = tuple(name for name in ciphers if (found := find(protocol, "cipher", name)) and found.aead)
    others = tuple(name for name in ciphers if name not in aead)
    if prfs or protocol == "esp":
        if aead:
            yield aead, (), prfs
        if macs and (others or header):
            yield others, macs, prfs


def none_made(id_: str, where: str) -> Inexpressible:
    return Inexpressible(f"{id_} has no cipher, MAC and PRF that would make a proposal", where, "write one down, at both ends")


def unsure(id_: str, said: Mapping[str, Texts], wishes: Mapping[str, Wanted]) -> str:
    """What only the kernel knows of what would be put in front of what carries packets, "" = nothing.  said: kind → the words that are there."""
    new = [name for kind in ("cipher", "mac") if kind in wishes for name in wishes[kind].names if name not in said.get(kind, ())]
    names = ", ".join(new)
    why = f"the kernel of each end decides whether it can use {names}: an SA with it that comes is the proof, and without one both go back"
    return f"{id_}: {why}" if new else ""
