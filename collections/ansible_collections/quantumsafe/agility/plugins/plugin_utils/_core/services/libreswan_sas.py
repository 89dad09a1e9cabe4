"""The live SAs of one connection, as `ipsec status` prints them, with the numbers by which pluto lets one be ended.

Source: programs/pluto/show.c and state.c of libreswan 5.2, and what it printed.  pluto does not tell the numbers (SPIs) of an IKE SA: its own stands
in their place, "#4", and which SA of the other end it is follows from what hangs on it.  Nor does it tell additional exchanges, and of older SAs
nothing: an exchange that begins with "?" names a group, beside which there may be more, or none.
"""

from __future__ import annotations

import re

from ..model import Problem
from .ike_proposal import KINDS, keyword
from .ipsec_ends import pair
from .libreswan_proposals import parse
from .strongswan_sas import ChildSa, IkeSa

WHOLE = "Total IPsec connections:"
OF_IKE = "<Phase1>"  # the group of the IKE SA
_STATE = re.compile(r'(?:000 )?#(?P<number>\d+): "(?P<name>[^"]+)"(?:\[\d+\])?\S* .*ESTABLISHED_(?P<kind>IKE|CHILD)_SA(?P<rest>.*)')
_SPIS = re.compile(
    r'(?:000 )?#(?P<number>\d+): "(?P<name>[^"]+)"(?:\[\d+\])? .*?(?:esp|ah)\.(?P<one>[0-9a-f]+)@\S+ (?:esp|ah)\.(?P<two>[0-9a-f]+)@(?P<rest>.*)'
)
_NEWEST = re.compile(
    r'(?:000 )?"(?P<name>[^"]+)"(?:\[\d+\])?: +(?P<kind>IKE|ESP|AH)(?:v2)? algorithm newest: (?P<suite>[^;]+)(?:; pfsgroup=(?P<group>\S+))?'
)


def sas(listed: str, connection: str) -> tuple[IkeSa, ...]:
    """Those that are established, with what carries their packets; the oldest first.  Raises Problem for a list that is not whole."""
    if WHOLE not in listed:
        raise Problem("pluto did not list its SAs (ipsec status)", remedy="see whether it runs")
    lines = listed.splitlines()
    newest = {found["kind"]: found for line in lines if (found := _NEWEST.match(line)) and found["name"] == connection}
    spis = {found["number"]: found for line in lines if (found := _SPIS.match(line)) and found["name"] == connection}
    states = sorted((found for line in lines if (found := _STATE.match(line)) and found["name"] == connection), key=lambda one: int(one["number"]))
    children = [one for one in states if one["kind"] == "CHILD" and one["number"] in spis]
    return tuple(
        _ike(one, newest, [child for child in children if f"IKE SA #{one['number']};" in child["rest"]], spis)
        for one in states
        if one["kind"] == "IKE"
    )


Found = dict[str, "re.Match[str]"]


def _ike(state: re.Match[str], newest: Found, children: list[re.Match[str]], spis: Found) -> IkeSa:
    suite = newest["IKE"]["suite"].strip() if "IKE" in newest and "; newest" in state["rest"] else ""
    group = f"?{_group(suite.rpartition('-')[2])}"
    number = state["number"]
    return IkeSa(
        number, f"#{number}", group, suite, tuple(_child(one, newest, spis[one["number"]], group) for one in children), _words(suite, "ikev2")
    )


def _child(state: re.Match[str], newest: Found, spis: re.Match[str], ike: str) -> ChildSa:
    said = next((newest[kind] for kind in ("ESP", "AH") if kind in newest and "; newest" in state["rest"]), None)
    group = (said["group"] or "none") if said else ""
    exchange = ike if group == OF_IKE else "" if group == "none" else f"?{_group(group)}"
    came, went = (int(bool(re.search(rf"{way}=[1-9]", spis["rest"]))) for way in ("(?:ESP|AH)in", "(?:ESP|AH)out"))
    kind = "ah" if "AH" in newest and "ESP" not in newest else "esp"
    suite = said["suite"].strip() if said else ""
    return ChildSa(state["number"], kind, pair(spis["one"], spis["two"]), exchange, suite, came, went, _words(suite, "esp"))


def _words(suite: str, protocol: str) -> tuple[tuple[str, str], ...]:
    """Its cipher, MAC and PRF in strongSwan's spelling."""
    found = parse(suite, protocol)
    return tuple((kind, keyword(kind, name)) for kind in KINDS[1:] for name in found.of(kind))


def _group(word: str) -> str:
    return keyword("key_exchange", word.lower())
