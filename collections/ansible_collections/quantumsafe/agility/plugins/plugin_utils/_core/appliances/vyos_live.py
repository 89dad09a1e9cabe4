"""A live device of VyOS: what is asked of it, and how a change is carried by `commit-confirm`.  Pure.

Sources: vyos-1x at 3710c587 and at 01c47cf0 (python/vyos/config_mgmt.py) and vyatta-cfg at 0a5b58a (vyatta-cfg-run): `commit-confirm N` asks
"Proceed ?", starts the systemd timer `commit-confirm` and only then commits, so that a commit that fails leaves a timer which `confirm` has to
stop.  When the timer runs out the device **reboots** into config.boot, unless `system config-management commit-confirm action reload` says
otherwise, which is younger.  There is no command that takes a change back: the old values are set and committed, and then the timer is stopped.  A
commit is atomic: the delete of a list and its new values count together.  `confirm` does not save.  What another login has not committed cannot be
seen.
"""

from __future__ import annotations

import re

from ..documents import curly
from ..model import Snapshot
from .appliance import Live, Order, Timer
from .lists import touched, within, writer
from .reading import Aspects, whole, without_echo

SSH: Aspects = {
    "key_exchange": "key-exchange",
    "cipher": "ciphers",
    "mac": "mac",
    "host_key": "hostkey-algorithm",
    "user_key": "pubkey-accepted-algorithm",
}
LISTS = {aspect: f"service ssh {word}" for aspect, word in SSH.items()}
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
    said: list[str] = []
    for path in touched(LISTS, (*order.old, *order.new)):
        said += [f"delete {path}"] if any(within(one, path) for one in order.old) else []
        said += [f"set {one}" for one in order.new if within(one, path)]
    return tuple(said)


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
    write=writer("VyOS", "vyos ssh", LISTS, KNOWN, each=True),
    question=r"Proceed ?\?",
    answer="y",
    slow=600,
    outage=outage,
)
