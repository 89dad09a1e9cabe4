"""Which host keys sshd has, which are due, and what takes their place.  Pure: the day is an argument.

A key of ours carries the day on which it was made in its name, /etc/ssh/ssh_host_ed25519_20270110_key: that is where its age is known from,
and the usual globs (ssh_host_*_key: backups, SELinux, cloud-init) know it for what it is.  Of several keys of one type sshd uses the first
that its configuration names, and announces the others to clients after the login (PROTOCOL §2.5, hostkeys-00@openssh.com).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ..model import Problem, Snapshot
from .openssh_config import MAIN, reading_order
from .openssh_keys import USUAL, configured
from .openssh_kinds import KINDS, OF_TYPE, Signed, fingerprint, kind_of, signed, signs_with, words
from .paths import glob

_OURS = re.compile(r"/ssh_host_[a-z0-9_]+_(\d{4})(\d\d)(\d\d)[b-z]?_key$")


@dataclass(frozen=True, slots=True)
class HostKey:
    """path: of the private half.  public: "type base64".  made: the day, when it is ours.  certificate: its path, when sshd is told of one."""

    path: str
    public: str
    made: date | None = None
    certificate: str = ""
    signed: Signed | None = None

    @property
    def type(self) -> str:
        return self.public.partition(" ")[0]

    @property
    def kind(self) -> str:
        return kind_of(self.public)

    @property
    def family(self) -> str:
        return OF_TYPE.get(self.type, self.type)

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


@dataclass(frozen=True, slots=True)
class Terms:
    """kinds: wanted ones, () = a successor for each of today.  phase: due (what is due first), expand or contract alone, or keep.

    overlap: days that old and new are offered together; max_age: days after which a key of ours is due.
    algorithms: those that sshd uses (HostKeyAlgorithms), None = nobody knows.
    """

    kinds: tuple[str, ...]
    phase: str
    overlap: int
    max_age: int
    today: date
    algorithms: tuple[str, ...] | None = None

    def uses(self, key: HostKey) -> bool:
        return self.algorithms is None or bool(set(signs_with(key.public)) & set(self.algorithms))


@dataclass(frozen=True, slots=True)
class Rotation:
    """orders: (kind, path) to be made.  removed: what goes.  waits: what goes later, or stays, and why."""

    orders: tuple[tuple[str, str], ...] = ()
    removed: tuple[HostKey, ...] = ()
    reasons: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


def offered(snapshot: Snapshot) -> tuple[HostKey, ...]:
    """In sshd's order.  Raises Problem for one whose public half cannot be read: nobody could say what it is replaced by."""
    order = reading_order(snapshot)
    certificates = [path for path in configured(snapshot, order, "hostcertificate") if path in snapshot.files]
    found = []
    for path in _paths(snapshot):
        file = snapshot.files.get(f"{path}.pub")
        public = words(file.text or "") if file else ""
        if not public:
            raise Problem(
                f"the public half of the host key {path} cannot be read", f"{path}.pub", "write it with ssh-keygen -y, or take out its line"
            )
        certificate = next((where for where in certificates if _certifies(snapshot, where, public)), "")
        found.append(HostKey(path, public, _day(path), certificate, signed(snapshot.files[certificate].text or "") if certificate else None))
    return tuple(found)


def host_keys(snapshot: Snapshot) -> tuple[str, ...]:
    """Fingerprints of what sshd offers, for whoever compares hosts; () where that cannot be said."""
    try:
        return tuple(fingerprint(key.public) for key in offered(snapshot)) if MAIN in snapshot.files else ()
    except Problem:
        return ()


def _paths(snapshot: Snapshot) -> list[str]:
    """Those that sshd is told of; of the three that it looks for otherwise, those that are there."""
    order = reading_order(snapshot)
    lines = [p.directive.arguments[0] for p in order if p.directive.name == "hostkey" and p.directive.arguments]
    there = glob("/etc/ssh/ssh_host_*_key.pub", snapshot)
    return [path for path in configured(snapshot, order, "hostkey") or USUAL if lines or f"{path}.pub" in there]


def _certifies(snapshot: Snapshot, path: str, public: str) -> bool:
    """Whether a certificate is this key's: it carries the key behind its nonce."""
    text = words(snapshot.files[path].text or "").partition(" ")[2]
    key = base64.b64decode(public.partition(" ")[2])
    own = key[4 + int.from_bytes(key[:4], "big") :]
    return own in base64.b64decode(text)


