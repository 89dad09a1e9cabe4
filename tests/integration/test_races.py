"""Two controllers at one host at the same moment, and a host that is booted in the middle of a change that a real run has begun."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

from .conftest import LAB, Lab, Ran, configuration, on

HOST = "web-new"
TX = "/var/lib/crypto-agility/tx"
# Once the files are swapped nobody logs in anew; the connection that is there stays.
SHUT = f"""
until grep -q ' SWAPPED ' {TX}/*/journal 2>/dev/null; do sleep 0.02; done
nft add table inet shut
nft 'add chain inet shut in {{ type filter hook input priority 0; }}'
nft 'add rule inet shut in tcp dport 22 tcp flags & (syn | ack) == syn drop'
"""


def ended(campaign: str) -> list[str]:
    """The last words of the journals of that campaign, as the host keeps them."""
    return on(HOST, f"for j in {TX}/{campaign}-*/journal; do tail -n 1 $j; done 2>/dev/null | awk '{{print $2}}'", check=False).split()


def test_of_two_controllers_that_apply_one_plan_at_once_one_changes_the_host_and_the_other_nothing(lab: Lab) -> None:
    on(HOST, f"rm -rf {TX}")
    before = configuration(HOST)
    planned = lab.play("plan", HOST)
    assert planned.rc == 0, planned.text
    campaigns = ("race-one", "race-two")
    same = {"agility_plan": str(planned.output), "agility_ledger_keys": str(lab.tmp / "ledger/keys")}

    def controller(name: str) -> Ran:
        return Lab(lab.tmp / name).play("enforce", HOST, agility_campaign=name, **same)

    with ThreadPoolExecutor(2) as both:
        ran = list(both.map(controller, campaigns))
    statuses = {name: one.host(HOST)["status"] for name, one in zip(campaigns, ran, strict=True)}
    assert sorted(statuses.values()) == ["changed", "refused"], [one.text for one in ran]
    won = next(name for name, status in statuses.items() if status == "changed")
    lost = next(name for name in campaigns if name != won)
    assert ended(won) == ["CLEANED"] and set(ended(lost)) <= {"REFUSED"}
    assert Lab(lab.tmp / won).play("rollback", HOST, agility_campaign=won).rc == 0
    assert configuration(HOST) == before


def test_a_host_that_is_booted_in_the_middle_of_a_change_is_as_it_was_and_the_run_says_so(lab: Lab) -> None:
    on(HOST, f"rm -rf {TX}")
    before = configuration(HOST)
    on(HOST, "systemd-run -q --unit=shut --collect sh -c \"$(cat <<'EOF'\n" + SHUT + 'EOF\n)"')
    with ThreadPoolExecutor(1) as controller:
        running = controller.submit(
            lab.play, "enforce", HOST, agility_campaign="boot", agility_confirm_timeout=60, agility_services=["nginx"], ansible_timeout=3
        )
        on(HOST, f"until grep -q ' RELOADED ' {TX}/*/journal 2>/dev/null && nft list table inet shut >/dev/null 2>&1; do sleep 0.05; done")
        subprocess.run([LAB, "in-ns", "podman", "restart", "-t", "0", HOST], check=True, capture_output=True, timeout=60)
        ran = running.result()
    assert ran.rc != 0
    assert ran.host(HOST)["status"] == "reverted", ran.text
    assert configuration(HOST) == before
    assert on(HOST, "systemctl is-active ssh nginx") == "active\nactive\n"
    assert ended("boot") == ["REVERTED"]
    again = lab.play("enforce", HOST, agility_campaign="boot")
    assert again.host(HOST)["status"] == "changed", again.text
    assert lab.play("rollback", HOST, agility_campaign="boot").rc == 0
    assert configuration(HOST) == before
