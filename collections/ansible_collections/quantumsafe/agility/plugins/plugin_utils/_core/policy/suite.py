"""What a TLS suite brings beside its cipher, each of which must pass by its own rules: in TLS 1.2 an exchange, an authentication and a PRF,
in TLS 1.3 a hash.

Source: RFC 5246, 5, 7.4.3 and appendix A.5, RFC 5289, RFC 8422, RFC 4279, RFC 9846, 7.1.  A hybrid exchange does not exist in TLS 1.2.
Which suite has which is the catalogue's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from ..algorithms.lookup import Algorithm, all_of, find
from ..model import Endpoint

# An exchange without a group of its own: the key of the certificate, or a shared one, carries the secret.  That it is old is the suite's status.
STATIC = Algorithm("static key exchange", "tls", "key_exchange", "classical", "current", "RFC 5246", {}, classical_bits=112, forward_secret=False)
SIGNED = {"RSA": ("RSA",), "ECDSA": ("ECDSA", "ED")}  # what the certificate's key must be (RFC 8422, 5.3)

OF_SUITES = ("prf", "hash")  # aspects that nothing but the list of suites decides


@lru_cache(maxsize=1024)
def brings(suite: str) -> dict[str, tuple[Algorithm, ...]]:
    """Aspect → algorithms of which one must pass; no authentication where none is by certificate."""
    found = find("tls", "cipher", suite)
    if found is None or not found.exchange:
        return {"hash": _one("hash", found.hash)} if found else {}
    prf = "tls_prf_sha384" if found.hash == "SHA384" else "tls_prf_sha256"  # of SHA-256, whatever an older suite's MAC is
    return {**_parts(found.exchange.removesuffix("-PSK"), found.authentication), "prf": _one("prf", prf)}


@lru_cache(maxsize=64)  # of hundreds of suites
def _parts(exchange: str, authentication: str) -> dict[str, tuple[Algorithm, ...]]:
    classical = tuple(a for a in all_of("tls", "key_exchange") if a.construction == "classical")
    finite = tuple(a for a in classical if a.id.startswith("ffdhe"))
    groups = {"ECDHE": tuple(a for a in classical if a not in finite), "DHE": finite}.get(exchange, (STATIC,))
    signers = tuple(a for a in all_of("tls", "signature") if a.id.startswith(SIGNED.get(authentication, ("none",))))
    return {"key_exchange": groups, **({"signature": signers} if signers else {})}


def _one(aspect: str, name: str) -> tuple[Algorithm, ...]:
    found = find("tls", aspect, name)
    return (found,) if found else ()


def with_parts(endpoint: Endpoint) -> Endpoint:
    """The endpoint with what its suites alone tell of it: the PRFs of TLS 1.2 and the hashes of TLS 1.3, in their order."""
    suites = endpoint.settings.get("cipher") if endpoint.protocol == "tls" else None
    if suites is None:
        return endpoint
    told = {aspect: replace(suites, values=names) for aspect, names in _told(suites.values).items()}
    return replace(endpoint, settings={**told, **endpoint.settings})


@lru_cache(maxsize=256)  # a fleet has few lists
def _told(suites: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found = {aspect: dict.fromkeys(a.id for suite in suites for a in brings(suite).get(aspect, ())) for aspect in OF_SUITES}
    return {aspect: tuple(names) for aspect, names in found.items() if names}
