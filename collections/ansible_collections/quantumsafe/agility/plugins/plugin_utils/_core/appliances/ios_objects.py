"""IKEv2 proposals and transform sets of IOS-XE: how one gives way to another (objects.py), as edits of a text and as commands.  Pure.

Sources: Cisco-IOS-XE-crypto.yang of 26.1.1 for the words; Cisco's guide "Configuring Internet Key Exchange Version 2": a policy prefers its proposals
in the order in which they were entered, and has to have one; AES-GCM stands in a proposal without `integrity` and needs a `prf`.  A transform set is
named in one line, in its order of preference, which a new line replaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..documents.indent import Command, Document, parse
from ..documents.lines import split
from ..model import Edit, File, Inexpressible, Snapshot, Wanted
from .appliance import Order
from .ios_endpoints import esp_name, transforms
from .lists import IN, edits_of, within
from .objects import Places, contracted, expanded, family, moves, named, succeeded, successor

PROPOSAL, POLICY, SET = "crypto ikev2 proposal", "crypto ikev2 policy", "crypto ipsec transform-set"
OBJECTS = (PROPOSAL, SET)
USERS = (("crypto", "ipsec", "profile"), ("crypto", "map"), ("crypto", "dynamic-map"))
NAMES = "set transform-set"
IKE = "ios ikev2 proposal "
OWN = "default"  # what IOS-XE brings itself, and does not show
TAKES = {
    IKE: ("key_exchange", "cipher", "mac", "prf"),
    "ios ipsec profile ": ("cipher", "mac"),
    "ios map ": ("cipher", "mac"),
    "ios dynamic-map ": ("cipher", "mac"),
}
_WEAK = ("md5", "sha1")


# ---------------------------------------------------------------- a text and its edits


@dataclass(slots=True)
class Draft:
    """What stands there, and what shall: the lists of names, and the objects that come or, with no statements, go."""

    document: Document
    host: str
    policies: dict[str, tuple[str, ...]]
    users: dict[str, tuple[str, ...]]
    objects: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def give_way(self, id_: str, wanted: Mapping[str, Wanted], gone: bool) -> None:
        """Raises Inexpressible.  gone: the successor of this endpoint stands in front, so the old one goes."""
        if id_.startswith(IKE):
            name = id_.removeprefix(IKE)
            if gone:
                self._drop_proposal(name)
            else:
                self._add_proposal(name, wanted)
        else:
            path = next(f"{' '.join(one.words)}{IN}{NAMES}" for one in users(self.document) if f"ios {esp_name(one)}" == id_)
            if gone:
                self._drop_sets(path)
            else:
                self._add_set(path, wanted)

    def edits(self, file: File) -> tuple[Edit, ...]:
        text, found = split(file.text or ""), list[Edit]()
        for path, statements in self.objects.items():
            found += edits_of(text, path, statements, self._like(path))
        for path, names in self.policies.items():
            if names != policies(self.document)[path]:
                found += edits_of(text, path, tuple(f"{path} {name}" for name in names))
        for path, names in self.users.items():
            if names != named_sets(self.document)[path]:
                found += edits_of(text, path, (" ".join((path, *names)),))
        return tuple(found)

    def _like(self, path: str) -> int:
        """Where its kind begins, for a new one."""
        return next((one.line for one in self.document.of(*path.split()[:3])), 1)

    # ------------------------------------------------------------ IKEv2

    def _add_proposal(self, name: str, wanted: Mapping[str, Wanted]) -> None:
        (old,) = self.document.of(*PROPOSAL.split(), name)
        body = tuple(" ".join(words) for words in _proposal(old, wanted, self.host))
        new = successor(name, body)
        head = f"{PROPOSAL} {new}"
        if not self.document.of(*head.split()):
            self.objects[head] = (head, *(f"{head}{IN}{line}" for line in body))
        self.policies.update(expanded(self.policies, name, new))

    def _drop_proposal(self, name: str) -> None:
        self.policies.update(contracted(self.policies, name))
        self.objects[f"{PROPOSAL} {name}"] = ()

    # ------------------------------------------------------------ ESP

    def _add_set(self, path: str, wanted: Mapping[str, Wanted]) -> None:
        names = self.users[path]
        sets = {one.words[3]: one for one in self.document.of(*SET.split()) if one.words[3:]}
        if names[0] not in sets:
            raise Inexpressible(f"`{path} {' '.join(names)}`: no transform set is called {names[0]}", self.host, "write it, or name another")
        old = sets[names[0]]
        said, mode = _transforms(old, wanted, self.host), tuple(" ".join(one.words) for one in old.under("mode"))
        new = successor(names[0], (said, *mode))
        head = f"{SET} {new}"
        if new not in sets:
            line = f"{head} {said}"
            self.objects[head] = (line, *(f"{line}{IN}{one}" for one in mode))
        self.users[path] = (new, *(name for name in names if name != new))

    def _drop_sets(self, path: str) -> None:
        names = self.users[path]
        late = _late(names)
        self.users[path] = tuple(name for name in names if name not in late)
        for name in late:
            if not named(self.users, name):
                self.objects[f"{SET} {name}"] = ()


def draft(file: File, host: str) -> Draft:
    document = parse(file.text or "", file.path)
    return Draft(document, host, dict(policies(document)), dict(named_sets(document)))


def policies(document: Document) -> Places:
    found = [one for one in document.of(*POLICY.split()) if one.words[3:] and one.words[3] != OWN]
    return {f"{' '.join(one.words)}{IN}proposal": tuple(each.words[1] for each in one.under("proposal") if each.words[1:]) for one in found}


def users(document: Document) -> Iterator[Command]:
    """What names transform sets."""
    for head in USERS:
        yield from (one for one in document.of(*head) if one.under(*NAMES.split()) and one.words[-1] != OWN)


def named_sets(document: Document) -> Places:
    return {f"{' '.join(one.words)}{IN}{NAMES}": one.under(*NAMES.split())[-1].words[2:] for one in users(document)}


def over(snapshot: Snapshot) -> Mapping[str, str]:
    """As Live.over."""
    (file,) = snapshot.files.values()
    document = parse(file.text or "", file.path)
    lists, out = policies(document), dict[str, str]()
    for one in document.of(*PROPOSAL.split()):
        name = one.words[-1]
        if succeeded(lists, name):
            places = named(lists, name)
            out[f"{IKE}{name}"] = next((each for each in lists[places[0]] if family(each) == family(name)), "") if places else ""
    for one in users(document):
        names = one.under(*NAMES.split())[-1].words[2:]
        if late := _late(names):
            out[f"ios {esp_name(one)}"] = next(name for name in names if family(name) == family(late[0]))
    return out


def _late(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those that one of their family stands in front of."""
    return tuple(name for at, name in enumerate(names) if any(family(one) == family(name) for one in names[:at]))


