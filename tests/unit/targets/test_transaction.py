"""The agent's transaction when things go wrong: see test_agent.py for the straight way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Identity, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.parts import TRANSACTION

from .agent_host import NONCE, TOKEN, Host, replace_line, sha256

NOBODY = 65534


@contextmanager
def mounted(*words: str, on: Path) -> Iterator[None]:
    subprocess.run(["mount", *words, str(on)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(on)], check=True)


def call(host: Host, *calls: str) -> str:
    """Our functions called by name on that host, as one script."""
    return host.send("\n".join([TRANSACTION, "umask 077; ca_code='' ca_message=''", *calls, ""]))


# ---------------------------------------------------------------- before it is armed


def test_the_same_script_twice_at_once_applies_once(any_host: Host) -> None:
    path = any_host.write("f", "a\n")
    text = script.compose_apply(any_host.transaction(Change(str(path), sha256(path), (Edit(2, 0, ("b\n",)),))), {}, NONCE)
    started = [any_host.start(text) for _ in range(3)]
    reports = [answer.parse_transaction(process.communicate(timeout=60)[0].decode(), NONCE) for process in started]
    assert [report.state for report in reports] == ["RELOADED"] * 3
    assert path.read_text() == "a\nb\n"
    assert [line.state for line in reports[0].journal].count("SWAPPED") == 1


def test_a_refused_one_says_the_same_when_it_is_sent_again(host: Host) -> None:
    path = host.write("f", "a\n")
    change = replace_line(path, 1, "b\n")
    path.write_text("theirs\n")
    first, second = host.apply(change), host.apply(change)
    assert (first.state, first.error) == ("REFUSED", "changed")
    assert (second.state, second.error, second.message) == (first.state, first.error, first.message)
    assert host.status().error == "changed"
    assert path.read_text() == "theirs\n"


def test_without_root_nothing_is_tried_and_root_is_named(host: Host) -> None:
    for folder in (host.root, *host.root.parents[:-2]):
        folder.chmod(0o755)
    path = host.write("f", "a\n")
    text = script.compose_apply(host.transaction(replace_line(path, 1, "b\n")), {}, NONCE)
    report = answer.parse_transaction(host.send(text, NOBODY), NONCE)
    assert (report.state, report.error) == ("REFUSED", "no-privilege")
    with pytest.raises(Problem, match="root"):
        answer.parse_transactions(host.send(script.compose_status("", NONCE), NOBODY), NONCE)
    assert path.read_text() == "a\n"


def test_a_missing_utility_is_named_before_anything_is_touched(host: Host) -> None:
    path = host.write("f", "a\n")
    text = script.compose_apply(host.transaction(replace_line(path, 1, "b\n")), {}, NONCE).replace("ca_missing cp", "ca_missing no-such-cp")
    report = answer.parse_transaction(host.send(text), NONCE)
    assert (report.state, report.error) == ("REFUSED", "missing-utility")
    assert "no-such-cp" in report.message
    assert path.read_text() == "a\n" and not host.beside()


def test_a_symbolic_link_or_a_mount_in_the_place_of_the_file_is_refused(host: Host) -> None:
    path, real = host.write("f", "a\n"), host.write("real", "a\n")
    with mounted("--bind", str(real), on=path):
        assert host.apply(replace_line(path, 1, "b\n"), id_="t-1").error == "refused-target"
    path.unlink()
    path.symlink_to(real)
    assert host.apply(replace_line(path, 1, "b\n"), id_="t-2").error == "refused-target"
    assert real.read_text() == "a\n" and not host.beside()


def test_a_read_only_file_system_is_refused(host: Host) -> None:
    path = host.write("f", "a\n")
    with mounted("--bind", str(host.etc), on=host.etc):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(host.etc)], check=True)
        report = host.apply(replace_line(path, 1, "b\n"))
    assert (report.state, report.error) == ("REFUSED", "refused-target")
    assert "read-only" in report.message


def test_a_full_disk_before_it_is_armed_leaves_no_change(any_host: Host) -> None:
    with mounted("-t", "tmpfs", "-o", "size=256k", "tmpfs", on=any_host.etc):
        path = any_host.write("f", "old\n")
        filler = any_host.etc / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(b"x" * (1 << 20))
        report = any_host.apply(Change(str(path), sha256(path), (Edit(1, 1, ("x" * 99 + "\n",) * 99),)))
        assert (report.state, report.error) == ("REFUSED", "disk-full")
        assert path.read_text() == "old\n" and path.stat().st_nlink == 1
        assert not any_host.beside() and not any_host.watchers()


def test_a_change_that_was_cut_short_by_a_full_disk_is_never_taken_for_whole(host: Host) -> None:
    with mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", on=host.etc):
        text = "a line of thirty-two characters\n" * 1000
        path = host.write("f", text)
        edits = (Edit(1, 0, ("x" * 30000 + "\n",)), Edit(len(lines.split(text)) + 1, 0, ("end\n",)))
        report = host.apply(Change(str(path), sha256(path), edits))
        assert (report.state, report.error) == ("REFUSED", "disk-full")
        assert path.read_text() == text and not host.beside()


def test_a_boot_unit_that_cannot_be_written_means_no_change(host: Host) -> None:
    path = host.write("f", "a\n")
    (host.root / "no-systemd").mkdir()
    text = script.compose_apply(host.transaction(replace_line(path, 1, "b\n")), {}, NONCE)
    report = answer.parse_transaction(host.send(text.replace("/etc/systemd/system", "/proc/none")), NONCE)
    assert (report.state, report.error) == ("REFUSED", "arm")
    assert "/proc/none" in report.message
    assert path.read_text() == "a\n" and not host.beside()


# ---------------------------------------------------------------- the check


def test_the_check_sees_the_new_text_at_the_real_path_before_it_is_there(any_host: Host) -> None:
    path = any_host.write("f", "a\n")
    report = any_host.apply(replace_line(path, 1, "BAD\n"), check=str(path))
    assert (report.state, report.error) == ("REFUSED", "validate")
    assert "BAD is no setting" in report.message
    assert path.read_text() == "a\n" and not any_host.beside()
    assert (any_host.root / "check.log").read_text() == "BAD\n"
    assert not (any_host.root / "service.log").exists()


def test_the_check_sees_a_file_that_is_about_to_be_made(any_host: Host) -> None:
    report = any_host.apply(Change(str(any_host.etc / "new"), "", (Edit(1, 0, ("BAD\n",)),)), check=str(any_host.etc / "new"))
    assert (report.state, report.error) == ("REFUSED", "validate")
    assert not (any_host.etc / "new").exists() and not any_host.beside()


def test_without_mount_namespaces_the_check_comes_before_the_reload(any_host: Host) -> None:
    path = any_host.write("f", "a\n")
    text = script.compose_apply(any_host.transaction(replace_line(path, 1, "BAD\n"), check=str(path)), {}, NONCE)
    report = answer.parse_transaction(any_host.send(text.replace("unshare -m true", "false")), NONCE)
    assert (report.state, report.error) == ("REVERTED", "reverted")
    assert "BAD is no setting" in report.message
    assert [line.detail for line in report.journal if line.state == "VALIDATED"] == ["deferred: no mount namespaces here"]
    assert path.read_text() == "a\n" and not any_host.beside()
    assert (any_host.root / "service.log").read_text() == "demo reload\n"  # on the way back


# ---------------------------------------------------------------- armed


def test_a_reload_that_fails_takes_everything_back(any_host: Host) -> None:
    path = any_host.write("f", "a\n")
    (any_host.root / "service-fails").touch()
    report = any_host.apply(replace_line(path, 1, "b\n"))
    assert report.state == "REVERT_FAILED"  # the service does not come back either, and that is said
    assert path.read_text() == "a\n"
    (any_host.root / "service-fails").unlink()
    assert any_host.revert().state == "REVERTED"
    assert not any_host.beside()


def test_a_file_that_someone_changes_after_the_check_stops_the_swap_and_stays_theirs(host: Host) -> None:
    first, second = host.write("a", "a\n"), host.write("b", "b\n")
    host._program("check", f"#!/bin/sh\necho theirs >{host.etc}/.b.ca-t-1.old\n")  # the original inode
    report = host.apply(replace_line(first, 1, "A\n"), replace_line(second, 1, "B\n"), check=str(first))
    assert (report.state, report.error) == ("REVERTED", "reverted")
    assert f"{second} was changed by someone else" in report.message
    assert (first.read_text(), second.read_text()) == ("a\n", "theirs\n")
    assert not host.beside()


def test_a_revert_needs_no_room_on_a_full_disk(any_host: Host) -> None:
    any_host.state.mkdir(mode=0o700)
    with mounted("-t", "tmpfs", "-o", "size=512k", "tmpfs", on=any_host.etc), mounted("-t", "tmpfs", "-o", "size=512k", "tmpfs", on=any_host.state):
        path = any_host.write("f", "old\n")
        assert any_host.apply(replace_line(path, 1, "new\n"), seconds=60).state == "RELOADED"
        for folder in (any_host.etc, any_host.state):
            with pytest.raises(OSError, match="No space"):
                (folder / "filler").write_bytes(b"x" * (1 << 20))
        assert any_host.revert().state == "REVERTED"
        assert path.read_text() == "old\n" and not any_host.beside()
        any_host.end()


def test_an_agent_that_is_killed_in_the_middle_is_taken_back_by_the_watcher(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    (any_host.root / "service-hangs").touch()
    process = any_host.start(script.compose_apply(any_host.transaction(replace_line(path, 1, "new\n"), seconds=4), {}, NONCE))
    until = time.monotonic() + 20
    while not (any_host.root / "service.log").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert path.read_text() == "new\n"
    os.killpg(process.pid, signal.SIGKILL)
    (any_host.root / "service-hangs").unlink()
    assert any_host.wait("REVERTED").state == "REVERTED"
    assert path.read_text() == "old\n" and not any_host.beside()


@pytest.mark.parametrize("shift", [-86400, 86400])
def test_a_wall_clock_that_jumps_moves_no_deadline(any_host: Host, shift: int) -> None:
    """date(1) is all that the agent could read a wall clock with, and it reads it to show and to forget, never to decide."""
    (any_host.root / "bin/date").unlink(missing_ok=True)
    (any_host.root / "bin/date").write_text(f"#!/bin/sh\necho {int(time.time()) + shift}\n")
    (any_host.root / "bin/date").chmod(0o755)
    path = any_host.write("f", "old\n")
    began = time.monotonic()
    assert any_host.apply(replace_line(path, 1, "new\n"), seconds=8).state == "RELOADED"
    assert any_host.wait("REVERTED").state == "REVERTED"
    assert time.monotonic() - began > 3
    assert path.read_text() == "old\n"
    users = [line for line in TRANSACTION.splitlines() if re.search(r"\bdate\b", line.partition("# ")[0])]
    *aged, shown = users
    assert len(aged) == 3 and all("stat -c %Y" in line for line in aged)
    assert "latest-handshakes" in shown  # the controller compares both, which the same clock told


def test_a_hang_up_does_not_stop_it(any_host: Host) -> None:
    host = any_host
    path = host.write("f", "old\n")
    process = host.start(script.compose_apply(host.transaction(replace_line(path, 1, "new\n")), {}, NONCE))
    until = time.monotonic() + 20
    while not (host.state / "tx/t-1/journal").exists() and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGHUP)
    output = process.communicate(timeout=60)[0].decode()
    assert answer.parse_transaction(output, NONCE).state == "RELOADED"


def test_nothing_of_ours_runs_after_the_end(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    assert any_host.apply(replace_line(path, 1, "new\n")).state == "RELOADED"
    assert any_host.watchers() and list((any_host.root / "cron.d").iterdir())
    any_host.confirm()
    until = time.monotonic() + 10
    while any_host.watchers() and time.monotonic() < until:
        time.sleep(0.1)
    assert not any_host.watchers() and not list((any_host.root / "cron.d").iterdir())


# ---------------------------------------------------------------- the end


def test_a_confirmed_one_that_was_not_cleaned_is_rolled_forward(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"), seconds=3)
    with (host.state / "tx/t-1/journal").open("a") as journal:
        journal.write("9 CONFIRMED 1 \n")
    assert host.wait("CLEANED").state == "CLEANED"
    assert path.read_text() == "new\n" and not host.beside()


def test_one_that_died_before_everything_was_put_away_is_put_away_by_its_watcher(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"))
    text = script.compose_confirm("t-1", TOKEN, NONCE)
    assert text.count("ca_record CLEANED &&") == 1
    host.send(text.replace("ca_record CLEANED &&", "ca_record CLEANED; exit;"))
    until = time.monotonic() + 10
    while host.watchers() and time.monotonic() < until:
        time.sleep(0.1)
    assert not list((host.root / "cron.d").iterdir()) and not host.watchers()
    assert not (host.state / "tx/t-1/agent.sh").exists()


def test_a_journal_line_that_was_cut_off_does_not_swallow_the_next(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"))
    with (host.state / "tx/t-1/journal").open("a") as journal:
        journal.write("9 VERI")
    assert host.revert().state == "REVERTED"
    assert path.read_text() == "old\n"


def test_another_machine_does_not_act_on_a_restored_disk(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"))
    (host.state / "tx/t-1/identity").write_text("another:machine\n")
    report = host.revert()
    assert (report.error, report.state) == ("identity", "RELOADED")
    assert path.read_text() == "new\n"


def test_a_late_token_is_refused(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"))
    host.end()
    (host.state / "tx/t-1/deadline").write_text("1\n")
    assert host.confirm().error == "late"
    assert host.revert().state == "REVERTED"


@pytest.mark.parametrize("found", ["old\n", "somebody else's\n"])
def test_only_what_was_proved_is_confirmed(any_host: Host, found: str) -> None:
    """The old text: what a way back leaves when the disk is so full that the journal could not be told."""
    path = any_host.write("f", "old\n")
    any_host.apply(replace_line(path, 1, "new\n"))
    path.write_text(found)
    report = any_host.confirm()
    assert (report.error, report.state) == ("changed", "RELOADED")
    assert str(path) in report.message
    assert (any_host.revert().state, path.read_text()) == ("REVERTED", "old\n")


def test_a_boot_without_systemd_reverts_in_another_boot_only_and_starts_anew_what_runs_by_then(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    any_host.apply(replace_line(path, 1, "new\n"))
    (any_host.root / "service.log").unlink()
    agent = f"sh {any_host.state}/tx/t-1/agent.sh boot\n"
    any_host.send(agent)
    assert any_host.status().state == "RELOADED"
    any_host.end()  # the watcher would see another boot, too
    (any_host.state / "tx/t-1/boot").write_text("another boot\n")
    any_host.send(agent)
    assert any_host.status().state == "REVERTED"
    assert path.read_text() == "old\n"
    assert (any_host.root / "service.log").read_text() == "demo status\ndemo restart\n"


def test_a_boot_leaves_alone_what_does_not_run_yet_and_all_that_systemd_orders_after_us(any_host: Host) -> None:
    """Without systemd a service that has not started finds the old files; with it every service is ordered after the unit."""
    for number, systemd in ((1, False), (2, True)):
        path = any_host.write(f"f{number}", "old\n")
        any_host._program("service", f'#!/bin/sh\necho "$*" >>{any_host.root}/service.log\n[ "$2" != status ]\n')
        assert any_host.apply(replace_line(path, 1, "new\n"), id_=f"t-{number}").state == "RELOADED"
        any_host.end()
        (any_host.state / f"tx/t-{number}/boot").write_text("another boot\n")
        (any_host.root / "service.log").unlink()
        if systemd:
            (any_host.root / "no-systemd").mkdir()
        any_host.send(f"sh {any_host.state}/tx/t-{number}/agent.sh boot\n")
        assert (any_host.status(f"t-{number}").state, path.read_text()) == ("REVERTED", "old\n")
        assert not systemd or not (any_host.root / "service.log").exists()
    assert "restart" not in "".join(log.read_text() for log in any_host.root.glob("service.log"))


def test_the_snapshot_beside_the_file_may_be_lost(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"))
    (host.etc / ".f.ca-t-1.old").unlink()
    assert host.revert().state == "REVERTED"
    assert path.read_text() == "old\n"


def test_what_cannot_be_restored_is_said_loudly_with_a_recipe(host: Host) -> None:
    path = host.write("f", "old\n")
    host.apply(replace_line(path, 1, "new\n"))
    (host.etc / ".f.ca-t-1.old").write_text("spoilt\n")
    report = host.revert()
    assert (report.state, report.error) == ("REVERT_FAILED", "revert-failed")
    assert str(path) in report.message and "By hand" in report.message


DAY = 86400


def old_and_finished(host: Host, number: int, days: int) -> None:
    path = host.write(f"f{number}", "old\n")
    host.apply(replace_line(path, 1, "new\n"), id_=f"t-{number}")
    host.confirm(f"t-{number}")
    os.utime(host.state / "tx" / f"t-{number}" / "journal", (time.time() - days * DAY,) * 2)


def test_retention_forgets_what_is_old_and_finished_and_not_among_the_newest(any_host: Host) -> None:
    for number, days in ((1, 9), (2, 1), (3, 9), (4, 9)):
        old_and_finished(any_host, number, days)
    path = any_host.write("open", "old\n")
    any_host.apply(replace_line(path, 1, "new\n"), id_="t-5")
    os.utime(any_host.state / "tx" / "t-5" / "journal", (1, 1))
    left = any_host.ask(script.compose_recover(NONCE, 7, 1), answer.parse_transactions)
    assert {report.id: report.state for report in left} == {"t-2": "CLEANED", "t-4": "CLEANED", "t-5": "RELOADED"}
    assert any_host.revert("t-5").error == "reverted", "the lock is free"


def test_recover_alone_forgets_nothing(host: Host) -> None:
    old_and_finished(host, 1, 9999)
    assert [report.id for report in host.ask(script.compose_recover(NONCE), answer.parse_transactions)] == ["t-1"]


def test_a_plan_for_another_machine_is_refused(host: Host) -> None:
    path = host.write("f", "old\n")
    transaction = script.Transaction("t-1", 60, Identity("another", "key"), "me", (replace_line(path, 1, "new\n"),), ())
    report = host.ask(script.compose_apply(transaction, {}, NONCE), answer.parse_transaction)
    assert (report.state, report.error) == ("REFUSED", "identity")


# ---------------------------------------------------------------- the lock


def test_of_many_starters_on_a_dead_owners_lock_one_works_at_a_time(any_host: Host) -> None:
    any_host.state.mkdir(mode=0o700)
    (any_host.state / "lock").symlink_to("4000000:1:another-boot")
    (any_host.state / "lock.break").symlink_to("4000000:1:another-boot")
    log = any_host.root / "log"
    work = f"ca_lock && {{ echo in >>{log}; sleep 0.02; echo out >>{log}; ca_unlock; }}"
    text = any_host.place("\n".join([TRANSACTION.replace("sleep 1\n", "sleep 0.1\n"), "ca_code='' ca_message=''", work, ""]))
    path = any_host.root / "starter"
    path.write_text(text)
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda _: subprocess.run([any_host.root / "bin/sh", path], check=False, timeout=60), range(50)))
    assert log.read_text() == "in\nout\n" * 50
    assert not list(any_host.state.glob("lock*"))


def test_the_lock_of_a_living_owner_is_not_broken(host: Host) -> None:
    said = call(host, "ca_lock && ca_me=another; ca_take $ca_state/lock && echo taken || echo refused")
    assert said == "refused\n"
