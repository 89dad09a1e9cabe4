"""A live device of VyOS: what is asked of it, and how a change is carried by `commit-confirm`.  Pure.

Sources: vyos-1x at 3710c587 and at 01c47cf0 (python/vyos/config_mgmt.py) and vyatta-cfg at 0a5b58a (vyatta-cfg-run): `commit-confirm N` asks
"Proceed ?", starts the systemd timer `commit-confirm` and only then commits, so that a commit that fails leaves a timer which `confirm` has to
stop.  When the timer runs out the device **reboots** into config.boot, unless `system config-management commit-confirm action reload` says
otherwise, which is younger.  There is no command that takes a change back: the old values are set and committed, and then the timer is stopped.  A
commit is atomic: the delete of a list and its new values count together.  `confirm` does not save.  What another login has not committed cannot be
seen.  `service https tls-version` takes several values, and no other line says anything of its TLS.  Groups of proposals: vyos_groups.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..documents import curly
from ..documents.lines import split
from ..model import Change, Edit, Snapshot, Wanted, Wishes
from .appliance import Live, Order, Timer
from .lists import edits_of, known, statements, touched, within
from .reading import Aspects, whole, without_echo
from .vyos_groups import ESP, IKE, commands, place, written
from .vyos_groups import over as groups_over
from .vyos_keeping import KEEPING

SSH: Aspects = {
    "key_exchange": "key-exchange",
    "cipher": "ciphers",
    "mac": "mac",
    "host_key": "hostkey-algorithm",
    "user_key": "pubkey-accepted-algorithm",
}
PRODUCT = "vyos "
LISTS = {aspect: f"service ssh {word}" for aspect, word in SSH.items()}
HTTPS_LISTS = {"version": "service https tls-version"}
RELOADS = "system config-management commit-confirm action reload"
KNOWN = (((1, 4), (1, 5)),)
_RELEASE = re.compile(r"^Version: +(?:VyOS )?(\d\S*)", re.MULTILINE)
_SERIAL = re.compile(r"^Hardware (?:S/N|UUID): +(\S.*?)[ \t]*$", re.MULTILINE)  # a virtual one may have one of them, or a word in their place
_IDLE = re.compile(r"^inactive[ \t]*$", re.MULTILINE)
_SAVED = re.compile(r"^// vyos-config-version", re.MULTILINE)  # the end of config.boot


def identify(said: str) -> tuple[str, str]:
    release = _RELEASE.search(said)
    return release[1] if release else "", " ".join(_SERIAL.findall(said))


def waiting(said: str) -> tuple[Timer, ...]:
    """Only the word of a timer that does not run is none."""
    return () if _IDLE.search(said) else (Timer(""),)


def cut(said: str) -> str:
    """The configuration, between braces or as `set` commands; "" when it is not whole."""
    text = without_echo(said)
    return text if whole(text, curly.vyos) else ""


def comparable(said: str) -> tuple[str, ...]:
    """Each statement, in whichever of the two ways and whichever order they are shown."""
    text = cut(said)
    saved = not text.lstrip().startswith("set ")
    return () if saved and not _SAVED.search(text) else tuple(sorted(" ".join(one.words) for one in whole(text, curly.vyos)))


def lines(order: Order) -> tuple[str, ...]:
    """A list of the SSH server counts by its order, so it is written anew; the rest says what comes before what goes."""
    said: list[str] = []
    for path in touched(LISTS, (*order.old, *order.new)):
        said += [f"delete {path}"] if any(within(one, path) for one in order.old) else []
        said += [f"set {one}" for one in order.new if within(one, path)]
    old, new = (tuple(one for one in side if not touched(LISTS, (one,))) for side in (order.old, order.new))
    return (*said, *commands(old, new))


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible."""
    (file,) = snapshot.files.values()
    known("VyOS", snapshot.facts["release"], KNOWN, snapshot.host)
    text = split(file.text or "")
    edits: list[Edit] = []
    for id_, wanted in wishes.items():
        for path, new in _places(text, id_.removeprefix(PRODUCT), wanted, snapshot.host).items():
            edits += edits_of(text, path, new)
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


def _places(text: tuple[str, ...], id_: str, wanted: Mapping[str, Wanted], host: str) -> dict[str, tuple[str, ...]]:
    if id_ in ("ssh", "https"):
        paths = LISTS if id_ == "ssh" else HTTPS_LISTS
        return {paths[aspect]: tuple(f"{paths[aspect]} {name}" for name in to.names) for aspect, to in wanted.items()}
    return written(said(text), id_, wanted, host)


def said(text: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for line in text for one in statements(line))


def over(snapshot: Snapshot) -> Mapping[str, str]:
    return {f"{PRODUCT}{id_}": name for file in snapshot.files.values() for id_, name in groups_over(said(split(file.text or ""))).items()}


def outage(snapshot: Snapshot) -> str:
    if any(RELOADS in (file.text or "") for file in snapshot.files.values()):
        return ""
    return (
        "a change that is not confirmed in time ends with a REBOOT of this device, which is an outage: VyOS has no other way back, unless "
        f"`set {RELOADS}` is there (since October 2024)"
    )


LIVE = Live(
    systems=("vyos.vyos.vyos", "vyos"),
    version=("show version",),
    identify=identify,
    running=("show configuration | no-more",),
    plain="show configuration commands | no-more",
    startup="cat /config/config.boot",
    cut=cut,
    comparable=comparable,
    pending="systemctl is-active commit-confirm.timer",
    waiting=waiting,
    arm=lambda order: (),
    enter=lambda order: ("configure",),
    lines=lines,
    close=lambda order: (f"commit-confirm {order.minutes}", "exit"),
    drop=("exit discard",),
    confirm=lambda order: ("configure", "confirm", "exit"),
    revert=lambda order: ("configure", *lines(order.back), "commit", "exit"),
    stops=True,
    save=("configure", "save", "exit"),
    refused=re.compile(
        r"^[ \t]*(?:Set failed|Delete failed|Commit failed|Invalid |Another confirm is pending|No configuration changes|Nothing to delete|"
        r"Configuration path: .* is not|Cannot exit|Failed |Error).*",
        re.MULTILINE,
    ),
    writes=("vyos ssh",),
    lists=LISTS,
    known=KNOWN,
    write=write,
    takes={"vyos https": tuple(HTTPS_LISTS), "vyos ike-group ": tuple(IKE.leaves), "vyos esp-group ": tuple(ESP.leaves)},
    place=place,
    over=over,
    question=r"Proceed ?\?",
    answer="y",
    slow=600,
    outage=outage,
    keeping=KEEPING,
)
