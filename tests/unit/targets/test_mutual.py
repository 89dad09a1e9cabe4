"""agent/clients.sh: whom a server's own openssl lets in, and what a server says to a client with a pair, from the client's own host."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.mutual import (
    Greeting,
    _greeting,
    compose_admits,
    compose_greets,
    parse_admits,
    parse_greets,
)

from ...emulators import pem
from ..certificates.ca import create, encoded, make_key
from ..probe.peers import s_server
from .agent_host import NONCE, Host

NOW = datetime.now(UTC)
KEYS = [make_key("ECDSA-P256") for _ in range(5)]
OLD, NEW = (create(name, key, 99, NOW, 1) for name, key in zip(("old", "new"), KEYS, strict=False))
MIDDLE = create("middle", KEYS[2], 99, NOW, 2, Authority(NEW, KEYS[1], ()))
THEIRS = create("client", KEYS[3], 9, NOW, 3, Authority(OLD, KEYS[0], ()), ca=False)
OURS = create("client", KEYS[4], 9, NOW, 4, Authority(MIDDLE, KEYS[2], ()), ca=False)


def test_a_server_lets_in_whom_its_own_files_vouch_for_and_nobody_else(any_host: Host) -> None:
    old, new = (str(any_host.write(f"{name}.pem", pem(one))) for name, one in (("old", OLD), ("new", NEW)))
    asked = [(1, pem(THEIRS), (old,)), (1, pem(THEIRS), (new,)), (1, pem(OURS, MIDDLE), (old, new)), (0, pem(OURS, MIDDLE), (new,))]
    said = any_host.ask(compose_admits(asked, NONCE), parse_admits)
    assert [not why for why in said] == [True, False, True, False]
    assert "unable to get" in said[1] and "chain too long" in said[3]
    assert not list(any_host.state.glob("chain.*"))


def test_a_client_sees_whether_it_is_let_in_and_only_lines_that_are_no_secret_come_back(host: Host) -> None:
    server = host.write("server.pem", encoded(KEYS[0], None) + pem(OLD))
    for name, key, chain in (("ours", KEYS[4], (OURS, MIDDLE)), ("theirs", KEYS[3], (THEIRS,))):
        host.write(f"{name}.crt", pem(*chain))
        host.write(f"{name}.key", encoded(key, None))
    trust = str(host.write("new.pem", pem(NEW)))
    with s_server("-cert", str(server), "-Verify", "3", "-verify_return_error", "-CAfile", trust, "-www") as port:
        files = [(str(host.etc / f"{name}.crt"), str(host.etc / f"{name}.key")) for name in ("ours", "theirs")]
        message = compose_greets([("127.0.0.1", port, name, *pair) for name, pair in zip(("a.test", ""), files, strict=True)], NONCE)
        ours, theirs = host.ask(message, parse_greets)
        (nobody,) = host.ask(compose_greets([("127.0.0.1", port, "", "", "")], NONCE), parse_greets)
    assert ours == Greeting(True, "200", "")
    assert theirs.asked and "alert" in theirs.refused and "alert" in nobody.refused


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (
            "CONNECTION ESTABLISHED\nRequested Signature Algorithms: x\nHTTP/1.1 400 Bad Request\n<title>400 The SSL certificate error</title>",
            "400 The SSL",
        ),
        (
            "CONNECTION ESTABLISHED\nRequested Signature Algorithms: x\nHTTP/1.1 400 Bad Request\n<title>400 No required SSL certificate was sent",
            "400 No req",
        ),
        ("CONNECTION ESTABLISHED\nRequested Signature Algorithms: x", "nobody knows whether it was let in"),
        (
            "40F7:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:rec.c:916:SSL alert number 116",
            "alert certificate required",
        ),
        ("BIO_connect:system lib:crypto/bio/bio_sock2.c:178:calling connect()\nconnect:errno=111", "no handshake: connect:errno=111"),
        ("", "no handshake: no answer"),
        ("CONNECTION ESTABLISHED\nHTTP/1.1 400 Bad Request\n<title>400 Bad Request</title>", ""),
    ],
)
def test_what_nginx_and_openssl_say_is_told_apart(said: str, refused: str) -> None:
    found = _greeting(said.split("\n") if said else []).refused
    assert refused in found and bool(refused) == bool(found)
