"""Which certificates are due, and what takes their place.  Pure: the day and the mark in the new names are arguments."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..credentials import Binding, Certificate, Pair, Serving
from ..model import Origin
from .keys import KINDS
from .token import Token, described, in_token, named, new_uri

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
    """kinds: of keys, a certificate for each; () = as today.  names: () = as today.  renew_before: days.  mark: six hex digits.

    jitter: days; each certificate is due so many days earlier at most, always the same number for it, so that a fleet that was renewed in
    one night is not due in one night.  token: where keys are made, and what is in a file is due then; None = in files.
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    renew_before: int
    today: date
    mark: str
    jitter: int = 0
    token: Token | None = None


Trigger = Callable[[Certificate, Terms], str]


def _expired(one: Certificate, terms: Terms) -> str:
    return f"it expired on {one.not_after}" if one.not_after < terms.today.isoformat() else ""


def _expires(one: Certificate, terms: Terms) -> str:
    days = terms.renew_before + int(one.fingerprint[:8] or "0", 16) % (terms.jitter + 1)
    limit = (terms.today + timedelta(days=days)).isoformat()
    return f"it expires on {one.not_after}, within {days} days" if one.not_after <= limit else ""


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
        self.replaced: dict[Pair, Pair] = {}  # files that several bindings name are replaced once
        self.reasons: list[str] = []
        self.left: list[str] = []

    def serve(self, serving: Serving) -> None:
        where = ", ".join(serving.endpoints)
        lacking = sorted((kind for kind in self.terms.kinds if kind not in self._have(serving)), key=_is_rare)
        for binding in serving.bindings:
            found = self.certificates.get(binding.pair.certificate)
            reason = "" if binding.origin in self.pairs else due(found, self.terms) or _misplaced(binding, self.terms.token)
            if not reason:
                continue
            if same := self.replaced.get(binding.pair):
                self.pairs[binding.origin] = [same]
                lacking = [kind for kind in lacking if kind != self.kinds[same.certificate]]
                continue
            own = found.key if found and (not self.terms.kinds or found.key in self.terms.kinds) else ""
            kind = own or (lacking.pop(0) if lacking and not _crowded(serving, binding, lacking[0]) else "")
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
        if new := self._ordered(serving, binding, kind, why, binding.form == "itself"):
            self.pairs[binding.origin] = [new]
            self.replaced[binding.pair] = new

    def _add(self, serving: Serving, binding: Binding, kind: str, why: str) -> None:
        if serving.alone:
            self.left.append(f"{why}, but {serving.alone}")
        elif new := self._ordered(serving, binding, kind, why):
            self.pairs.setdefault(binding.origin, [binding.pair]).append(new)

    def _ordered(self, serving: Serving, binding: Binding, kind: str, why: str, itself: bool = False) -> Pair | None:
        """Where the new pair will be; None when it cannot be, which is then said.  itself: in the place of the old one."""
        found = self.certificates.get(binding.pair.certificate)
        names = self.terms.names or (found.names if found else ()) or serving.names
        if obstacle := binding.fixed or _obstacle(binding.pair, kind, names) or _no_token(serving, binding, self.terms.token):
            self.left.append(f"{why}, but {obstacle}")
            return None
        new = binding.pair if itself else new_pair(binding, kind, self.terms.mark, self.terms.token)
        if new not in [order.new for order in self.orders]:  # one that comes beside files which several bindings name
            self.orders.append(Order(kind, names, binding.pair, new))
        self.kinds[new.certificate] = kind
        stays = f"; {described(named(binding.pair.key))} stays there" if in_token(binding.pair.key) else ""
        self.reasons.append(f"{why}; new: {kind} for {', '.join(names)}{stays}")
        return new


def _obstacle(pair: Pair, kind: str, names: tuple[str, ...]) -> str:
    if other := next((who for folder, who in OTHERS.items() if pair.certificate.startswith(folder)), ""):
        return f"{other} renews it"
    if kind not in KINDS:
        return "nobody says which kind of key it shall have"
    return "" if names else "nobody knows for which names"


def _misplaced(binding: Binding, token: Token | None) -> str:
    """A key in a file, where keys are to be in a token and this daemon can take them from one."""
    return f"its key is in a file, not in token {token.label}" if token and binding.token and not in_token(binding.pair.key) else ""


def _no_token(serving: Serving, binding: Binding, token: Token | None) -> str:
    if token and not binding.token:
        return f"this {serving.service} takes no key from a token"
    return "its key is in a token, and agility_key_store does not say pkcs11" if not token and in_token(binding.pair.key) else ""


def _crowded(serving: Serving, binding: Binding, kind: str) -> bool:
    """Whether the place of that file may be everybody's, and the kind is one that few clients can do, while others of these names stay."""
    return binding.form == "itself" and len(serving.bindings) > 1 and _is_rare(kind)


def _is_rare(kind: str) -> bool:
    """Few clients can do it, so where one place is everybody's another kind comes first."""
    return kind.startswith("ML-DSA")


def new_pair(binding: Binding, kind: str, mark: str, token: Token | None = None) -> Pair:
    """Of what is loaded because of where it lies the first by name may be everybody's: so a further one has a name that comes behind."""
    path = binding.pair.certificate
    if binding.form == "object":
        name = f"ag{hashlib.sha256(f'{mark} {kind} {path}'.encode()).hexdigest()[:6]}"
        return Pair(name, name)
    if token:
        return Pair(_beside(path, kind, mark), binding.token + new_uri(token, path, kind, mark))
    certificate = f"{path}.{kind.lower()}-{mark}" if binding.form == "itself" else _beside(path, kind, mark)
    return Pair(certificate, _beside(binding.pair.key, kind, mark) if binding.form == "beside" else certificate)


def _beside(path: str, kind: str, mark: str) -> str:
    """/etc/x/server.crt → /etc/x/server.ml-dsa-65-3f9a1c.crt; a mark of ours that is there already gives way."""
    stem, extension = posixpath.splitext(path)
    return f"{OURS.sub('', stem)}.{kind.lower()}-{mark}{extension}"
