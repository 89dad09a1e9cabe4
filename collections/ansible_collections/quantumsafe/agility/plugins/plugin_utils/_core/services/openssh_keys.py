"""Which host keys sshd has, and what they can sign.  Sources: sshd_config(5) HostKey and HostCertificate; RFC 8332 §3; PROTOCOL.certkeys."""

from __future__ import annotations

from ..model import Snapshot
from .openssh_ask import effective
from .openssh_config import HOST_KEYS, Placed
from .paths import glob

LISTED = "dropins"  # the answer that lists what of our drop-ins' folder and of these keys is there
USUAL = tuple(HOST_KEYS.replace("*", kind) for kind in ("rsa", "ecdsa", "ed25519"))  # sshd's default
# What a key of this type can sign with; every other type signs under its own name.
RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
SIGNS = {"ssh-rsa": RSA, "ssh-rsa-cert-v01@openssh.com": tuple(f"{name}-cert-v01@openssh.com" for name in RSA)}


def signing(snapshot: Snapshot, order: tuple[Placed, ...]) -> tuple[tuple[str, ...] | None, str]:
    """(signature algorithms of the host keys and certificates that sshd loads, why they are not known).

    By the first word of their public files.  A key of a usual name that is not there is no key: sshd has three names by default.
    """
    keys = [f"{path}.pub" for path in configured(snapshot, order, "hostkey")] or glob(f"{HOST_KEYS}.pub", snapshot)
    answer = snapshot.answers.get(LISTED)
    private = answer.out.splitlines() if answer else ()
    paths = [path for path in keys if path in snapshot.files or path.removesuffix(".pub") not in USUAL or path.removesuffix(".pub") in private]
    paths += configured(snapshot, order, "hostcertificate")
    blind = [path for path in paths if path not in snapshot.files or not (snapshot.files[path].text or "").strip()]
    if blind or not paths:
        return None, f"the type of the host key {blind[0]} could not be read" if blind else "no public half of a host key was found"
    kinds = dict.fromkeys((snapshot.files[path].text or "").split(None, 1)[0] for path in paths)
    return tuple(name for kind in kinds for name in SIGNS.get(kind, (kind,))), ""


def configured(snapshot: Snapshot, order: tuple[Placed, ...], name: str) -> list[str]:
    """Paths that sshd prints for this keyword, else those of the files: each line adds one."""
    said = effective(snapshot)
    written = [p.directive.arguments[0] for p in order if p.directive.name == name and p.directive.arguments]
    return [path for path in (said.get(name, ()) if said else written) if path != "none"]
