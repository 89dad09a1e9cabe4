"""Certificates and keys on real hosts: found, linked, judged; and no byte of a key leaves."""

from __future__ import annotations

import pytest

from .conftest import Lab, on

PLANT = """
set -e
mkdir -p /etc/planted /opt/app && cd /opt/app
openssl req -x509 -newkey rsa:2048 -nodes -keyout expired.key -subj /CN=old.test -days 1 -out soon.crt -addext subjectAltName=DNS:old.test 2>/dev/null
openssl genrsa -out orphan.key 2048 2>/dev/null && chmod 0644 orphan.key
openssl genpkey -algorithm ML-DSA-65 -out pq.key
openssl req -x509 -new -key pq.key -subj '/CN=pq' -days 30 -out pq.crt -addext subjectAltName=DNS:pq.test -addext extendedKeyUsage=serverAuth
openssl pkcs12 -export -inkey orphan.key -nocerts -passout pass:pw -out shut.p12
head -n 9 soon.crt >half.crt
yes -- "$(cat /etc/nginx/tls/server.crt)" | head -c 8000000 >many.pem
head -c 20000000 /dev/zero >huge.pem
printf 'TrustedUserCAKeys /etc/ssh/user_ca.pub\\n' >/etc/ssh/sshd_config.d/60-ca.conf
ssh-keygen -q -t ed25519 -N '' -C 'whose is it' -f /root/user_ca && mv /root/user_ca.pub /etc/ssh/ && mv /root/user_ca /opt/app/user_ca.key
printf 'ssl_certificate_key "pkcs11:token=edge;object=www;pin-value=pin-one?pin-source=/x"\\n' >/etc/planted.conf
"""
SECRETS = (
    "/opt/app/orphan.key",
    "/opt/app/pq.key",
    "/opt/app/expired.key",
    "/opt/app/user_ca.key",
    "/etc/nginx/tls/server.key",
    "/etc/ssh/ssh_host_rsa_key",
)


@pytest.fixture
def planted() -> None:
    on("web-include", PLANT)


def test_everything_is_found_linked_and_judged_and_no_byte_of_a_key_leaves(lab: Lab, planted: None) -> None:
    ran = lab.play("certificates", "web-include,web-new,web-old,web-legacy", "-b", "-vvv", agility_policy="certificates@1")
    assert ran.rc == 0, ran.text[-3000:]
    told = ran.host("web-include")
    assert told["rounds"] <= 3
    items = {item["path"]: item for item in told["credentials"]["items"]}

    served = items["/etc/nginx/tls/server.crt"]
    assert any(user.startswith("nginx ") for user in served["users"]) and "pki=private" in served["certificates"][0]["more"]
    assert served["public"] == items["/etc/nginx/tls/server.key"]["key"]["public"], "they belong together"
    assert "host_key" in items["/etc/ssh/ssh_host_rsa_key"]["users"]
    assert items["/usr/local/share/ca-certificates/quantumsafe-lab.crt"]["roles"] == ["anchor"]
    assert items["/opt/app/orphan.key"]["roles"] == ["orphan-key"]
    assert items["/opt/app/pq.crt"]["certificates"][0]["key"] == items["/opt/app/pq.key"]["key"]["kind"] == "ML-DSA-65"
    assert "locked" in items["/opt/app/shut.p12"]["roles"]
    assert items["/opt/app/half.crt"]["problem"] == "1 of its blocks never end"
    assert items["/opt/app/many.pem"]["count"] > 9000 and items["/opt/app/many.pem"]["kinds"] == ["bundle"]
    assert items["/opt/app/huge.pem"]["problem"] == "it is too large to be read"
    assert told["credentials"]["tokens"] == [["/etc/planted.conf:1", "pkcs11:token=edge;object=www"]]
    lists = {one["path"]: one for one in told["credentials"]["ssh"]}
    assert lists["/etc/ssh/user_ca.pub"]["role"] == "trusted_user_ca" and len(lists["/etc/ssh/user_ca.pub"]["authorities"]) == 1
    assert int(told["credentials"]["bundle"]["certificates"]) > 100 and len(told["credentials"]["bundle"]["sha256"]) == 64

    states = {(finding["endpoint"], finding["aspect"]): finding for finding in told["findings"]}
    assert states["/etc/nginx/tls/server.crt", "certificate"]["state"] == "compliant"
    assert "readable is others" in states["/opt/app/orphan.key", "private_key"]["message"]
    assert states["/opt/app/half.crt", "certificate"]["state"] == "unknown"
    for host in ("web-old", "web-legacy"):
        assert {finding["state"] for finding in ran.host(host)["findings"]} == {"compliant"}, host

    written = "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
    for path in SECRETS:
        whole = [line for line in on("web-include", f"cat {path}").splitlines() if len(line) in (64, 70)]
        secret = whole[len(whole) // 2 :] if len(whole) > 3 else whole[:1]  # a long key begins, and a short one ends, with its public half
        assert secret, path
        for line in secret:
            assert line not in written and line not in ran.text, path
    assert "pin-one" not in written and "whose is it" not in written
    assert "orphan-key" in ran.text and "certificates:" in ran.text


def test_what_will_have_expired_on_a_day_is_a_finding_of_that_day(lab: Lab, planted: None) -> None:
    ran = lab.play("certificates", "web-include", "-b", agility_policy="certificates@1", agility_as_of="2036-01-01")
    states = {(f["endpoint"], f["aspect"]): f for f in ran.host("web-include")["findings"]}
    expired = states["/etc/nginx/tls/server.crt", "certificate"]
    assert (expired["state"], expired["severity"], expired["rule"]) == ("forbidden", "high", "certificate-valid")
    assert expired["service"] == "nginx" and expired["origin"] == "/etc/nginx/tls/server.crt"


def test_one_key_on_two_hosts_is_told_at_the_end(lab: Lab) -> None:
    key = on("web-new", "cat /etc/nginx/tls/server.key")
    on("web-old", f"umask 077; printf '%s\\n' '{key.strip()}' >/etc/nginx/copied.key")
    ran = lab.play("certificates", "web-new,web-old", "-b", agility_policy="certificates@1")
    (shared,) = ran.summary["credentials"]["shared_keys"]
    assert shared["places"] == ["web-new:/etc/nginx/tls/server.key", "web-old:/etc/nginx/copied.key"]
    assert "SHARED KEY" in ran.text


def test_an_account_without_privilege_says_what_it_could_not_read(lab: Lab) -> None:
    ran = lab.play("certificates", "web-new", "--become-user=ops", "-b", agility_policy="certificates@1")
    items = {item["path"]: item for item in ran.host("web-new")["credentials"]["items"]}
    assert items["/etc/nginx/tls/server.key"]["problem"] == "cannot be read: no privilege"
