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
from .ipsec_ends import pair

VERSION, STATUS = "libreswan-version", "libreswan-status"
COMMANDS = {VERSION: ("ipsec", "--version"), STATUS: ("ipsec", "status")}
_LINE = re.compile(r'(?:000 )?"(?P<name>[^"]+)"(?:\[\d+\])?(?: \S+)?: +(?P<said>.+)')
_VERSION = re.compile(r"Libreswan v?(\d[\w.]*)")
_ABLE = re.compile(r"(?:000 )?algorithm IKE [^:]*Key Exchange[^:]*: name=([^,\s]+)")
_CIPHER = re.compile(r"(?:000 )?algorithm IKE encrypt: .*v2name=([^,\s]+)")
_PRF = re.compile(r"(?:000 )?algorithm IKE PRF: name=([^,\s]+)")
_LOADED = re.compile(r"(IKE|ESP|AH) algorithms: (.+)")
_NEWEST = re.compile(r"(IKE|IKEv1|IKEv2|ESP|AH) algorithm newest: (.+)")
_FACT = re.compile(r"(?:^|[;,] )(our auth|their auth|local|remote|ike_life|ipsec_life|policy): ?([^;,]*)")
_ID = re.compile(r"(our id|their id)=([^;]+)")
_IKE_SA = re.compile(r'(?:000 )?#\d+: "(?P<name>[^"]+)"(?:\[\d+\])?(?: (?P<peer>\S+?))?:\d+ (?:STATE_V2_)?ESTABLISHED_IKE_SA')
_SA = re.compile(
    r'(?:000 )?#\d+: "(?P<name>[^"]+)"(?:\[\d+\])?(?: \S+)? (?:esp|ah)\.(?P<their>[0-9a-f]+)@(?P<peer>\S+) (?:esp|ah)\.(?P<our>[0-9a-f]+)@'
)


@dataclass(slots=True)
class Loaded:
    """A connection that pluto has.  proposals: "ike" or "esp" → as printed; newest: of the same, what its SAs agreed on; sas: of the same, the
    numbers of each SA and its peer, as strongswan_link.py writes them: "-" = not told, and of the exchange "?"."""

    facts: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    newest: dict[str, list[str]] = field(default_factory=dict)
    sas: dict[str, list[str]] = field(default_factory=dict)

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
        if held := _SA.match(line) or _IKE_SA.match(line):
            _held(_named(out, held["name"]), held.groupdict())
            continue
        found = _LINE.match(line)
        if not found:
            continue
        one = _named(out, found["name"])
        said = found["said"].strip()
        if algorithms := _LOADED.match(said):
            one.proposals[_kind(algorithms[1])] = algorithms[2]
        elif newest := _NEWEST.match(said):
            agreed = one.newest.setdefault(_kind(newest[1]), [])
            agreed += [newest[2]] if newest[2] not in agreed else []
        else:
            one.facts |= {name: value.strip() for name, value in (*_FACT.findall(said), *_ID.findall(said)) if name not in one.facts}
    return out


def _named(out: dict[str, Loaded], name: str) -> Loaded:
    return out.setdefault(re.sub(r"/\d+x\d+$", "", name), Loaded())


def _held(one: Loaded, said: Mapping[str, str | None]) -> None:
    if "their" in said:
        one.sas.setdefault("esp", []).append(f"{pair(said['their'] or '', said['our'] or '')} - {said['peer']}")
    else:
        one.sas.setdefault("ike", []).append(f"- ? {said['peer'] or one.facts.get('remote', '')} {one.facts.get('their id', '')}".rstrip())


def _kind(word: str) -> str:
    return "ike" if word.startswith("IKE") else "esp"
