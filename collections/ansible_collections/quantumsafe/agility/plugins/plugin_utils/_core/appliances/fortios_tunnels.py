"""Tunnels of FortiOS, `vpn ipsec phase1-interface NAME`, `phase1`, `phase2-interface` and `phase2`: which of their lists are written, and which way.

An object holds its lists itself, so the new and the old stand in one list, side by side.
- expand: what is wanted comes in front of what is there, and nothing goes, for the other end of the tunnel is not ours.
- contract: what the policy forbids is left out, only where what it wants is there already.

Sources: Fortinet's schema by version (fortinet.fortios 2.4.2) for the words of `proposal`, `dhgrp` and `addke1` and since when they are there;
`addke1 36 0`, and its words by name in 7.6.7: fortinet-solutions-cse/sdwan-advpn-reference, pull request 63, and the CLI Reference 8.0.0.  RFC 9370
(additional key exchanges) and RFC 5282 (AEAD) are of IKEv2 alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model import Endpoint, Inexpressible, Wanted
from .fortios_endpoints import NAMED, NONE
from .kept import Node
from .reading import sealed

KINDS = ("phase1-interface", "phase1", "phase2-interface", "phase2")
LISTS = {"proposal": "proposals", "dhgrp": "groups", "addke1": "kems"}
IKE, ESP = ("key_exchange", "cipher", "mac", "prf"), ("key_exchange", "cipher", "mac")
ADDED = " addke "
WEAK = {"md5", "sha1", "prfmd5", "prfsha1", "null"}
USUAL = "sha384"  # where nothing says which hash goes with a new cipher
PLAIN = ("des", "3des", "aes128", "aes192", "aes256")
SEALED = ("aes128gcm", "aes256gcm", "chacha20poly1305")
HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")
AGAIN = (
    "tunnels change ({}): whether FortiOS makes their SAs anew when such a list changes is in no source, so expect each of them to be negotiated "
    "again, without traffic until it is; their other ends are not asked, so look at them once they have come back"
)


@dataclass(frozen=True, slots=True)
class Phase:
    """One object.  proposals, groups, kems: its lists; documented: the groups that count where no line says them."""

    where: str
    kind: str
    proposals: tuple[str, ...]
    groups: tuple[str, ...]
    kems: tuple[str, ...]
    documented: tuple[str, ...] = ()

    @property
    def ike(self) -> bool:
        return self.kind.startswith("phase1")


def phase(node: Node, kind: str, where: str, exchanges: Iterable[str] = ()) -> Phase:
    """exchanges: as its endpoint has them."""
    said = tuple(dict.fromkeys(name.split()[1] for name in exchanges))
    return Phase(where, kind, node.under("proposal"), node.under("dhgrp"), node.under("addke1"), said)


def short(endpoint: Endpoint, wished: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The aspects of which something that is wanted is not there.  A proposal that authenticates by itself needs no MAC beside it."""
    there = {aspect: endpoint.settings[aspect].values for aspect in wished}
    out = {aspect for aspect, names in wished.items() if set(names) - set(there[aspect])}
    ciphers = endpoint.settings["cipher"].values if "cipher" in endpoint.settings else ()
    if "cipher" in wished:
        ciphers = wished["cipher"][:1] if "cipher" in out else tuple(name for name in ciphers if name in wished["cipher"])
    return out - ({"mac"} if any(sealed((name,)) for name in ciphers) else set())


# ---------------------------------------------------------------- expand


def expanded(one: Phase, wanted: Mapping[str, Wanted], release: tuple[int, ...], host: str) -> dict[str, tuple[str, ...]]:
    """Word → its whole list, the new in front.  Raises Inexpressible."""
    out: dict[str, tuple[str, ...]] = {}
    if set(wanted) - {"key_exchange"}:
        out["proposal"] = _front(_proposal(one, wanted, host), one.proposals)
    if "key_exchange" in wanted:
        out |= _exchanges(one, wanted["key_exchange"].names, release, host)
    return out


