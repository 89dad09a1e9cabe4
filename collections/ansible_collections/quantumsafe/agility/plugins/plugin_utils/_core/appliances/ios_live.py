"""A live device of Cisco IOS-XE: what is asked of it, and how a change is carried with its own timer.  Pure.

Sources: Cisco's "Configuration Replace and Configuration Rollback" (17.x) for `configure terminal revert timer`, `configure confirm`,
`configure revert now` and the archive that they need; public transcripts for the words of `show archive config rollback timer`.
What a reply says is never taken for the outcome: the timer and the configuration are read back.
"""

from __future__ import annotations

import re

from ..documents.indent import parse
from ..model import Change, Edit, Inexpressible, Snapshot, Wishes
from .appliance import Live, Timer
from .ios_endpoints import SSH, release

_RELEASE = re.compile(r"\bIOS[ -]XE\b.*?\bVersion (\d[\w.()]*)|\bXE Software\b.*?\bVersion (\d[\w.()]*)")
_SERIAL = re.compile(r"^Processor board ID (\S+)", re.MULTILINE)
_FIELD = re.compile(r"^(User|Timer value) *: *(\S+)", re.MULTILINE)
_WHOLE = re.compile(r"^version \d.*?^end[ \t]*$", re.MULTILINE | re.DOTALL)
# What a running configuration says of itself, and what moves by itself.
_MOVES = ("!", "ntp clock-period ")
# Releases whose commands were read: 17.1 to 17.18 and 26.1.
KNOWN = ((17, range(1, 19)), (26, range(1, 2)))


def identify(said: str) -> tuple[str, str]:
    number, serial = _RELEASE.search(said), _SERIAL.search(said)
    return (number[1] or number[2]).rstrip(",") if number else "", serial[1] if serial else ""


def timer(said: str) -> Timer | None:
    """Only the words of an idle device are none: whatever else it says may be a change that waits."""
    if "No Rollback Confirmed Change pending" in said:
        return None
    fields = dict(_FIELD.findall(said))
    value = fields.get("Timer value", "")
    return Timer(fields.get("User", "somebody"), int(value) if value.isdigit() else 0)


def cut(said: str) -> str:
    """From `version` to `end`, "" where one of them is missing."""
    found = _WHOLE.search(said.replace("\r\n", "\n"))
    return f"{found[0]}\n" if found else ""


def comparable(said: str) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in cut(said).splitlines() if line.strip() and not line.startswith(_MOVES))


def write(snapshot: Snapshot, wishes: Wishes) -> tuple[Change, ...]:
    """One line for each list, in the place of the old one.  Never `no …` before it: between the two a device would use its defaults."""
    (file,) = snapshot.files.values()
    document = parse(file.text or "", file.path)
    name, number = release(document)
    train = tuple(int(part) for part in number.split(".")[:2])
    if name != "IOS-XE" or not any(train[0] == major and train[1] in minors for major, minors in KNOWN):
        raise Inexpressible(f"{name} {number} is no release whose commands are known here", snapshot.host, "known are IOS-XE 17.1 to 17.18 and 26.1")
    edits = []
    for aspect, to in wishes["ios ssh"].items():
        head = ("ip", "ssh", "server", "algorithm", SSH[aspect])
        (*dummy, old) = document.of(*head)
        edits.append(Edit(old.line, 1, (" ".join((*head, *to.names)) + "\n",)))
    return (Change(file.path, file.sha256, tuple(sorted(edits, key=lambda edit: edit.line))),)


LIVE = Live(
    systems=("cisco.ios.ios", "ios"),
    version="show version",
    identify=identify,
    running=("show running-config all", "show running-config"),
    plain="show running-config",
    startup="show startup-config",
    cut=cut,
    comparable=comparable,
    pending="show archive config rollback timer",
    timer=timer,
    arm=lambda minutes: f"configure terminal revert timer {minutes}",
    enter="configure terminal",
    leave="end",
    confirm="configure confirm",
    revert="configure revert now",
    save="write memory",
    refused=re.compile(r"^[ \t]*%(?![A-Z0-9_]+-\d-).*|^Command rejected.*|^Error:.*", re.MULTILINE),
    writes=("ios ssh",),
    write=write,
)
