"""links/suites.py at an end of libreswan: ciphers, MACs and PRFs put in front of those that are there, and taken away, as pluto 5.2 takes and prints them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.planned import Step, aim_at, plan_end
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Plan, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.ike_proposal import split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_proposals import parse

from tests.fixtures.libreswan import load as lib
from tests.fixtures.strongswan.load import applied
from tests.unit.conftest import policy_of

TODAY = date(2026, 11, 28)
SERVICE = SERVICES["libreswan"]
WEAK, PACKETS = "aes128-sha1-dh19", "aes128-sha1"
AEAD = {"cipher": "{aead: true, status: [current]}", "mac": "{status: [current]}", "prf": "{status: [current]}"}
STRONG = "{name: [ECP_384, ECP_521], status: [current]}"
CIPHERS = {"aes_gcm256": "AES_GCM_16_256", "aes_gcm128": "AES_GCM_16_128", "aes256": "AES_CBC_256", "aes128": "AES_CBC_128"}
BEST = "aes_gcm256+chacha20_poly1305+aes_gcm128-sha2_512+sha2_384+sha2_256"


def printed(text: str, protocol: str) -> str:
    """As pluto prints it: the rules of tests/fixtures/libreswan/proposals-5.2.txt, held against that below."""
    names = {"sha1": "HMAC_SHA1", **{f"sha2_{size}": f"HMAC_SHA2_{size}" for size in (256, 384, 512)}}
    lengths = {"HMAC_SHA1": "_96", "HMAC_SHA2_256": "_128", "HMAC_SHA2_384": "_192", "HMAC_SHA2_512": "_256"} if protocol == "esp" else {}
    out = []
    for one in (parse(one, protocol) for one in split(text)):
        hashes = [names[name] for name in (one.mac if protocol == "esp" else one.prf)]
        parts = ["+".join(CIPHERS.get(name, name.upper()) for name in one.cipher)] if one.cipher else []
        parts.append("+".join(name + lengths.get(name, "") for name in hashes) or "NONE")
        out.append("-".join((*parts, *(["+".join(one.key_exchange).upper()] if one.key_exchange else []))))
    return ", ".join(out)


def host(ike: str = WEAK, esp: str = PACKETS, kind: str = "esp") -> Snapshot:
    text = f"conn site\n\tleft=10.91.0.21\n\tright=10.91.0.19\n\tike={ike}\n\t{kind}={esp}\n\tphase2={kind}\n\tauto=add\n"
    status = [line for line in lib.text("status-5.2.txt").splitlines() if line.startswith("algorithm")]
    status += ['"site":   host: oriented; local: 10.91.0.21; remote: 10.91.0.19;', '"site":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS;']
    status += [f'"site":   IKE algorithms: {printed(ike, "ikev2")}', f'"site":   {kind.upper()} algorithms: {printed(esp, "esp")}']
    return lib.having(text, status="\n".join(status))


def said(snapshot: Snapshot) -> tuple[list[str], list[str]]:
    lines = [line.strip().partition("=")[::2] for line in (snapshot.files[lib.MAIN].text or "").splitlines()]
    ike, packets = ([value.split(",") for name, value in lines if name in names] for names in (("ike",), ("esp", "ah")))
    return ike[0], packets[0]


def planned(folder: Path, snapshot: Snapshot, step: Step, stage: str = "require", exchange: str = STRONG, **asked: str) -> Plan:
    rules = "".join(
        f"  - {{id: {aspect}-{of}, match: {{protocol: {of}}}, aspect: {aspect}, allow: {allow}, verified: 2026-11-28,"
        " source: {doc: house, force: recommendation}}\n"
        for of in ("ikev2", "esp")
        for aspect, allow in {"key_exchange": exchange, **asked}.items()
        if (of, aspect) != ("esp", "prf")
    )
    stages = "".join(f"  - {{aspect: {aspect}, stage: {stage}}}\n" for aspect in ("key_exchange", *asked))
    head = 'policy: {name: suites, version: "1", timezone: UTC, enforce: [recommendation]}\n'
    (folder / "policy.yml").write_text(f"{head}rules:\n{rules}stages:\n{stages}", encoding="utf-8")
    policy = policy_of(str(folder / "policy.yml"))
    found = SERVICE.read(snapshot)
    requirements = {one.id: dict(resolve(policy, target_of("vpn-c", (), one), TODAY)) for one in found}
    return plan_end(snapshot, SERVICE, found, requirements, step, policy.digest, TODAY, lambda one: aim_at(found, requirements, TODAY))


def after(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Once pluto has loaded it."""
    ike, packets = said(applied(snapshot, plan.changes))
    return host(",".join(ike), ",".join(packets))


