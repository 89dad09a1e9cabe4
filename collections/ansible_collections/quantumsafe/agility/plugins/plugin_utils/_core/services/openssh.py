"""OpenSSH's sshd.  Sources: sshd_config(5), sshd(8) -T, ssh(1) -Q.

For these keywords the first value counts, wherever an Include puts it; none of the lists but PubkeyAcceptedAlgorithms may stand in a Match
block; the client's order decides, so a server can add and remove but not prefer.  `sshd -T` is the truth, the files say where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import Activation, Capability, Collect, Endpoint, Follow, Origin, Service, Setting, Snapshot
from .openssh_config import MAIN, QUERIES, Placed, missing, reading_order, winning
from .openssh_write import KEYWORDS, write

PENALTIES = "PerSourcePenalties is on: repeated unauthenticated connections lock the address out for a while ({})"

# What a host key of this type can sign with (RFC 8332 §3); every other type signs under its own name.
SIGNS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}

COLLECT = Collect(
    needs=(MAIN,),
    files=(MAIN, "/etc/ssh/sshd_config.d/*.conf", "/etc/ssh/ssh_host_*_key.pub"),
    follow=(Follow("include", "/etc/ssh"),),
    commands={
        "sshd-T": ("sshd", "-T"),
        "sshd-V": ("sshd", "-V"),
        **{f"ssh-Q-{query}": ("ssh", "-Q", query) for query in dict.fromkeys(QUERIES.values())},
        "dropins": ("ls", "-d", "/etc/ssh/sshd_config.d"),
    },
)


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """One endpoint, "sshd".  Raises Unparsable for a file that sshd would refuse, too."""
    if MAIN not in snapshot.files:
        return ()
    order = reading_order(snapshot)
    effective = _effective(snapshot)
    version = _version(snapshot)
    keys = _host_keys(snapshot)
    settings, notes = {}, _notes(order, effective)
    for aspect, names in KEYWORDS.items():
        first = winning(order, names)
        values = next((effective[name] for name in names if name in effective), None)
        if values is None and first and first.directive.arguments[0][:1] not in "+-^":
            settings[aspect] = Setting(tuple(first.directive.arguments[0].split(",")), first.origin, "configured")
        elif values is None:
            notes.append(f"{names[0]}: without an answer of `sshd -T` its effective value is unknown (a default, or a change to it)")
        else:
            listed = tuple(values[0].split(","))
            if aspect == "host_key" and keys:
                listed = tuple(name for name in listed if name in _signing(keys))
            settings[aspect] = Setting(listed, first.origin if first else Origin(f"default of {version}"))
            notes += _disagreement(first, values[0])
    return (
        Endpoint(
            id="sshd",
            service="openssh",
            protocol="ssh",
            names="openssh",
            addresses=_addresses(effective),
            version=version,
            settings=settings,
            capabilities={aspect: _capability(snapshot, aspect, query, version, keys) for aspect, query in QUERIES.items()},
            notes=tuple(notes),
        ),
    )


def _effective(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """keyword → every value that `sshd -T` prints for it; {} when it did not answer."""
    answer = snapshot.answers.get("sshd-T")
    out: dict[str, tuple[str, ...]] = {}
    for line in answer.out.splitlines() if answer and answer.ok else ():
        name, dummy, value = line.strip().partition(" ")
        out[name] = (*out.get(name, ()), value)
    return out


def _version(snapshot: Snapshot) -> str:
    """ "OpenSSH 10.0p2"; releases before 9.? print it among the complaint that -V is no option."""
    answer = snapshot.answers.get("sshd-V")
    found = re.search(r"OpenSSH_(\S+?)[,\s]", answer.err + answer.out + " ") if answer else None
    return f"OpenSSH {found[1]}" if found else "OpenSSH of unknown version"


def _host_keys(snapshot: Snapshot) -> tuple[str, ...]:
    """Types of the host keys that exist, from the first word of their public halves."""
    texts = (file.text for path, file in snapshot.files.items() if re.fullmatch(r"/etc/ssh/ssh_host_\w+_key\.pub", path))
    return tuple(dict.fromkeys(text.split(" ", 1)[0] for text in texts if text))


def _signing(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for key in keys for name in SIGNS.get(key, (key,)))


def _capability(snapshot: Snapshot, aspect: str, query: str, version: str, keys: tuple[str, ...]) -> Capability:
    answer = snapshot.answers.get(f"ssh-Q-{query}")
    if not answer or not answer.ok:
        return Capability(None, f"`ssh -Q {query}` gave no answer ({answer.problem or answer.err.strip() if answer else 'not asked'})", version)
    names = tuple(answer.out.split())
    if aspect == "host_key":
        return Capability(tuple(name for name in names if name in _signing(keys)), "ssh -Q key-sig and the host keys that exist", version)
    return Capability(names, f"ssh -Q {query}", version)


def _addresses(effective: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, int], ...]:
    """From `listenaddress`; 0.0.0.0 and [::] are "*"."""
    out: dict[tuple[str, int], None] = {}
    for value in effective.get("listenaddress", ()):
        host, dummy, port = value.rpartition(":")
        out["*" if host in ("0.0.0.0", "[::]") else host.strip("[]"), int(port)] = None
    return tuple(out) or (("*", 22),)


def _notes(order: tuple[Placed, ...], effective: Mapping[str, tuple[str, ...]]) -> list[str]:
    notes = [
        f"{placed.scope} sets {placed.directive.keyword} {' '.join(placed.directive.arguments)} at {placed.origin}"
        for placed in order
        if placed.scope and placed.directive.name in ("pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes", "casignaturealgorithms")
    ]
    penalties = effective.get("persourcepenalties", ("no",))[0]
    return [*notes, PENALTIES.format(penalties)] if penalties != "no" else notes


def _disagreement(first: Placed | None, said: str) -> list[str]:
    """An explicit list in the files that `sshd -T` does not confirm: the files changed, or something that this parser does not see."""
    listed = first.directive.arguments[0] if first and first.directive.arguments else ""
    if first and listed[:1] not in "+-^" and listed.split(",") != said.split(","):
        return [f"{first.origin} says {listed}, `sshd -T` says {said}"]
    return []


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """sshd reads its file anew on reload; open sessions live on.  A socket-activated one reads it for every connection."""
    ports = tuple(dict.fromkeys(port for endpoint in endpoints for dummy, port in endpoint.addresses))
    return Activation("openssh", ("ssh.service", "sshd.service"), ("ssh.socket", "sshd.socket"), ("sshd", "-t"), "reload", ports)


SERVICE = Service(name="openssh", protocol="ssh", collect=COLLECT, read=read, write=write, activation=activation, missing=missing)
