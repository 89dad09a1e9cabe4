"""One connection of strongSwan, or one of its children, as an endpoint: what is loaded, what it can do, what its SAs agreed on, and the traps.

Sources: swanctl.opt (defaults); vici_config.c; standards of each: RFC 9370 (additional exchanges), RFC 8784 (PPK), RFC 7383 (fragmentation).
What the kernel can do decides about the ciphers of ESP, and swanctl does not tell that.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..algorithms.lookup import all_of
from ..certificates.read import leaf
from ..credentials import Certificate
from ..model import Capability, Endpoint, Evidence, Origin, Setting, Snapshot
from ..peers import quantum_safe
from . import strongswan_vici as vici
from .ike_proposal import KINDS, Kind, Proposal, split
from .strongswan_config import Config, Entry, View
from .strongswan_link import facts
from .strongswan_proposals import FORM, default_exchanges, distinct, parse

LISTED: dict[str, tuple[str, ...]] = {
    "cipher": ("encryption", "aead"),
    "mac": ("integrity",),
    "prf": ("prf",),
    "key_exchange": ("ke", "key_exchange", "dh"),
}
VERSIONS = {"IKEv1/2": ("2", "1"), "1": ("1",), "IKEv1": ("1",), "2": ("2",), "IKEv2": ("2",)}  # what 0 means has changed: 6.1 takes IKEv2 alone


@dataclass(frozen=True, slots=True)
class Daemon:
    """What charon told.  able: names by kind, None = it did not answer; asked: what it was asked with."""

    version: str
    able: dict[str, tuple[str, ...]] | None
    asked: str = "swanctl --list-algs"

    @property
    def label(self) -> str:
        return f"strongSwan {self.version or 'of unknown version'}"

    def has(self, kind: str, name: str) -> bool:
        return self.able is None or name in self.able[kind]

    def capability(self, kind: Kind) -> Capability:
        if self.able is None:
            return Capability(None, f"charon did not answer {self.asked}", self.label)
        names = [
            name for a in all_of("ikev2", kind) if self._made_of(kind, a.id, a.names.get("swanctl", ())) for name in a.names.get("strongswan", ())
        ]
        return Capability(tuple(names), self.asked, self.label, order="tuple" if kind == "key_exchange" else "list")

    def _made_of(self, kind: Kind, id_: str, printed: tuple[str, ...]) -> bool:
        able = (self.able or {}).get(kind, ())
        if kind in ("cipher", "mac"):  # printed without the length of a key
            return any(name in able or name.rpartition("-")[0] in able for name in printed)
        return all(part in able for part in id_.split("+"))


def daemon(snapshot: Snapshot) -> Daemon:
    algs = vici.algorithms(snapshot)
    able = {kind: tuple(name for word in words for name in algs.get(word, ())) for kind, words in LISTED.items()} if algs else None
    return Daemon(vici.version(snapshot), able)


class Seen:
    """child "" = the connection itself."""

    def __init__(self, snapshot: Snapshot, config: Config, daemon: Daemon, name: str, child: str = "") -> None:
        self.snapshot, self.config, self.daemon, self.name, self.child = snapshot, config, daemon, name, child
        self.connection = View(config.root, [config.root.sections["connections"]]).child(name)
        self.view = self.connection.child("children").child(child) if child else self.connection
        self.protocol = "esp" if child else "ikev2"
        self.key = "proposals" if not child else "ah_proposals" if self.view.entry("ah_proposals") else "esp_proposals"
        self.default = Origin(f"default of {daemon.label}")

    @property
    def id(self) -> str:
        return f"strongswan {self.name}/{self.child}" if self.child else f"strongswan {self.name}"

    @property
    def entry(self) -> Entry | None:
        return self.view.entry(self.key)

    @property
    def place(self) -> Origin:
        return self.entry.origin if self.entry else Origin(self.config.main)

    @property
    def texts(self) -> tuple[str, ...]:
        """The proposals as they are written."""
        return split(self.view.text(self.key, "default")) or ("default",)

    def loaded(self) -> vici.Tree | None:
        """What the daemon has of it; None: nothing."""
        found = next(iter(vici.events(self.snapshot.answers.get(vici.CONNS)).get(self.name, ())), None)
        return found.under("children").get(self.child) if found and self.child else found

    def proposals(self) -> tuple[tuple[Proposal, ...] | None, bool]:
        """(those that count, whether they are known from the daemon).  None = what `default` stands for is not known."""
        written = tuple(parse(text) for text in self.texts)
        tree = self.loaded()
        loaded = vici.proposals(tree, self.key) if tree else None
        if loaded:
            return loaded, True
        if not any(one.default for one in written):
            return written, False
        able = (self.daemon.able or {}).get("key_exchange", ())
        if self.child or not able:
            return None, False
        spelled = Proposal(FORM, default_exchanges(able), default=True)
        return tuple(spelled if one.default else one for one in written), False

    def stale(self) -> bool:
        """Whether the daemon has something else than the files say."""
        counts, loaded = self.proposals()
        written = [parse(text) for text in self.texts]
        if not loaded or counts is None or any(one.default for one in written):
            return False
        return [one.exchanges for one in counts] != [one.exchanges for one in written]

    # ------------------------------------------------------------ the endpoint

    def settings(self) -> Iterator[tuple[str, Setting]]:
        counts, loaded = self.proposals()
        origin = self.entry.origin if self.entry else self.default
        evidence: Evidence = "effective" if loaded else "configured"
        if counts is not None:
            values = self._possible(name for one in counts for name in (*one.exchanges, *one.strange))
            yield "key_exchange", Setting(values, origin, evidence, tuple(range(len(values))))
            for kind in KINDS[1:]:
                names = tuple(distinct(name for one in counts for name in one.of(kind)))
                if names and not any(one.default for one in counts):
                    yield kind, Setting(names, origin, evidence)
        if self.child:
            yield "lifetime", Setting((f"rekey={self.view.text('rekey_time', '1h')}",), self._origin("rekey_time"))
        else:
            if versions := self.versions():
                yield "version", Setting(versions, self._origin("version"))
            yield "ppk", Setting((f"mode={self._ppk()}",), self._origin("ppk_required", "ppk_id"))
            yield "fragmentation", Setting((self.view.text("fragmentation", "yes"),), self._origin("fragmentation"))
            again = (f"rekey={self.view.text('rekey_time', '4h')}", f"reauth={self.view.text('reauth_time', '0s')}")
            yield "lifetime", Setting(again, self._origin("rekey_time", "reauth_time"))
            yield "authentication", Setting(tuple(self._authentication()), self._origin("local_addrs"))
        if counts is not None:
            yield "offer", Setting(tuple(one.told for one in counts), origin, evidence)
        yield "link", Setting(tuple(facts(self)), self._origin("remote_addrs", "remote_ts"))
        if agreed := self.agreed():
            yield "sa", Setting(tuple(vici.suite(tree) for tree in agreed), Origin("swanctl --list-sas"), "negotiated")

    def versions(self) -> tuple[str, ...]:
        """() = nobody knows what this version means."""
        tree = self.loaded()
        return VERSIONS.get(tree.values.get("version", "") if tree else self.view.text("version"), ())

    def agreed(self) -> list[vici.Tree]:
        """What its SAs agreed on, the newest last: charon lists IKE SAs in no order."""
        found = vici.events(self.snapshot.answers.get(vici.SAS)).get(self.name, [])
        if not self.child:
            return vici.by_age(tree for tree in found if tree.values.get("state") == "ESTABLISHED")
        mine = (one for tree in found for one in tree.under("child-sas").values() if one.values.get("name") == self.child)
        return vici.by_age(one for one in mine if one.values.get("state") == "INSTALLED")

    def _possible(self, names: Iterable[str]) -> tuple[str, ...]:
        """Without what this daemon would agree on and then die of: 6.0.1 of Debian reads ke1_mlkem768 and has no ML-KEM."""
        return tuple(name for name in distinct(names) if name not in self.impossible)

    @property
    def impossible(self) -> tuple[str, ...]:
        able = self.daemon.capability("key_exchange").names
        counts, dummy = self.proposals()
        if able is None or counts is None:
            return ()
        known = {name for a in all_of("ikev2", "key_exchange") for name in a.names.get("strongswan", ())}
        return tuple(distinct(name for one in counts for name in one.exchanges if name in known and name not in able))

    def _origin(self, *names: str) -> Origin:
        return next((found.origin for name in names if (found := self.view.entry(name))), self.default)

    def _ppk(self) -> str:
        if not self.view.text("ppk_id"):
            return "off"
        return "required" if self.view.on("ppk_required") else "enabled"

    def _authentication(self) -> Iterator[str]:
        for name in self.connection.names():
            side = next((side for side in ("local", "remote") if name.startswith(side)), "")
            if side:
                yield f"{side}={self.connection.child(name).text('auth', 'pubkey')}"

    def certificates(self) -> Iterator[Certificate]:
        folder = posixpath.join(posixpath.dirname(self.config.main), "x509")
        for name in self.connection.names() if not self.child else ():
            certs = self.connection.child(name).text("certs") if name.startswith("local") else ""
            for path in (posixpath.join(folder, one) for one in split(certs)):
                file = self.snapshot.files.get(path)
                if found := leaf(file.text, path) if file and file.text else None:
                    yield found

    def endpoint(self) -> Endpoint:
        can: dict[str, Capability] = {kind: self.daemon.capability(kind) for kind in KINDS}
        if self.child:
            can |= {kind: Capability(None, "the kernel decides what ESP can use", self.daemon.label) for kind in KINDS[1:]}
        else:
            can["version"] = Capability(("2", "1"), "swanctl.opt", self.daemon.label, order="set")
        return Endpoint(
            id=self.id,
            service="strongswan",
            protocol="esp" if self.child else "ikev2",
            names="strongswan",
            addresses=self._addresses(),
            version=self.daemon.label,
            settings=dict(self.settings()),
            capabilities=can,
            certificates=tuple(self.certificates()),
            notes=tuple(self.notes()),
        )

    def _addresses(self) -> tuple[tuple[str, int], ...]:
        port = self.connection.text("local_port", "500")
        found = split(self.connection.text("local_addrs", "%any"))
        return tuple(("*" if one.startswith("%any") else one, int(port) if port.isdigit() else 500) for one in found)

    # ------------------------------------------------------------ traps

    def notes(self) -> Iterator[str]:
        counts, dummy = self.proposals()
        where = str(self.entry.origin if self.entry else self.default)
        if self.impossible:
            names = ", ".join(self.impossible)
            yield f"{where}: this charon reads {names}, would agree on it and then fail, for it has no such method (swanctl --list-algs)"
        if self.stale():
            yield f"{where}: charon has loaded something else than the files say: swanctl --load-all takes up what they say"
        if self.snapshot.answers.get(vici.CONNS) and self.daemon.able is not None and self.loaded() is None:
            yield f"{where}: it stands in the files, and charon has not loaded it"
        hybrids = [name for one in counts or () for name in one.exchanges if quantum_safe(self.protocol, name)]
        for one in counts or ():
            if one.optional:
                yield f"{where}: keN_none makes the additional exchange optional: a peer without it gets a classical one in silence"
        if self.child and any(not one.always for one in counts or ()):
            yield f"{where}: a proposal without an exchange of its own is rekeyed out of the IKE SA: no forward secrecy of its own"
        if not self.child:
            yield from self._of_the_connection(bool(hybrids))
        agreed = self.agreed()
        if hybrids and agreed and not quantum_safe(self.protocol, vici.exchange(agreed[-1])) and (not self.child or vici.exchange(agreed[-1])):
            yield f"its SA of now ({vici.suite(agreed[-1])}) was agreed on without ML-KEM: see the other end, and establish it anew"
        if self.child and agreed and not vici.exchange(agreed[-1]):
            yield "its SA of now was born with the IKE SA: whether both ends agree on its own exchange shows at the first rekeying"

    def _of_the_connection(self, hybrid: bool) -> Iterator[str]:
        if self._ppk() == "enabled":
            yield f"{self._origin('ppk_id')}: the PPK is not required: a peer without it gets an SA without it in silence"
        if self._ppk() != "off" and self.view.text("reauth_time", "0s") in ("0", "0s"):
            yield f"{self._origin('ppk_id')}: a new PPK acts at the next re-authentication only, and reauth_time is 0"
        if hybrid and self.view.text("fragmentation", "yes") == "no":
            yield f"{self._origin('fragmentation')}: without fragmentation the packets with ML-KEM are fragmented by IP, which firewalls drop"
        if "1" in self.versions():
            yield f"{self._origin('version')}: IKEv1 is taken too, and has no additional exchanges"
