"""What a TLS 1.2 suite brings beside its cipher: an exchange and an authentication, each of which must pass by its own rules.

Source: RFC 5246, 7.4.3 and appendix A.5, RFC 8422, RFC 4279.  A hybrid exchange does not exist there.  Which suite has which is the
catalogue's.
"""

from __future__ import annotations

from functools import lru_cache

from ..algorithms.lookup import Algorithm, all_of, find

# An exchange without a group of its own: the key of the certificate, or a shared one, carries the secret.  That it is old is the suite's status.
STATIC = Algorithm("static key exchange", "tls", "key_exchange", "classical", "current", "RFC 5246", {}, classical_bits=112, forward_secret=False)
SIGNED = {"RSA": ("RSA",), "ECDSA": ("ECDSA", "ED")}  # what the certificate's key must be (RFC 8422, 5.3)


@lru_cache(maxsize=1024)
def brings(suite: str) -> dict[str, tuple[Algorithm, ...]]:
    """Aspect → algorithms of which one must pass; {} for a suite of TLS 1.3, and no authentication where none is by certificate."""
    found = find("tls", "cipher", suite)
    return _parts(found.exchange.removesuffix("-PSK"), found.authentication) if found and found.exchange else {}


@lru_cache(maxsize=64)  # of hundreds of suites
def _parts(exchange: str, authentication: str) -> dict[str, tuple[Algorithm, ...]]:
    classical = tuple(a for a in all_of("tls", "key_exchange") if a.construction == "classical")
    finite = tuple(a for a in classical if a.id.startswith("ffdhe"))
    groups = {"ECDHE": tuple(a for a in classical if a not in finite), "DHE": finite}.get(exchange, (STATIC,))
    signers = tuple(a for a in all_of("tls", "signature") if a.id.startswith(SIGNED.get(authentication, ("none",))))
    return {"key_exchange": groups, **({"signature": signers} if signers else {})}
