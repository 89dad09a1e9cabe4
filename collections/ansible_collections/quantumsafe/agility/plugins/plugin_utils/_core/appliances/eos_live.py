"""A live device of Arista EOS: what is asked of it, and how a change is carried by a session with a timer.  Pure.

Sources: Arista's manual ("Configure Session", "Session Management Commands") for `configure session NAME`, `commit timer hh:mm:ss`, `abort`, and
that a commit takes over what runs by the whole session, which others may have changed since it began; `configure session NAME commit` confirms.
Fields of `show configuration sessions detail | json`: napalm 5.2 and its issue 2166, for releases before 4.32 (a state of the session) and since
(a key of its own).  Lines of a session count together, so that nothing lies between an old list and a new one.  A session that was not committed
goes with the power.

Written are lists of the SSH server, and of the profiles of TLS that management alone names (eos_tls.py).  IKE and SA policies are not: a profile
names one of each, and each holds one value of everything (Arista AVD, ip_security), so the other end would have to change at the very moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..documents.indent import parse
from ..model import Change, Edit, Snapshot, Unparsable, Wishes
from . import eos_tls
from .appliance import Live, Order, Timer
from .eos_keeping import KEEPING
from .kept import tree
from .lists import known, rewritten, touched, values
from .reading import Aspects, flat

SSH: Aspects = {"key_exchange": "key-exchange", "cipher": "cipher", "mac": "mac", "host_key": "hostkey server"}
MODE = "management ssh"
LISTS = {aspect: f"{MODE} {word}" for aspect, word in SSH.items()}
KNOWN = (((4, 22), (4, 33)),)  # those with the timer; 4.33 was the newest when its fields were told
SHOW = "show configuration sessions detail | json"
TOGETHER = (
    "a profile names one {0}-policy, which holds one value of each, so nothing new can stand beside it, and the tunnel is down until both ends have "
    "changed: agree on a moment with the other end, write a policy under a new name, and name it in the profile, in a session with `commit timer`"
)
_RELEASE = re.compile(r"^Software image version: *(\d+\.\d+(?:\.\d+)*\w*)", re.MULTILINE)
_SERIAL = re.compile(r"^Serial number: *(\S+)", re.MULTILINE)
_MAC = re.compile(r"^(?:System|Hardware) MAC address: *(\S+)", re.MULTILINE)  # a virtual one has no serial number
_WHOLE = re.compile(r"^! (?:Command|device): .*?^end[ \t]*$", re.MULTILINE | re.DOTALL)
_JSON = re.compile(r"^\{.*\}", re.MULTILINE | re.DOTALL)


def identify(said: str) -> tuple[str, str]:
    release, serial = _RELEASE.search(said), _SERIAL.search(said) or _MAC.search(said)
    return release[1] if release else "", serial[1] if serial else ""


def waiting(said: str) -> tuple[Timer, ...]:
    """Sessions that are open, and the one whose timer runs.  What cannot be read may be one."""
    try:
        told = json.loads(found[0] if (found := _JSON.search(said)) else "")
        sessions: Mapping[str, Any] = told["sessions"]
        timed = str(told.get("commitTimerSessionName") or "")
        waits = [(name, one) for name, one in sessions.items() if name == timed or one["state"] in ("pending", "pendingCommitTimer")]
        return tuple(Timer(_user(one), name=name) for name, one in waits) or ((Timer("", name=timed),) if timed else ())
    except (ValueError, KeyError, TypeError, AttributeError):
        return (Timer("", name="that cannot be read"),)


def _user(session: Mapping[str, Any]) -> str:
    """Who committed it, else who is in it."""
    inside = [str(one.get("user") or "") for one in (session.get("instances") or {}).values()]
    return str(session.get("commitUser") or "") or next(iter(inside), "")


def cut(said: str) -> str:
    """From its first comment to `end`, "" where one of them is missing."""
    found = _WHOLE.search(said.replace("\r\n", "\n"))
    return f"{found[0]}\n" if found else ""


def comparable(said: str) -> tuple[str, ...]:
    """Each line with what it stands below, and the texts that are none of it."""
    try:
        document = parse(cut(said), "")
    except Unparsable:
        return ()
    pasted = tuple(line.rstrip() for first, last in document.banners for line in document.lines[first:last])
    return (*(" ".join(one.words) for command in document.commands for one in flat(command)), *pasted)


def lines(order: Order) -> tuple[str, ...]:
    """A line takes the place of the old one; `no …` is the default."""
    both = (*order.old, *order.new)
    said = []
    for path in touched(LISTS, both):
        word = path.removeprefix(f"{MODE} ")
        new = values(order.new, path)
        said.append(" ".join((word, *new)) if new else f"no {word}")
    tls = tuple(eos_tls.commands(order.old, order.new))
    return (*((MODE, *said, *(("exit",) if tls else ())) if said else ()), *tls)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible."""
    (file,) = snapshot.files.values()
    release = snapshot.facts["release"]
    known("EOS", release, KNOWN, snapshot.host)
    top, edits = tree(file.text or ""), list[Edit]()
    for id_, wanted in wishes.items():
        if id_ == "eos ssh":
            edits += rewritten(file, LISTS, wanted, each=False).edits
        else:
            edits += eos_tls.edits(file, snapshot.host, release, top, id_, wanted)
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


def alone(snapshot: Snapshot) -> Mapping[str, str]:
    """As Live.alone."""
    out: dict[str, str] = {}
    for top in (tree(file.text or "") for file in snapshot.files.values()):
        out |= eos_tls.unwritten(top)
        for kind in ("ike", "sa"):
            out |= {f"eos {kind} policy {name}": TOGETHER.format(kind) for name, dummy in top.each("ip", "security", kind, "policy")}
    return out


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}:00"


LIVE = Live(
    systems=("arista.eos.eos", "eos"),
    version=("show version",),
    identify=identify,
    running=("show running-config all", "show running-config"),
    plain="show running-config",
    startup="show startup-config",
    cut=cut,
    comparable=comparable,
    pending=SHOW,
    waiting=waiting,
    arm=lambda order: (),
    enter=lambda order: (f"configure session {order.name}",),
    lines=lines,
    close=lambda order: (f"commit timer {_clock(order.minutes)}",),
    drop=("abort",),
    confirm=lambda order: (f"configure session {order.name} commit",),
    revert=lambda order: (f"configure session {order.name} abort",),
    save=("write memory",),
    refused=re.compile(r"^[ \t]*% .*", re.MULTILINE),
    writes=("eos ssh",),
    lists=LISTS,
    known=KNOWN,
    write=write,
    takes={eos_tls.HTTPS: eos_tls.ASPECTS, eos_tls.PROFILE: eos_tls.ASPECTS},
    place=eos_tls.place,
    alone=alone,
    review="show session-config diffs",
    keeping=KEEPING,
)
