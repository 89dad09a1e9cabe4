"""The agent's transaction, run for real under four shells."""

from __future__ import annotations

from .agent_host import Host, replace_line, sha256


def test_a_confirmed_change_stays_and_leaves_nothing_beside_it(any_host: Host) -> None:
    path = any_host.write("demo.conf", "one\ntwo\nthree\n")
    path.chmod(0o640)
    report = any_host.apply(replace_line(path, 2, "zwei\n"))
    assert (report.state, report.error, report.message) == ("RELOADED", "", "")
    assert any_host.beside() != []
    done = any_host.confirm()
    assert done.state == "CLEANED"
    assert path.read_text() == "one\nzwei\nthree\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert any_host.beside() == []


def test_a_revert_brings_the_same_inode_back(any_host: Host) -> None:
    path = any_host.write("demo.conf", "one\ntwo\n")
    before = path.stat()
    assert any_host.apply(replace_line(path, 1, "eins\n")).state == "RELOADED"
    assert path.read_text() == "eins\ntwo\n"
    assert any_host.revert().state == "REVERTED"
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (before.st_ino, before.st_mtime_ns, 1)
    assert path.read_text() == "one\ntwo\n"
    assert any_host.beside() == []


def test_an_unconfirmed_change_goes_back_by_itself(any_host: Host) -> None:
    path = any_host.write("demo.conf", "one\n")
    before = sha256(path)
    assert any_host.apply(replace_line(path, 1, "eins\n"), seconds=3).state == "RELOADED"
    assert any_host.wait("REVERTED").state == "REVERTED"
    assert sha256(path) == before
