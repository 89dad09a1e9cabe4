"""SSH public keys and certificates as values: what they are, what they sign with, how ssh-keygen makes them.  Pure.

Sources: RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, RFC 8332 §3; PROTOCOL.certkeys of OpenSSH; ssh-keygen(1) -t and -b.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from .openssh_keys import SIGNS

CERTIFICATE = "-cert-v01@openssh.com"
FOREVER = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """options: of ssh-keygen.  type: on the wire.  family: what one of the same takes the place of, and a word in the names of files."""

    options: tuple[str, ...]
    type: str
    family: str


KINDS: Mapping[str, Kind] = {
    "ED25519": Kind(("-t", "ed25519"), "ssh-ed25519", "ed25519"),
    **{f"ECDSA-P{n}": Kind(("-t", "ecdsa", "-b", str(n)), f"ecdsa-sha2-nistp{n}", "ecdsa") for n in (256, 384, 521)},
    **{f"RSA-{n}": Kind(("-t", "rsa", "-b", str(n)), "ssh-rsa", "rsa") for n in (3072, 4096)},
    "MLDSA44-ED25519": Kind(("-t", "mldsa44-ed25519"), "ssh-mldsa44-ed25519", "mldsa44_ed25519"),
}
# OpenSSH 10.4 and 10.5 have it under a name of their own, in no list of algorithms unless somebody names it; 10.6 by default.
EXPERIMENTAL = {"ssh-mldsa44-ed25519@openssh.com": "ssh-mldsa44-ed25519"}
OF_TYPE = {kind.type: kind.family for kind in KINDS.values()} | dict.fromkeys(EXPERIMENTAL, "mldsa44_ed25519") | {"ssh-dss": "dsa"}
_NAMED = {kind.type: name for name, kind in KINDS.items() if kind.family != "rsa"}
# type → strings and numbers of the key itself, between the nonce and the serial number of a certificate
_PARTS = {"ssh-rsa": 2, "ssh-dss": 4, "ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2, "ecdsa-sha2-nistp521": 2}


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate of a host key.  authority: the public key that signed it, "type base64"; until: seconds since 1970."""

    authority: str
    principals: tuple[str, ...]
    until: int
    signature: str


def words(line: str) -> str:
    """ "type base64" of a line that holds a public key, without its comment; "" when it holds none."""
    parts = line.split()
    at = next((i for i, part in enumerate(parts[:-1]) if _type(parts[i + 1]) == part), None)
    return "" if at is None else f"{parts[at]} {parts[at + 1]}"


def kind_of(public: str) -> str:
    """ "ED25519", "RSA-2048", "DSA-1024" of "type base64"; the type itself for what has no name here."""
    type_, dummy, text = public.partition(" ")
    if type_ not in ("ssh-rsa", "ssh-dss"):
        return _NAMED.get(EXPERIMENTAL.get(type_, type_), type_)
    try:
        number = _strings(base64.b64decode(text))[2 if type_ == "ssh-rsa" else 1]
    except (ValueError, IndexError, struct.error):
        return type_
    return f"{'RSA' if type_ == 'ssh-rsa' else 'DSA'}-{int.from_bytes(number, 'big').bit_length()}"


def fingerprint(public: str) -> str:
    """As ssh-keygen -l prints it."""
    digest = hashlib.sha256(base64.b64decode(public.partition(" ")[2])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def signs_with(public: str, certified: bool = False) -> tuple[str, ...]:
    """The names in HostKeyAlgorithms under which a key, or its certificate, proves itself."""
    type_ = public.partition(" ")[0]
    names = [name for name in SIGNS.get(type_, (type_,)) if name != "ssh-rsa"] + [old for old, new in EXPERIMENTAL.items() if new == type_]
    return tuple(name.removesuffix("@openssh.com") + CERTIFICATE if certified else name for name in names)


def signed(line: str) -> Signed | None:
    """What a certificate says; None for what is none."""
    parts = line.split()
    if len(parts) < 2 or not parts[0].endswith(CERTIFICATE):
        return None
    fields = _certified(parts[1], _PARTS.get(parts[0].removesuffix(CERTIFICATE), 1))
    if fields is None:
        return None
    principals, until, authority, signature = fields
    key = base64.b64encode(authority).decode()
    return Signed(f"{_string(authority)} {key}", principals, until, _string(signature))


def _certified(text: str, parts: int) -> tuple[tuple[str, ...], int, bytes, bytes] | None:
    try:
        blob = base64.b64decode(text)
        at = 0
        for dummy in range(2 + parts):  # type, nonce, the key
            at = _behind(blob, at)
        at = _behind(blob, at + 12)  # serial, whose it is; then its identity
        (size,) = struct.unpack_from(">I", blob, at)
        principals = tuple(name.decode("utf-8", "replace") for name in _strings(blob[at + 4 : at + 4 + size]))
        at += 4 + size
        (until,) = struct.unpack_from(">Q", blob, at + 8)
        at += 16
        for dummy in range(3):  # critical options, extensions, reserved
            at = _behind(blob, at)
        authority, signature = _strings(blob[at:])[:2]
    except (ValueError, struct.error):
        return None
    return principals, until, authority, signature


def _behind(blob: bytes, at: int) -> int:
    (size,) = struct.unpack_from(">I", blob, at)
    if at + 4 + size > len(blob):
        raise ValueError("cut off")
    return int(at + 4 + size)


def _strings(blob: bytes) -> list[bytes]:
    out, at = [], 0
    while at < len(blob):
        end = _behind(blob, at)
        out.append(blob[at + 4 : end])
        at = end
    return out


def _string(blob: bytes) -> str:
    return _strings(blob)[0].decode("ascii", "replace")


def _type(text: str) -> str:
    """What a public key or a certificate in base64 says that it is; "" for anything else."""
    try:
        blob = base64.b64decode(text, validate=True)
        return blob[4 : _behind(blob, 0)].decode("ascii", "replace")
    except (ValueError, struct.error):
        return ""
