"""PostgreSQL 17 and 18 on real hosts: enforced, rotated, taken back; judged by openssl s_client on another host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from .conftest import LAB, Lab, Ran, on

HOSTS = {"svc-new": "17", "svc-next": "18"}
ADDRESS = {"svc-new": "10.91.0.16", "svc-next": "10.91.0.17"}
BOTH = "svc-new,svc-next"
FACTS = (
    "cd / && find etc/postgresql -type f -o -type l | sort | xargs stat -c '%n %a %U %G %s %Y'; find /etc/postgresql -type f | sort | xargs sha256sum"
)


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    """Every module begins with its hosts as they were built."""
    for words in (("host", *HOSTS), ("reset", "client")):
        done = subprocess.run([LAB, *words], capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    for host, major in HOSTS.items():
        on(host, f"for n in 1 2 3 4 5 6 7 8 9 10; do systemctl is-active -q postgresql@{major}-main && exit; sleep 1; done; exit 1")


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Whatever a test does, it leaves every byte, owner, mode and time as it was."""
    before = {host: on(host, FACTS) for host in HOSTS}
    yield
    assert {host: on(host, FACTS) for host in HOSTS} == before


def play(lab: Lab, name: str, limit: str, *more: str, **variables: object) -> Ran:
    return lab.play(name, limit, "-i", "inventories/services", *more, agility_services=["postgresql"], **variables)


def told(ran: Ran) -> str:
    """What was printed, without the line breaks of its table."""
    return " ".join(ran.text.split())


def served(host: str, *options: str) -> str:
    ask = f"echo | openssl s_client -connect {ADDRESS[host]}:5432 -starttls postgres -CAfile /usr/local/share/ca-certificates/quantumsafe-lab.crt"
    return on("client", f"{ask} -verify_hostname {host} {' '.join(options)} 2>&1", check=False)


def test_18_becomes_hybrid_and_goes_back_and_17_is_told_what_to_do(lab: Lab) -> None:
    assert "Peer Temp Key: X25519" in served("svc-next") and "Peer Temp Key: ECDH, prime256v1" in served("svc-new")
    seen = play(lab, "audit", BOTH)
    assert seen.rc == 0 and "needs PostgreSQL ≥ 18, or a gateway in front of it" in told(seen)

    ran = play(lab, "enforce", BOTH, agility_campaign="pg-18")
    assert ran.rc == 0, ran.text
    assert "Negotiated TLS1.3 group: X25519MLKEM768" in served("svc-next") and "Verification: OK" in served("svc-next")
    assert "Peer Temp Key: X25519" in served("svc-next", "-groups", "X25519"), "who has no hybrid still comes in"
    (proof,) = ran.host("svc-next")["proofs"]
    assert proof["proved"] and proof["strictly_prefers_hybrid"] and proof["group"] == "X25519MLKEM768"
    assert ran.changed("svc-new") == 0 and "Peer Temp Key: ECDH, prime256v1" in served("svc-new")

    again = play(lab, "enforce", BOTH)
    assert again.rc == 0 and again.changed("svc-next") == again.changed("svc-new") == 0
    back = play(lab, "rollback", BOTH, agility_campaign="pg-18")
    assert back.rc == 0, back.text
    assert "Peer Temp Key: X25519" in served("svc-next")


def test_a_certificate_is_replaced_with_a_key_that_the_server_takes_even_at_a_start(lab: Lab, authority: str) -> None:
    ran = play(lab, "rotate_certificates", BOTH, agility_authority=authority, agility_keys=["ECDSA-P384"], agility_campaign="pg-rotate")
    assert ran.rc == 0, ran.text
    for host, major in HOSTS.items():
        on(host, f"systemctl restart postgresql@{major}-main")
        assert "Peer signature type: ecdsa_secp384r1_sha384" in served(host) and "Verification: OK" in served(host)
        assert on(host, "stat -c '%a %U %G' /etc/postgresql/tls/*.key").split() == ["600", "postgres", "postgres"] * 2
        assert ran.host(host)["rounds"] <= 4
    back = play(lab, "rollback", BOTH, agility_campaign="pg-rotate")
    assert back.rc == 0, back.text
    for host in HOSTS:
        assert "Peer signature type: ecdsa_secp256r1_sha256" in served(host)


