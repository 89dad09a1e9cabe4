"""What a person at the console of a host can do without controller and network, and what the host keeps for it."""

from __future__ import annotations

import os
import stat
import subprocess

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script

from .agent_host import NONCE, Host, replace_line
from .test_way_back import pending


def console(host: Host, command: str) -> int:
    environment = {"PATH": f"{host.root / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run([str(host.root / "bin/sh"), *command.split()], env=environment, capture_output=True, check=False, timeout=60).returncode


def test_the_switch_takes_back_what_is_pending_and_lets_nothing_begin(any_host: Host) -> None:
    path = pending(any_host)
    assert console(any_host, f"{any_host.state}/stop.sh") == 0
    assert (any_host.status().state, path.read_text()) == ("REVERTED", "old\n")
    report = any_host.apply(replace_line(path, 1, "new\n"), id_="t-2")
    assert (report.state, report.error, path.read_text()) == ("REFUSED", "stopped", "old\n")
    assert "stopped by hand" in report.message
    (any_host.state / "stop").unlink()
    pending(any_host, id_="t-3")


def test_a_confirmed_change_is_undone_without_a_controller(any_host: Host) -> None:
    path, made = any_host.write("f", "old\n"), any_host.etc / "made"
    inode = path.stat().st_ino
    any_host.apply(replace_line(path, 1, "new\n"), Change(str(made), "", (Edit(1, 0, ("x\n",)),)), check=str(path))
    any_host.confirm()
    recipe = f"{any_host.state}/tx/t-1/revert.sh"
    path.write_text("theirs\n")
    assert console(any_host, recipe) != 0
    assert (path.read_text(), made.exists()) == ("theirs\n", True)
    path.write_text("new\n")
    assert console(any_host, recipe) == 0
    assert (path.read_text(), path.stat().st_ino, made.exists()) == ("old\n", inode, False)
    states = {report.id: report.state for report in any_host.ask(script.compose_status("", NONCE), answer.parse_transactions)}
    assert sorted(states.values()) == ["CLEANED", "CLEANED", "REFUSED"]
    assert not any_host.beside() and not list((any_host.root / "cron.d").iterdir())


def test_the_recipe_of_what_could_not_be_restored_stays_with_it(host: Host) -> None:
    pending(host)
    (host.etc / ".f.ca-t-1.old").write_text("spoilt\n")
    host.revert()
    later = host.status()
    assert (later.state, later.error) == ("REVERT_FAILED", "revert-failed")
    assert f"cp -a {host.state}/tx/t-1/old/1 '{host.etc}/f'" in later.message


def test_retention_shreds_and_says_when_it_cannot_and_counts_no_refused_ones(host: Host) -> None:
    host._program("shred", f'#!/bin/sh\necho "$@" >>{host.root}/shredded\nexec /usr/bin/shred "$@"\n')
    first = pending(host, "a", "t-1")
    host.confirm("t-1")
    host.apply(Change(str(first), "0" * 64, (Edit(1, 0, ("x\n",)),)), id_="t-2")
    assert host.status("t-2").state == "REFUSED"
    for id_ in ("t-1", "t-2"):
        os.utime(host.state / "tx" / id_ / "journal", (1, 1))
    kept = host.ask(script.compose_recover(NONCE, 7, 1), answer.parse_transactions)
    assert [report.id for report in kept] == ["t-1"], "a refused one takes nobody's place"
    output = host.send(script.compose_recover(NONCE, 7, 0).replace("shred -u", "no-such-shred -u"))
    assert "without shredding" in answer.notes(output, NONCE)[0]
    pending(host, "b", "t-3")
    host.confirm("t-3")
    os.utime(host.state / "tx/t-3/journal", (1, 1))
    assert host.ask(script.compose_recover(NONCE, 7, 0), answer.parse_transactions) == ()
    assert "/tx/t-3/old/1" in (host.root / "shredded").read_text()
    assert stat.S_ISREG((host.etc / "b").stat().st_mode)
