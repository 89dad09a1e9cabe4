"""mTLS on real nginx: web-new lets clients in by certificate, web-include's nginx is its client.  Moved to ML-DSA step by step, and back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import Lab, Ran, on

PROXY = """server { listen 8080; location / { proxy_pass https://%s; proxy_ssl_certificate /etc/nginx/tls/client.crt;
proxy_ssl_certificate_key /etc/nginx/tls/client.key; } }
"""
ASK = "ssl_client_certificate /etc/nginx/tls/clients.pem; ssl_verify_client on; ssl_verify_depth 2;"
TLS = "cd / && find etc/nginx -type f -o -type l | sort | xargs stat -c '%n %a %U %G %s %Y'; find etc/nginx -type f | sort | xargs sha256sum"
EXTENSIONS = "subjectAltName=DNS:web-include\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n"
PAIR = ("web-new", "web-include")


def openssl(*words: str, given: str = "") -> str:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of today, made with openssl."""
    folder = tmp_path_factory.mktemp("old")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{folder}/ca.key")
    constraints = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl(
        "req", "-x509", "-new", "-key", f"{folder}/ca.key", "-days", "900", "-subj", "/CN=Old client root", *constraints, "-out", f"{folder}/ca.crt"
    )
    return folder


def let_in(host: str, old: Path) -> None:
    """Its nginx lets in whom the old authority vouches for."""
    root = (old / "ca.crt").read_text()
    on(
        host,
        f"printf '%s' '{root}' >/etc/nginx/tls/clients.pem && sed -i 's#root /var/www/html;#root /var/www/html; {ASK}#' /etc/nginx/sites-available/site",
    )
    on(host, "echo hello >/var/www/html/index.html; nginx -t && systemctl reload nginx")


def shows(old: Path, server: str) -> None:
    """web-include's nginx asks that server as a client of the old authority.  Its key is made on its own host."""
    make = "cd /etc/nginx/tls && umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out client.key && openssl req -new -key client.key -subj /CN=web-include"
    (old / "csr").write_text(on("web-include", make))
    (old / "extensions").write_text(EXTENSIONS)
    signed = openssl(
        *("x509", "-req", "-in", f"{old}/csr", "-CA", f"{old}/ca.crt", "-CAkey", f"{old}/ca.key", "-CAcreateserial", "-days", "90"),
        *("-extfile", f"{old}/extensions"),
    )
    on(
        "web-include",
        f"printf '%s' '{signed}' >/etc/nginx/tls/client.crt; printf '%s' '{PROXY % server}' >/etc/nginx/conf.d/back.conf; nginx -t && systemctl reload nginx",
    )


@pytest.fixture(scope="module", autouse=True)
def mutual(pristine: None, old: Path) -> None:
    let_in("web-new", old)
    shows(old, "web-new")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ML-DSA hierarchy, made by the collection."""
    folder = tmp_path_factory.mktemp("new")
    made = Lab(folder).play(
        "create_authority",
        "",
        agility_authority=str(folder / "ca"),
        agility_authority_root=str(folder / "roots"),
        agility_authority_kinds=["ML-DSA-65"],
    )
    assert made.rc == 0, made.text
    return folder


def rotate(lab: Lab, old: Path, new: Path, limit: str, *more: str, **variables: object) -> Ran:
    said = {
        "agility_client_anchor_old": str(old / "ca.crt"),
        "agility_client_anchor": str(new / "roots/ml-dsa-65-root/root.crt"),
        "agility_authority": str(new / "ca"),
        "agility_keys": ["ML-DSA-65"],
        "agility_serial": ["100%"],
        "agility_hosts": ",".join(PAIR),  # every host is looked at all the same
        **variables,
    }
    return lab.play("rotate_client_certificates", limit, *more, **said)


def through() -> str:
    """nginx's own traffic: what a visitor of the client's proxy gets from the server behind it."""
    return on("client", "curl -s -o /dev/null -w '%{http_code}' http://web-include:8080/").strip()


def greeted(certificate: str, key: str) -> str:
    """What the server says to openssl on the client's host."""
    ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -ign_eof -connect web-new:443 -cert {certificate} -cert_chain {certificate} -key {key} 2>/dev/null"
    return on("web-include", ask, check=False)


