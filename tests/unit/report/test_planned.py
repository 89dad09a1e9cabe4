"""plan.json and its ticket: one spelling, nothing lost on the way to enforce, no secrets, and plain words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Edit, File, Identity, Plan, Probe, Snapshot
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.plan import drifted
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.planned import document, fields, read_plan, spelled
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.results import HostResult, plain, plan_from
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.report.ticket import ticket
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.waves.cut import Wave

SITE = "/etc/nginx/site"
CHANGE = Change(SITE, "a" * 64, (Edit(2, 1, ("curve new;\n",)),), "b" * 64)
CUT = "nginx *:443: key_exchange → X25519MLKEM768 (kex, require); removes X25519; cuts off OpenSSL 1.1.1"
PLAN = Plan(
    "web",
    Identity("m1", "k1,k2", "boot 7"),
    "d" * 64,
    (CHANGE,),
    (Activation("nginx", ("nginx.service",), (), ("nginx", "-t"), "reload", (443,)),),
    (Probe("tls", "nginx *:443", 443, expect=("X25519MLKEM768",), forbid=("X25519",)),),
    (CUT,),
    warnings=("Puppet manages it",),
)
SHOWN = {"before_header": SITE, "after_header": SITE, "before": "server\ncurve old;\n", "after": "server\ncurve new;\n"}
POLICY = {"name": "ours", "version": "3", "digest": "d" * 64}


def planned(host: str = "web", plan: Plan = PLAN, run: str = "r1", **more: Any) -> HostResult:
    data = {
        **plain(replace(plan, host=host)),
        "diff": [SHOWN] if plan.changes else [],
        "route": "stdin",
        "extra": ["/etc/nginx/conf.d/*"],
        "abilities": {},
    }
    return HostResult(host, "plan", "would-change" if plan.changes else "ok", run=run, as_of="2026-11-27", policy=POLICY, plan=data, **more)


def test_what_enforce_takes_is_what_was_planned_and_only_the_boot_is_left_out() -> None:
    got = fields(read_plan(spelled(document([planned()])))["hosts"]["web"])
    assert plan_from(got["plan"]) == replace(PLAN, identity=Identity("m1", "k1,k2"))
    assert (got["plan"]["route"], got["plan"]["extra"], got["as_of"], got["policy"]) == ("stdin", ["/etc/nginx/conf.d/*"], "2026-11-27", POLICY)
    assert "-curve old;\n+curve new;\n" in got["plan"]["diff"][0]["prepared"]


def test_the_same_hosts_give_the_same_bytes_whatever_the_run_the_moment_and_the_order() -> None:
    one = spelled(document([planned("a"), planned("b", taken="2026-11-27T13:00:00Z")]))
    other = spelled(
        document([planned("b", replace(PLAN, identity=Identity("m1", "k1,k2", "boot 8")), run="r2"), planned("a", seconds=3.1, rounds=2)])
    )
    assert one == other


def test_a_host_that_could_not_be_planned_is_named_with_the_reason_and_not_applied() -> None:
    plan = document([HostResult("gone", "plan", "unreachable", problem={"message": "timed out"}), planned()])
    assert (list(plan["hosts"]), plan["left_out"]) == (["web"], {"gone": "timed out"})


def test_a_plan_that_the_text_cannot_say_exactly_is_left_out_and_not_bent() -> None:
    strange = replace(PLAN, changes=(replace(CHANGE, edits=(Edit(1, 1, ("caf\udce9\n",)),)),))
    plan = document([planned(plan=strange)])
    assert plan["hosts"] == {} and "no UTF-8" in plan["left_out"]["web"]


def test_a_byte_that_is_no_utf8_in_what_is_only_shown_does_not_stop_the_plan() -> None:
    shown = planned()
    result = replace(shown, plan={**(shown.plan or {}), "diff": [{**SHOWN, "before": "caf\udce9\n"}]})
    assert r"-caf\udce9" in read_plan(spelled(document([result])))["hosts"]["web"]["diff"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"format": 2', '"format": 1', "no plan of format 2"),
        ('"delete": 1', '"delete":  1', "not spelled"),
        ('"host": "web"', '"host": "db"', "the plan of another host"),
        ('"hosts"', '"guests"', "hosts"),
        ('"reasons"', '"causes"', "reasons"),
        ('"aspects"', '"parts"', "only a part"),
    ],
)
def test_a_text_that_is_not_as_we_write_it_is_refused(old: str, new: str, why: str) -> None:
    text = spelled(document([planned()])).decode()
    assert old in text
    with pytest.raises(ValueError, match=why):
        read_plan(text.replace(old, new).encode())


def test_a_ticket_says_what_changes_who_notices_how_long_and_how_to_undo_it() -> None:
    restart = replace(PLAN, activations=(replace(PLAN.activations[0], action="restart"),))
    plan = document([planned("a"), planned("b"), planned("c", restart), planned("d", Plan("d", Identity(), "d" * 64))])
    text = ticket(json.loads(spelled(plan)), "f" * 64, "spring", "/p/plan.json")
    assert "Hosts: 3 change, 1 need nothing, 0 could not be planned." in text
    assert "- **a, b, c**: nginx *:443 cuts off OpenSSL 1.1.1" in text
    assert "- **c**: whoever is connected to nginx" in text
    assert "- **a, b**: nginx is reloaded: no outage is expected" in text and "- **c**: nginx is restarted" in text
    assert "must agree on X25519MLKEM768 and must refuse X25519" in text
    assert "enforce -i INVENTORY -b -e agility_plan=/p/plan.json -e agility_campaign=spring" in text
    assert "rollback -i INVENTORY -b -e agility_campaign=spring" in text
    assert "f" * 64 in text and "Puppet manages it" in text


def test_a_ticket_lists_the_waves_of_the_hosts_that_change() -> None:
    plan = document([planned("a"), planned("b"), planned("d", Plan("d", Identity(), "d" * 64))])
    waves = (Wave(("d",), "internet, web"), Wave(("b",), "internet, web"), Wave(("a", "z"), "internal, vpn"))
    text = ticket(plan, "f" * 64, "spring", "/p/plan.json", waves)
    assert "- wave 2 of 3 (internet, web), 1 host: b\n- wave 3 of 3 (internal, vpn), 1 host: a\n" in text
    assert "wave 1 of" not in text


def test_a_plan_that_changes_nothing_has_nothing_to_apply_or_undo() -> None:
    text = ticket(document([planned("d", Plan("d", Identity(), "d" * 64))]), "f" * 64, "spring", "/p/plan.json")
    assert "There is nothing to apply." in text and "There is nothing to undo." in text and "enforce" not in text


def seen(sha256: str = "a" * 64, machine: str = "m1", keys: str = "k2,k3", real: str = SITE) -> Snapshot:
    return Snapshot("web", "", Identity(machine, keys), {}, {"/link": File("/link", "", sha256, 1, real=real)} if sha256 else {}, {})


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (seen(), ""),  # one host key that stays is enough, and the file is known by its real path
        (seen("c" * 64), f"{SITE} changed since the plan was made"),
        (seen(""), f"{SITE} changed since the plan was made"),  # it is gone
        (seen(real="/etc/other"), f"{SITE} changed since the plan was made"),
        (seen(machine="m2"), "this host was replaced"),
        (seen(keys="k3"), "this host was replaced"),
        (seen(keys=""), "this host was replaced"),
    ],
)
def test_a_host_that_is_not_what_was_planned_for_is_told_so(now: Snapshot, why: str) -> None:
    found = drifted(now, PLAN)
    assert found.startswith(why) and bool(found) == bool(why)


def test_a_file_that_was_to_be_made_must_still_not_be_there() -> None:
    makes = replace(PLAN, changes=(replace(CHANGE, sha256=""),))
    assert drifted(seen(""), makes) == "" and "changed since" in drifted(seen(), makes)
