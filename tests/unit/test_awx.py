"""AWX as code names nothing that this project does not have, and its schedules open when the policy's windows do.  No AWX was asked: docs/awx.md."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.load import load
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.policy.model import Event, Match, Window
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.output import output_folder
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, write_host
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.windows.spans import joined, of_window
from dateutil.rrule import rrulestr

from awx.schedules import TEMPLATE, limit, page, rules, starts

TOP = Path(__file__).parents[2]
OURS = TOP / "collections/ansible_collections/quantumsafe/agility"
CONFIGURED = yaml.safe_load((TOP / "awx/configuration.yml").read_text(encoding="utf-8"))
SCHEDULED = yaml.safe_load((TOP / "awx/schedules.yml").read_text(encoding="utf-8"))["controller_schedules"]
TEMPLATES = {one["name"]: one for one in CONFIGURED["controller_templates"]}
(WORKFLOW,) = CONFIGURED["controller_workflows"]
NODES = {one["identifier"]: one for one in WORKFLOW["simplified_workflow_nodes"]}
SINCE = datetime(2026, 11, 27, tzinfo=UTC)


def read(name: str) -> str:
    return Path(name).read_text(encoding="utf-8")


POLICY = load(str(TOP / "policies/enterprise.yml"), read)


def declared() -> set[str]:
    """Every variable that an argument spec of a role or a playbook takes."""
    found: set[str] = set()
    for path in OURS.glob("roles/*/meta/argument_specs.yml"):
        found |= set(yaml.safe_load(read(str(path)))["argument_specs"]["main"]["options"])
    for path in OURS.glob("playbooks/*.yml"):
        found |= set(re.findall(r"\b(agility_[a-z_]+) \| (?:default|mandatory)", read(str(path))))
    for path in OURS.glob("plugins/modules/crypto_campaign.py"):
        options = yaml.safe_load(read(str(path)).split('r"""')[1].split('"""')[0])["options"]
        found |= {f"agility_{name}" for name in options}
    return found


def groups() -> set[str]:
    """The hosts and groups of the example fleet, which the inventory source reads."""
    (source,) = CONFIGURED["controller_inventory_sources"]

    def below(name: str, group: dict[str, Any]) -> Iterator[str]:
        yield name
        yield from group.get("hosts") or ()
        for each, inner in (group.get("children") or {}).items():
            yield from below(each, inner or {})

    return {name for each, group in yaml.safe_load(read(str(TOP / source["source_path"] / "hosts.yml"))).items() for name in below(each, group)}


def test_every_playbook_is_there() -> None:
    assert {one["playbook"] for one in TEMPLATES.values() if not (TOP / one["playbook"]).is_file()} == set()


def test_every_variable_is_one_of_ours() -> None:
    asked = {question["variable"] for one in (*TEMPLATES.values(), WORKFLOW) for question in one["survey_spec"]["spec"]}
    given = {name for one in TEMPLATES.values() for name in one["extra_vars"]} | {name for one in SCHEDULED for name in one["extra_data"]}
    inventory = {name for one in CONFIGURED["controller_inventories"] for name in one["variables"] if not name.startswith("ansible_")}
    assert {"agility_campaign", "agility_verb"} <= asked
    assert (asked | given | inventory) - declared() == set()


def test_a_survey_offers_the_verbs_that_the_module_takes() -> None:
    options = yaml.safe_load(read(str(OURS / "plugins/modules/crypto_campaign.py")).split('r"""')[1].split('"""')[0])["options"]
    (verbs,) = (one["choices"] for one in TEMPLATES["agility campaign"]["survey_spec"]["spec"] if one["variable"] == "agility_verb")
    assert verbs == options["verb"]["choices"]


def test_what_a_template_is_told_it_asks_for() -> None:
    """AWX drops variables and limits that a template does not ask for, in silence."""
    for one in SCHEDULED:
        template = TEMPLATES[one["unified_job_template"]]
        assert set(one["extra_data"]) <= {question["variable"] for question in template["survey_spec"]["spec"]}
        assert template["ask_limit_on_launch"]
    handed = {question["variable"] for question in WORKFLOW["survey_spec"]["spec"]}
    for node in NODES.values():
        if name := node.get("unified_job_template"):
            asked = TEMPLATES[name]["survey_spec"]["spec"]
            assert {question["variable"] for question in asked if question["required"] and not question["default"]} <= handed


def test_every_limit_is_a_group_or_host_of_the_inventory() -> None:
    limits = [one["limit"] for one in SCHEDULED] + [one["extra_vars"].get("agility_hosts", "all") for one in TEMPLATES.values()]
    named = {name for text in limits for name in re.split(r":[&!]?", text)}
    assert "canary" in named
    assert not any("limit" in one for one in TEMPLATES.values()), "the limit of a workflow would take its place"
    later = {name for zone in POLICY.zones.values() for name in zone.groups}  # a group without hosts yet is passed over
    assert named - groups() - later - {"all"} == set()


def test_results_ledger_and_known_hosts_lie_on_the_volume_of_the_execution_environment() -> None:
    volume = "/var/lib/agility/"
    environment = read(str(TOP / "execution-environment.yml"))
    assert f"VOLUME {volume.rstrip('/')}" in environment
    assert {one["name"] for one in TEMPLATES.values() if not one["extra_vars"]["agility_output"].startswith(f"{volume}results/")} == set()
    (inventory,) = CONFIGURED["controller_inventories"]
    assert inventory["variables"]["agility_ledger"].startswith(volume)
    assert f"UserKnownHostsFile={volume}known_hosts" in inventory["variables"]["ansible_ssh_common_args"]
    assert inventory["variables"]["ansible_host_key_checking"] is True


def after(name: str, *kinds: str) -> set[str]:
    """Every node that may follow, by these kinds of edges."""
    found: set[str] = set()
    new = {name}
    while new:
        new = {one for each in new for kind in kinds for one in NODES[each].get(f"{kind}_nodes", ())} - found
        found |= new
    return found


EVERY = ("success", "failure", "always")
READS = ("audit", "report", "plan")


def test_nothing_is_changed_before_somebody_approves() -> None:
    before = {name for name in NODES if "approval" in after(name, *EVERY)}
    assert {TEMPLATES[NODES[name]["unified_job_template"]]["playbook"] for name in before} <= {f"playbooks/{n}.yml" for n in READS}
    assert set(NODES["approval"]) & {"failure_nodes", "always_nodes"} == set(), "denied or timed out, nothing follows"


@pytest.mark.parametrize("name", ["canary", "waves"])
def test_what_changes_hosts_leads_to_the_way_back_when_it_fails_and_to_the_summary_at_last(name: str) -> None:
    (first,) = NODES[name]["failure_nodes"]
    assert "rollback" in {first, *after(first, *EVERY)}
    for end in ("success", "failure"):
        (following,) = NODES[name][f"{end}_nodes"]
        assert "summary" in {following, *after(following, *EVERY)}
    assert {one for node in NODES.values() for kind in EVERY for one in node.get(f"{kind}_nodes", ())} - set(NODES) == set()


def test_only_the_audit_runs_in_slices_and_each_has_a_folder_of_its_own() -> None:
    sliced = {one["playbook"] for one in TEMPLATES.values() if one["job_slice_count"] > 1}
    assert sliced == {"playbooks/audit.yml"}
    own, merged = TEMPLATES["agility audit"]["extra_vars"]["agility_output"], TEMPLATES["agility report"]["extra_vars"]["agility_slices"]
    assert "{{ awx_job_id }}" in own
    assert "-audit-*" in merged and own.split("-audit-")[0].startswith("/var/lib/agility/results/")


def test_the_report_finds_the_slices_of_its_campaign_and_no_others(tmp_path: Path) -> None:
    for name, host in (("nightly-audit-7", "a"), ("nightly-audit-12", "b"), ("weekly-audit-13", "c")):
        write_host(output_folder(str(tmp_path / name), ""), HostResult(host, "audit", "ok", taken="2026-11-27T02:00:00Z"))
    given = json.dumps(TEMPLATES["agility report"]["extra_vars"]).replace("/var/lib/agility/results", str(tmp_path))
    argv = ["ansible-playbook", "-i", "localhost,", "playbooks/report.yml", "-e", given, "-e", "agility_campaign=nightly"]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(read(str(tmp_path / "nightly/summary.json")))["hosts"] == 2


# ---------------------------------------------------------------- schedules


def test_the_schedules_are_those_of_the_policy() -> None:
    """Else: python awx/schedules.py policies/enterprise.yml > awx/schedules.yml"""
    assert page("policies/enterprise.yml") == read(str(TOP / "awx/schedules.yml"))
    assert {one["unified_job_template"] for one in SCHEDULED} == {TEMPLATE}
    assert not any(one["enabled"] for one in SCHEDULED)


def openings(rrule: str, until: datetime) -> list[datetime]:
    """As AWX works them out: dateutil, every rule counted from one DTSTART."""
    return [moment.astimezone(UTC) for moment in rrulestr(rrule.replace(" ", "\n"), forceset=True).between(SINCE, until, inc=True)]


def refused(rrule: str) -> list[str]:
    """What AWX's serializer does not take (SchedulePreviewSerializer.validate_rrule)."""
    said = ["EXDATE", "RDATE"] if re.search("EXDATE|RDATE", rrule) else []
    said += ["DTSTART"] if not re.match(r"DTSTART(;TZID=[^:]+:\d{8}T\d{6}|:\d{8}T\d{6}Z) RRULE", rrule) or rrule.count("DTSTART") > 1 else []
    for one in rrule.split("RRULE:")[1:]:
        said += [word for word in ("INTERVAL",) if word not in one]
        said += ["numeric prefix"] if re.search(r"BYDAY=[^;]*\d[A-Z]{2}", one) else []
        said += ["COUNT and UNTIL"] if "COUNT" in one and "UNTIL" in one else []
    return said


