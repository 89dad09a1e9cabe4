"""What pluto tells of itself: `ipsec status`.

Source: programs/pluto/crypto.c, plutoalg.c and connections.c of libreswan 5.2 and 5.4.  A connection has lines that begin with its name in quotes,
with "[1]" behind it for an instance and "/1x2" in it for one of several pairs of subnets; libreswan 4 puts "000 " in front.  "algorithm newest"
names one group and no additional exchange: what `addke1` brought is only in the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model import Answer, Snapshot

VERSION, STATUS = "libreswan-version", "libreswan-status"
COMMANDS = {VERSION: ("ipsec", "--version"), STATUS: ("ipsec", "status")}
_LINE = re.compile(r'(?:000 )?"(?P<name>[^"]+)"(?:\[\d+\])?(?: \S+)?: +(?P<said>.+)')
_VERSION = re.compile(r"Libreswan v?(\d[\w.]*)")
_ABLE = re.compile(r"(?:000 )?algorithm IKE [^:]*Key Exchange[^:]*: name=([^,\s]+)")
_CIPHER = re.compile(r"(?:000 )?algorithm IKE encrypt: .*v2name=([^,\s]+)")
_PRF = re.compile(r"(?:000 )?algorithm IKE PRF: name=([^,\s]+)")
_LOADED = re.compile(r"(IKE|ESP|AH) algorithms: (.+)")
_NEWEST = re.compile(r"(IKE|IKEv1|IKEv2|ESP|AH) algorithm newest: (.+)")
_FACT = re.compile(r"(?:^|[;,] )(our auth|their auth|local|ike_life|ipsec_life|policy): ?([^;,]*)")


@dataclass(slots=True)
class Loaded:
    """A connection that pluto has.  proposals: "ike" or "esp" → as printed; newest: of the same, what its SAs agreed on."""

    facts: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    newest: dict[str, list[str]] = field(default_factory=dict)

    @property
    def policy(self) -> tuple[str, ...]:
        return tuple(self.facts.get("policy", "").split("+"))


@dataclass(frozen=True, slots=True)
class Pluto:
    """able: kind → names in lower case, None = it did not answer.  loaded: by the name of the connection."""

    version: str
    able: Mapping[str, tuple[str, ...]] | None
    loaded: Mapping[str, Loaded]

    @property
    def label(self) -> str:
        return f"Libreswan {self.version or 'of unknown version'}"


def pluto(snapshot: Snapshot) -> Pluto:
    said = snapshot.answers.get(STATUS)
    lines = said.out.splitlines() if said and said.ok else []
    found = {kind: _all(pattern, lines) for kind, pattern in (("key_exchange", _ABLE), ("cipher", _CIPHER), ("prf", _PRF))}
    return Pluto(version(snapshot.answers.get(VERSION)), found if found["key_exchange"] else None, _loaded(lines))


def version(answer: Answer | None) -> str:
    found = _VERSION.search(answer.out if answer else "")
    return found[1] if found else ""


def _all(pattern: re.Pattern[str], lines: list[str]) -> tuple[str, ...]:
    return tuple(found[1].lower() for line in lines if (found := pattern.match(line)))


def _loaded(lines: list[str]) -> dict[str, Loaded]:
    out: dict[str, Loaded] = {}
    for line in lines:
        found = _LINE.match(line)
        if not found:
            continue
        one = out.setdefault(re.sub(r"/\d+x\d+$", "", found["name"]), Loaded())
        said = found["said"].strip()
        if algorithms := _LOADED.match(said):
            one.proposals[_kind(algorithms[1])] = algorithms[2]
        elif newest := _NEWEST.match(said):
            agreed = one.newest.setdefault(_kind(newest[1]), [])
            agreed += [newest[2]] if newest[2] not in agreed else []
        else:
            one.facts |= {name: value.strip() for name, value in _FACT.findall(said) if name not in one.facts}
    return out


def _kind(word: str) -> str:
    return "ike" if word.startswith("IKE") else "esp"
