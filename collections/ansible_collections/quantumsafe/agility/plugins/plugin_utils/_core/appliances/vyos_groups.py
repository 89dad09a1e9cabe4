"""Groups of VyOS, `vpn ipsec ike-group NAME` and `esp-group NAME`: what is written of them, as whole statements (lists.py), and which way.

A group is an object (objects.py), a list of proposals by their numbers, and a peer names one.  So the successor of a group is a copy that has one
proposal more, number 1, and those of the old group behind it; peers are pointed at it, and the old group is then named by nobody.  Contract makes a
group of what the policy allows, points the peers at that, and takes both others away.

Sources: vyos-1x at 3710c587 and its branch sagitta (1.4): interface-definitions/vpn_ipsec.xml.in, in which `encryption`, `hash` and `dh-group` of a
proposal take one value each and have a weak default (aes128, sha1, 2); python/vyos/template.py, get_esp_ike_cipher: proposals go to strongSwan in the
order of their numbers, and `pfs` of an esp-group is one for all of them; src/conf_mode/vpn_ipsec.py: a commit whose peer names no group that is there
is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model import Inexpressible, Wanted
from .objects import family, successor
from .reading import sealed

PLACE = "vpn ipsec"
Proposal = dict[str, str]  # the word of a leaf → its value


@dataclass(frozen=True, slots=True)
class Kind:
    """word: of the object.  names: the leaves that name one.  leaves: aspect → the word of a proposal.  whole: those whose default is weak."""

    word: str
    names: tuple[str, ...]
    leaves: Mapping[str, str]
    whole: tuple[str, ...]

    def path(self, name: str) -> str:
        return f"{PLACE} {self.word} {name}"


IKE = Kind(
    "ike-group",
    ("ike-group",),
    {"key_exchange": "dh-group", "cipher": "encryption", "mac": "hash", "prf": "prf"},
    ("dh-group", "encryption", "hash"),
)
ESP = Kind("esp-group", ("esp-group", "default-esp-group"), {"cipher": "encryption", "mac": "hash"}, ("encryption", "hash"))
KINDS = (IKE, ESP)
NAMES = {name: kind for kind in KINDS for name in kind.names}
CERTIFICATES = ("certificate", "ca-certificate")  # of HTTPS: leaves that take one value, too
KEPT = " kept"  # of the name of an endpoint: the proposals behind the first one of a successor


@dataclass(frozen=True, slots=True)
class Group:
    """besides: its statements but the proposals, without its path.  users: the paths of the leaves that name it."""

    kind: Kind
    name: str
    besides: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    users: tuple[str, ...]

    @property
    def two(self) -> bool:
        """Whether it is a successor that still has what was there before it."""
        return family(self.name) != self.name and len(self.proposals) > 1


def place(statement: str) -> str:
    """What a statement is put back with: its group, or the leaf that names one; any other by its own path without its value."""
    return " ".join(statement.split()[:4]) if _grouped(statement) else statement.rpartition(" ")[0]


def _grouped(statement: str) -> bool:
    return any(statement.startswith(f"{PLACE} {kind.word} ") for kind in KINDS)


def groups(said: Iterable[str]) -> tuple[Group, ...]:
    held: dict[str, list[list[str]]] = {}
    users: dict[tuple[str, str], list[str]] = {}
    for one in said:
        path, dummy, name = one.rpartition(" ")
        if _grouped(one):
            held.setdefault(place(one), []).append(one.split()[4:])
        elif (leaf := path.rpartition(" ")[2]) in NAMES:
            users.setdefault((NAMES[leaf].word, name), []).append(path)
    return tuple(_group(path.split(), below, users) for path, below in held.items())


def _group(path: list[str], below: list[list[str]], users: Mapping[tuple[str, str], list[str]]) -> Group:
    """Its proposals in the order of their numbers."""
    found: dict[int, Proposal] = {}
    for words in below:
        if words[:1] == ["proposal"] and words[1:] and words[1].isdigit():
            found.setdefault(int(words[1]), {}).update({words[2]: words[3]} if words[3:] else {})
    (kind,) = (one for one in KINDS if one.word == path[2])
    besides = tuple(" ".join(words) for words in below if words and words[0] != "proposal")
    return Group(kind, path[3], besides, tuple(found[number] for number in sorted(found)), tuple(users.get((kind.word, path[3]), ())))


def over(said: Iterable[str]) -> dict[str, str]:
    """The endpoints whose successor is in front of them, "" for a group that nobody names."""
    known = groups(said)
    out = {f"{one.kind.word} {one.name}{KEPT}": one.name for one in known if one.two and one.users}
    for one in known:
        heirs = [each.name for each in known if each.kind == one.kind and each.users and family(each.name) == family(one.name)]
        if not one.users:
            out[f"{one.kind.word} {one.name}"] = next(iter(heirs), "")
    return out


def written(said: Iterable[str], id_: str, wanted: Mapping[str, Wanted], host: str) -> dict[str, tuple[str, ...]]:
    """The places that change, and what stands there then.  id_: of its endpoint, without the name of the product.  Raises Inexpressible."""
    known = {f"{one.kind.word} {one.name}": one for one in groups(said)}
    group = known[id_.removesuffix(KEPT)]
    if id_.endswith(KEPT):
        return _contracted(group, wanted)
    if not group.users:
        return {group.kind.path(group.name): ()}
    return _expanded(group, wanted, host)


def _expanded(group: Group, wanted: Mapping[str, Wanted], host: str) -> dict[str, tuple[str, ...]]:
    """A copy with the best of what is wanted in front; what was there stays behind it."""
    if not group.proposals:
        raise Inexpressible(f"{group.kind.path(group.name)} has no proposal", host, "write one there")
    first = {**group.proposals[0], **{group.kind.leaves[aspect]: _word(to.names[0]) for aspect, to in wanted.items()}}
    if silent := _silent(group.kind, first):
        where = group.kind.path(group.name)
        raise Inexpressible(f"{where}: its first proposal says no {silent}, and the default is weak", host, f"set {where} proposal … {silent}")
    return _moved(group, (first, *(one for one in group.proposals if one != first)))


def _contracted(group: Group, wanted: Mapping[str, Wanted]) -> dict[str, tuple[str, ...]]:
    """Its first proposal, and of those behind it what is wanted."""
    allowed = {group.kind.leaves[aspect]: {_word(name) for name in to.names} for aspect, to in wanted.items()}
    rest = (one for one in group.proposals[1:] if all(one.get(leaf, "") in words for leaf, words in allowed.items()))
    return {**_moved(group, (group.proposals[0], *rest)), group.kind.path(group.name): ()}


def _moved(group: Group, proposals: tuple[Proposal, ...]) -> dict[str, tuple[str, ...]]:
    """Another group with these, and all that names the old one pointed at it."""
    holds = [*group.besides]
    for number, one in enumerate(proposals, 1):
        holds += [f"proposal {number} {leaf} {value}" for leaf, value in sorted(one.items())] or [f"proposal {number}"]  # of defaults alone
    name = successor(group.name, holds)
    path = group.kind.path(name)
    return {path: tuple(f"{path} {one}" for one in holds), **{user: (f"{user} {name}",) for user in group.users}}


def _word(name: str) -> str:
    """`dh-group 20` is the leaf with its value."""
    return name.rpartition(" ")[2]


def _silent(kind: Kind, proposal: Proposal) -> str:
    """The leaf that a proposal should say and does not; a cipher that authenticates needs no hash but for a PRF that it would come from."""
    alone = sealed((proposal.get("encryption", ""),)) and (kind is ESP or "prf" in proposal)
    return next((leaf for leaf in kind.whole if leaf not in proposal and not (leaf == "hash" and alone)), "")


def commands(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """What makes the one of the other: all that is new stands before anything goes, and a leaf that takes one value takes the new one."""
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    objects, leaves = [one for one in come if _grouped(one)], [one for one in come if not _grouped(one)]
    taken = {path for path in map(place, leaves) if path.rpartition(" ")[2] in (*NAMES, *CERTIFICATES)}
    away = dict.fromkeys(place(one) if _grouped(one) else one for one in gone if place(one) not in taken)
    return (*(f"set {one}" for one in (*objects, *leaves)), *(f"delete {path}" for path in away))
