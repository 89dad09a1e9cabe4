"""Certificates on real nginx: rotated, served to each kind of client, taken back; keys never leave the host."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import Lab, on

KINDS = ["ECDSA-P256", "ML-DSA-65"]
TLS = "cd / && find etc/nginx -type f -o -type l | sort | xargs stat -c '%n %a %U %G %s %Y'; sha256sum /etc/nginx/tls/*"


def served(host: str, name: str, schemes: str) -> str:
    """What openssl s_client on another host is served, when it offers these signature schemes only."""
    ask = f"echo | openssl s_client -connect {host}:443 -servername {name} -verify_hostname {name} -verify_return_error -sigalgs {schemes} 2>&1"
    return on("client", ask)


def test_a_second_certificate_is_served_to_those_who_want_it_and_goes_again(lab: Lab, authority: str) -> None:
    before = {host: on(host, TLS) for host in ("web-new", "web-include")}
    ran = lab.play("rotate_certificates", "web-new,web-include", agility_authority=authority, agility_keys=KINDS, agility_campaign="dual")
    assert ran.rc == 0, ran.text
    for host, name in (("web-new", "web-new"), ("web-include", "api.lab.test")):
        modern = served(host, name, "mldsa65")
        assert "Peer signature type: mldsa65" in modern and "Verification: OK" in modern, modern
        classical = served(host, name, "ecdsa_secp256r1_sha256")
        assert "Peer signature type: ecdsa_secp256r1_sha256" in classical and "Verification: OK" in classical, classical
        proofs = ran.host(host)["proofs"]
        assert {proof["kind"] for proof in proofs} >= set(KINDS) and all(proof["proved"] for proof in proofs)
        assert ran.host(host)["rounds"] <= 4
    assert on("web-new", "stat -c '%a %U' /etc/nginx/tls/*.key").split() == ["600", "root"] * 2
    assert on("web-new", "find /var/lib/crypto-agility/keys -type f") == ""

    again = lab.play("rotate_certificates", "web-new,web-include", agility_authority=authority, agility_keys=KINDS)
    assert again.rc == 0 and again.changed("web-new") == again.changed("web-include") == 0
    back = lab.play("rollback", "web-new,web-include", agility_campaign="dual")
    assert back.rc == 0, back.text
    assert {host: on(host, TLS) for host in before} == before


def test_check_mode_makes_no_key_and_its_diff_names_the_lines(lab: Lab, authority: str) -> None:
    before = on("web-new", TLS)
    ran = lab.play("rotate_certificates", "web-new", "--check", "--diff", agility_authority=authority, agility_keys=["ML-DSA-65"])
    assert ran.rc == 0, ran.text
    assert re.search(r"\+ +ssl_certificate +/etc/nginx/tls/server\.ml-dsa-65-[0-9a-f]{6}\.crt;", ran.text)
    assert on("web-new", TLS) == before
    assert on("web-new", "ls /var/lib/crypto-agility/keys 2>/dev/null | wc -l").strip() == "0"


def test_no_byte_of_a_new_key_is_on_the_controller_or_in_its_output(lab: Lab, authority: str) -> None:
    ran = lab.play("rotate_certificates", "web-new", "-vvv", agility_authority=authority, agility_keys=["RSA-2048"], agility_campaign="canary")
    assert ran.rc == 0, ran.text[-3000:]
    (path,) = on("web-new", "ls /etc/nginx/tls/*rsa-2048*.key").split()
    body = [line for line in on("web-new", f"cat {path}").splitlines() if len(line) > 40]
    assert len(body) > 10
    written = "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
    for line in body:
        assert line not in ran.text and line not in written
    assert lab.play("rollback", "web-new", agility_campaign="canary").rc == 0


def test_a_host_whose_openssl_cannot_make_the_key_says_so_and_keeps_what_it_has(lab: Lab, authority: str) -> None:
    before = on("web-old", TLS)
    ran = lab.play("rotate_certificates", "web-old", agility_authority=authority, agility_keys=["ML-DSA-65"])
    assert ran.rc != 0
    assert "OpenSSL 3.0.22 cannot make keys of kind ML-DSA-65" in ran.text
    assert on("web-old", TLS) == before


def test_a_server_that_serves_something_else_is_taken_back(lab: Lab, authority: str) -> None:
    """Another nginx.conf than the one that we edit: the reload succeeds, and clients get the old certificate."""
    on(
        "web-new",
        "mkdir -p /etc/systemd/system/nginx.service.d && printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n' >/etc/systemd/system/nginx.service.d/lame.conf && systemctl daemon-reload",
    )
    before = on("web-new", TLS)
    try:
        ran = lab.play("rotate_certificates", "web-new", agility_authority=authority, agility_keys=["ECDSA-P384"])
        assert ran.rc != 0
        assert "does not get" in ran.text and "REVERTED" in ran.text
        assert on("web-new", TLS) == before
    finally:
        on("web-new", "rm -r /etc/systemd/system/nginx.service.d && systemctl daemon-reload")


def test_an_authority_that_is_not_there_or_ends_too_soon_stops_before_anything_is_made(lab: Lab, authority: str, tmp_path: Path) -> None:
    ran = lab.play("rotate_certificates", "web-new", agility_authority=str(tmp_path), agility_keys=["ECDSA-P384"])
    assert ran.rc != 0 and "the certificate authority cannot be read" in ran.text and str(tmp_path) in ran.text
    ran = lab.play("rotate_certificates", "web-new", agility_authority=authority, agility_keys=["ECDSA-P384"], agility_days=9000)
    assert ran.rc != 0 and "would outlive" in ran.text
    assert on("web-new", "find /var/lib/crypto-agility/keys -type f") == "", "the key that nobody will use is gone"
