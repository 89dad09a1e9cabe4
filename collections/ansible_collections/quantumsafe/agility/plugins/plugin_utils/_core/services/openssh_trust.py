"""What sshd trusts besides its own keys, and what is wrong with its own: sentences for the report.  No aspect of the policy asks for these.

Sources: sshd_config(5) TrustedUserCAKeys, CASignatureAlgorithms, RevokedKeys; sshkey_perm_ok of authfile.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Problem, Snapshot
from .openssh_ask import ASKED, effective
from .openssh_config import Placed, reading_order
from .openssh_hostkeys import offered
from .openssh_kinds import fingerprint, kind_of, words

REVOKED = "/etc/ssh/revoked_keys"
_OPEN = re.compile(r"Permissions (\d+) for '([^']+)' are too open")
_SHORT = {"RSA": 2048, "DSA": 1 << 20}  # bits below which a key is weak; every DSA key is


def revoked_file(snapshot: Snapshot) -> tuple[str, tuple[Placed, str] | None]:
    """(the file that RevokedKeys names or shall name, the directive that is there with its new line, "" when it is good as it is)."""
    found = next((p for p in reading_order(snapshot) if not p.scope and p.directive.name == "revokedkeys" and p.directive.arguments), None)
    if found is None:
        return REVOKED, None
    path = found.directive.arguments[0]
    if path.lower() != "none":
        return path, (found, "")
    return REVOKED, (found, f"RevokedKeys {REVOKED}\n")


def notes(snapshot: Snapshot, order: tuple[Placed, ...]) -> Iterator[str]:
    yield from _own_keys(snapshot)
    yield from _authorities(snapshot, order)
    weak = [name for name in ",".join(effective(snapshot).get("casignaturealgorithms", ())).split(",") if name in ("ssh-rsa", "ssh-dss")]
    if weak:
        yield f"CASignatureAlgorithms takes certificates that were signed with SHA-1 ({', '.join(weak)})"
    for placed in order:
        if placed.directive.name == "revokedkeys" and placed.directive.arguments[:1] != ("none",):
            yield from _revoked(snapshot, placed)


def _own_keys(snapshot: Snapshot) -> Iterator[str]:
    said = "".join(answer.err for name in ASKED if (answer := snapshot.answers.get(name)))
    for mode, path in dict.fromkeys(_OPEN.findall(said)):
        yield f"sshd ignores the host key {path}: others can read it (mode {mode}); make it 0600, and think of it as known to them"
    try:
        keys = offered(snapshot)
    except Problem:
        return
    for key in keys:
        if _weak(key.kind):
            yield f"the host key {key.path} is {key.kind}, which is weak: run rotate_host_keys"


def _authorities(snapshot: Snapshot, order: tuple[Placed, ...]) -> Iterator[str]:
    for placed in order:
        for path in placed.directive.arguments[:1] if placed.directive.name == "trustedusercakeys" else ():
            file = snapshot.files.get(path)
            if path.lower() == "none":
                continue
            if file is None or file.text is None:
                yield f"TrustedUserCAKeys at {placed.origin} names {path}, which cannot be read: sshd trusts no authority there"
                continue
            for public in filter(None, map(words, file.text.splitlines())):
                weak = ", which is weak" if _weak(kind_of(public)) else ""
                yield f"users' certificates of the authority {kind_of(public)} {fingerprint(public)} are trusted ({path}){weak}"


def _weak(kind: str) -> bool:
    name, dummy, bits = kind.partition("-")
    return bits.isdigit() and int(bits) < _SHORT.get(name, 0)


def _revoked(snapshot: Snapshot, placed: Placed) -> Iterator[str]:
    """A list that sshd cannot read revokes every key."""
    path = placed.directive.arguments[0] if placed.directive.arguments else ""
    file = snapshot.files.get(path)
    if file is None or "cannot be read" in file.problem:
        yield f"RevokedKeys at {placed.origin} names {path}, which is not there or cannot be read: sshd lets nobody in with a key"
