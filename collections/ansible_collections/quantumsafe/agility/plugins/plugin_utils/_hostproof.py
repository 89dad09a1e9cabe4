# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: new logins that accept one host key and nothing else, between reload and confirm.

Of several keys of one type sshd uses the first, so a new key beside an old one of its type cannot be negotiated yet.  It is announced after
the login, and a client that asks is given a signature by it (PROTOCOL §2.5): that is how the others of the world learn it, and its proof.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._core.model import Problem
from ._core.services.openssh_hostkeys import HostKey
from ._core.services.openssh_kinds import fingerprint, signs_with
from ._core.targets.answer import parse_transactions
from ._core.targets.known_hosts import AUTHORITY, spoken
from ._core.targets.script import compose_status
from ._run import Run

ALIAS = "agility-proof"
_SHA1 = "server used untrusted RSA signature algorithm"
_SERVED = re.compile(r"debug1: Server host (?:key|certificate): (\S+) (SHA256:[^\s,]+)")
STRANGE = "this controller's ssh client does not know keys of that kind"
PARAMIKO = "the paramiko connection can be told neither which key to accept, nor of further keys"

Proofs = tuple[tuple[Mapping[str, Any], ...], list[str]]


def prove_keys(run: Run, before: Sequence[HostKey], keys: Sequence[HostKey], new: Sequence[HostKey], authority: str, name: str) -> Proofs:
    """keys: sshd's of now; new: those of them that must be seen; authority, name: of the certificates that must be, "" = none."""
    if run.channel.transport != "ssh":
        return ({"endpoint": "sshd", "proved": False, "why": PARAMIKO},), []
    first, mine = {key.type: key for key in reversed(keys)}, spoken()
    told: list[Told] = [({"host_key": key.path, "fingerprint": fingerprint(key.public), "why": STRANGE}, "") for key in new if key.type not in mine]
    used = [key for key in new if first[key.type] == key and key.type in mine]
    told += [_negotiated(run, key) for key in used]
    if beside := [key for key in new if key not in used and key.type in mine]:
        told += _announced(run, before, beside)
    if authority:
        told += [_certified(run, key, authority, name) for key in keys if key.signed]
    proofs = tuple({"endpoint": "sshd", "proved": not (fault or seen.get("why")), **seen} for seen, fault in told)
    return proofs, [f"sshd: {fault}" for dummy, fault in told if fault]


Told = tuple[dict[str, Any], str]


@dataclass(frozen=True, slots=True)
class Login:
    """served: type and fingerprint.  learnt: the client's known hosts afterwards.  sha1: an RSA key was proved in a way that it disregards."""

    served: str = ""
    learnt: str = ""
    sha1: bool = False
    fault: str = ""


def _negotiated(run: Run, key: HostKey) -> Told:
    login = _login(run, f"{ALIAS} {key.public}\n", ALIAS, signs_with(key.public))
    seen = {"host_key": key.path, "fingerprint": fingerprint(key.public), "negotiated": login.served}
    fault = login.fault or _other(key, login)
    return seen, f"{key}: {fault}" if fault else ""


def _certified(run: Run, key: HostKey, authority: str, name: str) -> Told:
    login = _login(run, f"{AUTHORITY} {name} {authority}\n", name, signs_with(key.public, certified=True))
    seen = {"host_certificate": f"{key.path}-cert.pub", "fingerprint": fingerprint(key.public), "negotiated": login.served}
    fault = login.fault or _other(key, login)
    return seen, f"the certificate of {key}: {fault}" if fault else ""


def _other(key: HostKey, login: Login) -> str:
    return "" if fingerprint(key.public) in login.served else f"a client that accepts nothing else was served {login.served or 'nothing'}"


def _announced(run: Run, before: Sequence[HostKey], beside: Sequence[HostKey]) -> list[Told]:
    """One login for all of them, by a client that knows the old keys and asks for proof of what it is told (UpdateHostKeys)."""
    known = "".join(f"{ALIAS} {key.public}\n" for key in before)
    login = _login(run, known, ALIAS, (), "-o UpdateHostKeys=yes")
    out = []
    for key in beside:
        fault = login.fault or ("" if key.public in login.learnt else "a client that asks for further keys was not given it")
        seen = {"host_key": key.path, "fingerprint": fingerprint(key.public), "announced": not fault, "negotiated": login.served}
        if fault and login.sha1 and key.family == "rsa":
            fault, seen["why"] = "", "this sshd proves further RSA keys with SHA-1, which clients disregard: they do not learn it by themselves"
        out.append((seen, f"{key}: {fault}" if fault else ""))
    return out


def _login(run: Run, known: str, name: str, algorithms: Sequence[str], more: str = "-o UpdateHostKeys=no") -> Login:
    """Once more, with these known hosts and algorithms alone."""
    with tempfile.TemporaryDirectory(prefix="agility-") as folder:
        path = Path(folder) / "known_hosts"
        path.write_text(known, encoding="utf-8")
        options = [*("-o", f"UserKnownHostsFile={path}", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes")]
        options += ["-o", f"HostKeyAlias={name}", "-o", "KnownHostsCommand=none", "-o", "VerifyHostKeyDNS=no", *shlex.split(more)]
        options += ["-o", f"HostKeyAlgorithms={','.join(algorithms)}"] if algorithms else []
        try:
            with run.channel.fresh(shlex.join(options)) as fresh:
                fresh.ask(lambda nonce: compose_status("", nonce), parse_transactions)
        except Problem as problem:
            return Login(fault=f"no login: {problem.message.strip().splitlines()[-1]}")
        served = _SERVED.search(fresh.stderr)
        return Login(" ".join(served.groups()) if served else "", path.read_text(encoding="utf-8"), _SHA1 in fresh.stderr)
