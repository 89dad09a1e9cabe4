"""The live SAs of one connection, as `ipsec statusall` prints them, with the numbers by which charon lets one be rekeyed or ended.

Source: stroke_list.c of strongSwan 5.9 and 6.1, and what they printed.  Of what carries packets it names the first exchange and no additional one:
that begins with "?" here, for there may be more beside it, or none.  A child has the name of its connection: here that of what it is, esp or ah.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..model import Problem
from .ike_proposal import KINDS
from .ipsec_ends import pair
from .stroke_status import Held
from .strongswan_proposals import named
from .strongswan_sas import ChildSa, IkeSa

WHOLE = "Security Associations ("  # the headline, behind everything that is loaded
_IKE = re.compile(r" *(?P<name>\S+)\[(?P<number>\d+)\]: (?P<said>ESTABLISHED |IKEv2 SPIs: |IKE proposal: )(?P<rest>.*)")
_CHILD = re.compile(r" *(?P<name>\S+)\{(?P<number>\d+)\}:  (?:INSTALLED, .*?(?P<kind>ESP|AH).* SPIs: (?P<one>\w+)_i (?P<two>\w+)_o)?(?P<rest>.*)")
_TOLD = re.compile(r"(?P<suite>[A-Z0-9_/]+), (?P<came>\d+) bytes_i.*?, (?P<went>\d+) bytes_o")


def sas(listed: str, connection: str) -> tuple[IkeSa, ...]:
    """Those that are established, with what carries their packets; the oldest first.  Raises Problem for a list that is not whole."""
    if WHOLE not in listed:
        raise Problem("charon did not list its SAs (ipsec statusall)", remedy="see whether it runs")
    made: dict[str, IkeSa] = {}
    last = ""
    for line in listed.partition(WHOLE)[2].splitlines():
        if found := _IKE.match(line):
            last = found["number"]
            if found["name"] == connection:
                _ike(made, found)
        elif (found := _CHILD.match(line)) and last in made:
            made[last] = _with(made[last], found)
    return tuple(sorted(made.values(), key=lambda one: int(one.number)))


def _ike(made: dict[str, IkeSa], line: re.Match[str]) -> None:
    """The first line makes it known, those behind it say more of it; one that ends has no first line."""
    number, rest = line["number"], line["rest"].strip()
    if line["said"].startswith("ESTABLISHED"):
        made[number] = IkeSa(number, "", "", "")
    elif number in made and line["said"].startswith("IKEv2"):
        made[number] = replace(made[number], spis="-".join(re.findall(r"([0-9a-f]+)_[ir]", rest)))
    elif number in made:
        made[number] = replace(made[number], exchange=Held("", suite=rest).exchange, suite=rest, words=_words(rest))


def _with(ike: IkeSa, line: re.Match[str]) -> IkeSa:
    number, children = line["number"], {one.number: one for one in ike.children}
    if line["kind"]:
        children[number] = ChildSa(number, line["kind"].lower(), pair(line["one"], line["two"]), "", "")
    elif number in children and (told := _TOLD.match(line["rest"])):
        group = Held("", suite=told["suite"]).exchange
        came, went = int(told["came"]), int(told["went"])
        said = ChildSa(number, children[number].name, children[number].spis, group and f"?{group}", told["suite"], came, went, _words(told["suite"]))
        children[number] = said
    return replace(ike, children=tuple(sorted(children.values(), key=lambda one: int(one.number))))


def _words(suite: str) -> tuple[tuple[str, str], ...]:
    """Its cipher, MAC and PRF, as strongSwan spells them."""
    rows = ((kind, word, named(kind, word)) for word in suite.split("/") for kind in KINDS[1:])
    return tuple((str(kind), name) for kind, word, name in rows if name != word)
