"""Whether the certificates of a file are a chain, in the order of RFC 8446 §4.4.2: the leaf, then each that certifies the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

MOST = 20  # certificates of one file; more are a bundle, and no daemon sends that


def issued(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    """By name and by signature; a scheme that the library does not know is taken by name and key identifier alone."""
    if lower.issuer != upper.subject:
        return False
    try:
        lower.verify_directly_issued_by(upper)
    except (InvalidSignature, TypeError):
        return False
    except (ValueError, UnsupportedAlgorithm):
        return True
    return True


def state(chain: Sequence[x509.Certificate], anchored: bool, known: Iterable[x509.Certificate]) -> str:
    """complete, unordered, foreign (one that certifies none of them), incomplete (its issuer lies elsewhere on the host); "" unknown.

    anchored: whether it was seen to end in the distribution's bundle.  known: authorities of this host.
    """
    for at, one in enumerate(chain[1:], 1):
        if not issued(chain[at - 1], one):
            return "unordered" if any(issued(lower, one) for lower in chain if lower is not one) else "foreign"
    last = chain[-1]
    if anchored or last.issuer == last.subject:
        return "complete"
    above = [one for one in known if issued(last, one)]
    if any(one.issuer == one.subject for one in above):
        return "complete"
    return "incomplete" if above else ""


def top(chain: Sequence[x509.Certificate], known: Iterable[x509.Certificate]) -> x509.Certificate:
    """The highest certificate that this host has above the first one."""
    at, among = chain[0], [*chain, *known]
    for dummy in range(MOST):
        above = next((one for one in among if one != at and issued(at, one)), None)
        if above is None:
            break
        at = above
    return at
