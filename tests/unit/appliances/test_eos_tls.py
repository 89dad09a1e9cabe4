"""The TLS of Arista EOS: what a profile says in each release, who names it, and what is written of it; configurations are synthetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances import read, snapshot_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.appliance import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.eos_live import LIVE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.appliances.lists import changed, place_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.assess import assess
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents.lines import split
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Endpoint, Inexpressible, Plan, Snapshot, Wanted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.safety import key_exchange_safety
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import Survey
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._devices import plan_of

from tests.unit.conftest import TODAY, policy_of, requirements
from tests.unit.policy.texts import binding

AES, CHACHA = "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"
ECDHE = "ECDHE-RSA-AES256-GCM-SHA384"
API = "management api http-commands\n   protocol https ssl profile API\n   no shutdown\n!\n"
TUNNEL = """\
ip security
   ike policy SITE
      encryption 3des
      integrity sha256
      dh-group 2
   sa policy SITE
      esp encryption aes128
      esp integrity sha1
   profile SITE
      ike-policy SITE
      sa-policy SITE
      shared-key 7 CANARY-psk
!
"""


def seen(release: str, *lines: str, more: str = API, name: str = "API") -> Snapshot:
    body = "".join(f"      {line}\n" for line in lines)
    text = f"! device: leaf1 (vEOS-lab, EOS-{release})\nhostname leaf1\n{more}management security\n   ssl profile {name}\n{body}!\nend\n"
    return snapshot_of(text.encode(), "f", "h", "")


def endpoint(snapshot: Snapshot, id_: str = "eos https") -> Endpoint:
    (found,) = [one for one in read(snapshot) if one.id == id_]
    return found


def values(snapshot: Snapshot, id_: str = "eos https") -> dict[str, tuple[str, ...]]:
    return {aspect: one.values for aspect, one in endpoint(snapshot, id_).settings.items()}


def sent(snapshot: Snapshot, id_: str = "eos https", **wanted: str) -> tuple[Order, tuple[str, ...]]:
    (change,) = LIVE.write(snapshot, {id_: {aspect: Wanted(tuple(names.split())) for aspect, names in wanted.items()}})
    old, new = changed(split(snapshot.files["f"].text or ""), change.edits)
    return Order("x", 1, old, new), LIVE.lines(Order("x", 1, old, new))


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("release", "lines", "said"),
    [
        ("4.30.1F", ("tls versions 1.0 1.2", f"cipher-list {ECDHE}:AES256-SHA"), {"version": ("1.0", "1.2"), "cipher": (ECDHE, "AES256-SHA")}),
        ("4.30.1F", (f"cipher-list {ECDHE}",), {"cipher": (ECDHE,)}),
        # Since 4.32 each half has a list of its own, and what is not spoken does not count.
        ("4.33.1F", ("tls versions 1.2", f"cipher v1.0 {ECDHE}"), {"version": ("1.2",), "cipher": (ECDHE,)}),
        ("4.33.1F", ("tls versions 1.2 1.3", f"cipher v1.0 {ECDHE}", f"cipher v1.3 {AES}"), {"version": ("1.2", "1.3"), "cipher": (ECDHE, AES)}),
        ("4.33.1F", ("tls versions 1.3", "cipher v1.0 AES256-SHA", f"cipher v1.3 {AES}:{CHACHA}"), {"version": ("1.3",), "cipher": (AES, CHACHA)}),
        # A half of which nobody says anything: not known, and never a pass.
        ("4.33.1F", ("tls versions 1.2 1.3", f"cipher v1.0 {ECDHE}"), {"version": ("1.2", "1.3")}),
        ("4.33.1F", (f"cipher v1.0 {ECDHE}",), {}),
        ("4.30.1F", ("tls versions 1.2 1.3", f"cipher-list {ECDHE}"), {"version": ("1.2", "1.3")}),
        (
            "4.36.1F",
            ("tls versions 1.3", "key-establishment-group X25519MLKEM768:ecdh_x25519", f"cipher v1.3 {AES}"),
            {"version": ("1.3",), "cipher": (AES,), "key_exchange": ("X25519MLKEM768", "ecdh_x25519")},
        ),
    ],
)
def test_a_profile_says_versions_suites_and_groups_as_its_release_has_them(
    release: str, lines: tuple[str, ...], said: dict[str, tuple[str, ...]]
) -> None:
    assert values(seen(release, *lines)) == said


@pytest.mark.parametrize(
    ("release", "aspect", "word", "there"),
    [
        ("4.31.2F", "version", "1.3", False),
        ("4.33.1F", "version", "1.3", True),
        ("4.31.2F", "cipher", AES, False),
        ("4.33.1F", "cipher", AES, True),
        ("4.36.1F", "key_exchange", "X25519MLKEM768", True),
    ],
)
def test_a_word_counts_from_the_release_that_a_source_names(release: str, aspect: str, word: str, there: bool) -> None:
    lines = ("tls versions 1.2", f"cipher v1.0 {ECDHE}" if release > "4.32" else f"cipher-list {ECDHE}", "key-establishment-group secp256r1")
    assert (word in (endpoint(seen(release, *lines)).capabilities[aspect].names or ())) == there


def test_hybrids_of_a_release_are_known_from_4_36_1_on_and_nobody_tells_of_the_others() -> None:
    ssh = "management ssh\n   key-exchange mlkem768x25519-sha256\n!\n"
    can = {
        release: endpoint(seen(release, more=ssh), "eos ssh").capabilities["key_exchange"] for release in ("4.33.1F", "4.35.0F", "4.36.1F", "4.37.0F")
    }
    assert {release: one.names and "mlkem768x25519-sha256" in one.names for release, one in can.items()} == {
        "4.33.1F": False, "4.35.0F": None, "4.36.1F": True, "4.37.0F": None,
    }  # fmt: skip
    assert endpoint(seen("4.33.1F", more=ssh), "eos ssh").settings["key_exchange"].values == ("mlkem768x25519-sha256",)


def test_gnmi_listens_where_its_transport_says_and_of_who_else_names_a_profile_only_that_is_kept() -> None:
    more = "management api gnmi\n   transport grpc default\n      ssl profile API\n      port 6031\n!\nradius-server host 192.0.2.3 tls ssl-profile API key 7 CANARY\n"
    found = seen("4.33.1F", "tls versions 1.2", more=more)
    assert endpoint(found, "eos ssl profile API").addresses == (("*", 6031),)
    text = found.files["f"].text or ""
    assert "CANARY" not in text
    assert "192.0.2.3" not in text
    assert endpoint(seen("4.33.1F", "tls versions 1.2", more=more.replace("      port 6031\n", "")), "eos ssl profile API").addresses == (
        ("*", 6030),
    )


HYBRID = """\
policy: {name: hybrid, version: "1"}
rules:
  - id: kex
    match: {protocol: tls}
    aspect: key_exchange
    allow: {construction: [hybrid], status: [current]}
    source: {doc: a test, section: "1", force: requirement}
    verified: 2026-11-23
