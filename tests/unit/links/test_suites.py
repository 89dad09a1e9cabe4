"""links/suites.py, and what writes and proves it: ciphers, MACs and PRFs of tunnels between strongSwan, put in front, taken away, and seen in SA lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.aim import QUANTUM, Aim
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.move import fresh, older, proved
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.planned import Step, left_with, nearest, plan_end
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Plan, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy, Requirement
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.ike_proposal import untold
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_proposals import parse
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.strongswan_sas import IkeSa, sas

from tests.fixtures.strongswan.load import MAIN, applied, having, text, unloaded
from tests.unit.conftest import policy_of

TODAY = date(2026, 11, 28)
SERVICE = SERVICES["strongswan"]
AEAD = {"cipher": "{aead: true, status: [current]}", "mac": "{status: [current]}", "prf": "{status: [current]}"}
HYBRIDS = "{construction: [hybrid], quantum_category: '>=3', status: [current]}"
SAID = """connections { x {
 remote_addrs = 10.1.1.1
 proposals = %s
 children { net {
  esp_proposals = %s
 } } } }
"""
OLD = "aes128-sha1-prfsha1-x25519"
ESP = "aes128-sha1-x25519"


def policy(folder: Path, stage: str = "require", more: str = "", **asked: str) -> Policy:
    """asked: aspect → what is allowed, of IKE and ESP."""
    rules = "".join(
        f"  - {{id: {aspect}-{of}, match: {{protocol: {of}}}, aspect: {aspect}, allow: {allow}, verified: 2026-11-28,"
        " source: {doc: house, force: recommendation}}\n"
        for of in ("ikev2", "esp")
        for aspect, allow in {"key_exchange": HYBRIDS, **asked}.items()
        if (of, aspect) != ("esp", "prf")
    )
    stages = "".join(f"  - {{aspect: {aspect}, stage: {stage}}}\n" for aspect in ("key_exchange", *asked))
    head = 'policy: {name: suites, version: "1", timezone: UTC, enforce: [recommendation]}\n'
    (folder / "policy.yml").write_text(f"{head}rules:\n{rules}stages:\n{stages}{more}", encoding="utf-8")
    return policy_of(str(folder / "policy.yml"))


def host(ike: str = OLD, esp: str = ESP) -> Snapshot:
    return unloaded(having("forky", SAID % (ike, esp)))


def asked_of(rules: Policy, found: tuple[Endpoint, ...]) -> dict[str, dict[str, Requirement]]:
    return {one.id: dict(resolve(rules, target_of("vpn-a", (), one), TODAY)) for one in found}


def planned(snapshot: Snapshot, rules: Policy, step: Step) -> Plan:
    """As _tied.py does it for a pair whose other end can do the same."""
    found = SERVICE.read(snapshot)
    asked = asked_of(rules, found)
    able = tuple(nearest(one, one.capabilities["key_exchange"].names or (), (), asked[one.id], TODAY) for one in found)
    return plan_end(snapshot, SERVICE, able, asked, step, rules.digest, TODAY)


def proposals(snapshot: Snapshot) -> list[list[str]]:
    lines = (snapshot.files[MAIN].text or "").splitlines()
    return [line.partition(" = ")[2].split(", ") for line in lines if "proposals" in line]


def after(snapshot: Snapshot, plan: Plan) -> Snapshot:
    return unloaded(applied(snapshot, plan.changes))


# ---------------------------------------------------------------- expand and contract


def test_an_end_that_has_nothing_that_is_allowed_gets_it_in_front_and_loses_the_rest_afterwards(tmp_path: Path) -> None:
    before, rules = host(), policy(tmp_path, **AEAD)
    plan = planned(before, rules, "expand")
    both = after(before, plan)
    ike, esp = proposals(both)
    best = "aes256gcm16-chacha20poly1305-aes128gcm16-prfsha512-prfsha384-prfsha256"
    assert ike[:3] == [f"{best}-x25519-ke1_mlkem1024", f"{best}-x25519-ke1_mlkem768", f"{best}-x25519"]
    assert esp[0] == "aes256gcm16-aes128gcm16-x25519-ke1_mlkem1024", "what every kernel has"
    assert (ike[-1], esp[-1]) == (OLD, ESP), "the old stays, behind the new"
    assert plan.aspects == ("cipher", "key_exchange", "mac", "prf")
    assert any("strongswan x/net: the kernel of each end decides whether it can use aes256gcm16, aes128gcm16" in said for said in plan.warnings)
    assert planned(both, rules, "expand").changes == ()
    alone = after(both, planned(both, rules, "contract"))
    kept, packets = proposals(alone)
    assert kept == ike[:2] and packets == esp[:2]
    assert planned(alone, rules, "contract").changes == () == planned(alone, rules, "expand").changes


def test_what_is_in_front_then_is_what_an_end_with_the_old_alone_leaves_aside(tmp_path: Path) -> None:
    """Every mix of neighbouring stages has something in common: old with both, both with new."""
    rules = policy(tmp_path, **AEAD)
    old = host()
    both = after(old, planned(old, rules, "expand"))
    new = after(both, planned(both, rules, "contract"))
    for one, two in ((old, both), (both, both), (both, new), (new, new)):
        assert all(set(mine) & set(theirs) for mine, theirs in zip(proposals(one), proposals(two), strict=True))


@pytest.mark.parametrize("stage", ["observe", "prefer"])
def test_an_end_that_has_what_is_allowed_is_left_alone_and_so_is_one_that_nobody_asks(tmp_path: Path, stage: str) -> None:
    seen = host(f"{OLD}, aes256gcm16-prfsha384-x25519", f"{ESP}, aes256gcm16-x25519")
    both = after(seen, planned(seen, policy(tmp_path, "prefer", **AEAD), "expand"))
    assert not any("aes128gcm16" in one for some in proposals(both) for one in some), "no word of ours"
    weak = host()
    rules = policy(tmp_path, "prefer", **AEAD)
    rules = replace(rules, stages=tuple(replace(one, stage=stage) if one.aspect != "key_exchange" else one for one in rules.stages))
    gcm = [one for some in proposals(after(weak, planned(weak, rules, "expand"))) for one in some if "gcm" in one]
    assert bool(gcm) == (stage == "prefer")


def test_an_allowed_proposal_that_lacks_an_exchange_which_stays_is_not_enough(tmp_path: Path) -> None:
    hybrid = "x25519-ke1_mlkem768"
    seen = host(f"aes128-sha1-prfsha1-{hybrid}, aes256gcm16-prfsha384-x25519", f"aes256gcm16-{hybrid}")
    rules = policy(tmp_path, **AEAD)
    ike, esp = proposals(after(seen, planned(seen, rules, "expand")))
    assert ike[0] == f"aes256gcm16-prfsha384-{hybrid}" and len(esp) == 1, "of words that are there"
    seen = after(seen, planned(seen, rules, "expand"))
    assert proposals(after(seen, planned(seen, rules, "contract"))) == [[f"aes256gcm16-prfsha384-{hybrid}"], [f"aes256gcm16-{hybrid}"]]


def test_ciphers_that_are_allowed_stay_beside_a_better_mac_and_an_aead_comes_with_them_where_both_are(tmp_path: Path) -> None:
    seen = host("aes256-sha1-prfsha1-x25519", "aes256-sha1-x25519")
    mac = {kind: AEAD[kind] for kind in ("mac", "prf")}
    ike, esp = proposals(after(seen, planned(seen, policy(tmp_path, **mac), "expand")))
    assert ike[0] == "aes256-sha512-sha384-sha256-prfsha512-prfsha384-prfsha256-x25519-ke1_mlkem1024"
    assert esp[0] == "aes256-sha512-sha384-sha256-x25519-ke1_mlkem1024"
    weak = host("3des-sha1-prfsha1-x25519", "3des-sha1-x25519-esn")
    modern = policy(tmp_path, cipher="{status: [current, legacy]}", **mac)
    ike, esp = proposals(after(weak, planned(weak, modern, "expand")))
    assert ike[0].startswith("aes256gcm16-chacha20poly1305-aes128gcm16-prf") and ike[1].startswith("aes256-aes128-sha512-")
    assert esp[:2] == [
        "aes256gcm16-aes128gcm16-esn-x25519-ke1_mlkem1024",
        "aes256-aes128-sha512-sha384-sha256-esn-x25519-ke1_mlkem1024",
    ], "both ends say whether packets are counted far"


def test_a_header_alone_gets_macs_alone(tmp_path: Path) -> None:
    seen = unloaded(having("forky", (SAID % ("aes256gcm16-prfsha384-x25519", "")).replace("esp_proposals = ", "ah_proposals = sha1-x25519")))
    both = after(seen, planned(seen, policy(tmp_path, **AEAD), "expand"))
    assert proposals(both)[1][0] == "sha512-sha384-sha256-x25519-ke1_mlkem1024"


def test_where_nobody_asks_for_a_prf_an_aead_comes_with_those_of_sha2(tmp_path: Path) -> None:
    seen = host()
    (ike, dummy) = proposals(after(seen, planned(seen, policy(tmp_path, cipher=AEAD["cipher"]), "expand")))
    assert ike[0].startswith("aes256gcm16-chacha20poly1305-aes128gcm16-prfsha512-prfsha384-prfsha256-x25519-ke1")


def test_a_policy_that_allows_nothing_that_is_put_in_front_says_so_and_the_exchange_moves(tmp_path: Path) -> None:
    seen = host()
    plan = planned(seen, policy(tmp_path, "prefer", cipher="{name: [ENCR_CAMELLIA_CCM_16-256]}"), "expand")
    assert plan.aspects == ("key_exchange",)
    assert any(said.startswith("strongswan x: no cipher that the policy allows is put in front: ") for said in plan.warnings)


def test_an_exception_answers_for_a_cipher_in_both_steps(tmp_path: Path) -> None:
    lasts = (
        "exceptions:\n  - {id: old, match: {host: vpn-a, rule: cipher-ikev2}, permits: [ENCR_AES_CBC-128], owner: net, approver: ciso, "
        "reason: the other end, expires: 2027-06-30, compensating: {control: none, verify: [none]}}\n"
    )
    rules = policy(tmp_path, more=lasts, cipher=AEAD["cipher"])
    seen = host()
    both = after(seen, planned(seen, rules, "expand"))
    assert not any("gcm" in one for one in proposals(both)[0]) and "gcm" in proposals(both)[1][0]
    assert proposals(after(both, planned(both, rules, "contract")))[0][0].startswith("aes128-sha1-prfsha1-x25519-ke1")


def test_an_end_that_has_nothing_else_is_refused_by_name_and_macs_may_go_where_an_aead_stays(tmp_path: Path) -> None:
    hybrid = "x25519-ke1_mlkem768"
    rules = policy(tmp_path, **AEAD)
    with pytest.raises(Problem, match=r"strongswan x has no cipher that the policy allows, but aes128.*or leave the stage of cipher at prefer"):
        planned(host(f"aes128-sha1-prfsha1-{hybrid}", f"aes256gcm16-{hybrid}"), rules, "contract")
    with pytest.raises(Problem, match=r"strongswan x has no mac that the policy allows, but sha1"):
        planned(host(f"aes128-sha1-prfsha1-{hybrid}", f"aes256gcm16-{hybrid}"), policy(tmp_path, mac=AEAD["mac"]), "contract")
    plan = planned(
        host(f"aes256gcm16-prfsha384-{hybrid}, aes128-sha1-{hybrid}", f"aes256gcm16-{hybrid}"), policy(tmp_path, mac=AEAD["mac"]), "contract"
    )
    assert [edit.insert for change in plan.changes for edit in change.edits] == [(f" proposals = aes256gcm16-prfsha384-{hybrid}\n",)]
    assert plan.reasons == ("strongswan x: mac → none (mac-ikev2, require); removes sha1",)
    with pytest.raises(Inexpressible, match=r"strongswan x has no proposals that come to .*, cipher aes256gcm16 and nothing else"):
        planned(host(f"aes256gcm16-aes128-sha1-prfsha384-{hybrid}", f"aes256gcm16-{hybrid}"), policy(tmp_path, cipher=AEAD["cipher"]), "contract")


def test_what_default_stands_for_goes_with_it(tmp_path: Path) -> None:
    rules = policy(tmp_path, **AEAD)
    seen = having("forky", text("many.conf"))  # charon tells what `default` of its connection dflt is
    one = tuple(found for found in SERVICE.read(seen) if found.id == "strongswan dflt")
    assert "aes256" in one[0].settings["cipher"].values
    both = plan_end(seen, SERVICE, one, asked_of(rules, one), "expand", rules.digest, TODAY)
    (line,) = [line for change in both.changes for edit in change.edits for line in edit.insert if "default" in line]
    assert line.rstrip().endswith(", default") and "proposals = aes256gcm16-" in line


# ---------------------------------------------------------------- a connection that takes anybody


def test_a_connection_that_takes_anybody_keeps_its_ciphers_until_somebody_answers_for_its_clients(tmp_path: Path) -> None:
    hybrid = "x25519-ke1_mlkem768"
    said = SAID % (f"aes256gcm16-prfsha384-{hybrid}, {OLD.replace('x25519', hybrid)}", f"aes256gcm16-{hybrid}, {ESP.replace('x25519', hybrid)}")
    hub = unloaded(having("forky", said.replace("10.1.1.1", "%any")))
    with pytest.raises(Inexpressible, match=r"cipher of strongswan x would lose aes128: it takes anybody.*known of their exchanges alone"):
        planned(hub, policy(tmp_path, **AEAD), "contract")
    answered = "clients:\n  - {id: hub, host: vpn-a, acknowledge: {reason: all ours, approver: ciso, until: 2099-12-31}}\n"
    alone = after(hub, planned(hub, policy(tmp_path, more=answered, **AEAD), "contract"))
    assert proposals(alone) == [[f"aes256gcm16-prfsha384-{hybrid}"], [f"aes256gcm16-{hybrid}"]]


# ---------------------------------------------------------------- how many exchanges come


def test_of_hybrids_that_add_to_no_group_that_is_there_those_of_one_group_come(tmp_path: Path) -> None:
    rules, seen = policy(tmp_path), host("aes128-sha1-prfsha1-modp2048", "aes128-sha1-modp2048")
    (ike, esp) = SERVICE.read(seen)
    asked = asked_of(rules, (ike, esp))[ike.id]
    able = ike.capabilities["key_exchange"].names or ()
    few = nearest(ike, able, (), asked, TODAY).capabilities["key_exchange"].names
    assert few and {name.partition("-ke")[0] for name in few} == {"modp2048", "ecp521"}
    there = ("ecp384-ke1_mlkem1024", "modp2048")
    assert nearest(ike, able, there, asked, TODAY).capabilities["key_exchange"].names == ("modp2048", "ecp384-ke1_mlkem1024")
    (known, dummy) = SERVICE.read(host())
    assert nearest(known, able, (), asked, TODAY) == known, "it has the group of some"
    both = after(seen, planned(seen, rules, "expand"))
    assert len(proposals(both)[0]) == 3 and planned(both, rules, "expand").changes == ()


# ---------------------------------------------------------------- the proof

LEFT = (("ikev2", "cipher", ("aes256gcm16",)), ("ikev2", "prf", ("prfsha512",)), ("esp", "cipher", ("aes256gcm16",)), ("esp", "mac", ("sha256",)))
NEW = Aim(left=LEFT)
BORN = ("encr-keysize=256 bytes-in", "encr-keysize=256 dh-group=ECP_521 ake1=ML_KEM_1024 bytes-in")


def listed(end: str, *more: tuple[str, str]) -> tuple[IkeSa, ...]:
    """As charon of that end lists them: the one of AES-CBC, and the one of AES-GCM and ML-KEM once its child is rekeyed; more: replaced."""
    said = text(f"ciphers-{end}.txt")
    for was, now in (BORN, *more):
        assert was in said
        said = said.replace(was, now)
    return sas(said, "site")


def test_an_sa_says_what_it_is_protected_with() -> None:
    old, new = listed("vpn-a")
    assert old.words == (("cipher", "aes128"), ("mac", "sha1"), ("prf", "prfsha1")) and old.children[0].words == old.words[:2]
    assert new.words == (("cipher", "aes256gcm16"), ("prf", "prfsha512")) and new.children[0].words == new.words[:1]
    (first, dummy) = listed("vpn-a", ("encr-alg=AES_CBC encr-keysize=128", "encr-alg=3DES_CBC encr-keysize=192"))
    (second, dummy) = listed("vpn-a", ("encr-alg=AES_CBC encr-keysize=128", "encr-alg=CHACHA20_POLY1305 encr-keysize=256"))
    assert (first.words[0], second.words[0]) == (("cipher", "3des"), ("cipher", "chacha20poly1305"))


def test_the_lists_of_both_ends_prove_the_cipher_too() -> None:
    mine, theirs = listed("vpn-a"), listed("vpn-b")
    assert proved(mine, theirs, {"net": "net"}, NEW) == (mine[1], [])
    other = (("ikev2", "cipher", ("chacha20poly1305",)),)
    (wrong,) = proved(mine, theirs, {"net": "net"}, Aim(left=other))[1]
    assert wrong.startswith("no IKE SA with ML-KEM and what the policy leaves of cipher is in the lists of both ends: AES_CBC-128/"), wrong
    assert fresh(mine, (), Aim(left=other)) is None and fresh(mine, (), QUANTUM) == mine[1]
    one_sided = listed("vpn-b", ("PRF_HMAC_SHA2_512", "PRF_HMAC_SHA2_384"))
    assert proved(mine, one_sided, {"net": "net"}, NEW)[0] is None and proved(mine, one_sided, {"net": "net"})[0]


def test_a_child_with_a_cipher_that_goes_is_rekeyed_and_proves_nothing() -> None:
    weak = ("encr-keysize=256 dh-group=ECP_521", "encr-keysize=128 dh-group=ECP_521")
    mine, theirs = listed("vpn-a", weak), listed("vpn-b", weak)
    assert [one.name for one in older(mine[1], NEW)] == ["net"] and older(mine[1]) == ()
    (wrong,) = proved(mine, theirs, {"net": "net"}, NEW)[1]
    assert wrong.startswith("child net: AES_GCM_16-128/ECP_521/KE1_ML_KEM_1024 here")


def test_what_may_be_left_is_what_the_policy_allows_at_that_stage(tmp_path: Path) -> None:
    found = SERVICE.read(host())
    rows = left_with(found, asked_of(policy(tmp_path, **AEAD), found), TODAY)
    assert {(protocol, kind) for protocol, kind, dummy in rows} == {(of, kind) for of in ("ikev2", "esp") for kind in ("cipher", "mac")} | {
        ("ikev2", "prf")
    }
    ciphers = next(names for protocol, kind, names in rows if (protocol, kind) == ("ikev2", "cipher"))
    assert "aes256gcm16" in ciphers and "aes128" not in ciphers
    assert left_with(found, asked_of(policy(tmp_path, "prefer", **AEAD), found), TODAY) == ()


def test_what_is_told_of_a_proposal_is_read_back() -> None:
    for said in ("aes256gcm16-aes128gcm16-prfsha384-x25519-ke1_mlkem768-ke1_none", "aes128-sha1-modp2048", "aes256gcm16"):
        assert untold(parse(said).told) == parse(said)
