"""New sets of ciphers, MACs and PRFs for proposals of strongSwan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model import Wanted
from .ike_proposal import Kind
from .ike_suites import Suites, apart, none_made, words
from .strongswan_proposals import distinct
from .strongswan_seen import Seen

MACS = ("sha512", "sha384", "sha256")
# What is put in front where it is not there: of ESP, where the kernel decides and swanctl does not tell, what kernels have had for long.
SUITES: Suites = {
    "ikev2": {
        "cipher": ("aes256gcm16", "aes128gcm16", "chacha20poly1305", "aes256", "aes128"),
        "mac": MACS,
        "prf": ("prfsha512", "prfsha384", "prfsha256"),
    },
    "esp": {"cipher": ("aes256gcm16", "aes128gcm16", "aes256", "aes128"), "mac": MACS},
}
ESN = ("esn", "noesn")


def bodies(seen: Seen, wishes: Mapping[str, Wanted], where: str) -> tuple[str, ...]:
    """Proposals without exchanges.  Raises Inexpressible."""
    ciphers, macs = _words(seen, wishes, "cipher"), _words(seen, wishes, "mac")
    made = list(apart(seen.protocol, ciphers, macs, _words(seen, wishes, "prf") if not seen.child else (), seen.key == "ah_proposals"))
    if not made:
        raise none_made(seen.id, where)
    return tuple("-".join((*ciphers, *macs, *prfs, *_numbers(seen))) for ciphers, macs, prfs in made)


def _words(seen: Seen, wishes: Mapping[str, Wanted], kind: Kind) -> tuple[str, ...]:
    able = tuple(name for name in SUITES["ikev2"]["prf"] if name in (seen.daemon.capability("prf").names or ()))
    return words(kind, wishes, dict(seen.settings()), MACS, able)


def _numbers(seen: Seen) -> Iterator[str]:
    """Whether its packets are counted far (ESN): as it is there, for both ends have to say the same."""
    yield from distinct(word for word in seen.texts[-1].lower().split("-") if word.strip() in ESN)