"""


@pytest.mark.parametrize(("versions", "state", "safe"), [("1.3", "compliant", "yes"), ("1.2 1.3", "compliant", "yes"), ("1.2", "missing", "no")])
def test_a_hybrid_group_counts_where_tls_1_3_is_on_by_whatever_name(tmp_path: Path, versions: str, state: str, safe: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(HYBRID, encoding="utf-8")
    policy = policy_of(str(path))
    one = endpoint(seen("4.36.1F", f"tls versions {versions}", "key-establishment-group X25519MLKEM768"))
    (found,) = assess((one,), lambda each: requirements(policy, each.protocol), TODAY)
    assert found.state == state
    assert key_exchange_safety(json.loads(json.dumps(asdict(one)))) == safe


def test_an_api_that_is_off_takes_no_profile_along() -> None:
    more = API.replace("   no shutdown\n", "   shutdown\n") + "management api gnmi\n   transport grpc default\n      ssl profile API\n!\n"
    assert values(seen("4.33.1F", "tls versions 1.2", more=more), "eos ssl profile API") == {"version": ("1.2",)}


# ---------------------------------------------------------------- writing


def test_a_line_takes_the_place_of_the_old_one_from_the_top_and_back() -> None:
    found = seen("4.33.1F", "tls versions 1.0 1.2", "cipher v1.0 AES256-SHA")
    order, lines = sent(found, version="1.3 1.2", cipher=f"{AES} {CHACHA} {ECDHE}")
    assert lines == (
        "management security", "ssl profile API", "tls versions 1.2 1.3", f"cipher v1.0 {ECDHE}", f"cipher v1.3 {AES}:{CHACHA}", "exit", "exit",
    )  # fmt: skip
    back = LIVE.lines(order.back)
    assert {"tls versions 1.0 1.2", "cipher v1.0 AES256-SHA", "no cipher v1.3"} < set(back)
    assert {place_of(LIVE, one).removeprefix("management security ssl profile API ") for one in (*order.old, *order.new)} == {
        "tls versions", "cipher v1.0", "cipher v1.3",
    }  # fmt: skip


def test_who_has_a_list_of_suites_gets_one_for_tls_1_3_when_that_is_added() -> None:
    """Else its cipher would be unknown by our own change."""
    named = sent(seen("4.33.1F", "tls versions 1.2", f"cipher v1.0 {ECDHE}"), version="1.2 1.3")[1]
    assert [line for line in named if line.startswith("cipher")] == [f"cipher v1.3 TLS_AES_128_GCM_SHA256:{AES}:{CHACHA}"]
    silent = sent(seen("4.33.1F", "tls versions 1.2"), version="1.2 1.3")[1]
    assert silent == ("management security", "ssl profile API", "tls versions 1.2 1.3", "exit", "exit")


def test_before_4_32_it_is_one_list() -> None:
    dummy, lines = sent(seen("4.31.2F", "tls versions 1.2", "cipher-list AES256-SHA"), cipher=ECDHE)
    assert lines == ("management security", "ssl profile API", f"cipher-list {ECDHE}", "exit", "exit")


def test_ssh_and_tls_in_one_change_are_typed_one_after_the_other() -> None:
    found = seen("4.31.2F", "tls versions 1.0 1.2", more=f"{API}management ssh\n   mac hmac-sha1\n!\n")
    wishes = {"eos ssh": {"mac": Wanted(("hmac-sha2-512",))}, "eos https": {"version": Wanted(("1.2",))}}
    (change,) = LIVE.write(found, wishes)
    order = Order("x", 1, *changed(split(found.files["f"].text or ""), change.edits))
    assert LIVE.lines(order) == (
        "management ssh", "mac hmac-sha2-512", "exit", "management security", "ssl profile API", "tls versions 1.2", "exit", "exit",
    )  # fmt: skip


@pytest.mark.parametrize(("release", "word"), [("4.33.1F", "cipher-list"), ("4.31.2F", "cipher v1.0")])
def test_the_line_of_another_release_is_not_written_over(release: str, word: str) -> None:
    with pytest.raises(Inexpressible, match="is not known to take"):
        sent(seen(release, "tls versions 1.2", f"{word} AES256-SHA"), cipher=ECDHE)


def test_hybrids_are_read_and_not_written_for_nobody_has_told_of_the_sessions_of_that_release() -> None:
    with pytest.raises(Inexpressible, match="is no release whose commands are known here"):
        sent(seen("4.36.1F", "tls versions 1.3", "key-establishment-group secp256r1"), key_exchange="X25519MLKEM768")


# ---------------------------------------------------------------- what is left alone, and why

RULES = (
    ("tls", "version", "{name: [TLSv1.2, TLSv1.3]}"),
    ("ikev2", "key_exchange", '{construction: [classical], classical_bits: ">=192", status: [current]}'),
    ("esp", "cipher", '{key_bits: ">=256", status: [current]}'),
)


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Plan]:
    def plan(snapshot: Snapshot, stage: str = "require", step: str = "") -> Plan:
        path = tmp_path / "policy.yml"
        path.write_text(binding(*RULES, stage=stage), encoding="utf-8")
        policy, found = policy_of(str(path)), read(snapshot)
        wanted = {one.id: requirements(policy, one.protocol) for one in found}
        return plan_of(Survey(snapshot, found), wanted, "digest", TODAY, lambda: None, step)

    return plan


def test_versions_of_management_are_planned_and_added_to_below_require(planned: Callable[..., Plan]) -> None:
    found = seen("4.33.1F", "tls versions 1.0 1.2", f"cipher v1.0 {ECDHE}", f"cipher v1.3 {AES}")
    (sent_,) = [one for one in planned(found).warnings if one.startswith("is sent: ")]
    assert sent_ == "is sent: management security; ssl profile API; tls versions 1.2 1.3; exit; exit"
    (sent_,) = [one for one in planned(found, "prefer").warnings if one.startswith("is sent: ")]
    assert "tls versions 1.0 1.2 1.3" in sent_


@pytest.mark.parametrize(
    ("more", "id_", "why"),
    [
        (
            f"{API}radius-server host 192.0.2.3 tls ssl-profile API\n",
            "eos https",
            "radius-server names ssl profile API, too, and its other end is not ours: give management a profile of its own",
        ),
        ("logging host 192.0.2.3 6514 protocol tls ssl-profile API\n", "eos ssl profile API", "logging names ssl profile API, too"),
        ("", "eos ssl profile API", "nothing that is written here names it"),
    ],
)
def test_a_profile_that_others_name_is_left_alone(planned: Callable[..., Plan], more: str, id_: str, why: str) -> None:
    plan = planned(seen("4.33.1F", "tls versions 1.0", more=more))
    assert plan.changes == ()
    assert [one for one in plan.warnings if one.startswith(f"{id_}: left as it is: {why}")], plan.warnings


@pytest.mark.parametrize("step", ["", "contract"])
@pytest.mark.parametrize("stage", ["prefer", "require"])
def test_policies_of_tunnels_are_never_written_and_the_plan_says_what_to_do(planned: Callable[..., Plan], stage: str, step: str) -> None:
    plan = planned(seen("4.33.1F", more=TUNNEL), stage, step)
    assert plan.changes == ()
    for kind in ("ike", "sa"):
        (said,) = [one for one in plan.warnings if one.startswith(f"eos {kind} policy SITE: left as it is: ")]
        assert f"a profile names one {kind}-policy" in said
        assert "agree on a moment with the other end" in said
