"""agent/psk.sh: what the end of a WireGuard tunnel that follows the other one does at its deadline, and how its key is shown."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import answer, psk
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.keyed import Keyed

from .agent_host import NONCE, Host, sha256
from .test_sealed import CONF, OLD, PEER, SALT, made, receiver, waiting

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
