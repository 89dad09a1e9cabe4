"""What this controller's own SSH client can speak: before SSH is changed, the way back in must still exist.

Runs `ssh -G` and `ssh-keygen` on the controller; nothing here touches the target.  Sources: ssh(1) -G, ssh-keygen(1) -F and -l.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..model import Problem
from ..reach import Client

TIMEOUT = 10  # seconds; ssh -G may run a Match exec of the user's configuration

# ssh -G's keyword → our aspect
ASPECTS = {
    "kexalgorithms": "key_exchange",
    "ciphers": "cipher",
    "macs": "mac",
    "hostkeyalgorithms": "host_key",
    "pubkeyacceptedalgorithms": "user_key",
    "pubkeyacceptedkeytypes": "user_key",
}


def openssh_client(host: str, arguments: Sequence[str], key_file: str = "") -> Client:
    """Ask the ssh client of this controller about `host`, with the arguments that Ansible would give it.

    Raises Problem when there is no ssh client or it does not understand the arguments.
    """
    said = _run(["ssh", *arguments, "-G", host])
    words = [line.split(None, 1) for line in said.splitlines() if " " in line]
    offers = {ASPECTS[key]: tuple(value.split(",")) for key, value in words if key in ASPECTS}
    files = shlex.split(next((value for key, value in words if key == "userknownhostsfile"), ""))
    lookup = next((value for key, value in words if key == "hostkeyalias"), "") or next((v for k, v in words if k == "hostname"), host)
    identities = [key_file] if key_file else [value for key, value in words if key == "identityfile"]
    return Client(offers, _pinned(lookup, files), tuple(dict.fromkeys(kind for path in identities if (kind := _key_type(path)))))


def _pinned(host: str, files: Sequence[str]) -> tuple[str, ...]:
    kinds: dict[str, None] = {}
    for file in files:
        path = Path(file).expanduser()
        if path.is_file():
            for line in _run(["ssh-keygen", "-F", host, "-f", str(path)], check=False).splitlines():
                parts = line.split()
                if len(parts) >= 3 and not line.startswith(("#", "@")):  # @cert-authority and @revoked pin no key of the host's own
                    kinds[parts[1]] = None
    return tuple(kinds)


def _key_type(path: str) -> str:
    """ "ssh-ed25519", "ssh-rsa", …: the first word of the public key, which ssh-keygen derives from an unencrypted private one."""
    public = Path(f"{path}.pub").expanduser()
    if public.is_file():
        return public.read_text(encoding="utf-8", errors="replace").split(" ", 1)[0]
    private = Path(path).expanduser()
    if not private.is_file():
        return ""
    return _run(["ssh-keygen", "-y", "-P", "", "-f", str(private)], check=False).split(" ", 1)[0].strip()


def _run(argv: list[str], check: bool = True) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"cannot ask {argv[0]}: {error}", "controller", "install an OpenSSH client on the controller") from error
    if check and done.returncode:
        raise Problem(f"{shlex.join(argv)} failed: {done.stderr.strip()}", "controller")
    return done.stdout


def paramiko_client() -> Client:
    """What Ansible's paramiko connection can speak: the lists of the installed paramiko.  Raises Problem when there is none."""
    try:
        from paramiko import Transport  # half a second, and only this connection needs it
    except ImportError as error:
        raise Problem("the paramiko connection has no paramiko", "controller", "pip install paramiko") from error
    lists = {"key_exchange": "_preferred_kex", "cipher": "_preferred_ciphers", "mac": "_preferred_macs", "host_key": "_preferred_keys"}
    offers = {aspect: tuple(getattr(Transport, name, ())) for aspect, name in lists.items()}
    return Client({**offers, "user_key": tuple(getattr(Transport, "_preferred_pubkeys", ()))}, name="this controller's paramiko")
