# Copyright: quantumsafe.agility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PRIVATE to the collection: from a look at a host to new host keys for its sshd, their certificates, and a list of revoked keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ._core.model import Activation, Change, Edit, Problem, Snapshot
from ._core.services import SERVICES
from ._core.services.openssh_ask import everybody
from ._core.services.openssh_config import reading_order
from ._core.services.openssh_hostkeys import HostKey, Rotation, Terms, after, offered, rotation, with_public
from ._core.services.openssh_kinds import KINDS, signs_with, words
from ._core.services.openssh_lines import Lines, edit
from ._core.services.openssh_trust import revoked_file
from ._core.targets.answer import NewKey, parse_keys
from ._core.targets.controller import login_keys
from ._core.targets.known_hosts import AUTHORITY, KnownHosts, of_openssh, of_paramiko, pinned, spoken
from ._core.targets.script import AnyChange, Place, Remove, Whole, compose_host_keys
from ._core.targets.ssh_keygen import SshAuthority, revoked, sign_host_key, ssh_authority
from ._core.targets.survey import Survey
from ._planning import host_of, ssh_words
from ._run import Run


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done on one host.  keys: sshd's of today; certify: (key, why) of those that get a certificate; krl: the new list."""

    snapshot: Snapshot
    keys: tuple[HostKey, ...]
    plan: Rotation
    authority: SshAuthority | None = None
    certify: tuple[tuple[HostKey, str], ...] = ()
    principals: tuple[str, ...] = ()
    krl: Path | None = None

    @property
    def after(self) -> tuple[HostKey, ...]:
        return after(self.keys, self.plan)

    @property
    def reasons(self) -> tuple[str, ...]:
        certified = tuple(f"sshd: a certificate for {key}: {why}; for {', '.join(self.principals)}" for key, why in self.certify)
        return (*self.plan.reasons, *certified, *((f"sshd: {self.krl} says which keys of users are revoked",) if self.krl else ()))


def wanted(run: Run, found: Survey) -> Work:
    """Raises Problem for what this sshd cannot do, or for a list of revoked keys that would lock us out."""
    snapshot = found.snapshot
    keys = offered(snapshot)
    listed = everybody(snapshot, reading_order(snapshot), "host_key")[0]
    terms = Terms(tuple(run.args["host_keys"]), str(run.args["phase"]), int(run.args["overlap"]), int(run.args["max_age"]), run.as_of, listed)
    taken = [path.removesuffix(".pub") for path in snapshot.files if path.endswith(".pub")]
    plan = rotation(keys, terms, taken)
    path = str(run.args.get("ssh_authority") or "")
    authority = ssh_authority(path, str(run.args.get("ssh_authority_provider") or "")) if path else None
    work = Work(snapshot, keys, plan, authority, principals=_names(run), krl=_list(run, snapshot))
    if authority:
        work = replace(work, certify=_uncertified(run, work, authority, listed))
    elif certified := [key for key in plan.removed if key.certificate]:
        raise Problem(
            f"{certified[0]} goes and has a certificate; those who trust its authority alone would be cut off",
            run.host,
            "name its authority in agility_ssh_authority, so that the new key gets one; nothing was changed",
        )
    for kind, path in plan.orders:
        _usable(run, path, signs_with(KINDS[kind].type), listed)
    return work


def _names(run: Run) -> tuple[str, ...]:
    """What the host is called: by the inventory, unless names are given."""
    given = tuple(str(name) for name in run.args["names"])
    return given or tuple(dict.fromkeys(name for name in (run.host, run.variable("ansible_host")) if name))


def _usable(run: Run, what: str, names: Sequence[str], listed: Sequence[str] | None) -> None:
    """A key whose algorithms sshd does not take is loaded and never used."""
    if listed is not None and not set(names) & set(listed):
        raise Problem(
            f"sshd there uses none of {', '.join(names)}, so {what} would never be used",
            run.host,
            "its HostKeyAlgorithms must list one of them: enforce a policy that asks for it, or upgrade OpenSSH; nothing was changed",
        )


