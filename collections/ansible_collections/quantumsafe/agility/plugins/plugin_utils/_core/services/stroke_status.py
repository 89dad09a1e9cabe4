"""What charon tells over stroke: `ipsec statusall` and `ipsec listalgs`.

Source: stroke_list.c of strongSwan 5.9 and 6.0.  Of what it has loaded it names addresses, identities and versions, and no proposals.  Connections
that have everything of IKE in common are children of the first of them, whose name its SAs have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model import Answer, Snapshot
from .ipsec_ends import pair
from .strongswan_proposals import named

VERSION, STATUS, ALGS = "stroke-version", "stroke-statusall", "stroke-listalgs"
COMMANDS = {VERSION: ("ipsec", "--version"), STATUS: ("ipsec", "statusall"), ALGS: ("ipsec", "listalgs")}
LISTED = {"encryption": "cipher", "aead": "cipher", "integrity": "mac", "prf": "prf", "dh-group": "key_exchange"}
_HEAD = re.compile(r" *(\S+):  (\S+)\.\.\.(\S+)  (IKEv\S+?)(?:,| |$)")
_AUTH = re.compile(r" *(\S+):   (local|remote): *(?:\[(.*)\] )?uses (.+)")
_CHILD = re.compile(r" *(\S+):   child:  ")
_UP = re.compile(r" *(\S+)(\[\d+\]): ESTABLISHED .*, \S+?\[.*\]\.\.\.(\S+?)\[(.*)\]$")
_SPIS = re.compile(r" *\S+(\[\d+\]): IKEv\d SPIs: ([0-9a-f]+)_i\*? ([0-9a-f]+)_r")
_AGREED = re.compile(r" *\S+(\[\d+\]): IKE proposal: (\S+)")
_SA = re.compile(r" *(\S+)(\{\d+\}):  INSTALLED, .* SPIs: ([0-9a-f]+)_i ([0-9a-f]+)_o")
_SUITE = re.compile(r" *\S+(\{\d+\}):  ([A-Z0-9_/]+), \d+ bytes_i")
_ALG = re.compile(r"([A-Z0-9_]+)\[[\w-]+\]")
_MORE = re.compile(r"KE([1-7])_(.+)")


@dataclass(slots=True)
class Held:
    """An SA.  key: its number as statusall writes it; spis: the same at both ends."""

    key: str
    peer: str = ""
    spis: str = ""
    suite: str = ""

    @property
    def exchange(self) -> str:
        """As the catalogue writes it; "" = none of its own."""
        base, more = "", ""
        for word in self.suite.split("/"):
            found = _MORE.fullmatch(word)
            if found:
                more += f"-ke{found[1]}_{named('key_exchange', found[2])}"
            elif named("key_exchange", word) != word:
                base = named("key_exchange", word)
        return base + more


@dataclass(slots=True)
class Status:
    """loaded: what is said of a connection (local_addrs, remote_id, …), by its name; ike: its SAs, by the same; esp: those that carry packets."""

    loaded: dict[str, dict[str, str]] = field(default_factory=dict)
    ike: dict[str, list[Held]] = field(default_factory=dict)
    esp: dict[str, list[Held]] = field(default_factory=dict)


def status(snapshot: Snapshot) -> Status | None:
    """None = charon did not answer."""
    answer = snapshot.answers.get(STATUS)
    if not answer or not answer.ok or "Connections:" not in answer.out:
        return None
    made, head = Status(), ""
    held: dict[str, Held] = {}
    for line in answer.out.splitlines():
        if found := _HEAD.match(line):
            head = found[1]
            made.loaded[head] = {"local_addrs": found[2], "remote_addrs": found[3], "version": found[4], "head": head}
        elif (found := _AUTH.match(line)) and found[1] == head:
            made.loaded[head] |= {f"{found[2]}_id": found[3] or "", found[2]: found[4].removesuffix(" authentication")}
        elif (found := _CHILD.match(line)) and head:
            made.loaded.setdefault(found[1], made.loaded[head])
        else:
            _sa(line, made, held)
    return made


def _sa(line: str, made: Status, held: dict[str, Held]) -> None:
    """One line of an SA; the first makes it known, those behind it say more of it."""
    if found := _UP.match(line):
        held[found[2]] = Held(found[2], f"{found[3]} {found[4]}")
        made.ike.setdefault(found[1], []).append(held[found[2]])
    elif found := _SA.match(line):
        held[found[2]] = Held(found[2], spis=pair(found[3], found[4]))
        made.esp.setdefault(found[1], []).append(held[found[2]])
    elif (found := _SPIS.match(line)) and found[1] in held:
        held[found[1]].spis = f"{found[2]}-{found[3]}"
    elif (found := _AGREED.match(line) or _SUITE.match(line)) and found[1] in held:
        held[found[1]].suite = found[2]


def version(answer: Answer | None) -> str:
    found = re.search(r"strongSwan U?(\d[\w.]*)", answer.out if answer else "")
    return found[1] if found else ""


def algorithms(answer: Answer | None) -> Mapping[str, tuple[str, ...]] | None:
    """Kind → names, from charon itself; None when it does not answer."""
    out: dict[str, tuple[str, ...]] = {}
    kind = ""
    for line in answer.out.splitlines() if answer and answer.ok else ():
        label, colon, rest = line.strip().partition(":")
        kind = LISTED.get(label, "") if colon else kind
        out[kind] = (*out.get(kind, ()), *_ALG.findall(rest if colon else line))
    return {kind: out.get(kind, ()) for kind in LISTED.values()} if out.get("key_exchange") else None
