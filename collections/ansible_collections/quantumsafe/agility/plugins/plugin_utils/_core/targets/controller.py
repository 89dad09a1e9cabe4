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

SSH_PORT = 22
# What `ssh -G` says of StrictHostKeyChecking where a key that is not pinned is taken all the same.
TRUSTING = ("false", "no", "off", "accept-new")
CERTIFICATE = "-cert-v01@openssh.com"
PARAMIKO_FILES = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts", "/etc/openssh/ssh_known_hosts")  # Ansible's paramiko connection
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
    answer = run_tool(["ssh", *arguments, "-G", host])
    words = [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in answer.splitlines()]
    offers = {ASPECTS[key]: tuple(value.split(",")) for key, value in words if key in ASPECTS}
    said = dict(reversed(words))
    alias = said.get("hostkeyalias", "")
    names = [alias] if alias else names_of(said.get("hostname", host), int(said.get("port", "22")))
    files = shlex.split(f"{said.get('userknownhostsfile', '')} {said.get('globalknownhostsfile', '')}")
    trusts = said.get("stricthostkeychecking") in TRUSTING
    identities = [key_file] if key_file else [value for key, value in words if key == "identityfile"]
    return Client(
        offers,
        () if trusts else pinned_keys(names, files, offers.get("host_key", ())),
        tuple(dict.fromkeys(kind for path in identities if (kind := _key_type(path)))),
    )


def names_of(host: str, port: int) -> list[str]:
    """Under which names a host may be pinned, in the order in which ssh looks (sshconnect.c, check_host_key)."""
    return [f"[{host}]:{port}", host] if port != SSH_PORT else [host]


def pinned_keys(names: Sequence[str], files: Sequence[str], offers: Sequence[str]) -> tuple[str, ...] | None:
    """The key types of the first name that is pinned; None when none is.  A trusted authority stands for every certificate."""
    paths = [str(path) for file in files if (path := Path(file).expanduser()).is_file()]
    for name in names:
        kinds: dict[str, None] = {}
        for line in (line for path in paths for line in run_tool(["ssh-keygen", "-F", name, "-f", path], check=False).splitlines()):
            parts = line.split()
            if parts[:1] == ["@cert-authority"]:
                kinds.update(dict.fromkeys(offer for offer in offers if CERTIFICATE in offer))
            elif len(parts) >= 3 and not line.startswith(("#", "@")):
                kinds[parts[1]] = None
        if kinds:
            return tuple(kinds)
    return None


def login_keys(host: str, arguments: Sequence[str], key_file: str = "") -> tuple[str, ...]:
    """The public keys that the ssh client would offer to `host`, "type base64", as far as they can be found out."""
    said = [line.partition(" ") for line in run_tool(["ssh", *arguments, "-G", host]).splitlines()]
    identities = [key_file] if key_file else [value.strip() for key, dummy, value in said if key == "identityfile"]
    only = any((key, value.strip()) == ("identitiesonly", "yes") for key, dummy, value in said)
    agent = [] if only else run_tool(["ssh-add", "-L"], check=False).splitlines()
    found = [" ".join(line.split()[:2]) for line in (*map(_public_of, identities), *agent) if len(line.split()) > 1]
    return tuple(dict.fromkeys(line for line in found if not line.startswith("The ")))


def _key_type(path: str) -> str:
    """ "ssh-ed25519", "ssh-rsa", …: the first word of the public key."""
    return _public_of(path).split(" ", 1)[0].strip()


def _public_of(path: str) -> str:
    """The public key, which ssh-keygen derives from an unencrypted private one; "" without."""
    public = Path(f"{path}.pub").expanduser()
    if public.is_file():
        return public.read_text(encoding="utf-8", errors="replace")
    private = Path(path).expanduser()
    if not private.is_file():
        return ""
    return run_tool(["ssh-keygen", "-y", "-P", "", "-f", str(private)], check=False)


def run_tool(argv: list[str], check: bool = True) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"cannot ask {argv[0]}: {error}", "controller", "install an OpenSSH client on the controller") from error
    if check and done.returncode:
        raise Problem(f"{shlex.join(argv)} failed: {done.stderr.strip()}", "controller")
    return done.stdout


def paramiko_client(host: str, port: int, checks: bool) -> Client:
    """What Ansible's paramiko connection can speak: the lists of the installed paramiko.  Raises Problem when there is none.

    checks: whether it insists on a pinned host key.
    """
    try:
        from paramiko import Transport  # half a second, and only this connection needs it
    except ImportError as error:
        raise Problem("the paramiko connection has no paramiko", "controller", "pip install paramiko") from error
    lists = {"key_exchange": "_preferred_kex", "cipher": "_preferred_ciphers", "mac": "_preferred_macs", "host_key": "_preferred_keys"}
    offers = {aspect: tuple(getattr(Transport, name, ())) for aspect, name in lists.items()}
    pinned = pinned_keys(names_of(host, port), PARAMIKO_FILES, offers["host_key"]) if checks else ()
    return Client({**offers, "user_key": tuple(getattr(Transport, "_preferred_pubkeys", ()))}, pinned, name="this controller's paramiko")
