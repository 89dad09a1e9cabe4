"""The way back where hosts differ and people interfere: hung owners, hosts without systemd, clones, attributes, a switch to stop it all."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script

from .agent_host import NONCE, Host, replace_line, sha256
from .test_transaction import call, mounted


def pending(host: Host, name: str = "f", id_: str = "t-1", seconds: int = 60) -> Path:
    path = host.write(name, "old\n")
    assert host.apply(replace_line(path, 1, "new\n"), id_=id_, seconds=seconds).state == "RELOADED"
    return path


def applied(host: Host, text: str) -> answer.TransactionReport:
    return answer.parse_transaction(host.send(text), NONCE)


def composed(host: Host, *changes: Change, seconds: int = 60) -> str:
    return script.compose_apply(host.transaction(*changes, seconds=seconds), {}, NONCE)


# ---------------------------------------------------------------- a living owner that hangs


def test_an_owner_that_is_stopped_does_not_keep_the_way_back_waiting(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    (any_host.root / "service-hangs").touch()
    text = composed(any_host, replace_line(path, 1, "new\n"), seconds=4)
    assert text.count('"$ca_wait" -gt 60') == 1
    process = any_host.start(text.replace('"$ca_wait" -gt 60', '"$ca_wait" -gt 2'))
    until = time.monotonic() + 30
    while not (any_host.root / "service.log").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGSTOP)
    (any_host.root / "service-hangs").unlink()
    try:
        assert path.read_text() == "new\n"
        assert any_host.wait("REVERTED", seconds=40).state == "REVERTED"
        assert path.read_text() == "old\n" and not any_host.beside()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert any_host.revert().error == "", "the lock is free"
    assert path.read_text() == "old\n"


def test_the_owner_is_left_alone_before_the_deadline(host: Host) -> None:
    pending(host)
    with subprocess.Popen(["sleep", "600"]) as owner:
        said = call(host, f"ca_start_of {owner.pid}; ca_boot; ln -s {owner.pid}:$ca_started:$ca_booted $ca_state/lock")
        assert said == ""
        text = script.compose_revert("t-1", "a test", NONCE).replace('"$ca_wait" -gt 60', '"$ca_wait" -gt 1')
        assert applied(host, text).error == "refused-lock"
        assert owner.poll() is None
        owner.kill()
    assert host.revert().state == "REVERTED"


def test_who_holds_no_lock_removes_none(host: Host) -> None:
    host.state.mkdir(mode=0o700)
    (host.state / "lock").symlink_to("somebody")
    call(host, "unset ca_me; readlink() { return 1; }; ca_unlock")
    assert (host.state / "lock").is_symlink()


# ---------------------------------------------------------------- boots without systemd


def test_a_host_on_which_no_boot_could_take_it_back_is_refused(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    (any_host.root / "cron.d").rmdir()
    report = any_host.apply(replace_line(path, 1, "new\n"))
    assert (report.state, report.error) == ("REFUSED", "arm")
    assert "after a reboot" in report.message
    assert path.read_text() == "old\n" and not any_host.beside() and not any_host.watchers()


def test_a_cron_that_cannot_be_written_to_means_no_change(host: Host) -> None:
    path = host.write("f", "old\n")
    (host.root / "cron.d" / "crypto-agility-t-1").mkdir()
    report = host.apply(replace_line(path, 1, "new\n"))
    assert (report.error, path.read_text()) == ("arm", "old\n")
    assert "cron.d" in report.message


@pytest.mark.parametrize(("folder", "name"), [("rcS.d", "S99crypto-agility-t-1"), ("local.d", "crypto-agility-t-1.start")])
def test_the_hook_of_another_init_is_a_program_that_takes_it_back(host: Host, folder: str, name: str) -> None:
    (host.root / "cron.d").rmdir()
    (host.root / folder).mkdir()
    path = pending(host)
    host.end()
    (host.state / "tx/t-1/boot").write_text("another boot\n")
    subprocess.run([str(host.root / folder / name)], check=True, env={"PATH": f"{host.root / 'bin'}:{os.environ['PATH']}"})
    assert path.read_text() == "old\n"
    assert not list((host.root / folder).iterdir())


def test_where_the_scripts_of_an_init_are_not_run_by_name_they_are_no_way_back(host: Host) -> None:
    """Debian's /etc/init.d/rc: startpar runs what insserv wrote down, and nothing else."""
    (host.root / "cron.d").rmdir()
    for name in ("rcS.d", "init.d"):
        (host.root / name).mkdir()
    for name in ("boot", "start", "stop"):
        (host.root / f"init.d/.depend.{name}").write_text("TARGETS = a\n")
    path = host.write("f", "old\n")
    report = host.apply(replace_line(path, 1, "new\n"))
    assert (report.error, path.read_text()) == ("arm", "old\n")
    assert "after a reboot" in report.message
    (host.root / "init.d/.legacy-bootordering").touch()
    pending(host, id_="t-2")
    assert [hook.name for hook in (host.root / "rcS.d").iterdir()] == ["S99crypto-agility-t-2"]


