"""Proposals of strongSwan: what a text of keywords means, what `default` stands for, and the exchanges that can come out of one.

Sources: proposal.c, proposal_keywords_static.txt and vici_config.c of strongSwan 6.0.6.  A proposal is keywords with "-" between; `keN_` marks an
additional exchange (RFC 9370), `keN_none` makes it optional.  What is agreed on is one of each kind, by the responder's own order unless
prefer_configured_proposals is off, so each combination is an exchange of its own, the first one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from ..algorithms.lookup import all_of
from .ike_proposal import KINDS, NONE, Kind, Proposal

FORM = "-ke{}_{}"
IGNORED = ("esn", "noesn", "")
_ADDITIONAL = re.compile(r"ke([1-7])_(.+)")


@lru_cache(maxsize=1)
def _keywords() -> dict[str, tuple[Kind, str]]:
    """Keyword → what it is, and the first spelling of the same."""
    rows = ((kind, a.names.get("strongswan", ())) for kind in reversed(KINDS) for a in all_of("esp" if kind == "cipher" else "ikev2", kind))
    return {name: (kind, names[0]) for kind, names in rows for name in names if "-" not in name}


@lru_cache(maxsize=256)
def parse(text: str) -> Proposal:
    if text.strip().lower() == "default":
        return Proposal(FORM, default=True)
    made, rounds = Proposal(FORM), dict[int, tuple[str, ...]]()
    for word in (word.strip().lower() for word in text.split("-")):
        more = _ADDITIONAL.fullmatch(word)
        known = _keywords().get(more[2] if more else word)
        if more:
            number = int(more[1])
            rounds[number] = (*rounds.get(number, ()), known[1] if known else more[2])
        elif known or word == NONE:
            made = made.having(*(known or ("key_exchange", NONE)))
        elif word not in IGNORED:
            made = replace(made, strange=(*made.strange, word))
    return replace(made, additional=tuple(sorted(rounds.items())))


def body(text: str) -> str:
    """A proposal without its exchanges."""
    words = [word.strip() for word in text.split("-")]
    return "-".join(word for word in words if not _ADDITIONAL.fullmatch(word.lower()) and not _is_exchange(word.lower()))


def _is_exchange(word: str) -> bool:
    known = _keywords().get(word)
    return word == NONE or (known is not None and known[0] == "key_exchange")


# ---------------------------------------------------------------- as the daemon prints them


def printed(said: Iterable[tuple[str, tuple[str, ...]]]) -> Proposal:
    """One proposal of `swanctl --list-conns --raw`: encr, integ, prf, ke, ake1 to ake7."""
    made, rounds = Proposal(FORM), dict[int, tuple[str, ...]]()
    kinds: dict[str, Kind] = {"encr": "cipher", "integ": "mac", "prf": "prf", "ke": "key_exchange", "dh": "key_exchange"}
    for word, names in said:
        if word in kinds:
            made = made.having(kinds[word], *(named(kinds[word], name) for name in names))
        elif found := re.fullmatch(r"ake([1-7])", word):
            rounds[int(found[1])] = tuple(named("key_exchange", name) for name in names)
    return replace(made, additional=tuple(sorted(rounds.items())))


@lru_cache(maxsize=512)
def named(kind: Kind, name: str) -> str:
    """strongSwan's keyword for a name that it prints ("AES_GCM_16_256", "AES_GCM_16-256", "CURVE_25519"); the name where there is none."""
    if name == "KE_NONE":
        return NONE
    for a in all_of("esp" if kind == "cipher" else "ikev2", kind):
        spelled = {one.replace("-", "_") for one in (a.id, *a.names.get("swanctl", ()))}
        if name.replace("-", "_") in spelled and a.names.get("strongswan"):
            return a.names["strongswan"][0]
    return name


# ---------------------------------------------------------------- what `default` stands for

STRONG = ("ECP_256", "ECP_384", "ECP_521", "ECP_256_BP", "ECP_384_BP", "ECP_512_BP", "CURVE_25519", "CURVE_448")
LARGE, SMALL = ("MODP_3072", "MODP_4096", "MODP_6144", "MODP_8192"), ("MODP_2048",)


def default_exchanges(able: tuple[str, ...]) -> tuple[str, ...]:
    """Those of IKE by the names that `swanctl --list-algs` prints, in its order; there is no ML-KEM among them."""
    return tuple(named("key_exchange", name) for kind in (STRONG, LARGE, SMALL) for name in able if name in kind)


def distinct(names: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(names)
