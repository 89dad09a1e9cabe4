"""OpenSSH's sshd.  Sources: sshd_config(5), sshd(8) -T, ssh(1) -Q.

For these keywords the first value counts, wherever an Include puts it; none of the lists but PubkeyAcceptedAlgorithms may stand in a Match
block; the client's order decides, so a server can add and remove but not prefer.  `sshd -T` is the truth, the files say where it comes from.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..grant import Grant
from ..model import Activation, Capability, Collect, Endpoint, Follow, Origin, Setting, Snapshot
from ..service import Service
from .fips import fips
from .openssh_ask import ASKED, CHECK, CHECK_APART, SECOND_TRIES, blocks, effective, everybody, supported
from .openssh_config import ENVIRONMENT, HOST_KEYS, IN_MATCH, KEYWORDS, MAIN, QUERIES, Placed, given, missing, reading_order, winning
from .openssh_holds import holds
from .openssh_keys import LISTED, USUAL, signing
from .openssh_sockets import DROPINS, UNITS, WANTED, addresses, by_socket
from .openssh_trust import notes as trust_notes
from .openssh_write import DROPIN, HEADER, SPELLED, write
from .recorded import BY_TABLE, source

PENALTIES = "PerSourcePenalties is on: repeated unauthenticated connections lock the address out for a while ({})"
GSSAPI = "GSSAPIKeyExchange is on: sshd offers {} besides KexAlgorithms; they are classical and are not judged here"
OUTSIDE = "FIPS mode is on, but OpenSSH brings curve25519, sntrup761, ML-KEM, ed25519 and chacha20 itself, outside of any module"
UNKNOWN = "{}: without an answer of `sshd -T` ({}) its effective value is unknown (a default, or a change to it)"

_VERSION = re.compile(r"OpenSSH_(\S+?)[,\s]")

COLLECT = Collect(
    needs=(MAIN,),
    files=(
        MAIN,
        "/etc/ssh/sshd_config.d/*.conf",
        f"{HOST_KEYS}.pub",
        f"{HOST_KEYS}-cert.pub",
        *ENVIRONMENT,
        *WANTED,
        *DROPINS,
    ),
    follow=(Follow("include", "/etc/ssh"), Follow("trustedusercakeys", "/etc/ssh"), Follow("revokedkeys", "/etc/ssh")),
    commands={
        **ASKED,
        "sshd-V": ("sshd", "-V"),
        **{f"ssh-Q-{query}": ("ssh", "-Q", query) for query in dict.fromkeys(QUERIES.values())},
    },
    there={LISTED: ("/etc/ssh/sshd_config.d", *USUAL)},
    second_tries=SECOND_TRIES,
)
DAEMONS = ("ssh.service", "sshd.service")
GRANT = Grant(
    folders=("/etc/ssh",),
    says=tuple(SPELLED),
    value="[A-Za-z0-9@.,_+^*?!-]+",
    ends="",
    units=DAEMONS,
    checks=(CHECK, CHECK_APART),
    sockets=UNITS,
    actions=("reload", "restart"),
    creates=(DROPIN,),
    header=HEADER.rstrip("\n"),
)


def read(snapshot: Snapshot) -> tuple[Endpoint, ...]:
    """One endpoint, "sshd".  Raises Unparsable for a file that sshd would refuse, too."""
    if MAIN not in snapshot.files:
        return ()
    order = reading_order(snapshot)
    version = _version(snapshot)
    keys, blind = signing(snapshot, order)
    settings, notes = {}, [*_notes(snapshot, order), *trust_notes(snapshot, order)]
    for aspect, names in KEYWORDS.items():
        setting = _setting(snapshot, order, aspect, version)
        if setting is None:
            notes.append(UNKNOWN.format(names[0], _silence(snapshot)))
            continue
        if aspect == "host_key" and keys is not None:
            setting = replace(setting, values=tuple(name for name in setting.values if name in keys))
        if aspect == IN_MATCH:
            setting, told = _with_blocks(snapshot, order, setting)
            notes += told
        if setting:
            settings[aspect] = setting
            notes += _disagreement(snapshot, order, aspect)
    if mode := fips(snapshot, told=False):
        settings["fips"] = mode
        notes += [OUTSIDE] if "mode=on" in mode.values else []
    return (
        Endpoint(
            id="sshd",
            service="openssh",
            protocol="ssh",
            names="openssh",
            addresses=addresses(snapshot, order),
            version=version,
            settings=settings,
            capabilities={aspect: replace(_capability(snapshot, aspect, version, keys, blind), order="set") for aspect in QUERIES},
            notes=tuple(notes),
        ),
    )


def _setting(snapshot: Snapshot, order: tuple[Placed, ...], aspect: str, version: str) -> Setting | None:
    values, said = everybody(snapshot, order, aspect)
    if values is None:
        return None
    option, first = given(snapshot, aspect), winning(order, aspect)
    origin = option[1] if option else first.origin if first else Origin(f"default of {version}")
    return Setting(values, origin, "effective" if said else "configured")


def _with_blocks(snapshot: Snapshot, order: tuple[Placed, ...], setting: Setting) -> tuple[Setting | None, list[str]]:
    """What anybody may use: the list of everybody and what Match blocks add for some.  None where that cannot be known."""
    values, origin, told = setting.values, str(setting.origin), []
    for placed, names in blocks(snapshot, order):
        told.append(f"{placed.scope} sets {placed.directive.keyword} {' '.join(placed.directive.arguments)} at {placed.origin}")
        if names is None:
            return None, [*told, f"{placed.origin} changes a default that is not known: what {placed.scope} accepts is unknown"]
        added = tuple(name for name in names if name not in values)
        if added:
            values += added
            origin += f"; {placed.origin} in {placed.scope} adds {', '.join(added)}"
    return (setting if values == setting.values else Setting(values, Origin(origin), "configured")), told


def _silence(snapshot: Snapshot) -> str:
    """Why sshd did not say its effective values."""
    answer = snapshot.answers.get("sshd-T")
    said = (answer.problem or answer.err.strip() or answer.out.strip()) if answer else "not asked"
    return said.splitlines()[-1] if said else f"exit code {answer.rc if answer else None}"


def _version(snapshot: Snapshot) -> str:
    """ "OpenSSH 10.0p2"; releases before 9.? print it among the complaint that -V is no option."""
    answer = snapshot.answers.get("sshd-V")
    found = _VERSION.search(answer.err + answer.out + " ") if answer else None
    return f"OpenSSH {found[1]}{BY_TABLE if answer and answer.recorded else ''}" if found else "OpenSSH of unknown version"


def _capability(snapshot: Snapshot, aspect: str, version: str, keys: tuple[str, ...] | None, blind: str) -> Capability:
    names, query = supported(snapshot, aspect), QUERIES[aspect]
    if names is None:
        answer = snapshot.answers.get(f"ssh-Q-{query}")
        return Capability(None, f"`ssh -Q {query}` gave no answer ({answer.problem or answer.err.strip() if answer else 'not asked'})", version)
    if aspect != "host_key":
        answer = snapshot.answers.get(f"ssh-Q-{query}")
        return Capability(names, source(f"ssh -Q {query}", answer) if answer else "sshd -T", version)
    if keys is None:
        return Capability(None, blind, version)
    return Capability(tuple(name for name in names if name in keys), "its key types and the host keys that exist", version)


def _notes(snapshot: Snapshot, order: tuple[Placed, ...]) -> list[str]:
    said = effective(snapshot)
    notes = [
        f"{p.scope} sets {p.directive.keyword} {' '.join(p.directive.arguments)} at {p.origin}"
        for p in order
        if p.scope and p.directive.name == "casignaturealgorithms"
    ]
    if said.get("gssapikeyexchange") == ("yes",):
        notes.append(GSSAPI.format(", ".join(said.get("gssapikexalgorithms", ("its own key exchanges",)))))
    penalties = said.get("persourcepenalties", ("no",))[0]
    return [*notes, PENALTIES.format(penalties)] if penalties != "no" else notes


def _disagreement(snapshot: Snapshot, order: tuple[Placed, ...], aspect: str) -> list[str]:
    """An explicit list in the files that `sshd -T` does not confirm: the files changed, or something that this parser does not see."""
    first, (said, asked) = winning(order, aspect), everybody(snapshot, order, aspect)
    value = first.directive.arguments[0] if first else ""
    if first and asked and said and value[:1] not in "+-^" and "*" not in value and set(value.split(",")) - {""} != set(said):
        return [f"{first.origin} says {value}, `sshd -T` says {','.join(said)}"]
    return []


def activation(snapshot: Snapshot, endpoints: tuple[Endpoint, ...]) -> Activation:
    """sshd reads its file anew on reload; open sessions live on, over a restart as well (KillMode=process).

    Behind a socket unit it loses the socket on a reload and ends ("Cannot bind any address", 9.2p1 and 10.0p2), a restart hands it over
    again; and its directory below /run is not there when it does not run.
    """
    ports = tuple(dict.fromkeys(port for endpoint in endpoints for dummy, port in endpoint.addresses))
    answer = snapshot.answers.get("sshd-T")
    socket = by_socket(snapshot)
    check = CHECK_APART if socket or (answer and "Missing privilege separation directory" in answer.err) else CHECK
    return Activation("openssh", DAEMONS, UNITS, check, "restart" if socket else "reload", ports)


SERVICE = Service("openssh", "ssh", COLLECT, read, write, activation, missing, grant=GRANT, holds=holds)
