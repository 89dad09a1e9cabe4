"""Which keys sshd proves itself with, and whose it trusts: paths by role.  Source: sshd_config(5)."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Snapshot
from .openssh_ask import effective
from .openssh_config import MAIN, reading_order

# keyword → role; what it names when nobody says otherwise
ROLES = {
    "hostkey": ("host_key", ()),
    "hostcertificate": ("host_certificate", ()),
    "trustedusercakeys": ("trusted_user_ca", ()),
    "revokedkeys": ("revoked", ()),
    "authorizedkeysfile": ("authorized_keys", (".ssh/authorized_keys", ".ssh/authorized_keys2")),
}


def holds(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """As sshd says it, else as its files do, also in Match blocks; authorized_keys are patterns (%h, %u).  Nothing of one not looked at."""
    if MAIN not in snapshot.files:
        return {}
    said, out = effective(snapshot), {}
    configured = [(p.directive.name, argument) for p in reading_order(snapshot) for argument in p.directive.arguments]
    for keyword, (role, usual) in ROLES.items():
        lines = [word for value in said.get(keyword, ()) for word in value.split()] if said else []
        lines += [argument for name, argument in configured if name == keyword]
        out[role] = tuple(dict.fromkeys(path for path in lines or usual if path != "none"))
    return out
