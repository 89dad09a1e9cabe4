"""What an issuer is asked for, and the judgement of its answer: the same for every issuer, before anything is placed on a host.  Pure.

Sources: RFC 5280 §6.1 (path validation, as far as it bears on a server), RFC 9525 §3 (names), RFC 8446 §4.4.2 (the order that is served).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from ..model import Problem

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    T = TypeVar("T", bound=x509.ExtensionType)

PURPOSES = {"server": ("1.3.6.1.5.5.7.3.1", "serverAuth"), "client": ("1.3.6.1.5.5.7.3.2", "clientAuth")}  # RFC 5280 §4.2.1.12
MAX_BYTES = 256 << 10  # an ML-DSA-87 certificate takes 10 KiB, one with SLH-DSA 70
MAX_CHAIN = 10  # certificates; what a peer has to verify for each connection
GRACE = timedelta(hours=1)  # by which issuers date back
AGAIN = "nothing was placed on the host; ask the issuer for the right one"


@dataclass(frozen=True, slots=True)
class Asked:
    """One certificate: the PEM request, the kind of its key, the names and the days that we want, whatever the request says; and who shows it."""

    request: str
    kind: str
    names: tuple[str, ...]
    days: int
    purpose: str = "server"


@dataclass(frozen=True, slots=True)
class Pending:
    """The issuer will answer later: `why`, and what to do meanwhile."""

    why: str


Answer = str | Pending  # PEM, in any order


def request_key(request: str) -> bytes:
    """The public key that a PEM request is for, DER.  Raises Problem."""
    try:
        return x509.load_pem_x509_csr(request.encode()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Problem(f"the certificate request cannot be read: {error}") from error


def certificates(text: str, where: str) -> list[x509.Certificate]:
    """All of a PEM text, of a bounded size.  Raises Problem, also when a key is in it."""
    if len(text) > MAX_BYTES:
        raise Problem(f"the answer is larger than {MAX_BYTES >> 10} KiB, which no chain is", where, AGAIN)
    if "PRIVATE KEY-----" in text:
        raise Problem("the answer holds a private key, and keys are made on the host alone", where, "throw that key away")
    if text.count("-----BEGIN CERTIFICATE-----") != text.count("-----END CERTIFICATE-----"):
        raise Problem("the answer was cut off within a certificate", where, AGAIN)
    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii", "replace"))
    except (ValueError, TypeError) as error:
        raise Problem(f"the answer cannot be read as certificates: {error}", where, AGAIN) from error
    if len(found) > MAX_CHAIN:
        raise Problem(f"the answer has {len(found)} certificates, more than {MAX_CHAIN}", where, AGAIN)
    return found


def checked(text: str, asked: Asked, anchors: Sequence[x509.Certificate], now: datetime, where: str) -> str:
    """The chain to be served, PEM, the leaf first.  Raises Problem that names the first fault; where: the issuer, for a person."""
    found = certificates(text, where)
    wanted = request_key(asked.request)
    try:
        leaf = next((one for one in found if _public(one) == wanted), None)
        if leaf is None:
            raise Problem("no certificate of the answer is for the key that the host made", where, AGAIN)
        if fault := _leaf_fault(leaf, asked, now):
            raise Problem(f"the certificate for {', '.join(asked.names)} {fault}", where, AGAIN)
        chain = _path(leaf, [one for one in found if one != leaf], anchors, now, where)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:  # what the reader sees only when it looks there
        raise Problem(f"a certificate of the answer cannot be read: {error}", where, AGAIN) from error
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def with_anchor(chain: str, anchors: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """Each of a chain that was judged (PEM), and behind them its anchor, where that is not sent itself."""
    found = certificates(chain, "")
    anchor = _issuer(found[-1], anchors)
    return tuple(one.public_bytes(Encoding.PEM).decode() for one in (*found, *((anchor,) if anchor else ())))


def _public(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):  # a key that we cannot read is none of ours
        return b""


def _leaf_fault(leaf: x509.Certificate, asked: Asked, now: datetime) -> str:
    """What is wrong with it, as the end of a sentence; "" = nothing."""
    names, wanted = _names(leaf), {_same(name) for name in asked.names}
    usage, purposes, limits = _extension(leaf, x509.KeyUsage), _extension(leaf, x509.ExtendedKeyUsage), _extension(leaf, x509.BasicConstraints)
    if names != wanted:
        lacks, more = sorted(wanted - names), sorted(names - wanted)
        return f"does not name {', '.join(lacks)}" if lacks else f"names {', '.join(more)} as well, which nobody asked for"
    if fault := _time_fault(leaf, now):
        return fault
    if leaf.not_valid_after_utc - leaf.not_valid_before_utc > timedelta(days=asked.days) + GRACE:
        return f"is good until {leaf.not_valid_after_utc:%Y-%m-%d}, longer than the {asked.days} days that were asked for"
    if limits and limits.ca:
        return "is that of an authority"
    wanted_for, word = PURPOSES[asked.purpose]
    if not purposes or x509.ObjectIdentifier(wanted_for) not in purposes:
        return f"is not for {asked.purpose}s: extendedKeyUsage lacks {word}"
    return "must not sign handshakes: keyUsage lacks digitalSignature" if usage and not usage.digital_signature else ""


def _time_fault(one: x509.Certificate, now: datetime) -> str:
    if one.not_valid_after_utc <= now:
        return f"expired on {one.not_valid_after_utc:%Y-%m-%d}"
    return f"is not good before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; is a clock wrong?" if one.not_valid_before_utc > now else ""


def _extension(certificate: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _names(leaf: x509.Certificate) -> set[str]:
    """Names of every type: one that we would not have asked for must not hide."""
    found = _extension(leaf, x509.SubjectAlternativeName)
    return {_same(str(name.value)) for name in found} if found else set()


def _same(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().rstrip(".")


def _path(
    leaf: x509.Certificate, others: list[x509.Certificate], anchors: Sequence[x509.Certificate], now: datetime, where: str
) -> list[x509.Certificate]:
    """The leaf and those above it up to the anchor, which is sent itself only when something is above it, too."""
    chain = [leaf]
    while True:
        top = chain[-1]
        if anchor := _issuer(top, anchors):
            if fault := _time_fault(anchor, now):
                raise Problem(f"the anchor {_subject(anchor)} {fault}", where, "renew it and distribute it first")
            _bounded(chain, anchor, where)
            return [*chain, anchor] if anchor.subject != anchor.issuer else chain
        above = _issuer(top, [one for one in others if one not in chain])
        if above is None:
            known = ", ".join(_subject(anchor) for anchor in anchors)
            raise Problem(f"{_subject(top)} is issued by {top.issuer.rfc4514_string()}, which is neither in the answer nor {known}", where, AGAIN)
        if fault := _time_fault(above, now):
            raise Problem(f"{_subject(above)}, which issued {_subject(top)}, {fault}", where, AGAIN)
        chain.append(above)


def _issuer(lower: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    return next((one for one in candidates if one.subject == lower.issuer and one != lower and _issued(lower, one)), None)


def _issued(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    try:
        lower.verify_directly_issued_by(upper)
        return True
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False


def _bounded(chain: list[x509.Certificate], anchor: x509.Certificate, where: str) -> None:
    """Each above the leaf may sign, and so many below it (RFC 5280 §4.2.1.9)."""
    for below, one in enumerate((*chain[1:], anchor)):
        limits = _extension(one, x509.BasicConstraints)
        usage = _extension(one, x509.KeyUsage)
        if not limits or not limits.ca or (usage and not usage.key_cert_sign):
            raise Problem(f"{_subject(one)} is no certificate authority", where, AGAIN)
        if limits.path_length is not None and below > limits.path_length:
            raise Problem(f"{_subject(one)} allows {limits.path_length} authorities below it, and there are {below}", where, AGAIN)


def _subject(one: x509.Certificate) -> str:
    return one.subject.rfc4514_string() or "a certificate without a name"