def test_ml_dsa_alone_is_served_where_it_is_asked_for_and_beside_another_it_is_said_to_be_impossible(lab: Lab, authority: str) -> None:
    both = play(lab, "rotate_certificates", BOTH, agility_authority=authority, agility_keys=["ECDSA-P256", "ML-DSA-65"])
    assert "PostgreSQL serves one certificate: a second kind beside it is impossible" in told(both)
    assert both.changed("svc-new") == both.changed("svc-next") == 0

    alone = play(lab, "rotate_certificates", "svc-next", agility_authority=authority, agility_keys=["ML-DSA-65"], agility_campaign="pg-ml-dsa")
    assert alone.rc == 0, alone.text
    assert "Peer signature type: mldsa65" in served("svc-next") and "Verification: OK" in served("svc-next")
    assert play(lab, "rollback", "svc-next", agility_campaign="pg-ml-dsa").rc == 0


def test_what_the_server_would_refuse_is_found_before_the_reload(lab: Lab) -> None:
    """A reload would keep the old settings and say so in the log alone."""
    on("svc-next", "chmod 644 /etc/postgresql/tls/server.key")
    try:
        seen = play(lab, "audit", "svc-next")
        assert "every reload refuse it" in "".join(seen.host("svc-next")["endpoints"][0]["notes"])
        ran = play(lab, "enforce", "svc-next")
        assert ran.rc != 0 and "the check of postgresql says" in told(ran) and "has group or world access" in told(ran)
        assert "ssl_groups" not in on("svc-next", "cat /etc/postgresql/18/main/conf.d/site.conf")
        assert on("svc-next", "ls -d /tmp/tmp.* 2>/dev/null", check=False) == "", "the check leaves nothing"
    finally:
        on("svc-next", "chmod 600 /etc/postgresql/tls/server.key")


def test_a_reload_that_was_none_is_seen_by_the_handshake_and_says_where_to_look(lab: Lab) -> None:
    folder = "/etc/systemd/system/postgresql@18-main.service.d"
    on(
        "svc-next",
        f"mkdir -p {folder} && printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n' >{folder}/lame.conf && systemctl daemon-reload",
    )
    try:
        ran = play(lab, "enforce", "svc-next")
        assert ran.rc != 0 and "REVERTED" in told(ran)
        assert "PostgreSQL keeps those of before: see its log" in told(ran)
    finally:
        on("svc-next", f"rm -r {folder} && systemctl daemon-reload")


def test_what_alter_system_governs_is_left_to_it_by_name(lab: Lab) -> None:
    ask = "cd / && runuser -u postgres -- psql -qc"
    on("svc-next", f"{ask} \"ALTER SYSTEM SET ssl_groups = 'X25519'\" && systemctl reload postgresql@18-main")
    try:
        ran = play(lab, "enforce", "svc-next")
        assert ran.rc != 0 and "run ALTER SYSTEM RESET ssl_groups" in told(ran)
    finally:
        on("svc-next", f'{ask} "ALTER SYSTEM RESET ssl_groups" && systemctl reload postgresql@18-main')


def test_a_passphrase_and_other_secrets_of_the_files_stay_on_the_host(lab: Lab) -> None:
    secret = "s3cret-" + "canary"
    site, hba = "/etc/postgresql/18/main/conf.d/zz.conf", "/etc/postgresql/18/main/pg_hba.conf"
    on("svc-next", f"cp -p {hba} /root/hba; printf \"archive_command = 'PGPASSWORD={secret} true'\\n\" >{site}")
    on("svc-next", f"echo 'hostssl all all 10.99.0.0/24 ldap ldapserver=x ldapbindpasswd={secret}' >>{hba}")
    try:
        ran = play(lab, "audit", "svc-next", "-vvv", agility_save_snapshot=True)
        assert ran.rc == 0, ran.text
        written = "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
        assert "archive_command" in written and "ldapserver" in written
        assert secret not in written and secret not in ran.text
    finally:
        on("svc-next", f"rm {site}; cat /root/hba >{hba}; touch -r /root/hba {hba}; rm /root/hba")


SAYS = "SELECT name || '|' || setting || '|' || coalesce(sourcefile || ':' || sourceline, '') FROM pg_settings WHERE name LIKE 'ssl%'"


