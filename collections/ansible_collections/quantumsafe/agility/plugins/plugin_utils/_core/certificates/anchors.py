"""Trust anchors: one certificate that peers are to trust, where it lies in a host's store, and which served chains still need it.  Pure.

Sources: update-ca-certificates(8) (Debian: *.crt, one certificate a file), update-ca-trust(8) (Fedora, RHEL).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..model import Activation, Problem
from .issued import certificates

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding


@dataclass(frozen=True, slots=True)
class Store:
    """folder: where anchors of this host's own are placed; command: makes the store of them; links: where it makes links to them."""

    folder: str
    command: str
    links: str = ""

    def activation(self, name: str) -> Activation:
        return Activation(name, tuple(filter(None, (self.command, self.links))), (), ("test", "-d", self.folder), "refresh")


# By the name that a journal has for it.
STORES: Mapping[str, Store] = {
    "ca-certificates": Store("/usr/local/share/ca-certificates", "update-ca-certificates", "/etc/ssl/certs"),
    "ca-trust": Store("/etc/pki/ca-trust/source/anchors", "update-ca-trust"),
}


@dataclass(frozen=True, slots=True)
class Anchor:
    """certificate: self-signed, of an authority.  name: of its file, the same wherever it is placed."""

    certificate: x509.Certificate
    name: str

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def subject(self) -> str:
        return self.certificate.subject.rfc4514_string()


def anchor(text: str, where: str) -> Anchor:
    """The one certificate of that text.  Raises Problem for what nobody should trust for all else."""
    found = certificates(text, where)
    if len(found) != 1:
        raise Problem(f"it holds {len(found)} certificates; an anchor is one", where, "give the root alone")
    (one,) = found
    try:
        one.verify_directly_issued_by(one)
        may = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise Problem(f"{one.subject.rfc4514_string()} is not signed by itself", where, "an anchor is a root; what is below it is served") from None
    except x509.ExtensionNotFound:
        may = False
    if not may:
        raise Problem(f"{one.subject.rfc4514_string()} is no certificate authority", where, "its basicConstraints must say CA:TRUE")
    words = re.sub(r"[^a-z0-9]+", "-", _common_name(one).lower()).strip("-")[:40] or "anchor"
    return Anchor(one, f"{words}-{one.fingerprint(hashes.SHA256()).hex()[:12]}.crt")


def _common_name(one: x509.Certificate) -> str:
    return next((str(name.value) for name in one.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)), "")


def ends_at(chain: str, top: x509.Certificate) -> bool:
    """Whether a served chain (PEM) needs that anchor: by name, so that one that cannot be read to its end counts, too."""
    try:
        found = x509.load_pem_x509_certificates(chain.encode("ascii", "replace"))
    except ValueError:
        return False
    return any(one.issuer == top.subject for one in found)


def placed(files: Mapping[str, str], top: x509.Certificate) -> str:
    """Which of these files (path → text) is that certificate; "" = none."""
    for path, text in files.items():
        with suppress(ValueError):
            if x509.load_pem_x509_certificate(text.encode("ascii", "replace")) == top:
                return path
    return ""