# ---------------------------------------------------------------- what a successor holds


def _best(wanted: Wanted | None, old: tuple[str, ...]) -> tuple[str, ...]:
    """Of what shall be what is not there yet, for the old one stays; else all of it."""
    if wanted is None:
        return old
    return tuple(name for name in wanted.names if name not in old) or wanted.names


def _proposal(old: Command, wanted: Mapping[str, Wanted], host: str) -> Iterator[tuple[str, ...]]:
    """Its lines.  Raises Inexpressible."""
    has = {word: found[-1].words[1:] for word in ("encryption", "integrity", "prf", "group", "pqc") if (found := old.under(word))}
    ciphers = _best(wanted.get("cipher"), has.get("encryption", ()))
    sealed = tuple(name for name in ciphers if "gcm" in name)
    macs = _best(wanted.get("mac"), has.get("integrity", ()))
    prfs = _best(wanted.get("prf"), has.get("prf", ()))
    if not ciphers or not (sealed or macs) or not (has.get("group") or "key_exchange" in wanted):
        why = f"`{' '.join(old.words)}` does not say its encryption, integrity and group, so nobody knows what its successor needs"
        raise Inexpressible(why, host, "write those lines, or the proposal anew")
    yield ("encryption", *(sealed or ciphers))
    if not sealed:
        yield ("integrity", *macs)
    if sealed and not prfs:
        prfs = tuple(word for word in has.get("integrity", ()) if word not in _WEAK) or ("sha384", "sha256")
    if prfs:
        yield ("prf", *prfs)
    yield from _exchange(wanted.get("key_exchange"), has)


def _exchange(wanted: Wanted | None, has: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """`group` and `pqc` are read together; of several ML-KEM a line is not known to take more than one."""
    if wanted is None:
        yield from ((word, *has[word]) for word in ("group", "pqc") if word in has)
        return
    plain = tuple(f"group {number}" for number in has.get("group", ()))
    kems = tuple(word for word in has.get("pqc", ()) if word != "optional")
    best = _best(wanted, (*plain, *(f"{group} pqc {kem}" for group in plain for kem in kems)))
    pairs = [(name.split()[1], name.split()[3]) for name in best if " pqc " in name]
    if pairs:
        kem = pairs[0][1]
        yield ("group", *dict.fromkeys(group for group, other in pairs if other == kem))
        yield ("pqc", kem)
    else:
        yield ("group", *(name.split()[1] for name in best))


def _transforms(old: Command, wanted: Mapping[str, Wanted], host: str) -> str:
    """One set holds one cipher, and one MAC where that does not authenticate by itself.  Raises Inexpressible."""
    words = tuple(transforms(old.words[4:]))
    macs = tuple(word for word in words if word.endswith("-hmac"))
    ciphers = tuple(name for name in _best(wanted.get("cipher"), tuple(word for word in words if word not in macs)) if "gmac" not in name)
    mac = _best(wanted.get("mac"), macs)[:1]
    if not ciphers or not ("gcm" in ciphers[0] or mac) or any(word.startswith("ah-") for word in words):
        raise Inexpressible(f"`{' '.join(old.words)}` has no successor that is known here", host, "write one by hand")
    return " ".join((ciphers[0], *(() if "gcm" in ciphers[0] else mac)))


# ---------------------------------------------------------------- commands


def place(statement: str) -> str:
    """As Live.place."""
    head, *below = statement.split(IN)
    if head.startswith(OBJECTS):
        return " ".join(head.split()[:4])
    if below:
        return f"{head}{IN}{'proposal' if head.startswith(POLICY) else NAMES}"
    return " ".join(head.split()[:3])


def commands(order: Order, paths: Iterable[str]) -> tuple[str, ...]:
    """What comes, then the lists that name it, then what nothing names any more."""
    come, lists, gone = list[str](), list[str](), list[str]()
    for path in paths:
        old, new = (tuple(one for one in said if within(one, path)) for said in (order.old, order.new))
        if not path.startswith(OBJECTS):
            lists += _named(path, old, new)
        elif new:
            come += [one.split(IN)[-1] for one in new]
        else:
            gone.append(f"no {path}")
    return (*come, *lists, *gone)


def _named(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    head, said = path.split(IN)
    yield head
    if said == NAMES:
        yield from (one.split(IN)[-1] for one in new)
        return
    now, wanted = (tuple(one.split()[-1] for one in each) for each in (old, new))
    yield from (f"{'' if adds else 'no '}{said} {name}" for adds, name in moves(now, wanted))
