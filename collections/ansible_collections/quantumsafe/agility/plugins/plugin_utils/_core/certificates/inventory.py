"""What a host told of its files → its inventory: what each is, who uses and who renews it, and what belongs to nothing.  Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import public
from .held import Inventory, Item, Key, Shown, Told
from .load import Library
from .places import ANCHORS, AUTHORITIES, CLIENTS, ENROLMENT, RENEWERS, TIMERS
from .rotate import OURS
from .ssh_lists import ssh_lists
from .token_items import token_items

PRIVATE = "PRIVATE KEY"
# how a file holds its key, by the label of the block
FORMS = {"OPENSSH PRIVATE KEY": "OPENSSH", "DER PRIVATE KEY": "DER"}
MATERIAL = {"role=code-signing": "code-signing", "role=802.1x": "device"}
OF_SSH = ("/.ssh/", "/etc/ssh/")  # keys there have no certificate of X.509


@dataclass(frozen=True, slots=True)
class Uses:
    """paths: file → endpoints that open it; roles: role → paths (service.py, holds).  pairs: reference to a key → its certificate."""

    paths: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, tuple[str, ...]]
    pairs: Mapping[str, str] = field(default_factory=dict)


def inventory(shown: Shown, uses: Uses) -> Inventory:
    """Files that hold nothing of it are left out."""
    things = {word: {id_: path for id_, path in shown.there.items() if id_ in table} for word, table in _TABLES.items()}
    maker = _Maker(shown, uses)
    return Inventory(
        items=(*maker.items(), *token_items(shown, uses.paths, uses.pairs, maker.library)),
        ssh=ssh_lists(shown, uses.roles),
        bundle=_bundle(shown),
        timers=tuple(one for one in shown.timers if any(word in one[0] for word in TIMERS)),
        tokens=tuple((where, uri) for where, uri in shown.named if uri.startswith("pkcs11:")),
        notes=tuple(_notes(shown)),
        **things,
    )


_TABLES = {"clients": CLIENTS, "enrolment": ENROLMENT, "authorities": AUTHORITIES}


def _bundle(shown: Shown) -> dict[str, str]:
    if not shown.bundle:
        return {}
    found = shown.files.get(shown.bundle)
    return {"path": shown.bundle, "certificates": str(shown.bundle_count), "sha256": found.sha256 if found else ""}


def _notes(shown: Shown) -> Iterator[str]:
    if shown.left:
        yield f"{shown.left} more files were not looked at: there are more than an inventory takes"
    for name in shown.odd:
        yield f"{name!r} was not looked at: its name holds a control character"
    if shown.late:
        yield f"{len(shown.late)} keys and chains were not looked into, for that took too long: {', '.join(shown.late[:3])}"


class _Maker:
    """named: file → where a configuration names it, or the folder that it is in."""

    def __init__(self, shown: Shown, uses: Uses) -> None:
        self.shown, self.uses = shown, uses
        self.library = Library(shown)
        self.named: dict[str, list[str]] = {}
        for where, path in shown.named:
            self.named.setdefault(shown.aliases.get(path, path), []).append(where)
        self.keys = {path: key for path, told in shown.files.items() if (key := _key(told, _named_alike(path, shown.files)))}
        self.private = {key.public: path for path, key in self.keys.items() if key.public}
        self.certified = {one.key for found in self.library.files.values() for one in found}
        self.locked = {posixpath.dirname(path) for path, key in self.keys.items() if not key.public}

    def items(self) -> Iterator[Item]:
        for path, told in self.shown.files.items():
            kinds = _kinds(told)
            if told.ssh or told.hosts or told.krl or not (kinds or told.problem):
                continue
            key, found = self.keys.get(path), self.library.files.get(path, ())
            users = self._users(path)
            yield Item(
                path=path,
                size=told.size,
                owner=told.owner,
                group=told.group,
                mode=told.mode,
                sha256=told.sha256,
                kinds=kinds,
                certificates=self.library.facts(told),
                count=told.counted or len(told.der),
                key=key,
                public=found[0].key if found else "",
                users=users,
                renewal=self._renewal(path),
                roles=tuple(self._roles(told, key, users)),
                problem=told.problem or self._problem(told),
            )

    def _users(self, path: str) -> tuple[str, ...]:
        """Endpoints, then places in configurations."""
        names = [path, *(link for link, real in self.shown.aliases.items() if real == path)]
        ends = [end for name in names for end in self.uses.paths.get(name, ())]
        roles = [role for role, paths in self.uses.roles.items() if set(names) & set(paths)]
        return tuple(dict.fromkeys((*ends, *roles, *self.named.get(path, ()), *self.named.get(f"{posixpath.dirname(path)}/", ()))))

    def _renewal(self, path: str) -> str:
        if OURS.search(posixpath.splitext(path)[0]):
            return "rotate_certificates"
        told = self.shown.renews.get(path, "")
        return told or next((who for folder, who in RENEWERS.items() if path.startswith(folder)), "")

    def _roles(self, told: Told, key: Key | None, users: tuple[str, ...]) -> Iterator[str]:
        found = self.library.files.get(told.path, ())
        words = {word for one in found for word in one.value.more}
        if told.path.startswith(ANCHORS):
            yield "anchor"
        if any(one.authority and one.key in self.private for one in found):
            yield "authority"
        for word, role in MATERIAL.items():
            if word in words:
                yield role
        if told.state == "locked" or (key and key.encrypted):
            yield "locked"
        if key and key.public and key.public not in self.certified and not users and not any(part in told.path for part in OF_SSH):
            yield "orphan-key"
        if found and not users and not told.path.startswith(ANCHORS) and not any(one.authority for one in found):
            yield "orphan-certificate"
        if found and not found[0].authority and self._unmatched(told, found[0].key):
            yield "no-key"

    def _unmatched(self, told: Told, digest: str) -> bool:
        """No key of this host is its own, and none lies beside it that could not be looked into."""
        return not told.path.startswith(ANCHORS) and digest not in self.private and posixpath.dirname(told.path) not in self.locked

    def _problem(self, told: Told) -> str:
        """What is wrong with the file itself."""
        unfinished = sum(one.state == "unfinished" for one in told.blocks)
        labels = [one.kind for one in told.blocks]
        said = {
            "{} of its blocks never end": unfinished,
            "{} of its certificates cannot be read": self.library.broken.get(told.path, 0) + labels.count("no-certificate"),
            "{} of its certificates were not told: too many on this host": labels.count("untold"),
        }
        return "; ".join(text.format(number) for text, number in said.items() if number)


def _kinds(told: Told) -> tuple[str, ...]:
    """certificate, key, pkcs12, jks, csr, crl, …; a file of many certificates is a bundle."""
    out = ["certificate"] if told.der else []
    out += ["bundle"] if told.counted else []
    for block in told.blocks:
        out.append(_KINDS.get(block.kind, "key" if PRIVATE in block.kind else ""))
    return tuple(dict.fromkeys(kind for kind in (*out, told.container) if kind))


_KINDS = {
    "X509 CRL": "crl",
    "CERTIFICATE REQUEST": "request",
    "NEW CERTIFICATE REQUEST": "request",
    "PKCS7": "pkcs7",
    "CMS": "pkcs7",
    "PUBLIC KEY": "public-key",
    "OpenVPN Static key V1": "openvpn-static-key",
    "no-certificate": "certificate",
    **dict.fromkeys(("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"), "certificate"),
    "untold": "certificate",
}


def _key(told: Told, beside: str) -> Key | None:
    """The private key of a file; beside: its public half in another one.

    A container that an empty password opens holds one that is as good as not encrypted.
    """
    block = next((one for one in told.blocks if PRIVATE in one.kind), None)
    if block is None and not (told.container and told.public):
        return None
    raw = public.from_base64(told.public or beside)
    if raw and raw[:1] != b"\x30":  # an SSH key begins with the length of its name
        raw = public.from_ssh(raw)
    form = told.container.upper() if block is None else FORMS.get(block.kind, "PEM")
    return Key(public.kind(raw), block is not None and block.state == "encrypted", public.digest(raw), form)


def _named_alike(path: str, files: Mapping[str, Told]) -> str:
    """The public half that lies beside a key that is locked: id_ed25519.pub.  base64, "" without one."""
    beside = files.get(f"{path}.pub")
    return beside.ssh[0].blob if beside and beside.ssh else ""
