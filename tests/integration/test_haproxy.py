"""HAProxy 3.0 and 3.2: read, changed, proved and taken back, certificates too; judged by openssl s_client on another host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from .conftest import LAB, Lab, Ran, on

HOSTS = ("svc-new", "svc-next")
KINDS = ["ECDSA-P256", "ML-DSA-65"]
ADDRESS = {"svc-new": "10.91.0.16", "svc-next": "10.91.0.17"}
CFG = "/etc/haproxy/haproxy.cfg"
FACTS = """
cd / && find etc/haproxy etc/default/haproxy | sort | while read -r f; do
  if [ -d "$f" ]; then stat -c '%n %a %U %G' "$f"; else stat -c '%n %a %U %G %Y %s %F' "$f" && sha256sum "$f"; fi
done
"""


@pytest.fixture(scope="module", autouse=True)
def pristine() -> None:
    """Every module begins with its hosts as they were built."""
    for words in (("host", *HOSTS), ("reset", "client")):
        done = subprocess.run([LAB, *words], capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """A test that writes a configuration of its own leaves the one of the lab."""
    on("svc-new", "rm -rf /root/kept && cp -a /etc/haproxy /root/kept && cp -a /etc/default/haproxy /root/kept.default")
    yield
    on("svc-new", "rm -rf /etc/haproxy && mv /root/kept /etc/haproxy && mv /root/kept.default /etc/default/haproxy && systemctl restart haproxy")


def play(lab: Lab, name: str, limit: str, *more: str, **variables: object) -> Ran:
    return lab.play(name, limit, "-i", "inventories/services", *more, agility_services=["haproxy"], **variables)


def asked(host: str, *options: str, name: str = "", port: int = 443) -> str:
    """What openssl s_client on another host sees."""
    named = "" if "-noservername" in options else f"-servername {name or host}"
    words = f"-connect {ADDRESS[host]}:{port} {named} -verify_hostname {name or host} -verify_return_error {' '.join(options)}"
    return on("client", f"echo | openssl s_client {words} 2>&1", check=False)


def served(host: str, schemes: str, **where: object) -> str:
    """The kind of signature that a client which takes these alone gets, once it is verified."""
    said = asked(host, "-sigalgs", schemes, **where)  # type: ignore[arg-type]
    assert "Verification: OK" in said, said
    return said.partition("Peer signature type: ")[2].partition("\n")[0]


def configured(text: str, *commands: str) -> None:
    """svc-new with another configuration, restarted."""
    on("svc-new", f"cat >{CFG} <<'END'\n{text}\nEND\n" + " && ".join([*(f"{{ {one}; }}" for one in commands), "systemctl restart haproxy"]))


def test_a_preference_is_written_proved_and_taken_back_to_the_byte(lab: Lab) -> None:
    before = {host: on(host, FACTS) for host in HOSTS}
    looked = play(lab, "audit", "svc-new,svc-next")
    assert looked.rc == 0, looked.text
    findings = {f["aspect"]: f for f in looked.host("svc-next")["findings"]}
    assert (findings["key_exchange"]["state"], findings["key_exchange"]["origin"]) == ("missing", f"{CFG}:18")
    assert "X25519MLKEM768" not in asked("svc-new")

    ran = play(lab, "enforce", "svc-new,svc-next", agility_campaign="hap")
    assert ran.rc == 0, ran.text
    for host in HOSTS:
        assert "curves X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024/X25519:prime256v1" in on(host, f"grep bind.:443 {CFG}")
        assert "Negotiated TLS1.3 group: X25519MLKEM768" in asked(host)
        assert "Negotiated TLS1.3 group: X25519MLKEM768" in asked(host, "-groups", "X25519:X25519MLKEM768"), (
            "it asks for the hybrid that was held back"
        )
        assert "Verification: OK" in asked(host, "-groups", "X25519")
        assert all(proof["proved"] for proof in ran.host(host)["proofs"])
    again = play(lab, "enforce", "svc-new,svc-next")
    assert again.rc == 0 and again.changed("svc-new") == again.changed("svc-next") == 0, again.text

    back = play(lab, "rollback", "svc-new,svc-next", agility_campaign="hap")
    assert back.rc == 0, back.text
    assert {host: on(host, FACTS) for host in HOSTS} == before
    assert "X25519MLKEM768" not in asked("svc-new")


def test_a_second_certificate_serves_those_who_take_nothing_else_and_goes_again(lab: Lab, authority: str) -> None:
    before = {host: on(host, FACTS) for host in HOSTS}
    ran = play(lab, "rotate_certificates", "svc-new,svc-next", agility_authority=authority, agility_keys=KINDS, agility_campaign="dual")
    assert ran.rc == 0, ran.text
    for host in HOSTS:
        assert served(host, "mldsa65") == "mldsa65"
        assert served(host, "ecdsa_secp256r1_sha256") == "ecdsa_secp256r1_sha256"
        assert served(host, "mldsa65:ecdsa_secp256r1_sha256") == "ecdsa_secp256r1_sha256", "HAProxy's own choice (docs/certificates.md)"
        assert "Peer signature type: ecdsa" in asked(host, "-noservername"), "who names no host gets the first one"
        assert {proof["kind"] for proof in ran.host(host)["proofs"]} == set(KINDS)
        assert all(proof["proved"] for proof in ran.host(host)["proofs"]) and ran.host(host)["rounds"] <= 4
        assert on(host, "stat -c '%a %U' /etc/haproxy/tls/*.pem").split() == ["600", "root"] * 2
        assert on(host, "find /var/lib/crypto-agility/keys -type f") == ""
    again = play(lab, "rotate_certificates", "svc-new,svc-next", agility_authority=authority, agility_keys=KINDS)
    assert again.rc == 0 and again.changed("svc-new") == again.changed("svc-next") == 0, again.text
    back = play(lab, "rollback", "svc-new,svc-next", agility_campaign="dual")
    assert back.rc == 0, back.text
    assert {host: on(host, FACTS) for host in HOSTS} == before


def test_no_byte_of_a_key_that_shares_its_file_is_on_the_controller(lab: Lab, authority: str) -> None:
    ran = play(lab, "rotate_certificates", "svc-new", "-vvv", agility_authority=authority, agility_keys=["RSA-2048"], agility_campaign="canary")
    assert ran.rc == 0, ran.text[-3000:]
    (path,) = on("svc-new", "ls /etc/haproxy/tls/*rsa-2048*.pem").split()
    key = on("svc-new", f"sed -n '/PRIVATE KEY/,$p' {path} /etc/haproxy/tls/site.pem")
    body = [line for line in key.splitlines() if len(line) > 40]
    assert len(body) > 10
    written = "".join(file.read_text(errors="replace") for file in ran.output.rglob("*") if file.is_file())
    assert [line for line in body if line in ran.text or line in written] == []
    assert play(lab, "rollback", "svc-new", agility_campaign="canary").rc == 0


FOLDER = """global
    log stderr local0
    presetenv TLS_CURVES X25519:P-256
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
frontend web
    bind "*:${TLS_PORT}" ssl crt /etc/haproxy/certs curves "${TLS_CURVES}"
    bind :8443 ssl crt-list /etc/haproxy/list
    http-request return status 200"""


@pytest.mark.usefixtures("as_it_was")
def test_files_of_a_folder_and_of_a_list_and_a_configuration_in_pieces(lab: Lab, authority: str) -> None:
    configured(
        FOLDER,
        "mkdir -m 700 /etc/haproxy/certs && cp /etc/haproxy/tls/site.pem /etc/haproxy/certs/site.pem && chmod 640 /etc/haproxy/certs/site.pem",
        "echo '/etc/haproxy/tls/site.pem [alpn http/1.1] svc-new' >/etc/haproxy/list",
        "mkdir /etc/haproxy/conf.d && echo 'global' >/etc/haproxy/conf.d/10.cfg",
        "printf 'TLS_PORT=443\\nEXTRAOPTS=\"-f /etc/haproxy/conf.d -S /run/haproxy-master.sock\"\\n' >/etc/default/haproxy",
    )
    before = on("svc-new", FACTS)
    kinds = ["ECDSA-P384", "ML-DSA-65"]
    ran = play(lab, "rotate_certificates", "svc-new", agility_authority=authority, agility_keys=kinds, agility_campaign="folder")
    assert ran.rc == 0, ran.text
    for port in (443, 8443):
        assert served("svc-new", "mldsa65", port=port) == "mldsa65"
        assert served("svc-new", "ecdsa_secp384r1_sha384", port=port) == "ecdsa_secp384r1_sha384"
        assert "Peer signature type: ecdsa" in asked("svc-new", "-noservername", port=port), "who names no host gets the first one"
    assert on("svc-new", "stat -c '%n %a' /etc/haproxy/certs/*").splitlines()[0] == "/etc/haproxy/certs/site.pem 640"
    assert len(on("svc-new", "cat /etc/haproxy/list").splitlines()) == 2
    back = play(lab, "rollback", "svc-new", agility_campaign="folder")
    assert back.rc == 0, back.text
    assert on("svc-new", FACTS) == before


STORE = """crt-store web
    crt-base /etc/haproxy/tls
    key-base /etc/haproxy/tls
    load crt site.crt key site.key alias site
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
frontend web
    bind :443 ssl crt "@web/site"
    http-request return status 200"""


@pytest.mark.usefixtures("as_it_was")
def test_a_certificate_of_a_store_keeps_its_name(lab: Lab, authority: str) -> None:
    configured(
        STORE,
        "cd /etc/haproxy/tls && openssl pkey -in site.pem -out site.key && sed '/PRIVATE/,/PRIVATE/d' site.pem >site.crt && chmod 600 site.key",
    )
    before = on("svc-new", FACTS)
    kinds = ["ECDSA-P384", "ML-DSA-65"]
    ran = play(lab, "rotate_certificates", "svc-new", agility_authority=authority, agility_keys=kinds, agility_campaign="store")
    assert ran.rc == 0, ran.text
    assert served("svc-new", "mldsa65") == "mldsa65" and served("svc-new", "ecdsa_secp384r1_sha384") == "ecdsa_secp384r1_sha384"
    assert on("svc-new", "stat -c %a /etc/haproxy/tls/*.key").split() == ["600"] * 3
    back = play(lab, "rollback", "svc-new", agility_campaign="store")
    assert back.rc == 0, back.text
    assert on("svc-new", FACTS) == before


@pytest.mark.usefixtures("as_it_was")
def test_a_file_of_a_folder_that_everybody_can_read_is_left_alone_and_said(lab: Lab, authority: str) -> None:
    configured(
        FOLDER.replace("${TLS_PORT}", "443").replace("    bind :8443 ssl crt-list /etc/haproxy/list\n", ""),
        "mkdir /etc/haproxy/certs && cp /etc/haproxy/tls/site.pem /etc/haproxy/certs/site.pem && chmod 644 /etc/haproxy/certs/site.pem",
    )
    before = on("svc-new", FACTS)
    ran = play(lab, "rotate_certificates", "svc-new", agility_authority=authority, agility_keys=["ECDSA-P384"])
    assert "everybody can read /etc/haproxy/certs/site.pem" in str(ran.host("svc-new")["problem"]), ran.text
    assert on("svc-new", FACTS) == before


@pytest.mark.usefixtures("as_it_was")
def test_an_installed_agent_changes_defaults_and_no_bind(lab: Lab) -> None:
    assert play(lab, "install_agent", "svc-new", "-b", agility_agent_user="ops").rc == 0
    ran = play(lab, "enforce", "svc-new", "-u", "ops", agility_agent="installed")
    assert ran.rc != 0 and "is not only cryptographic directives" in ran.text and "nothing was changed" in ran.text
    on("svc-new", f"sed -i 's/ curves X25519:P-256//; s/^    ssl-default-bind-options/    ssl-default-bind-curves X25519\\n&/' {CFG}")
    on("svc-new", "systemctl reload haproxy")
    ran = play(lab, "enforce", "svc-new", "-u", "ops", agility_agent="installed")
    assert ran.rc == 0 and all(proof["proved"] for proof in ran.host("svc-new")["proofs"]), ran.text
    assert "Negotiated TLS1.3 group: X25519MLKEM768" in asked("svc-new")
