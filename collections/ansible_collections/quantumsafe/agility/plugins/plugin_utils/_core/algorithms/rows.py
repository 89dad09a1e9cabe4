"""The catalogue's rows, read once from data/: facts only, each with its source.

A group of rows says what they have in common; a row that names a source of its own does not take the group's section.  `like` takes the rows
of another protocol's aspect along, because ESP negotiates IKEv2's transforms and OpenVPN is TLS.  Suites of TLS 1.2 are [code point, OpenSSL's,
IANA's, GnuTLS's name]: all else is in the name (suites.py).  Compositions state their parts, and their strength comes from those.
Names that stand in a row are those that a test can ask for: openssl, openssh and swanctl are what the binaries of the lab print, strongswan is
what its proposal_keywords_static.txt takes (6.0.6), iana is the registry's, go, openvpn and wireguard are the words of their manuals.
Those of products that no test can ask come from spelled.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .approved import is_approved
from .spelled import PRODUCTS, with_vendors
from .suites import parse_suite

DATA = Path(__file__).parent / "data"
FILES = ("tls", "ssh", "ikev2", "vpn", "x509")  # their order is that of the rows, which decides between equals
OURS = {"rows", "like"}


@dataclass(frozen=True, slots=True, eq=False)  # a row of the catalogue is itself alone, and is compared all day
class Algorithm:
    """One algorithm in one use (protocol, aspect).

    construction: classical | hybrid | post-quantum | psk-augmented | symmetric | none.  quantum_category: NIST's 1 to 5, 0 = none; of a
    hybrid that of its post-quantum part.  classical_bits, key_bits: bits; of a signature scheme for keys of any size what its hash is good for.
    share: bytes of a client's key share.  since: first version by library.  status: current | legacy | obsolete | experimental | broken.
    source, section, standing: the document, the place in it, and what the document is.  code: the protocol's code point, -1 = it has none.
    exchange, authentication, cipher, hash: of a suite.  names: spellings by implementation.  foreign: those of them that are no name of the
    algorithm but only a product's word for it.
    """

    id: str
    protocol: str
    aspect: str
    construction: str
    status: str
    source: str
    names: Mapping[str, tuple[str, ...]]
    parts: tuple[str, ...] = ()
    classical_bits: int = 0
    quantum_category: int = 0
    key_bits: int = 0
    aead: bool = False
    etm: bool = False
    forward_secret: bool = True
    share: int = 0
    code: int = -1
    since: Mapping[str, str] = field(default_factory=dict)
    section: str = ""
    standing: str = ""
    oid: str = ""
    exchange: str = ""
    authentication: str = ""
    cipher: str = ""
    hash: str = ""

    @property
    def approved(self) -> bool:
        """Whether NIST approves it; implemented and validated are said of a binary and its module."""
        return is_approved(self.id, self.aspect, self.parts, self.cipher)

    @property
    def known_as(self) -> tuple[str, ...]:
        """Every name in small letters.  A bare number is none: group 34 of VyOS is not group 34 of the registry."""
        return self._small(self.names)

    @property
    def own(self) -> tuple[str, ...]:
        """Those that are more than the word of one product: Junos writes hmac-sha1-96 in ESP, where SSH has another MAC of that name."""
        return self._small([implementation for implementation in self.names if implementation not in PRODUCTS])

    def _small(self, implementations: Iterable[str]) -> tuple[str, ...]:
        spelled = (self.id, *(name for implementation in implementations for name in self.names[implementation]))
        return tuple(dict.fromkeys(name.lower() for name in spelled if not name.isdigit()))


def read(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def load() -> tuple[Algorithm, ...]:
    """Every row, protocol by protocol."""
    parts, documents = read("parts"), read("documents")
    out: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for group in (group for name in FILES for group in read(name)):
        place = group["protocol"], group["aspect"]
        rows = out.setdefault(place, [])
        rows += (_row(group, row, parts, documents) for row in group["rows"])
        if "like" in group:
            protocol, aspect = group["like"].split()
            rows += ({**row, "protocol": place[0], "aspect": place[1]} for row in out[protocol, aspect])
        if place == ("tls", "cipher"):
            rows += _suites(read("tls12_suites"), documents)
    return tuple(Algorithm(**{**row, "names": with_vendors(place, row["id"], row["names"])}) for place, rows in out.items() for row in rows)


def _row(group: Mapping[str, Any], row: Mapping[str, Any], parts: Mapping[str, Mapping[str, int]], documents: Mapping[str, str]) -> dict[str, Any]:
    facts = {**{key: value for key, value in group.items() if key not in OURS}, **_strength(row, parts), **row}
    if "source" in row:
        facts["section"] = row.get("section", "")
    names = {impl: (said,) if isinstance(said, str) else tuple(said) for impl, said in row["names"].items()}
    standing = documents[facts["source"].split(";")[0]]
    return {**facts, "names": names, "parts": tuple(row.get("parts", ())), "standing": standing}


def _strength(row: Mapping[str, Any], parts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """What the parts give: an attacker must break all of them, so the strongest of each kind counts; shares are sent one behind the other."""
    mine = [parts[name] for name in row.get("parts", ())]
    best = {key: max((part.get(key, 0) for part in mine), default=0) for key in ("classical_bits", "quantum_category")}
    return {**best, "share": sum(part.get("share", 0) for part in mine)} if mine else {}


def _suites(rows: Iterable[tuple[str, str, str, str]], documents: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for code, openssl, iana, gnutls in rows:
        spelled = {"openssl": openssl, "iana": iana, "gnutls": gnutls}
        yield _suite(openssl, documents, {impl: (name,) for impl, name in spelled.items() if name}, int(code, 16))


def suite(name: str, documents: Mapping[str, str], names: Mapping[str, tuple[str, ...]]) -> Algorithm:
    """A suite of TLS 1.2 by its OpenSSL name.  Raises ValueError when that is none."""
    return Algorithm(**_suite(name, documents, names))


def _suite(name: str, documents: Mapping[str, str], names: Mapping[str, tuple[str, ...]], code: int = -1) -> dict[str, Any]:
    facts = parse_suite(name)
    if facts is None:
        raise ValueError(f"no suite is called {name}")
    use = {"id": name, "protocol": "tls", "aspect": "cipher", "construction": "symmetric"}
    return {**use, "names": names, "code": code, "standing": documents[facts["source"].split(";")[0]], **facts}
