"""A new authority: a root, and below it the one that issues.  Pure: keys, the time and the serial numbers are arguments.

Profile: RFC 5280 §4.2, RFC 9881 §5 (ML-DSA), CA/Browser Forum BR 7.1.2.1 and 7.1.2.6 in spirit.  The issuing authority takes none below it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from .authority import Authority, begun, digest_for, issuer_id, usage

# ansible-core itself needs cryptography; without it a plugin must still import, says ansible-test
with suppress(ImportError):
    from cryptography import x509
    from cryptography.x509.oid import NameOID


def certify(name: str, key: Any, days: int, now: datetime, serial: int, above: Authority | None = None) -> x509.Certificate:
    """A root of that common name, or with `above` what issues below it, which lives no longer than that."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (above.certificate.subject, above.key) if above else (subject, key)
    builder = begun(subject, issuer, key.public_key(), days, now, serial)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0 if above else None), critical=True)
    builder = builder.add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
    # A root names its own key, too: of two roots of one name openssl then finds the right one.
    signed_by = issuer_id(above.certificate) if above else x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(signed_by, critical=False)
    return builder.sign(signer, digest_for(signer))
