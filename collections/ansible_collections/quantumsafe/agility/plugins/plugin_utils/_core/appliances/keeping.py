"""What a platform declares of its certificates: how its devices make a key, take a certificate, and are told to show it.

A private key is made on the device and never leaves it.  What is made has a new name that nothing names yet, so it is harmless; only the line that
names it is a change (targets/changing.py), and it can be taken back, for the old one stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..certificates.read import leaf
from ..credentials import Certificate, Pair, Serving
from ..model import Change, Origin, Problem, Snapshot

if TYPE_CHECKING:
    from .appliance import Request

_REQUEST = re.compile(r"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----(.*?)-----END (?:NEW )?CERTIFICATE REQUEST-----", re.DOTALL)
END = "\x04"  # Control-D
ANYTHING = r"(?s)\A.*"  # as `done`: whatever it says, what was done is read back later


@dataclass(frozen=True, slots=True)
class Talk:
    """One command, and what is said to what it asks: (a regular expression of what is heard until then, the answer), the first that fits.

    An answer of several lines is a paste; one that ends with END ends by that, and by no new line.  done: a regular expression of what it says once
    it is done; "" = anything that is no refusal.  quiet: what it says when it goes wrong may hold a private key, so nothing of it is told.
    """

    command: str
    replies: tuple[tuple[str, str], ...] = ()
    done: str = ""
    quiet: bool = False


def request(said: str) -> str:
    """The PEM request among what a device said.  Raises Problem."""
    found = _REQUEST.search(said)
    if not found:
        raise Problem("it shows no certificate request", remedy="nothing was changed")
    body = "".join(found[1].split())
    rows = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{rows}\n-----END CERTIFICATE REQUEST-----\n"


def between(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Who stands between a certificate and its root, PEM each: a root is what clients have."""
    return tuple(one for one in chain[1:] if (found := leaf(one, "")) and found.subject != found.issuer)


def beyond(many: int, serves: str) -> Problem:
    """Of a chain that would not be shown whole.  serves: what shows one authority at most."""
    remedy = "sign with an issuer whose own certificate the anchor has issued; nothing was changed"
    return Problem(f"the chain has {many} authorities between certificate and anchor, and {serves} one", remedy=remedy)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Names stand in the place of paths: the certificate and the key of a Pair are what the device calls them.

    kinds: of keys that it makes.  asks: how what it asks ends, as a regular expression.
    servings(snapshot): where a certificate is named, or could be; the form of their bindings is "object", and a pair without a key says that no line
    names one.  held(snapshot): the certificates there, by name.
    make(snapshot, name, kind, names): a key and a request for it; request(what was said): the request, PEM.
    place(name, PEM of the leaf, of what is above it, of the anchor last): takes them in; raises Problem for a chain that it could not show whole.
    drop(name): takes away what these two made.  heads(name): the paths of the statements (lists.py) that they put into a configuration.
    rebind(snapshot, origin → pair): names them.
    shows, waits: commands that show the certificates, and the requests that have none yet, of a device whose configuration does not hold them, ""
    where it does.  told(answers): what they say as statements, which stand below those of the configuration where certificates are looked at.
    """

    kinds: tuple[str, ...]
    servings: Callable[[Snapshot], tuple[Serving, ...]]
    held: Callable[[Snapshot], Mapping[str, Certificate]]
    make: Callable[[Snapshot, str, str, tuple[str, ...]], tuple[Talk | Request, ...]]
    place: Callable[[str, tuple[str, ...]], tuple[Talk | Request, ...]]
    drop: Callable[[str], tuple[Talk | Request, ...]]
    heads: Callable[[str], tuple[str, ...]]
    rebind: Callable[[Snapshot, Mapping[Origin, Pair]], tuple[Change, ...]]
    request: Callable[[str], str] = request
    asks: str = ""
    shows: str = ""
    waits: str = ""
    told: Callable[[str], tuple[str, ...]] = lambda heard: ()
