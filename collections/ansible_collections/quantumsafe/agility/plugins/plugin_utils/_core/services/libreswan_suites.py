"""New sets of ciphers, MACs and PRFs for proposals of libreswan.  In `ike=` a word names the PRF, and what protects the packets of a cipher that is
no AEAD follows from it; in `esp=` an AEAD stands alone (tried on 5.2: tests/fixtures/libreswan/proposals-5.2.txt)."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Wanted
from .ike_proposal import Kind
from .ike_suites import Suites, apart, none_made, words
from .libreswan_seen import Seen

MACS = ("sha2_512", "sha2_384", "sha2_256")
# What is put in front where it is not there: of ESP, where the kernel decides, what kernels have had for long.
SUITES: Suites = {
    "ikev2": {"cipher": ("aes_gcm256", "aes_gcm128", "chacha20_poly1305", "aes256", "aes128"), "prf": MACS},
    "esp": {"cipher": ("aes_gcm256", "aes_gcm128", "aes256", "aes128"), "mac": MACS},
}


def bodies(seen: Seen, wishes: Mapping[str, Wanted], where: str) -> tuple[str, ...]:
    """Proposals without exchanges.  Raises Inexpressible."""
    ciphers, macs = _words(seen, wishes, "cipher"), _words(seen, wishes, "mac" if seen.child else "prf")
    made = list(apart(seen.protocol, ciphers, macs, () if seen.child else macs, seen.kind == "ah"))
    if not made:
        raise none_made(seen.id, where)
    return tuple("-".join("+".join(some) for some in (ciphers, prfs or macs) if some) for ciphers, macs, prfs in made)


def _words(seen: Seen, wishes: Mapping[str, Wanted], kind: Kind) -> tuple[str, ...]:
    able = tuple(name for name in MACS if name in (seen.able("prf") or ()))
    return words(kind, wishes, dict(seen.settings()), MACS, able)
