"""probe/starttls.py: what is spoken before the handshake, and what a server that speaks no TLS is called."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.starttls import PRELUDES
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls import accepts, probe_tls, strictly_prefers

from .peers import drain, says, serving

ALERT = bytes.fromhex("1503030002 0228")  # handshake_failure


def test_postgresql_is_asked_with_eight_bytes_and_only_then_with_a_hello() -> None:
    heard: list[bytes] = []

    def server(link: socket.socket) -> None:
        heard.append(link.recv(100))
        link.sendall(b"S")
        heard.append(drain(link))
        link.sendall(ALERT)
        drain(link)

    with serving(server) as port:
        seen = probe_tls("127.0.0.1", port, starttls="postgres")
    assert heard[0] == bytes.fromhex("0000000804d2162f") and heard[1][0] == 22
    assert seen.failure.startswith("refused")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"N", "no-tls: the server speaks its protocol there, but no TLS"),
        (b"EFATAL: too many\0", "no-tls"),
        (b"", "closed"),
        (b"E\0", "closed"),
        (b"\x16\x03", "no-tls"),
        (b"E" + b"", "closed"),
    ],
)
def test_whoever_does_not_go_on_to_tls_is_no_refusal(answer: bytes, failure: str) -> None:
    with serving(says(answer)) as port:
        assert probe_tls("127.0.0.1", port, starttls="postgres", timeout=3).failure.startswith(failure)
    with serving(says(answer)) as port:
        assert accepts("127.0.0.1", port, "", ("x25519",), 3, "postgres").startswith("not known"), "nor is it a proof that an offer is refused"
    with serving(says(answer)) as port:
        assert strictly_prefers("127.0.0.1", port, timeout=3, starttls="postgres") is None


def test_a_server_that_only_stalls_has_its_time() -> None:
    with serving(drain) as port:
        assert probe_tls("127.0.0.1", port, starttls="postgres", timeout=0.1).failure.startswith(("timed-out", "closed"))


def test_every_row_says_where_to_look() -> None:
    assert all(prelude.steps and prelude.look for prelude in PRELUDES.values())
