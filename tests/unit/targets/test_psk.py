"""agent/psk.sh: what the end of a WireGuard tunnel that follows the other one does at its deadline, and how its key is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.wireguard_key import Form, KeyEnd
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
  "show allowed-ips") printf '{peer}\\t10.0.0.2/32 fd00::2/128\\n' ;;
  "show persistent-keepalive") printf '{peer}\\t25\\n' ;;
  "show preshared-keys") printf '{peer}\\t%s\\n' "$(cat psk)" ;;
  "syncconf "*) sed -n 's/^PresharedKey = //p' >psk ;;
  "set peer") case "$5" in
    remove) echo 0 >met; [ $# -lt 6 ] || {{ echo "$*" >again; cat >new; mv new psk; ! cmp -s psk other || echo 1700000000 >met; }} ;;
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


def end(path: Path, form: Form = "quick") -> KeyEnd:
    line, delete = (1, 1) if form == "key" else (7, 1)
    return KeyEnd("h", "wg0", PEER, str(path), sha256(path), line, delete, True, form)


def following(host: Host, where: KeyEnd | None = None) -> str:
    """Armed with a new key, told to follow, and its deadline has come.  The new key."""
    where = where or end(host.etc / "wg0.conf")
    made(host, "t-1", receiver(host, "b"))
    key = waiting(host, "t-1").read_text()
    assert host.apply(Keyed(where.path, where.sha256, where.line, where.delete, where.lead), seconds=600).state == "RELOADED"
    assert (host.root / "wg/psk").read_text() == key
    assert host.ask(psk.compose_follow("t-1", 300, where, NONCE), answer.parse_transaction).error == ""
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
    report = wired.ask(psk.compose_follow("t-1", 200, end(path), NONCE), answer.parse_transaction)
    assert report.error == "late" and "only" in report.message
    assert not (wired.state / "tx/t-1/follow").exists()


def test_what_is_in_use_is_told_as_digests_alone(wired: Host) -> None:
    output = wired.send(psk.compose_seen(end(wired.etc / "wg0.conf"), SALT, False, NONCE))
    seen = psk.parse_seen(output, NONCE, "h")
    assert seen.live == seen.file and len(seen.live) == 64 and seen.met == 1600000000
    assert OLD not in answer.body(output, NONCE)


# ---------------------------------------------------------------- networkd


NETDEV = f"[NetDev]\nName = wg0\nKind = wireguard\n\n[WireGuardPeer]\nPublicKey = {PEER}\nPresharedKey = {OLD}\nAllowedIPs = 10.0.0.2/32\n"
TEXTS: dict[Form, str] = {"netdev": NETDEV, "key": f"{OLD}\n"}


@pytest.fixture(params=["netdev", "key"])
def networkd(wired: Host, request: pytest.FixtureRequest) -> KeyEnd:
    """Whose reload takes up what the file says, and does nothing where that is as it was."""
    form: Form = request.param
    path = wired.write("wg0", TEXTS[form])
    path.chmod(0o640)
    take = f"sed -n 's/^PresharedKey *= *//p' {path}" if form == "netdev" else f"cat {path}"
    wired._program("service", f"#!/bin/sh\n{take} >{wired.root}/wg/psk\n")
    wired._program("wg-quick", "#!/bin/sh\nexit 1\n")
    return end(path, form)


def test_networkds_end_keeps_the_new_key_when_the_other_end_has_it(wired: Host, networkd: KeyEnd) -> None:
    key = following(wired, networkd)
    (wired.root / "wg/other").write_text(key)
    due(wired)
    assert wired.wait("CLEANED", seconds=60).state == "CLEANED"
    assert key.strip() in Path(networkd.path).read_text() and (wired.root / "wg/psk").read_text() == key
    words = (wired.root / "wg/again").read_text().split()
    assert words[:7] == ["set", "wg0", "peer", PEER, "remove", "peer", PEER], "in one call, so that it is never without its peer"
    assert "10.0.0.2/32,fd00::2/128" in words and "10.0.0.2:51820" in words and key.strip() not in words


def test_networkds_end_goes_back_when_the_other_end_went_back(wired: Host, networkd: KeyEnd) -> None:
    following(wired, networkd)
    due(wired)
    assert wired.wait("REVERTED", seconds=60).state == "REVERTED"
    assert Path(networkd.path).read_text() == TEXTS[networkd.form] and (wired.root / "wg/psk").read_text() == f"{OLD}\n"
    assert (Path(networkd.path).stat().st_mode & 0o777) == 0o640


def test_what_networkd_has_in_use_is_told_as_digests_alone(wired: Host, networkd: KeyEnd) -> None:
    output = wired.send(psk.compose_seen(networkd, SALT, True, NONCE))
    seen = psk.parse_seen(output, NONCE, "h")
    assert seen.live == seen.file and len(seen.live) == 64 and seen.met == 1700000000
    assert OLD not in answer.body(output, NONCE) and "persistent-keepalive 1" in (wired.root / "wg/again").read_text()