def _uncertified(run: Run, work: Work, authority: SshAuthority, listed: Sequence[str] | None) -> tuple[tuple[HostKey, str], ...]:
    """Of each type the key that sshd uses, the first.  A certificate of another one would be preferred by clients that know the first alone, and
    those take a certificate of a strange authority for its plain key (sshconnect.c)."""
    used = [key for key in {key.type: key for key in reversed(work.after)}.values() if not key.type.startswith(("ssh-dss", "ssh-mldsa"))]
    names = {key: signs_with(key.public, certified=True) for key in used}
    _usable(run, "a certificate", [name for mine in names.values() for name in mine], listed)
    found = ((key, _stale(run, key, work.principals, authority)) for key in used if listed is None or set(names[key]) & set(listed))
    return tuple((key, why) for key, why in found if why)


def _stale(run: Run, key: HostKey, principals: Sequence[str], authority: SshAuthority) -> str:
    """Why its certificate is to be replaced; "" = it is not."""
    if key.signed is None:
        return "it has none"
    if key.signed.authority != authority.public:
        return "the one there is of another authority"
    if lacking := [name for name in principals if name not in key.signed.principals]:
        return f"the one there is not for {', '.join(lacking)}"
    left = (key.signed.until - datetime.now(UTC).timestamp()) / 86400
    return f"the one there ends in {max(left, 0):.0f} days" if left <= int(run.args["renew_before"]) else ""


def _list(run: Run, snapshot: Snapshot) -> Path | None:
    """The list of revoked keys, where the host has another.  Raises Problem for one that is none, or that shuts this controller out."""
    path = str(run.args.get("revoked_keys") or "")
    if not path:
        return None
    krl = Path(path).expanduser()
    connection: Any = run.action._connection
    key_file = str(connection.get_option("private_key_file") or "") if run.channel.transport == "ssh" else ""
    mine = login_keys(host_of(run), ssh_words(connection) if run.channel.transport == "ssh" else [], key_file)
    shut = revoked(krl, mine)
    if shut and set(shut) == set(mine):
        raise Problem(
            f"it revokes the controller's own key, {shut[0]}", str(krl), "log in with another key, or take this one out of it; nothing was changed"
        )
    there = snapshot.files.get(revoked_file(snapshot)[0])
    return krl if not there or there.sha256 != _sha(krl) else None


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_host_keys(run: Run, id_: str, work: Work) -> tuple[str, ...]:
    """Their public halves, over the connection that is trusted already."""
    options = [KINDS[kind].options for kind, dummy in work.plan.orders]
    if not options:
        return ()

    def parse(output: str, nonce: str) -> tuple[NewKey, ...]:
        return parse_keys(output, nonce, run.host)

    return tuple(words(made.request) for made in run.channel.ask(lambda nonce: compose_host_keys(id_, options, nonce), parse))


def keys_after(work: Work, publics: Sequence[str]) -> tuple[HostKey, ...]:
    """With the public halves that the host made."""
    made = dict(zip((path for dummy, path in work.plan.orders), publics, strict=True))
    return tuple(with_public(key, made[key.path]) if key.path in made else key for key in work.after)


def certificates(run: Run, work: Work, keys: Sequence[HostKey]) -> dict[str, str]:
    """Path of a host key → its new certificate."""
    paths = [key.path for key, dummy in work.certify]
    days = int(run.args["days"])
    return {
        key.path: sign_host_key(work.authority, key.public, run.host, work.principals, days, secrets.randbits(63))
        for key in keys
        if work.authority and key.path in paths
    }


def lines(work: Work) -> tuple[Change, ...]:
    """The lines of sshd's configuration that change; the files that they name do not exist yet."""
    named = {key.path for key, dummy in work.certify if key.certificate}
    added = [("HostKey", path) for dummy, path in work.plan.orders]
    added += [("HostCertificate", f"{key.path}-cert.pub") for key, dummy in work.certify if key.path not in named]
    dropped = [("HostKey", key.path) for key in work.plan.removed]
    dropped += [("HostCertificate", key.certificate) for key in work.plan.removed if key.certificate]
    path, placed = revoked_file(work.snapshot)
    added += [("RevokedKeys", path)] if work.krl and not placed else []
    replaced = (placed,) if work.krl and placed and placed[1] else ()
    if not (added or dropped or replaced):
        return ()
    return edit(work.snapshot, Lines(tuple(added), tuple(dropped), replaced), tuple(key.path for key in work.keys))


