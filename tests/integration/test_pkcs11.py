"""A key that lives in a token (SoftHSM) and never in a file: nginx of forky serves with it through OpenSSL's PKCS#11 provider."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import LAB, STATE, Lab, Ran, on

HOST = "svc-next"
SITE = "/etc/nginx/conf.d/hsm.conf"
PIN_FILE = "/etc/nginx/token.pin"
# What the administrator of such a host does.  The provider stands behind the default one, which SoftHSM itself computes with.  The files of
# SoftHSM are for the account alone that made the key, so the workers run under it; a token of hardware has no such files.
SETUP = f"""
set -e
umask 077
openssl rand -hex 8 | tr -d '\\n' >{PIN_FILE}
softhsm2-util --init-token --free --label lab --pin "$(cat {PIN_FILE})" --so-pin 56785678 >/dev/null
umask 022
cat >/etc/ssl/openssl.cnf <<'END'
openssl_conf = openssl_init
[openssl_init]
providers = provider_sect
[provider_sect]
default = default_sect
pkcs11 = pkcs11_sect
[default_sect]
activate = 1
[pkcs11_sect]
module = pkcs11.so
pkcs11-module-path = /usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so
pkcs11-module-quirks = no-deinit
activate = 1
END
mkdir -p /etc/nginx/tls
cd /etc/nginx/tls
(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out site.key)
printf '[req]\\ndistinguished_name = dn\\n[dn]\\n' >/tmp/req.cnf
openssl req -config /tmp/req.cnf -x509 -key site.key -days 400 -subj /CN=svc-next -addext subjectAltName=DNS:svc-next -out site.crt
sed -i 's/^user .*/user root;/' /etc/nginx/nginx.conf
printf 'server {{\\n  listen 8443 ssl;\\n  server_name svc-next;\\n  ssl_certificate /etc/nginx/tls/site.crt;\\n  ssl_certificate_key /etc/nginx/tls/site.key;\\n}}\\n' >{SITE}
systemctl restart nginx
"""
STORE = {"agility_key_store": "pkcs11", "agility_pkcs11_token": "lab", "agility_pkcs11_pin_file": PIN_FILE}
FACTS = "cd /etc/nginx && find . -type f | sort | xargs stat -c '%n %a %U %G %s %Y' && find . -type f | sort | xargs sha256sum"


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    done = subprocess.run([LAB, "host", HOST], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    on(HOST, SETUP)


@pytest.fixture(scope="module")
def pin() -> str:
    return on(HOST, f"cat {PIN_FILE}")


def play(lab: Lab, name: str, *more: str, **variables: object) -> Ran:
    authority = str(STATE / "ca")
    words = {"agility_services": ["nginx"], "agility_authority": authority, **variables}
    return lab.play(name, HOST, "-i", "inventories/services", *more, **words)


def served() -> str:
    """Subject's key as a client on another host is given it, with the proof that the server has the private one."""
    said = on("client", "echo | openssl s_client -connect 10.91.0.17:8443 -servername svc-next 2>/dev/null | openssl x509 -noout -pubkey")
    return said.strip()


def objects() -> str:
    return on(HOST, f"openssl storeutl -noout -text 'pkcs11:token=lab?pin-source=file:{PIN_FILE}' </dev/null | grep URI", check=False)


def test_a_key_moves_into_the_token_is_renewed_there_and_comes_back(lab: Lab, pin: str) -> None:
    before, old = on(HOST, FACTS), served()
    ran = play(lab, "rotate_certificates", "-vvv", agility_campaign="hsm", **STORE)
    assert ran.rc == 0, ran.text[-4000:]
    assert "its key is in a file, not in token lab" in ran.host(HOST)["plan"]["reasons"][0]
    reference = on(HOST, f"grep certificate_key {SITE}")
    assert '"store:pkcs11:token=lab;object=site-ecdsa-p256-' in reference and reference.rstrip().endswith('";')
    uri = reference.split('"')[1].removeprefix("store:")
    assert served() == on(HOST, f"openssl pkey -in '{uri}' -pubout </dev/null").strip() != old
    assert on(HOST, "find /etc/nginx/tls -name '*.key'").split() == ["/etc/nginx/tls/site.key"], "no file has the new one"
    assert all(proof["proved"] for proof in ran.host(HOST)["proofs"]) and ran.host(HOST)["rounds"] <= 4
    again = play(lab, "rotate_certificates", **STORE)
    assert again.rc == 0 and again.changed(HOST) == 0

    renewed = play(lab, "rotate_certificates", agility_campaign="hsm-rsa", agility_keys=["RSA-2048"], **STORE)
    assert renewed.rc == 0, renewed.text[-4000:]
    assert "in token lab stays there" in renewed.host(HOST)["plan"]["reasons"][0]
    assert "rsa-2048" in on(HOST, f"grep certificate_key {SITE}") and objects().count("type=private") == 2

    looked = play(lab, "certificates", "-b", agility_policy="certificates@1")
    assert looked.rc == 0, looked.text[-3000:]
    (key,) = [one for one in looked.host(HOST)["credentials"]["items"] if one["key"] and one["key"]["form"] == "PKCS#11"]
    assert (key["key"]["kind"], key["mode"], key["owner"]) == ("RSA-2048", "0600", "root") and "nginx *:8443" in key["users"]

    for campaign in ("hsm-rsa", "hsm"):
        back = play(lab, "rollback", agility_campaign=campaign)
        assert back.rc == 0, back.text[-3000:]
    assert (on(HOST, FACTS), served()) == (before, old)
    assert objects().count("type=private") == 2, "what is in a token is left there"
    for one in (ran, again, renewed, looked):
        written = "".join(file.read_text(errors="replace") for file in one.output.rglob("*") if file.is_file())
        assert pin not in one.text and pin not in written


