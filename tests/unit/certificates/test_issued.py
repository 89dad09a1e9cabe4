"""certificates/issued.py: the answer of an issuer, whoever it is, is judged before anything is placed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates import authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.authority import Authority
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.issued import MAX_BYTES, Asked, checked
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from .ca import create, encoded, make_key

NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY = NOW - timedelta(days=1)
ROOT_KEY, MIDDLE_KEY, KEY = (make_key("ECDSA-P256") for dummy in range(3))
ROOT = create("Test root", ROOT_KEY, 3650, YESTERDAY, 1)
MIDDLE = create("Test issuing", MIDDLE_KEY, 365, YESTERDAY, 2, Authority(ROOT, ROOT_KEY, ()))
OURS = Authority(MIDDLE, MIDDLE_KEY, (MIDDLE,))


def request(key: Any = KEY) -> str:
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


ASKED = Asked(request(), "ECDSA-P256", ("a.test", "192.0.2.7"), 47)


def signed(names: tuple[str, ...] = ASKED.names, days: int = 47, now: datetime = NOW, ours: Authority = OURS) -> str:
    return authority.sign(ours, ASKED.request, "ECDSA-P256", names, days, now, 3)


def judged(text: str, anchors: tuple[x509.Certificate, ...] = (ROOT,), now: datetime = NOW) -> list[str]:
    chain = x509.load_pem_x509_certificates(checked(text, ASKED, anchors, now, "ca.test").encode())
    return [one.subject.rfc4514_string() for one in chain]


def pem(*chain: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def test_a_whole_answer_becomes_the_chain_that_is_served_whatever_its_order() -> None:
    leaf, middle = x509.load_pem_x509_certificates(signed().encode())
    for answer in ((leaf, middle), (middle, leaf), (ROOT, middle, leaf), (leaf, ROOT, middle, middle)):
        assert judged(pem(*answer)) == ["CN=a.test", "CN=Test issuing"]


def test_what_stands_around_the_certificates_does_not_get_to_the_host() -> None:
    assert "ssl_certificate" not in checked(f"ssl_certificate evil;\n{signed()}\nrm -rf /\n", ASKED, (ROOT,), NOW, "ca.test")


def test_an_anchor_below_another_is_served_along() -> None:
    assert judged(signed(), (MIDDLE,)) == ["CN=a.test", "CN=Test issuing"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "cannot be read as certificates"),
        ("<html>503</html>", "cannot be read as certificates"),
        ("x" * (MAX_BYTES + 1), "larger than 256 KiB"),
        (signed()[:-300], "cut off within a certificate"),
        (signed() + encoded(KEY, None), "holds a private key"),
        (pem(*[ROOT] * 11), "11 certificates, more than 10"),
        (pem(ROOT), "no certificate of the answer is for the key"),
        (signed(("a.test",)), "does not name 192.0.2.7"),
        (signed((*ASKED.names, "evil.test")), "names evil.test as well, which nobody asked for"),
        (signed(days=90), "longer than the 47 days that were asked for"),
        (signed(now=NOW - timedelta(days=60)), "expired on"),
        (signed(now=NOW + timedelta(days=2)), "is not good before .* is a clock wrong"),
        (signed(ours=Authority(MIDDLE, MIDDLE_KEY, ())), "issued by CN=Test issuing, which is neither in the answer nor CN=Test root"),
    ],
    ids=lambda text: "answer" if "-----" in text else text[:40],  # certificates are other ones in each process
)
def test_a_faulty_answer_is_named_with_its_fault(answer: str, words: str) -> None:
    with pytest.raises(Problem, match=f"^ca.test: .*{words}"):
        judged(answer)


def test_a_stranger_with_the_name_of_the_anchor_is_not_taken() -> None:
    stranger = create("Test root", make_key("ECDSA-P256"), 3650, YESTERDAY, 1)
    with pytest.raises(Problem, match="neither in the answer nor CN=Test root"):
        judged(signed(), (stranger,))


def built(usage: x509.KeyUsage | None, purpose: x509.ObjectIdentifier | None, ca: bool = False) -> str:
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(MIDDLE.subject).public_key(KEY.public_key()).serial_number(9)
    builder = builder.not_valid_before(YESTERDAY).not_valid_after(NOW + timedelta(days=9))
    names = [authority._general(name) for name in ASKED.names]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True).add_extension(x509.BasicConstraints(ca, None), critical=True)
    builder = builder.add_extension(usage, critical=True) if usage else builder
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False) if purpose else builder
    return pem(builder.sign(MIDDLE_KEY, hashes.SHA256()), MIDDLE)


def test_a_leaf_that_is_not_for_servers_is_refused() -> None:
    signs = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    enciphers = x509.KeyUsage(False, False, True, False, False, False, False, False, False)
    server, client = x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH
    assert judged(built(signs, server)) and judged(built(None, server))
    for wrong, words in (
        (built(signs, client), "lacks serverAuth"),
        (built(signs, None), "lacks serverAuth"),
        (built(enciphers, server), "lacks digitalSignature"),
        (built(signs, server, ca=True), "is that of an authority"),
    ):
        with pytest.raises(Problem, match=words):
            judged(wrong)


def test_an_authority_that_may_not_sign_or_has_expired_ends_the_chain() -> None:
    server = create("Server", MIDDLE_KEY, 90, YESTERDAY, 4, Authority(ROOT, ROOT_KEY, ()), ca=False)
    with pytest.raises(Problem, match="CN=Server is no certificate authority"):
        judged(_under(server))
    with pytest.raises(Problem, match="the anchor CN=Test root expired on"):
        judged(signed(now=NOW), (create("Test root", ROOT_KEY, 1, NOW - timedelta(days=9), 1),))


def _under(server: x509.Certificate) -> str:
    leaf = x509.load_pem_x509_certificate(built(None, x509.ExtendedKeyUsageOID.SERVER_AUTH).encode())
    builder = x509.CertificateBuilder().subject_name(leaf.subject).issuer_name(server.subject).public_key(KEY.public_key()).serial_number(9)
    builder = builder.not_valid_before(leaf.not_valid_before_utc).not_valid_after(leaf.not_valid_after_utc)
    for extension in leaf.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return pem(builder.sign(MIDDLE_KEY, hashes.SHA256()), server)
