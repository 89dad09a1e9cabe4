"""A campaign in waves on disk: divided once, judged by what became of its hosts, and taken up again by the next run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _health, _waving
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._campaign import Gate
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.answers import merged
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.ledger.verify import verify
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Policy, Zone
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._ledger import read
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._standing import stand
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._waving import SPEC, Campaign

POLICY = Policy("p", "1", (), (), zones={"edge": Zone(groups=("edge",), exposure="public")})
FLEET = ("a", "b", "c", "d")
DEFAULTS = {name: option.get("default") for name, option in SPEC.items()}


class Fake:
    """What the steps and the gate need of a Run."""

    def __init__(
        self, folder: Path, host: str, batch: tuple[str, ...], play: tuple[str, ...], dry: bool, hosts: dict[str, Any], args: dict[str, Any]
    ) -> None:
        self.host, self.run, self.output, self.taken, self.groups = host, "r1", folder / "out", "2026-12-05T02:00:00Z", ()
        self.args = {**DEFAULTS, "campaign": "spring", "confirm_timeout": 120, "soak": 0, **args}
        self.vars: dict[str, Any] = {
            "ansible_play_batch": list(batch),
            "ansible_play_hosts_all": list(play),
            "hostvars": hosts,
            "agility_output": str(self.output),
            **hosts.get(host, {}),
        }
        templar = SimpleNamespace(template=lambda value: value)
        self.channel, self.action = SimpleNamespace(transport="ssh"), SimpleNamespace(_task=SimpleNamespace(check_mode=dry), _templar=templar)
        self.result = HostResult(host, "enforce", "ok", transaction=f"spring-{host}")

    def policy(self) -> Policy:
        return POLICY

    def variable(self, name: str) -> str:
        return str(self.vars.get(name, ""))


class Fleet:
    def __init__(self, folder: Path, **hosts: dict[str, Any]) -> None:
        self.folder, self.hosts = folder, {host: {} for host in FLEET} | hosts

    def run(self, host: str = "a", batch: tuple[str, ...] = (), play: tuple[str, ...] = (), dry: bool = False, **args: Any) -> Any:
        return Fake(self.folder, host, batch, play or tuple(self.hosts), dry, self.hosts, args)

    def step(self, name: str, *batch: str, **more: Any) -> dict[str, Any]:
        return Campaign(self.run(batch=batch, step=name, **more)).take(name)

    def entered(self) -> list[dict[str, Any]]:
        return merged(verify(read([self.folder / "ledger"])).chains)

    def ended(self, **statuses: str) -> None:
        for host, status in statuses.items():
            Gate(self.run(host)).ended(status)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_health, "AGAIN", (0.0,))
    monkeypatch.setattr(_waving, "EVERY", 0.01)


def test_hosts_are_divided_by_the_policys_zones_and_the_inventorys_variables(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, c={"group_names": ["edge"]}, b={"agility_domain": "mesh"}, d={"agility_canary": "yes"})
    found = fleet.step("divide", waves=["1", "100%"])
    assert (found["hosts"], found["serial"]) == (["d", "c", "a", "b"], [1, 1, 1, 1])
    assert found["report"][1] == "wave 2 of 4 (internet, web), 1 host: c"
    assert found["rehearse"] == ["d"]


def test_a_wave_begins_when_the_one_before_is_as_promised(fleet: Fleet) -> None:
    fleet.step("divide", waves=["1", "2", "100%"], rehearse=False)
    assert fleet.step("begin", "a") == {"stopped": False, "agility_wave": "wave 1 of 3", "report": "wave 1 of 3 (internal, web): a"}
    early = fleet.step("begin", "b", "c")
    assert early["stopped"] and early["report"].endswith("wave 1: it is not complete: a is not as promised yet")
    fleet.ended(a="changed")
    assert not fleet.step("begin", "b", "c")["stopped"]


def test_a_batch_that_is_no_wave_is_refused(fleet: Fleet) -> None:
    fleet.step("divide", waves=["1", "100%"], rehearse=False)
    for batch in (("a", "b"), ("x",), ()):
        with pytest.raises(Problem, match="no wave of the campaign"):
            fleet.step("begin", *batch)


def test_a_failure_over_the_budget_stops_the_campaign_and_takes_its_wave_back(fleet: Fleet) -> None:
    fleet.step("divide", waves=["1", "2", "100%"], rehearse=False)
    fleet.ended(a="changed", b="changed", c="reverted")
    assert not fleet.step("begin", "d", error_budget="50%")["stopped"]
    stopped = fleet.step("begin", "d")
    assert stopped["report"] == "wave 3 of 3 is not begun: wave 2: c failed"
    assert fleet.step("judge") == {"hosts": ["b"], "serial": [1]}
    assert fleet.step("judge", on_breach="campaign") == {"hosts": ["b", "a"], "serial": [1, 1]}
    assert fleet.step("judge", on_breach="nothing")["hosts"] == []
    with pytest.raises(Problem, match=r"stopped in wave 2: c failed; not as promised: c, d"):
        fleet.step("conclude")


def test_a_host_that_was_refused_for_the_time_stops_the_next_wave_and_takes_nothing_back(fleet: Fleet) -> None:
    fleet.step("divide", waves=["1", "100%"], rehearse=False)
    fleet.ended(a="changed")
    fleet.step("begin", "b", "c", "d")
    fleet.ended(b="changed")
    assert fleet.step("judge")["hosts"] == []
    with pytest.raises(Problem, match="campaign spring: not as promised: c, d"):
        fleet.step("conclude")


def test_nobody_but_the_canary_is_changed_before_it_has_been_there_and_back(fleet: Fleet) -> None:
    assert fleet.step("divide", waves=["1", "100%"])["rehearse"] == ["a"]
    fleet.ended(a="changed")
    assert "the rehearsal failed on a" in fleet.step("begin", "a")["report"], "it was changed, and did not come back"
    assert fleet.step("judge")["hosts"] == ["a"]
    assert fleet.step("divide")["rehearse"] == ["a"]
    Campaign(fleet.run("a")).rehearsed()
    assert not fleet.step("begin", "a")["stopped"]
    assert not fleet.step("begin", "b", "c", "d")["stopped"]
    assert fleet.step("divide")["rehearse"] == [], "once is enough"


def test_a_rehearsal_that_was_reverted_stops_the_canary_itself(fleet: Fleet) -> None:
    fleet.step("divide", waves=["1", "100%"])
    fleet.ended(a="reverted")
    assert fleet.step("begin", "a")["report"] == "wave 1 of 2 is not begun: wave 1: the rehearsal failed on a"
    assert fleet.step("judge")["hosts"] == [], "it is as it was"


def test_the_next_run_tries_again_what_failed_and_keeps_the_waves(fleet: Fleet) -> None:
    first = fleet.step("divide", waves=["1", "2", "100%"], rehearse=False)
    fleet.ended(a="changed", b="reverted", c="changed")
    assert fleet.step("begin", "d")["stopped"]
    again = fleet.step("divide", waves=["100%"], rehearse=False)
    assert (again["hosts"], again["serial"]) == (first["hosts"], first["serial"])
    assert Gate(fleet.run("a")).closed(25, False, False) == "", "nobody waits for b, which has its turn"
    assert not fleet.step("begin", "b", "c")["stopped"]
    fleet.ended(b="changed")
    assert not fleet.step("begin", "d")["stopped"]
    mending = fleet.step("divide", play=("b",), rehearse=False)
    assert (mending["hosts"], mending["serial"]) == (["b"], [1])
    assert fleet.step("begin", "b", play=("b",))["agility_wave"] == "wave 2 of 3"


def test_a_paused_campaign_begins_no_wave(fleet: Fleet) -> None:
    fleet.step("divide", waves=["1", "100%"], rehearse=False)
    stand(fleet.folder / "campaigns/spring", "pause", "night@ctl", "2026-12-05T02:00:00Z", "pager", dry=False)
    assert fleet.step("begin", "a")["report"].endswith("the campaign is paused since 2026-12-05T02:00:00Z by night@ctl: pager")
    assert fleet.step("soak", "a", soak=600)["report"] == "the campaign was stopped meanwhile"
    assert fleet.step("judge")["hosts"] == []


def test_check_mode_holds_no_wave_up_and_writes_nothing(fleet: Fleet) -> None:
    found = fleet.step("divide", dry=True)
    assert (sum(found["serial"]), found["rehearse"]) == (4, [])
    assert not fleet.step("begin", "b", dry=True)["stopped"]
    fleet.step("soak", "b", dry=True, soak=600)
    fleet.step("conclude", dry=True)
    assert not (fleet.folder / "campaigns").exists()


def test_what_users_see_is_a_breach_of_the_wave_that_soaks(fleet: Fleet) -> None:
    fleet.step("divide", waves=["2", "100%"], rehearse=False)
    fleet.ended(a="changed", b="changed")
    assert fleet.step("soak", "a", "b", health=[["true"]])["report"] == "wave 1 has soaked for 0 s"
    said = ["sh", "-c", "echo the shop is closed >&2; exit 3"]
    assert fleet.step("soak", "a", "b", health=[["true"], said])["report"].endswith("it ended with 3: the shop is closed")
    assert "the shop is closed" in fleet.step("begin", "c", "d")["report"]
    assert fleet.step("judge")["hosts"] == ["a", "b"]
    fleet.ended(c="changed", d="changed")
    with pytest.raises(Problem, match="the shop is closed"):
        fleet.step("conclude")


@pytest.mark.parametrize("given", ["true", "/bin/true", [], [""], ["a", 1], {"url": "https://x"}, "ftp://x"])
def test_a_health_check_that_is_neither_an_address_nor_words_is_refused_before_anything_is_changed(fleet: Fleet, given: Any) -> None:
    with pytest.raises(Problem, match="is no health check"):
        fleet.step("divide", health=[given])
    assert not (fleet.folder / "campaigns").exists()


@pytest.mark.parametrize(
    ("args", "why"),
    [({"error_budget": "five"}, "no error budget"), ({"soak": -1}, "no time"), ({"waves": ["0"]}, "no size of a wave")],
)
def test_what_a_later_step_would_stumble_over_is_refused_at_once(fleet: Fleet, args: dict[str, Any], why: str) -> None:
    with pytest.raises(Problem, match=why):
        fleet.step("divide", **args)


def test_a_domain_that_is_none_is_refused_with_the_hosts_name(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="agility_domain of b: batch is none of web, api, vpn, mesh"):
        Fleet(tmp_path, b={"agility_domain": "batch"}).step("divide")


def test_the_way_back_begins_with_the_last_wave_and_is_never_refused(fleet: Fleet) -> None:
    assert fleet.step("back") == {"hosts": [], "serial": []}
    fleet.step("divide", waves=["1", "2", "100%"], rehearse=False)
    assert fleet.step("back", play=(*FLEET, "new")) == {"hosts": ["d", "b", "c", "a", "new"], "serial": [1, 2, 1, 1]}
    (fleet.folder / "campaigns/spring/waves.json").write_text("{", encoding="utf-8")
    assert fleet.step("back") == {"hosts": [], "serial": []}
    with pytest.raises(Problem, match="it does not say the waves"):
        fleet.step("divide")


# ---------------------------------------------------------------- the gate


def test_members_of_a_cluster_are_refused_in_one_batch_whatever_the_playbook(tmp_path: Path) -> None:
    pair = {"agility_cluster": "lb/1"}
    fleet = Fleet(tmp_path, a=pair, b=pair)
    for host in FLEET:
        Gate(fleet.run(host, batch=FLEET)).planned("would-change", False)
    shut = {host: Gate(fleet.run(host, batch=FLEET)).closed(25, False, False) for host in FLEET}
    assert shut == {"a": "b, of its cluster lb/1, is in the same batch", "b": "a, of its cluster lb/1, is in the same batch", "c": "", "d": ""}
    assert Gate(fleet.run("a", batch=("a", "c"))).closed(25, False, False) == ""


def test_no_member_of_a_cluster_is_changed_while_another_is_not_well(tmp_path: Path) -> None:
    pair = {"agility_cluster": "lb"}
    fleet = Fleet(tmp_path, a=pair, b=pair)
    for host in ("a", "b"):
        Gate(fleet.run(host, batch=(host,))).planned("would-change", False)
    fleet.ended(a="reverted")
    assert Gate(fleet.run("b", batch=("b",), error_budget="3")).closed(25, False, False) == "a, of its cluster lb, failed before"
    assert Gate(fleet.run("c", batch=("c",), error_budget="3")).closed(25, False, False) == ""
    assert Gate(fleet.run("a", batch=("a",), error_budget="3")).closed(25, False, False) == "", "it may try again"


def test_a_canary_that_rehearses_alone_is_counted_against_the_whole_campaign(fleet: Fleet) -> None:
    fleet.step("divide")
    assert Gate(fleet.run("a", batch=("a",), play=("a",))).closed(25, True, False) == ""


def test_what_the_waves_decide_is_in_the_ledger_with_its_wave_and_cause(fleet: Fleet) -> None:
    fleet.step("divide", waves=["2"], rehearse=False)
    fleet.ended(a="changed", b="failed")
    assert fleet.step("begin", "c", "d")["stopped"]
    fleet.step("judge")
    fleet.step("divide", waves=["2"], rehearse=False)
    fleet.ended(b="changed", c="changed")
    fleet.step("judge")
    told = [(one["event"], one["campaign"], one["wave"], one["cause"], one.get("hosts")) for one in fleet.entered()]
    assert told == [
        ("breach", "spring", 1, "b failed", None),
        ("take-back", "spring", 1, "b failed", ["a", "b"]),
        ("resume", "spring", 1, "b failed", None),
        ("hold", "spring", 2, "it is not complete: d is not as promised yet", None),
    ]
