"""The SAs of a tunnel, as the list behind each verb tells them."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _tunnel
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import ChildSa, IkeSa

HYBRID = "x25519-ke1_mlkem768"


class Told(_tunnel.Tunnel):
    """A host that lists these, one list a question; the last one stays.  "1:a" = an IKE SA with ML-KEM and a child a without, "A" = one with it."""

    def __init__(self, *lists: str, daemon: str = "libreswan") -> None:
        super().__init__(cast(Any, None), "site", daemon)
        self.lists, self.verbs = [*lists], list[tuple[str, ...]]()

    def ask(self, *verbs: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[IkeSa, ...]]:
        self.verbs += verbs
        listed = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        return ("",), tuple(sa(number) for number in listed.split())


def sa(said: str) -> IkeSa:
    number, dummy, names = said.partition(":")
    children = tuple(ChildSa(name, "net", f"spi-{name}", HYBRID if name.isupper() else "", "") for name in names)
    return IkeSa(number, f"#{number}", HYBRID if names else "", "", children)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tunnel, "PATIENCE", 0.2)
    monkeypatch.setattr(_tunnel, "PAUSE", 0.01)


def test_one_that_the_other_end_makes_meanwhile_is_ended_too() -> None:
    told = Told("4 7", "7 9", "7")
    assert told.end_others(sa("7")).number == "7"
    assert told.verbs == [("ca_pluto_end", "4"), ("ca_pluto_end", "9")]


def test_nothing_is_ended_while_what_shall_stay_is_not_there() -> None:
    told = Told("4", "4", "4 7", "7")
    assert told.end_others(sa("7")).number == "7" and told.verbs == [("ca_pluto_end", "4")]
    gone = Told("9")
    with pytest.raises(Problem, match=r"did not end within 0\.2 s: #9 beside #7"):
        gone.end_others(sa("7"))
    assert gone.verbs == []


def test_of_charon_they_end_by_its_own_numbers() -> None:
    told = Told("1 2", "2", daemon="strongswan")
    told.end_others(sa("2"))
    assert [verb[-1] for verb in told.verbs] == ["1"]


def test_of_stroke_by_name_and_number() -> None:
    told = Told("1 2", "2", daemon="strongswan-legacy")
    told.end_others(sa("2"))
    assert told.verbs == [("ca_stroke_end", "ike", "site", "1")]


BESIDE = ("1:a", "1:aB", "1:B", "1:B", "2:B")  # a new child comes into the IKE SA that is there, whose rekeying gives it another number


def test_where_only_a_child_changes_the_old_one_ends_beside_the_new_one() -> None:
    told = Told(*BESIDE, daemon="strongswan")
    assert told.anew((sa("1:a"),), ("net",)).number == "2"
    assert told.verbs == [
        ("ca_tunnel_start", "site", "net"),
        ("ca_tunnel_end", "child", "a"),
        ("ca_tunnel_rekey", "ike", "1"),
    ]


def test_so_it_does_where_the_sa_of_before_counts_as_it_is() -> None:
    told = Told(*BESIDE[:3], "1:B", "1:B", "2:B", daemon="strongswan-legacy")
    assert told.anew((), ("net",)).number == "2"
    assert [verb[:2] for verb in told.verbs] == [("ca_stroke_up", "site"), ("ca_stroke_end", "child"), ("ca_stroke_rekey", "ike")]


def test_no_child_ends_where_another_ike_sa_came() -> None:
    told = Told("1:a", "1:a 2:b", "1:a 2:B", "1:a 2:B", "1:a 3:B", daemon="strongswan")
    assert told.anew((sa("1:a"),), ("net",)).number == "3"
    assert [verb[:2] for verb in told.verbs] == [("ca_tunnel_start", "site"), ("ca_tunnel_rekey", "child"), ("ca_tunnel_rekey", "ike")]
