"""A host that is booted, and a controller that dies or is cut off, at every step of a change: in the end it is old and identical, or new and
confirmed.  `make test` takes a spread sample; make verify-transaction takes every point.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script

from tests.asked import asked

from .conftest import TOP, Lab, configuration, kill_at, on
from .container import LAB, NONCE, TOKEN, Container, apply_script, original

ALL = asked("transaction")
FILES = ("/etc/ssh/sshd_config", "/etc/issue")
TX = "/var/lib/crypto-agility/tx"

# Sent in front of a verb: the process (and not the copy that stays on the host) stops for ever once STATE is on the disk.
HOLD = """
eval "$(printf '%s' "$CA_AGENT" | sed 's/^ca_record() {/ca_recorded() {/')"
ca_record() { ca_recorded "$@" && case "$1 ${2-}" in '@STATE@'*) sleep 600 ;; esac; }
"""


def held(text: str, state: str) -> str:
    mark = '\neval "$CA_AGENT"\n'
    assert text.count(mark) == 1
    return text.replace(mark, mark + HOLD.replace("@STATE@", state))


# ---------------------------------------------------------------- the host is booted

# Where the host is held and then booted, and what must have become of the change.
BOOTS = {
    "NEW ": "old",
    "SNAPSHOTTED ": "old",
    "STAGED ": "old",
    "VALIDATED ": "old",
    "ARMED ": "old",
    "SWAPPING 1/2": "old",
    "SWAPPING 2/2": "old",
    "SWAPPED ": "old",
    "RELOADED ": "old",
    "REVERTING ": "old",
    "REVERTED ": "old",
    "REVERT_FAILED ": "old",
    "VERIFIED ": "old",
    "CONFIRMED ": "new",
    "CLEANED ": "new",
}
SAMPLE = ("STAGED ", "SWAPPING 2/2", "REVERT_FAILED ", "VERIFIED ", "CONFIRMED ")
BACK = ("REVERTING ", "REVERTED ", "REVERT_FAILED ")


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    made = Container(f"boots-{os.getpid()}", "trixie")
    yield made
    made.remove()


def verb(container: Container, id_: str, state: str) -> str:
    """The script that passes through that state."""
    changes = [container.add_line(FILES[0], f"# {id_}"), container.add_line(FILES[1], f"# {id_}")]
    apply = apply_script(id_, *changes, seconds=600)
    if state in (*BACK, "VERIFIED ", "CONFIRMED ", "CLEANED "):
        container.send(apply)
        if state == "REVERT_FAILED ":  # a folder that cannot be written, until the next boot
            container.run("mount --bind /etc/ssh /etc/ssh && mount -o remount,ro,bind /etc/ssh")
        return script.compose_revert(id_, "a test", NONCE) if state in BACK else script.compose_confirm(id_, TOKEN, NONCE)
    return apply


@pytest.mark.parametrize("state", BOOTS if ALL else SAMPLE)
def test_a_boot_at_any_state_leaves_the_old_or_the_confirmed(container: Container, state: str) -> None:
    id_ = f"boot-{list(BOOTS).index(state)}"
    before = [original(container, path) for path in FILES]
    text = held(verb(container, id_, state), state)
    with subprocess.Popen(
        [LAB, "in-ns", "podman", "exec", "-i", container.name, "/bin/sh", "-s"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as sent:
        assert sent.stdin
        sent.stdin.write(text.encode())
        sent.stdin.close()
        name, _, detail = state.partition(" ")
        reached = f"tail -n 1 {TX}/{id_}/journal 2>/dev/null | grep -q '^[0-9]* {name} [0-9]* {detail}'"
        container.run(f"n=0; until {reached}; do n=$((n+1)); [ $n -lt 400 ] || exit 1; sleep 0.05; done")
        container.podman("restart", "-t", "0", container.name)
    container.ready()
    container.send(script.compose_recover(NONCE))
    report = container.status(id_)
    after = [original(container, path) for path in FILES]
    if BOOTS[state] == "old":
        assert after == before
        assert report.state in ("REVERTED", "REFUSED", "ABSENT")
    else:
        assert [container.run(f"head -n 1 {path}") for path in FILES] == [f"# {id_}"] * 2
        assert report.state == "CLEANED"
    assert container.ours() == ""
    assert container.run("systemctl is-active ssh") == "active"


def test_a_package_upgrade_in_the_middle_does_not_end_the_way_back(tmp_path: Path) -> None:
    """The real package of the distribution, over apt: its scripts restart sshd while a change waits for its confirmation."""
    subprocess.run(["apt-get", "download", "-qq", "openssh-server"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    package = next(tmp_path.glob("openssh-server_*.deb"))
    host = Container(f"package-{os.getpid()}", "bookworm")
    try:
        before = original(host, FILES[0])
        assert host.apply("t-package", host.add_line(FILES[0], "MaxStartups 7:30:70"), seconds=15).state == "RELOADED"
        started = host.run("systemctl show -p ExecMainStartTimestampMonotonic ssh")
        host.podman("exec", "-i", host.name, "/bin/sh", "-c", "cat >/root/p.deb", stdin=package.read_bytes())
        host.run("DEBIAN_FRONTEND=noninteractive dpkg --force-depends --force-confold -i /root/p.deb")
        assert host.run("systemctl show -p ExecMainStartTimestampMonotonic ssh") != started, "the package did not restart sshd: nothing was tried"
        assert host.wait("t-package", "REVERTED", 40).state == "REVERTED"
        assert original(host, FILES[0]) == before
        assert host.run("systemctl is-active ssh") == "active"
        assert host.ours() == ""
    finally:
        host.remove()


# ---------------------------------------------------------------- the controller is cut off, or dies

# On the host itself: once STATE is in the journal nothing of ssh comes in or goes out for so many seconds.
CUT = """
until grep -q ' {state} ' {tx}/*/journal 2>/dev/null; do sleep 0.02; done
nft add table inet cut
nft 'add chain inet cut in {{ type filter hook input priority 0; }}; add chain inet cut out {{ type filter hook output priority 0; }}'
nft 'add rule inet cut in tcp dport 22 drop; add rule inet cut out tcp sport 22 drop'
sleep {seconds}
nft delete table inet cut
"""
FATES = {"CLEANED": "changed", "REVERTED": "reverted", "REFUSED": "refused"}
CUTS = [(state, seconds) for state in ("ARMED", "SWAPPED", "RELOADED", "VERIFIED", "CONFIRMED") for seconds in (3, 40)]


def clear() -> None:
    on("web-new", f"systemctl stop cut 2>/dev/null; nft delete table inet cut 2>/dev/null; rm -rf {TX}", check=False)


def journal() -> list[str]:
    return on("web-new", f"cat {TX}/*/journal").splitlines()