def test_what_the_token_cannot_do_is_said_and_nothing_changes(lab: Lab) -> None:
    before = on(HOST, FACTS)
    ran = play(lab, "rotate_certificates", agility_keys=["ML-DSA-65"], **STORE)
    assert ran.rc != 0 and "the token makes no such key" in ran.text, ran.text[-3000:]
    on(HOST, f"chmod o+r {PIN_FILE}")
    ran = play(lab, "rotate_certificates", **STORE)
    assert ran.rc != 0 and f"everybody can read {PIN_FILE}" in ran.text
    on(HOST, f"chmod o= {PIN_FILE}")
    assert on(HOST, FACTS) == before


# The openssl of a controller that has a token: that of the host, with what the controller hands to its own.
FORWARD = """#!/bin/sh
PATH={path}
exec {lab} exec {host} sh -c 'f=$(mktemp) && cat >"$f" && exec openssl "$@" <"$f"' openssl "$@"
"""
LEDGER = "pkcs11:token=lab;object=ledger;type=private"


@pytest.fixture
def keys(lab: Lab, tmp_path: Path, pin: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of keys for the ledger, of which that of Ed25519 is in the token."""
    forward, source, folder = tmp_path / "bin/openssl", tmp_path / "ledger.pin", tmp_path / "keys"
    for path in (forward.parent, folder):
        path.mkdir(mode=0o700)
    forward.write_text(FORWARD.format(path=os.environ["PATH"], lab=LAB, host=HOST), encoding="utf-8")
    forward.chmod(0o755)
    source.write_text(pin, encoding="utf-8")
    source.chmod(0o600)
    on(HOST, f"mkdir -p {source.parent} && umask 077 && cp {PIN_FILE} {source}")
    uri = f"{LEDGER}?pin-source=file:{source}"
    made = f"pkcs11_uri:{uri.replace(';type=private', '')}"
    on(HOST, f"openssl genpkey -propquery provider=pkcs11 -algorithm ED25519 -pkeyopt '{made}' -out /dev/null 2>/dev/null", check=False)
    (folder / "ed25519.uri").write_text(f"{uri}\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(forward.parent), prepend=":")
    return folder


def test_ledger_and_plan_are_signed_by_a_key_in_a_token_beside_ml_dsa_in_a_file(lab: Lab, keys: Path, pin: str) -> None:
    more: dict[str, object] = {"agility_services": ["nginx"], "agility_ledger_keys": str(keys)}
    planned = lab.play("plan", HOST, "-i", "inventories/services", **more)
    assert planned.rc == 0 and "signed with Ed25519 and ML-DSA-65" in " ".join(planned.text.split()), planned.text
    assert not (keys / "ed25519.key").exists() and (keys / "ml-dsa-65.key").is_file()
    public = [str(keys / f"{name}.pub") for name in ("ed25519", "ml-dsa-65")]
    told = lab.play("ledger", "", agility_ledger=str(lab.tmp / "ledger"), agility_ledger_public_keys=public)
    assert told.rc == 0, told.text
    assert pin not in planned.text

    (keys / "ml-dsa-65.key").unlink()
    (keys / "ml-dsa-65.pub").unlink()
    (keys / "ml-dsa-65.uri").write_text((keys / "ed25519.uri").read_text(encoding="utf-8").replace("=ledger;", "=ledger-ml-dsa;"), encoding="utf-8")
    before = on(HOST, FACTS)
    refused = play(lab, "rotate_certificates", agility_ledger_keys=str(keys))
    said = refused.host(HOST)["problem"]["message"]
    assert refused.rc != 0 and said.startswith("key ledger-ml-dsa in token lab: the token does not do that"), refused.text
    assert "nothing was changed" in said
    assert on(HOST, FACTS) == before
