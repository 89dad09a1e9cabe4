"""One connection of libreswan, or the SA under it that carries packets, as an endpoint: what is loaded, what pluto can do, what was agreed on.

Sources: configs/d.ipsec.conf/conn/*.xml (defaults) and programs/pluto of libreswan 5.2 and 5.4.  An SA for packets without a group of its own takes
that of its IKE SA when it is rekeyed (`pfs`), and never an additional exchange: 5.4 emits those for IKE alone (ikev2_create_child_sa.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..algorithms.lookup import Algorithm, all_of
from ..model import Capability, Endpoint, Evidence, Origin, Setting
from ..peers import names_its_peer, quantum_safe
from .ike_proposal import KINDS, Kind, Proposal, split
from .ipsec_conf import Conn, Entry
from .ipsec_ends import facts
from .libreswan_proposals import DEFAULT_GROUPS, FORM, parse
from .libreswan_status import Loaded, Pluto

NO, YES = ("no", "never", "permit", "ikev1"), ("yes", "propose", "insist", "ikev2", "ike")
PPK = {"insist": "required", **dict.fromkeys(("yes", "propose", "permit"), "enabled"), **dict.fromkeys(("no", "never"), "off")}
VERSIONS = {"1": "ikev1", "2": "ikev2"}


@dataclass(frozen=True, slots=True)
class Seen:
    """child: of the SA that carries packets."""

    conn: Conn
    pluto: Pluto
    child: bool = False

    @property
    def protocol(self) -> str:
        return "esp" if self.child else "ikev2"

    @property
    def kind(self) -> str:
        return self.conn.text("phase2", default="esp") if self.child else "ike"

    @property
    def id(self) -> str:
        return f"libreswan {self.conn.name}/{self.kind}" if self.child else f"libreswan {self.conn.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameter that holds the proposals."""
        return ("esp", "ah", "phase2alg") if self.child else ("ike",)

    @property
    def entry(self) -> Entry | None:
        return self.conn.entry(*self.names)

    @property
    def loaded(self) -> Loaded | None:
        return self.pluto.loaded.get(self.conn.name)

    @property
    def default(self) -> Origin:
        return Origin(f"default of {self.pluto.label}")

    def written(self) -> tuple[Proposal, ...]:
        return tuple(parse(one, self.protocol) for one in split(self.entry.value if self.entry else ""))

    def proposals(self) -> tuple[tuple[Proposal, ...], Evidence]:
        """Those that count; () = none is said, and the defaults do."""
        printed = self.loaded.proposals.get("esp" if self.child else "ike", "") if self.loaded else ""
        if printed:
            return tuple(parse(one, self.protocol) for one in split(printed)), "effective"
        return self.written(), "configured"

    def exchanges(self) -> tuple[str, ...] | None:
        """None = nobody knows what the default stands for."""
        proposals, dummy = self.proposals()
        groups = self._groups()
        if groups is None and not all(one.key_exchange for one in proposals or (Proposal(FORM),)):
            return None
        return tuple(dict.fromkeys(name for one in proposals or (Proposal(FORM),) for name in (*one.over(groups or ()).exchanges, *one.strange)))

    def _groups(self) -> tuple[str, ...] | None:
        """What stands in for a group that is not said."""
        if self.child:
            ike = Seen(self.conn, self.pluto).exchanges() if self._pfs() else ()
            return None if ike is None else tuple(dict.fromkeys(name.partition(";")[0] for name in ike))
        major = self.pluto.version.partition(".")[0]
        if not major.isdigit() or int(major) < 5 or self.pluto.able is None or self.versions() != ("ikev2",):
            return None
        return tuple(name for name in DEFAULT_GROUPS if name in self.pluto.able["key_exchange"])

    def _pfs(self) -> bool:
        return "PFS" in self.loaded.policy if self.loaded else self.conn.text("pfs", default="yes") != "no"

    def stale(self) -> bool:
        """Whether pluto has something else than the file says."""
        loaded, evidence = self.proposals()
        said = self.written()
        if evidence != "effective" or not all(one.key_exchange for one in said):
            return False
        return [one.exchanges for one in loaded] != [one.exchanges for one in said]

    def versions(self) -> tuple[str, ...]:
        for word in self.loaded.policy if self.loaded else ():
            if word in ("IKEv1", "IKEv2"):
                return (word.lower(),)
        return ("ikev1",) if self.conn.text("keyexchange", "ikev2", default="ikev2").lower() in NO else ("ikev2",)

    # ------------------------------------------------------------ the endpoint

    def settings(self) -> Iterator[tuple[str, Setting]]:
        proposals, evidence = self.proposals()
        origin = self.entry.origin if self.entry else self.default
        exchanges = self.exchanges()
        if exchanges is not None:
            possible = tuple(name for name in exchanges if name not in self.impossible)
            yield "key_exchange", Setting(possible, origin, evidence, tuple(range(len(possible))))
        for kind in KINDS[1:]:
            names = tuple(dict.fromkeys(name for one in proposals for name in one.of(kind)))
            if names:
                yield kind, Setting(names, origin, evidence)
        said = self.loaded.facts if self.loaded else {}
        known: Evidence = "effective" if self.loaded else "configured"
        if self.child:
            names = ("salifetime", "lifetime", "keylife", "ipsec-lifetime")
            yield "lifetime", Setting((f"sa={said.get('ipsec_life') or self.conn.text(*names, default='8h')}",), self._origin(*names), known)
        else:
            yield "version", Setting(self.versions(), self._origin("keyexchange", "ikev2"), known)
            if mode := self.ppk():
                yield "ppk", Setting((f"mode={mode}",), self._origin("ppk"), known)
            yield "fragmentation", Setting((self._fragmentation(),), self._origin("fragmentation", "ike_frag"), known)
            life = said.get("ike_life") or self.conn.text("ikelifetime", default="8h")
            yield "lifetime", Setting((f"ike={life}", f"reauth={self.conn.text('reauth', default='no')}"), self._origin("ikelifetime"), known)
            yield "authentication", Setting(tuple(self._authentication()), self._origin("authby", "leftauth", "rightauth"), known)
        if exchanges is not None:
            yield "offer", Setting(tuple(self._offer(proposals)), origin, evidence)
        if self.loaded or self.pluto.able is None:
            yield "link", Setting(tuple(self._link()), self._origin("left", "right"), known)
        if agreed := self.agreed():
            yield "sa", Setting(agreed, Origin("ipsec status"), "negotiated")

    def _offer(self, proposals: tuple[Proposal, ...]) -> Iterator[str]:
        groups = self._groups() or ()
        yield from (one.over(groups).told for one in proposals or (Proposal(FORM),))

    def _link(self) -> Iterator[str]:
        said = self.loaded.facts if self.loaded else {}
        known = {"local_addrs": "local", "remote_addrs": "remote", "local_id": "our id", "remote_id": "their id"}
        sas = self.loaded.sas.get("esp" if self.child else "ike", ()) if self.loaded else ()
        return facts(self.conn, self.child, {name: said.get(printed, "") for name, printed in known.items()}, sas)

    @property
    def anybody(self) -> bool:
        """Whether no address of its other end is known: whoever it is has to begin."""
        return not names_its_peer((Seen(self.conn, self.pluto).endpoint(),))

    def agreed(self) -> tuple[str, ...]:
        return tuple(self.loaded.newest.get("esp" if self.child else "ike", ())) if self.loaded else ()

    def ppk(self) -> str:
        """Empty where nobody knows what this word means."""
        if self.loaded:
            return "required" if "PPK_INSIST" in self.loaded.policy else "enabled" if "PPK_ALLOW" in self.loaded.policy else "off"
        return PPK.get(self.conn.text("ppk", default="no").lower(), "")

    def _fragmentation(self) -> str:
        if self.loaded:
            return "yes" if any(word.startswith("IKE_FRAG") for word in self.loaded.policy) else "no"
        return self.conn.text("fragmentation", "ike_frag", default="yes")

    def _authentication(self) -> Iterator[str]:
        for side, printed in (("local", "our auth"), ("remote", "their auth")):
            if self.loaded and printed in self.loaded.facts:
                yield f"{side}={self.loaded.facts[printed]}"
        if not self.loaded:
            named = (name for name in ("leftauth", "rightauth") if self.conn.entry(name))
            yield from (f"{name.removesuffix('auth')}={self.conn.text(name)}" for name in named)
            yield f"authby={self.conn.text('authby', default='default')}"
        yield from (f"{name}={self.conn.text(name)}" for name in ("leftcert", "rightcert") if self.conn.entry(name))

    def _origin(self, *names: str) -> Origin:
        found = self.conn.entry(*names)
        return found.origin if found else self.default

    @property
    def impossible(self) -> tuple[str, ...]:
        """What the file says and this pluto has not."""
        able = self.able("key_exchange")
        if able is None:
            return ()
        known = {name for a in all_of(self.protocol, "key_exchange") for name in a.names.get("libreswan", ())}
        return tuple(name for name in self.exchanges() or () if name in known and name not in able)

    def able(self, kind: Kind) -> tuple[str, ...] | None:
        """What this pluto names; None = it did not answer."""
        names = (self.pluto.able or {}).get(kind)
        if names is None:
            return None
        return tuple(name for a in all_of(self.protocol, kind) if self._made_of(a, kind, names) for name in a.names.get("libreswan", ()))

    def _made_of(self, algorithm: Algorithm, kind: Kind, able: tuple[str, ...]) -> bool:
        words = algorithm.names.get("libreswan", ())
        if kind == "cipher":  # printed without the length of a key
            return any(word in able or re.sub(r"_?\d{3}$", "", word) in able for word in words)
        if any(";" in word for word in words):
            return not self.child and all(part in able for part in re.split(r";addke\d=", words[0]))
        return any(word in able for word in words)

    def endpoint(self) -> Endpoint:
        return Endpoint(
            id=self.id,
            service="libreswan",
            protocol="esp" if self.child else "ikev2",
            names="libreswan",
            addresses=((self.loaded.facts.get("local", "*") if self.loaded else "*", 500),),
            version=self.pluto.label,
            settings=dict(self.settings()),
            capabilities={
                **dict(self._capabilities()),
                **({} if self.child else {"version": Capability(("ikev2", "ikev1"), "ipsec.conf(5)", self.pluto.label)}),
            },
            notes=tuple(self.notes()),
            transport="udp",
        )

    def _capabilities(self) -> Iterator[tuple[str, Capability]]:
        for kind in KINDS:
            able = self.able(kind)
            if self.child and kind != "key_exchange":
                yield kind, Capability(None, "the kernel decides what ESP can use", self.pluto.label)
            elif able is None:
                source = "ipsec status names none of them" if self.pluto.able is not None else "pluto did not answer ipsec status"
                yield kind, Capability(None, source, self.pluto.label)
            else:
                yield kind, Capability(able, "ipsec status", self.pluto.label, order="tuple" if kind == "key_exchange" else "list")

    # ------------------------------------------------------------ traps

    def notes(self) -> Iterator[str]:
        where = str(self.entry.origin if self.entry else self.conn.origin)
        exchanges = self.exchanges() or ()
        if self.impossible:
            yield (
                f"{where}: this pluto has no {', '.join(self.impossible)} (ipsec status) and refuses the connection; "
                "ML-KEM and addke need libreswan 5.4 built with NSS 3.118.1 or later"
            )
        if self.pluto.able is not None and not self.loaded:
            yield f"{self.conn.origin}: it stands in the file, and pluto has not loaded it (ipsec add {self.conn.name} says why)"
        if self.stale():
            yield f"{where}: pluto has loaded something else than the file says: ipsec replace {self.conn.name} takes up what it says"
        if any(one.optional for one in self.proposals()[0]):
            yield f"{where}: addkeN=none makes the additional exchange optional: a peer without it gets a classical one in silence"
        if self.child:
            yield from self._of_the_child(where)
            return
        hybrid = any(quantum_safe(self.protocol, name) for name in exchanges if name not in self.impossible)
        if hybrid and self.agreed():
            yield "ipsec status names no additional exchange of an SA: whether ML-KEM was agreed on stands in pluto's log (addke1=)"
        if hybrid and self._fragmentation() == "no":
            yield f"{self._origin('fragmentation')}: without fragmentation the packets with ML-KEM are fragmented by IP, which firewalls drop"
        if hybrid and self.conn.text("intermediate") == "no":
            yield f"{self._origin('intermediate')}: intermediate=no beside an additional exchange, which needs IKE_INTERMEDIATE"
        if self.ppk() == "enabled":
            yield f"{self._origin('ppk')}: the PPK is not insisted on: a peer without it gets an SA without it in silence"
        if "ikev1" in self.versions():
            yield f"{self._origin('keyexchange', 'ikev2')}: IKEv1 has no additional exchanges, no PPK and no hybrid"

    def _of_the_child(self, where: str) -> Iterator[str]:
        if not self._pfs():
            yield f"{self._origin('pfs')}: without pfs it is rekeyed out of the IKE SA: no forward secrecy of its own"
        elif not any(one.key_exchange for one in self.proposals()[0]):
            yield f"{where}: it says no group, so a rekeying takes the group of the IKE SA, without its additional exchange"
