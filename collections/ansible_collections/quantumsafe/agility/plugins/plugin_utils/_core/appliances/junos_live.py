"""A live device of Juniper Junos: what is asked of it, and how a change is carried by `commit confirmed`.  Pure.

Sources: Juniper's CLI reference for `configure exclusive` (refused while somebody has uncommitted changes; what is not committed goes with the
login), `commit check` and `commit confirmed N comment …`; its samples of `show system commit`, where `rollback pending` stands below a commit
whose timer runs, while "commit confirmed, rollback in …" stays for good.  `commit check` confirms, as `commit` does, and takes nobody's changes
along (seen on 23.2R1 and 26.2R1-EVO by others); so a colleague's `commit check` confirms ours, which shows when it is taken back.  A commit is
atomic: the delete of a list and its new values count together.  What is committed is what starts, so there is nothing to save; what the timer does
when the power goes is in no source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..documents import curly
from ..documents.lines import split
from ..model import Change, Snapshot, Wishes
from .appliance import Live, Order, Timer
from .junos_keeping import KEEPING, WEB
from .junos_keeping import commands as named
from .junos_objects import ESP, IKE, commands, place, written
from .junos_objects import over as objects_over
from .lists import edits_of, known, statements, touched, values, within
from .reading import ECHO, Aspects, whole

SSH: Aspects = {"key_exchange": "key-exchange", "cipher": "ciphers", "mac": "macs", "host_key": "hostkey-algorithm-list"}
PRODUCT = "junos "
LISTS = {aspect: f"system services ssh {word}" for aspect, word in SSH.items()}
KNOWN = (((19, 4), (24, 4)),)
_RELEASE = re.compile(r"^Junos: *(\d+\.\d+\S*)", re.MULTILINE)
_SERIAL = re.compile(r"^Chassis +(?:REV \S+ +\S+ +)?(\S+)", re.MULTILINE)
_COMMIT = re.compile(r"^ *\d+ +\d{4}-\d\d-\d\d .* by (\S+) via .*", re.MULTILINE)
_MOVES = re.compile(r"^## Last (?:changed|commit):.*\n?", re.MULTILINE)


def identify(said: str) -> tuple[str, str]:
    release, serial = _RELEASE.search(said), _SERIAL.search(said)
    return release[1] if release else "", serial[1] if serial else ""


def waiting(said: str) -> tuple[Timer, ...]:
    """What stands below the newest commit tells; an answer without any commit tells nothing, and may be one."""
    found = list(_COMMIT.finditer(said))
    if not found:
        return (Timer("", name="that cannot be read"),)
    until = found[1].start() if found[1:] else len(said)
    below = [line.strip() for line in said[found[0].end() : until].splitlines()]
    if "rollback pending" not in below:
        return ()
    return (Timer(found[0][1], name=next((line for line in below if line and line != "rollback pending"), "without a comment")),)


def cut(said: str) -> str:
    """The configuration, between braces or as `set` commands; "" when it is not whole."""
    text = "".join(f"{line}\n" for line in _MOVES.sub("", said).splitlines() if not ECHO.fullmatch(line.strip()))
    return text if whole(text, curly.junos) else ""


def comparable(said: str) -> tuple[str, ...]:
    """Each statement, and what is deactivated."""
    text = cut(said)
    off = (line.strip() for line in text.splitlines() if line.startswith("deactivate "))
    return (*(" ".join(one.words) for one in whole(text, curly.junos)), *off)


def lines(order: Order) -> tuple[str, ...]:
    """New values of a list of the SSH server in one candidate with the deletion of the old ones; proposals: junos_objects.py, certificates:
    junos_keeping.py."""
    said = []
    for path in touched(LISTS, (*order.old, *order.new)):
        new = values(order.new, path)
        said += [f"delete {path}", *([f"set {path} [ {' '.join(new)} ]"] if new else [])]
    old, new = (tuple(one for one in side if not touched(LISTS, (one,))) for side in (order.old, order.new))
    web = tuple(tuple(one for one in side if any(within(one, path) for path in WEB)) for side in (old, new))
    old, new = (tuple(one for one in side if one not in mine) for side, mine in zip((old, new), web, strict=True))
    return (*said, *commands(old, new), *named(*web))


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """Raises Inexpressible."""
    (file,) = snapshot.files.values()
    known("Junos", snapshot.facts["release"], KNOWN, snapshot.host)
    ssh = {LISTS[aspect]: tuple(f"{LISTS[aspect]} {name}" for name in to.names) for aspect, to in wishes.get("junos ssh", {}).items()}
    tunnels = {id_.removeprefix(PRODUCT): to for id_, to in wishes.items() if id_ != "junos ssh"}
    text = split(file.text or "")
    places = {**ssh, **written(said(text), tunnels, snapshot.host)}
    edits = [edit for path, new in places.items() for edit in edits_of(text, path, new)]
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


def said(text: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for line in text for one in statements(line))


def over(snapshot: Snapshot) -> Mapping[str, str]:
    return {f"{PRODUCT}{id_}": name for file in snapshot.files.values() for id_, name in objects_over(said(split(file.text or ""))).items()}


LIVE = Live(
    systems=("junipernetworks.junos.junos", "junos"),
    version=("show version", "show chassis hardware"),
    identify=identify,
    running=("show configuration | no-more",),
    plain="show configuration | display set | no-more",
    startup="",
    cut=cut,
    comparable=comparable,
    pending="show system commit | no-more",
    waiting=waiting,
    arm=lambda order: (),
    enter=lambda order: ("configure exclusive",),
    lines=lines,
    close=lambda order: ("commit check", f"commit confirmed {order.minutes} comment {order.name}", "exit"),
    drop=("rollback 0", "exit"),
    confirm=lambda order: ("configure exclusive", "commit check", "exit"),
    revert=lambda order: ("configure exclusive", "rollback 1", "commit", "exit"),
    save=(),
    refused=re.compile(r"^[ \t]*(?:error: |syntax error|unknown command|missing argument|invalid ).*", re.MULTILINE),
    writes=("junos ssh",),
    lists=LISTS,
    known=KNOWN,
    write=write,
    takes={"junos ike proposal ": IKE, "junos ipsec policy ": ESP},
    place=place,
    over=over,
    question=r"\[yes,no\]",  # whether to leave what is not committed, which in our mode is ours alone
    answer="yes",
    keeping=KEEPING,
)
