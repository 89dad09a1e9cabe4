"""agent/tunnels.sh, services/openvpn_session.py: the newest session as the logs of a server of 2.6 and of clients of 2.7 and 2.6 tell it."""

from __future__ import annotations

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.openvpn_session import Session, agreed, session
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.tunnels import compose_now, compose_session, parse_line

from tests.fixtures.tunnels.load import HERE

from .agent_host import NONCE, Host

SAYS = """#!/bin/sh
for word; do printf '<%s>' "$word"; done >>{log}
echo >>{log}
case $* in
  *show-cursor*) echo '-- cursor: s=84;i=9e' ;;
  *MainPID*) echo {pid} ;;
  *) cat {journal} ;;
esac
"""
NEW = "peer temporary key: 768 bits X25519MLKEM768"
OLD = "peer temporary key: 253 bits X25519"
UP = Session(True, "TLSv1.3", "x25519", "AES-256-GCM")
HYBRID = Session(True, "TLSv1.3", "X25519MLKEM768", "AES-256-GCM")


def log(host: str) -> str:
    return (HERE / f"{host}.log").read_text(encoding="utf-8")


def told(host: Host, journal: str, name: str = "", since: str = "", pid: str = "43") -> Session | None:
    (host.root / "journal").write_text(journal)
    for program in ("journalctl", "systemctl"):
        path = host.root / "bin" / program
        path.write_text(SAYS.format(log=host.root / "asked", pid=pid, journal=host.root / "journal"))
        path.chmod(0o755)
    return session(host.ask(compose_session("-x; a.service", since, name, NONCE), parse_line))


def test_each_shell_finds_the_newest_session_of_a_client_in_the_log_of_its_server(any_host: Host) -> None:
    """tun-b came twice, with tun-c behind it."""
    again = log("tun-a").replace(
        f"44008 Control Channel: TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 256 bits ECprime256v1, signature: ecdsa-with-SHA256, {OLD}",
        f"44008 Control Channel: TLSv1.3, {NEW}",
    )
    assert told(any_host, again, "tun-b") == HYBRID
    assert told(any_host, again, "tun-c") == UP
    assert told(any_host, again, "tun") is None is told(any_host, again, "tun-b", pid="0")
    asked = (any_host.root / "asked").read_text().splitlines()
    assert asked[:2] == ["<show><-p><MainPID><--value><-x; a.service>", "<-q><-b><-o><cat><--lines=20000><_PID=43>"]


def test_each_shell_tells_what_a_client_says_of_itself_and_asks_for_what_is_newer(any_host: Host) -> None:
    assert told(any_host, log("tun-b"), since="s=84;i=9e") == UP == told(any_host, log("tun-c"))
    assert "<--after-cursor=s=84;i=9e>" in (any_host.root / "asked").read_text()
    assert any_host.ask(compose_now(NONCE), parse_line) == "s=84;i=9e"


def test_a_hybrid_is_named_by_a_client_of_2_7_and_by_none_of_2_6(host: Host) -> None:
    assert told(host, log("tun-b").replace("key agreement: x25519", "key agreement: X25519MLKEM768")) == HYBRID
    silent = told(host, log("tun-c").replace(f", {OLD}", ""))
    assert silent == Session(True, "TLSv1.3", "", "AES-256-GCM")


@pytest.mark.parametrize("ended", ["SIGUSR1[soft,ping-restart] received, process restarting", "SIGTERM[hard,] received, process exiting"])
def test_a_client_that_connects_anew_is_not_up(host: Host, ended: str) -> None:
    found = told(host, f"{log('tun-b')}{ended}\n")
    assert found and not found.up
    back = told(host, f"{log('tun-b')}{ended}\n{log('tun-b')}")
    assert back == UP


def test_a_session_that_ended_at_the_server_is_not_up_and_a_renegotiation_leaves_it_up(host: Host) -> None:
    who = "tun-c/10.91.0.28:39202"
    found = told(host, f"{log('tun-a')}{who} SIGTERM[soft,remote-exit] received, client-instance exiting\n", "tun-c")
    assert found and not found.up
    assert told(host, f"{log('tun-a')}{who} Control Channel: TLSv1.3, cipher X, {NEW}\n", "tun-c") == HYBRID


def test_what_a_client_writes_into_a_line_is_no_session(host: Host) -> None:
    forged = f"10.91.0.28:39202 peer info: UV_X=tun-b/10.91.0.27:44008 Control Channel: TLSv1.3, {NEW}\n"
    assert told(host, log("tun-a") + forged, "tun-b") == UP


def test_both_logs_have_to_tell_of_a_session_and_one_of_them_of_a_hybrid() -> None:
    unnamed, down = Session(True, "TLSv1.3", "", "AES-256-GCM"), Session(False, "TLSv1.3", "x25519", "")
    assert agreed({"tun-c": unnamed, "tun-a": HYBRID}) == (HYBRID, [])
    for tellers, why in (
        ({"tun-c": None, "tun-a": HYBRID}, "the log of tun-c names no new session"),
        ({"tun-c": HYBRID, "tun-a": down}, "the log of tun-a names a session that is not up"),
        ({"tun-c": unnamed}, "no log names what was agreed on: tun-c"),
        (
            {"tun-b": UP, "tun-a": UP},
            "the tunnel came up without ML-KEM: tun-b: TLSv1.3 with x25519, AES-256-GCM; tun-a: TLSv1.3 with x25519, AES-256-GCM",
        ),
    ):
        assert agreed(tellers)[1] == [why]
