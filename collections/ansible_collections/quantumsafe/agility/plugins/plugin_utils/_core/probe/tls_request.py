"""What a server says when it asks a client for a certificate: RFC 9846 §4.3.2 and §4.2.4, RFC 5246 §7.4.4.  Raises ValueError for what is cut off."""

from __future__ import annotations

AUTHORITIES = 47


def authorities(body: bytes) -> tuple[bytes, ...]:
    """The names (DER) in a CertificateRequest of TLS 1.3; () where it names nobody."""
    dummy, rest = _vector(body, 1)
    extensions, dummy = _vector(rest, 2)
    while extensions:
        kind, (data, extensions) = int.from_bytes(extensions[:2], "big"), _vector(extensions[2:], 2)
        if kind == AUTHORITIES:
            return _names(data)
    return ()


def authorities_before(body: bytes) -> tuple[bytes, ...]:
    """Those of TLS 1.2, behind the kinds of certificates and the signature schemes."""
    dummy, rest = _vector(body, 1)
    dummy, rest = _vector(rest, 2)
    return _names(rest)


def _names(data: bytes) -> tuple[bytes, ...]:
    names, dummy = _vector(data, 2)
    out = []
    while names:
        name, names = _vector(names, 2)
        out.append(name)
    return tuple(out)


def _vector(data: bytes, size: int) -> tuple[bytes, bytes]:
    """(what a length of so many bytes announces, what is behind it)."""
    end = size + int.from_bytes(data[:size], "big")
    if len(data) < max(end, size):
        raise ValueError("a request for a certificate that was cut off")
    return data[size:end], data[end:]
