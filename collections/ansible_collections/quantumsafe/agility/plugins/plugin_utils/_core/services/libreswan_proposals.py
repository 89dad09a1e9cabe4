"""Proposals of libreswan, as they are written and as pluto prints them.

Sources: configs/d.ipsec.conf/sect/proposals.txt, lib/libswan/proposals.c and ike_info.c of libreswan 5.4 and 5.2.  Words stand between "-", those of
one kind between "+"; behind ";" stands an old-fashioned group, or a kind by name (`addke1=ml_kem_768`).  A cipher without the length of its key
stands for the longest and the usual one.  IKE without a group means the groups of `DEFAULT_GROUPS`; pluto prints what it made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ..algorithms.lookup import all_of
from .ike_proposal import NONE, Kind, Proposal

FORM = ";addke{}={}"
ORDER: tuple[Kind, ...] = ("cipher", "key_exchange", "prf", "mac")  # what a word may mean, the likeliest first
OF_IKE = ("prf", "mac")  # what a word means that names both: in IKE the PRF, and what protects its packets follows from it
DEFAULT_GROUPS = ("dh19", "dh20", "dh21", "dh31", "modp4096", "modp3072", "modp2048", "modp8192")  # of 5.x in IKEv2; there is no ML-KEM among them
NONES = ("none", "null", "dh0")
_TYPED = re.compile(r"(encrypt|prf|integ|ke|dh|sn|addke[1-7])=(.*)")
_TYPES: dict[str, Kind] = {"encrypt": "cipher", "prf": "prf", "integ": "mac", "ke": "key_exchange", "dh": "key_exchange"}
_LENGTHS = ("256", "128")


@lru_cache(maxsize=2)
def _words(protocol: str) -> dict[tuple[Kind, str], str]:
    """(kind, word) → the first spelling of the same."""
    rows = ((kind, a.names.get("libreswan", ())) for kind in ORDER for a in all_of(protocol, kind))
    return {(kind, name): names[0] for kind, names in rows for name in names}


@lru_cache(maxsize=256)
def parse(text: str, protocol: str) -> Proposal:
    """One proposal.  protocol: ikev2 or esp."""
    found: dict[str, list[str]] = {}
    rounds: dict[int, tuple[str, ...]] = {}
    head, *behind = text.strip().lower().split(";")
    for part in _parts(head):
        for kind, name in _meant(part.split("+"), protocol, found):
            found.setdefault(kind, []).append(name)
    for part in behind:
        typed = _TYPED.fullmatch(part.strip())
        words = (typed[2] if typed else part.strip()).split("+")
        if typed and typed[1].startswith("addke"):
            rounds[int(typed[1][-1])] = tuple(_of_kind("key_exchange", words, protocol))
        elif not typed or typed[1] in _TYPES:
            found.setdefault(_TYPES[typed[1]] if typed else "key_exchange", []).extend(
                _of_kind(_TYPES[typed[1]] if typed else "key_exchange", words, protocol)
            )
    return Proposal(
        FORM,
        tuple(found.get("key_exchange", ())),
        tuple(found.get("cipher", ())),
        tuple(found.get("mac", ())),
        tuple(found.get("prf", ())),
        tuple(sorted(rounds.items())),
        tuple(found.get("strange", ())),
    )


def _parts(head: str) -> Iterator[str]:
    """What stands between "-", the length of a key together with its cipher ("aes-256")."""
    held = ""
    for part in filter(None, (part.strip() for part in head.split("-"))):
        if held and part.isdigit():
            held += part
            continue
        if held:
            yield held
        held = part
    if held:
        yield held


def _meant(words: list[str], protocol: str, found: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    kinds = [kind for kind in ORDER if kind not in OF_IKE] + list(OF_IKE if protocol == "ikev2" and "prf" not in found else ("mac", "prf"))
    for word in words:
        if word in NONES and found.get("cipher"):
            continue  # beside an AEAD: no MAC
        named = ((kind, name) for kind in kinds for name in _of_kind(kind, [word], protocol, known=True))
        meant = list(named)
        if not meant:
            yield "strange", word
        yield from ((kind, name) for kind, name in meant if kind == meant[0][0])


def _of_kind(kind: str, words: list[str], protocol: str, known: bool = False) -> Iterator[str]:
    """The words of this kind in their first spelling; known: without what the catalogue does not know."""
    table = {word: name for (of, word), name in _words(protocol).items() if of == kind}
    for word in words:
        lengths = tuple(table[f"{word}{length}"] for length in _LENGTHS if kind == "cipher" and f"{word}{length}" in table)
        if kind == "key_exchange" and word in NONES and not known:
            yield NONE
        elif word in table:
            yield table[word]
        elif lengths:
            yield from lengths
        elif not known:
            yield word


def with_exchange(text: str, exchange: str, protocol: str) -> str:
    """A proposal with this exchange in the place of all that it has.  ESP takes a group behind ";" alone, where its cipher is an AEAD."""
    head, *behind = text.strip().split(";")
    parts = [part for part in _parts(head) if not any(_of_kind("key_exchange", part.lower().split("+"), protocol, known=True))]
    kept = [part for part in behind if (found := _TYPED.fullmatch(part.strip().lower())) and found[1] in ("encrypt", "prf", "integ", "sn")]
    return ";".join(("-".join(parts), *kept)) + f"{'-' if protocol == 'ikev2' and not kept else ';'}{exchange}"
