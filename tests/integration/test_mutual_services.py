"""mTLS of HAProxy and PostgreSQL on a real host: they let in the nginx of another host, which moves to ML-DSA step by step, and back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import LAB, Lab, Ran, on
from .test_mutual_tls import new, old, rotate, shows  # noqa: F401 (fixtures)

PAIR = ("svc-new", "web-include")
BUNDLES = ("/etc/haproxy/clients.pem", "/etc/postgresql/tls/clients.pem")
FACTS = "cd / && find etc/nginx etc/haproxy etc/postgresql -type f | sort | xargs stat -c '%n %a %U %G %s %Y'; find etc/nginx etc/haproxy etc/postgresql -type f | sort | xargs sha256sum"
ASK = f"sed -i '/bind :443/s#$# ca-file {BUNDLES[0]} verify required#' /etc/haproxy/haproxy.cfg && systemctl reload haproxy"
ASK_PG = f"echo \"ssl_ca_file = '{BUNDLES[1]}'\" >>/etc/postgresql/17/main/conf.d/site.conf && systemctl reload postgresql@17-main"


@pytest.fixture(scope="module", autouse=True)
def mutual(old: Path) -> None:  # noqa: F811
    for words in (("host", "svc-new"), ("reset", "web-include", "client")):
        done = subprocess.run([LAB, *words], capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    on("svc-new", "for n in 1 2 3 4 5 6 7 8 9 10; do systemctl is-active -q postgresql@17-main && exit; sleep 1; done; exit 1")
    root = (old / "ca.crt").read_text()
    for path in BUNDLES:
        on("svc-new", f"printf '%s' '{root}' >{path} && chmod 644 {path}")
    on("svc-new", f"{ASK} && {ASK_PG}")
    on("web-include", "grep -q svc-new /etc/hosts || echo 10.91.0.16 svc-new >>/etc/hosts")
    shows(old, "svc-new")


def inventory(lab: Lab) -> str:
    """All hosts of an inventory are looked at, and of those of the services only this one is up."""
    path = lab.tmp / "services.ini"
    path.write_text("svc-new ansible_host=10.91.0.16\n")
    return str(path)


def move(lab: Lab, old: Path, new: Path, *more: str, **variables: object) -> Ran:  # noqa: F811
    return rotate(lab, old, new, "", "-i", inventory(lab), *more, agility_hosts=",".join(PAIR), **variables)


def through() -> str:
    """The traffic of the client's nginx: what a visitor of its proxy gets from HAProxy behind it."""
    return on("client", "curl -s -o /dev/null -w '%{http_code}' http://web-include:8080/").strip()


def greeted(port: int, certificate: str, key: str) -> str:
    """What the server says to openssl on the client's host: it judges a client behind the handshake, so it is given a moment."""
    how = "-starttls postgres" if port == 5432 else ""
    ask = f"sleep 1 | openssl s_client {how} -connect 10.91.0.16:{port} -cert {certificate} -cert_chain {certificate} -key {key} 2>&1"
    return on("web-include", ask, check=False)


def test_haproxy_and_postgresql_move_with_their_client_and_back_byte_for_byte(lab: Lab, old: Path, new: Path) -> None:  # noqa: F811
    before = {host: on(host, FACTS) for host in PAIR}
    assert through() == "200"
    moved = move(lab, old, new, "--tags", "trust", agility_campaign="services")
    assert moved.rc == 0, moved.text
    assert [on("svc-new", f"grep -c BEGIN {path}").strip() for path in BUNDLES] == ["2", "2"]
    proofs = {proof["endpoint"]: proof["proved"] for proof in moved.host("svc-new")["proofs"]}
    assert set(proofs.values()) == {True} and {"haproxy *:443", "postgresql 17/main"} <= set(proofs), proofs

    moved = move(lab, old, new, "--tags", "key", agility_campaign="services")
    assert moved.rc == 0, moved.text
    assert through() == "200"
    (certificate,) = on("web-include", "ls /etc/nginx/tls/client.ml-dsa-65-*.crt").split()
    pairs = {"old": ("/etc/nginx/tls/client.crt", "/etc/nginx/tls/client.key"), "new": (certificate, certificate.replace(".crt", ".key"))}
    assert not [port for port in (443, 5432) for pair in pairs.values() if " alert " in greeted(port, *pair)], "both get in meanwhile"

    done = move(lab, old, new, "--tags", "require", agility_campaign="services")
    assert done.rc == 0, done.text
    assert through() == "200" and [on("svc-new", f"grep -c BEGIN {path}").strip() for path in BUNDLES] == ["1", "1"]
    for port in (443, 5432):
        assert " alert " not in greeted(port, *pairs["new"])
        assert " alert " in greeted(port, *pairs["old"]), port

    back = lab.play("rollback_client_certificates", ",".join(PAIR), "-i", inventory(lab), agility_campaign="services")
    assert back.rc == 0, back.text
    assert {host: on(host, FACTS) for host in before} == before
    assert through() == "200"


def test_a_list_of_revoked_certificates_stops_the_move_before_anything_is_touched(lab: Lab, old: Path, new: Path) -> None:  # noqa: F811
    """Who verifies by such lists lets in nobody whose authority has none."""
    on(
        "svc-new",
        f"cp -p /etc/haproxy/haproxy.cfg /root/kept && sed -i 's#ca-file {BUNDLES[0]}#& crl-file /etc/haproxy/crl.pem#' /etc/haproxy/haproxy.cfg",
    )
    try:
        ran = move(lab, old, new, agility_campaign="revoked")
        assert ran.rc != 0 and "crl-file at /etc/haproxy/haproxy.cfg:" in ran.host("svc-new")["problem"]["message"], ran.text
        assert on("svc-new", f"grep -c BEGIN {BUNDLES[0]}").strip() == "1"
    finally:
        on("svc-new", "cp -p /root/kept /etc/haproxy/haproxy.cfg")
