"""The order of a fleet and its waves: who is first, who is together, and what holds for any fleet."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Zone
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.waves.cut import STEPS, Wave, continued, size, waves, within
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.waves.order import DOMAINS, ZONES, Member, ordered, zone_of
from hypothesis import given
from hypothesis import strategies as st

MEMBERS = st.lists(
    st.builds(
        Member,
        host=st.text("abcdef", min_size=1, max_size=4),
        zone=st.sampled_from(ZONES),
        domain=st.sampled_from(DOMAINS),
        cluster=st.sampled_from(("", "", "a", "b", "c")),
        canary=st.sampled_from((False, False, False, True)),
    ),
    max_size=40,
    unique_by=lambda member: member.host,
)
SIZES = st.lists(st.sampled_from(("1", "3", "5%", "25%", "60 %", "100%")), min_size=1, max_size=5)


def fleet(number: int, **same: str) -> list[Member]:
    return [Member(f"h{i:02}", **same) for i in range(number)]  # type: ignore[arg-type]


def sizes(found: tuple[Wave, ...]) -> list[int]:
    return [len(wave.hosts) for wave in found]


# ---------------------------------------------------------------- in which order


@pytest.mark.parametrize(
    ("zones", "where"),
    [
        ({}, "internal"),
        ({"edge": Zone(exposure="public")}, "internet"),
        ({"edge": Zone(exposure="partner")}, "partner"),
        ({"plant": Zone(exposure="isolated")}, "specialised"),
        ({"plant": Zone(exposure="restricted")}, "specialised"),
        ({"internet": Zone()}, "internet"),
        ({"internet": Zone(exposure="internal")}, "internal"),
        ({"berlin": Zone()}, "internal"),
        ({"plant": Zone(exposure="isolated"), "edge": Zone(exposure="public")}, "internet"),
    ],
)
def test_a_zone_is_placed_by_its_exposure_or_else_its_name_and_the_most_exposed_counts(zones: dict[str, Zone], where: str) -> None:
    assert zone_of(zones.items()) == where


def test_zones_come_before_domains_and_the_inventory_decides_the_rest() -> None:
    given_ = [
        Member("mesh", "internet", "mesh"),
        Member("plant", "specialised", "web"),
        Member("b", "internal", "web"),
        Member("a", "internal", "web"),
        Member("api", "internet", "api"),
        Member("gate", "partner", "vpn"),
        Member("site", "internet", "web"),
        Member("mine", "specialised", "vpn", canary=True),
    ]
    assert [member.host for member in ordered(given_)] == ["mine", "site", "api", "mesh", "gate", "b", "a", "plant"]


# ---------------------------------------------------------------- who together


@pytest.mark.parametrize(
    ("hosts", "steps", "so_many"),
    [
        (1, STEPS, [1]),
        (4, STEPS, [1, 1, 1, 1]),
        (40, STEPS, [1, 2, 10, 27]),
        (2000, STEPS, [1, 100, 500, 1399]),
        (7, ("3",), [3, 3, 1]),
        (7, ("1", "100%"), [1, 6]),
        (0, STEPS, []),
    ],
)
def test_steps_are_hosts_or_per_cent_of_the_fleet_and_the_last_is_taken_again(hosts: int, steps: tuple[str, ...], so_many: list[int]) -> None:
    assert sizes(waves(fleet(hosts), steps)) == so_many


def test_a_wave_ends_where_a_zone_or_domain_ends_and_the_step_goes_on_behind_it() -> None:
    found = waves([*fleet(10, zone="internet"), *(Member(f"i{i}", "internal") for i in range(30))], STEPS)
    assert sizes(found) == [1, 2, 7, 3, 27]
    assert [wave.about for wave in found] == ["internet, web"] * 3 + ["internal, web"] * 2


def test_members_of_a_cluster_follow_each_other_wave_by_wave() -> None:
    pair = [Member("lb1", cluster="lb"), Member("lb2", cluster="lb"), Member("db1", cluster="db"), Member("db2", cluster="db"), Member("solo")]
    assert [wave.hosts for wave in waves(pair, ("100%",))] == [("lb1", "db1", "solo"), ("lb2", "db2")]


def test_named_canaries_take_the_place_of_the_first_step() -> None:
    found = waves([*fleet(8), Member("plant", "specialised", canary=True), Member("x", canary=True)], ("1", "100%"))
    assert next(wave.hosts for wave in found) == ("plant", "x")
    assert sizes(found) == [2, 8]
    assert sizes(waves([*fleet(3), Member("x", canary=True)], ("100%",))) == [1, 3]


@pytest.mark.parametrize("step", ["0", "", "five", "-1", "0%", "101%", "5.5%"])
def test_a_step_that_says_nothing_is_refused(step: str) -> None:
    with pytest.raises(Problem, match="is no size of a wave"):
        size(step, 10)


# ---------------------------------------------------------------- whatever the fleet


@given(MEMBERS, SIZES)
def test_every_host_is_in_exactly_one_wave_and_no_wave_is_empty(members: list[Member], steps: list[str]) -> None:
    found = waves(members, steps)
    assert sorted(host for wave in found for host in wave.hosts) == sorted(member.host for member in members)
    assert all(wave.hosts for wave in found)


@given(MEMBERS, SIZES)
def test_members_of_one_cluster_never_share_a_wave(members: list[Member], steps: list[str]) -> None:
    cluster = {member.host: member.cluster for member in members}
    for wave in waves(members, steps):
        named = [cluster[host] for host in wave.hosts if cluster[host]]
        assert len(named) == len(set(named))


@given(MEMBERS, SIZES)
def test_a_wave_holds_one_zone_and_domain_and_places_never_go_back(members: list[Member], steps: list[str]) -> None:
    place = {member.host: member.place for member in members}
    places = [{place[host] for host in wave.hosts} for wave in waves(members, steps)]
    assert all(len(one) == 1 for one in places)
    flat = [next(iter(one)) for one in places]
    assert flat == sorted(flat)


@given(MEMBERS, SIZES)
def test_the_same_fleet_has_the_same_waves_and_no_wave_is_larger_than_the_largest_step(members: list[Member], steps: list[str]) -> None:
    found = waves(members, steps)
    assert found == waves(members, steps)
    named = sum(member.canary for member in members)
    assert max(sizes(found), default=0) <= max([size(step, len(members)) for step in steps] + [named])


# ---------------------------------------------------------------- a campaign that goes on


def test_a_campaign_that_goes_on_keeps_its_waves_and_new_hosts_come_behind() -> None:
    before = waves(fleet(4), ("1", "100%"))
    after = continued(before, [Member("new2", cluster="n"), Member("h02"), Member("new1", cluster="n")], ("100%",), gone={"h00", "h03"})
    assert [wave.hosts for wave in after] == [("h01", "h02"), ("new2",), ("new1",)]


@given(MEMBERS, SIZES)
def test_a_campaign_with_the_same_hosts_goes_on_as_it_was(members: list[Member], steps: list[str]) -> None:
    found = waves(members, steps)
    assert continued(found, members, ["1"]) == found


def test_of_a_few_hosts_the_waves_keep_their_numbers() -> None:
    assert within((Wave(("a",)), Wave(("b", "c")), Wave(("d",))), {"d", "c"}) == ((2, ("c",)), (3, ("d",)))
