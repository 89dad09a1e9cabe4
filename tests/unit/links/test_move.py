"""links/move.py on lists as charon 6.1 prints them: what proves that both ends moved, and what does not."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.move import absent, fresh, older, proved
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import IkeSa, sas
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_vici import SAS

from tests.fixtures.strongswan import load as vpn

NET = {"net": "net"}


def listed(host: str, *more: tuple[str, str]) -> tuple[IkeSa, ...]:
    """The lab's end with its old SA, and beside it one with ML-KEM, younger, in which something else stands."""
    old = vpn.captured(host).answers[SAS].out.splitlines()[0]
    new = old.replace("established=", "established=1 was=").replace("uniqueid=1", "uniqueid=2")
    for was, now in (("0be20a777aa61a44", "1111111111111111"), ("3a84499b", "33333333"), ("87ef093e", "44444444")):
        new = new.replace(was, now)
    new = new.replace("dh-group=CURVE_25519", "dh-group=CURVE_25519 ake1=ML_KEM_768")
    new = new.replace("encr-keysize=256 bytes-in", "encr-keysize=256 dh-group=CURVE_25519 ake1=ML_KEM_768 bytes-in")
    for was, now in more:
        assert was in new
        new = new.replace(was, now)
    return sas(f"{new}\n{old}\nlist-sas reply {{}}", "site")


BORN = ("encr-keysize=256 dh-group=CURVE_25519 ake1=ML_KEM_768 bytes-in", "encr-keysize=256 bytes-in")


def test_an_sa_with_ml_kem_in_the_lists_of_both_ends_is_the_proof_and_the_old_one_stays_beside_it() -> None:
    found, wrong = proved(listed("vpn-a"), listed("vpn-b"), NET)
    assert found and (found.number, found.exchange, wrong) == ("2", "x25519-ke1_mlkem768", [])
    assert [one.number for one in listed("vpn-a")] == ["1", "2"], "the oldest first"


def test_one_end_alone_proves_nothing() -> None:
    elsewhere = listed("vpn-b", ("1111111111111111", "2222222222222222"))
    assert proved(listed("vpn-a"), elsewhere, NET)[0] is None
    classical = listed("vpn-b", ("dh-group=CURVE_25519 ake1=ML_KEM_768 established", "dh-group=CURVE_25519 established"))
    (wrong,) = proved(listed("vpn-a"), classical, NET)[1]
    assert wrong.startswith("no IKE SA with ML-KEM is in the lists of both ends: AES_GCM_16-256")


def test_a_child_that_was_born_with_its_ike_sa_is_due_for_a_rekeying() -> None:
    (wrong,) = proved(listed("vpn-a", BORN), listed("vpn-b", BORN), NET)[1]
    assert "no ML-KEM of its own" in wrong
    assert [one.name for one in older(listed("vpn-a", BORN)[1])] == ["net"] and older(listed("vpn-a")[1]) == ()


def test_a_child_that_the_other_end_does_not_list_or_that_is_missing_is_named() -> None:
    (wrong,) = proved(listed("vpn-a"), listed("vpn-b", ("33333333", "55555555")), NET)[1]
    assert wrong.startswith("child net: the other end does not list this SA (")
    (wrong,) = proved(listed("vpn-a"), listed("vpn-b"), {**NET, "more": "more"})[1]
    assert wrong == "child more: the IKE SA with ML-KEM does not have it"


def test_only_what_was_not_there_before_is_fresh() -> None:
    now = listed("vpn-a")
    assert fresh(now, now[:1]) == now[1] and fresh(now, now) is None and fresh(now[:1], ()) is None
    assert absent(now[1], ("net", "more")) == ("more",) and absent(None, ("net",)) == ("net",)


def test_a_child_tells_whether_packets_went_through_it() -> None:
    def told(*more: tuple[str, str]) -> str:
        return listed("vpn-a", *more)[1].children[0].traffic

    idle, deaf = ("packets-in=1", "packets-in=0"), ("packets-out=1", "packets-out=0")
    assert (told(), told(deaf), told(idle, deaf)) == ("in and out", "in", "no traffic seen")


def test_a_list_that_is_not_whole_is_none() -> None:
    with pytest.raises(Problem, match="did not list its SAs"):
        sas("list-sa event {site {uniqueid=1 state=ESTABLISHED", "site")