@pytest.mark.parametrize(("state", "seconds"), CUTS if ALL else [("SWAPPED", 3), ("CONFIRMED", 3)])
def test_a_cut_network_never_makes_the_report_differ_from_the_host(lab: Lab, state: str, seconds: int) -> None:
    clear()
    before = configuration("web-new")
    on("web-new", "systemd-run -q --unit=cut --collect sh -c \"$(cat <<'EOF'\n" + CUT.format(state=state, seconds=seconds, tx=TX) + 'EOF\n)"')
    try:
        ran = lab.play("enforce", "web-new", agility_campaign="cut", agility_confirm_timeout=8, ansible_timeout=3)
        on("web-new", f"until tail -n 1 {TX}/*/journal | grep -qE 'CLEANED|REVERTED|REFUSED'; do sleep 0.2; done")
    finally:
        on("web-new", "systemctl stop cut; nft delete table inet cut 2>/dev/null; :")
    last = journal()[-1].split()[1]
    status = ran.host("web-new")["status"]
    assert status == FATES[last] or (seconds > 30 and status == "unknown"), (status, journal())
    assert (ran.rc == 0) == (status == "changed")
    if last == "CLEANED":
        assert lab.play("rollback", "web-new", agility_campaign="cut").rc == 0
    assert configuration("web-new") == before
    assert on("web-new", "systemctl is-active ssh nginx") == "active\nactive\n"


KILLS = ["SNAPSHOTTED", "STAGED", "VALIDATED", "ARMED", "SWAPPED", "RELOADED", "VERIFIED", "CONFIRMED"]


@pytest.mark.parametrize("state", KILLS if ALL else ["RELOADED"])
def test_a_controller_that_is_killed_leaves_a_host_that_goes_back_alone(lab: Lab, state: str) -> None:
    clear()
    before = configuration("web-new")
    settings = json.dumps({"agility_policy": str(TOP / "policies/default.yml"), "agility_output": str(lab.tmp / "out"), "agility_confirm_timeout": 6})
    argv = ["ansible-playbook", "-i", "inventories/lab", "playbooks/enforce.yml", "-l", "web-new", "-e", settings]
    with subprocess.Popen(argv, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as controller:
        kill_at(controller, "web-new", state)
    began = time.monotonic()
    on("web-new", f"until tail -n 1 {TX}/*/journal | grep -qE 'CLEANED|REVERTED'; do sleep 0.2; done")
    assert time.monotonic() - began < 30
    last = journal()[-1].split()[1]
    assert last == ("CLEANED" if state in KILLS[-2:] else "REVERTED")  # what was on its way to the host goes on there
    if last == "CLEANED":
        (id_,) = on("web-new", f"ls {TX}").split()
        on("web-new", f"sh {TX}/{id_}/revert.sh")
    assert configuration("web-new") == before
    assert on("web-new", "systemctl is-active ssh nginx") == "active\nactive\n"
    again = lab.play("enforce", "web-new", agility_campaign="after")
    assert again.host("web-new")["status"] == "changed", again.text
    assert lab.play("rollback", "web-new", agility_campaign="after").rc == 0
    assert configuration("web-new") == before