def test_an_init_that_reads_further_tables_is_told_itself(host: Host) -> None:
    (host.root / "cron.d").rmdir()
    (host.root / "init").write_bytes(f"\0{host.root}/inittab.d\0".encode())
    path = pending(host)
    (table,) = (host.root / "inittab.d").iterdir()
    name, levels, action, command = table.read_text().rstrip("\n").split(":")
    assert (name, levels, action) == ("cagi", "", "bootwait")
    host.end()
    (host.state / "tx/t-1/boot").write_text("another boot\n")
    subprocess.run(command.split(), check=True, env={"PATH": f"{host.root / 'bin'}:{os.environ['PATH']}"})
    assert path.read_text() == "old\n"
    assert not (host.root / "inittab.d").exists()


# ---------------------------------------------------------------- which machine it is


def test_a_host_key_that_was_made_anew_meanwhile_is_no_other_machine(any_host: Host) -> None:
    any_host.host_key("ed25519")
    path = pending(any_host, seconds=6)
    any_host.end()
    identity = any_host.state / "tx/t-1/identity"
    now = identity.read_text()
    identity.write_text(f"{now.partition(':')[0]}:{'0' * 64}\n")
    assert any_host.revert().state == "REVERTED"
    assert path.read_text() == "old\n"
    assert identity.read_text() == now, "what the next boot compares with"


def test_what_a_clone_inherited_is_closed_by_whoever_says_that_it_is_his(any_host: Host) -> None:
    path = pending(any_host)
    any_host.end()
    tx = any_host.state / "tx/t-1"
    (tx / "identity").write_text("another:machine\n")
    (tx / "boot").write_text("another boot\n")
    left = any_host.ask(script.compose_recover(NONCE), answer.parse_transactions)
    assert ([report.state for report in left], path.read_text()) == (["RELOADED"], "new\n")
    left = any_host.ask(script.compose_recover(NONCE, adopt=True), answer.parse_transactions)
    assert ([report.state for report in left], path.read_text()) == (["REVERTED"], "old\n")


# ---------------------------------------------------------------- what a copy would lose


def test_attributes_that_the_cp_of_busybox_loses_are_refused(tmp_path: Path) -> None:
    host = Host(tmp_path, "ash")
    path = host.write("f", "old\n")
    text = composed(host, replace_line(path, 1, "new\n"))
    unknown = applied(host, text.replace("command -v getfattr", "command -v no-such-getfattr"))
    host._program("getfattr", "#!/bin/sh\necho user.origin\n")
    carried = host.apply(replace_line(path, 1, "new\n"), id_="t-2")
    assert [(report.state, report.error) for report in (unknown, carried)] == [("REFUSED", "refused-target")] * 2
    assert "coreutils" in unknown.message and "has attributes" in carried.message
    assert path.read_text() == "old\n" and not host.beside()


