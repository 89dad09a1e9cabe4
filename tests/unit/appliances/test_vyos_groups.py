"""What is written of the groups of VyOS, and of its HTTPS: a successor with the old proposals behind the new one, and only by a second change without."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.vyos_groups import place
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.vyos_live import LIVE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.lines import apply, split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Snapshot, Wanted

HEAD = "set system host-name 'a'\nset service https tls-version '1.2'\n"
OLD = """\
set vpn ipsec ike-group OLD dead-peer-detection action 'restart'
set vpn ipsec ike-group OLD key-exchange 'ikev2'
set vpn ipsec ike-group OLD proposal 10 dh-group '14'
set vpn ipsec ike-group OLD proposal 10 encryption '3des'
set vpn ipsec ike-group OLD proposal 10 hash 'sha256'
set vpn ipsec ike-group OLD proposal 2 dh-group '2'
set vpn ipsec ike-group OLD proposal 2 encryption 'aes256'
set vpn ipsec ike-group OLD proposal 2 hash 'sha1'
set vpn ipsec esp-group CHILD pfs 'dh-group14'
set vpn ipsec esp-group CHILD proposal 1 encryption '3des'
set vpn ipsec esp-group CHILD proposal 1 hash 'sha256'
"""
PEERS = """\
set vpn ipsec site-to-site peer one default-esp-group 'CHILD'
set vpn ipsec site-to-site peer one ike-group 'OLD'
set vpn ipsec site-to-site peer two ike-group 'OLD'
set vpn ipsec site-to-site peer two tunnel 1 esp-group 'CHILD'
set vpn ipsec profile NHRP ike-group 'OLD'
"""
WISHES = {
    "vyos ike-group OLD": {"key_exchange": Wanted(("dh-group 20", "dh-group 14")), "cipher": Wanted(("aes256gcm128", "aes256gcm64", "3des"))},
    "vyos esp-group CHILD": {"cipher": Wanted(("aes256gcm128", "3des"))},
    "vyos https": {"version": Wanted(("1.3", "1.2"))},
}
STRICT = {"key_exchange": Wanted(("dh-group 20",)), "cipher": Wanted(("aes256gcm128",))}


def seen(text: str, release: str = "1.5") -> Snapshot:
    found = snapshot_of(text.encode(), "f", "h", "")
    return Snapshot("h", "", found.identity, {**found.facts, "release": release}, found.files, {})


def sent(found: Snapshot, wishes: dict[str, dict[str, Wanted]]) -> tuple[Order, Snapshot]:
    """The change in statements, and what is there then."""
    (change,) = LIVE.write(found, wishes)
    text = found.files["f"].text or ""
    lines = split(text)
    gone = tuple(line.strip() for edit in change.edits for line in lines[edit.line - 1 : edit.line - 1 + edit.delete])
    order = Order("x", 1, gone, tuple(line.strip() for edit in change.edits for line in edit.insert))
    after = "".join(f"set {path} '{value}'\n" for path, dummy, value in (line.strip().rpartition(" ") for line in apply(text, change.edits).splitlines()) if path)  # fmt: skip
    return order, seen(after)


def by_id(found: Snapshot) -> dict[str, Endpoint]:
    return {one.id: one for one in read(found)}


def values(found: Snapshot, id_: str, aspect: str) -> tuple[str, ...]:
    return by_id(found)[id_].settings[aspect].values


def heir(found: Snapshot, kind: str = "ike-group") -> str:
    (name,) = {one.removesuffix(" kept") for one in by_id(found) if one.startswith(f"vyos {kind}") and "-ag" in one}
    return name


def test_a_successor_has_the_new_proposal_in_front_and_every_old_one_behind_it() -> None:
    order, after = sent(seen(HEAD + OLD + PEERS), WISHES)
    name = heir(after)
    assert values(after, name, "key_exchange") == ("dh-group 20",)
    assert values(after, name, "cipher") == ("aes256gcm128",)
    assert values(after, name, "mac") == ("sha1",)  # what nobody wants otherwise is that of the first
    assert values(after, f"{name} kept", "cipher") == ("aes256", "3des")  # in the order of their numbers
    path = f"vpn ipsec {name.removeprefix('vyos ')}"
    assert f"{path} dead-peer-detection action restart" in order.new
    assert f"{path} proposal 2 encryption aes256" in order.new
    assert f"{path} proposal 3 encryption 3des" in order.new
    assert values(after, "vyos https", "version") == ("1.3", "1.2")


def test_the_old_group_is_neither_edited_nor_taken_away_by_the_first_change() -> None:
    order, after = sent(seen(HEAD + OLD + PEERS), WISHES)
    assert [one for one in (*order.old, *order.new) if " ike-group OLD " in one or " esp-group CHILD " in one] == []
    assert [one for one in LIVE.lines(order) if one.startswith("delete")] == []
    assert values(after, "vyos ike-group OLD", "cipher") == ("aes256", "3des")


def test_whoever_names_a_group_is_pointed_at_its_successor_after_that_stands() -> None:
    order, after = sent(seen(HEAD + OLD + PEERS), {id_: WISHES[id_] for id_ in ("vyos ike-group OLD", "vyos esp-group CHILD")})
    ike, esp = (heir(after, kind).rpartition(" ")[2] for kind in ("ike-group", "esp-group"))
    lines = LIVE.lines(order)
    points = [line for line in lines if line.endswith((f" {ike}", f" {esp}"))]
    assert sorted(points) == [
        f"set vpn ipsec profile NHRP ike-group {ike}",
        f"set vpn ipsec site-to-site peer one default-esp-group {esp}",
        f"set vpn ipsec site-to-site peer one ike-group {ike}",
        f"set vpn ipsec site-to-site peer two ike-group {ike}",
        f"set vpn ipsec site-to-site peer two tunnel 1 esp-group {esp}",
    ]
    assert max(at for at, line in enumerate(lines) if " proposal " in line) < min(lines.index(line) for line in points)


def test_what_was_planned_is_planned_once() -> None:
    """The same content is the same name, and what stands behind is left to the second change."""
    (first,) = {heir(sent(seen(HEAD + OLD + PEERS), WISHES)[1]) for dummy in range(2)}
    dummy, after = sent(seen(HEAD + OLD + PEERS), WISHES)
    over = LIVE.over(after)
    assert over["vyos ike-group OLD"] == over[f"{first} kept"] == first.rpartition(" ")[2]
    assert first not in over


def test_a_group_that_nobody_names_has_no_successor() -> None:
    assert LIVE.over(seen(HEAD + OLD)) == {"vyos ike-group OLD": "", "vyos esp-group CHILD": ""}


def test_the_second_change_takes_away_what_nobody_names_and_what_the_policy_does_not_allow() -> None:
    dummy, between = sent(seen(HEAD + OLD + PEERS), {"vyos ike-group OLD": WISHES["vyos ike-group OLD"]})
    old = heir(between)
    order, after = sent(between, {"vyos ike-group OLD": STRICT, f"{old} kept": STRICT})
    new = heir(after)
    assert new != old
    assert [one for one in by_id(after) if "ike-group" in one] == [new]
    assert values(after, new, "cipher") == ("aes256gcm128",)
    lines = LIVE.lines(order)
    assert sorted(lines[-2:]) == [f"delete vpn ipsec {name.removeprefix('vyos ')}" for name in sorted((old, "vyos ike-group OLD"))]
    assert [line for line in lines[:-2] if not line.startswith("set ")] == []
    assert LIVE.over(after) == {}


def test_of_what_is_kept_the_second_change_leaves_what_the_policy_allows() -> None:
    dummy, between = sent(seen(HEAD + OLD + PEERS), {"vyos ike-group OLD": {"key_exchange": Wanted(("dh-group 20", "dh-group 14", "dh-group 2"))}})
    dummy, after = sent(between, {f"{heir(between)} kept": {"key_exchange": Wanted(("dh-group 14",))}})
    assert values(after, f"{heir(after)} kept", "key_exchange") == ("dh-group 14",)


def test_a_stricter_policy_makes_a_successor_of_a_successor() -> None:
    dummy, once = sent(seen(HEAD + OLD + PEERS), WISHES)
    first = heir(once)
    dummy, twice = sent(once, {first: {"key_exchange": Wanted(("dh-group 21", "dh-group 20"))}})
    (second,) = {one.removesuffix(" kept") for one in by_id(twice) if one.startswith("vyos ike-group OLD-ag")} - {first}
    assert values(twice, second, "key_exchange") == ("dh-group 21",)
    assert values(twice, f"{second} kept", "key_exchange") == ("dh-group 20", "dh-group 2", "dh-group 14")
    assert LIVE.over(twice)[first] == second.rpartition(" ")[2]


def test_back_is_the_same_the_other_way_round() -> None:
    order, after = sent(seen(HEAD + OLD + PEERS), WISHES)
    back = LIVE.lines(order.back)
    heirs = [f"delete vpn ipsec {heir(after, kind).removeprefix('vyos ')}" for kind in ("ike-group", "esp-group")]
    assert [line for line in back if line.startswith("delete vpn")] == heirs
    assert back.index("set vpn ipsec site-to-site peer one ike-group OLD") < back.index(heirs[0])


def test_what_is_put_back_is_a_whole_group_or_one_leaf() -> None:
    assert place("vpn ipsec ike-group OLD proposal 1 hash sha1") == "vpn ipsec ike-group OLD"
    assert place("vpn ipsec site-to-site peer one ike-group OLD") == "vpn ipsec site-to-site peer one ike-group"
    assert place("service https tls-version 1.2") == "service https tls-version"


def test_a_list_of_versions_has_the_new_one_before_the_old_one_goes() -> None:
    order, dummy = sent(seen(HEAD + OLD), {"vyos https": {"version": Wanted(("1.3",))}})
    assert LIVE.lines(order) == ("set service https tls-version 1.3", "delete service https tls-version 1.2")


def test_a_leaf_whose_default_is_weak_has_to_be_said_first() -> None:
    silent = (HEAD + OLD + PEERS).replace("set vpn ipsec ike-group OLD proposal 2 hash 'sha1'\n", "")
    with pytest.raises(Inexpressible, match="its first proposal says no hash, and the default is weak"):
        sent(seen(silent), {"vyos ike-group OLD": STRICT})
    with_prf = silent.replace("hash 'sha256'\nset vpn ipsec ike-group OLD proposal 2", "hash 'sha256'\nset vpn ipsec ike-group OLD proposal 2 prf 'prfsha384'\nset vpn ipsec ike-group OLD proposal 2")  # fmt: skip
    dummy, after = sent(seen(with_prf), {"vyos ike-group OLD": STRICT})
    assert values(after, heir(after), "prf") == ("prfsha384",)


def test_a_proposal_of_defaults_alone_is_kept_too() -> None:
    bare = HEAD + OLD + PEERS + "set vpn ipsec ike-group OLD proposal 20\n"
    order, dummy = sent(seen(bare), {"vyos ike-group OLD": STRICT})
    assert [one for one in order.new if one.endswith("proposal 4")] != []


def test_what_a_group_says_once_for_all_its_proposals_is_not_written() -> None:
    found = by_id(seen(HEAD + OLD + PEERS))
    assert [found["vyos ike-group OLD"].capabilities["version"].most, found["vyos esp-group CHILD"].capabilities["key_exchange"].most] == [1, 1]
    assert "version" not in LIVE.takes["vyos ike-group "]
    assert "key_exchange" not in LIVE.takes["vyos esp-group "]


@pytest.mark.parametrize("release", ["", "1.3.8", "2026.07.01-0020-rolling"])
def test_nothing_is_written_in_a_release_that_is_not_known(release: str) -> None:
    with pytest.raises(Inexpressible, match="is no release whose commands are known here"):
        sent(seen(HEAD + OLD + PEERS, release), WISHES)


@pytest.mark.parametrize("proposal", ["proposal", "proposal x hash 'sha256'"])
def test_a_proposal_without_a_number_is_none(proposal: str) -> None:
    found = seen(f"{HEAD}set vpn ipsec ike-group ODD {proposal}\n{OLD}{PEERS}")
    assert "vyos ike-group ODD" in by_id(found)
    assert "ike-group ODD" in "".join(LIVE.over(found))
