"""New sets of ciphers, MACs and PRFs for proposals of strongSwan, made of the words that are wished.

Sources: proposal.c of strongSwan 6.0.6 (AEAD and other ciphers never stand in one proposal; an AEAD needs a PRF in IKE, and no MAC); RFC 8247 and
RFC 8221, sections 3 to 5, for what others can be expected to have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..algorithms.lookup import find
from ..model import Inexpressible, Protocol, Wanted
from .ike_proposal import Kind
from .strongswan_proposals import distinct
from .strongswan_seen import Seen

MACS = ("sha512", "sha384", "sha256")
# What is put in front where it is not there: of ESP, where the kernel decides and swanctl does not tell, what kernels have had for long.
SUITES: Mapping[Protocol, Mapping[str, tuple[str, ...]]] = {
    "ikev2": {
        "cipher": ("aes256gcm16", "aes128gcm16", "chacha20poly1305", "aes256", "aes128"),
        "mac": MACS,
        "prf": ("prfsha512", "prfsha384", "prfsha256"),
    },
    "esp": {"cipher": ("aes256gcm16", "aes128gcm16", "aes256", "aes128"), "mac": MACS},
}
ESN = ("esn", "noesn")


def bodies(seen: Seen, wishes: Mapping[str, Wanted], where: str) -> tuple[str, ...]:
    """Proposals without exchanges: one of AEAD, and behind it one of other ciphers, whichever is wished.  Raises Inexpressible."""
    ciphers = _words(seen, wishes, "cipher")
    aead = tuple(name for name in ciphers if (found := find(seen.protocol, "cipher", name)) and found.aead)
    others = tuple(name for name in ciphers if name not in aead)
    macs, prfs = _words(seen, wishes, "mac"), _words(seen, wishes, "prf") if not seen.child else ()
    made = []
    if aead and (prfs or seen.child):
        made.append((*aead, *prfs))
    if macs and (prfs or seen.child) and (others or seen.key == "ah_proposals"):
        made.append((*others, *macs, *prfs))
    if not made:
        raise Inexpressible(f"{seen.id} has no cipher, MAC and PRF that would make a proposal", where, "write one down, at both ends")
    return tuple("-".join((*one, *_numbers(seen))) for one in made)


def _words(seen: Seen, wishes: Mapping[str, Wanted], kind: Kind) -> tuple[str, ...]:
    """What is wished of it; where nobody asks for anything the PRFs of SUITES, and of the others what is there."""
    if kind in wishes:
        return wishes[kind].names
    there = dict(seen.settings()).get(kind)
    if kind == "prf":
        return tuple(name for name in SUITES["ikev2"][kind] if name in (seen.daemon.capability(kind).names or ()))
    return there.values if there else MACS if kind == "mac" else ()


def _numbers(seen: Seen) -> Iterator[str]:
    """Whether its packets are counted far (ESN): as it is there, for both ends have to say the same."""
    yield from distinct(word for word in seen.texts[-1].lower().split("-") if word.strip() in ESN)


def unsure(seen: Seen, wishes: Mapping[str, Wanted]) -> str:
    """What only the kernel knows of what would be put in front, "" = nothing."""
    said = dict(seen.settings())
    new = [name for kind in ("cipher", "mac") if kind in wishes for name in wishes[kind].names if kind not in said or name not in said[kind].values]
    if not seen.child or not new:
        return ""
    names = ", ".join(new)
    return (
        f"{seen.id}: the kernel of each end decides whether it can use {names}: an SA with it that comes is the proof, and without one both go back"
    )
