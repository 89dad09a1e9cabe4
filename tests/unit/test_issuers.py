"""Issuers over the wire, against emulators of a PKI API and of EST: what they are asked, and what each kind of refusal becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils import _issuers
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.issued import Asked
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.rotate import Order
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.credentials import Pair
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._issuers import answered, issuer_of
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._waiting import Memory, Waiting, same
from cryptography import x509

from ..emulators import PASSWORD, TOKEN, USER, Pki, pem, request_for, serving
from .certificates.ca import encoded, make_key

KEYS = {kind: make_key(kind) for kind in ("ECDSA-P256", "ML-DSA-65")}
NAMES = ("a.test", "b.test")
ASKED = [Asked(request_for(key, *NAMES), kind, NAMES, 47) for kind, key in KEYS.items()]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
def url(pki: Pki) -> Iterator[str]:
    with serving(pki) as address:
        yield address


def run(pki: Pki, issuer: str, **more: Any) -> Any:
    anchor, trust = str(pki.folder / "root.pem"), str(pki.folder / "tls.pem")
    args = {"issuer": issuer, "issuer_anchor": anchor, "issuer_ca": trust, "days": 47, **more}
    return SimpleNamespace(args=args, output=pki.folder / "out", host="web-1")


def http(pki: Pki, url: str, **more: Any) -> Any:
    return issuer_of(run(pki, "http", **{"issuer_url": f"{url}/v1/pki/sign/web", "issuer_token": TOKEN, **more}))


def est(pki: Pki, url: str, **more: Any) -> Any:
    said = {"issuer_url": f"{url}/.well-known/est", "issuer_user": USER, "issuer_password": PASSWORD, **more}
    return issuer_of(run(pki, "est", **said))


@pytest.mark.parametrize("issuer", [http, est])
def test_a_batch_becomes_chains_that_end_at_the_anchor(pki: Pki, url: str, issuer: Any) -> None:
    chains, waits = answered(issuer(pki, url), ASKED)
    assert not waits
    for chain, asked in zip(chains, ASKED, strict=True):
        leaf, above = x509.load_pem_x509_certificates(chain.encode())
        assert (above, leaf.public_key()) == (pki.authority.certificate, KEYS[asked.kind].public_key())


def test_a_wrong_token_is_refused_and_is_in_nothing_that_is_said(pki: Pki, url: str) -> None:
    wrong = "hvs.wrong-and-secret"
    issuer = http(pki, url, issuer_token=wrong)
    with pytest.raises(Problem) as refused:
        answered(issuer, ASKED)
    assert "the token may not sign with this role" in str(refused.value) and "permission denied for [redacted]" in str(refused.value)
    assert wrong not in f"{refused.value}{issuer!r}"
    with pytest.raises(Problem, match="no header can carry") as refused:
        http(pki, url, issuer_token="two\nlines-of-secret")
    assert "secret" not in str(refused.value)


def test_a_wrong_password_is_refused_and_is_in_nothing_that_is_said(pki: Pki, url: str) -> None:
    issuer = est(pki, url, issuer_password="wrong-and-secret")
    with pytest.raises(Problem, match="it refused with 401: it does not know us") as refused:
        answered(issuer, ASKED)
    assert "wrong-and-secret" not in f"{refused.value}{issuer!r}"


def test_what_a_role_does_not_allow_is_said_in_its_words(pki: Pki, url: str) -> None:
    with pytest.raises(Problem, match=r"its role does not allow this.*beyond 90 days"):
        answered(http(pki, url), [Asked(ASKED[0].request, "ECDSA-P256", NAMES, 400)])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ((200, b""), "none of a PKI API"),
        ((200, b"[" * 100_000), "none of a PKI API"),
        ((200, b'{"data": {"certificate": 7}}'), "none of a PKI API"),
        ((200, b'{"data": {"certificate": "-----BEGIN CERTIFICATE-----\\nMIIB"}}'), "cut off within a certificate"),
        ((200, b"x" * (1 << 20)), "larger than 256 KiB"),
        ((302, b""), "it refused with 302"),
        ((503, b'{"errors": ["Vault is sealed"]}'), "it is sealed, or stands by.*Vault is sealed"),
        ((500, b'{"errors": ["a\\u001b[31mb"]}'), "it refused with 500: it says: a .31mb"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_a_broken_or_hostile_answer_of_the_api_is_named(pki: Pki, url: str, said: tuple[int, bytes], words: str) -> None:
    pki.instead = said
    with pytest.raises(Problem, match=words):
        answered(http(pki, url), ASKED[:1])


def test_a_certificate_for_other_names_or_another_key_is_not_taken(pki: Pki, url: str) -> None:
    evil = pki.sign(ASKED[0].request, [*NAMES, "evil.test"], 47)
    other = pki.sign(request_for(make_key("ECDSA-P256"), *NAMES), list(NAMES), 47)
    for leaf, words in ((evil, "names evil.test as well"), (other, "is for the key that the host made")):
        pki.instead = (200, pki.bundle(leaf))
        with pytest.raises(Problem, match=words):
            answered(est(pki, url), ASKED[:1])


def test_a_server_that_nobody_vouches_for_gets_no_secret(pki: Pki, url: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    Pki(tmp_path / "other")  # has a root of its own
    with pytest.raises(Problem, match=r"no answer: .*CERTIFICATE_VERIFY_FAILED"):
        answered(http(pki, url, issuer_ca=str(tmp_path / "other/root.pem")), ASKED[:1])
    assert pki.seen == []
    for address in (url.replace("https:", "http:"), url.replace("https://", "https://user:pass@"), "ftp://x"):
        with pytest.raises(Problem, match="nothing is sent in the clear"):
            answered(http(pki, address), ASKED[:1])


def test_est_that_is_not_there_costs_no_key(pki: Pki, url: str) -> None:
    with pytest.raises(Problem, match="no answer"):
        est(pki, "https://127.0.0.1:1")
    pki.instead = (404, b"")
    with pytest.raises(Problem, match="it refused with 404: nothing is there: agility_issuer_url ends with"):
        est(pki, f"{url}/elsewhere").ask(ASKED[:1])


def test_est_that_asks_for_patience_is_waited_for_or_leaves_it_pending(pki: Pki, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pki.approve = False
    chains, waits = answered(est(pki, url), ASKED[:1])
    assert chains == [] and waits == [f"{url}/.well-known/est wants to be asked again in 3600 s"]
    answered(est(pki, url), ASKED[:1])
    assert len(pki.held) == 1, "the same request again, not another one"
    pki.retry_after = "1"
    monkeypatch.setattr(_issuers.time, "sleep", lambda seconds: setattr(pki, "approve", True))
    assert len(answered(est(pki, url), ASKED[:1])[0]) == 1


def test_what_is_not_set_is_named(pki: Pki, url: str) -> None:
    for issuer, lacks in (
        ("http", "issuer_token"),
        ("http", "issuer_url"),
        ("est", "issuer_url"),
        ("handover", "issuer_folder"),
        ("http", "issuer_anchor"),
    ):
        said = {"issuer_token": TOKEN, "issuer_url": url, "issuer_folder": str(pki.folder), lacks: ""}
        with pytest.raises(Problem, match=f"the issuer {issuer} needs agility_{lacks}"):
            issuer_of(run(pki, issuer, **said))


# -- hand-over, and what is remembered


def test_a_hand_over_waits_for_the_certificate_beside_the_request(pki: Pki) -> None:
    folder = pki.folder / "handover"
    issuer = issuer_of(run(pki, "handover", issuer_folder=str(folder)))
    chains, waits = answered(issuer, ASKED)
    assert (chains, len(waits)) == ([], 2)
    requests = sorted(folder.glob("*.csr"))
    assert [path.name.split(".")[:2] for path in requests] == [["web-1", "ecdsa-p256"], ["web-1", "ml-dsa-65"]]
    assert [path.read_text() for path in requests] == [one.request for one in ASKED]
    for path in requests:
        leaf = pki.sign(path.read_text(), list(NAMES), 47)
        path.with_suffix(".crt").write_text(pem(leaf, pki.authority.certificate))
    chains, waits = answered(issuer, ASKED)
    assert (len(chains), waits) == (2, [])
    requests[0].with_suffix(".crt").write_text(pem(pki.root) + encoded(make_key("ECDSA-P256"), None))
    with pytest.raises(Problem, match="holds a private key"):
        answered(issuer, ASKED)


def order(asked: Asked) -> Order:
    return Order(asked.kind, asked.names, Pair("/tls/x.crt", "/tls/x.key"), Pair(f"/tls/x.{asked.kind}.crt", f"/tls/x.{asked.kind}.key"))


def test_what_was_asked_for_is_remembered_and_known_again(tmp_path: Path) -> None:
    memory, orders = Memory(tmp_path / "waiting", "web-1"), [order(one) for one in ASKED]
    assert memory.read() is None
    waiting = Waiting(
        "web-1", "2026-11-27T03:00:00Z", "me", "spring-1a2b3c", "1a2b3c", "spring", tuple(o.new.certificate for o in orders), tuple(ASKED)
    )
    assert memory.write(waiting) and memory.read() == waiting
    assert not memory.write(Waiting(**{**{name: getattr(waiting, name) for name in waiting.__slots__}, "asked_at": "later"})), "it says so already"
    assert waiting.fits(orders) and not waiting.fits(orders[:1]) and not waiting.fits([orders[1], orders[0]])
    memory.path.write_text("{}")
    with pytest.raises(Problem, match=r"any more\. remove it"):
        memory.read()
    memory.forget()
    assert memory.read() is None


def test_a_request_whose_key_is_still_there_goes_out_byte_for_byte_and_another_in_its_place_does_not() -> None:
    waiting = Waiting("h", "", "", "id", "mark", "c", ("a", "b"), tuple(ASKED))
    again = [Asked(request_for(key, *NAMES), kind, NAMES, 47) for kind, key in KEYS.items()]
    assert again != ASKED and same(waiting, again) == tuple(ASKED)
    lost = [Asked(request_for(make_key("ECDSA-P256"), *NAMES), "ECDSA-P256", NAMES, 47), again[1]]
    assert same(waiting, lost) == (lost[0], ASKED[1])
