"""The agent itself, under every shell it promises to run in, on real files.  Each run is a mount namespace with a state folder of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.documents import lines
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Activation, Change, Collect, Edit, Follow, Identity, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import (
    NoAnswer,
    TransactionReport,
    parse_snapshot,
    parse_transaction,
)
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.redact import redact

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the agent needs root for mount namespaces: run as root")

NONCE = "0123456789abcdef"
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"], "mksh": ["mksh"]}
TOKEN = "a token"
TOKEN_HASH = hashlib.sha256(TOKEN.encode()).hexdigest()


class Host:
    """One shell, one state folder, one folder of files."""

    def __init__(self, tmp: Path, shell: str) -> None:
        self.shell, self.state, self.etc = [str(shutil.which(SHELLS[shell][0])), *SHELLS[shell][1:]], tmp / "state", tmp / "etc"
        self.state.mkdir()
        self.etc.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": "/"}
        if shell == "busybox":  # a userland of nothing but busybox comes first
            bin_ = tmp / "bin"
            bin_.mkdir()
            subprocess.run(["busybox", "--install", "-s", str(bin_)], check=True)
            (bin_ / "getfattr").write_text("#!/bin/sh\n")  # the package attr, and no file has any
            (bin_ / "getfattr").chmod(0o755)
            self.env["PATH"] = f"{bin_}:/sbin"

    def send(self, text: str) -> str:
        setup = 'mkdir -p /var/lib/crypto-agility && mount --bind "$1" /var/lib/crypto-agility && mkdir -p /etc/rcS.d && mount -t tmpfs t /etc/rcS.d && { [ ! -d /etc/cron.d ] || mount -t tmpfs t /etc/cron.d; } && shift && exec "$@"'
        command = ["unshare", "-m", "/bin/sh", "-c", setup, "_", str(self.state), "/usr/bin/env", f"PATH={self.env['PATH']}", *self.shell, "-s"]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60, check=False)
        return done.stdout.decode("utf-8", "replace")

    def file(self, name: str, raw: bytes) -> Path:
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return path

    def look(self, collect: Collect, **extra: Collect):
        return parse_snapshot(self.send(script.compose_collect({"x": collect, **extra}, NONCE)), NONCE, "h", "t")

    def apply(
        self, *changes: Change | script.Restore, id_: str = "t1", seconds: int = 60, activations: tuple[Activation, ...] = ()
    ) -> TransactionReport:
        transaction = script.Transaction(id_, seconds, Identity(), "me, testing", changes, activations, TOKEN_HASH)
        return parse_transaction(self.send(script.compose_apply(transaction, {}, NONCE)), NONCE)

    def confirm(self, id_: str = "t1", token: str = TOKEN) -> TransactionReport:
        return parse_transaction(self.send(script.compose_confirm(id_, token, NONCE)), NONCE)

    def revert(self, id_: str = "t1") -> TransactionReport:
        return parse_transaction(self.send(script.compose_revert(id_, "asked for", NONCE)), NONCE)

    def status(self, id_: str = "t1") -> TransactionReport:
        return parse_transaction(self.send(script.compose_status(id_, NONCE)), NONCE)

    def leftovers(self) -> list[str]:
        return [str(p) for p in self.etc.rglob("*") if ".ca-" in p.name]


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    if not shutil.which(SHELLS[request.param][0]):
        pytest.fail(f"{request.param} is not installed: apt-get install {request.param}")
    return Host(tmp_path, request.param)


def edit(path: Path, *edits: Edit) -> Change:
    text = path.read_bytes().decode()
    return Change(str(path), lines.sha256(text), edits, lines.sha256(lines.apply(text, edits)))


def facts(path: Path) -> tuple[object, ...]:
    s = path.stat()
    return path.read_bytes(), s.st_ino, s.st_mode, s.st_uid, s.st_mtime_ns


# ---------------------------------------------------------------- collect


def test_files_arrive_byte_for_byte(host: Host) -> None:
    texts = {"plain": b"a\nb\n", "crlf": b"a\r\nb\r\n", "unfinished": b"a\nb", "empty": b"", "utf8": "é ü 量\n".encode(), "blank lines": b"\n\n"}
    for name, raw in texts.items():
        host.file(name, raw)
    found = host.look(Collect(needs=("/",), files=(f"{host.etc}/*",)))
    assert {Path(p).name: (f.text or "").encode() for p, f in found.files.items()} == texts
    for path, file in found.files.items():
        assert (file.sha256, file.mode, file.problem) == (hashlib.sha256(Path(path).read_bytes()).hexdigest(), "0644", "")


def test_odd_names_survive(host: Host) -> None:
    names = ["with space", "new\nline", 'quo"te', "dol$lar", "star*", "semi;colon", "ünï"]
    for name in names:
        host.file(name, b"x\n")
    found = host.look(Collect(needs=("/",), files=(f"{host.etc}/*",)))
    assert sorted(Path(p).name for p in found.files) == sorted(names)


def test_what_is_no_text_is_said_and_not_sent(host: Host) -> None:
    host.file("nul", b"a\0b\n")
    host.file("latin", b"caf\xe9\n")
    found = host.look(Collect(needs=("/",), files=(f"{host.etc}/*",)))
    assert all(f.text is None and f.problem for f in found.files.values())


def test_secrets_are_redacted_on_the_host_line_by_line(host: Host) -> None:
    text = (
        'user bob;\npassword hunter2;\nsecret = abc\nproxy_set_header Authorization "Bearer xyz";\nPasswordAuthentication no\n'
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\nssl_password_file /etc/x;\n"
    )
    path = host.file("c", text.encode())
    (file,) = host.look(Collect(needs=("/",), files=(str(path),))).files.values()
    assert file.redacted
    assert not any(word in (file.text or "") for word in ("hunter2", "abc", "xyz", "MHcC"))
    assert len(lines.split(file.text or "")) == len(lines.split(text))
    assert "PasswordAuthentication no\n" in (file.text or "")
    assert "ssl_password_file /etc/x;\n" in (file.text or "")
    assert file.text == redact(text)


def test_words_to_follow_lead_to_further_files_and_loops_end(host: Host) -> None:
    main = host.file("main", f'include sub/*.conf;\nInclude "{host.etc}/q"\n'.encode())
    host.file("sub/a.conf", f"include {main};\ninclude deep;\n".encode())
    host.file("deep", b"end\n")
    host.file("q", b"q\n")
    found = host.look(Collect(needs=("/",), files=(str(main),), follow=(Follow("include", str(host.etc)),)))
    assert sorted(str(Path(p).relative_to(host.etc)) for p in found.files) == ["deep", "main", "q", "sub/a.conf"]


def test_a_symbolic_link_shows_where_it_leads(host: Host) -> None:
    real = host.file("real", b"x\n")
    (host.etc / "link").symlink_to(real)
    assert host.look(Collect(needs=("/",), files=(f"{host.etc}/link",))).files[f"{host.etc}/link"].real == str(real)


def test_commands_answer_with_both_streams_and_their_code(host: Host) -> None:
    commands = {"two": ("sh", "-c", "echo out; echo err >&2; exit 3"), "none": ("no-such-program",), "quoted": ("printf", "%s", "a 'b' \"c\" $d\n")}
    found = host.look(Collect(needs=("/",), commands=commands)).answers
    assert (found["two"].rc, found["two"].out, found["two"].err) == (3, "out", "err")
    assert (found["none"].rc, found["none"].problem) == (None, "not found")
    assert found["quoted"].out == "a 'b' \"c\" $d"


def test_a_service_that_is_not_there_is_not_asked(host: Host) -> None:
    assert host.look(Collect(needs=(f"{host.etc}/nothing",), commands={"x": ("echo", "x")})).answers == {}


def test_a_script_that_was_cut_off_does_nothing(host: Host) -> None:
    path = host.file("f", b"old\n")
    whole = script.compose_apply(script.Transaction("t1", 60, Identity(), "me", (edit(path, Edit(1, 1, ("new\n",))),), (), TOKEN_HASH), {}, NONCE)
    for tenth in range(1, 10):
        with pytest.raises(NoAnswer):
            parse_transaction(host.send(whole[: len(whole) * tenth // 10]), NONCE)
    assert path.read_bytes() == b"old\n"
    assert list(host.state.iterdir()) == []


def test_an_answer_that_was_cut_off_or_drowned_in_noise_is_told_apart(host: Host) -> None:
    output = host.send(script.compose_collect({}, NONCE))
    noise = "Welcome!\r\n==CA:x:b64==\r\n" + output.replace("\n", "\r\n") + "bye\r\n"
    assert parse_snapshot(noise, NONCE, "h", "t").facts["uid"] == "0"
    with pytest.raises(NoAnswer, match="cut off"):
        parse_snapshot(output[: len(output) // 2], NONCE, "h", "t")
    with pytest.raises(NoAnswer):
        parse_snapshot("", NONCE, "h", "t")


# ---------------------------------------------------------------- transactions


def test_a_confirmed_change_stays_and_leaves_only_its_snapshot(host: Host) -> None:
    path = host.file("f", b"a\r\nb\nc")
    path.chmod(0o640)
    report = host.apply(
        edit(path, Edit(2, 1, ("B'$x\\n\n", "two\n"))), Change(f"{host.etc}/n", "", (Edit(1, 0, ("new\n",)),), "", "root", "root", "0600")
    )
    assert (report.state, report.error) == ("RELOADED", "")
    states = [line.state for line in report.journal]
    assert states.index("ARMED") < states.index("SWAPPING")
    done = host.confirm()
    assert done.state == "CLEANED"
    assert path.read_bytes() == b"a\r\nB'$x\\n\ntwo\nc"
    assert (path.stat().st_mode & 0o777, (host.etc / "n").stat().st_mode & 0o777) == (0o640, 0o600)
    assert host.leftovers() == []
    assert (host.state / "tx/t1/old/1").read_bytes() == b"a\r\nb\nc"
    assert not (host.state / "tx/t1/token").exists()
    assert host.confirm().state == "CLEANED"


def test_a_reverted_change_brings_back_the_very_inode(host: Host) -> None:
    path = host.file("f", b"old\n")
    path.chmod(0o604)
    os.setxattr(path, "user.mark", b"1")
    before = facts(path)
    made = host.etc / "made"
    host.apply(edit(path, Edit(1, 1, ("new\n",))), Change(str(made), "", (Edit(1, 0, ("x\n",)),)))
    assert path.read_bytes() == b"new\n"
    report = host.revert()
    assert report.state == "REVERTED"
    assert facts(path) == before
    assert os.getxattr(path, "user.mark") == b"1"
    assert path.stat().st_nlink == 1
    assert not made.exists()
    assert host.leftovers() == []
    assert host.revert().state == "REVERTED"


def test_a_wrong_token_is_refused_and_the_deadline_reverts_alone(host: Host) -> None:
    path = host.file("f", b"old\n")
    before = facts(path)
    assert host.apply(edit(path, Edit(1, 1, ("new\n",))), seconds=4).state == "RELOADED"
    refused = host.confirm(token="guess")
    assert (refused.error, refused.state) == ("wrong-token", "RELOADED")
    until = time.monotonic() + 15
    while host.status().state != "REVERTED" and time.monotonic() < until:
        time.sleep(0.5)
    assert host.status().state == "REVERTED"
    assert facts(path) == before
    assert host.confirm().error == "already-reverted"
    assert path.read_bytes() == b"old\n"


def test_the_same_script_sent_twice_applies_once(host: Host) -> None:
    path = host.file("f", b"a\n")
    change = edit(path, Edit(2, 0, ("b\n",)))
    host.apply(change)
    again = host.apply(change)
    assert (again.state, path.read_bytes()) == ("RELOADED", b"a\nb\n")
    host.revert()


def test_a_second_transaction_is_told_who_is_pending(host: Host) -> None:
    first, second = host.file("f", b"a\n"), host.file("g", b"a\n")
    host.apply(edit(first, Edit(1, 1, ("b\n",))))
    report = host.apply(edit(second, Edit(1, 1, ("b\n",))), id_="t2")
    assert (report.state, report.error) == ("REFUSED", "pending")
    assert "transaction t1 of host" in report.message
    assert "me, testing" in report.message
    assert second.read_bytes() == b"a\n"
    host.revert()


def test_a_file_that_changed_since_the_plan_stops_everything(host: Host) -> None:
    first, second = host.file("f", b"a\n"), host.file("g", b"a\n")
    changes = edit(first, Edit(1, 1, ("b\n",))), edit(second, Edit(1, 1, ("b\n",)))
    second.write_bytes(b"somebody\n")
    report = host.apply(*changes)
    assert (report.state, report.error) == ("REFUSED", "changed")
    assert str(second) in report.message
    assert (first.read_bytes(), second.read_bytes()) == (b"a\n", b"somebody\n")
    assert host.leftovers() == []
    assert [p.name for p in (host.state / "tx/t1").iterdir()] == ["journal"]


def test_other_hard_links_and_a_missing_folder_are_refused(host: Host) -> None:
    path = host.file("f", b"a\n")
    os.link(path, host.etc / "other")
    assert host.apply(edit(path, Edit(1, 1, ("b\n",)))).error == "refused-target"
    gone = Change(f"{host.etc}/none/x", "", (Edit(1, 0, ("x\n",)),))
    assert host.apply(gone, id_="t2").error == "refused-target"
    assert path.read_bytes() == b"a\n"
    assert host.leftovers() == []


def test_a_check_that_fails_leaves_no_change(host: Host) -> None:
    path = host.file("f", b"good\n")
    check = Activation("svc", ("no-such.service",), (), ("sh", "-c", f"grep -q good {path} || {{ echo bad line 1; exit 1; }}"), "reload")
    report = host.apply(edit(path, Edit(1, 1, ("evil\n",))), activations=(check,))
    assert (report.state, report.error) == ("REFUSED", "validate")
    assert "bad line 1" in report.message
    assert path.read_bytes() == b"good\n"
    assert host.leftovers() == []


def test_another_machine_is_refused(host: Host) -> None:
    path = host.file("f", b"a\n")
    transaction = script.Transaction("t1", 60, Identity("another", ""), "me", (edit(path, Edit(1, 1, ("b\n",))),), (), TOKEN_HASH)
    report = parse_transaction(host.send(script.compose_apply(transaction, {}, NONCE)), NONCE)
    assert (report.state, report.error) == ("REFUSED", "identity")
    assert path.read_bytes() == b"a\n"


def test_a_rollback_restores_bytes_owner_mode_and_time(host: Host) -> None:
    path, made = host.file("f", b"old\n"), host.etc / "made"
    path.chmod(0o640)
    before = (path.read_bytes(), path.stat().st_mode, int(path.stat().st_mtime))
    host.apply(edit(path, Edit(1, 1, ("new\n",))), Change(str(made), "", (Edit(1, 0, ("x\n",)),)))
    host.confirm()
    now = lines.sha256("new\n")
    report = host.apply(script.Restore(str(path), now, "t1", 1), script.Restore(str(made), lines.sha256("x\n"), "t1", 2, "remove"), id_="t2")
    assert (report.state, report.error) == ("RELOADED", "")
    assert host.confirm("t2").state == "CLEANED"
    assert (path.read_bytes(), path.stat().st_mode, int(path.stat().st_mtime)) == before
    assert not made.exists()


def test_what_a_change_made_of_a_file_is_known_also_when_its_plan_could_not_tell(host: Host) -> None:
    """The controller sees a redacted text, so its plan has no hash of the result; the host has, and a rollback needs it."""
    path, made = host.file("f", b"password = x\nold\n"), host.etc / "made"
    blind = Change(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), (Edit(2, 1, ("new\n",)),), "")
    host.apply(blind, Change(str(made), "", (Edit(1, 0, ("x\n",)),), ""))
    done = host.confirm()
    assert [kept.after for kept in done.files] == [hashlib.sha256(b"password = x\nnew\n").hexdigest(), lines.sha256("x\n")]
    path.write_bytes(b"theirs\n")
    kept = host.status().files[0]
    assert kept.after != kept.now


def test_a_rollback_over_somebody_elses_change_is_refused(host: Host) -> None:
    path = host.file("f", b"old\n")
    host.apply(edit(path, Edit(1, 1, ("new\n",))))
    host.confirm()
    path.write_bytes(b"theirs\n")
    report = host.apply(script.Restore(str(path), lines.sha256("new\n"), "t1", 1), id_="t2")
    assert (report.error, str(path) in report.message) == ("changed", True)
    assert path.read_bytes() == b"theirs\n"


def test_the_copy_on_the_host_reverts_without_any_controller(host: Host) -> None:
    path = host.file("f", b"old\n")
    before = facts(path)
    host.apply(edit(path, Edit(1, 1, ("new\n",))))
    assert (host.state / "tx/t1").stat().st_mode & 0o777 == 0o700
    host.send("sh /var/lib/crypto-agility/tx/t1/revert.sh\n")
    assert host.status().state == "REVERTED"
    assert facts(path) == before


def test_a_confirmed_change_is_not_reverted_by_revert(host: Host) -> None:
    path = host.file("f", b"old\n")
    host.apply(edit(path, Edit(1, 1, ("new\n",))))
    host.confirm()
    assert host.revert().error == "late"
    assert path.read_bytes() == b"new\n"


def test_recover_takes_back_what_another_boot_left(host: Host) -> None:
    path = host.file("f", b"old\n")
    before = facts(path)
    host.apply(edit(path, Edit(1, 1, ("new\n",))))
    (host.state / "tx/t1/boot").write_text("another boot\n", encoding="utf-8")
    report = parse_transaction(host.send(script.compose_recover(NONCE)), NONCE)
    assert report.state == "REVERTED"
    assert facts(path) == before


def test_a_path_with_a_control_character_is_refused_before_anything() -> None:
    with pytest.raises(Problem, match="cannot be changed"):
        script.compose_apply(
            script.Transaction("t1", 60, Identity(), "me", (Change("/etc/a\nb", "", (Edit(1, 0, ("x\n",)),)),), (), TOKEN_HASH), {}, NONCE
        )


@pytest.mark.parametrize("id_", ["", "a b", "../x", "-x", "x" * 65, "$(id)"])
def test_a_strange_id_never_reaches_a_shell(id_: str) -> None:
    with pytest.raises(Problem):
        script.compose_confirm(id_, TOKEN, NONCE)
