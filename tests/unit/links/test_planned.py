"""links/planned.py: what one end changes in each step, by the policy; and _tied.py: which links of a host are moved at all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.aim import QUANTUM, aim_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.planned import Step, plan_end
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Plan, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._tied import Here, Tied, tied

from tests.fixtures.strongswan.load import HERE, SITE, applied, captured, having, unloaded
from tests.unit.conftest import policy_of

TODAY = date(2026, 11, 27)


def planned(snapshot: Snapshot, step: Step, stage: str) -> Plan:
    policy = policy_of(str(HERE / "policy.yml"))
    policy = replace(policy, stages=tuple(replace(one, stage=stage) if one.aspect == "key_exchange" else one for one in policy.stages))
    service = SERVICES["strongswan"]
    found = service.read(snapshot)
    asked = {one.id: resolve(policy, target_of("vpn-a", (), one), TODAY) for one in found}
    return plan_end(snapshot, service, found, asked, step, policy.digest, TODAY)


def proposals(snapshot: Snapshot) -> list[str]:
    lines = (snapshot.files[SITE].text or "").splitlines()
    return [line.partition(" = ")[2].partition(" #")[0] for line in lines if "proposals" in line]


@pytest.mark.parametrize("stage", ["prefer", "require"])
def test_expand_adds_alone_whatever_the_policy_asks_for_and_contract_takes_the_old_away(stage: str) -> None:
    before = captured("vpn-a")
    both = unloaded(applied(before, planned(before, "expand", stage).changes))
    assert all(said.endswith(old) for said, old in zip(proposals(both), proposals(before), strict=True))
    assert planned(both, "expand", stage).changes == ()
    if stage == "require":
        alone = unloaded(applied(both, planned(both, "contract", stage).changes))
        assert proposals(alone) == [said.removesuffix(f", {old}") for said, old in zip(proposals(both), proposals(before), strict=True)]
        assert planned(alone, "contract", stage).changes == () == planned(alone, "expand", stage).changes


@pytest.mark.parametrize(("step", "stage"), [("expand", "observe"), ("contract", "observe"), ("contract", "prefer")])
def test_a_step_that_the_policy_does_not_want_is_refused(step: Step, stage: str) -> None:
    with pytest.raises(Problem, match=f"the key exchange of strongswan site is at stage {stage}.*{step} needs stage"):
        planned(captured("vpn-a"), step, stage)


def test_contract_of_an_end_without_the_new_is_refused() -> None:
    with pytest.raises(Problem, match=r"has no proposals that come to .* and nothing else"):
        planned(captured("vpn-a"), "contract", "require")


RULES = """
  - {{id: kex-{of}, match: {{protocol: {of}}}, aspect: key_exchange, allow: {{construction: [hybrid, classical], status: [current]}}, source: {source}}}
  - {{id: cipher-{of}, match: {{protocol: {of}}}, aspect: cipher, allow: {{aead: true, status: [current]}}, source: {source}}}"""
AEAD = (
    'policy: {name: aead, version: "1", timezone: UTC, enforce: [recommendation]}\nrules:'
    + "".join(RULES.format(of=of, source="{doc: house, force: recommendation}, verified: 2026-11-27") for of in ("ikev2", "esp"))
    + "\nstages:\n  - {aspect: key_exchange, stage: require}\n  - {aspect: cipher, stage: require}\n"
)
SAID = "connections {{ x {{\n remote_addrs = 10.1.1.1\n proposals = {}\n}} }}\n"


def beside(tmp_path: Path, said: str, step: Step = "contract", stage: str = "require") -> Plan:
    """Of an end whose proposals these are, by a policy that allows ciphers alone that authenticate."""
    (tmp_path / "aead.yml").write_text(AEAD.replace("cipher, stage: require", f"cipher, stage: {stage}"), encoding="utf-8")
    policy, service, snapshot = policy_of(str(tmp_path / "aead.yml")), SERVICES["strongswan"], unloaded(having("forky", SAID.format(said)))
    found = service.read(snapshot)
    asked = {one.id: resolve(policy, target_of("vpn-a", (), one), TODAY) for one in found}
    return plan_end(
        snapshot, service, found, asked, step, policy.digest, TODAY, lambda one: QUANTUM if "mlkem" in said else aim_of([("ikev2", ("x25519",))])
    )


def test_contract_takes_ciphers_away_that_are_no_longer_allowed_and_adds_none(tmp_path: Path) -> None:
    weak, strong = "aes256-sha256-x25519", "aes256gcm16-prfsha384-x25519"
    made = beside(tmp_path, f"{weak}, {strong}")
    assert [edit.insert for change in made.changes for edit in change.edits] == [(f" proposals = {strong}\n",)] and made.aspects == ("cipher",)
    assert beside(tmp_path, strong).changes == () == beside(tmp_path, f"{weak}, {strong}", "expand").changes
    assert beside(tmp_path, f"{weak}, {strong}", stage="prefer").changes == ()
    with pytest.raises(Problem, match=r"strongswan x has no cipher that the policy allows, but aes256.*or leave the stage of cipher at prefer"):
        beside(tmp_path, weak)


def link(state: str, a: str = "vpn-a", b: str = "vpn-b", hub: str = "", offers: tuple[str, ...] = ()) -> dict[str, Any]:
    rows = [
        {"protocol": one, "sides": [{"host": a, "endpoint": end, "offers": []}, {"host": b, "endpoint": end, "offers": offers}]}
        for one, end in (("ikev2", "site"), ("esp", "site/net"))
    ]
    return {"service": "strongswan", "hub": hub, "channels": rows, "verdict": {"state": state, "why": "because"}}


def ties(tmp_path: Path, host: str, *links: dict[str, Any]) -> Tied | None:
    (tmp_path / "links.json").write_text(json.dumps({"links": links}), encoding="utf-8")
    run: Any = SimpleNamespace(output=tmp_path, host=host)
    return tied(run)


def heres(tmp_path: Path, host: str, *links: dict[str, Any]) -> tuple[Here, ...]:
    found = ties(tmp_path, host, *links)
    assert found
    return found.ends


def test_each_end_knows_itself_and_the_other(tmp_path: Path) -> None:
    (a,), (b,) = (heres(tmp_path, host, link("able"), link("one-end", "vpn-a", "partner")) for host in ("vpn-a", "vpn-b"))
    assert (a.first, a.other, b.first, b.other, a.link) == (True, "vpn-b", False, "vpn-a", b.link)
    assert (a.connection, dict(a.children), a.pair) == ("site", {"net": "net"}, True)
    assert ties(tmp_path, "web", link("able")) is None


@pytest.mark.parametrize("state", ["one-end", "unable", "unknown"])
def test_a_link_that_cannot_be_moved_is_refused_with_its_reason(tmp_path: Path, state: str) -> None:
    with pytest.raises(Problem, match=rf"vpn-a site ↔ vpn-b site \(strongswan\) is {state}: because"):
        ties(tmp_path, "vpn-a", link(state))


def test_another_daemon_at_the_other_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="two swanctl that are managed here move, together or not at all"):
        ties(tmp_path, "vpn-a", {**link("able"), "service": "strongswan and strongswan-legacy"})


def test_an_end_of_several_tunnels_and_its_other_ends_are_no_pair_and_a_hub_is_none_with_one_spoke(tmp_path: Path) -> None:
    both = link("able"), link("able", "vpn-a", "vpn-c")
    assert [one.other for one in heres(tmp_path, "vpn-a", *both)] == ["vpn-b", "vpn-c"]
    assert not any(one.pair for host in ("vpn-a", "vpn-b", "vpn-c") for one in heres(tmp_path, host, *both))
    assert not heres(tmp_path, "vpn-a", link("able", hub="vpn-a"))[0].pair


def test_an_end_knows_whether_the_other_one_offered_the_new_everywhere(tmp_path: Path) -> None:
    (ready,) = heres(tmp_path, "vpn-a", link("able", offers=("x25519-ke1_mlkem768", "x25519")))
    (old,) = heres(tmp_path, "vpn-a", link("able", offers=("x25519",)))
    (back,) = heres(tmp_path, "vpn-b", link("able", offers=("x25519-ke1_mlkem768", "x25519")))
    assert (ready.offered, old.offered, back.offered) == (True, False, False)


def test_whoever_holds_a_connection_and_cannot_move_keeps_it_from_losing_anything(tmp_path: Path) -> None:
    hub = ties(tmp_path, "vpn-a", link("moved", hub="vpn-a"), link("one-end", "vpn-a", "old.example", hub="vpn-a"))
    assert hub and hub.holding() == ("site: old.example (strongswan) is one-end: because",)
    other = link("one-end", "vpn-a", "old.example")
    for channel in other["channels"]:
        channel["sides"][0]["endpoint"] = channel["sides"][0]["endpoint"].replace("site", "else")
    apart = ties(tmp_path, "vpn-a", link("moved"), other)
    assert apart and apart.holding() == (), "a connection of its own is left alone"