def test_our_reading_is_the_servers_own(lab: Lab) -> None:
    """Names, quotes, includes and who comes last, on a configuration that uses all of it."""
    folder = "/etc/postgresql/18/main/conf.d"
    texts = {
        "zz-last.conf": (
            "ssl_groups = 'X25519' # first\\ninclude 'more.inc'\\ninclude_if_exists='nothing.inc'\\n"
            "SSL_Ciphers='ECDHE-ECDSA-AES256-GCM-SHA384'\\nssl_min_protocol_version = 'TLSv1.2'\\n"
        ),
        "more.inc": "\\tssl_groups 'prime256v1:X25519'\\nssl_min_protocol_version=tlsv1.3\\n",
        "zz-not.cnf": "ssl_groups = 'X448'\\n",
    }
    on("svc-next", " && ".join(f'printf "{text}" >{folder}/{name}' for name, text in texts.items()) + " && systemctl reload postgresql@18-main")
    try:
        lines = on("svc-next", f'sleep 1; cd / && runuser -u postgres -- psql -Atc "{SAYS}"').splitlines()
        theirs = {name: (value, where) for name, value, where in (line.split("|") for line in lines)}
        assert theirs["ssl_groups"] == ("prime256v1:X25519", f"{folder}/more.inc:1")
        ran = play(lab, "audit", "svc-next")
        (found,) = ran.host("svc-next")["endpoints"]
        ours = {aspect: (":".join(one["values"]), _where(one["origin"])) for aspect, one in found["settings"].items()}
        assert ours["key_exchange"] == theirs["ssl_groups"]
        assert ours["version"] == ("TLSv1.2:TLSv1.3", theirs["ssl_min_protocol_version"][1])
        assert ours["cipher"][1] == theirs["ssl_ciphers"][1] and ours["cipher"][0].endswith(theirs["ssl_ciphers"][0])
        assert found["certificates"][0]["path"] == theirs["ssl_cert_file"][0]
    finally:
        on("svc-next", f"cd {folder} && rm {' '.join(texts)} && systemctl reload postgresql@18-main")


def _where(origin: dict[str, object]) -> str:
    return f"{origin['path']}:{origin['line']}"


def test_all_clusters_of_a_host_are_changed_and_reloaded_together(lab: Lab) -> None:
    on(
        "svc-next",
        "pg_createcluster 18 second -p 5433 >/dev/null && cp -p /etc/postgresql/18/main/conf.d/site.conf /etc/postgresql/18/second/conf.d/",
    )
    on("svc-next", "echo 'hostssl all all 10.91.0.0/24 scram-sha-256' >>/etc/postgresql/18/second/pg_hba.conf; systemctl start postgresql@18-second")
    try:
        ran = play(lab, "enforce", "svc-next", agility_campaign="pg-two")
        assert ran.rc == 0, ran.text
        assert {proof["endpoint"]: proof["group"] for proof in ran.host("svc-next")["proofs"]} == {
            "postgresql 18/main": "X25519MLKEM768",
            "postgresql 18/second": "X25519MLKEM768",
        }
        assert play(lab, "rollback", "svc-next", agility_campaign="pg-two").rc == 0
    finally:
        on("svc-next", "pg_dropcluster --stop 18 second && rm -f /etc/postgresql/18/second -r")


def test_a_server_of_its_own_is_found_by_its_process_and_its_pair_in_the_data_directory_stays(lab: Lab, authority: str) -> None:
    make = (
        "systemctl stop postgresql@18-main && mkdir -p /srv/pg && chown postgres: /srv/pg && cd /srv/pg && "
        "runuser -u postgres -- /usr/lib/postgresql/18/bin/initdb -D /srv/pg/data >/dev/null && cd data && "
        "cp -p /etc/postgresql/tls/server.key . && cp /etc/postgresql/tls/server.crt . && printf \"listen_addresses = '*'\\nssl = on\\n\" >>postgresql.conf && "
        "systemd-run -q --unit=pg-own -p User=postgres -p Type=notify -p 'ExecReload=/bin/kill -HUP $MAINPID' /usr/lib/postgresql/18/bin/postgres -D /srv/pg/data"
    )
    on("svc-next", make)
    try:
        ran = play(lab, "enforce", "svc-next", agility_campaign="pg-own")
        assert ran.rc == 0, ran.text
        assert "Negotiated TLS1.3 group: X25519MLKEM768" in served("svc-next")
        assert on("svc-next", "tail -n 3 /srv/pg/data/postgresql.conf").splitlines()[-1].startswith("ssl_groups = 'X25519MLKEM768")
        rotated = play(lab, "rotate_certificates", "svc-next", agility_authority=authority, agility_keys=["ECDSA-P384"])
        assert "it lies in the data directory" in told(rotated) and rotated.changed("svc-next") == 0
        assert play(lab, "rollback", "svc-next", agility_campaign="pg-own").rc == 0
        assert "ssl_groups = 'X25519ML" not in on("svc-next", "cat /srv/pg/data/postgresql.conf")
    finally:
        on("svc-next", "systemctl stop pg-own; rm -rf /srv/pg; systemctl start postgresql@18-main")