def test_a_rollback_brings_back_the_very_inode_with_all_that_it_carried(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    os.setxattr(path, "user.origin", b"kept")
    inode = path.stat().st_ino
    if any_host.shell == "ash":
        os.removexattr(path, "user.origin")
    any_host.apply(replace_line(path, 1, "new\n"))
    any_host.confirm()
    if any_host.shell == "ash":  # on the kept file: what goes back is not copied
        os.setxattr(any_host.state / "tx/t-1/old/1", "user.origin", b"kept")
    assert any_host.apply(script.Restore(str(path), sha256(path), "t-1", 1), id_="t-2").state == "RELOADED"
    assert any_host.confirm("t-2").state == "CLEANED"
    assert (path.stat().st_ino, path.stat().st_nlink, os.getxattr(path, "user.origin")) == (inode, 1, b"kept")


def test_a_kept_file_that_was_spoiled_is_not_restored(host: Host) -> None:
    path = host.write("f", "old\n")
    was = sha256(path)
    host.apply(replace_line(path, 1, "new\n"))
    host.confirm()
    (host.state / "tx/t-1/old/1").write_text("spoilt\n")
    report = host.apply(script.Restore(str(path), sha256(path), "t-1", 1, after=was), id_="t-2")
    assert (report.state, report.error, path.read_text()) == ("REFUSED", "refused-stage", "new\n")


def test_a_sync_that_fails_is_not_taken_for_an_old_one(any_host: Host) -> None:
    any_host._program("sync", '#!/bin/sh\n[ "$*" = / ]\n')
    assert call(any_host, "ca_sync /etc/hostname || echo not written") == "not written\n"
    any_host._program("sync", "#!/bin/sh\n[ $# -eq 0 ]\n")
    assert call(any_host, "ca_sync /etc/hostname && echo written") == "written\n"


# ---------------------------------------------------------------- what others did


def test_an_edit_made_meanwhile_is_kept_when_it_is_taken_back(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    added = Change(str(any_host.etc / "added"), "", (Edit(1, 0, ("x\n",)),))
    any_host.apply(replace_line(path, 1, "new\n"), added)
    path.write_text("by hand\n")
    (any_host.etc / "added").write_text("by hand, too\n")
    report = any_host.revert()
    assert (report.state, path.read_text(), (any_host.etc / "added").exists()) == ("REVERTED", "old\n", False)
    kept = any_host.state / "tx/t-1"
    assert ((kept / "theirs.1").read_text(), (kept / "theirs.2").read_text()) == ("by hand\n", "by hand, too\n")
    assert str(kept / "theirs.1") in report.message


def test_the_journal_says_how_far_the_way_back_is(host: Host) -> None:
    paths = [host.write(name, "old\n") for name in "ab"]
    host.apply(*(replace_line(path, 1, "new\n") for path in paths))
    assert [line.detail for line in host.revert().journal if line.state == "REVERTING"] == ["a test", "2/2", "1/2"]


def test_a_mount_with_a_blank_in_its_name_is_seen(host: Host) -> None:
    path, real = host.write("a f", "a\n"), host.write("real", "a\n")
    with mounted("--bind", str(real), on=path):
        report = host.apply(replace_line(path, 1, "b\n"))
    assert (report.error, real.read_text()) == ("refused-target", "a\n")
    assert "mount point" in report.message


@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("where", ["file", "folder"])
def test_what_is_immutable_or_append_only_is_refused_and_nothing_is_left(any_host: Host, flag: str, where: str) -> None:
    path = any_host.write("f", "a\n")
    target = path if where == "file" else any_host.etc
    if subprocess.run(["chattr", f"+{flag}", str(target)], capture_output=True, check=False).returncode:
        pytest.fail("this file system has no chattr: run the tests where /tmp has, e.g. --basetemp on ext4")
    try:
        report = any_host.apply(replace_line(path, 1, "b\n"))
    finally:
        subprocess.run(["chattr", f"-{flag}", str(target)], check=True)
    assert (report.state, report.error, path.read_text()) == ("REFUSED", "refused-target", "a\n")
    assert not any_host.beside() and not list(any_host.etc.glob(".ca-*"))


def test_a_token_whose_hash_cannot_be_made_confirms_nothing(host: Host) -> None:
    pending(host)
    (host.state / "tx/t-1/token").write_text("\n")
    text = script.compose_confirm("t-1", "x", NONCE)
    mark = '\neval "$CA_AGENT"\n'
    assert text.count(mark) == 1
    assert applied(host, text.replace(mark, f"{mark}ca_sha() {{ :; }}\n")).error == "wrong-token"


def test_a_journal_that_cannot_be_read_is_touched_by_nobody(any_host: Host) -> None:
    path = pending(any_host, seconds=60)
    any_host.end()
    journal = any_host.state / "tx/t-1/journal"
    text = journal.read_bytes()
    journal.unlink()
    journal.mkdir()  # opens, and then fails to be read
    tree = sorted(str(entry) for entry in (any_host.state / "tx/t-1").rglob("*"))
    assert (any_host.revert().state, any_host.revert().error) == ("UNREADABLE", "unreadable")
    (any_host.state / "tx/t-1/deadline").write_text("1\n")
    any_host.ask(script.compose_recover(NONCE), answer.parse_transactions)
    assert sorted(str(entry) for entry in (any_host.state / "tx/t-1").rglob("*")) == tree
    assert path.read_text() == "new\n"
    journal.rmdir()
    journal.write_bytes(text)
    assert (any_host.revert().state, path.read_text()) == ("REVERTED", "old\n")
