"""What is written of the proposals of Junos: a successor in front of the old one, and only by a second change without that."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.junos_live import LIVE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.junos_objects import commands, over, place, written
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Wanted

IKE = (
    "security ike proposal A authentication-method pre-shared-keys",
    "security ike proposal A dh-group group2",
    "security ike proposal A authentication-algorithm sha1",
    "security ike proposal A encryption-algorithm 3des-cbc",
    "security ike proposal SPARE dh-group group2",
    "security ike policy ONE proposals A",
    "security ike policy TWO proposals B",
    "security ike policy TWO proposals A",
)
ESP = (
    "security ipsec proposal Q protocol esp",
    "security ipsec proposal Q authentication-algorithm hmac-sha1-96",
    "security ipsec proposal Q encryption-algorithm 3des-cbc",
    "security ipsec policy P proposals Q",
)
WISHES = {
    "ike proposal A": {"key_exchange": Wanted(("group20", "group2")), "cipher": Wanted(("aes-256-gcm", "3des-cbc"))},
    "ipsec policy P": {"cipher": Wanted(("aes-256-gcm",))},
}


def after(said: tuple[str, ...], places: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return (*(one for one in said if place(one) not in places), *(one for new in places.values() for one in new))


def test_a_successor_is_named_in_front_of_the_old_one_wherever_that_is_named() -> None:
    places = written(IKE, {"ike proposal A": WISHES["ike proposal A"]}, "h")
    (path,) = (one for one in places if one.startswith("security ike proposal"))
    new = path.split()[-1]
    assert places[path] == (
        f"{path} authentication-algorithm sha1",
        f"{path} authentication-method pre-shared-keys",
        f"{path} dh-group group20",
        f"{path} encryption-algorithm aes-256-gcm",
    )
    assert places["security ike policy ONE proposals"] == (f"security ike policy ONE proposals {new}", "security ike policy ONE proposals A")
    assert [one.split()[-1] for one in places["security ike policy TWO proposals"]] == ["B", new, "A"]
    assert over(after(IKE, places)) == {"ike proposal A": new, "ike proposal SPARE": ""}


def test_a_cipher_that_authenticates_takes_the_algorithm_of_esp_away_with_it() -> None:
    places = written(ESP, {"ipsec policy P": WISHES["ipsec policy P"]}, "h")
    (path,) = (one for one in places if one.startswith("security ipsec proposal"))
    assert places[path] == (f"{path} encryption-algorithm aes-256-gcm", f"{path} protocol esp")
    assert over(after(ESP, places)) == {"ipsec policy P kept": path.split()[-1]}


def test_the_second_change_takes_the_old_ones_out_of_the_lists_and_away() -> None:
    between = after((*IKE, *ESP), written((*IKE, *ESP), WISHES, "h"))
    strict = {"cipher": Wanted(("aes-256-gcm",))}
    last = after(between, written(between, {"ike proposal A": strict, "ipsec policy P kept": strict}, "h"))
    assert [one for one in last if one.split()[3] in ("A", "Q") or one.split()[-1] in ("A", "Q")] == []
    said = commands(between, last)
    assert (
        [one for one in said if one.startswith("delete") and not one.endswith(" proposals")]
        == [
            "delete security ike proposal A",
            "delete security ipsec proposal Q",
        ]
        == list(said[-2:])
    )
    assert {one for one in between if "SPARE" in one} <= set(last)


def test_new_objects_stand_before_a_list_names_them_and_back_is_the_other_way_round() -> None:
    now = (*IKE, *ESP)
    then = after(now, written(now, WISHES, "h"))
    there, back = commands(now, then), commands(then, now)
    assert max(at for at, one in enumerate(there) if one.startswith("set security ike proposal")) < there.index(
        "delete security ike policy ONE proposals"
    )
    assert "set security ike policy TWO proposals [ B A ]" in back
    assert all(one.startswith("delete security") and "-ag" in one for one in back[-2:])


def test_what_no_line_says_has_to_be_said_first() -> None:
    with pytest.raises(Inexpressible, match="says no encryption-algorithm"):
        written((*IKE, "security ike policy ONE proposals SPARE"), {"ike proposal SPARE": {"key_exchange": Wanted(("group20",))}}, "h")
    with pytest.raises(Inexpressible, match="names no proposal that is there"):
        written(("security ipsec policy P proposals GONE",), {"ipsec policy P": WISHES["ipsec policy P"]}, "h")


def test_https_has_no_line_to_write_and_one_group_is_for_all_proposals_of_a_policy() -> None:
    assert LIVE.takes == {"junos ike proposal ": ("key_exchange", "cipher", "mac"), "junos ipsec policy ": ("cipher", "mac")}
