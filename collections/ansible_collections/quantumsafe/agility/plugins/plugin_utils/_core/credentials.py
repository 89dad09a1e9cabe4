"""Certificates as values: what is known of one, and where a daemon is told to serve it.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .model import Origin

UNUSED = "files"  # the service of a file that no endpoint opens


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate as a policy asks about it.  lifetime: days, None when it could not be read; names: hosts that it is good for.

    more: further facts as "key=value" words (certificates/traits.py).
    """

    path: str
    subject: str = ""
    issuer: str = ""
    key: str = ""  # "ECDSA-P256", "RSA-3072", "ML-DSA-65"
    signature: str = ""
    not_after: str = ""
    sha256: str = ""
    lifetime: int | None = None
    names: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """By what it is told apart: its SHA-256, or the SHA-1 (40 digits) of one of which a device shows no more; "" = not known."""
        return self.sha256 or next((one.removeprefix("sha1=") for one in self.more if one.startswith("sha1=")), "")


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain, and its key: paths as the daemon opens them."""

    certificate: str
    key: str


# Where a new pair will be: beside the old one, each file beside its like; in one file beside the certificate, the key behind the chain;
# in the place of the very file, for a daemon that loads it because of where it lies; an object of a network device, both of one name.
Form = Literal["beside", "one file", "itself", "object"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One place where a daemon is told of a certificate.  origin names it.  fixed: why it cannot be changed, "" when it can.

    token: what stands before the PKCS#11 URI of a key that the daemon takes from a token, "" = it takes none.
    """

    pair: Pair
    origin: Origin
    fixed: str = ""
    form: Form = "beside"
    token: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """What some endpoints serve under some names: a certificate for each kind of client.  A binding may be part of several.

    alone: why no second one can be served beside the first, "" when it can.
    """

    service: str
    endpoints: tuple[str, ...]
    names: tuple[str, ...]
    bindings: tuple[Binding, ...]
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """Where a server asks clients for a certificate.  names: under which it does; bundles: files whose certificates decide who is let in.

    required: whether one without is turned away; depth: how many authorities may stand between leaf and anchor.  listens: (address, port),
    "*" = any; starttls: a row of probe/starttls.py.  fixed: why nobody can be let in there in addition, "" when one can.
    """

    service: str
    endpoint: str
    names: tuple[str, ...]
    bundles: tuple[str, ...]
    required: bool
    depth: int
    origin: Origin
    listens: tuple[str, int]
    starttls: str = ""
    fixed: str = ""


@dataclass(frozen=True, slots=True)
class Showing:
    """Where a daemon shows a certificate as a client.  peers: (host, port) of whom it is shown to, () = not known; name: that it asks them for."""

    service: str
    endpoint: str
    binding: Binding
    peers: tuple[tuple[str, int], ...]
    name: str = ""