def test_an_end_that_has_nothing_that_is_allowed_gets_it_in_front_and_loses_the_rest_afterwards(tmp_path: Path) -> None:
    before = host()
    plan = planned(tmp_path, before, "expand", **AEAD)
    both = after(before, plan)
    ike, packets = said(both)
    assert ike[:3] == [f"{BEST}-dh21", f"{BEST}-dh20", f"{BEST}-dh19"]
    assert ike[3:] == ["aes128-sha1-dh21", "aes128-sha1-dh20", WEAK], "the old stays, behind the new"
    assert packets == ["aes_gcm256+aes_gcm128", PACKETS], "what every kernel has, and the group of the IKE SA"
    assert plan.aspects == ("cipher", "key_exchange", "mac", "prf") and plan.activations[0].action == "replace:site"
    assert any("libreswan site/esp: the kernel of each end decides whether it can use aes_gcm256, aes_gcm128" in one for one in plan.warnings)
    assert planned(tmp_path, both, "expand", **AEAD).changes == ()
    alone = after(both, planned(tmp_path, both, "contract", **AEAD))
    assert said(alone) == ([f"{BEST}-dh21", f"{BEST}-dh20"], ["aes_gcm256+aes_gcm128"])
    assert planned(tmp_path, alone, "contract", **AEAD).changes == () == planned(tmp_path, alone, "expand", **AEAD).changes


def test_every_mix_of_neighbouring_stages_has_something_in_common(tmp_path: Path) -> None:
    old = host()
    both = after(old, planned(tmp_path, old, "expand", **AEAD))
    new = after(both, planned(tmp_path, both, "contract", **AEAD))
    for one, two in ((old, both), (both, both), (both, new), (new, new)):
        assert all(set(mine) & set(theirs) for mine, theirs in zip(said(one), said(two), strict=True))


def test_an_end_that_has_what_is_allowed_keeps_its_order_and_one_that_nobody_asks_its_ciphers(tmp_path: Path) -> None:
    fine = host("aes128-sha1-dh20,aes_gcm256-sha2_384-dh20", "aes128-sha1,aes_gcm256")
    assert planned(tmp_path, fine, "expand", "prefer", **AEAD).changes == ()
    weak = host("aes128-sha1-dh20")
    assert planned(tmp_path, weak, "expand").changes == ()
    ike, packets = said(after(weak, planned(tmp_path, weak, "expand", **AEAD)))
    assert ike == [f"{BEST}-dh20", "aes128-sha1-dh20"] and packets[0] == "aes_gcm256+aes_gcm128", "of the exchange that is there"


def test_other_ciphers_come_as_a_proposal_of_their_own_with_the_hash_that_stands_for_the_mac(tmp_path: Path) -> None:
    weak = host("3des-sha1-dh20", "3des-sha1")
    modern = {"cipher": "{status: [current, legacy]}", "mac": "{status: [current]}", "prf": "{status: [current]}"}
    ike, packets = said(after(weak, planned(tmp_path, weak, "expand", **modern)))
    assert ike[1] == "aes256+aes128-sha2_512+sha2_384+sha2_256-dh20"
    assert packets[:2] == ["aes_gcm256+aes_gcm128", "aes256+aes128-sha2_512+sha2_384+sha2_256"]
    header = host("aes_gcm256-sha2_512-dh20", "sha1", "ah")
    assert said(applied(header, planned(tmp_path, header, "expand", **modern).changes))[1] == ["sha2_512+sha2_384+sha2_256", "sha1"]


def test_a_group_of_its_own_stays_in_every_proposal_for_packets() -> None:
    own = host("aes_gcm256-sha2_512-dh20", "aes128-sha1;dh20")
    assert SERVICE.widen
    made = SERVICE.widen(own, {"libreswan site/esp": {"cipher": Wanted(("aes_gcm256",))}})
    assert said(applied(own, made))[1] == ["aes_gcm256;dh20", "aes128-sha1;dh20"]


@pytest.mark.parametrize(
    ("aspects", "why"),
    [
        ({"cipher": (), "prf": ("sha2_512",)}, "libreswan site has no cipher, MAC and PRF that would make a proposal"),
        ({"cipher": ("aes_gcm256",), "fragmentation": ("yes",)}, "fragmentation of libreswan site is not written"),
    ],
)
def test_what_makes_no_proposal_is_refused_by_name(aspects: dict[str, tuple[str, ...]], why: str) -> None:
    assert SERVICE.widen
    with pytest.raises(Inexpressible, match=why):
        SERVICE.widen(host(), {"libreswan site": {aspect: Wanted(names) for aspect, names in aspects.items()}})


def test_a_pluto_without_a_cipher_gets_none_of_it(tmp_path: Path) -> None:
    seen = host()
    less = "\n".join(line for line in seen.answers["libreswan-status"].out.splitlines() if "CHACHA20" not in line)
    seen = lib.having(seen.files[lib.MAIN].text or "", status=less)
    assert said(applied(seen, planned(tmp_path, seen, "expand", **AEAD).changes))[0][0] == f"{BEST.replace('+chacha20_poly1305', '')}-dh21"


def test_what_is_held_to_be_printed_is_what_pluto_printed() -> None:
    lines = [line for line in lib.text("proposals-5.2.txt").splitlines() if not line.startswith("#")]
    tried = [(*line.partition("=")[::2], made.strip()) for line, made in zip(lines[::2], lines[1::2], strict=True)]
    known = [one for one in tried if set(CIPHERS) | {"chacha20_poly1305"} >= {name for some in split(one[1]) for name in parse(some, "esp").cipher}]
    held = [one for one in known if not one[2].startswith("!") and ";" not in one[1] and "none" not in one[1] and one[1][-7:] != ",aes256"]
    assert len(held) >= 4
    for name, text, made in held:
        got = printed(text, "ikev2" if name == "ike" else "esp")
        assert (got.removesuffix("-NONE") if name == "ah" else got) == made, text
