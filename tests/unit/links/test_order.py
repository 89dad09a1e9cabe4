"""links/order.py: in which batches the hosts of many tunnels are changed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.order import batches, early
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem


def link(a: str, b: str, hub: str = "", state: str = "able", service: str = "strongswan") -> dict[str, Any]:
    return {"service": service, "hub": hub, "channels": [{"sides": [{"host": a}, {"host": b}]}], "verdict": {"state": state}}


STAR = [link("hub", f"spoke-{number}", hub="hub") for number in range(1, 5)]
SPOKES = tuple(f"spoke-{number}" for number in range(1, 5))


def test_a_hub_is_expanded_before_its_spokes_and_contracted_behind_them_with_a_canary_first() -> None:
    hosts = [*SPOKES, "hub"]
    assert batches(STAR, hosts, "expand") == (("hub",), SPOKES[:1], SPOKES[1:])
    assert batches(STAR, hosts, "contract") == (SPOKES[:1], SPOKES[1:], ("hub",))
    assert batches(STAR, hosts, "expand", ["50%"]) == (("hub",), SPOKES[:2], SPOKES[2:])
    assert batches([link("a", "b", hub="b")], ["a", "b"], "contract") == (("a",), ("b",)), "a hub is one with a single spoke, too"
    assert early(STAR, batches(STAR, hosts, "expand")) == ("hub",)
    assert early(STAR, batches(STAR, hosts, "contract")) == SPOKES


def test_hosts_of_pairs_and_hosts_without_a_tunnel_are_together_and_last() -> None:
    links = [*STAR, link("a", "b"), link("c", "partner", state="one-end"), link("d", "e", service="libreswan and strongswan")]
    assert batches(links, ["a", "b", "c", "d", "web", *SPOKES, "hub"], "expand")[-1] == ("a", "b", "c", "d", "web")
    assert batches([link("a", "b")], ["a", "b"], "contract") == (("a", "b"),)
    assert early([link("a", "b")], [("a", "b")]) == () == batches([], [], "expand")


@pytest.mark.parametrize("step", ["expand", "contract"])
def test_two_ends_of_one_tunnel_are_never_in_one_batch_in_any_mesh(step: Any) -> None:
    names = [f"h{number}" for number in range(6)]
    mesh = [link(a, b) for place, a in enumerate(names) for b in names[place + 1 :: 2]]
    found = batches([*mesh, mesh[0]], names, step, ["100%"])
    assert sorted(host for batch in found for host in batch) == names
    for one in mesh:
        assert not any({side["host"] for side in one["channels"][0]["sides"]} <= set(batch) for batch in found)


def test_two_tunnels_between_two_hosts_are_no_pair() -> None:
    assert batches([link("a", "b"), link("a", "b")], ["b", "a"], "expand") == (("a",), ("b",))


def test_an_end_that_is_not_in_the_play_is_waited_for_by_nobody() -> None:
    assert batches(STAR, ["spoke-1", "spoke-2"], "expand") == (("spoke-1", "spoke-2"),)


def test_a_size_that_is_none_is_refused_by_the_name_of_its_option() -> None:
    with pytest.raises(Problem, match="agility_serial"):
        batches(STAR, ["hub", *SPOKES], "expand", ["some"])