def changes(work: Work, keys: Sequence[HostKey], signed: Mapping[str, str]) -> tuple[AnyChange, ...]:
    """Keys and certificates first, then the lines that name them, then what goes."""
    files = work.snapshot.files
    out: list[AnyChange] = []
    publics = {key.path: key.public for key in keys}
    for number, (dummy, path) in enumerate(work.plan.orders, 1):
        out += [Place(path, number, "root", "root", "0600"), Change(f"{path}.pub", "", (Edit(1, 0, (f"{publics[path]}\n",)),))]
    for key in keys:
        if key.path in signed:
            path = key.certificate or f"{key.path}-cert.pub"
            old = files.get(path)
            gone = len((old.text or "").splitlines()) if old else 0
            out.append(Change(path, old.sha256 if old else "", (Edit(1, gone, (f"{signed[key.path]}\n",)),)))
    if work.krl:
        path = revoked_file(work.snapshot)[0]
        out.append(Whole(path, files[path].sha256 if path in files else "", work.krl.read_bytes()))
    out += lines(work)
    for key in work.plan.removed:
        out += [Remove(key.path), Remove(f"{key.path}.pub", files[f"{key.path}.pub"].sha256)]
        out += [Remove(key.certificate, files[key.certificate].sha256)] if key.certificate else []
    return tuple(out)


def activation(found: Survey, work: Work) -> Activation:
    """sshd checks no list of revoked keys; one that it cannot read lets nobody in."""
    one = SERVICES["openssh"].activation(found.snapshot, tuple(e for e in found.endpoints if e.service == "openssh"))
    if not work.krl:
        return one
    return replace(one, check=("sh", "-c", 'ssh-keygen -Q -f "$0" >/dev/null || exit; exec "$@"', revoked_file(work.snapshot)[0], *one.check))


# ---------------------------------------------------------------- the controller's own side


def known_hosts(run: Run) -> KnownHosts:
    """What this connection reads.  Raises Problem for a connection that pins no host keys that we know of."""
    connection: Any = run.action._connection
    chosen = str(run.args.get("known_hosts") or "")
    if run.channel.transport == "ssh":
        return of_openssh(host_of(run), ssh_words(connection), chosen)
    if run.channel.transport in ("paramiko", "paramiko_ssh"):
        checks = connection.get_option("host_key_checking") and not connection.get_option("host_key_auto_add")
        return of_paramiko(host_of(run), int(connection.get_option("port") or 22), bool(checks), chosen)
    raise Problem(f"the connection {run.channel.transport} cannot prove that anybody still gets in", run.host, "run it over ssh; nothing was changed")


def pins(work: Work, keys: Sequence[HostKey], known: KnownHosts) -> tuple[str, ...]:
    """Lines that the controller lacks for keys of ours that its client knows at all, and for the authority."""
    (name, there, trusted), mine = pinned(known), spoken()
    out = [f"{name} {key.public}" for key in keys if key.made and key.public not in there and key.type in mine]
    if work.authority and work.authority.public not in trusted:
        out.append(f"{AUTHORITY} {','.join(dict.fromkeys((name, *work.principals)))} {work.authority.public}")
    return tuple(out)


def unpinned(keys: Sequence[HostKey], known: KnownHosts) -> tuple[str, ...]:
    """Why sshd's keys of then would be strange to this controller; nothing when it takes any key and knows none of this host."""
    (name, there, trusted), mine = pinned(known), spoken()
    keys = [key for key in keys if key.type in mine]
    if known.trusting and not there:
        return ()
    kept = {key.public for key in keys} & there
    certified = any(key.signed and key.signed.authority in trusted for key in keys)
    lacking = [key for key in keys if key.made and key.public not in there]
    if certified or (kept and not lacking):
        return ()
    return tuple(f"{name} {key.public}" for key in lacking or keys)
