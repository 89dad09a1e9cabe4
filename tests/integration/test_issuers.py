"""Other issuers than the local one, on real nginx: requests handed over, and a PKI API and EST as tests/emulators/__init__.py has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from ..emulators import PASSWORD, TOKEN, USER, Pki, pem, serving
from .conftest import ADDRESS, Lab, on

KINDS = ["ECDSA-P256", "ML-DSA-65"]
TLS = "cd / && find etc/nginx -type f -o -type l | sort | xargs stat -c '%n %a %U %G %s %Y'; sha256sum /etc/nginx/tls/*"
KEYS = "find /var/lib/crypto-agility/keys -type f"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    (tmp_path / "pki").mkdir()
    return Pki(tmp_path / "pki")


def issuer(pki: Pki, name: str, **more: object) -> dict[str, object]:
    return {"agility_issuer": name, "agility_issuer_anchor": str(pki.folder / "root.pem"), "agility_issuer_ca": str(pki.folder / "tls.pem"), **more}


def shown(host: str, name: str, schemes: str) -> str:
    return on("client", f"echo | openssl s_client -connect {ADDRESS[host]}:443 -servername {name} -sigalgs {schemes} 2>&1", check=False)


def test_requests_go_out_and_the_run_that_finds_their_certificates_goes_on(lab: Lab, pki: Pki, tmp_path: Path) -> None:
    folder = tmp_path / "handover"
    before = on("web-new", TLS)
    said = issuer(pki, "handover", agility_issuer_folder=str(folder), agility_keys=KINDS)
    first = lab.play("rotate_certificates", "web-new", agility_campaign="handed", **said)
    assert first.rc == 0 and first.host("web-new")["status"] == "pending" and first.changed("web-new") == 1, first.text
    assert on("web-new", TLS) == before
    (request,) = folder.glob("*.csr")
    kept = on(
        "web-new",
        "stat -c '%a %n' $(dirname /var/lib/crypto-agility/keys/*/1.key) /var/lib/crypto-agility/keys/*/1.key; sha256sum /var/lib/crypto-agility/keys/*/1.key",
    )
    assert kept.startswith("700 /var/lib/crypto-agility/keys/handed-") and "\n600 " in kept, kept

    idle = lab.play("rotate_certificates", "web-new", **said)
    assert idle.rc == 0 and idle.host("web-new")["status"] == "pending" and idle.changed("web-new") == 0, idle.text
    assert [path.name for path in folder.glob("*.csr")] == [request.name]
    assert lab.play("recover", "web-new").rc == 0
    assert on("web-new", "sha256sum /var/lib/crypto-agility/keys/*/1.key") in kept, "the key waits"

    request.with_suffix(".crt").write_text(pem(pki.root))
    wrong = lab.play("rotate_certificates", "web-new", **said)
    assert wrong.rc != 0 and "no certificate of the answer is for the key that the host made" in wrong.text, wrong.text
    assert on("web-new", TLS) == before and on("web-new", "sha256sum /var/lib/crypto-agility/keys/*/1.key") in kept

    names = ran_names(request)
    request.with_suffix(".crt").write_text(pem(pki.sign(request.read_text(), names, 47), pki.authority.certificate))
    second = lab.play("rotate_certificates", "web-new", **said)
    assert second.rc == 0 and second.host("web-new")["status"] == "changed", second.text
    assert "CN=Emulated issuing" in shown("web-new", "web-new", "mldsa65")
    assert on("web-new", KEYS) == ""
    assert not list(folder.glob("*.json"))
    assert lab.play("rotate_certificates", "web-new", **said).changed("web-new") == 0
    back = lab.play("rollback", "web-new", agility_campaign="handed")
    assert back.rc == 0 and on("web-new", TLS) == before, back.text


def ran_names(request: Path) -> list[str]:
    found = x509.load_pem_x509_csr(request.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


@pytest.mark.parametrize("name", ["http", "est"])
def test_an_issuer_over_the_wire_signs_what_two_hosts_ask_for(lab: Lab, pki: Pki, name: str) -> None:
    hosts = {"web-new": "web-new", "web-include": "api.lab.test"}
    before = {host: on(host, TLS) for host in hosts}
    with serving(pki) as url:
        path = {"http": "/v1/pki/sign/web", "est": "/.well-known/est"}[name]
        secret = {"http": {"agility_issuer_token": TOKEN}, "est": {"agility_issuer_user": USER, "agility_issuer_password": PASSWORD}}[name]
        said = issuer(pki, name, agility_issuer_url=url + path, agility_keys=KINDS, **secret)
        ran = lab.play("rotate_certificates", ",".join(hosts), agility_campaign=f"by-{name}", **said)
        assert ran.rc == 0, ran.text
        assert "the host does not trust what the new certificates end at" in ran.text, "a new hierarchy is warned of"
        written = "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
        assert not any(word in ran.text + written for word in (TOKEN, PASSWORD))
        for host, server in hosts.items():
            assert "CN=Emulated issuing" in shown(host, server, "mldsa65")
            assert all(proof["proved"] for proof in ran.host(host)["proofs"]) and ran.host(host)["rounds"] <= 4
        pki.instead = (503, b"")
        broken = lab.play("rotate_certificates", "web-new", **{**said, "agility_keys": ["ECDSA-P384"]})
        assert broken.rc != 0 and "it refused with 503" in broken.text, broken.text
        assert on("web-new", KEYS) == ""
    assert lab.play("rollback", ",".join(hosts), agility_campaign=f"by-{name}").rc == 0
    assert {host: on(host, TLS) for host in hosts} == before


def test_an_est_that_answers_later_is_asked_again_by_the_next_run_for_the_same_key(lab: Lab, pki: Pki) -> None:
    pki.approve = False
    with serving(pki) as url:
        said = issuer(
            pki,
            "est",
            agility_issuer_url=f"{url}/.well-known/est",
            agility_issuer_user=USER,
            agility_issuer_password=PASSWORD,
            agility_keys=["ECDSA-P384"],
        )
        first = lab.play("rotate_certificates", "web-new", agility_campaign="late", **said)
        assert first.rc == 0 and first.host("web-new")["status"] == "pending", first.text
        pki.approve = True
        second = lab.play("rotate_certificates", "web-new", **said)
    assert second.rc == 0 and second.host("web-new")["status"] == "changed", second.text
    (held,), (issued,) = pki.held, pki.issued
    assert x509.load_der_x509_csr(held).public_key() == issued.public_key()
    assert lab.play("rollback", "web-new", agility_campaign="late").rc == 0