def test_an_audit_names_both_sides(lab: Lab) -> None:
    ran = lab.play("audit", ",".join(PAIR))
    assert ran.rc == 0, ran.text
    (server,) = [e for e in ran.host("web-new")["endpoints"] if e["protocol"] == "tls"]
    assert server["settings"]["client_authentication"]["values"] == ["verify=required", "depth=2"]
    assert server["settings"]["client_trust"]["values"] == ["ECDSA-P256"]
    asked = on("client", "echo | openssl s_client -brief -connect web-new:443 2>&1")
    assert "mldsa65" in server["settings"]["client_signature"]["values"] and "ml-dsa-65" in asked, asked
    (leg,) = [e for e in ran.host("web-include")["endpoints"] if e["role"] == "client"]
    assert (leg["id"], leg["settings"]["client_certificate"]["values"]) == ("nginx → web-new", ["ECDSA-P256"])


def test_a_pair_moves_to_ml_dsa_and_back_byte_for_byte(lab: Lab, old: Path, new: Path) -> None:
    before = {host: on(host, TLS) for host in PAIR}
    assert through() == "200"
    moved = rotate(lab, old, new, "", "--tags", "trust,key", agility_campaign="move")
    assert moved.rc == 0, moved.text
    assert through() == "200" and on("web-new", "grep -c BEGIN /etc/nginx/tls/clients.pem").strip() == "2"
    ran = rotate(lab, old, new, "", "--tags", "require", agility_campaign="move")
    assert ran.rc == 0, ran.text
    assert through() == "200"
    proofs = ran.host("web-include")["proofs"]
    assert [(one["proved"], "ml-dsa-65" in one["certificate"], bool(one["refused"])) for one in proofs] == [(True, True, False), (True, False, True)]
    (certificate,) = on("web-include", "ls /etc/nginx/tls/client.ml-dsa-65-*.crt").split()
    key = certificate.replace(".crt", ".key")
    assert on("web-include", f"stat -c '%a %U' {key}").strip() == "600 root"
    assert "200 OK" in greeted(certificate, key)
    assert "400 The SSL certificate error" in greeted("/etc/nginx/tls/client.crt", "/etc/nginx/tls/client.key")
    assert on("web-new", "grep -c BEGIN /etc/nginx/tls/clients.pem").strip() == "1"
    body = [line for line in on("web-include", f"cat {key}").splitlines() if len(line) > 40]
    written = "".join(file.read_text(errors="replace") for file in lab.tmp.rglob("*") if file.is_file())
    assert body and not [line for line in body if line in moved.text or line in written]

    entered = "".join(file.read_text() for file in (moved.output.parent / "ledger").glob("*.jsonl"))
    assert all(f'"did":"{did}"' in entered and certificate in entered for did in ("issued", "installed", "retired")), entered[-2000:]

    again = rotate(lab, old, new, "", agility_campaign="move")
    assert again.rc == 0 and [again.changed(host) for host in PAIR] == [0, 0], again.text
    back = lab.play("rollback_client_certificates", ",".join(PAIR), agility_campaign="move")
    assert back.rc == 0, back.text
    assert {host: on(host, TLS) for host in before} == before
    assert through() == "200"


def test_a_client_that_is_not_let_in_goes_back_and_the_server_goes_on_trusting_both(lab: Lab, old: Path, new: Path) -> None:
    """The server's reload is lame, so that it trusts the new authority on disk and not in its memory."""
    before = {host: on(host, TLS) for host in PAIR}
    trusted = rotate(lab, old, new, "", "--tags", "trust", agility_campaign="halfway")
    assert trusted.rc == 0, trusted.text
    on(
        "web-new",
        "cp /etc/nginx/tls/clients.pem /tmp/both.pem; head -n $(grep -n END /tmp/both.pem | head -1 | cut -d: -f1) /tmp/both.pem >/etc/nginx/tls/clients.pem",
    )
    on("web-new", "systemctl reload nginx; sleep 1; cat /tmp/both.pem >/etc/nginx/tls/clients.pem")
    ran = rotate(lab, old, new, "", "--tags", "key,require", agility_campaign="halfway")
    assert ran.rc != 0 and "400 The SSL certificate error" in ran.text and "REVERTED" in ran.text, ran.text
    assert "servers trust both authorities meanwhile, which is harmless" in ran.text
    assert "CN=Old client root stays: web-include shows /etc/nginx/tls/client.crt (nginx → web-new)" in ran.text, ran.text
    assert on("web-include", TLS) == before["web-include"]
    assert on("web-include", "find /var/lib/crypto-agility/keys -type f") == ""
    assert on("web-new", "grep -c BEGIN /etc/nginx/tls/clients.pem").strip() == "2"
    assert through() == "200"
    on("web-new", "systemctl reload nginx")
    back = lab.play("rollback_client_certificates", ",".join(PAIR), agility_campaign="halfway", agility_force=True)
    assert back.rc == 0, back.text
    assert on("web-new", "grep -c BEGIN /etc/nginx/tls/clients.pem").strip() == "1"


