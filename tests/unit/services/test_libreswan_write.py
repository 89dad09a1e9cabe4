"""services/libreswan_write.py: what stands in front at one end alone, by ordinary enforce, what is refused there, and which connections are taken anew."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Plan, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import make_plan
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.ike_proposal import split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.libreswan_proposals import parse

from tests.fixtures.libreswan import load as lib
from tests.fixtures.strongswan.load import applied
from tests.unit.conftest import policy_of

TODAY = date(2026, 11, 28)
SERVICE = SERVICES["libreswan"]
OLD, NEW = "aes_gcm256-sha2_512-dh19", "aes_gcm256-sha2_512-dh20"
RULES = """policy: {name: tunnels, version: "1", timezone: UTC, enforce: [recommendation]}
rules:
"""
RULE = """  - {id: kex-%(of)s, match: {protocol: %(of)s}, aspect: key_exchange, allow: {name: [ECP_384, ECP_521]}, verified: 2026-11-28,
     source: {doc: house, force: recommendation}}
"""


def host(text: str, remote: str = "10.91.0.19", **groups: str) -> Snapshot:
    """A host with this ipsec.conf.  groups: of each connection that pluto 5.2 has loaded, "" = its defaults, which it does not print.  remote: the other
    end of all."""
    status = [line for line in lib.text("status-5.2.txt").splitlines() if line.startswith("algorithm")]
    for name, printed in groups.items():
        status += [
            f'"{name}":   host: oriented; local: 10.91.0.21; remote: {remote};',
            f'"{name}":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS;',
            f'"{name}":   ESP algorithms: AES_GCM_16_256-NONE{"-DH19" if ";dh19" in text else ""}',
        ]
        if printed:
            status.append(f'"{name}":   IKE algorithms: {", ".join(f"AES_GCM_16_256-HMAC_SHA2_512-{group}" for group in printed.split())}')
    return lib.having(text, status="\n".join(status))


def conn(name: str, *said: str, auto: str = "add") -> str:
    return "".join((f"conn {name}\n", *(f"\t{one}\n" for one in (*said, f"auto={auto}"))))


ONE, OTHER = conn("a", f"ike={OLD}", "esp=aes_gcm256"), conn("b", f"ike={NEW}", "esp=aes_gcm256")


def planned(folder: Path, snapshot: Snapshot, stage: str = "prefer") -> Plan:
    stages = "".join(f"  - {{protocol: {of}, aspect: key_exchange, stage: {stage}}}\n" for of in ("ikev2", "esp"))
    (folder / "policy.yml").write_text(RULES + "".join(RULE % {"of": of} for of in ("ikev2", "esp")) + f"stages:\n{stages}", encoding="utf-8")
    rules = policy_of(str(folder / "policy.yml"))
    found = SERVICE.read(snapshot)
    asked = {one.id: dict(resolve(rules, target_of("vpn-c", (), one), TODAY)) for one in found}
    return make_plan(snapshot, {"libreswan": SERVICE}, found, asked, rules.digest, TODAY, lambda: None)


def said(snapshot: Snapshot) -> list[str]:
    return [line.strip() for line in (snapshot.files[lib.MAIN].text or "").splitlines() if line.strip().startswith("ike=")]


def test_the_new_stands_in_front_and_the_connection_that_changes_is_taken_anew_and_no_other(tmp_path: Path) -> None:
    before = host(ONE + OTHER, a="DH19", b="DH20")
    plan = planned(tmp_path, before)
    after = applied(before, plan.changes)
    assert said(after) == [f"ike=aes_gcm256-sha2_512-dh21,{NEW},{OLD}", f"ike={NEW}"]
    (activation,) = plan.activations
    assert (activation.action, activation.units) == ("replace:a", ("ipsec.service",)), "b has what is allowed, and its SAs stay"
    assert [one for one in plan.warnings if "ipsec replace" in one] == [
        "libreswan a: pluto ends its SAs when it takes it anew (ipsec replace), and they are established anew: expect some seconds without traffic"
    ]
    again = planned(tmp_path, host(after.files[lib.MAIN].text or "", a="DH21 DH20 DH19", b="DH20"))
    assert again.changes == () == again.activations


def test_what_pluto_does_not_name_is_neither_wished_nor_written(tmp_path: Path) -> None:
    before = host(ONE, a="DH19")
    less = "\n".join(line for line in before.answers["libreswan-status"].out.splitlines() if "name=DH21" not in line)
    before = lib.having(ONE, status=less)
    assert said(applied(before, planned(tmp_path, before).changes)) == [f"ike={NEW},{OLD}"]
    with pytest.raises(Inexpressible, match=r"this pluto has no dh21 for libreswan a \(ipsec status\)"):
        SERVICE.write(before, {"libreswan a": {"key_exchange": Wanted(("dh21", "dh19"))}})


def test_connections_that_shall_say_the_same_may_share_a_line_and_others_may_not(tmp_path: Path) -> None:
    shared = f"conn base\n\tike={OLD}\n\tesp=aes_gcm256\n" + conn("a", "also=base") + conn("b", "also=base")
    before = host(shared, a="DH19", b="DH19")
    plan = planned(tmp_path, before)
    assert said(applied(before, plan.changes)) == [f"ike=aes_gcm256-sha2_512-dh21,{NEW},{OLD}"]
    assert plan.activations[0].action == "replace:a,b"
    with pytest.raises(Inexpressible, match=r"libreswan b would say .*, and shall stay"):
        SERVICE.write(before, {"libreswan a": {"key_exchange": Wanted(("dh20", "dh19"))}})
    with pytest.raises(Inexpressible, match="libreswan b shares this line with another that shall say something else"):
        SERVICE.write(before, {f"libreswan {one}": {"key_exchange": Wanted((of, "dh19"))} for one, of in (("a", "dh20"), ("b", "dh21"))})


def test_whoever_comes_to_a_connection_that_takes_anybody_has_to_come_anew() -> None:
    wishes = {"libreswan a": {"key_exchange": Wanted(("dh20", "dh19"))}}
    assert SERVICE.warns
    (told,) = SERVICE.warns(host(ONE, remote="%any", a="DH19"), wishes)
    assert "whoever had one has to come anew by himself, for it takes anybody: expect no traffic until then" in told


@pytest.mark.parametrize(
    ("text", "asked", "why"),
    [
        (ONE, {"": {"key_exchange": ("dh20",)}}, "key_exchange of libreswan a would lose dh19 at one end alone.*migrate_links, step contract"),
        (ONE, {"": {"cipher": ("aes_gcm256", "aes256")}}, "cipher of libreswan a is not written"),
        (ONE, {"": {"fragmentation": ("yes",)}}, "fragmentation of libreswan a is not written"),
        (ONE, {"/esp": {"key_exchange": ("dh20", "dh19")}}, "libreswan a/esp would come to dh19, and the policy wants dh20, dh19"),
        (ONE.replace("esp=aes_gcm256", "esp=aes_gcm256;dh19"), {"/esp": {"key_exchange": ("dh20", "dh19")}}, "has a group of its own"),
        (conn("a", "esp=aes_gcm256"), {"": {"key_exchange": ("dh20", "dh19")}}, "leaves its groups to the defaults"),
        (ONE.replace("dh19", "dh31"), {"": {"key_exchange": ("dh20", "dh19")}}, "pluto has loaded something else than the files say"),
    ],
)
def test_what_one_end_alone_does_not_do_is_refused_by_name(text: str, asked: Any, why: str) -> None:
    seen = host(text, a="DH19" if "ike=" in text else "")
    with pytest.raises(Inexpressible, match=why):
        SERVICE.write(seen, {f"libreswan a{of}": {kind: Wanted(names) for kind, names in some.items()} for of, some in asked.items()})
    assert SERVICE.write(seen, {"libreswan a": {}}) == ()


def tried() -> list[tuple[str, str, str]]:
    """(parameter, what it said, what pluto 5.2 made of it)."""
    lines = [line for line in lib.text("proposals-5.2.txt").splitlines() if not line.startswith("#")]
    return [(*line.partition("=")[::2], printed.strip()) for line, printed in zip(lines[::2], lines[1::2], strict=True)]


@pytest.mark.parametrize(("name", "text", "printed"), [one for one in tried() if not one[2].startswith("!")])
def test_what_is_written_is_read_as_pluto_prints_it(name: str, text: str, printed: str) -> None:
    """With its own default of a MAC, where a proposal names none."""
    protocol = "ikev2" if name == "ike" else "esp"
    for one, made in zip(split(text), split(printed), strict=True):
        mine, theirs = parse(one, protocol), parse(made, protocol)
        assert (mine.key_exchange, mine.cipher, mine.prf) == (theirs.key_exchange, theirs.cipher, theirs.prf)
        assert mine.mac in ((), theirs.mac) and not mine.strange and not theirs.strange
