"""Both ends of an OpenVPN on their way: which mixes of their stages are a tunnel, by what each end writes; and what keeps an end where it is."""

from __future__ import annotations

import json
from datetime import date
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.end import ends
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.mixes import APART, apart
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.order import batches
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.links.planned import Step, plan_end
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Inexpressible, Plan, Problem, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.resolve import resolve, target_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import SERVICES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.survey import Survey
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._ends import CONTRACTING, Ends, others
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._several import Several
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._several_openvpn import Called, comes_back, cut_off
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._tied import Here, tied

from tests.fixtures.tunnels.load import CLIENT, SERVER, edited, having, text_of
from tests.unit.conftest import policy_of

TODAY = date(2026, 11, 28)
OLD = "tls-version-max 1.2\ndata-ciphers AES-128-CBC\ntls-groups X25519\n"
PATHS = {"tun-a": SERVER, "tun-b": CLIENT}
SERVICE = SERVICES["openvpn"]
RULE = """
  - id: {0}
    match: {{protocol: openvpn}}
    aspect: {0}
    allow: {{name: [{1}]}}
    source: {{doc: house, force: requirement}}
    verified: 2026-11-28"""
RULES = RULE.format("key_exchange", "X25519MLKEM768") + RULE.format("cipher", "AES-256-GCM")
ANSWERED = "\nclients:\n  - {id: road, host: tun-a, acknowledge: {reason: ours, approver: ciso, until: 2099-12-31}}"


def old(host: str, more: str = "") -> Snapshot:
    text = text_of(host, PATHS[host])
    for line in ("tls-groups X25519:prime256v1\n", "data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305\n", "tls-version-min 1.2\n"):
        text = text.replace(line, "")
    return having(host, {PATHS[host]: f"{OLD}{text}{more}"})


def planned(tmp_path: Path, host: str, snapshot: Snapshot, step: Step, stages: str = "require", more: str = ANSWERED) -> Plan:
    said = "".join(f"\n  - {{protocol: openvpn, aspect: {one}, stage: {stages}}}" for one in ("key_exchange", "cipher"))
    (tmp_path / "p.yml").write_text(f'policy: {{name: t, version: "1"}}\nrules:{RULES}\nstages:{said}{more}\n', encoding="utf-8")
    policy = policy_of(str(tmp_path / "p.yml"))
    found = SERVICE.read(snapshot)
    asked = {one.id: resolve(policy, target_of(host, (), one), TODAY) for one in found}
    return plan_end(snapshot, SERVICE, found, asked, step, policy.digest, TODAY)


def then(host: str, snapshot: Snapshot, made: Plan) -> Snapshot:
    (change,) = made.changes
    return having(host, {PATHS[host]: edited(snapshot, change)})


