"""A live device of Cisco IOS-XE: what is asked of it, and how a change is carried with its own timer.  Pure.

Sources: Cisco's "Configuration Replace and Configuration Rollback" (17.x) for `configure terminal revert timer`, `configure confirm`,
`configure revert now` and the archive that they need; public transcripts for the words of `show archive config rollback timer`.
What a reply says is never taken for the outcome: the timer and the configuration are read back.
"""

from __future__ import annotations

import re

from ..documents.indent import parse
from ..model import Change, Edit, Snapshot, Wishes
from .appliance import Live, Order, Timer
from .ios_endpoints import SSH, release
from .ios_keeping import CHAIN, KEEPING, RESTART, TRUSTPOINT
from .ios_objects import TAKES, commands, draft, over, place
from .lists import IN, known, placed, rewritten, within

_RELEASE = re.compile(r"\bIOS[ -]XE\b.*?\bVersion (\d[\w.()]*)|\bXE Software\b.*?\bVersion (\d[\w.()]*)")
_SERIAL = re.compile(r"^Processor board ID (\S+)", re.MULTILINE)
_FIELD = re.compile(r"^(User|Timer value) *: *(\S+)", re.MULTILINE)
_WHOLE = re.compile(r"^version \d.*?^end[ \t]*$", re.MULTILINE | re.DOTALL)
# What a running configuration says of itself, and what moves by itself.
_MOVES = ("!", "ntp clock-period ")
# Releases whose commands were read.
KNOWN = (((17, 1), (17, 18)), ((26, 1), (26, 1)))
LISTS = {aspect: f"ip ssh server algorithm {word}" for aspect, word in SSH.items()}
HTTPS = {"version": "ip http tls-version", "cipher": "ip http secure-ciphersuite"}
_CERTIFICATE = re.compile(rf"({CHAIN} \S+ / certificate [^/]*?)(?: nvram:\S+)?(?: / .*)?")
SINGLE = {"ios ssh": LISTS, "ios https": HTTPS}


def identify(said: str) -> tuple[str, str]:
    number, serial = _RELEASE.search(said), _SERIAL.search(said)
    return (number[1] or number[2]).rstrip(",") if number else "", serial[1] if serial else ""


def waiting(said: str) -> tuple[Timer, ...]:
    """Only the words of an idle device are none: whatever else it says may be a change that waits."""
    if "No Rollback Confirmed Change pending" in said:
        return ()
    fields = dict(_FIELD.findall(said))
    value = fields.get("Timer value", "")
    return (Timer(fields.get("User", ""), int(value) if value.isdigit() else 0),)


def cut(said: str) -> str:
    """From `version` to `end`, "" where one of them is missing."""
    found = _WHOLE.search(said.replace("\r\n", "\n"))
    return f"{found[0]}\n" if found else ""


def comparable(said: str) -> tuple[str, ...]:
    """Each line with those that it stands below.  Of a certificate its serial number: what starts names a file where what runs has its digits."""
    found = (one for dummy, one in placed(line for line in cut(said).splitlines() if not line.startswith(_MOVES)))
    pairs = [(one, _CERTIFICATE.fullmatch(one)) for one in found]
    return tuple(match[1] if match else one for one, match in pairs if not (match and one.count(IN) > 1))


def lines(order: Order) -> tuple[str, ...]:
    """One line for each list, in the place of the old one.  `no …` only where there was none: before a new line it would mean the defaults."""
    lists = (*LISTS.values(), *HTTPS.values(), TRUSTPOINT)
    single = [path for path in lists if any(within(one, path) for one in (*order.old, *order.new))]
    paths = dict.fromkeys(place(one) for one in (*order.new, *order.old) if not one.startswith(lists))
    left = [path for path in single if any(within(one, path) for one in order.new)]
    said = (one for one in order.new if one.startswith(tuple(single))) if single else ()
    restart = RESTART if TRUSTPOINT in single else ()
    return (*commands(order, paths), *said, *(f"no {path}" for path in single if path not in left), *restart)


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """By the release that the configuration names: a classic IOS says 15 there and is none of those that are known."""
    (file,) = snapshot.files.values()
    name, number = release(parse(file.text or "", file.path))
    known(name, number, KNOWN, snapshot.host)
    made, behind, edits = draft(file, snapshot.host), over(snapshot), list[Edit]()
    for id_, wanted in wishes.items():
        if id_ in SINGLE:
            edits += rewritten(file, SINGLE[id_], wanted, each=False).edits
        else:
            made.give_way(id_, wanted, id_ in behind)
    found = sorted((*edits, *made.edits(file)), key=lambda edit: edit.line)
    return (Change(file.path, file.sha256, tuple(found)),) if found else ()


LIVE = Live(
    systems=("cisco.ios.ios", "ios"),
    version=("show version",),
    identify=identify,
    running=("show running-config all", "show running-config"),
    plain="show running-config",
    startup="show startup-config",
    cut=cut,
    comparable=comparable,
    pending="show archive config rollback timer",
    waiting=waiting,
    arm=lambda order: (f"configure terminal revert timer {order.minutes}", "end"),
    enter=lambda order: ("configure terminal",),
    lines=lines,
    close=lambda order: ("end",),
    drop=(),
    confirm=lambda order: ("configure confirm",),
    revert=lambda order: ("configure revert now",),
    save=("write memory",),
    refused=re.compile(r"^[ \t]*%(?![A-Z0-9_]+-\d-).*|^Command rejected.*|^(?:Error|ERROR):.*", re.MULTILINE),
    writes=("ios ssh",),
    lists=LISTS,
    known=KNOWN,
    write=write,
    takes={"ios https": tuple(HTTPS), **TAKES},
    place=place,
    over=over,
    keeping=KEEPING,
)
