"""A pilot on real hosts: one passes, one has a library that is too old, and in front of one something drops large packets."""

from __future__ import annotations

import json

from .conftest import STATE, Lab, configuration, on

HOSTS = {"internet": "web-new", "partner": "web-bare", "internal": "web-old"}
# As a middlebox would: what is as large as a hybrid ClientHello does not come through; on the host itself nothing is on the way.
DROPS = (
    "nft add table inet box && nft 'add chain inet box in { type filter hook input priority 0; }'"
    " && nft 'add rule inet box in iifname != \"lo\" tcp dport 443 meta length > 1000 drop'"
)
TX = "/var/lib/crypto-agility/tx"
QUICK = {"agility_pilot_handshakes": 12, "agility_pilot_concurrency": 8, "agility_pilot_latency": 60000, "agility_pilot_cpu": 60000}


def test_a_pilot_tells_a_good_endpoint_from_an_old_library_and_from_a_middlebox_and_takes_all_back(lab: Lab) -> None:
    before = [configuration(host) for host in HOSTS.values()]
    authority = STATE / "ca"
    on("web-bare", DROPS)
    try:
        ran = lab.play(
            "pilot",
            ",".join(HOSTS.values()),
            agility_pilot=HOSTS,
            agility_campaign="pilot",
            agility_authority=str(authority),
            agility_pilot_anchors=str(authority / "ca.crt"),
            **QUICK,
        )
    finally:
        on("web-bare", "nft delete table inet box", check=False)
    assert ran.rc != 0 and "Not passed: web-bare, web-old." in ran.text, ran.text
    whole = json.loads((ran.output / "pilot.json").read_text(encoding="utf-8"))
    found = {one["host"]: one for one in whole["endpoints"]}
    assert {host: (one["passed"], one["layer"]) for host, one in found.items()} == {
        "web-new": (True, ""),
        "web-bare": (False, "middlebox"),
        "web-old": (False, "library"),
    }, ran.text
    good = found["web-new"]
    assert {one["name"]: one["outcome"] for one in good["checks"]} == dict.fromkeys((one["name"] for one in good["checks"]), "pass"), good["checks"]
    assert good["before"]["met"]["hybrid"]["groups"] == {"x25519": 12} and good["after"]["met"]["hybrid"]["groups"] == {"X25519MLKEM768": 12}
    assert good["after"]["met"]["classical"]["groups"] == {"x25519": 12}
    assert good["after"]["met"]["hybrid"]["size"] > good["before"]["met"]["hybrid"]["size"] > 0 and good["after"]["cpu"] > 0
    lost = found["web-bare"]
    assert lost["at_home"] is True and lost["after"]["met"]["classical"]["made"] == 12
    assert set(lost["after"]["met"]["hybrid"]["failures"]) == {"timed-out"}
    assert [configuration(host) for host in HOSTS.values()] == before
    assert on("web-new", f"cat {TX}/pilot-*/journal | grep -c ' CLEANED'").strip() == "2", "there and back, each as a transaction that ended"


def test_check_mode_measures_the_baseline_and_changes_nothing(lab: Lab) -> None:
    before = configuration("web-new")
    ran = lab.play("pilot", "web-new", "--check", agility_pilot={"internet": "web-new"}, **QUICK)
    assert ran.rc == 0 and "only the baseline was measured" in " ".join(ran.text.split()), ran.text
    assert json.loads((ran.output / "pilot/web-new.json").read_text(encoding="utf-8"))["before"]["met"]["classical"]["made"] == 12
    assert configuration("web-new") == before


def test_a_policy_that_refuses_classical_clients_is_told_as_theirs_to_mend_and_is_taken_back(lab: Lab) -> None:
    before = configuration("web-new")
    ran = lab.play("pilot", "web-new", agility_pilot={"internet": "web-new"}, agility_policy="hybrid-required@1", **QUICK)
    (found,) = json.loads((ran.output / "pilot.json").read_text(encoding="utf-8"))["endpoints"]
    assert ran.rc != 0 and (found["status"], found["layer"]) == ("changed", "client"), ran.text
    assert found["after"]["met"]["classical"]["failures"] == {"refused": 12} and found["after"]["met"]["hybrid"]["made"] == 12
    assert "NOT PILOTED partner" in ran.text
    assert configuration("web-new") == before