@pytest.mark.parametrize("window", POLICY.windows, ids=lambda one: one.id)
def test_a_schedule_starts_when_its_window_opens(window: Window) -> None:
    until = SINCE + timedelta(days=800)
    mine = sorted(moment for dummy, rrule in starts(window) for moment in openings(rrule, until))
    theirs = [span.start for span in joined(of_window(window, SINCE, until)) if SINCE <= span.start <= until]
    assert theirs
    assert set(theirs) <= set(mine)
    assert len(mine) - len(theirs) <= sum(len(event.without) for event in window.events), "only days that are left out; the gate refuses them"


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=MONTHLY;BYDAY=1SU;BYHOUR=22",
        "FREQ=MONTHLY;BYDAY=1SU,3SU,-1FR;BYHOUR=3",
        "FREQ=MONTHLY;BYDAY=+2TU;BYHOUR=3;BYMINUTE=30",
        "FREQ=YEARLY;BYMONTH=3,9;BYDAY=2SA;BYHOUR=1",
        "FREQ=YEARLY;BYDAY=-1SA",
        "FREQ=DAILY;BYHOUR=1,13",
        "FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=2;UNTIL=20270228",
        "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=23",
    ],
)
def test_a_rule_in_the_words_of_awx_means_the_same(rrule: str) -> None:
    window, until = Window("w", Match(), rrule, 60, "Europe/Berlin"), SINCE + timedelta(days=800)
    ((dummy, said),) = starts(window)
    assert refused(said) == []
    assert openings(said, until) == [span.start for span in of_window(window, SINCE, until) if SINCE <= span.start <= until]


def test_what_awx_cannot_say_is_refused_by_name() -> None:
    with pytest.raises(Problem, match="AWX has no word for FREQ=MONTHLY;BYDAY=1SU;BYHOUR=1,2"):
        rules("FREQ=MONTHLY;BYDAY=1SU;BYHOUR=1,2", "UTC", "w")


def test_an_event_without_a_rule_comes_once() -> None:
    window = Window("w", Match(), "", 0, "UTC", events=(Event("2027-01-05T06:00", "2027-01-05T18:00", "Europe/London"),))
    ((name, said),) = starts(window)
    assert (name, refused(said), openings(said, SINCE + timedelta(days=999))) == ("w 1", [], [datetime(2027, 1, 5, 6, tzinfo=UTC)])


@pytest.mark.parametrize(
    ("match", "hosts"),
    [
        (Match(), "all"),
        (Match(zone="internet"), "edge:web"),
        (Match(zone="ot"), "plant:historian-1"),
        (Match(group="plc"), "plc"),
        (Match(host="gw-exchange", zone="ot"), "gw-exchange"),
    ],
)
def test_a_scope_is_a_pattern_of_hosts(match: Match, hosts: str) -> None:
    assert limit(POLICY, match) == hosts