def settings(host: str, snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    (end,) = ends(host, (), tuple(plain(one) for one in SERVICE.read(snapshot)))
    return {aspect: tuple(end.settings[aspect]) for aspect in APART}


def stages(tmp_path: Path, host: str) -> list[dict[str, tuple[str, ...]]]:
    """What it has at old, at old + new, and at new."""
    before = old(host)
    both = then(host, before, planned(tmp_path, host, before, "expand"))
    assert not planned(tmp_path, host, both, "expand").changes
    alone = then(host, both, planned(tmp_path, host, both, "contract"))
    assert not planned(tmp_path, host, alone, "contract").changes and not planned(tmp_path, host, alone, "expand").changes
    return [settings(host, one) for one in (before, both, alone)]


def test_every_mix_of_neighbouring_stages_is_a_tunnel_and_no_other_in_groups_versions_and_ciphers(tmp_path: Path) -> None:
    server, client = stages(tmp_path, "tun-a"), stages(tmp_path, "tun-b")
    assert server[0] == client[0] == {"key_exchange": ("X25519",), "version": ("TLSv1.2",), "cipher": ("AES-128-CBC",)}
    assert [one["version"] for one in server] == [("TLSv1.2",), ("TLSv1.2", "TLSv1.3"), ("TLSv1.3",)]
    assert server[1]["key_exchange"][0] == "X25519MLKEM768"
    assert [one["cipher"] for one in server] == [("AES-128-CBC",), ("AES-256-GCM", "AES-128-CBC"), ("AES-256-GCM",)]
    for (here, mine), (there, theirs) in product(enumerate(server), enumerate(client)):
        assert len(list(apart(mine, theirs))) == (3 if abs(here - there) == 2 else 0), (here, there)
        for aspect in APART:
            assert bool(list(apart({aspect: mine[aspect]}, {aspect: theirs[aspect]}))) == (abs(here - there) == 2), (aspect, here, there)


def test_what_is_not_known_of_an_end_says_nothing() -> None:
    assert not list(apart({"cipher": ("A",)}, {})) and not list(apart({}, {}))


def test_a_server_needs_somebody_who_answers_for_strangers_and_a_client_of_one_server_does_not(tmp_path: Path) -> None:
    for host in PATHS:
        both = then(host, old(host), planned(tmp_path, host, old(host), "expand", more=""))
        if host == "tun-a":
            with pytest.raises(Inexpressible, match="the policy names no time over which they are watched"):
                planned(tmp_path, host, both, "contract", more="")
        else:
            assert planned(tmp_path, host, both, "contract", more="").changes
    twice = old("tun-b", "remote 192.0.2.7 1194\n")
    both = then("tun-b", twice, planned(tmp_path, "tun-b", twice, "expand"))
    with pytest.raises(Inexpressible, match="it calls several servers"):
        planned(tmp_path, "tun-b", both, "contract")


def test_contract_takes_no_cipher_away_whose_stage_is_prefer_nor_the_last_one(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"has no version that the policy allows, but TLSv1.2"):
        planned(tmp_path, "tun-b", old("tun-b"), "contract")
    weak = old("tun-b")
    weak = having("tun-b", {CLIENT: (weak.files[CLIENT].text or "").replace("tls-version-max 1.2\n", "")})
    with pytest.raises(Problem, match=r"has no cipher that the policy allows, but AES-128-CBC. run the step expand, at both ends"):
        planned(tmp_path, "tun-b", weak, "contract")
    with pytest.raises(Problem, match="is at stage prefer"):
        planned(tmp_path, "tun-b", old("tun-b"), "contract", "prefer")


# ---------------------------------------------------------------- one end among the others

LINK = {
    "service": "openvpn",
    "hub": "tun-a",
    "verdict": {"state": "able", "why": "because"},
    "channels": [
        {
            "protocol": "openvpn",
            "sides": [
                {"host": "tun-a", "endpoint": "server/site.conf", "offers": []},
                {"host": "tun-b", "endpoint": "client/site.conf", "offers": []},
            ],
        }
    ],
}


def here(host: str, tmp_path: Path, *more: dict[str, Any]) -> Here:
    (tmp_path / "links.json").write_text(json.dumps({"links": [LINK, *more]}), encoding="utf-8")
    found = tied(SimpleNamespace(output=tmp_path, host=host))  # type: ignore[arg-type]
    assert found
    return found.ends[0]


def run_of(tmp_path: Path, host: str) -> Any:
    return SimpleNamespace(output=tmp_path, host=host)


def seen(tmp_path: Path, host: str, snapshot: Snapshot) -> None:
    (tmp_path / "hosts").mkdir(exist_ok=True)
    write_host(tmp_path, HostResult(host, "audit", "ok", endpoints=tuple(plain(one) for one in SERVICE.read(snapshot))))


def surveyed(snapshot: Snapshot) -> Survey:
    return Survey(snapshot, SERVICE.read(snapshot), ())


def test_a_server_is_a_hub_of_its_clients_whatever_their_number(tmp_path: Path) -> None:
    mine = here("tun-a", tmp_path)
    assert (mine.daemon, mine.connection, mine.other, mine.there, mine.pair) == ("openvpn", "server/site.conf", "tun-b", "client/site.conf", False)
    assert batches([LINK], ["tun-a", "tun-b"], "expand") == (("tun-a",), ("tun-b",))
    assert batches([LINK], ["tun-a", "tun-b"], "contract") == (("tun-b",), ("tun-a",))
    strong = {**LINK, "service": "strongswan", "channels": [{**LINK["channels"][0], "protocol": "ikev2"}]}  # type: ignore[index]
    with pytest.raises(Problem, match="it is an end of tunnels of openvpn and of strongswan"):
        here("tun-a", tmp_path, strong)


def test_no_end_takes_a_step_behind_which_the_other_one_as_it_is_now_has_nothing_in_common(tmp_path: Path) -> None:
    before = old("tun-b")
    both = then("tun-b", before, planned(tmp_path, "tun-b", before, "expand"))
    narrow = planned(tmp_path, "tun-b", both, "contract")
    with pytest.raises(Problem, match="what tun-a has is not known"):
        cut_off(run_of(tmp_path, "tun-b"), [here("tun-b", tmp_path)], surveyed(both), narrow)
    seen(tmp_path, "tun-a", old("tun-a"))
    with pytest.raises(Problem, match=r"no common group .*; no common version of TLS .*; no common cipher of the data channel"):
        cut_off(run_of(tmp_path, "tun-b"), [here("tun-b", tmp_path)], surveyed(both), narrow)
    server = then("tun-a", old("tun-a"), planned(tmp_path, "tun-a", old("tun-a"), "expand"))
    seen(tmp_path, "tun-a", server)
    cut_off(run_of(tmp_path, "tun-b"), [here("tun-b", tmp_path)], surveyed(both), narrow)


def called(tmp_path: Path, server: str = "", client: str = "") -> Called:
    seen(tmp_path, "tun-b", old("tun-b", client))
    far: Any = SimpleNamespace(host="tun-b")
    return Called(run_of(tmp_path, "tun-a"), far, here("tun-a", tmp_path), surveyed(old("tun-a", server)))


def logs(found: Called) -> list[tuple[str, str, str]]:
    return [(log.run.host, log.unit, log.name) for log in found.logs]


def test_the_client_tells_first_that_it_is_up_and_its_server_is_asked_for_it_by_name(tmp_path: Path) -> None:
    client, server = ("tun-b", "openvpn-client@site.service", ""), ("tun-a", "openvpn-server@site.service", "tun-b")
    assert logs(called(tmp_path)) == [client, server]
    assert logs(called(tmp_path, server="duplicate-cn\n")) == [client], "2.7 names a hybrid itself"
    assert logs(called(tmp_path, client="log /tmp/x\n")) == [server]
    with pytest.raises(
        Problem, match=r"no log would tell what the tunnel .* agrees on: tun-a: with duplicate-cn .*; tun-b: it writes its log to a file"
    ):
        called(tmp_path, "duplicate-cn\n", "log /tmp/x\n")
    with pytest.raises(Problem, match=r"tun-a: with verb 1 .*; tun-b: with verb 1"):
        called(tmp_path, "verb 1\n", "verb 1\n")


def test_how_long_clients_are_away_follows_from_what_their_server_tells_them(tmp_path: Path) -> None:
    def away(host: str, more: str = "", gone: str = "") -> int:
        text = (old(host).files[PATHS[host]].text or "").replace(gone or "\0", "")
        return comes_back(run_of(tmp_path, host), [here(host, tmp_path)], surveyed(having(host, {PATHS[host]: f"{text}{more}"})))

    assert (away("tun-a"), away("tun-b")) == (10, 10)
    assert away("tun-a", gone="explicit-exit-notify 1\n") == 15
    assert away("tun-a", "explicit-exit-notify 0\nkeepalive 10 60\n") == 70
    assert away("tun-a", "explicit-exit-notify 0\n", "keepalive 1 5\n") == 130


def test_other_ends_that_a_campaign_knows_are_named_and_a_contracted_end_stays_so_when_more_comes_in_front(tmp_path: Path) -> None:
    for client in ("tun-b", "tun-c"):
        for mine, other in (("tun-a", client), (client, "tun-a")):
            Ends(tmp_path, f"tun-a ↔ {client}", mine, other, "r", "expand").say("confirmed", stage="expanded")
    assert set(others(tmp_path, "tun-a")) == {"tun-b", "tun-c"} and set(others(tmp_path, "tun-b")) == {"tun-a"} and not others(tmp_path, "tun-d")

    def after(step: str, changes: bool, before: str) -> str:
        return Several._after(SimpleNamespace(step=step, plan=SimpleNamespace(changes=changes)), before)  # type: ignore[arg-type]

    assert after("expand", True, "") == "expanded" and after("contract", True, "expanded") == "contracted"
    assert after("expand", True, "contracted") == "contracted" and after("expand", True, CONTRACTING) == CONTRACTING
    assert after("contract", False, "expanded") == "expanded"
