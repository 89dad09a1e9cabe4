"""The agent while host keys change: it knows its machine again, makes keys that never leave, and brings removed files back."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Change, Edit, Identity, Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.parts import TRANSACTION

from .agent_host import DIGEST, NONCE, Host, replace_line, sha256

NEW = "ed25519_20270110"


@pytest.fixture(autouse=True)
def a_key(request: pytest.FixtureRequest) -> None:
    for name in {"any_host", "host"} & set(request.fixturenames):
        request.getfixturevalue(name).host_key("ed25519")


def new_key() -> Change:
    """The public half of a new host key, as a rotation puts it there."""
    return Change(f"/etc/ssh/ssh_host_{NEW}_key.pub", "", (Edit(1, 0, ("ssh-ed25519 BBBB\n",)),))


def old_key(host: Host, name: str = "ed25519") -> script.Remove:
    path = f"/etc/ssh/ssh_host_{name}_key.pub"
    return script.Remove(path, sha256(Path(host.place(path))))


def crashed(host: Host, id_: str = "t-1") -> None:
    """The machine went down and came up again."""
    host.end()
    (host.state / "tx" / id_ / "boot").write_text("another boot\n")


def recovered(host: Host) -> list[str]:
    return [report.state for report in host.ask(script.compose_recover(NONCE), answer.parse_transactions)]


# ---------------------------------------------------------------- which machine it is


def test_a_rotation_that_is_cut_off_by_a_boot_goes_back_although_the_host_key_is_another(any_host: Host) -> None:
    any_host.apply(new_key())
    any_host.confirm()
    old = old_key(any_host)
    assert any_host.apply(old, id_="t-2").state == "RELOADED"
    assert not Path(any_host.place(old.path)).exists()
    crashed(any_host, "t-2")
    assert recovered(any_host) == ["CLEANED", "REVERTED"]
    assert sha256(Path(any_host.place(old.path))) == old.sha256


def test_a_change_that_replaces_every_host_key_at_once_is_known_again_in_either_state(any_host: Host) -> None:
    """A rollback of a whole rotation: none of the keys of before is left, and the boot still finds its own transaction."""
    old = old_key(any_host)
    assert any_host.apply(new_key(), old).state == "RELOADED"
    crashed(any_host)
    assert recovered(any_host) == ["REVERTED"]
    assert Path(any_host.place(old.path)).exists() and not Path(any_host.place(new_key().path)).exists()


def test_a_transaction_that_waits_while_one_key_is_made_anew_is_still_ours_after_a_boot(any_host: Host) -> None:
    any_host.host_key("rsa")
    path = any_host.write("f", "old\n")
    any_host.apply(replace_line(path, 1, "new\n"))
    any_host.host_key("ed25519").write_text("ssh-ed25519 CCCC\n")
    crashed(any_host)
    assert recovered(any_host) == ["REVERTED"] and path.read_text() == "old\n"


def test_a_clone_with_host_keys_of_its_own_leaves_it_alone(any_host: Host) -> None:
    path = any_host.write("f", "old\n")
    any_host.apply(replace_line(path, 1, "new\n"))
    any_host.host_key("ed25519").write_text("ssh-ed25519 CCCC\n")
    crashed(any_host)
    assert recovered(any_host) == ["RELOADED"] and path.read_text() == "new\n"


def test_a_plan_holds_as_long_as_one_of_the_host_keys_that_it_saw_is_left(any_host: Host) -> None:
    seen = sha256(any_host.host_key("ed25519"))
    any_host.host_key(NEW)
    path = any_host.write("f", "old\n")

    def applied(id_: str) -> answer.TransactionReport:
        plan = script.Transaction(id_, 60, Identity(host_key=seen), "me", (replace_line(path, 1, f"{id_}\n"),), (), DIGEST)
        return any_host.ask(script.compose_apply(plan, {}, NONCE), answer.parse_transaction)

    assert applied("t-1").state == "RELOADED"
    any_host.confirm()
    any_host.host_key("ed25519").unlink()
    late = applied("t-2")
    assert (late.state, late.error) == ("REFUSED", "identity") and "make a new plan" in late.message


def test_a_host_is_known_by_every_host_key_that_it_has(any_host: Host) -> None:
    keys = [sha256(any_host.host_key(name)) for name in ("ed25519", NEW, "rsa")]
    (any_host.root / "ssh/ssh_host_rsa_key-cert.pub").write_text("a certificate is no key\n")
    said = any_host.send(f"{TRANSACTION}\nca_host_key && echo $ca_key")
    assert sorted(said.strip().split(",")) == sorted(keys)


# ---------------------------------------------------------------- what is removed


def test_a_removed_file_is_kept_and_a_rollback_brings_the_very_inode_back(any_host: Host) -> None:
    path = any_host.write("key", "secret\n")
    path.chmod(0o600)
    inode = path.stat().st_ino
    assert any_host.apply(script.Remove(str(path))).state == "RELOADED"
    any_host.confirm()
    kept = any_host.state / "tx/t-1/old/1"
    assert not path.exists() and (kept.read_text(), kept.stat().st_mode & 0o777) == ("secret\n", 0o600)
    assert any_host.apply(script.Restore(str(path), "", "t-1", 1, "create"), id_="t-2").state == "RELOADED"
    assert any_host.confirm("t-2").state == "CLEANED"
    assert (path.stat().st_ino, path.stat().st_nlink, path.stat().st_mode & 0o777) == (inode, 1, 0o600)
    assert not any_host.beside()


def test_bringing_a_removed_file_back_can_itself_go_back(any_host: Host) -> None:
    path = any_host.write("key", "secret\n")
    any_host.apply(script.Remove(str(path)))
    any_host.confirm()
    any_host.apply(script.Restore(str(path), "", "t-1", 1, "create"), id_="t-2")
    assert any_host.revert("t-2").state == "REVERTED"
    assert not path.exists() and (any_host.state / "tx/t-1/old/1").read_text() == "secret\n"


def test_a_removed_file_is_undone_by_hand_at_the_console(any_host: Host) -> None:
    path = any_host.write("key", "secret\n")
    any_host.apply(script.Remove(str(path), sha256(path)))
    any_host.confirm()
    any_host.send(f"sh {any_host.state}/tx/t-1/revert.sh")
    assert path.read_text() == "secret\n"


@pytest.mark.parametrize("there", [True, False])
def test_what_became_another_file_meanwhile_is_neither_removed_nor_brought_back(host: Host, there: bool) -> None:
    path = host.write("key", "secret\n")
    change: script.AnyChange = script.Remove(str(path), "0" * 64)
    if not there:
        host.apply(script.Remove(str(path)))
        host.confirm()
        host.write("key", "somebody\n")
        change = script.Restore(str(path), "", "t-1", 1, "create")
    assert host.apply(change, id_="t-2").error == "changed"


# ---------------------------------------------------------------- keys are made there


def made(host: Host, *options: str) -> str:
    (key,) = answer.parse_keys(host.send(script.compose_host_keys("t-1", [options], NONCE)), NONCE, "h")
    return key.request


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "ecdsa", "-b", "384"), ("-t", "rsa", "-b", "3072")])
def test_a_host_key_is_made_once_and_only_its_public_half_travels(any_host: Host, options: tuple[str, ...]) -> None:
    public = made(any_host, *options)
    kept = any_host.state / "keys/t-1/1.key"
    assert public.split() == kept.with_suffix(".key.pub").read_text().split() and kept.stat().st_mode & 0o777 == 0o600
    secret = kept.read_text()
    output = any_host.send(script.compose_host_keys("t-1", [options], NONCE))
    assert kept.read_text() == secret, "sent twice it makes no second one"
    assert secret.splitlines()[2] not in output


def test_a_kind_that_its_ssh_keygen_does_not_know_is_said_in_its_words(any_host: Host) -> None:
    with pytest.raises(Problem, match="ssh-keygen says"):
        made(any_host, "-t", "no-such-kind")


# ---------------------------------------------------------------- a file that is no text


def test_bytes_of_every_value_arrive_and_go_back(any_host: Host) -> None:
    content = bytes(range(256)) * 9
    path = any_host.etc / "krl"
    assert any_host.apply(script.Whole(str(path), "", content)).state == "RELOADED"
    assert path.read_bytes() == content and path.stat().st_mode & 0o777 == 0o644
    any_host.confirm()
    assert any_host.apply(script.Whole(str(path), sha256(path), b"\0"), id_="t-2").state == "RELOADED"
    assert path.read_bytes() == b"\0"
    any_host.revert("t-2")
    assert path.read_bytes() == content


def test_an_installed_agent_is_not_sent_what_is_no_text() -> None:
    message = script.compose_apply(script.Transaction("t", 9, Identity(), "me", (script.Whole("/etc/ssh/krl", "", b"\0"),), ()), {}, NONCE)
    with pytest.raises(Problem, match="full become"):
        as_data(message)


# ---------------------------------------------------------------- what the check sees


@pytest.mark.parametrize("first", ["outer", "inner"])
def test_the_check_sees_new_files_of_a_folder_and_of_one_inside_it(any_host: Host, first: str) -> None:
    """As /etc/ssh and /etc/ssh/sshd_config.d: mounted one over the other, the outer would hide the inner."""
    (any_host.etc / "d").mkdir()
    outer, inner = (Change(str(any_host.etc / name), "", (Edit(1, 0, (f"{text}\n",)),)) for name, text in (("a", "good"), ("d/b", "BAD")))
    changes = (outer, inner) if first == "outer" else (inner, outer)
    report = any_host.apply(*changes, check=str(any_host.etc / "d/b"))
    assert (report.state, report.error) == ("REFUSED", "validate"), "before anything was swapped"
