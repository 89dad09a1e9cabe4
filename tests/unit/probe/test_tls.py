"""The TLS probe against servers that agree, refuse, retry, stall and lie."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls import accepts, probe_tls
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from .peers import alert, certificate, drain, openssl, resets, says, server_hello, serving, silent, tls_record, trickles

HERE = "127.0.0.1"
TLS13 = (0x0304,)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, x509.Certificate]:
    return certificate(tmp_path_factory.mktemp("peer"))


@pytest.mark.parametrize(("curve", "group"), [("prime256v1", "secp256r1"), ("secp384r1", "secp384r1"), ("secp521r1", "secp521r1")])
def test_a_server_that_wants_another_key_share_gets_it_and_shows_its_certificate(peer: tuple[Path, x509.Certificate], curve: str, group: str) -> None:
    with serving(openssl(peer[0], curve)) as port:
        seen = probe_tls(HERE, port)
    assert (seen.failure, seen.version, seen.group, seen.retried) == ("", "TLSv1.3", group, True)
    assert seen.certificate_sha256 == peer[1].fingerprint(SHA256()).hex()
    assert seen.signature == "rsa_pss_rsae_sha256"
    assert 0 < seen.seconds < 5
    assert seen.bytes_received > 1000


@pytest.mark.parametrize("suite", ["AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-CCM8"])
def test_a_server_without_tls_1_3_tells_its_suite_and_group(peer: tuple[Path, x509.Certificate], suite: str) -> None:
    with serving(openssl(peer[0], "secp384r1", f"{suite}:@SECLEVEL=0", ssl.TLSVersion.TLSv1_2)) as port:
        seen = probe_tls(HERE, port)
    assert (seen.failure, seen.version, seen.cipher) == ("", "TLSv1.2", suite)
    assert seen.group == ("secp384r1" if suite.startswith("ECDHE") else "")
    assert seen.certificate_sha256 == peer[1].fingerprint(SHA256()).hex()


def test_a_warning_about_the_server_name_is_a_remark_after_which_the_server_goes_on(peer: tuple[Path, x509.Certificate]) -> None:
    with serving(openssl(peer[0], newest=ssl.TLSVersion.TLSv1_2, before=alert(112, level=1))) as port:
        assert probe_tls(HERE, port, "shop.example.org").failure == ""


@pytest.mark.parametrize("code", [40, 70, 71])
def test_these_alerts_refuse_the_offer(code: int) -> None:
    with serving(says(alert(code))) as port:
        assert probe_tls(HERE, port).failure.startswith("refused: ")
        assert accepts(HERE, port, "", ("X25519",)) == ""


@pytest.mark.parametrize("code", [0, 10, 42, 47, 50, 80, 109, 112, 200])
def test_other_alerts_refuse_nothing(code: int) -> None:
    with serving(says(alert(code))) as port:
        assert probe_tls(HERE, port).failure.startswith("alert: ")
        assert accepts(HERE, port, "", ("X25519",)).startswith("not known: alert: ")


@pytest.mark.parametrize(
    ("handler", "kind"), [(says(b""), "closed"), (resets, "reset"), (silent, "timed-out"), (says(b"HTTP/1.1 400 Bad Request\r\n"), "protocol")]
)
def test_the_network_or_another_protocol_refuses_nothing(handler: object, kind: str) -> None:
    with serving(handler) as port:  # type: ignore[arg-type]
        patience = 0.5 if kind == "timed-out" else 20  # seconds: who answers is waited for, also where the machine is busy
        assert accepts(HERE, port, "", ("X25519",), timeout=patience).startswith(f"not known: {kind}: ")


@pytest.mark.parametrize("second", [alert(40), alert(47), b""])
def test_to_ask_for_the_share_of_a_forbidden_group_is_to_accept_it(second: bytes) -> None:
    """x448 is a group that the probe can offer but not speak: whatever follows the retry request is no refusal."""
    with serving(says(server_hello(30, retry=True), second)) as port:
        assert accepts(HERE, port, "", ("x448",)) == "TLSv1.3 with x448"


@pytest.mark.parametrize("first", [server_hello(23, retry=True), server_hello(29, b"\x09" + bytes(31))])
def test_an_alert_after_the_server_agreed_is_no_refusal(first: bytes) -> None:
    with serving(says(first, alert(40))) as port:
        assert accepts(HERE, port, "", ("X25519", "secp256r1")).startswith("not known: alert: ")


def test_the_second_hello_differs_from_the_first_only_in_its_key_share() -> None:
    """RFC 9846 §4.1.2.  Servers of Go compare and send illegal_parameter."""
    heard: list[bytes] = []

    def handler(link: socket.socket) -> None:
        for dummy in range(2):
            heard.append(drain(link))
            link.sendall(server_hello(23, retry=True))
        drain(link)

    with serving(handler) as port:
        seen = probe_tls(HERE, port, versions=TLS13)
    assert "asks for another key share twice" in seen.failure
    assert (seen.bytes_sent, seen.bytes_received) == (len(b"".join(heard)), 2 * len(server_hello(23, retry=True)))
    first, second = (data[data.index(b"\x16\x03") + 5 :] for data in heard)
    assert first[6:70] == second[6:70], "random and session id"
    extensions = 71 + 2 + int.from_bytes(first[71:73], "big") + 2 + 2  # after suites, compression, and a length that may differ
    assert first[71 : extensions - 2] == second[71 : extensions - 2], "cipher suites"
    share = first.index(b"\x00\x33\x04")
    assert first[extensions:share] == second[extensions:share], "all other extensions"


@pytest.mark.parametrize(
    "answer",
    [
        server_hello(258, retry=True),
        server_hello(24, bytes(97)),
        server_hello(29, bytes(31)),
        server_hello(4588, bytes(1119)),
        tls_record(22, b"\x02\0\0\x01\x03"),
    ],
    ids=["a group never offered", "a group without a share", "a short share", "a short hybrid share", "a cut hello"],
)
def test_a_server_that_breaks_the_rules_is_a_protocol_error(answer: bytes) -> None:
    with serving(says(answer)) as port:
        seen = probe_tls(HERE, port, versions=TLS13)
    assert seen.failure.startswith("protocol: ")


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x03\x40\x00\x02\x00\x3f\x00", b"\x15\x03\x03\x00\x02"])
def test_a_slow_server_cannot_hold_the_probe(start: bytes) -> None:
    with serving(trickles(start)) as port:
        began = time.monotonic()
        seen = probe_tls(HERE, port, timeout=0.5)
    assert time.monotonic() - began < 1.5
    assert seen.failure.startswith(("timed-out", "protocol", "alert"))


@pytest.mark.parametrize(
    "flood", [tls_record(20, b"\x01"), tls_record(21, b"\x01\x70"), tls_record(22, b"\x02\xff\xff\xff" + bytes(16000)), tls_record(22, b"")]
)
def test_a_server_without_end_is_cut_off(flood: bytes) -> None:
    def handler(link: socket.socket) -> None:
        while True:
            link.sendall(flood * 50)

    with serving(handler) as port:
        began = time.monotonic()
        seen = probe_tls(HERE, port, timeout=3)
    assert seen.failure.startswith(("protocol: ", "timed-out: "))
    assert seen.bytes_received <= 1 << 18
    assert time.monotonic() - began < 4


def test_static_rsa_is_a_leak_where_no_other_group_is_left(peer: tuple[Path, x509.Certificate]) -> None:
    """What a hybrid-only list with TLS 1.2 does: no classical group matches, so OpenSSL falls to a suite without any."""
    with serving(openssl(peer[0], ciphers="AES256-GCM-SHA384", newest=ssl.TLSVersion.TLSv1_2)) as port:
        assert accepts(HERE, port, "", ("X25519", "prime256v1")) == "TLSv1.2 with AES256-GCM-SHA384"


def test_static_rsa_is_no_leak_of_a_removed_group_while_others_are_allowed(peer: tuple[Path, x509.Certificate]) -> None:
    handler = openssl(peer[0], "secp384r1", "ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384", ssl.TLSVersion.TLSv1_2)
    with serving(handler) as port:
        assert accepts(HERE, port, "", ("X25519", "prime256v1")) == ""
        assert accepts(HERE, port, "", ("secp384r1",)) == "TLSv1.2 with secp384r1"


def test_nor_while_another_classical_group_is_allowed_in_tls_1_3_alone(peer: tuple[Path, x509.Certificate]) -> None:
    with serving(openssl(peer[0], "secp384r1", "AES256-GCM-SHA384")) as port:
        assert accepts(HERE, port, "", ("X25519", "X25519MLKEM768")) == ""


@pytest.mark.parametrize("names", [("no-such-group",), ("X25519", "no-such-group"), ()])
def test_what_cannot_be_offered_was_not_refused(names: tuple[str, ...]) -> None:
    with serving(says(alert(50))) as port:
        assert accepts(HERE, port, "", names).startswith("not known: ")


@pytest.mark.parametrize("group", ["MLKEM512", "MLKEM768", "MLKEM1024"])
def test_pure_ml_kem_can_be_asked_for(group: str) -> None:
    with serving(says(alert(40))) as port:
        assert probe_tls(HERE, port, offer=(group,), shares=(group,), versions=TLS13).failure.startswith("refused")


@pytest.mark.parametrize(("address", "port"), [("127.0.0.1", 70000), ("no-such-host.invalid", 443), ("a" * 70 + ".example", 443)])
def test_a_wrong_address_is_said_to_be_one(address: str, port: int) -> None:
    assert probe_tls(address, port, timeout=2).failure.startswith("no-name: ")


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert probe_tls(HERE, port).failure.startswith("connection-refused: ")


@pytest.mark.parametrize("dead", [(socket.AF_INET6, ("::1", 1, 0, 0)), (250, ("::1", 1, 0, 0)), (socket.AF_INET, ("192.0.2.1", 1))])
def test_a_dead_address_of_a_name_leaves_time_for_the_next(dead: tuple[int, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """An IPv6 route that leads nowhere, or no IPv6 at all."""
    with serving(says(alert(40))) as port:
        found = [(kind, socket.SOCK_STREAM, 6, "", where) for kind, where in (dead, (socket.AF_INET, (HERE, port)))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *dummy, **more: found)
        assert probe_tls("two.example", port, timeout=2).failure.startswith("refused: ")