def _front(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return (name, *(other for other in names if other != name))


def _proposal(one: Phase, wanted: Mapping[str, Wanted], host: str) -> str:
    """The one that is new: of each aspect the best that is not there, for the rest what is there and not weak."""
    apart = [word.partition("-")[::2] for word in one.proposals]
    if not apart:
        raise Inexpressible(f"{one.where}: no line says `proposal`", host, f"set it there, or leave {one.where} to its administrator")
    new = {aspect: next((name for name in to.names if name not in _said(apart, aspect)), to.names[0]) for aspect, to in wanted.items()}
    cipher = new.get("cipher") or next((name for name, dummy in apart if sealed((name,)) == ("prf" in new)), apart[0][0])
    hashes = [rest.removeprefix("prf") for dummy, rest in apart if rest and rest not in WEAK]
    if sealed((cipher,)):
        rest = (new.get("prf") or f"prf{next(iter(hashes), USUAL)}") if one.ike else ""
    else:
        rest = new.get("mac") or next(iter(hashes), USUAL)
    word = f"{cipher}-{rest}" if rest else cipher
    if not known(one.kind, word):
        raise Inexpressible(f"{one.where}: `{word}` is no proposal of FortiOS that a source tells", host, "write one by hand")
    return word


def _said(apart: Iterable[tuple[str, str]], aspect: str) -> set[str]:
    return {cipher if aspect == "cipher" else rest for cipher, rest in apart}


def known(kind: str, word: str) -> bool:
    """Whether a source has this word for a proposal of that kind."""
    cipher, dummy, rest = word.partition("-")
    if cipher in PLAIN:
        return rest in HASHES
    if kind.startswith("phase1"):
        return cipher in SEALED and rest in {f"prf{name}" for name in HASHES[1:]}
    return cipher in SEALED and rest == ""


def _exchanges(one: Phase, names: tuple[str, ...], release: tuple[int, ...], host: str) -> dict[str, tuple[str, ...]]:
    """The best that is not there, in front.  What stands beside an additional exchange stays possible without it, as before."""
    there = set(_pairs(one.groups or one.documented, one.kems))
    best = next((name for name in names if name not in there and (ADDED in name or _optional(one.kems))), "")
    if not best:
        why = f"{one.where}: {', '.join(names)} is wanted without an additional exchange, and its addke1 asks for one"
        raise Inexpressible(why, host, "change it by hand")
    group, dummy, kem = best.removeprefix("dhgrp ").partition(ADDED)
    out: dict[str, tuple[str, ...]] = {}
    if group not in (one.groups or one.documented):
        if not one.groups:
            raise Inexpressible(f"{one.where}: no line says `dhgrp`, so what stays behind {group} is not known", host, "set dhgrp there")
        out["dhgrp"] = _front(group, one.groups)
    elif group in one.groups[1:]:
        out["dhgrp"] = _front(group, one.groups)
    if kem and kem not in one.kems:
        out["addke1"] = _front(kem, one.kems or (NONE[release >= NAMED],))
    return out


def _pairs(groups: Iterable[str], kems: tuple[str, ...]) -> Iterable[str]:
    for group in groups:
        yield from (f"dhgrp {group}{ADDED}{kem}" for kem in kems if kem not in NONE)
        if _optional(kems):
            yield f"dhgrp {group}"


def _optional(kems: tuple[str, ...]) -> bool:
    """Whether a peer may go without an additional exchange."""
    return not set(kems) - set(NONE) or bool(set(kems) & set(NONE))


# ---------------------------------------------------------------- contract


def contracted(one: Phase, wanted: Mapping[str, Wanted], host: str) -> dict[str, tuple[str, ...]]:
    """Word → its whole list, without what is not wanted.  Raises Inexpressible where nothing would be left."""
    out: dict[str, tuple[str, ...]] = {}
    parts = {aspect: set(to.names) for aspect, to in wanted.items()}
    if set(parts) - {"key_exchange"}:
        out["proposal"] = tuple(word for word in one.proposals if _allowed(word, parts))
    if "key_exchange" in parts:
        out |= _left(one, parts["key_exchange"])
    if empty := [word for word, names in out.items() if not names]:
        raise Inexpressible(f"{one.where}: nothing would be left of {', '.join(empty)}", host, "expand it first: enforce without agility_link_step")
    return {word: names for word, names in out.items() if names != getattr(one, LISTS[word])}


def _allowed(word: str, parts: Mapping[str, set[str]]) -> bool:
    cipher, dummy, rest = word.partition("-")
    last = "prf" if rest.startswith("prf") else "mac"
    return cipher in parts.get("cipher", {cipher}) and (not rest or rest in parts.get(last, {rest}))


def _left(one: Phase, names: set[str]) -> dict[str, tuple[str, ...]]:
    """Every group with every additional exchange is an offer, so both lists shrink until all of them are wanted."""
    plain = {name for name in names if ADDED not in name}
    kems = tuple(kem for kem in one.kems if kem in NONE or any(name.endswith(f"{ADDED}{kem}") for name in names))
    kems = kems if plain else tuple(kem for kem in kems if kem not in NONE)
    groups = tuple(group for group in one.groups if set(_pairs((group,), kems)) <= names)
    if one.kems and not groups and one.groups:  # some group may go with a part of them only
        kems = tuple(kem for kem in kems if kem not in NONE) or kems
        groups = tuple(group for group in one.groups if set(_pairs((group,), kems)) <= names)
    return {**({"dhgrp": groups} if one.groups else {}), **({"addke1": kems} if one.kems else {})}
