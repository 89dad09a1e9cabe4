"""Hellos, shares and records as bytes: what the standards say, and what this controller may lack."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe import tls_keys
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls import TlsResult, _with_certificate
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls_hello import GROUPS, TLS12, Offer, host_name, key_exchange_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls_keys import share
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls_messages import Messages
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.probe.tls_suites import OLD_SUITES
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .peers import certificate, tls_record

# RFC 10024, draft-ietf-tls-mlkem: group → code point, bytes of the client's and of the server's share
WIRE = {
    "SecP256r1MLKEM768": (0x11EB, 1249, 1153),
    "X25519MLKEM768": (0x11EC, 1216, 1120),
    "SecP384r1MLKEM1024": (0x11ED, 1665, 1665),
    "MLKEM512": (0x0200, 800, 768),
    "MLKEM768": (0x0201, 1184, 1088),
    "MLKEM1024": (0x0202, 1568, 1568),
    "x25519": (29, 32, 32),
    "secp256r1": (23, 65, 65),
}


@pytest.mark.parametrize("group", WIRE)
def test_every_group_has_its_code_and_sizes(group: str) -> None:
    made = share(group)
    assert (GROUPS[group], len(made.public), made.answer) == WIRE[group]
    for length in (0, made.answer - 1, made.answer + 1):
        with pytest.raises(ValueError, match="key share"):
            made.agree(bytes(length))


def test_ml_kem_stands_first_with_x25519() -> None:
    made = share("X25519MLKEM768")
    secret, sealed = mlkem.MLKEM768PublicKey.from_public_bytes(made.public[:1184]).encapsulate()
    mine = x25519.X25519PrivateKey.generate()
    theirs = mine.exchange(x25519.X25519PublicKey.from_public_bytes(made.public[1184:]))
    assert made.agree(sealed + mine.public_key().public_bytes_raw()) == secret + theirs


def test_the_curve_stands_first_with_p384() -> None:
    made = share("SecP384r1MLKEM1024")
    mine = ec.generate_private_key(ec.SECP384R1())
    theirs = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), made.public[:97]))
    secret, sealed = mlkem.MLKEM1024PublicKey.from_public_bytes(made.public[97:]).encapsulate()
    assert made.agree(mine.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) + sealed) == theirs + secret


def _fails(*dummy: object) -> Any:
    raise UnsupportedAlgorithm("not here")


@pytest.mark.parametrize("lack", ["module", "library"])
def test_a_controller_without_ml_kem_still_asks_for_hybrids(lack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = type("Broken", (), {f"MLKEM{size}PrivateKey": type("Key", (), {"generate": staticmethod(_fails)}) for size in (512, 768, 1024)})
    monkeypatch.setattr(tls_keys, "mlkem", broken if lack == "library" else None)
    for group in ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "MLKEM768"):
        made = share(group)
        assert len(made.public) == WIRE[group][1]
        assert made.agree(bytes(made.answer)) is None


def test_a_controller_in_fips_mode_still_offers_x25519(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_keys.x25519.X25519PrivateKey, "generate", staticmethod(_fails))
    assert len(share("X25519MLKEM768").public) == 1216


def test_every_suite_with_a_certificate_is_asked_for() -> None:
    """A suite that is not offered would let the only one a server has pass for a refusal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:COMPLEMENTOFALL:!eNULL:!DSS:@SECLEVEL=0")
    kinds = {"kx-rsa", "kx-dhe", "kx-ecdhe"}
    known = {c["id"] & 0xFFFF: c["name"] for c in context.get_ciphers() if c["kea"] in kinds and c["auth"] in {"auth-rsa", "auth-ecdsa"}}
    assert len(known) > 40
    assert {code: name for code, name in known.items() if OLD_SUITES.get(code) != name} == {}


def test_a_hello_for_tls_1_2_says_that_it_renegotiates_safely() -> None:
    """RFC 5746: a server may refuse a client that does not, which would look like a refusal of the offer."""
    assert b"\xff\x01\x00\x01\x00" in Offer(("x25519",), (TLS12,), "", bytes(32), bytes(32)).hello({})


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        ("shop.example.org", "shop.example.org"),
        ("shop.example.org.", "shop.example.org"),
        ("*.example.org", "www.example.org"),
        (".example.org", "example.org"),
        ("müller.example", "xn--mller-kva.example"),
        ("localhost", "localhost"),
        *((name, "") for name in ("", "_", "10.0.0.1", "::1", "[::1]", "~^www\\d+\\.example$", "$hostname", "a..b", "x" * 64, "www.*")),
    ],
)
def test_only_a_host_name_is_sent_as_server_name(configured: str, sent: str) -> None:
    assert host_name(configured) == sent


def test_a_diffie_hellman_prime_of_6144_bits_is_no_curve() -> None:
    assert key_exchange_of(b"\x0c\0\x03\x10\x03\x00\x1d" + bytes(800), "DHE-RSA-AES128-GCM-SHA256") == ("", "")


class Tape:
    """A link that has everything already."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, count: int) -> bytes:
        out, self.data = self.data[:count], self.data[count:]
        return out


@pytest.mark.parametrize("cut", [lambda data: [data], lambda data: [data[i : i + 1] for i in range(len(data))], lambda data: [data[:5], data[5:]]])
def test_messages_are_put_together_however_they_were_cut(cut: Callable[[bytes], list[bytes]]) -> None:
    messages = [b"\x02\0\0\x03abc", b"\x0b\0\0\x00", b"\x0e\0\0\x01z"]
    tape = Tape(b"".join(tls_record(22, piece) for piece in cut(b"".join(messages))))
    reader = Messages(tape)  # type: ignore[arg-type]
    assert [reader.next() for dummy in messages] == messages


def test_a_certificate_of_no_version_is_unreadable_and_ends_nothing(tmp_path: Path) -> None:
    der = certificate(tmp_path)[1].public_bytes(Encoding.DER)
    odd = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)
    for entry in (odd, der[:100], b""):
        assert _with_certificate(TlsResult(), len(entry).to_bytes(3, "big") + entry).certificate == "unreadable"
