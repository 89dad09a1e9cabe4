"""Proposals of Junos, `security ike proposal NAME` and `security ipsec proposal NAME`: what is written of them, as whole statements (lists.py).

A proposal is an object (objects.py) that policies name in a list, the first of which counts most (Juniper's CLI reference, policy (Security IKE):
"evaluated in list order, from top to bottom").  A successor is a copy with the words that are wanted; the old proposal stays behind it, untouched.
Juniper's YANG of 24.4R1 (junos-es-conf-security) for the words, CLI reference for names: up to 32 letters.  A cipher of ESP that authenticates is
written without an authentication-algorithm, as Juniper's samples have it; in IKE the old one stays, for a PRF comes from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model import Inexpressible, Wanted
from .objects import contracted, expanded, family, named, succeeded, successor
from .reading import sealed

PLACE = "security"
LONGEST = 32
KEPT = " kept"  # of the name of an endpoint: the proposals of an IPsec policy behind a successor
WORDS = {"key_exchange": "dh-group", "cipher": "encryption-algorithm", "mac": "authentication-algorithm"}
IKE: tuple[str, ...] = ("key_exchange", "cipher", "mac")
ESP: tuple[str, ...] = ("cipher", "mac")
Objects = dict[str, dict[str, str]]  # name → leaf → value
Places = dict[str, tuple[str, ...]]


@dataclass(slots=True)
class Proposals:
    """Of ike or ipsec: what they hold, and the policies that name them, both as they come to be."""

    kind: str
    objects: Objects
    places: Places

    def path(self, name: str) -> str:
        return f"{PLACE} {self.kind} proposal {name}"

    def policy(self, name: str) -> str:
        return f"{PLACE} {self.kind} policy {name} proposals"

    def heir(self, name: str, wanted: Mapping[str, Wanted], host: str) -> str:
        """The name of its successor, which is among the objects then.  Raises Inexpressible."""
        holds = {**self.objects[name], **{WORDS[aspect]: to.names[0] for aspect, to in wanted.items()}}
        cipher = holds.get(WORDS["cipher"], "")
        if self.kind == "ipsec" and sealed((cipher,)):
            holds.pop(WORDS["mac"], None)
        needs = (*(("dh-group",) if self.kind == "ike" else ()), WORDS["cipher"], *(() if sealed((cipher,)) else (WORDS["mac"],)))
        if silent := [leaf for leaf in needs if leaf not in holds]:
            raise Inexpressible(
                f"{self.path(name)} says no {silent[0]}, and its default is not known here", host, f"set {self.path(name)} {silent[0]} …"
            )
        new = successor(name, [f"{leaf} {value}" for leaf, value in sorted(holds.items())], LONGEST)
        self.objects[new] = holds
        return new


def read(said: Iterable[str], kind: str) -> Proposals:
    objects: Objects = {}
    places: Places = {}
    for words in (one.split() for one in said):
        if words[:3] == [PLACE, kind, "proposal"] and len(words) == 6:
            objects.setdefault(words[3], {})[words[4]] = words[5]
        elif words[:3] == [PLACE, kind, "policy"] and words[4:5] == ["proposals"] and len(words) == 6:
            path = " ".join(words[:5])
            places[path] = (*places.get(path, ()), words[5])
    return Proposals(kind, objects, places)


def over(said: Iterable[str]) -> dict[str, str]:
    """The endpoints that are behind their successor, "" for those that no policy names."""
    given = tuple(said)
    ike, ipsec = read(given, "ike"), read(given, "ipsec")
    out: dict[str, str] = {}
    for name in ike.objects:
        if succeeded(ike.places, name):
            heirs = (one for path in named(ike.places, name) for one in ike.places[path] if family(one) == family(name))
            out[f"ike proposal {name}"] = next(heirs, "")
    for path, names in ipsec.places.items():
        if kept(names):
            out[f"ipsec policy {path.split()[3]}{KEPT}"] = names[0]
    return {**out, **{f"ipsec proposal {name}": "" for name in ipsec.objects if not named(ipsec.places, name)}}


def kept(names: tuple[str, ...]) -> tuple[str, ...]:
    """Of the proposals of a policy those that are behind one that we made."""
    return names[1:] if names and family(names[0]) != names[0] else ()


def written(said: Iterable[str], wishes: Mapping[str, Mapping[str, Wanted]], host: str) -> dict[str, tuple[str, ...]]:
    """The places that change, and what stands there then.  wishes: by the endpoint without the name of the product.  Raises Inexpressible."""
    given = tuple(said)
    out: dict[str, tuple[str, ...]] = {}
    behind = over(given)
    for kind in ("ike", "ipsec"):
        now, then = read(given, kind), read(given, kind)
        for id_, wanted in wishes.items():
            what, dummy, name = id_.partition(" ")[2].partition(" ")
            if not id_.startswith(f"{kind} "):
                continue
            if what == "proposal":
                then.places.update(contracted(then.places, name) if id_ in behind else _before(then, name, wanted, host))
            elif name.endswith(KEPT):
                _allowed(then, then.policy(name.removesuffix(KEPT)), wanted)
            else:
                then.places.update(_in_front(then, then.policy(name), wanted, host))
        out |= _changed(now, then)
    return out


def _before(all_: Proposals, name: str, wanted: Mapping[str, Wanted], host: str) -> Mapping[str, tuple[str, ...]]:
    return expanded(all_.places, name, all_.heir(name, wanted, host))


def _in_front(all_: Proposals, path: str, wanted: Mapping[str, Wanted], host: str) -> Places:
    names = all_.places.get(path, ())
    if not names or names[0] not in all_.objects:
        raise Inexpressible(f"{path.removesuffix(' proposals')} names no proposal that is there", host, "name one")
    new = all_.heir(names[0], wanted, host)
    return {path: (new, *(one for one in names if one != new))}


def _allowed(all_: Proposals, path: str, wanted: Mapping[str, Wanted]) -> None:
    first, *behind = all_.places[path]
    rest = (one for one in behind if all(all_.objects.get(one, {}).get(WORDS[aspect], "") in to.names for aspect, to in wanted.items()))
    all_.places[path] = (first, *rest)


def _changed(now: Proposals, then: Proposals) -> dict[str, tuple[str, ...]]:
    """New objects, then the lists, then the objects that were named and are named no more."""
    new = [name for name in then.objects if name not in now.objects]
    gone = [name for name in now.objects if named(now.places, name) and not named(then.places, name)]
    return {
        **{then.path(name): tuple(f"{then.path(name)} {leaf} {value}" for leaf, value in sorted(then.objects[name].items())) for name in new},
        **{path: tuple(f"{path} {name}" for name in names) for path, names in then.places.items() if names != now.places[path]},
        **{then.path(name): () for name in gone},
    }


def place(statement: str) -> str:
    """What a statement is put back with: its proposal, or the list of a policy."""
    words = statement.split()
    return " ".join(words[:4]) if words[2:3] == ["proposal"] else " ".join(words[:5])


def commands(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """All that is new stands before a policy names it, and nothing goes that one names."""
    lists = dict.fromkeys(place(one) for one in (*old, *new) if place(one).endswith(" proposals"))
    objects = [one for one in new if one not in old and place(one) not in lists]
    gone = dict.fromkeys(place(one) for one in old if one not in new and place(one) not in lists)
    said = [f"set {one}" for one in objects]
    for path in lists:
        names = [one.rpartition(" ")[2] for one in new if place(one) == path]
        said += [f"delete {path}", *([f"set {path} [ {' '.join(names)} ]"] if names else [])]
    return (*said, *(f"delete {path}" for path in gone))
