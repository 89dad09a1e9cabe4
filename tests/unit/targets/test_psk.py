"""A key that two ends share: made on one host, sealed for the other, put into a file there, and what the end that follows does at its deadline."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, psk, script
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.keyed import Keyed

from .agent_host import NONCE, Host, sha256

SALT = "00112233"
OLD = "T2xkT2xkT2xkT2xkT2xkT2xkT2xkT2xkT2xkT2xkT2w="
PEER = "cGVlcnBlZXJwZWVycGVlcnBlZXJwZWVycGVlcnBlZXI="
CONF = f"[Interface]\nPrivateKey = x\n\n[Peer]\n# the branch\nPublicKey = {PEER}\nPresharedKey = {OLD}\nAllowedIPs = 10.0.0.2/32\n"
# A WireGuard whose other end has the key that stands in the file "other", and answers no other one.
WG = """#!/bin/sh
cd {root}/wg
case "$1 $3" in
  "show endpoints") printf '{peer}\\t10.0.0.2:51820\\n' ;;
  "show latest-handshakes") printf '{peer}\\t%s\\n' "$(cat met)" ;;
  "show preshared-keys") printf '{peer}\\t%s\\n' "$(cat psk)" ;;
  "syncconf "*) sed -n 's/^PresharedKey = //p' >psk ;;
  "set peer") case "$5" in
    remove) echo 0 >met ;;
    preshared-key) cat >psk ;;
    endpoint) if cmp -s psk other; then echo 1700000000 >met; fi ;;
    esac ;;
