"""services/stroke_sas.py: the SAs of one connection as `ipsec statusall` lists them, and what two such lists prove."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.aim import Aim
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.move import duplicate, fresh, older, proved
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.stroke_sas import sas
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import ChildSa, IkeSa

from tests.fixtures.stroke.load import text

MOVING = text("moving-6.1.txt")
GCM = (("cipher", "aes256gcm16"), ("prf", "prfsha384"))
HYBRID = "x25519-ke1_mlkem768"


def test_sas_have_the_numbers_of_both_ends_and_those_of_this_host() -> None:
    old, new = sas(MOVING, "site")
    assert (new.number, new.spis, new.exchange, new.words) == ("3", "ffecf8a772483d61-4e15a860238c0f3d", HYBRID, GCM)
    assert new.children == (ChildSa("2", "esp", "1ababdb5-8dd6aa2d", "", "AES_GCM_16_256", 84, 84, GCM[:1]),)
    assert (old.number, old.exchange) == ("1", "x25519")
    assert [(one.number, one.exchange, one.traffic) for one in old.children] == [("4", "?x25519", "in and out")], "what is DELETED is none"


def test_those_of_5_9_and_of_other_connections() -> None:
    listed = text("statusall.txt")
    assert [(one.number, one.exchange, one.children[0].spis) for one in sas(listed, "site")] == [("1", "x25519", "1bf3c816-73256339")]
    assert sas(listed, "road")[0].words == (("cipher", "aes256"), ("mac", "sha256"), ("prf", "prfsha256"))
    assert sas(listed, "sit") == sas(listed, "") == ()
    with pytest.raises(Problem, match="charon did not list its SAs"):
        sas(listed.partition("Security")[0], "site")


def test_an_ike_sa_that_ends_is_none_and_ah_is_told_from_esp() -> None:
    ending = MOVING.replace("site[1]: ESTABLISHED 15 seconds ago", "site[1]: DELETING").replace("ESP in UDP SPIs: 8dd6", "AH SPIs: 8dd6")
    (left,) = sas(ending, "site")
    assert left.number == "3" and [one.name for one in left.children] == ["ah"]


def test_a_child_is_proved_by_the_list_of_a_swanctl_end_and_never_by_two_of_these() -> None:
    """Of the exchange of a child statusall names the first part alone."""
    old, new = sas(MOVING, "site")
    assert fresh((old, new), (old,)) == new and older(new) == new.children, "a child that was born with its IKE SA is due"
    child = replace(new.children[0], exchange="?x25519")
    mine = (replace(new, children=(child,)),)
    theirs = (IkeSa("9", new.spis, HYBRID, "", (ChildSa("4", "net", child.spis, HYBRID, ""),)),)
    assert proved(mine, theirs, {"esp": "net"}) == (mine[0], [])
    assert proved(theirs, mine, {"net": "esp"}) == (theirs[0], [])
    assert proved(mine, mine, {"esp": "esp"})[1] != []
    classical = (replace(mine[0], exchange="x25519"),)
    assert proved(classical, classical, {"esp": "esp"}, Aim(("x25519",), ("x25519",))) == (classical[0], [])


def test_what_stroke_says_of_a_child_that_is_there_names_its_ike_sa() -> None:
    why = "not establishing CHILD_SA site{3} due to existing duplicate {2} with SPIs 8dd6aa2d_i 1ababdb5_o and TS 10.92.6.1/32 === 10.92.2.1/32"
    old, new = sas(MOVING, "site")
    assert duplicate((old, new), why) == new
