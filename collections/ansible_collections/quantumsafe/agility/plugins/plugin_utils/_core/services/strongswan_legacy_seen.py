"""One connection of ipsec.conf as strongSwan reads it, or the SA under it that carries packets, as an endpoint.

Sources: starter/args.c, confread.c (defaults) and stroke_config.c of strongSwan 5.9 and 6.0; ipsec.conf(5).  Proposals that do not end with "!" have
those behind them that charon takes by itself.  ipsec.conf has no word for a PPK.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..algorithms.lookup import all_of
from ..certificates.read import leaf
from ..credentials import Certificate
from ..model import Capability, Endpoint, Evidence, Origin, Setting, Snapshot
from ..peers import quantum_safe
from .ike_proposal import KINDS, Proposal, split
from .ipsec_conf import Conn, Entry
from .ipsec_ends import facts
from .ipsec_service import where
from .stroke_status import Held, Status
from .strongswan_proposals import FORM, default_exchanges, distinct, parse
from .strongswan_seen import VERSIONS, Daemon

SPOKEN = {"ikev1": "IKEv1", "ikev2": "IKEv2"}
CERTS = "/etc/ipsec.d/certs"


@dataclass(frozen=True, slots=True)
class Seen:
    """status: None = charon did not answer.  child: of the SA that carries packets."""

    snapshot: Snapshot
    conn: Conn
    status: Status | None
    daemon: Daemon
    child: bool = False

    @property
    def protocol(self) -> str:
        return "esp" if self.child else "ikev2"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameter that holds the proposals."""
        return ("esp", "ah") if self.child else ("ike",)

    @property
    def id(self) -> str:
        return f"strongswan-legacy {self.conn.name}" + (f"/{self.kind}" if self.child else "")

    @property
    def kind(self) -> str:
        if not self.child:
            return "ike"
        return "ah" if self.conn.entry("ah") and not self.conn.entry("esp") else "esp"

    @property
    def entry(self) -> Entry | None:
        return self.conn.entry(*self.names)

    @property
    def place(self) -> Origin:
        """What would have to be edited."""
        return where(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """The proposals as they are written; behind the last may stand a "!"."""
        return split(self.entry.value if self.entry else "")

    @property
    def said(self) -> tuple[str, ...]:
        """The same, without what closes them."""
        return tuple(filter(None, (one.removesuffix("!").strip() for one in self.texts)))

    @property
    def closed(self) -> bool:
        """Whether nothing counts but what is written."""
        return self.conn.text(*self.names).rstrip().endswith("!")

    @property
    def loaded(self) -> dict[str, str]:
        return self.status.loaded.get(self.conn.name, {}) if self.status else {}

    @property
    def default(self) -> Origin:
        return Origin(f"default of {self.daemon.label}")

    def proposals(self) -> tuple[Proposal, ...] | None:
        """None = nobody knows what the default stands for."""
        written = tuple(parse(one) for one in self.said)
        if written and self.closed:
            return written
        able = (self.daemon.able or {}).get("key_exchange", ())
        if (not able and not self.child) or (self.child and not written):
            return None
        return (*written, Proposal(FORM, () if self.child else default_exchanges(able), default=True))

    def sas(self) -> list[Held]:
        """The newest last, by the numbers that charon counts."""
        if not self.status:
            return []
        found = self.status.esp.get(self.conn.name, []) if self.child else self.status.ike.get(self.loaded.get("head", ""), [])
        return sorted(found, key=lambda one: int(one.key[1:-1]))

    # ------------------------------------------------------------ the endpoint

    def settings(self) -> Iterator[tuple[str, Setting]]:
        counts, origin = self.proposals(), self.entry.origin if self.entry else self.default
        if counts is not None:
            values = tuple(
                name for name in distinct(name for one in counts for name in (*one.exchanges, *one.strange)) if name not in self.impossible
            )
            yield "key_exchange", Setting(values, origin, "configured", tuple(range(len(values))))
            for kind in KINDS[1:]:
                names = tuple(distinct(name for one in counts for name in one.of(kind)))
                if names and not any(one.default for one in counts):
                    yield kind, Setting(names, origin, "configured")
            yield "offer", Setting(tuple(one.told for one in counts), origin, "configured")
        known: Evidence = "effective" if self.loaded else "configured"
        if self.child:
            names = ("lifetime", "keylife")
            yield "lifetime", Setting((f"sa={self.conn.text(*names, default='1h')}",), self._origin(*names), "configured")
        else:
            yield "version", Setting(self.versions(), self._origin("keyexchange"), known)
            yield "ppk", Setting(("mode=off",), Origin("ipsec.conf(5), which has no PPK"))
            yield "fragmentation", Setting((self.conn.text("fragmentation", default="yes"),), self._origin("fragmentation"), "configured")
            life = (f"ike={self.conn.text('ikelifetime', default='3h')}", f"reauth={self.conn.text('reauth', default='yes')}")
            yield "lifetime", Setting(life, self._origin("ikelifetime", "reauth"), "configured")
            yield "authentication", Setting(tuple(self._authentication()), self._origin("authby", "leftauth", "rightauth"), known)
        if self.loaded or self.status is None:
            numbers = (f"{one.spis or '-'} {'?' if self._half_told(one) else one.exchange or '-'} {one.peer}".rstrip() for one in self.sas())
            yield "link", Setting(tuple(facts(self.conn, self.child, self.loaded, numbers)), self._origin("left", "right"))
        if agreed := tuple(one.suite for one in self.sas()):
            yield "sa", Setting(agreed, Origin("ipsec statusall"), "negotiated")

    def _half_told(self, sa: Held) -> bool:
        """Of what carries packets statusall names the first exchange alone (6.1.0), so an additional one may be beside it."""
        able = self.daemon.capability("key_exchange").names or ()
        return self.child and bool(sa.exchange) and any(quantum_safe("esp", name) for name in able)

    def versions(self) -> tuple[str, ...]:
        """`ike` begins with IKEv2 and takes both."""
        written = SPOKEN.get(self.conn.text("keyexchange", default="ike"), "IKEv1/2")
        return VERSIONS.get(self.loaded.get("version", written), VERSIONS[written])

    def _authentication(self) -> Iterator[str]:
        for side, name in (("local", "leftauth"), ("remote", "rightauth")):
            yield f"{side}={self.loaded.get(side) or self.conn.text(name, 'authby', default='pubkey')}"

    def _origin(self, *names: str) -> Origin:
        found = self.conn.entry(*names)
        return found.origin if found else self.default

    @property
    def impossible(self) -> tuple[str, ...]:
        """What charon reads and has no method for: it would agree on it, and then fail."""
        able = self.daemon.capability("key_exchange").names
        if able is None:
            return ()
        known = {name for a in all_of("ikev2", "key_exchange") for name in a.names.get("strongswan", ())}
        return tuple(distinct(name for one in self.proposals() or () for name in one.exchanges if name in known and name not in able))

    def certificates(self) -> Iterator[Certificate]:
        """Of this end; one of a token (%smartcard) is not read."""
        for path in (posixpath.join(CERTS, one) for one in split(self.conn.text("leftcert")) if not self.child):
            file = self.snapshot.files.get(path)
            if found := leaf(file.text, path) if file and file.text else None:
                yield found

    def endpoint(self) -> Endpoint:
        can: dict[str, Capability] = {kind: self.daemon.capability(kind) for kind in KINDS}
        if self.versions() == ("1",) and (names := can["key_exchange"].names):
            known = tuple(name for name in names if not quantum_safe("ikev2", name))
            can["key_exchange"] = replace(can["key_exchange"], names=known, source="IKEv1, which has no ML-KEM")
        if self.child:
            can |= {kind: Capability(None, "the kernel decides what ESP can use", self.daemon.label) for kind in KINDS[1:]}
        else:
            can["version"] = Capability(("2", "1"), "ipsec.conf(5)", self.daemon.label, order="set")
        address = self.loaded.get("local_addrs") or self.conn.text("left", default="%any")
        return Endpoint(
            id=self.id,
            service="strongswan-legacy",
            protocol="esp" if self.child else "ikev2",
            names="strongswan",
            addresses=(("*" if address.startswith("%") else address, 500),),
            version=self.daemon.label,
            settings=dict(self.settings()),
            capabilities=can,
            certificates=tuple(self.certificates()),
            notes=tuple(self.notes()),
            transport="udp",
        )

    # ------------------------------------------------------------ traps

    def notes(self) -> Iterator[str]:
        at, counts = str(self.entry.origin if self.entry else self.default), self.proposals() or ()
        if self.impossible:
            names = ", ".join(self.impossible)
            yield f"{at}: this charon reads {names}, would agree on it and then fail, for it has no such method (ipsec listalgs)"
        if self.status and not self.loaded:
            yield f"{self.conn.origin}: it stands in the file, and charon has not loaded it (ipsec update)"
        if any(one.optional for one in counts):
            yield f"{at}: keN_none makes the additional exchange optional: a peer without it gets a classical one in silence"
        if self.entry and not self.closed:
            yield f'{at}: without "!" at its end what charon takes by itself is taken, too'
        if self.child and any(not one.always for one in counts):
            yield f"{at}: a proposal without an exchange of its own is rekeyed out of the IKE SA: no forward secrecy of its own"
        hybrids = [name for one in counts for name in one.exchanges if quantum_safe(self.protocol, name)]
        if hybrids and any(self._half_told(one) for one in self.sas()):
            yield f"{at}: ipsec statusall names no additional exchange of an SA for packets: the list of the other end tells (swanctl --list-sas)"
        if hybrids and not self.child and self.conn.text("fragmentation", default="yes") == "no":
            yield f"{self._origin('fragmentation')}: without fragmentation the packets with ML-KEM are fragmented by IP, which firewalls drop"
        if "1" in self.versions() and not self.child:
            yield f"{self._origin('keyexchange')}: IKEv1 is taken too, and has no additional exchanges"
