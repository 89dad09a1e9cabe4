"""What ssh-keygen does on the controller: sign host keys with an SSH certificate authority, look into a list of revoked keys.

Sources: ssh-keygen(1) -s, -U, -D, -V, -Q.  Passwords are never asked for: a key that has one waits in ssh-agent.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model import Problem

TIMEOUT = 60  # seconds; a token may be slow


@dataclass(frozen=True, slots=True)
class SshAuthority:
    """path: of its private key; of its public one (.pub) when the key is in ssh-agent, or on a token (provider: the PKCS#11 library)."""

    path: Path
    public: str
    provider: str = ""


def ssh_authority(path: str, provider: str = "") -> SshAuthority:
    """Raises Problem for a key that cannot be read."""
    given = Path(path).expanduser()
    public = given if given.suffix == ".pub" else given.with_name(f"{given.name}.pub")
    try:
        said = public.read_text(encoding="utf-8") if public.is_file() else _run(["ssh-keygen", "-y", "-P", "", "-f", str(given)])
    except OSError as error:
        raise Problem(f"the SSH authority cannot be read: {error.strerror}", str(public), "set agility_ssh_authority to its key") from error
    return SshAuthority(given, " ".join(said.split()[:2]), provider)


def sign_host_key(authority: SshAuthority, public: str, identity: str, principals: Sequence[str], days: int, serial: int) -> str:
    """The certificate, one line.  Raises Problem in the words of ssh-keygen."""
    where = ["-D", authority.provider] if authority.provider else ["-U"] if authority.path.suffix == ".pub" else []
    with tempfile.TemporaryDirectory(prefix="agility-") as folder:
        key = Path(folder) / "host.pub"
        key.write_text(f"{public}\n", encoding="utf-8")
        how = ["-I", identity, "-h", "-n", ",".join(principals), "-V", f"-5m:+{days}d", "-z", str(serial)]
        _run(["ssh-keygen", "-q", "-s", str(authority.path), *where, *how, str(key)])
        return key.with_name("host-cert.pub").read_text(encoding="utf-8").strip()


def revoked(krl: Path, keys: Sequence[str]) -> tuple[str, ...]:
    """Which of these public keys the list revokes.  Raises Problem for a list that sshd could not read: it would let nobody in."""
    try:
        krl.read_bytes()
    except OSError as error:
        raise Problem(f"the list of revoked keys cannot be read: {error.strerror}", str(krl), "nothing was changed") from error
    _run(["ssh-keygen", "-Q", "-f", str(krl)], "it is no list of revoked keys; make one with ssh-keygen -k -f FILE KEYS; nothing was changed")
    found = []
    with tempfile.TemporaryDirectory(prefix="agility-") as folder:
        for key in keys:
            path = Path(folder) / "key.pub"
            path.write_text(f"{key}\n", encoding="utf-8")
            if _ended(["ssh-keygen", "-Q", "-f", str(krl), str(path)]).returncode:
                found.append(key)
    return tuple(found)


def _run(argv: list[str], remedy: str = "") -> str:
    done = _ended(argv)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise Problem(f"{argv[0]} says: {said}", "controller", remedy)
    return done.stdout


def _ended(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """In a session of its own: without a terminal it cannot ask, and so does not wait."""
    quiet = {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}
    quiet.pop("DISPLAY", None)
    try:
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, start_new_session=True, env=quiet, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"cannot run {argv[0]}: {error}", "controller", "install an OpenSSH client on the controller") from error