def test_the_old_authority_stays_while_a_host_was_not_looked_at(lab: Lab, old: Path, new: Path) -> None:
    ran = rotate(lab, old, new, ",".join(PAIR), agility_campaign="limited")
    assert ran.rc != 0 and "was not looked at and may show one" in ran.text, ran.text
    assert on("web-new", "grep -c BEGIN /etc/nginx/tls/clients.pem").strip() == "2"
    assert lab.play("rollback_client_certificates", ",".join(PAIR), agility_campaign="limited").rc == 0


def test_a_side_that_is_too_old_is_told_before_anything_is_touched(lab: Lab, old: Path, new: Path) -> None:
    """First web-old is a client as web-include is, then a server as web-new is."""
    files = {name: on("web-include", f"cat /etc/nginx/tls/client.{name}") for name in ("crt", "key")}
    for name, text in files.items():
        on("web-old", f"printf '%s' '{text}' >/etc/nginx/tls/client.{name}")
    on("web-old", f"printf '%s' '{PROXY % 'web-new'}' >/etc/nginx/conf.d/back.conf; nginx -t && systemctl reload nginx")
    before = {host: on(host, TLS) for host in (*PAIR, "web-old")}
    ran = rotate(lab, old, new, "", agility_campaign="old-client")
    assert ran.rc != 0 and "nginx → web-new cannot sign with ML-DSA-65: it runs with OpenSSL 3.0.22" in ran.text, ran.text
    assert "the campaign stopped: web-old failed before" in ran.text
    assert {host: on(host, TLS) for host in before} == before
    on("web-old", "rm /etc/nginx/conf.d/back.conf")
    let_in("web-old", old)
    before = {host: on(host, TLS) for host in (*PAIR, "web-old")}
    ran = rotate(lab, old, new, "", agility_campaign="old-server")
    assert ran.rc != 0 and "nginx *:443 cannot verify ML-DSA-65: it runs with OpenSSL 3.0.22" in ran.text, ran.text
    assert {host: on(host, TLS) for host in before} == before


PIN = "ab" * 32
FROZEN = 'policy: {name: p, version: "1", timezone: UTC}\nextends: [hybrid-transition@1]\nfreezes: [{id: now, from: 2020-01-01T00:00, to: 2099-01-01T00:00}]\n'
KEPT = f'''policy: {{name: p, version: "1"}}
extends: [hybrid-transition@1]
escrow: [{{id: all, mode: required, recipient: {{name: office, classical: "{PIN}", kem: "{PIN}"}}}}]
'''


def test_the_policy_is_asked_before_a_client_gets_a_key(lab: Lab, old: Path, new: Path) -> None:
    """A freeze stops the first step, and where keys must be kept no key is made that cannot be."""
    on(
        "web-old",
        "rm -f /etc/nginx/tls/clients.pem; sed -i 's#ssl_client_certificate.*depth 2;##' /etc/nginx/sites-available/site; systemctl reload nginx",
    )
    before = {host: on(host, TLS) for host in PAIR}
    for name, text in (("frozen", FROZEN), ("kept", KEPT)):
        (lab.tmp / f"{name}.yml").write_text(text)
    ran = rotate(lab, old, new, "", "--tags", "trust", agility_campaign="frozen", agility_policy=str(lab.tmp / "frozen.yml"))
    assert ran.rc != 0 and ran.host("web-new")["status"] == "out-of-window", ran.text
    ran = rotate(lab, old, new, "", "--tags", "key", agility_campaign="kept", agility_policy=str(lab.tmp / "kept.yml"))
    assert ran.rc != 0 and "the policy requires escrow" in ran.text and "keys of clients cannot be kept yet" in ran.text, ran.text
    assert {host: on(host, TLS) for host in PAIR} == before
