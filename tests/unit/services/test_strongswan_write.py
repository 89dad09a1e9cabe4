"""services/strongswan_write.py: new exchanges in front at one end; nothing is taken away there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan import SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_vici import SAS

from tests.fixtures.strongswan.load import HERE, MAIN, SITE, applied, captured, having, text, unloaded
from tests.unit.conftest import policy_of

MANY = text("many.conf")
HYBRID = "x25519-ke1_mlkem768"


def written(snapshot: Snapshot, path: str = MAIN, **wanted: tuple[str, ...]) -> list[str]:
    """The lines of the file that are new; wanted: id (with "__" for "/") → exchanges."""
    wishes = {f"strongswan {id_.replace('__', '/')}": {"key_exchange": Wanted(names)} for id_, names in wanted.items()}
    before = (snapshot.files[path].text or "").splitlines()
    after = (applied(snapshot, SERVICE.write(snapshot, wishes)).files[path].text or "").splitlines()
    assert [line for line in before if line not in after] == [] or len(before) <= len(after)
    return [line.strip() for line in after if line not in before]


def now(snapshot: Snapshot, id_: str) -> tuple[str, ...]:
    return next(one for one in SERVICE.read(snapshot) if one.id == f"strongswan {id_}").settings["key_exchange"].values


# ---------------------------------------------------------------- what is written


def test_the_new_stands_in_front_and_the_rest_of_the_line_stays() -> None:
    assert written(captured("vpn-a"), SITE, site=(HYBRID, "x25519"), site__net=(HYBRID, "x25519")) == [
        f"proposals = aes256gcm16-prfsha384-{HYBRID}, aes256gcm16-prfsha384-x25519 # as agreed with the other side",
        f"esp_proposals = aes256gcm16-{HYBRID}, aes256gcm16-x25519",
    ]


def test_several_exchanges_come_in_their_order() -> None:
    (line,) = written(captured("vpn-a"), SITE, site=("x25519-ke1_mlkem1024", HYBRID, "x25519"))
    assert line.startswith(f"proposals = aes256gcm16-prfsha384-x25519-ke1_mlkem1024, aes256gcm16-prfsha384-{HYBRID}, aes256gcm16-prfsha384-x25519 #")


def test_quotes_stay_and_an_exchange_that_stands_behind_comes_forward() -> None:
    said = 'connections { x {\n proposals = "aes256gcm16-prfsha384-x25519, aes256-sha256-x25519-ke1_mlkem768"\n} }\n'
    (line,) = written(unloaded(having("forky", said)), x=(HYBRID, "x25519"))
    assert line.startswith(f'proposals = "aes256gcm16-prfsha384-{HYBRID}, aes256-sha256-{HYBRID}, aes256gcm16-prfsha384-x25519, ')


@pytest.mark.parametrize(
    ("said", "after"),
    [
        (
            "connections {\n  x { # mine\n    version = 2\n  }\n}\n",
            "connections {\n  x { # mine\n    proposals = NEW, default\n    version = 2\n  }\n}\n",
        ),
        ("connections { x { version = 2 } }\n", "connections { x {\n  proposals = NEW, default\n   version = 2 } }\n"),
        ("connections {\n\tx {\n\t}\n}\n", "connections {\n\tx {\n\t  proposals = NEW, default\n\t}\n}\n"),
        ("connections { x {\n proposals =\n} }\n", "connections { x {\n proposals = NEW, default\n} }\n"),
        ("connections { x {\n proposals = default # ok\n} }\n", "connections { x {\n proposals = NEW, default # ok\n} }\n"),
    ],
)
def test_where_nothing_is_said_default_stays_behind_the_new(said: str, after: str) -> None:
    seen = unloaded(having("forky", said))
    wishes = {"strongswan x": {"key_exchange": Wanted((HYBRID, *now(seen, "x")))}}
    then = applied(seen, SERVICE.write(seen, wishes))
    new = f"aes256gcm16-aes128gcm16-prfsha512-prfsha384-prfsha256-{HYBRID}"
    assert then.files[MAIN].text == after.replace("NEW", new)
    assert now(then, "x")[0] == HYBRID


def test_what_two_connections_inherit_is_written_once_when_both_wish_it() -> None:
    said = "base { proposals = aes256-sha256-x25519 }\nconnections { a : base { } b : base { } }\n"
    seen = unloaded(having("forky", said))
    assert written(seen, a=(HYBRID, "x25519"), b=(HYBRID, "x25519")) == [f"base {{ proposals = aes256-sha256-{HYBRID}, aes256-sha256-x25519 }}"]
    with pytest.raises(Inexpressible, match=r"strongswan b would say .* and shall stay"):
        written(seen, a=(HYBRID, "x25519"))
    with pytest.raises(Inexpressible, match="share this line"):
        written(seen, a=(HYBRID, "x25519"), b=("x25519-ke1_mlkem1024", "x25519"))


# ---------------------------------------------------------------- what is refused


def test_taking_something_away_at_one_end_is_refused_by_name() -> None:
    with pytest.raises(Inexpressible, match=r"would lose x25519 at one end alone.*both ends of a tunnel move together \(migrate_links"):
        written(captured("vpn-a"), SITE, site=(HYBRID,))


def taken_away(said: str, *names: str) -> list[str]:
    """The proposals once both ends take away together what is not among these."""
    seen = unloaded(having("forky", said))
    made = SERVICE.narrow(seen, {"strongswan x": {"key_exchange": Wanted(names, answered="the owner")}}) if SERVICE.narrow else ()
    (line,) = [line.strip() for line in (applied(seen, made).files[MAIN].text or "").splitlines() if "proposals" in line]
    return line.removeprefix("proposals = ").split(", ")


def test_for_both_ends_together_only_proposals_go_and_the_rest_of_the_line_stays() -> None:
    new, old = f"aes256gcm16-prfsha384-{HYBRID}", "aes256gcm16-prfsha384-x25519"
    assert taken_away(f"connections {{ x {{\n proposals = {new}, {old} # agreed\n}} }}\n", HYBRID) == [f"{new} # agreed"]
    assert taken_away(f'connections {{ x {{\n proposals = "{old}, {new}"\n}} }}\n', HYBRID) == [f'"{new}"']


def test_ciphers_go_by_whole_proposals_of_both_ends_and_never_where_anybody_is_taken() -> None:
    weak, strong = "aes256-sha256-x25519", "aes256gcm16-prfsha384-x25519"
    said = f"connections {{ x {{\n remote_addrs = 10.1.1.1\n proposals = {weak}, {strong} # agreed\n}} }}\n"
    wish = {"strongswan x": {"cipher": Wanted(("aes256gcm16",))}}
    seen = unloaded(having("forky", said))
    assert SERVICE.narrow
    after = applied(seen, SERVICE.narrow(seen, wish)).files[MAIN].text
    assert after == said.replace(f"{weak}, ", "")
    with pytest.raises(Inexpressible, match=r"cipher of strongswan x would lose aes256: it takes anybody.*clients: acknowledge"):
        SERVICE.narrow(unloaded(having("forky", said.replace("10.1.1.1", "%any"))), wish)
    with pytest.raises(Inexpressible, match="cipher of strongswan x is not written by this release"):
        more = {"strongswan x": {"cipher": Wanted(("aes128gcm16", "aes256gcm16", "aes256"), answered="the owner")}}
        SERVICE.narrow(unloaded(having("forky", said.replace("10.1.1.1", "%any"))), more)
    with pytest.raises(Inexpressible, match="would lose aes256 at one end alone"):
        SERVICE.write(seen, wish)


@pytest.mark.parametrize("said", [f"aes256gcm16-prfsha384-x25519-ecp384-{HYBRID.partition('-')[2]}", f"aes256-sha256-{HYBRID}-ke1_none", "default"])
def test_a_proposal_that_holds_both_is_never_half_taken_away(said: str) -> None:
    with pytest.raises(Inexpressible, match="has no proposals that come to x25519-ke1_mlkem768 and nothing else"):
        taken_away(f"connections {{ x {{\n proposals = {said}, aes256-sha256-x25519\n}} }}\n", HYBRID)


def test_where_anybody_is_taken_the_refusal_and_the_plan_count_the_clients_of_now() -> None:
    snapshot = captured("vpn-a")
    text = (snapshot.files[SITE].text or "").replace("remote_addrs = 10.91.0.19", "remote_addrs = %any").replace("id = vpn-b.lab.test", "# no id")
    server = unloaded(having("forky", text))
    server = replace(server, answers={**server.answers, SAS: snapshot.answers[SAS]})
    with pytest.raises(Inexpressible, match=r"it takes anybody.*of 1 client with an SA of it now 1 did not \(vpn-b.lab.test\)"):
        written(server, MAIN, site=(HYBRID,))
    assert SERVICE.warns
    said = SERVICE.warns(server, {"strongswan site": {"key_exchange": Wanted((HYBRID, "x25519"))}})
    assert said[0] == "strongswan site takes anybody: of 1 client with an SA of it now 1 did not (vpn-b.lab.test)"


def test_nothing_is_written_over_what_charon_has_not_loaded() -> None:
    seen = having("forky", MANY.replace("ecp384-ke1_mlkem1024, ", "x25519, "))
    with pytest.raises(Inexpressible, match=r"something else than the files say.*swanctl --load-all"):
        written(seen, soft=(HYBRID, "ecp384-ke1_mlkem1024", "ecp384"))


def test_a_line_that_holds_a_secret_is_left_alone() -> None:
    said = "connections { x { proposals = aes256-sha256-x25519 } } secrets { ike { secret =  [redacted] } }\n"
    with pytest.raises(Inexpressible, match="also holds a secret"):
        written(unloaded(having("forky", said)), x=(HYBRID, "x25519"))


# ---------------------------------------------------------------- with a policy


def planned(snapshot: Snapshot, stage: str = "prefer"):
    policy = policy_of(str(HERE / "policy.yml")) if stage == "prefer" else _at(stage)
    found = SERVICE.read(snapshot)
    needs = {one.id: resolve(policy, target_of("vpn-a", (), one), date(2026, 11, 27)) for one in found}
    return make_plan(snapshot, {"strongswan": SERVICE}, found, needs, policy.digest, date(2026, 11, 27), lambda: None)


def _at(stage: str):
    policy = policy_of(str(HERE / "policy.yml"))
    return replace(policy, stages=tuple(replace(one, stage=stage) if one.aspect == "key_exchange" else one for one in policy.stages))


def test_prefer_plans_the_hybrids_of_the_group_that_both_ends_have_and_is_content_then() -> None:
    seen = captured("vpn-a")
    plan = planned(seen)
    assert [change.path for change in plan.changes] == [SITE]
    assert [(a.service, a.action, a.units[0]) for a in plan.activations] == [("strongswan", "reload", "strongswan.service")]
    assert [(probe.kind, probe.port) for probe in plan.probes] == [("ikev2", 500)], "nobody outside sees what ESP agrees on"
    then = unloaded(applied(seen, plan.changes))
    assert now(then, "site") == ("x25519-ke1_mlkem1024", HYBRID, "x25519") == now(then, "site/net")
    assert planned(then).changes == ()


def test_the_plan_says_what_the_reload_does_to_the_sas() -> None:
    (active,) = planned(captured("vpn-a")).warnings
    assert active == f"strongswan site: the reload ends its SAs and establishes them anew ({SITE}:20): expect a moment without traffic"
    (passive,) = planned(captured("vpn-b")).warnings
    assert "its SAs stay as they are until they are established anew" in passive


def test_require_is_refused_at_one_end() -> None:
    with pytest.raises(Inexpressible, match="both ends of a tunnel move together"):
        planned(captured("vpn-a"), "require")


def test_a_charon_without_ml_kem_is_left_as_it_is() -> None:
    said = "connections { x {\n proposals = aes256gcm16-prfsha384-x25519\n} }\n"
    assert planned(unloaded(having("trixie", said))).changes == ()


def test_a_rule_that_requires_a_ppk_is_not_met_by_one_that_is_only_enabled(tmp_path: Path) -> None:
    rule = "  - {id: ppk, match: {protocol: ikev2}, aspect: ppk, require: {mode: required}, source: {doc: RFC 8784, force: recommendation}}\n"
    path = tmp_path / "ppk.yml"
    path.write_text("policy: {name: p, version: '1'}\nrules:\n" + rule, encoding="utf-8")
    found = SERVICE.read(having("forky", MANY))
    policy = policy_of(str(path))
    judged = assess(found, lambda one: resolve(policy, target_of("h", (), one), date(2026, 11, 27)), date(2026, 11, 27))
    states = {one.endpoint.removeprefix("strongswan "): one.state for one in judged}
    assert states == {"dflt": "forbidden", "inh": "compliant", "soft": "forbidden"}
