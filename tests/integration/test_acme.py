"""ACME against a real server of it (pebble): names proved by a file on real nginx and by a command for records, what is refused, and the way back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Lab, on
from .pebble import Pebble
from .test_issuers import KEYS, TLS, shown

HOST = "web-new"
WEB = "find /var/www /srv/other -mindepth 1 | xargs stat -c '%n %a %U'"
PLAIN = "mkdir -p /srv/other; printf 'server { listen 80; root /var/www/html; }\\n' >/etc/nginx/conf.d/plain.conf; nginx -s reload"
DNS = """import json, sys, urllib.request
odd, verb, name, text = sys.argv[1:]
open({log!r}, "a").write(f"{{odd}} {{verb}} {{name}}\\n")
said = {{"host": name + ".", "value": text}}
urllib.request.urlopen("http://{address}:8055/" + {{"add": "set-txt", "remove": "clear-txt"}}[verb], json.dumps(said).encode())
"""


@pytest.fixture(scope="module")
def pebble(pristine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    server = Pebble(tmp_path_factory.mktemp("pebble"))
    server.names("add-a", host=HOST, addresses=["10.91.0.11"])
    server.names("add-a", host=f"{HOST}.lab.test", addresses=["10.91.0.11"])
    on(HOST, PLAIN)
    yield server
    server.remove()


def said(pebble: Pebble, **more: object) -> dict[str, object]:
    """days: pebble's certificates are good for five years; all others of the lab are due."""
    names = {
        "issuer": "acme",
        "issuer_url": pebble.url,
        "issuer_ca": str(pebble.folder / "tls.pem"),
        "issuer_anchor": str(pebble.folder / "root.pem"),
    }
    names |= {"acme_account": str(pebble.folder / "account"), "acme_terms_agreed": True, "acme_webroot": "/var/www/html"}
    return {f"agility_{name}": value for name, value in {**names, "days": 2000, "renew_before": 900, **more}.items()}


def test_a_certificate_comes_by_http_01_is_served_and_goes_back(lab: Lab, pebble: Pebble) -> None:
    before, web = on(HOST, TLS), on(HOST, WEB)
    ran = lab.play("rotate_certificates", HOST, agility_campaign="acme", **said(pebble))
    assert ran.rc == 0 and ran.host(HOST)["status"] == "changed", ran.text
    assert all(proof["proved"] for proof in ran.host(HOST)["proofs"])
    assert ran.host(HOST)["rounds"] == 6, "four, and two for the answer in the webroot"
    root = (pebble.folder / "root.pem").read_text()
    on("client", f"printf '%s' '{root}' >/root/pebble.pem")
    seen = on("client", f"echo | openssl s_client -connect 10.91.0.11:443 -servername {HOST} -CAfile /root/pebble.pem -verify_return_error 2>&1")
    assert "Pebble Intermediate" in seen and "Verify return code: 0 (ok)" in seen, seen
    assert (on(HOST, WEB), on(HOST, KEYS)) == (web, "")
    assert lab.play("rotate_certificates", HOST, **said(pebble)).changed(HOST) == 0

    account = pebble.folder / "account"
    assert [(path.name, path.stat().st_mode & 0o777) for path in account.iterdir()] == [("account.key", 0o600)]
    line = on(HOST, "for f in /etc/nginx/tls/*.key; do sed -n 2p $f; done").split()
    mine = (account / "account.key").read_text().splitlines()[1]
    written = "".join(path.read_text(errors="replace") for top in (ran.output.parent, pebble.folder) for path in top.rglob("*") if path.is_file())
    assert len(line) == 2 and not any(one in written + ran.text for one in line), "no key of a host is on the controller"
    assert written.count(mine) == 1 and mine not in ran.text, "its own is where it belongs and nowhere else"

    back = lab.play("rollback", HOST, agility_campaign="acme")
    assert back.rc == 0 and on(HOST, TLS) == before, back.text


def test_a_refused_challenge_leaves_everything_as_it_was_and_no_answer_behind(lab: Lab, pebble: Pebble) -> None:
    before, web = on(HOST, TLS), on(HOST, WEB)
    ran = lab.play("rotate_certificates", HOST, **said(pebble, acme_webroot="/srv/other"))
    assert ran.rc != 0 and "it looked for the answer to its challenge and did not find it (unauthorized)" in ran.text, ran.text
    assert "returned 404" in ran.text and "is agility_acme_webroot the folder that is served at port 80" in ran.text, ran.text
    assert (on(HOST, TLS), on(HOST, WEB), on(HOST, KEYS)) == (before, web, "")
    asked = lab.play("rotate_certificates", HOST, **said(pebble, keys=["ECDSA-P256", "ML-DSA-65"]))
    assert asked.rc != 0 and "ACME signs no ML-DSA-65" in asked.text and "set agility_authority" in asked.text, asked.text
    assert asked.host(HOST)["rounds"] == 1 and (on(HOST, TLS), on(HOST, KEYS)) == (before, "")


def test_a_wildcard_comes_by_dns_01_with_ml_dsa_of_a_local_authority_beside_it(lab: Lab, pebble: Pebble, tmp_path: Path) -> None:
    before = on(HOST, TLS)
    log, script = tmp_path / "log", tmp_path / "dns.py"
    script.write_text(DNS.format(log=str(log), address=pebble.address))
    places = {"agility_authority": str(tmp_path / "authority"), "agility_authority_root": str(tmp_path / "roots")}
    made = lab.play("create_authority", "", agility_authority_kinds=["ML-DSA-65"], agility_authority_days=7300, **places)
    assert made.rc == 0, made.text
    odd = "$(touch /tmp/evil); 'x'"
    wanted = {"names": [HOST, f"*.{HOST}.lab.test"], "keys": ["ECDSA-P256", "ML-DSA-65"], "authority": places["agility_authority"]}
    ran = lab.play(
        "rotate_certificates",
        HOST,
        agility_campaign="both",
        **said(pebble, **wanted, acme_webroot="", acme_dns_command=[sys.executable, str(script), odd]),
    )
    assert ran.rc == 0 and ran.host(HOST)["status"] == "changed" and ran.host(HOST)["rounds"] <= 4, ran.text
    assert "Pebble Intermediate" in shown(HOST, HOST, "ecdsa_secp256r1_sha256")
    assert "ML-DSA-65" in shown(HOST, HOST, "mldsa65") and "Pebble" not in shown(HOST, HOST, "mldsa65")
    calls = [line.removeprefix(f"{odd} ") for line in log.read_text().splitlines()]
    names = [f"_acme-challenge.{name}" for name in (HOST, f"{HOST}.lab.test")]
    assert sorted(calls) == sorted(f"{verb} {name}" for verb in ("add", "remove") for name in names) and not Path("/tmp/evil").exists()
    back = lab.play("rollback", HOST, agility_campaign="both")
    assert back.rc == 0 and on(HOST, TLS) == before, back.text
