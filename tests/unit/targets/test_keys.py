"""agent/keys.sh: private keys that are made on the host wait there, 0600 in 0700, for one transaction, and leave no trace."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.escrow import Recipient
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.keys import kind
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.request import request_config
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.escrow import escrow_calls, parse_escrow

from .agent_host import NONCE, Host, sha256

ORDER = (kind("ECDSA-P256").options, "/nowhere/server.key", request_config(("a.test",)))


def made(host: Host, *orders: tuple[tuple[str, ...], str, str]) -> tuple[answer.NewKey, ...]:
    return answer.parse_keys(host.send(script.compose_keys("t-1", orders, NONCE)), NONCE, "h")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_key_is_made_once_for_nobody_else_and_only_its_request_travels(any_host: Host) -> None:
    like = any_host.write("server.key", "old\n")
    like.chmod(0o640)
    (key,) = made(any_host, (ORDER[0], str(like), ORDER[2]))
    assert key.request.startswith("-----BEGIN CERTIFICATE REQUEST-----") and key.mode == "640"
    kept = any_host.state / "keys/t-1/1.key"
    assert (mode(kept), mode(kept.parent), mode(kept.parent.parent)) == (0o600, 0o700, 0o700)
    before = kept.read_bytes()
    output = any_host.send(script.compose_keys("t-1", [ORDER], NONCE))
    assert kept.read_bytes() == before, "sent twice it makes no second one"
    assert before.decode().splitlines()[1] not in output


def test_what_openssl_cannot_make_is_said_in_its_words_and_leaves_no_key(any_host: Host) -> None:
    with pytest.raises(Problem, match="openssl genpkey says"):
        made(any_host, (("-algorithm", "NO-SUCH-KEY"), "/nowhere", ORDER[2]))
    assert [path.name for path in (any_host.state / "keys/t-1").glob("*.key")] == []


def test_a_host_that_can_make_no_key_in_a_token_says_what_it_lacks_and_shows_no_pin(any_host: Host) -> None:
    pin = any_host.write("pin", "4711")
    pin.chmod(0o600)
    with pytest.raises(Problem, match=r"has no provider pkcs11: activate it, behind the default one, in .*openssl\.cnf"):
        made(any_host, (ORDER[0], f"pkcs11:token=t;object=o;type=private?pin-source=file:{pin}", ORDER[2]))
    assert not (any_host.state / "keys").exists()


def test_a_key_gets_to_its_place_with_a_transaction_and_waits_nowhere_else(any_host: Host) -> None:
    made(any_host, ORDER)
    new = any_host.etc / "new.key"
    any_host.apply(script.Place(str(new), 1, "root", "root", "0640"))
    assert "PRIVATE KEY" in new.read_text() and mode(new) == 0o640
    any_host.confirm()
    assert not (any_host.state / "keys/t-1").exists()


def test_a_change_that_goes_back_takes_the_key_along(host: Host) -> None:
    made(host, ORDER)
    new = host.etc / "new.key"
    host.apply(script.Place(str(new), 1, "root", "root", "0600"))
    host.revert()
    assert not new.exists() and not (host.state / "keys/t-1").exists()


def test_recover_removes_keys_that_no_transaction_came_for_when_a_day_has_passed(host: Host) -> None:
    made(host, ORDER)
    folder = host.state / "keys/t-1"
    host.ask(script.compose_recover(NONCE), answer.parse_transactions)
    assert folder.exists(), "somebody may be at it"
    os.utime(folder, (1, 1))
    host.ask(script.compose_recover(NONCE), answer.parse_transactions)
    assert not folder.exists()


def test_keys_that_are_held_wait_their_days_and_no_longer(any_host: Host) -> None:
    made(any_host, ORDER)
    folder = any_host.state / "keys/t-1"
    before = (folder / "1.key").read_bytes()
    any_host.ask(script.compose_hold_keys("t-1", 30, NONCE), answer.body)
    made(any_host, ORDER)
    assert (folder / "1.key").read_bytes() == before, "a later run finds the key of the first"
    for age, there in ((29, True), (31, False)):
        os.utime(folder, (time.time() - age * 86400,) * 2)
        any_host.ask(script.compose_recover(NONCE), answer.parse_transactions)
        assert folder.exists() == there
    any_host.ask(script.compose_hold_keys("t-1", 30, NONCE), answer.body)
    assert not folder.exists(), "nothing is held that is not there"


def test_chain_and_key_are_put_together_here_and_nobody_else_can_read_them(any_host: Host) -> None:
    made(any_host, ORDER)
    new = any_host.etc / "site.pem"
    any_host.apply(script.Place(str(new), 1, "root", "root", "0640", "the chain's \\ $bytes\n"))
    text = new.read_text()
    assert text.startswith("the chain's \\ $bytes\n-----BEGIN ") and text.count("PRIVATE KEY") == 2 and mode(new) == 0o640
    any_host.revert()
    assert not new.exists() and not (any_host.state / "keys/t-1").exists()


def test_a_file_gives_way_to_chain_and_key_and_comes_back_byte_for_byte(any_host: Host) -> None:
    made(any_host, ORDER)
    old = any_host.write("site.pem", "old chain\nold key\n")
    old.chmod(0o600)
    before, inode = old.read_bytes(), old.stat().st_ino
    any_host.apply(script.Place(str(old), 1, "root", "root", "0600", "chain\n", sha256(old)))
    assert old.read_text().startswith("chain\n-----BEGIN ") and "old" not in old.read_text() and mode(old) == 0o600
    any_host.revert()
    assert (old.read_bytes(), old.stat().st_ino, mode(old)) == (before, inode, 0o600)


def test_a_key_is_not_written_into_a_file_that_everybody_can_read(any_host: Host) -> None:
    made(any_host, ORDER)
    old = any_host.write("site.pem", "old\n")
    old.chmod(0o644)
    report = any_host.apply(script.Place(str(old), 1, "root", "root", "0600", "chain\n", sha256(old)))
    assert report.state == "REFUSED" and "everybody can read" in report.message, report
    assert old.read_text() == "old\n" and sorted(path.name for path in any_host.etc.iterdir()) == ["site.pem"]


def test_what_is_to_be_kept_leaves_neither_plain_nor_secret_behind_even_where_it_fails(any_host: Host) -> None:
    """Neither of these is a recipient; an openssl that could take them is tried in the lab."""
    output = any_host.send(script.compose_keys("t-1", [ORDER], NONCE, (), escrow_calls("t-1", {1: Recipient("no certificate", "no key", "")})))
    said = parse_escrow(output, NONCE)
    assert set(said) == {1} and said[1].error and not said[1].sealed
    folder = any_host.state / "keys/t-1"
    assert sorted(path.name for path in folder.iterdir()) == ["1.cnf", "1.csr", "1.key"]
    assert (folder / "1.key").read_text().splitlines()[1] not in answer.body(output, NONCE)
