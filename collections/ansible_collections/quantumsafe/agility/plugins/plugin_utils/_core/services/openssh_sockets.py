"""Where sshd listens: its own addresses, or those of a socket unit that systemd holds for it.  Sources: sshd_config(5), systemd.socket(5)."""

from __future__ import annotations

from ..documents import lines
from ..model import Snapshot
from .openssh_ask import effective
from .openssh_config import Placed, options
from .paths import glob

# Not every ssh*.socket: systemd has some of its own, for vsock and local logins.
UNITS = ("ssh.socket", "sshd.socket")
WANTED = tuple(f"/etc/systemd/system/sockets.target.wants/{unit}" for unit in UNITS)
# Ubuntu makes drop-ins of the ports of sshd_config, below /run.
DROPINS = tuple(f"{folder}/{unit}.d/*.conf" for folder in ("/run/systemd/generator", "/etc/systemd/system") for unit in UNITS)


def by_socket(snapshot: Snapshot) -> bool:
    """Whether a socket unit is enabled for it: then sshd ignores Port and ListenAddress, and need not be running."""
    return any(path in snapshot.files for path in WANTED)


def addresses(snapshot: Snapshot, order: tuple[Placed, ...]) -> tuple[tuple[str, int], ...]:
    """(address, port), "*" = any."""
    said = effective(snapshot)
    if by_socket(snapshot):
        found = _of_units(snapshot)
    elif "p" in (given := options(snapshot)):
        found = [given["p"][0]]
    elif said:
        found = [value.split()[0] for value in said.get("listenaddress", ())]  # "rdomain NAME" may stand behind
    else:
        found = [p.directive.arguments[0] for p in order if p.directive.name == "port" and p.directive.arguments]
    parsed = (_address(value) for value in found)
    return tuple(dict.fromkeys(address for address in parsed if address)) or (("*", 22),)


def _of_units(snapshot: Snapshot) -> list[str]:
    """Every ListenStream= of the unit and its drop-ins; an empty one forgets those before it."""
    found: list[str] = []
    for path in (path for pattern in (*WANTED, *DROPINS) for path in glob(pattern, snapshot)):
        for line in lines.split(snapshot.files[path].text or ""):
            name, dummy, value = line.partition("=")
            if name.strip() == "ListenStream":
                found = [*found, value.strip()] if value.strip() else []
    return found


def _address(value: str) -> tuple[str, int] | None:
    """From "22", "0.0.0.0:22" or "[::]:22"; None for what is no TCP address (a path, vsock:…)."""
    host, dummy, port = value.rpartition(":")
    if not port.isdigit() or host.startswith(("/", "vsock")):
        return None
    return "*" if host in ("", "0.0.0.0", "[::]") else host.strip("[]"), int(port)
