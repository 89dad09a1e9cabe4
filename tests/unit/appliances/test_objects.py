"""How one object gives way to another: what is named first, what goes, and that a list is never empty meanwhile."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.ios_live import LIVE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.lists import changed
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.objects import (
    contracted,
    expanded,
    family,
    moves,
    succeeded,
    successor,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.lines import split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Wanted

LISTS = [names for size in (1, 2, 3) for names in permutations("abcd", size)]
IKE = "ios ikev2 proposal OLD"
TEXT = """\
version 26.1
crypto ikev2 proposal OLD
{body}crypto ikev2 policy SITES
 proposal OLD
crypto ipsec transform-set SET {set}
crypto map MAP 10 ipsec-isakmp
 set transform-set SET
end
"""
CBC = " encryption aes-cbc-256 3des\n integrity sha1 sha384\n group 14 20\n"


def test_a_list_that_grows_at_its_end_alone_is_never_empty() -> None:
    for now in LISTS:
        for wanted in LISTS:
            have = list(now)
            for adds, name in moves(now, wanted):
                have.append(name) if adds else have.remove(name)
                assert have
            assert tuple(have) == wanted


def test_a_successor_stands_in_front_and_is_told_from_others() -> None:
    new = successor("OLD", ("group 20",))
    assert (family(new), family("OLD"), successor(new, ("group 20",))) == ("OLD", "OLD", new)
    assert new != successor("OLD", ("group 21",))
    places = {"p": ("other", "OLD"), "q": ("other",), "r": ("OLD",)}
    assert not succeeded(places, "OLD")
    after = {**places, **expanded(places, "OLD", new)}
    assert after == {"p": ("other", new, "OLD"), "q": ("other",), "r": (new, "OLD")}
    assert succeeded(after, "OLD")
    assert not succeeded(after, new)
    assert contracted(after, "OLD") == {"p": ("other", new), "r": (new,)}


def sent(body: str, wanted: dict[str, dict[str, str]], transform: str = "esp-aes 256 esp-sha-hmac") -> list[str]:
    seen = snapshot_of(TEXT.format(body=body, set=transform).encode(), "f", "h", "")
    wishes = {id_: {aspect: Wanted(tuple(names.split(","))) for aspect, names in each.items()} for id_, each in wanted.items()}
    (change,) = LIVE.write(seen, wishes)
    return [line.partition("-ag")[0] for line in LIVE.lines(Order("", 1, *changed(split(seen.files["f"].text or ""), change.edits)))]


@pytest.mark.parametrize(
    ("wanted", "body"),
    [
        ({"cipher": "aes-gcm-256,aes-cbc-256"}, ["encryption aes-gcm-256", "prf sha384", "group 14 20"]),
        ({"cipher": "aes-cbc-256", "mac": "sha384"}, ["encryption aes-cbc-256", "integrity sha384", "group 14 20"]),
        (
            {"key_exchange": "group 20 pqc mlkem1024,group 20 pqc mlkem768,group 14"},
            ["encryption aes-cbc-256 3des", "integrity sha1 sha384", "group 20", "pqc mlkem1024"],
        ),
        ({"key_exchange": "group 20"}, ["encryption aes-cbc-256 3des", "integrity sha1 sha384", "group 20"]),
    ],
)
def test_a_successor_holds_what_is_wanted_and_what_it_needs_besides(wanted: dict[str, str], body: list[str]) -> None:
    policy = ["crypto ikev2 policy SITES", "proposal OLD", "no proposal OLD", "proposal OLD"]
    assert sent(CBC, {IKE: wanted}) == ["crypto ikev2 proposal OLD", *body, *policy]


def test_what_nobody_can_complete_is_refused() -> None:
    for body in ("", " encryption 3des\n group 2\n", " encryption 3des\n integrity sha1\n"):
        with pytest.raises(Inexpressible, match="does not say its encryption, integrity and group"):
            sent(body, {IKE: {"cipher": "aes-cbc-256"}})
    with pytest.raises(Inexpressible, match="has no successor that is known here"):
        sent(CBC, {"ios map MAP 10 ipsec-isakmp": {"cipher": "esp-gcm 256"}}, "ah-sha-hmac esp-3des")


def test_a_transform_set_gets_one_cipher_and_one_mac() -> None:
    wanted = {"ios map MAP 10 ipsec-isakmp": {"mac": "esp-sha256-hmac,esp-sha-hmac"}}
    set_ = ["crypto ipsec transform-set SET", "crypto map MAP 10 ipsec-isakmp", "set transform-set SET"]
    assert sent(CBC, wanted) == set_


def test_nothing_is_taken_for_a_successor_that_nobody_names() -> None:
    text = Path(__file__).parents[2] / "fixtures/appliances/ios-26.cfg"
    seen = snapshot_of(text.read_bytes().replace(b"crypto ikev2 policy POL\n proposal HYBRID\n", b""), "f", "h", "")
    assert LIVE.over(seen) == {"ios ikev2 proposal HYBRID": ""}