def _day(path: str) -> date | None:
    found = _OURS.search(path)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def rotation(keys: tuple[HostKey, ...], terms: Terms, taken: Collection[str] = ()) -> Rotation:
    """What is to be made; only when nothing is, what may go.  taken: paths that are there already.  Raises Problem for a kind that is none."""
    if terms.phase == "keep":
        return Rotation()
    wanted, waits = _wanted(keys, terms)
    if terms.phase in ("due", "expand"):
        orders = [(kind, why) for kind in wanted if (why := _due(kind, keys, terms))]
        if orders:
            made = tuple((kind, _path(kind, terms.today, taken)) for kind, dummy in orders)
            until = (terms.today + timedelta(days=terms.overlap)).isoformat()
            reasons = tuple(f"sshd: a new {kind} beside the old, {path}: {why}" for (kind, why), (dummy, path) in zip(orders, made, strict=True))
            return Rotation(made, (), reasons, (*waits, f"sshd: what they take the place of may go from {until} on"))
    if terms.phase == "expand":
        return Rotation(waits=waits)
    return _contract(keys, terms, wanted, waits)


def _wanted(keys: tuple[HostKey, ...], terms: Terms) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if unknown := [kind for kind in terms.kinds if kind not in KINDS]:
        raise Problem(f"no kind of host key is called {', '.join(unknown)}", "agility_host_keys", f"use some of {', '.join(KINDS)}")
    if terms.kinds:
        return tuple(dict.fromkeys(terms.kinds)), ()
    found = {key: _successor(key.kind) for key in keys if terms.uses(key)}
    name = "name the kinds that shall be left in agility_host_keys"
    waits = tuple(f"sshd: {key} has no successor of its kind and stays: {name}" for key, kind in found.items() if not kind)
    idle = tuple(f"sshd: {key} gets no successor, for HostKeyAlgorithms lets nobody use it: {name}" for key in keys if key not in found)
    return tuple(dict.fromkeys(kind for kind in found.values() if kind)), (*waits, *idle)


def _successor(kind: str) -> str:
    """The kind that takes the place of one: itself, for a short RSA key the shortest that is good."""
    if kind in KINDS or not kind.startswith("RSA-"):
        return kind if kind in KINDS else ""
    return "RSA-3072" if int(kind[4:]) < 3072 else "RSA-4096"


def _due(kind: str, keys: tuple[HostKey, ...], terms: Terms) -> str:
    made = [key.made for key in keys if key.kind == kind and key.made]
    if not made:
        return "there is none of that kind which was made by a rotation"
    age = (terms.today - max(made)).days
    return f"the one there is of {max(made).isoformat()}, {age} days old" if age >= terms.max_age else ""


def _path(kind: str, today: date, taken: Collection[str]) -> str:
    names = (f"/etc/ssh/ssh_host_{KINDS[kind].family}_{today:%Y%m%d}{letter}_key" for letter in ("", *"bcdefghijklmnopqrstuvwxyz"))
    free = next((name for name in names if name not in taken), "")
    if not free:
        raise Problem(f"there are 25 host keys of {today.isoformat()} already", free, "wait for tomorrow")
    return free


def _contract(keys: tuple[HostKey, ...], terms: Terms, wanted: tuple[str, ...], waits: tuple[str, ...]) -> Rotation:
    overlap = 0 if terms.phase == "contract" else terms.overlap
    removed, reasons, later = [], [], list(waits)
    for key in keys:
        heirs = _heirs(key, keys, terms, wanted)
        if not heirs:
            continue
        ripe = max(heir.made for heir in heirs if heir.made) + timedelta(days=overlap)
        instead = " and ".join(heir.path for heir in heirs)
        if ripe <= terms.today:
            removed.append(key)
            reasons.append(f"sshd: {key} goes, {instead} takes its place")
        else:
            later.append(f"sshd: {key} is offered beside {instead} until {ripe.isoformat()}; agility_phase=contract ends that now")
    return Rotation((), tuple(removed), tuple(reasons), tuple(later))


def _heirs(key: HostKey, keys: tuple[HostKey, ...], terms: Terms, wanted: tuple[str, ...]) -> tuple[HostKey, ...]:
    """The keys of ours that take its place: the newest of its family, or, when its family is not wanted, one of each kind that is."""
    ours = sorted((other for other in keys if other.made and other != key), key=lambda other: (other.made, other.path))
    families = {KINDS[kind].family for kind in wanted}
    if terms.kinds and key.family not in families:
        newest = [next((one for one in reversed(ours) if one.kind == kind), None) for kind in wanted]
        return tuple(one for one in newest if one) if all(newest) else ()
    good = [one for one in ours if one.family == key.family and one.kind in wanted and (not key.made or (one.made, one.path) > (key.made, key.path))]
    return (good[-1],) if good else ()


def after(keys: tuple[HostKey, ...], plan: Rotation) -> tuple[HostKey, ...]:
    """What sshd shall offer then, in its order; the public halves of new ones are not known yet."""
    new = tuple(HostKey(path, KINDS[kind].type, _day(path)) for kind, path in plan.orders)
    return (*(key for key in keys if key not in plan.removed), *new)


def with_public(key: HostKey, public: str) -> HostKey:
    return replace(key, public=words(public))