esac
"""


@pytest.fixture
def wired(host: Host) -> Host:
    (host.root / "wg").mkdir()
    host.write("wg0.conf", CONF).chmod(0o600)
    for name, text in (("psk", f"{OLD}\n"), ("other", f"{OLD}\n"), ("met", "1600000000\n")):
        (host.root / "wg" / name).write_text(text)
    host._program("wg", WG.format(root=host.root, peer=PEER))
    host._program("wg-quick", f"#!/bin/sh\ncat {host.etc}/wg0.conf\n")
    host._program("service", f"#!/bin/sh\n{host.root}/bin/wg syncconf wg0 /dev/stdin <{host.etc}/wg0.conf\n")
    host._program("sleep", "#!/bin/sh\nexec /bin/sleep 0.05\n")
    return host


def waiting(host: Host, id_: str) -> Path:
    return host.state / "keys" / id_ / "1.key"


def receiver(host: Host, id_: str) -> psk.Receiver:
    return psk.parse_receiver(host.send(psk.compose_receiver(id_, NONCE)), NONCE, "h")


def made(host: Host, id_: str, to: psk.Receiver) -> psk.Sealed:
    return psk.parse_make(host.send(psk.compose_make(id_, SALT, to, NONCE)), NONCE, "h")


def taken(host: Host, id_: str, sealed: psk.Sealed) -> str:
    return psk.parse_take(host.send(psk.compose_take(id_, SALT, sealed, NONCE)), NONCE, "h")


def test_a_key_arrives_at_the_other_end_and_only_its_ciphertext_and_a_digest_travel(any_host: Host) -> None:
    to = receiver(any_host, "b")
    output = any_host.send(psk.compose_make("a", SALT, to, NONCE))
    sealed = psk.parse_make(output, NONCE, "h")
    assert taken(any_host, "b", sealed) == sealed.digest
    key = waiting(any_host, "a").read_text().strip()
    assert waiting(any_host, "b").read_text().strip() == key and len(base64.b64decode(key)) == 32
    assert key not in answer.body(output, NONCE) + sealed.text
    assert waiting(any_host, "b").stat().st_mode & 0o777 == 0o600
    assert made(any_host, "a", to).digest == sealed.digest, "sent twice it makes no second key"
    any_host.send(script.compose_drop_keys("b", NONCE))
    assert not waiting(any_host, "b").parent.exists()


def test_two_keys_are_two_keys(host: Host) -> None:
    to = receiver(host, "b")
    assert made(host, "a", to).digest != made(host, "c", to).digest


def test_what_was_changed_on_its_way_does_not_open(host: Host) -> None:
    sealed = made(host, "a", receiver(host, "b"))
    head, body, tail = sealed.text.partition("-----\n")[0], *sealed.text.partition("-----\n")[2].split("-----END", 1)
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1  # the end is the tag of GCM
    other = f"{head}-----\n{base64.encodebytes(bytes(raw)).decode()}-----END{tail}"
    with pytest.raises(Problem, match="openssl cms says"):
        taken(host, "b", replace(sealed, text=other))
    assert not waiting(host, "b").exists()


def test_it_takes_the_place_of_the_old_one_and_the_way_back_restores_the_very_file(any_host: Host) -> None:
    path = any_host.write("wg0.conf", CONF)
    path.chmod(0o600)
    inode, before = path.stat().st_ino, sha256(path)
    made(any_host, "t-1", receiver(any_host, "b"))
    key = waiting(any_host, "t-1").read_text()
    report = any_host.apply(Keyed(str(path), before, 7, 1, "PresharedKey = "))
    assert report.state == "RELOADED", report
    assert path.read_text() == CONF.replace(f"{OLD}\n", key) and path.stat().st_mode & 0o777 == 0o600
    any_host.revert()
    assert (path.stat().st_ino, sha256(path)) == (inode, before) and not waiting(any_host, "t-1").exists()


def test_a_key_is_written_into_no_file_that_everybody_reads(host: Host) -> None:
    path = host.write("wg0.conf", CONF)
    path.chmod(0o644)
    made(host, "t-1", receiver(host, "b"))
    report = host.apply(Keyed(str(path), sha256(path), 7, 1, "PresharedKey = "))
    assert report.state == "REFUSED" and path.read_text() == CONF


# ---------------------------------------------------------------- the end that follows


def following(host: Host) -> str:
    """Armed with a new key, told to follow, and its deadline has come.  The new key."""
    made(host, "t-1", receiver(host, "b"))
    key = waiting(host, "t-1").read_text()
    path = host.etc / "wg0.conf"
    assert host.apply(Keyed(str(path), sha256(path), 7, 1, "PresharedKey = "), seconds=600).state == "RELOADED"
    assert (host.root / "wg/psk").read_text() == key
    assert host.ask(psk.compose_follow("t-1", 300, "wg0", PEER, NONCE), answer.parse_transaction).error == ""
    return key


def due(host: Host) -> None:
    (host.state / "tx/t-1/deadline").write_text("0\n")


def test_it_keeps_the_new_key_when_the_other_end_has_it(wired: Host) -> None:
    key = following(wired)
    (wired.root / "wg/other").write_text(key)
    due(wired)
    assert wired.wait("CLEANED", seconds=60).state == "CLEANED"
    assert f"PresharedKey = {key}" in (wired.etc / "wg0.conf").read_text() and (wired.root / "wg/psk").read_text() == key


def test_it_goes_back_when_the_other_end_went_back(wired: Host) -> None:
    following(wired)
    due(wired)
    assert wired.wait("REVERTED", seconds=60).state == "REVERTED"
    assert (wired.etc / "wg0.conf").read_text() == CONF and (wired.root / "wg/psk").read_text() == f"{OLD}\n"


@pytest.mark.parametrize("new", [True, False])
def test_while_nobody_answers_it_waits_and_then_does_as_the_other_end_did(wired: Host, new: bool) -> None:
    key = following(wired)
    other = wired.root / "wg/other"
    other.write_text("somebody else's\n")
    due(wired)
    assert wired.wait("REVERTED", seconds=3).state == "RELOADED"
    other.write_text(key if new else f"{OLD}\n")
    end = "CLEANED" if new else "REVERTED"
    assert wired.wait(end, seconds=60).state == end


def test_without_being_told_to_it_goes_back_like_any_change(wired: Host) -> None:
    made(wired, "t-1", receiver(wired, "b"))
    path = wired.etc / "wg0.conf"
    (wired.root / "wg/other").write_text(waiting(wired, "t-1").read_text())
    wired.apply(Keyed(str(path), sha256(path), 7, 1, "PresharedKey = "), seconds=600)
    due(wired)
    assert wired.wait("REVERTED", seconds=60).state == "REVERTED" and path.read_text() == CONF


def test_it_is_not_told_to_follow_when_the_other_end_might_decide_after_it(wired: Host) -> None:
    made(wired, "t-1", receiver(wired, "b"))
    path = wired.etc / "wg0.conf"
    wired.apply(Keyed(str(path), sha256(path), 7, 1, "PresharedKey = "), seconds=100)
    report = wired.ask(psk.compose_follow("t-1", 200, "wg0", PEER, NONCE), answer.parse_transaction)
    assert report.error == "late" and "only" in report.message
    assert not (wired.state / "tx/t-1/follow").exists()


def test_what_is_in_use_is_told_as_digests_alone(wired: Host) -> None:
    output = wired.send(psk.compose_seen("wg0", PEER, SALT, False, NONCE))
    seen = psk.parse_seen(output, NONCE, "h")
    assert seen.live == seen.file and len(seen.live) == 64 and seen.met == 1600000000
    assert OLD not in answer.body(output, NONCE)
