"""Which certificates are due, and what takes their place.  Pure: the day and the mark in the new names are arguments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..credentials import Binding, Certificate, Pair, Serving
from ..model import Origin
from .keys import KINDS

# Who renews what lies here; we would be overwritten, or would break its bookkeeping.
OTHERS = {"/etc/letsencrypt/": "certbot", "/var/lib/acme/": "an ACME client", "/root/.acme.sh/": "acme.sh", "/etc/ipa/": "certmonger"}

OURS = re.compile(rf"\.(?:{'|'.join(kind.lower() for kind in KINDS)})-[0-9a-f]{{6}}$")


@dataclass(frozen=True, slots=True)
class Order:
    """One certificate to be made.  like: the pair whose owner and mode it takes; new: where it and its key will be."""

    kind: str
    names: tuple[str, ...]
    like: Pair
    new: Pair


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client of that kind shall be served at an endpoint under a name: the certificate of this file."""

    endpoint: str
    name: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """bindings: what each shall name, by origin.  reasons: a sentence for each that changes; left: for each that is due and cannot."""

    orders: tuple[Order, ...] = ()
    bindings: Mapping[Origin, tuple[Pair, ...]] = field(default_factory=dict)
    shown: tuple[Shown, ...] = ()
    reasons: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.endpoint for one in self.shown))


@dataclass(frozen=True, slots=True)
class Terms:
    """kinds: of keys, a certificate for each; () = as today.  names: () = as today.  renew_before: days.  mark: six hex digits."""

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    renew_before: int
    today: date
    mark: str


Trigger = Callable[[Certificate, Terms], str]


def _expired(one: Certificate, terms: Terms) -> str:
    return f"it expired on {one.not_after}" if one.not_after < terms.today.isoformat() else ""


def _expires(one: Certificate, terms: Terms) -> str:
    limit = (terms.today + timedelta(days=terms.renew_before)).isoformat()
    return f"it expires on {one.not_after}, within {terms.renew_before} days" if one.not_after <= limit else ""


def _other_kind(one: Certificate, terms: Terms) -> str:
    return f"its key is {one.key}, not {' or '.join(terms.kinds)}" if terms.kinds and one.key not in terms.kinds else ""


def _other_names(one: Certificate, terms: Terms) -> str:
    lacking = [name for name in terms.names if name not in one.names]
    return f"it does not name {', '.join(lacking)}" if lacking else ""


# The first that speaks is the reason.
TRIGGERS: tuple[Trigger, ...] = (_expired, _expires, _other_kind, _other_names)


def due(found: Certificate | None, terms: Terms) -> str:
    """Why this certificate is to be replaced; "" = it is not."""
    if found is None or not found.not_after:
        return "it is missing or cannot be read"
    return next((reason for trigger in TRIGGERS if (reason := trigger(found, terms))), "")


def rotation(servings: tuple[Serving, ...], certificates: Mapping[str, Certificate], terms: Terms) -> Rotation:
    """A certificate that several servings share is replaced once; what stays is not mentioned."""
    made = _Maker(certificates, terms)
    for serving in servings:
        made.serve(serving)
    touched = [serving for serving in servings if any(binding.origin in made.pairs for binding in serving.bindings)]
    return Rotation(
        tuple(made.orders),
        {origin: tuple(pairs) for origin, pairs in made.pairs.items()},
        tuple(shown for serving in touched for shown in made.shown(serving)),
        tuple(made.reasons),
        tuple(made.left),
    )


class _Maker:
    """pairs: what a binding shall name, where that is not what it names."""

    def __init__(self, certificates: Mapping[str, Certificate], terms: Terms) -> None:
        self.certificates, self.terms = certificates, terms
        self.kinds = {path: one.key for path, one in certificates.items()}
        self.orders: list[Order] = []
        self.pairs: dict[Origin, list[Pair]] = {}
        self.reasons: list[str] = []
        self.left: list[str] = []

    def serve(self, serving: Serving) -> None:
        where = ", ".join(serving.endpoints)
        lacking = [kind for kind in self.terms.kinds if kind not in self._have(serving)]
        for binding in serving.bindings:
            found = self.certificates.get(binding.pair.certificate)
            reason = "" if binding.origin in self.pairs else due(found, self.terms)
            if not reason:
                continue
            own = found.key if found and (not self.terms.kinds or found.key in self.terms.kinds) else ""
            kind = own or (lacking.pop(0) if lacking else "")
            self._replace(serving, binding, kind, f"{where}: {binding.pair.certificate}: {reason}")
        for kind in lacking:
            binding = serving.bindings[-1]
            self._add(serving, binding, kind, f"{where}: it has no certificate with a key of kind {kind}")

    def shown(self, serving: Serving) -> list[Shown]:
        pairs = [pair for binding in serving.bindings for pair in self.pairs.get(binding.origin, [binding.pair])]
        name = serving.names[0] if serving.names else ""
        return [Shown(e, name, kind, p.certificate) for e in serving.endpoints for p in pairs if (kind := self.kinds.get(p.certificate, "")) in KINDS]

    def _have(self, serving: Serving) -> list[str]:
        pairs = (pair for binding in serving.bindings for pair in self.pairs.get(binding.origin, [binding.pair]))
        return [self.kinds.get(pair.certificate, "") for pair in pairs]

    def _replace(self, serving: Serving, binding: Binding, kind: str, why: str) -> None:
        if new := self._ordered(serving, binding, kind, why):
            self.pairs[binding.origin] = [new]

    def _add(self, serving: Serving, binding: Binding, kind: str, why: str) -> None:
        if new := self._ordered(serving, binding, kind, why):
            self.pairs.setdefault(binding.origin, [binding.pair]).append(new)

    def _ordered(self, serving: Serving, binding: Binding, kind: str, why: str) -> Pair | None:
        """Where the new pair will be; None when it cannot be, which is then said."""
        found = self.certificates.get(binding.pair.certificate)
        names = self.terms.names or (found.names if found else ()) or serving.names
        if obstacle := binding.fixed or _obstacle(binding.pair, kind, names):
            self.left.append(f"{why}, but {obstacle}")
            return None
        new = Pair(_beside(binding.pair.certificate, kind, self.terms.mark), _beside(binding.pair.key, kind, self.terms.mark))
        self.orders.append(Order(kind, names, binding.pair, new))
        self.kinds[new.certificate] = kind
        self.reasons.append(f"{why}; new: {kind} for {', '.join(names)}")
        return new


def _obstacle(pair: Pair, kind: str, names: tuple[str, ...]) -> str:
    if other := next((who for folder, who in OTHERS.items() if pair.certificate.startswith(folder)), ""):
        return f"{other} renews it"
    if kind not in KINDS:
        return "nobody says which kind of key it shall have"
    return "" if names else "nobody knows for which names"


def _beside(path: str, kind: str, mark: str) -> str:
    """/etc/x/server.crt → /etc/x/server.ml-dsa-65-3f9a1c.crt; a mark of ours that is there already gives way."""
    stem, extension = posixpath.splitext(path)
    return f"{OURS.sub('', stem)}.{kind.lower()}-{mark}{extension}"
