"""Which signature schemes a server with OpenSSL takes from clients: what its CertificateRequest lists.

Sources: SSL_CTX_set1_client_sigalgs_list(3), SSL_CONF_cmd(3) ("ClientSignatureAlgorithms" wins over "SignatureAlgorithms"); the default lists
were read off the CertificateRequest of nginx with 1.1.1w, 3.0.22 and 3.5.7.  ML-DSA is for TLS 1.3 alone.
"""

from __future__ import annotations

from .openssl import Library, Version

_HASHED = {"ECDSA+SHA256": "ecdsa_secp256r1_sha256", "ECDSA+SHA384": "ecdsa_secp384r1_sha384", "ECDSA+SHA512": "ecdsa_secp521r1_sha512"}
_PREFIXES = {"RSA": "rsa_pkcs1", "RSA-PSS": "rsa_pss_rsae", "PSS": "rsa_pss_rsae", "ECDSA": "ecdsa", "DSA": "dsa"}
_SHA2 = ("sha256", "sha384", "sha512")
_BRAINPOOL = tuple(f"ecdsa_brainpoolP{bits}r1tls13_sha{bits}" for bits in (256, 384, 512))
_BOTH = (*_HASHED.values(), "ed25519", "ed448")
_RSA = tuple(f"{kind}_{digest}" for kind in ("rsa_pss_pss", "rsa_pss_rsae", "rsa_pkcs1") for digest in _SHA2)
_OLD = ("ecdsa_sha224", "rsa_pkcs1_sha224", *(f"dsa_{digest}" for digest in ("sha224", *_SHA2)))
_ML_DSA = ("mldsa65", "mldsa87", "mldsa44")

# First version → what is listed in TLS 1.3; in TLS 1.2 it is the same in all of them, without ML-DSA and brainpool and with _OLD.
_DEFAULTS: tuple[tuple[Version, tuple[str, ...]], ...] = (
    ((3, 5), (*_ML_DSA, *_BOTH, *_BRAINPOOL, *_RSA)),
    ((1, 1, 1), (*_BOTH, *_RSA)),
)


def default_schemes(lib: Library, versions: tuple[str, ...]) -> tuple[str, ...] | None:
    """The library's own list for these TLS versions; None when it is not known."""
    modern = next((names for first, names in _DEFAULTS if lib.version >= first), None)
    if modern is None:
        return None
    old = (*_BOTH, *_RSA, *_OLD) if any(version != "TLSv1.3" for version in versions) else ()
    return tuple(dict.fromkeys((*(modern if "TLSv1.3" in versions else ()), *old)))


def schemes(text: str) -> tuple[str, ...]:
    """A list as the library takes it, in the names of the registry; "?" before a name that a library may lack."""
    return tuple(dict.fromkeys(_scheme(word.removeprefix("?")) for word in text.split(":") if word.strip("?")))


def _scheme(word: str) -> str:
    kind, plus, digest = word.upper().partition("+")
    if not plus:
        return word.lower() if word.lower() in _ML_DSA else word
    return _HASHED.get(word.upper(), f"{_PREFIXES.get(kind, kind.lower())}_{digest.lower()}")
