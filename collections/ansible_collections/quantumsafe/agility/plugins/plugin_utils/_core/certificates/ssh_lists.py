"""Lists of SSH keys → who may log in with what, which authorities are trusted, how many hosts are known.  Names and comments never came here."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping

from . import public
from .held import Shown, SshList, Told

SMALLEST_RSA = 2048  # bits, as sshd_config(5) RequiredRSASize of new releases wants at least half of; NIST SP 800-131A r2 asks for it
BROKEN = ("ssh-dss", "ssh-dss-cert-v01@openssh.com")


def ssh_lists(shown: Shown, roles: Mapping[str, tuple[str, ...]]) -> tuple[SshList, ...]:
    return tuple(_lists(shown, roles))


def _lists(shown: Shown, roles: Mapping[str, tuple[str, ...]]) -> Iterator[SshList]:
    by_path = {shown.aliases.get(path, path): role for role, paths in roles.items() if role != "authorized_keys" for path in paths}
    for path, told in shown.files.items():
        role = by_path.get(path, "") or _role(path, told)
        if told.hosts:
            kinds = Counter[str]()
            for (dummy, mark, kind), number in told.hosts.items():
                kinds[f"{mark} {kind}" if mark != "-" else kind] += number
            hashed = sum(number for (how, dummy, kind), number in told.hosts.items() if how == "hashed")
            yield SshList(path, "known_hosts", told.owner, told.mode, dict(kinds), hashed=hashed)
        elif told.ssh or told.krl or (told.problem and role in ("revoked", "trusted_user_ca")):
            yield _keys(path, role, told)
    seen = set(shown.files) | set(shown.aliases)
    for role in ("trusted_user_ca", "revoked", "host_certificate"):
        for path in roles.get(role, ()):
            if path not in seen:
                yield SshList(path, role, "", "", {}, problem="it is named and is not there")


def _role(path: str, told: Told) -> str:
    if told.krl:
        return "revoked"
    return "public_key" if posixpath.basename(path).endswith(".pub") else "authorized_keys"


def _keys(path: str, role: str, told: Told) -> SshList:
    blobs = [(one, public.from_base64(one.blob)) for one in told.ssh]
    weak = [f"{one.type} {public.fingerprint(blob)}{size}" for one, blob in blobs if (size := _weakness(one.type, blob)) is not None]
    trusting = role == "trusted_user_ca"
    return SshList(
        path=path,
        role=role,
        owner=told.owner,
        mode=told.mode,
        kinds=dict(Counter(one.type for one in told.ssh)),
        fingerprints=tuple(public.fingerprint(blob) for dummy, blob in blobs[:1000]),
        weak=tuple(weak),
        authorities=tuple(public.fingerprint(blob) for one, blob in blobs if one.authority or trusting),
        problem=told.problem,
    )


def _weakness(kind: str, blob: bytes) -> str | None:
    """Why nobody should trust it, as words behind its name; None = that cannot be said."""
    if kind in BROKEN:
        return ""
    if kind != "ssh-rsa":
        return None
    bits = rsa_bits(blob)
    return f" ({bits} bits)" if bits < SMALLEST_RSA else None


def rsa_bits(blob: bytes) -> int:
    """Of the modulus, the third field (RFC 4253 §6.6); 0 for what is damaged."""
    field, at = b"", 0
    for dummy in range(3):
        length = int.from_bytes(blob[at : at + 4], "big")
        field, at = blob[at + 4 : at + 4 + length], at + 4 + length
    return int.from_bytes(field, "big").bit_length()
