"""The SSH probe against servers that agree, refuse, stall and lie."""

from __future__ import annotations

import queue
import socket
import struct
import time

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.ssh import kexinit, packet, probe_ssh

from .peers import Handler, drain, resets, says, serving, silent, trickles

HERE = "127.0.0.1"
BANNER = b"SSH-2.0-OpenSSH_10.0\r\n"
LISTS = (
    ("mlkem768x25519-sha256", "curve25519-sha256", "ext-info-s", "kex-strict-s-v00@openssh.com"),
    ("ssh-ed25519",),
    ("aes256-ctr",),
    ("aes256-gcm@openssh.com",),
    ("hmac-sha2-256",),
    ("hmac-sha2-512",),
    ("none",),
    ("none",),
    (),
    (),
)
OFFER = packet(kexinit(LISTS[0], LISTS))
GONE = ("diffie-hellman-group14-sha256", "ecdh-sha2-nistp256")


def disconnect(reason: int, words: bytes) -> bytes:
    return packet(b"\x01" + struct.pack(">II", reason, len(words)) + words + struct.pack(">I", 0))


def after_kexinit(then: Handler) -> Handler:
    def handler(link: socket.socket) -> None:
        link.sendall(BANNER + OFFER)
        drain(link)
        then(link)

    return handler


def test_one_connection_tells_what_is_offered_without_the_flags() -> None:
    with serving(says(b"Welcome!\r\n" + BANNER + packet(b"\x02\0\0\0\0") + OFFER)) as port:
        seen = probe_ssh(HERE, port)
    assert (seen.failure, seen.banner, seen.refused) == ("", "SSH-2.0-OpenSSH_10.0", None)
    assert seen.kex == ("mlkem768x25519-sha256", "curve25519-sha256")
    assert (seen.host_keys, seen.ciphers, seen.macs) == (("ssh-ed25519",), ("aes256-gcm@openssh.com",), ("hmac-sha2-512",))
    assert seen.bytes_received == len(b"Welcome!\r\n" + BANNER + packet(b"\x02\0\0\0\0") + OFFER)


def test_who_only_wants_to_know_that_it_answers_hangs_up_behind_the_greeting() -> None:
    said: queue.Queue[bytes] = queue.Queue()

    def greets(link: socket.socket) -> None:
        link.sendall(b"Welcome!\r\n" + BANNER)
        said.put(drain(link, 5))

    with serving(greets) as port:
        seen = probe_ssh(HERE, port, timeout=5, greeting=True)
    assert (seen.failure, seen.banner, seen.kex, said.get(timeout=10)) == ("", "SSH-2.0-OpenSSH_10.0", (), b"")
    with serving(says(b"Exceeded MaxStartups\r\n")) as port:
        assert probe_ssh(HERE, port, timeout=5, greeting=True).failure.startswith("busy")


@pytest.mark.parametrize(
    ("then", "refused"),
    [
        (says(), True),
        (says(disconnect(3, b"no matching key exchange")), True),
        (says(disconnect(2, b"no match")), True),
        (says(disconnect(12, b"too many connections")), False),
        (says(packet(b"\x1f" + bytes(40))), False),
        (resets, False),
        (silent, False),
    ],
    ids=["closed", "key exchange failed", "protocol error", "too many connections", "it goes on", "reset", "silent"],
)
def test_only_the_server_itself_refuses(then: Handler, refused: bool) -> None:
    with serving(after_kexinit(then)) as port:
        seen = probe_ssh(HERE, port, GONE, timeout=1.5)
    assert seen.failure == ""
    assert seen.refused is refused


def test_a_server_that_lists_a_forbidden_method_accepts_it_and_nobody_waits() -> None:
    """Even if it closes the connection: the lists decide (RFC 4253 §7.1)."""
    heard = []

    def handler(link: socket.socket) -> None:
        link.sendall(BANNER + OFFER)
        heard.append(drain(link, 1))

    with serving(handler) as port:
        began = time.monotonic()
        seen = probe_ssh(HERE, port, (*GONE, "curve25519-sha256"), timeout=5)
        assert time.monotonic() - began < 4  # not the 5 s that it may wait
        time.sleep(0.2)
    assert seen.refused is False
    assert heard == [b"SSH-2.0-quantumsafe.agility\r\n"], "no second half of a key exchange that sshd would wait for"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"Not allowed at this time\r\n", "penalty: "),
        (b"Exceeded MaxStartups\r\n", "busy: "),
        (b"", "PerSourcePenalties"),
        (b"SSH-1.5-old\r\n", "it speaks only SSH-1.5-old"),
        (b"HTTP/1.1 400 Bad Request\r\n" * 60, "protocol: "),
        (BANNER + disconnect(11, b"go \x1b[31maway"), "reason 11: go ?[31maway"),
        (BANNER + struct.pack(">IB", 1 << 30, 4), "a packet of"),
        (BANNER + struct.pack(">IB", 10, 200) + bytes(9), "padding"),
        (BANNER + packet(b"\x14" + bytes(16)), "protocol: "),
        (BANNER + packet(b"\x14" + bytes(16) + struct.pack(">I", 900) + b"a"), "cut off"),
    ],
    # Packets carry random padding, so the bytes are no names: two workers would collect different tests.
    ids=["penalty", "busy", "closed", "old version", "http", "disconnect", "huge packet", "padding", "half a list", "long list"],
)
def test_every_other_answer_has_its_own_words(answer: bytes, said: str) -> None:
    with serving(says(answer)) as port:
        seen = probe_ssh(HERE, port, timeout=2)
    assert said in seen.failure
    assert "no-route" not in seen.failure


@pytest.mark.parametrize("start", [b"", BANNER, b"x" * 100, BANNER + struct.pack(">IB", 30000, 4)])
def test_a_slow_server_cannot_hold_the_probe(start: bytes) -> None:
    with serving(trickles(start)) as port:
        began = time.monotonic()
        seen = probe_ssh(HERE, port, timeout=0.5)
    assert time.monotonic() - began < 1.5
    assert seen.failure


def test_an_endless_greeting_is_cut_off() -> None:
    def handler(link: socket.socket) -> None:
        while True:
            link.sendall(b"hello\r\n" * 100)

    with serving(handler) as port:
        seen = probe_ssh(HERE, port, timeout=5)
    assert seen.failure.startswith("protocol: ")
    assert seen.bytes_received < 1000
