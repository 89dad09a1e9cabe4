"""Certificates as a host told them → what is in them, each read once; those of all files know each other.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from ..credentials import Certificate
from . import chain, public
from .held import Shown, Told
from .places import ANCHORS
from .read import describe

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm


@dataclass(frozen=True, slots=True)
class Loaded:
    """value: what it says; key: digest of its public key."""

    raw: x509.Certificate
    value: Certificate
    key: str

    @property
    def authority(self) -> bool:
        return "role=ca" in self.value.more


def load(told: Told) -> tuple[tuple[Loaded, ...], int]:
    """(certificates of a file, how many could not be read).  What stands behind one (TRUSTED CERTIFICATE of OpenSSL) is left out."""
    out, broken = [], 0
    for text in told.der:
        der = public.from_base64(text)
        try:
            raw = x509.load_der_x509_certificate(der[: public.element(der, 0)[2]])
            out.append(Loaded(raw, describe(raw, told.path), public.digest(public.spki_of(raw.tbs_certificate_bytes))))
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
            broken += 1
    return tuple(out), broken


class Library:
    """All certificates of a host by path.  broken: path → how many of its certificates could not be read."""

    def __init__(self, shown: Shown) -> None:
        read = {path: load(told) for path, told in shown.files.items() if told.der}
        self.files = {path: found for path, (found, dummy) in read.items()}
        self.broken = {path: broken for path, (dummy, broken) in read.items() if broken}
        authorities = [one for found in self.files.values() for one in found[: chain.MOST] if one.authority]
        self.by_name: dict[x509.Name, list[x509.Certificate]] = {}
        for one in authorities:
            known = self.by_name.setdefault(one.raw.subject, [])
            if one.raw not in known:
                known.append(one.raw)
        self.anchors = {one.raw for path, found in self.files.items() if path.startswith(ANCHORS) for one in found}

    def facts(self, told: Told) -> tuple[Certificate, ...]:
        """Of each certificate of a file what the host knows beyond it: pki, and of the first one the state of its chain."""
        found = self.files.get(told.path, ())
        if not found or len(found) > chain.MOST:
            return tuple(one.value for one in found)
        raws = [one.raw for one in found]
        kind = self._pki(raws, told.trusted)
        state = "" if found[0].authority else chain.state(raws, bool(told.trusted), self._above(raws))
        first = [f"{key}={value}" for key, value in (("chain", state), ("pki", kind)) if value]
        rest = [f"pki={kind}"] if kind else []
        return tuple(replace(one.value, more=(*one.value.more, *(first if at == 0 else rest))) for at, one in enumerate(found))

    def _above(self, chain_: Iterable[x509.Certificate]) -> list[x509.Certificate]:
        """The authorities of this host that may be above these, by name."""
        out: list[x509.Certificate] = []
        names = [one.issuer for one in chain_]
        for name in names:
            new = [one for one in self.by_name.get(name, ()) if one not in out]
            out += new
            names += [one.issuer for one in new if one.issuer not in names]
            if len(out) > chain.MOST:
                break
        return out

    def _pki(self, raws: list[x509.Certificate], trusted: bool | None) -> str:
        """public: it ends in what the distribution trusts; private: in something of this host; "" when that lies elsewhere."""
        above = self._above(raws)
        top = chain.top(raws, above)
        mine = top in self.anchors or any(one in self.anchors for one in above)
        if trusted and not mine:
            return "public"
        return "private" if mine or top.issuer == top.subject else ""
